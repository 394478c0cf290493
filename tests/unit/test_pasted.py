"""Addresses as they are pasted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.pasted import addresses

pytestmark = pytest.mark.unit


PEOPLE = [("Smith, Pat", "a@b.org"), ("Lee, Sam", "c@d.org"), ("", "e@f.org")]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("a@b.org", [("", "a@b.org")]),
        ("a@b.org, c@d.org\nE@F.org", [("", "a@b.org"), ("", "c@d.org"), ("", "e@f.org")]),
        ("a@b.org c@d.org", [("", "a@b.org"), ("", "c@d.org")]),
        ("Pat Smith <A@b.org>", [("Pat Smith", "a@b.org")]),
        ('"Smith, Pat" <a@b.org>, c@d.org', [("Smith, Pat", "a@b.org"), ("", "c@d.org")]),
        ("Smith, Pat <a@b.org>; Lee, Sam <c@d.org>", [("Smith, Pat", "a@b.org"), ("Lee, Sam", "c@d.org")]),
        ("a@b.org, c@d.org; e@f.org", [("", "a@b.org"), ("", "c@d.org"), ("", "e@f.org")]),
        ("a@b.org; Lee, Sam <c@d.org>, e@f.org,", [("", "a@b.org"), ("Lee, Sam", "c@d.org"), ("", "e@f.org")]),
        ("Smith, Pat <a@b.org>, Lee, Sam <c@d.org>; e@f.org", PEOPLE),
        ("Pat Smith\ta@b.org", [("Pat Smith", "a@b.org")]),
        ("<mailto:a@b.org>", [("", "a@b.org")]),
        ("a@b.org\na@B.org\nPat <a@b.org>", [("Pat", "a@b.org")]),
        (" ,;\n\n", []),
    ],
)
def test_addresses_are_read_however_they_are_pasted(raw: str, found: list[tuple[str, str]]) -> None:
    assert [(one.name, one.address) for one in addresses(raw)] == found


@pytest.mark.parametrize(
    "raw", ["pat", "Pat Smith", "a@", "@b.org", "a@b", "a b@c@d.org", "Pat <>", "Pat <a@b.org", "é@b.org"]
)
def test_what_is_no_address_is_named_as_it_was_written(raw: str) -> None:
    assert [(one.written, one.address) for one in addresses(raw)] == [(raw, "")]


@given(st.text(alphabet='ab@.,;<>" \n\t\x00é', max_size=60))
def test_whatever_is_pasted_every_address_comes_once_and_nothing_fails(raw: str) -> None:
    found = [one.address for one in addresses(raw) if one.address]
    assert len(found) == len(set(found))
