"""Letters as people compare them."""

from __future__ import annotations

import pytest

from crm.domain.letters import unaccented

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Maple Court 12B", "maple court 12b"),
        ("PEÑA, José", "pena, jose"),
        ("Jose\u0301", "jose"),
        ("Stra\u00dfe", "strasse"),
        ("\ufb01re", "fire"),
        ("\U0001d412\U0001d413\U0001d40e\U0001d40f", "stop"),
        ("st\u200bop\ufeff", "stop"),
        ("Don\u2019t \u201cstop\u201d", "don\u2019t \u201cstop\u201d"),
        ("", ""),
    ],
    ids=ascii,
)
def test_neither_case_nor_accents_nor_invisible_signs_count(written: str, compared: str) -> None:
    assert unaccented(written) == compared
