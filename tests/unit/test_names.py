"""One meaning for each word: no two classes have the same name."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.unit.sources import texts

pytestmark = pytest.mark.unit

CLASS = re.compile(r"^ *class (\w+)", re.MULTILINE)


def test_no_two_classes_have_the_same_name() -> None:
    places = defaultdict(list)
    for path, text in texts("agi", "ari_app", "asterisk_conf", "crm"):
        for name in CLASS.findall(text):
            places[name].append(str(path))
    assert len(places) > 500
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
