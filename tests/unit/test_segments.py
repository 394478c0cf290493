"""How many segments a text takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.segments import GSM_7, GSM_7_EXTENSION, segments

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("body", "encoding", "units", "count"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("é" * 160, "GSM-7", 160, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        # The escape and its character are never parted: 76 pairs fill 152 of 153 septets.
        ("€" * 153, "GSM-7", 306, 3),
        ("[" * 76 + "a" + "b" * 153, "GSM-7", 306, 2),
        ("’" * 70, "UCS-2", 70, 1),
        ("’" * 71, "UCS-2", 71, 2),
        ("á", "UCS-2", 1, 1),
        ("\U0001f600" * 35, "UCS-2", 70, 1),
        # 33 of them fill 66 of 67 units.
        ("\U0001f600" * 67, "UCS-2", 134, 3),
        ("a" * 159 + "’", "UCS-2", 160, 3),
    ],
)
def test_counts(body: str, encoding: str, units: int, count: int) -> None:
    found = segments(body)
    assert (found.encoding, found.units, found.count) == (encoding, units, count)


def test_the_alphabet_is_complete() -> None:
    assert len(GSM_7) == 127  # 128 without the escape
    assert len(GSM_7_EXTENSION) == 10
    assert not GSM_7 & GSM_7_EXTENSION


@given(st.text(max_size=2000))
def test_pieces_hold_the_text_and_no_more_than_needed(body: str) -> None:
    found = segments(body)
    alone, part = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert (found.count == 0) == (body == "")
    if found.units <= alone:
        assert found.count <= 1
    else:
        assert found.count >= -(-found.units // part)
        assert found.count <= -(-found.units // (part - 1))
