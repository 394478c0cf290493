"""What people suffer from with other CRMs has a test here that is named after where they told of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TOLD = (
    "twenty_11372",
    "suitecrm_10773",
    "chatwoot_1459",
    "chatwoot_2811",
    "chatwoot_5115",
    "espocrm_3259",
    "espocrm_1400",
    "oca_crm_88",
    "suitecrm_7132",
    "suitecrm_8368",
    "espocrm_1387",
    "espocrm_406",
    "frappe_crm_610",
    "mautic_5795",
    "twenty_24332",
    "twenty_25749",
    "chatwoot_10028",
    "chatwoot_15869",
    "chatwoot_pr_13502",
    "frappe_crm_975",
    "frappe_crm_1352",
    "microrealestate_130",
    "chatwoot_10221",
)
"""Project and number of the report."""


def test_each_has_a_test_with_its_name() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path("tests").rglob("test_*.py")]
    named = " ".join(name for text in texts for name in re.findall(r"def (test_\w+)", text))
    assert [one for one in TOLD if not re.search(rf"{one}(?!\d)", named)] == []
