"""JSON in few bytes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.store import packing

pytestmark = pytest.mark.unit

PACKED = "01abc69b0ab0571051f9875703f50200"

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_comes_back_as_it_was_and_takes_no_more_than_as_json(value: Any) -> None:
    stored = packing.packed(value)
    assert packing.unpacked(stored) == value
    assert len(stored) <= len(msgspec.json.encode(value))
    assert msgspec.json.decode(packing.plain(stored)) == value


def test_json_is_read_as_it_is() -> None:
    assert packing.unpacked(b'{"rule": "closed"}') == {"rule": "closed"}


def test_what_was_packed_once_can_always_be_read() -> None:
    """It fails when likely_1.txt changes, with which databases are full of rows."""
    assert packing.unpacked(bytes.fromhex(PACKED)) == {"rule": "subteam", "reasons": ["The office is open.", "Zoë"]}
