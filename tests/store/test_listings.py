"""Listings and properties, version by version: what is written, what the public sees, and what it saw."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, func, select

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.listings import ListingFilter
from crm.services.audit import By
from crm.services.listings import answers, homes, profiles
from crm.services.listings.versions import Written
from crm.services.office import properties
from crm.services.phones import lines
from crm.store.models import AuditEntry, ContentVersion, Listing, Publication
from crm.store.session import Store
from crm.views import answers as answer_views
from crm.views import listings as views
from crm.views import public_listings, versions
from crm.views.answers import AnswerEntry
from crm.views.listing_parts import FeeEntry, PetEntry, PetsEntry
from crm.views.public_listings import Card
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

DAY = timedelta(days=1)
ADDRESS = {"street": "12 Maple Avenue", "city": "Austin", "state": "tx", "postal_code": "78701"}
HOME = {
    "bedrooms": "2",
    "bathrooms": "1.5",
    "rent": "1,450",
    "available_on": "2026-04-01",
    "headline_en": "By the park",
}


def by(at: datetime = NOW, who: str = "alice") -> By:
    return By(who, at)


def publish_property(store: Store, slug: str = "maple", **cells: str) -> None:
    store.run_blocking(profiles.change, by(), slug, {**ADDRESS, **cells})
    store.run_blocking(profiles.publish, by(), slug)


def add(store: Store, unit: str = "204B", slug: str = "maple", **cells: str) -> int:
    return store.run_blocking(homes.add, by(), slug, unit, {**HOME, **cells}).id


def publish(store: Store, config: Config, *ids: int, at: datetime = NOW, **how: object) -> int:
    return store.run_blocking(homes.publish, config, by(at, "dana"), ids, **how)  # type: ignore[arg-type]


def change(store: Store, listing: int, at: datetime = NOW, **cells: str) -> Written:
    return store.run_blocking(homes.change, by(at), listing, cells)


def page(store: Store, listing: int, at: datetime = NOW, language: str = "en") -> public_listings.Page | None:
    return store.read_blocking(public_listings.page, listing, at, language)


def detail(store: Store, listing: int, now: datetime = NOW, **when: object) -> views.ListingDetail:
    return store.read_blocking(views.one, listing, now, **when)  # type: ignore[arg-type]


async def test_a_home_is_public_once_it_and_its_property_are_published(store: Store, config: Config) -> None:
    listing = add(store)
    with pytest.raises(Conflict, match="Property maple is not published"):
        publish(store, config, listing)
    assert page(store, listing) is None
    publish_property(store, text_en="A quiet court.")
    assert page(store, listing) is None, "the home itself is still a draft"
    assert publish(store, config, listing) == 1
    assert publish(store, config, listing) == 0
    shown = page(store, listing)
    assert shown is not None
    assert (shown.unit, shown.rent, shown.available_on) == ("204B", Decimal("1450.00"), date(2026, 4, 1))
    assert (shown.address.city, shown.address.state, shown.about) == ("Austin", "TX", "A quiet court.")
    store.run_blocking(profiles.unpublish, by(), "maple")
    assert page(store, listing) is None, "without its property nobody sees it"
    assert not detail(store, listing).public


async def test_what_a_home_does_not_say_is_as_its_property_says(store: Store, config: Config) -> None:
    publish_property(
        store, pets="2 cats, monthly 25", fees="application 50 per applicant: credit check", utilities="water"
    )
    plain, own = add(store, "1"), add(store, "2", pets="none", fees="none", utilities="heat, water")
    publish(store, config, plain, own)
    shared, other = page(store, plain), page(store, own)
    assert shared is not None
    assert other is not None
    assert shared.terms.pets == PetsEntry([PetEntry("cats", 2, None, None, Decimal("25.00"))], "")
    assert shared.terms.fees == [FeeEntry("application", Decimal("50.00"), "per applicant", "credit check")]
    assert (shared.terms.utilities, shared.terms.parking) == (["water"], None)
    assert other.terms.pets == PetsEntry([], "")
    assert (other.terms.fees, other.terms.utilities) == ([], ["water", "heat"])
    cats = ListingFilter(pets="cats")
    assert [card.unit for card in store.read_blocking(public_listings.cards, NOW, cats)] == ["1"]


async def test_a_changed_price_is_public_at_once_and_the_one_before_stays_on_record(
    store: Store, config: Config
) -> None:
    publish_property(store)
    listing = add(store)
    publish(store, config, listing, at=NOW + DAY)
    change(store, listing, at=NOW + 3 * DAY, rent="1500")
    assert not change(store, listing, at=NOW + 4 * DAY, rent="1500.00").is_new
    later = NOW + 10 * DAY
    shown = page(store, listing, later)
    assert shown is not None
    assert (shown.version, shown.rent) == (2, Decimal("1500.00"))
    at = {days: detail(store, listing, later, at=NOW + days * DAY) for days in (0, 2, 3, 9)}
    assert {days: (one.version, one.rent, one.public) for days, one in at.items()} == {
        0: (1, Decimal("1450.00"), False),
        2: (1, Decimal("1450.00"), True),
        3: (2, Decimal("1500.00"), True),
        9: (2, Decimal("1500.00"), True),
    }
    assert detail(store, listing, version=1).rent == Decimal("1450.00")
    with pytest.raises(NotFound):
        detail(store, listing, version=3)
    with pytest.raises(NotFound):
        detail(store, listing, at=NOW - DAY)
    told = store.read_blocking(versions.history, listing)
    assert [(one.version, one.public_from, one.public_until, one.decided_by) for one in told] == [
        (1, NOW + DAY, NOW + 3 * DAY, "dana"),
        (2, NOW + 3 * DAY, None, "alice"),
    ]


async def test_what_was_quoted_is_shown_with_the_property_as_it_was(store: Store, config: Config) -> None:
    publish_property(store, fees="application 40")
    listing = add(store)
    publish(store, config, listing)
    store.run_blocking(profiles.change, by(NOW + 5 * DAY), "maple", {"fees": "application 60"})
    then, today = detail(store, listing, NOW + 9 * DAY, at=NOW + DAY), detail(store, listing, NOW + 9 * DAY)
    assert then.terms.fees == [FeeEntry("application", Decimal("40.00"), "once", "")]
    assert today.terms.fees == [FeeEntry("application", Decimal("60.00"), "once", "")]
    assert (then.property_version, today.property_version) == (1, 2)


async def test_words_that_exclude_keep_a_listing_from_the_public_until_somebody_decides(
    store: Store, config: Config
) -> None:
    publish_property(store)
    listing = add(store, text_en="Sunny. No children.")
    with pytest.raises(Conflict, match=r"text \(en\), character 8: “No children”") as refused:
        publish(store, config, listing)
    assert refused.value.facts["findings"] == detail(store, listing).findings
    assert page(store, listing) is None
    publish(store, config, listing, despite="55+ exemption, see file 12")
    [told] = store.read_blocking(versions.history, listing)
    assert (told.decided_by, told.despite) == ("dana", "55+ exemption, see file 12")
    assert told.findings[0].startswith("text (en), character 8: “No children”")
    with store.reading() as session:
        noted = [one.what for one in session.scalars(select(AuditEntry).where(AuditEntry.who == "dana"))]
    assert f"listing {listing} published: version 1, despite its words: 55+ exemption, see file 12" in noted
    # What is accepted needs no second decision; what is new does, and the public goes on reading what it read.
    change(store, listing, rent="1500")
    shown = page(store, listing)
    assert shown is not None
    assert (shown.version, shown.rent) == (2, Decimal("1500.00"))
    written = store.run_blocking(homes.change, by(), listing, {"text_es": "Solo adultos."})
    assert [one.words for one in written.waits] == ["Solo adultos"]
    shown = page(store, listing, language="es")
    assert shown is not None
    assert (shown.version, shown.text) == (2, "Sunny. No children.")
    [row] = store.read_blocking(views.listed, NOW, ListingFilter(state="changed"))
    assert (row.id, row.version, row.latest, row.state) == (listing, 2, 3, "changed")
    with pytest.raises(Conflict, match="Solo adultos"):
        publish(store, config, listing)
    change(store, listing, text_es="Para todos.")
    shown = page(store, listing, language="es")
    assert shown is not None
    assert (shown.version, shown.text) == (4, "Para todos.")


async def test_a_listing_expires_by_itself_at_the_end_of_its_last_day(store: Store, config: Config) -> None:
    publish_property(store)
    listing = add(store)
    publish(store, config, listing, until=date(2026, 3, 5))
    last = datetime.fromisoformat("2026-03-05T23:59:59-06:00")
    assert page(store, listing, last) is not None
    over = last + timedelta(seconds=2)
    assert page(store, listing, over) is None
    assert detail(store, listing, over).state == "expired"
    assert store.read_blocking(public_listings.cards, over) == []
    assert [one.id for one in store.read_blocking(views.listed, over, ListingFilter(state="expired"))] == [listing]
    assert detail(store, listing, over + DAY, at=last).public
    assert not detail(store, listing, over + DAY, at=over).public
    with pytest.raises(Conflict, match="not published"):
        store.run_blocking(homes.expire, config, by(over), [listing], None)
    # Published again, it ended in between.
    publish(store, config, listing, at=over + 3 * DAY)
    again = over + 4 * DAY
    assert page(store, listing, again) is not None
    assert [detail(store, listing, again, at=when).public for when in (last, over, again)] == [True, False, True]
    for day, when in ((date(2026, 3, 1), "over"), (date(2026, 2, 1), "over")):
        with pytest.raises(Invalid, match=when):
            store.run_blocking(homes.expire, config, by(again), [listing], day)
    store.run_blocking(homes.expire, config, by(again), [listing], date(2026, 4, 1))
    change(store, listing, at=again, rent="999")
    assert page(store, listing, again + 30 * DAY) is None, "the day stays when the price changes"
    store.run_blocking(homes.expire, config, by(again), [listing], None)
    assert page(store, listing, again + 300 * DAY) is not None


async def test_several_are_published_together_or_none_is(store: Store, config: Config) -> None:
    publish_property(store)
    good, bad = add(store, "1"), add(store, "2", text_en="Adults only.")
    with pytest.raises(Conflict):
        publish(store, config, good, bad)
    with pytest.raises(NotFound):
        publish(store, config, good, 999)
    assert page(store, good) is None
    assert store.run_blocking(homes.unpublish, by(), [good]) == 0
    publish(store, config, good)
    assert store.run_blocking(homes.unpublish, by(), [good, bad]) == 1
    assert page(store, good) is None


async def test_a_property_needs_an_address_before_it_is_public(store: Store) -> None:
    with pytest.raises(Invalid, match="no street"):
        store.run_blocking(profiles.publish, by(), "maple")
    store.run_blocking(profiles.change, by(), "maple", {**ADDRESS, "position": "30.2672,-97.7431"})
    assert store.run_blocking(profiles.publish, by(), "maple")
    assert not store.run_blocking(profiles.publish, by(), "maple")
    shown = store.read_blocking(public_listings.property_page, "maple")
    assert shown is not None
    assert (shown.address.latitude, shown.address.longitude) == (Decimal("30.267200"), Decimal("-97.743100"))
    store.run_blocking(profiles.unpublish, by(), "maple")
    store.run_blocking(lines.remove, by(), "US", "+15125550100")
    with pytest.raises(Conflict, match="is on record"):
        store.run_blocking(properties.remove, by(), "maple")


async def test_a_property_that_was_never_public_goes_with_all_it_said(store: Store) -> None:
    store.run_blocking(properties.add, by(), "oak")
    add(store, "1", "oak")
    store.run_blocking(profiles.change, by(), "oak", ADDRESS)
    store.run_blocking(answers.give, by(), "oak", "schools", "Ask the district.", "en")
    store.run_blocking(properties.remove, by(), "oak")
    with store.reading() as session:
        for model in (Listing, ContentVersion, Publication):
            assert session.scalar(select(func.count()).select_from(model)) == 0


async def test_lists_are_narrowed_and_paged_by_key(store: Store, config: Config) -> None:
    publish_property(store, pets="cats")
    store.run_blocking(properties.add, by(), "oak")
    publish_property(store, "oak")
    made = [
        add(store, "1", rent="900", bedrooms="0", pets="dogs"),
        add(store, "2", rent="1200", bedrooms="1", available_on=""),
        add(store, "3", rent="1200", bedrooms="2", available_on="2026-06-01"),
        add(store, "1", "oak", rent="1100", bedrooms="2"),
    ]
    publish(store, config, *made)
    draft = add(store, "4", rent="100")

    def found(**wanted: object) -> list[int]:
        return [one.id for one in store.read_blocking(public_listings.cards, NOW, ListingFilter(**wanted))]  # type: ignore[arg-type]

    assert found() == [made[0], made[3], made[1], made[2]]
    assert found(property="maple") == [made[0], made[1], made[2]]
    assert found(bedrooms=2) == [made[3], made[2]]
    assert found(bedrooms=0) == [made[0]]
    assert found(rent_from=Decimal(1100), rent_to=Decimal(1100)) == [made[3]]
    assert found(available_by=date(2026, 4, 1)) == [made[0], made[3]]
    assert found(pets="cats") == [made[1], made[2]]
    assert found(pets="dogs") == [made[0]]
    assert [one.id for one in store.read_blocking(views.listed, NOW, ListingFilter(state="draft"))] == [draft]
    assert store.read_blocking(views.count, NOW, ListingFilter(state="published")) == 4
    pages, after = [], None
    while entries := store.read_blocking(public_listings.cards, NOW, after=after, limit=2):
        pages.append([one.id for one in entries])
        after = (entries[-1].rent, entries[-1].id)
    assert pages == [[made[0], made[3]], [made[1], made[2]]]


async def test_a_page_takes_three_statements_and_what_is_known_takes_none(store: Store, config: Config) -> None:
    publish_property(store)
    made = [add(store, str(number)) for number in range(5)]
    publish(store, config, *made)
    store.run_blocking(answers.give, by(), "maple", "schools", "Ask the district.", "en")
    known: dict[int, Card] = {}
    answered: dict[int, list[AnswerEntry]] = {}
    for read, most in (
        (lambda session: public_listings.page(session, made[0], NOW, known=answered), 3),
        # The next home of the property.
        (lambda session: public_listings.page(session, made[1], NOW, known=answered), 2),
        (lambda session: public_listings.cards(session, NOW, known=known), 3),
        (lambda session: public_listings.cards(session, NOW, known=known), 1),
    ):
        with store.reading() as session:
            seen: list[str] = []
            event.listen(session.get_bind(), "before_cursor_execute", lambda *call, seen=seen: seen.append(call[2]))
            assert read(session)
        assert 1 <= len([statement for statement in seen if statement != "BEGIN"]) <= most, seen


async def test_a_property_answers_before_the_office_and_in_the_language_asked(store: Store) -> None:
    def give(slug: str | None, topic: str, text: str, language: str = "en", at: datetime = NOW, **how: str) -> int:
        return store.run_blocking(answers.give, by(at), slug, topic, text, language, **how)

    assert give(None, "vouchers", "We welcome vouchers.") == 1
    assert give(None, "vouchers", "Aceptamos vales.", "es") == 1
    assert give("maple", "vouchers", "Vouchers are welcome at Maple.", at=NOW + DAY) == 1
    assert give("maple", "vouchers", "Vouchers are welcome at Maple.", at=NOW + 2 * DAY) == 1, "nothing new"
    assert give("maple", "vouchers", "Bring your voucher.", at=NOW + 3 * DAY) == 2
    read, answer = store.read_blocking, answer_views.answer
    assert read(answer, "maple", "vouchers", "en").text == "Bring your voucher."
    assert read(answer, "maple", "vouchers", "en", at=NOW + 2 * DAY).text == "Vouchers are welcome at Maple."
    assert read(answer, "maple", "vouchers", "en", at=NOW).text == "We welcome vouchers."
    assert read(answer, "maple", "vouchers", "es").text == "Aceptamos vales."
    give("maple", "vouchers", "", at=NOW + 4 * DAY)
    assert read(answer, "maple", "vouchers", "en").property is None, "taken back, so the office's holds"
    with pytest.raises(NotFound):
        read(answer, "maple", "parking", "en")
    with pytest.raises(Conflict, match="source of income"):
        give("maple", "vouchers", "We do not accept vouchers.")
    assert give("maple", "vouchers", "We do not accept vouchers.", despite="counsel, 3 March") == 4
    with pytest.raises(Invalid):
        give("maple", "vouchers", "Hola", "fr")
    assert {(one.language, one.property) for one in read(answer_views.answers_of, "maple")} == {
        ("en", "maple"),
        ("es", None),
    }


async def test_two_listings_of_one_home_and_a_home_without_a_rent_are_refused(store: Store) -> None:
    first = add(store)
    with pytest.raises(Conflict, match=f"listing {first} already"):
        add(store)
    with pytest.raises(Invalid, match="needs rent"):
        store.run_blocking(homes.add, by(), "maple", "9", {"bedrooms": "1", "bathrooms": "1"})
    with pytest.raises(Invalid, match="needs rent"):
        change(store, first, rent="")
    with pytest.raises(NotFound):
        change(store, 999, rent="1")
