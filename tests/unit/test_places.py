"""Which property is meant by what was heard."""

from __future__ import annotations

import pytest

from crm.domain.places import PlaceName, Places, unit

pytestmark = pytest.mark.unit

PLACES = Places(
    [
        PlaceName("elm", "Elm Court", "12 Elm Street", "Riverside"),
        PlaceName("maple", "Maple Court", "30 Maple Avenue", "Riverside"),
        PlaceName("birchwood", "Birchwood Apartments", "7 Lakeside Drive", "Northside"),
        PlaceName("juniper-a", "Juniper Homes East", "1 First Street"),
        PlaceName("juniper-b", "Juniper Homes West", "2 Second Street"),
    ]
)


@pytest.mark.parametrize(
    ("heard", "slugs"),
    [
        ("the one at Elm Court", ["elm"]),
        ("on elm street", ["elm"]),
        ("is it at Maple", ["maple"]),
        ("the burchwood apartments", ["birchwood"]),
        ("birch wood", ["birchwood"]),
        ("lake side drive", ["birchwood"]),
        ("Lakeside", ["birchwood"]),
        ("juniper", ["juniper-a", "juniper-b"]),
        ("juniper homes west", ["juniper-b"]),
        ("anything in Riverside", ["elm", "maple"]),
        ("do you have a two bedroom", []),
        ("", []),
    ],
)
def test_a_property_is_found_by_what_people_call_it(heard: str, slugs: list[str]) -> None:
    found = PLACES.find(heard)
    assert list(found.slugs if found else ()) == slugs


@pytest.mark.parametrize(
    ("heard", "door"),
    [
        ("unit 204", "204"),
        ("apartment 12 B", "12B"),
        ("is number 7 free", "7"),
        ("a two bedroom apartment", ""),
        ("unit a", ""),
    ],
)
def test_units(heard: str, door: str) -> None:
    assert unit(heard) == door


def test_of_a_few_that_were_named_half_a_name_is_enough() -> None:
    known = Places([PlaceName("elm", "Elm Court"), PlaceName("maple", "Maple Court"), PlaceName("oak", "Oak Park")])
    assert known.find("elms") is None
    found = known.among(("elm", "maple")).find("elms", loosely=True)
    assert found
    assert found.slugs == ("elm",)
    assert known.among(("elm", "maple")).find("oak park", loosely=True) is None
