"""What people write about pets, fees and terms is read into types, and written so that it reads the same again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import listings
from crm.domain.errors import Invalid
from crm.domain.listings import (
    Access,
    Fee,
    Home,
    Laundry,
    ParkingKind,
    Per,
    PetPolicy,
    Pets,
    Picture,
    PropertyContent,
    Utility,
    Words,
)

pytestmark = pytest.mark.unit

D = Decimal


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("none", PetPolicy()),
        ("cats", PetPolicy((Pets("cats"),))),
        ("2 cats", PetPolicy((Pets("cats", 2),))),
        ("Cat 2, monthly $25", PetPolicy((Pets("cats", 2, monthly=D(25)),))),
        (
            "2 cats, monthly 25; 1 dog, up to 50 lb, deposit 1,300.50, monthly 35",
            PetPolicy((Pets("cats", 2, monthly=D(25)), Pets("dogs", 1, 50, D("1300.50"), D(35)))),
        ),
        (
            "dogs, 40 pounds; note: no aggressive ones; two in all",
            PetPolicy((Pets("dogs", None, 40),), "no aggressive ones; two in all"),
        ),
        ("note: ask us", PetPolicy((), "ask us")),
    ],
)
def test_pets_are_read_by_kind(text: str, policy: PetPolicy) -> None:
    assert listings.read_pets(text) == policy
    assert listings.read_pets(listings.pets_as_text(policy)) == policy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "note:",
        "0 cats",
        "cats; 2 cats",
        "cats, heavy",
        "2 cats 3",
        "cats, deposit",
        "cats, deposit -5",
        "no",
        "dogs, 0 lb",
        "cats, monthly 5, monthly 6",
        "x" * 300,
    ],
)
def test_what_says_nothing_about_pets_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        listings.read_pets(text)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", None),
        ("No pets", PetPolicy()),
        ("none", PetPolicy()),
        ("Cats and dogs", PetPolicy((Pets("cats"), Pets("dogs")))),
        ("cats allowed", PetPolicy((Pets("cats"),))),
        ("Cats only with approval", PetPolicy(note="Cats only with approval")),
    ],
)
def test_lists_from_elsewhere_say_it_in_words(text: str, policy: PetPolicy | None) -> None:
    assert listings.pets_or_note(text) == policy


def test_whether_a_kind_is_allowed() -> None:
    cats = PetPolicy((Pets("cats"),), "ask about dogs")
    assert (cats.allows("cats"), cats.allows("dogs")) == (True, False)
    assert PetPolicy().allows("cats") is False
    assert PetPolicy(note="ask us").allows("cats") is None, "only the note knows"


@pytest.mark.parametrize(
    ("text", "fees"),
    [
        ("none", ()),
        ("application 50", (Fee("application", D(50)),)),
        (
            "application $50 per applicant: credit check; Parking 1,040.50 monthly: a covered space",
            (
                Fee("application", D(50), Per.APPLICANT, "credit check"),
                Fee("Parking", D("1040.50"), Per.MONTH, "a covered space"),
            ),
        ),
        ("move in 150 once", (Fee("move in", D(150)),)),
    ],
)
def test_fees_have_an_amount_and_what_it_is_for(text: str, fees: tuple[Fee, ...]) -> None:
    assert listings.read_fees(text) == fees
    assert listings.read_fees(listings.fees_as_text(fees)) == fees


@pytest.mark.parametrize(
    "text", ["", "50", "application", "application fifty", "a 5 yearly", "a 5; A 6", "a 5.123", "a -5"]
)
def test_a_fee_without_an_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        listings.read_fees(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "abc",
            "-1",
            "1e9",
            "NaN",
            "Infinity",
            "10000000",
            "1.005",
            "1,450,00.1.1",
            "1.450",
            "14,50,000",
            "1,45,0",
        ),
        *("1.450,000", "$", "1450 EUR", "12 34", "1,450.000", "١٤٥٠"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        listings.money(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1450", "1450.00"),
        ("1450.5", "1450.50"),
        ("$1,450", "1450.00"),
        ("$1,450.00", "1450.00"),
        ("1,450 USD", "1450.00"),
        ("US$ 1450", "1450.00"),
        ("1,234,567.89", "1234567.89"),
        ("1450,50", "1450.50"),
        ("950,5", "950.50"),
        ("1.450,00", "1450.00"),
        ("1 450,00", "1450.00"),
        ("1 450", "1450.00"),
        ("0", "0.00"),
    ],
)
def test_an_amount_is_read_as_it_was_meant(text: str, amount: str) -> None:
    assert listings.money(text) == D(amount)


def test_other_values_are_read() -> None:
    assert listings.months("12, 6 12") == (6, 12)
    assert listings.position("30.2672, -97.7431") == (D("30.267200"), D("-97.743100"))
    assert listings.choices("Trash; water", Utility, "utility") == (Utility.WATER, Utility.TRASH)
    assert listings.choices("none", Utility, "utility") == ()
    assert listings.choices("none", ParkingKind, "parking") == (ParkingKind.NONE,)
    assert listings.paragraphs(" One.\r\n\r\n\r\n\r\nTwo. \n", "text") == "One.\n\nTwo."
    for wrong in ("91, 0", "0, 181", "0", "a, b", "1,2,3"):
        with pytest.raises(Invalid):
            listings.position(wrong)
    for wrong in ("x" * 4001, "a\tb", "a\x1b[31mb", "a\u202eb"):
        with pytest.raises(Invalid):
            listings.paragraphs(wrong, "text")
    for wrong in ("Texas", "T", "T1"):
        with pytest.raises(Invalid):
            listings.state(wrong)


def test_a_home_says_what_its_property_does_not() -> None:
    content = PropertyContent(pets=PetPolicy(), utilities=(Utility.WATER,), parking=(ParkingKind.LOT,))
    home = listings.read_home({"bedrooms": "1", "bathrooms": "1", "rent": "900", "pets": "cats", "utilities": "none"})
    whole = listings.with_terms_of(home, content)
    assert whole.pets == PetPolicy((Pets("cats"),))
    assert (whole.utilities, whole.parking, whole.laundry) == ((), (ParkingKind.LOT,), None)


def test_a_part_that_is_missing_in_a_language_is_read_in_english() -> None:
    words = {"en": Words("By the park", "Sunny.", "", "1 month free"), "es": Words(text="Soleado.")}
    assert listings.in_language(words, "es") == Words("By the park", "Soleado.", "", "1 month free")
    assert listings.in_language({}, "es") == Words()


lines = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=40).map(str.strip)
words = lines.filter(lambda text: text.isprintable() and not set(text) & set(";:\n"))
amounts = st.decimals(0, 9_999_999, places=2)
kinds = st.from_regex(r"[a-z][a-z-]{1,10}", fullmatch=True).filter(
    lambda kind: kind not in ("none", "no", "note", "cat", "dog", "bird", "rabbit")
)
pets = st.builds(
    Pets,
    kinds,
    st.none() | st.integers(1, 99),
    st.none() | st.integers(1, 999),
    st.none() | amounts,
    st.none() | amounts,
)
policies = st.builds(
    PetPolicy,
    st.lists(pets, max_size=4, unique_by=lambda one: one.kind).map(tuple),
    words.map(lambda text: " ".join(text.split())),
)
names = st.from_regex(r"[A-Za-z][a-z]{0,10}( [a-z]{1,10})?", fullmatch=True)
fees = st.builds(Fee, names, amounts, st.sampled_from(Per), words.map(lambda text: " ".join(text.split())))


def several(kind: Any) -> Any:
    """Of Access or Utility: in their order, each once."""
    return st.none() | st.sets(st.sampled_from(list(kind))).map(
        lambda chosen: tuple(one for one in kind if one in chosen)
    )


def not_none(kind: Any) -> Any:
    """Of ParkingKind or Laundry, among which none is one by itself."""
    others = [one for one in kind if one.value != "none"]
    return (
        st.none()
        | st.just((kind("none"),))
        | st.sets(st.sampled_from(others), min_size=1).map(lambda chosen: tuple(one for one in kind if one in chosen))
    )


spoken = st.builds(Words, words, words, st.just(""), words)
homes = st.builds(
    Home,
    bedrooms=st.integers(0, 20),
    bathrooms=st.integers(0, 99).map(lambda half: D(half) / 2).filter(lambda count: count < 100),
    square_feet=st.none() | st.integers(1, 100_000),
    rent=amounts,
    deposit=amounts,
    available_on=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    pets=st.none() | policies,
    fees=st.none() | st.lists(fees, max_size=4, unique_by=lambda one: one.name.lower()).map(tuple),
    utilities=several(Utility),
    parking=not_none(ParkingKind),
    laundry=not_none(Laundry),
    lease_months=st.none() | st.sets(st.integers(1, 60), min_size=1).map(lambda found: tuple(sorted(found))),
    accessibility=several(Access),
    words=st.dictionaries(st.sampled_from(listings.LANGUAGES), spoken.filter(lambda one: one != Words())).map(
        lambda found: dict(sorted(found.items()))
    ),
)


@given(homes)
def test_every_home_reads_the_same_again(home: Home) -> None:
    cells = listings.home_cells(home)
    assert set(cells) == set(listings.HOME_COLUMNS)
    assert listings.read_home(cells) == home
    assert listings.read_home({}, home) == home
    assert listings.checked_home(home) == home


def test_every_column_of_a_property_reads_the_same_again() -> None:
    cells = {
        **dict.fromkeys(listings.PROPERTY_COLUMNS, ""),
        "street": "100 Elm Street",
        "city": "Austin",
        "state": "TX",
        "postal_code": "78701-1234",
        "position": "30.2672, -97.7431",
        "pets": "2 cats, deposit 49.50",
        "fees": "admin 150: at signing",
        "utilities": "water, trash",
        "parking": "none",
        "laundry": "in-home",
        "lease_months": "6, 12",
        "accessibility": "step-free, elevator",
        "text_es": "Patio de ladrillo.",
        "policies_en": "No smoking.",
    }
    assert listings.property_cells(listings.read_property(cells)) == cells
    assert listings.read_property(dict.fromkeys(cells, ""), listings.read_property(cells)) == PropertyContent()


def test_pictures_are_named_by_their_hash_and_described_in_known_languages() -> None:
    good = Picture("a" * 64, {"es": " Cocina ", "en": ""})
    assert listings.checked_pictures((good,)) == (Picture("a" * 64, {"es": "Cocina"}),)
    for wrong in (
        Picture("../x"),
        Picture("A" * 64),
        Picture("a" * 64, {"fr": "Cuisine"}),
        Picture("a" * 64, {"en": "x" * 201}),
    ):
        with pytest.raises(Invalid):
            listings.checked_pictures((wrong,))
    with pytest.raises(Invalid):
        listings.checked_pictures((good,) * 41)
