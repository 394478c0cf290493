"""Properties, homes, subteams, portfolios, trunks and locations that are retired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialing import DialRefused
from crm.domain.errors import Conflict, CrmError, NotFound
from crm.domain.leads import LeadFilter, LeasingStage
from crm.domain.listings import ListingFilter
from crm.domain.tours import TourState
from crm.secrets import Secrets, of_trunk
from crm.services import follow_ups, winding_up
from crm.services.arrivals.inquiries import meant_by
from crm.services.arrivals.portals.inquiry import Inquiry
from crm.services.listings import homes
from crm.services.office import locations, portfolios, properties, subteams
from crm.services.people import contacts
from crm.services.people.identity import who_is
from crm.services.phones import devices, dialing, lines, publish, trunks
from crm.services.routing import desks
from crm.services.tours import booking, times
from crm.services.voicemail import mailboxes
from crm.store import migrate, snapshot
from crm.store.models import FollowUp, Interest, Message, Property, Task, Tour, Trunk, Unit, Voicemail
from crm.store.session import Store
from crm.views import calls as call_views
from crm.views import desks as desk_views
from crm.views import leads as lead_views
from crm.views import listings as listing_views
from crm.views import properties as property_views
from crm.views import public_listings, reports
from crm.views import tours as tour_views
from tests.store.conftest import crm_at
from tests.store.test_listings import add, publish_property
from tests.store.test_listings import publish as publish_homes
from tests.store.test_retiring import BY, MAPLE, NOW, PROSPECT, talk
from tests.store.test_tours import book, offer, person

pytestmark = [pytest.mark.store]


async def retire_maple(store: Store, config: Config) -> winding_up.WoundUp:
    await store.run(lines.retire, BY, "US", MAPLE)
    return await store.run(winding_up.retire, config, Secrets(config.secrets_file), BY, "maple")


@pytest.mark.usefixtures("office")
async def test_a_property_waits_for_its_lines(store: Store, config: Config) -> None:
    with pytest.raises(Conflict, match=r"Line \+15125550100 is for property maple"):
        await store.run(winding_up.retire, config, Secrets(config.secrets_file), BY, "maple")
    await retire_maple(store, config)
    with pytest.raises(Conflict, match="retired"):
        await store.run(lines.restore, BY, config, MAPLE)


@pytest.mark.usefixtures("office")
async def test_history_goes_on_naming_a_retired_property(store: Store, config: Config) -> None:
    await talk(store, config)
    [lead] = await store.read(lead_views.listed, NOW, LeadFilter(property="maple"))
    span = (NOW - timedelta(days=1), NOW)

    def shown(session: Session) -> object:
        return (call_views.one(session, "c"), reports.sources(session, config, *span))

    told = await store.read(shown)
    await retire_maple(store, config)
    assert (
        await store.read(lambda session: (call_views.one(session, "c"), reports.sources(session, config, *span)))
        == told
    )
    assert [one.id for one in await store.read(lead_views.listed, NOW, LeadFilter(property="maple"))] == [lead.id]
    assert [one.id for one in await store.read(call_views.listed, property_slug="maple")] == ["c"]
    # Another one of the name is another property.
    await store.run(properties.add, BY, "maple", name="New Maple")
    assert await store.read(lead_views.listed, NOW, LeadFilter(property="maple")) == []
    assert await store.read(call_views.listed, property_slug="maple") == []
    with pytest.raises(Conflict, match="already exists"):
        await store.run(winding_up.restore, BY, "maple")


@pytest.mark.usefixtures("office")
async def test_a_retired_property_takes_part_in_nothing(store: Store, config: Config) -> None:
    publish_property(store)
    listing = add(store)
    publish_homes(store, config, listing)
    await offer(store)
    await store.run(desks.put, config, BY, "resident", "agent:carol", property_slug="maple")
    await store.run(contacts.add, config, BY, "+15125550166", kind="resident", property_slug="maple")
    await retire_maple(store, config)
    assert await store.read(public_listings.property_page, "maple") is None
    assert await store.read(public_listings.page, listing, NOW) is None
    assert await store.read(listing_views.listed, NOW) == []
    assert await store.read(listing_views.count, NOW, ListingFilter()) == 0
    [gone] = await store.read(lambda session: listing_views.listed(session, NOW, retired=True))
    assert (gone.id, gone.retired_at) == (listing, NOW)
    assert await store.read(property_views.listed) == []
    assert await store.read(desk_views.listed, config) == []
    assert await store.read(tour_views.hours) == []
    office = await store.read(snapshot.now)
    assert (office.properties, office.desks_by_property, office.names(None).by_slug) == ({}, frozenset(), {})
    resident = await store.read(who_is, "+15125550166")
    assert resident.contact
    assert (resident.contact.property, resident.contact.property_id) == ("", None)
    inquiry = Inquiry(property_name="Maple Court", street="12 Maple Avenue", listing=str(listing), unit="204B")
    assert (await store.read(meant_by, inquiry, None, ["maple"], "Maple Court")).property is None
    for act in (homes.publish, homes.expire):
        with pytest.raises(NotFound):
            store.run_blocking(act, config, BY, [listing], **({"on": None} if act is homes.expire else {}))
    with pytest.raises(NotFound):
        await book(store, config, await person(store))
    # It comes back with everything but its places on the site and in the lines.
    await store.run(winding_up.restore, BY, "maple")
    assert [one.slug for one in await store.read(property_views.listed)] == ["maple"]
    assert [one.retired_at for one in await store.read(listing_views.listed, NOW)] == [None]
    assert await store.read(public_listings.property_page, "maple") is None
    assert await store.read(times.free, config, "maple", NOW)
    assert [one.property for one in await store.read(desk_views.listed, config)] == ["maple"]


@pytest.mark.usefixtures("office")
async def test_whoever_had_a_tour_is_told_and_somebody_offers_them_another_home(store: Store, config: Config) -> None:
    await offer(store)
    lead = await person(store)
    booked = await book(store, config, lead)
    ended = await retire_maple(store, config)
    assert (ended.tours, ended.listings) == (1, 0)
    with store.reading() as session:
        assert session.scalars(select(Tour.state)).one() == TourState.CANCELLED
        said = session.scalars(select(Message).where(Message.key.like("tour:%:cancelled"))).one()
        assert "Maple Court" in said.body
        task = session.scalars(select(Task).where(Task.lead_id == lead)).one()
        assert "another home" in task.why
        assert task.property_id == booked.tour.slot.property_id
    with pytest.raises(CrmError):
        await store.run(booking.move, config, Secrets(config.secrets_file), BY, booked.tour.id, NOW)
    assert [one.property for one, _ in await store.read(tour_views.listed, since=NOW, property_slug="maple")] == [
        "maple"
    ]


@pytest.mark.usefixtures("office")
async def test_nobody_is_followed_up_about_a_retired_property(store: Store, config: Config) -> None:
    await talk(store, config)
    with store.writing() as session:
        interest = session.scalars(select(Interest)).one()
        interest.stage, interest.stage_since = LeasingStage.CONTACTED, NOW
    await follow_ups.tick(crm_at(config, store))
    with store.reading() as session:
        assert "planned" in session.scalars(select(FollowUp.state)).all()
    await retire_maple(store, config)
    await follow_ups.tick(crm_at(config, store, NOW + timedelta(days=40)))
    with store.reading() as session:
        assert set(session.scalars(select(FollowUp.state))) == {"cancelled"}


@pytest.mark.usefixtures("office")
async def test_voicemail_of_what_is_retired_can_still_be_heard(store: Store, config: Config) -> None:
    await talk(store, config)
    with store.writing() as session:
        session.add(Voicemail(call_id="c", file="c.wav", seconds=3, left_at=NOW, mailbox="property:maple"))
    ended = await retire_maple(store, config)
    assert (ended.voicemails, ended.passes_to) == (1, "subteam:east")
    await store.run(subteams.retire, BY, "east")
    with store.reading() as session:
        assert session.scalars(select(Voicemail.mailbox)).one() == "office"
        assert [one.slug for one in mailboxes.people(session, "office")] == ["dana"]
    with pytest.raises(NotFound):
        await store.read(mailboxes.existing, "property:maple")


@pytest.mark.usefixtures("office")
async def test_only_what_was_never_used_is_deleted(store: Store, config: Config) -> None:
    await talk(store, config)
    await store.run(lines.retire, BY, "US", MAPLE)
    with pytest.raises(Conflict, match="on record"):
        await store.run(properties.remove, BY, "maple")
    await store.run(winding_up.retire, config, Secrets(config.secrets_file), BY, "maple")
    with pytest.raises(Conflict, match="on record"):
        await store.run(subteams.remove, BY, "east")
    listing = add_to_new(store)
    with store.writing() as session:
        unit = session.scalars(select(Unit)).one()
        session.scalars(select(Interest)).one().unit_id = unit.id
    with pytest.raises(Conflict, match="on record"):
        await store.run(homes.remove, BY, listing)


def add_to_new(store: Store) -> int:
    store.run_blocking(properties.add, BY, "oak", name="Oak Hill")
    return add(store, slug="oak")


@pytest.mark.usefixtures("office")
async def test_a_units_name_is_used_again(store: Store, config: Config) -> None:
    publish_property(store)
    listing = add(store)
    publish_homes(store, config, listing)
    await store.run(homes.retire, BY, listing)
    assert await store.read(public_listings.page, listing, NOW) is None
    assert (await store.read(listing_views.one, listing, NOW)).retired_at == NOW
    other = add(store)
    assert other != listing
    assert [one.id for one in await store.read(listing_views.listed, NOW)] == [other]
    with pytest.raises(Conflict, match="another unit 204B"):
        await store.run(homes.restore, BY, listing)
    await store.run(homes.remove, BY, other)
    await store.run(homes.restore, BY, listing)
    assert [one.state for one in await store.read(listing_views.listed, NOW)] == ["draft"]


@pytest.mark.usefixtures("office")
async def test_a_property_comes_back_without_what_is_retired_by_then(store: Store, config: Config) -> None:
    await store.run(portfolios.add, BY, "east")
    await store.run(portfolios.assign, BY, "maple", "east")
    for act in (portfolios.retire, subteams.retire):
        with pytest.raises(Conflict, match="maple"):
            await store.run(act, BY, "east")
    await retire_maple(store, config)
    for act in (portfolios.retire, subteams.retire):
        await store.run(act, BY, "east")
    restored = await store.run(winding_up.restore, BY, "maple")
    assert restored.without == ("subteam east", "portfolio east")
    await store.run(subteams.restore, BY, "east")
    assert [one.slug for one in (await store.read(snapshot.now)).teams["east"].members] == ["alice", "bob"]


@pytest.mark.usefixtures("office")
async def test_a_retired_trunk_is_dialled_by_nothing(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    how = {"host": "198.51.100.9", "auth": "digest", "username": "maple", "password": "s3cret", "emergency": True}
    await store.run(trunks.add, secrets, BY, "acme", **how)
    assert await store.read(trunks.is_last, "acme")
    crm = crm_at(config, store)
    cleared = {"number": PROSPECT, "purpose": dialing.DialPurpose.ORDER, "agent": None, "call_id": None, "live": 0}

    def written() -> str:
        return "".join(path.read_text() for path in config.asterisk_folder.rglob("*.conf"))

    await publish.publish(crm)
    assert "trunk-acme" in written()
    await store.run(trunks.retire, secrets, BY, "acme")
    await publish.publish(crm)
    assert "acme" not in written()
    assert not secrets.has(of_trunk("acme"))
    with pytest.raises(DialRefused, match="no trunk"):
        await dialing.clear(crm, **cleared)
    assert (await store.read(snapshot.now)).did_from == {}
    # Its name and its address are another's.
    await store.run(trunks.add, secrets, BY, "acme", host="198.51.100.9", auth="address")
    with pytest.raises(Conflict, match="already exists"):
        await store.run(trunks.restore, BY, "acme")
    await store.run(trunks.remove, secrets, BY, "acme")
    assert not (await store.run(trunks.restore, BY, "acme")).enabled


@pytest.mark.usefixtures("office")
async def test_a_retired_location_is_given_to_no_phone(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    where = {"address": "12 Oak Street", "callback_number": "+15125550100"}
    await store.run(locations.add, config, BY, "main", **where)
    await store.run(devices.change, config, BY, "bob-desk", location="main")
    with pytest.raises(Conflict, match="bob-desk"):
        await store.run(locations.retire, BY, "main")
    await store.run(devices.retire, secrets, BY, "bob-desk")
    await store.run(locations.retire, BY, "main")
    with pytest.raises(NotFound):
        await store.run(devices.change, config, BY, "carol-desk", location="main")
    assert (await store.run(devices.restore, secrets, BY, "bob-desk")).location is None
    await store.run(locations.add, config, BY, "main", **where)


def test_down_and_up_again_keep_what_history_is_about(url: str) -> None:
    store = Store(url)
    with store.writing() as session:
        for at in (NOW, None):
            property = Property(slug="elm", name="Elm", retired_at=at)
            session.add(Trunk(slug="acme", host="198.51.100.9", auth="address", retired_at=at))
            session.add(Unit(property=property, name="1", bedrooms=1, bathrooms=1, square_feet=None, retired_at=at))
    store.close()
    migrate.downgrade(url, "0069")
    migrate.upgrade(url)
    store = Store(url)
    with store.reading() as session:
        assert sorted(session.scalars(select(Property.slug))) == ["elm", "retired-1"]
        assert sorted(session.execute(select(Trunk.slug, Trunk.enabled))) == [("acme", True), ("retired-1", False)]
        assert sorted(session.scalars(select(Unit.name))) == ["1", "retired-1"]
    store.close()
