"""Any part of a page has two layouts, one on narrow screens and one on wide ones: what the browser's tests see
on a phone and on a desktop is all there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import crm.web

pytestmark = pytest.mark.unit

STYLES = sorted((Path(crm.web.__path__[0]) / "templates").glob("*/style.css"))
PHONE, DESKTOP = 390 / 16, 1280 / 16
"""rem."""


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.parent.name)
def test_each_layout_is_that_of_a_phone_or_of_a_desktop(style: Path) -> None:
    asked = re.findall(r"@(?:media|container) ([^{]*width[^{]*?) *\{", style.read_text(encoding="utf-8"))
    assert asked
    for condition in asked:
        one = re.fullmatch(r"(not )?\((min|max)-width: (\d+)rem\)", condition)
        assert one, f"{condition} asks for more than one end of the width"
        is_for_wide = (one[2] == "min") is not bool(one[1])
        assert int(one[3]) <= DESKTOP if is_for_wide else int(one[3]) >= PHONE, f"{condition} is of no tested screen"
