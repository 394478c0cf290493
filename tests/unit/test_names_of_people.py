"""Whether two names may be one person's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.edge import names

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pat Smith", "pat SMITH"),
        ("Pat Smith", "Smith, Pat"),
        ("Pat", "Pat Smith"),
        ("Pat Smith", "Patricia Smith"),
        ("Pat Smith", "Patricia"),
        ("José Núñez", "Jose Nunez"),
        ("Jon Smith", "John Smith"),
    ],
)
def test_one_name_is_written_in_many_ways(one: str, other: str) -> None:
    assert names.are_same(one, other)
    assert names.are_same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Pat Smith", "Chris Smith", False),
        ("Pat Smith", "Chris Jones", False),
        ("Sam Lee", "Sam Li", False),
        ("李雷", "韩梅梅", False),
        ("Maria Garcia", "Mario Garcia", True),
        ("Pat Smith", "Pat Smyth", True),
    ],
)
def test_other_names_are_other_people_s_and_some_are_asked_about(one: str, other: str, alike: bool) -> None:
    assert not names.are_same(one, other)
    assert names.are_alike(one, other) is alike


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_are_compared_and_the_order_does_not_matter(one: str, other: str) -> None:
    assert names.are_same(one, other) == names.are_same(other, one)
    assert names.are_same(one, one)
