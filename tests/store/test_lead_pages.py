"""What the console's pages of leads and listings read, and the acts that only they need."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.access import Reach
from crm.domain.blocks import Members
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeadFilter, LeasingStage
from crm.services import assignment, tasks
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.people import intake, leads, merging
from crm.store.models import Activity, Agent, Interest, Lead, Notice, Organization, Property, Subteam
from crm.store.session import Store
from crm.views import choices, lead_export, listing_sheets, merge_preview
from crm.views import leads as views
from crm.views.listing_sheets import Lacking
from tests.store.conftest import NOW

pytestmark = pytest.mark.store

CONFIG = Config(Path("/nowhere"))
BY = By("dana", NOW)


@pytest.fixture
def session(store: Store):
    with store.writing() as session:
        alice, bob, dana = (Agent(slug=name, name=name.title(), on_duty=True) for name in ("alice", "bob", "dana"))
        session.add_all([alice, bob, dana])
        session.flush()
        north = Subteam(slug="north", name="North", members=[alice, bob])
        session.add(Organization(name="Maple", admin_agent_id=dana.id))
        session.add_all([Property(slug="elm", name="Elm", subteam=north), Property(slug="oak", name="Oak")])
        session.flush()
        yield session


def add(session: Session, phone: str, name: str = "", property: str | None = None, minutes: int = 0) -> Lead:
    by = By("dana", NOW - timedelta(minutes=minutes))
    lead, _ = leads.add(session, CONFIG, by, name=name, phones=[phone], property_slug=property)
    return lead


def reach(session: Session, slug: str) -> Reach:
    return Reach(frozenset(session.scalars(select(Property.id).where(Property.slug == slug))))


def phones(count: int) -> list[str]:
    return [f"+1512555{1000 + number}" for number in range(count)]


def test_open_leads_come_in_order_whatever_their_status_is(session: Session) -> None:
    ids = [add(session, phone, minutes=number).id for number, phone in enumerate(phones(9))]
    for id in ids[::2]:
        leads.log(session, CONFIG, BY, id, "meeting", "met", NOW)
    leads.change(session, CONFIG, BY, ids[3], status="closed", reason="rented elsewhere")
    expected = [id for id in ids if id != ids[3]]
    found, after = [], None
    while page := views.listed(session, NOW, LeadFilter(status="open"), after=after, limit=3):
        found += [one.id for one in page]
        after = page[-1].created_at, page[-1].id
    assert found == expected
    assert [one.id for one in views.listed(session, NOW, LeadFilter(status="open"), reach=Reach(frozenset()))] == []


def test_many_are_given_in_turn_and_each_agent_is_told_once(session: Session) -> None:
    ids = [add(session, phone, property="elm").id for phone in phones(7)]
    assert assignment.several(session, CONFIG, BY, ids, None, in_turn=True) == 7
    owners = [session.get_one(Lead, id).assigned_agent.slug for id in ids]
    assert owners == ["alice", "bob"] * 3 + ["alice"]
    subjects = sorted(session.scalars(select(Notice.subject)))
    assert subjects == ["3 leads are yours now", "4 leads are yours now"]
    assert assignment.several(session, CONFIG, BY, ids, "bob") == 4
    assert assignment.several(session, CONFIG, BY, ids, "bob") == 0
    told = session.scalars(select(Notice.text).order_by(Notice.id.desc())).first()
    assert told is not None
    assert "are no longer yours" in told
    assert assignment.several(session, CONFIG, By("bob", NOW), ids[:1], None) == 1
    entries = session.scalars(select(Activity.text).where(Activity.lead_id == ids[0], Activity.kind == "Assigned"))
    assert list(entries) == ["Given to Alice.", "Given to Bob.", "Taken from Bob."]


def test_nobody_is_given_what_nobody_can_take(session: Session) -> None:
    lead = add(session, phones(1)[0])
    with pytest.raises(NotFound):
        assignment.several(session, CONFIG, BY, [lead.id], "nobody-here")
    with pytest.raises(Invalid):
        assignment.several(session, CONFIG, BY, range(assignment.MOST + 1), "bob")
    for agent in session.scalars(select(Agent)):
        agent.on_duty = False
    session.flush()
    with pytest.raises(Conflict):
        assignment.several(session, CONFIG, BY, [lead.id], None, in_turn=True)


def test_of_a_lead_seen_by_one_property_the_file_has_nothing_of_others(session: Session) -> None:
    both = add(session, phones(1)[0], property="elm")
    oak = session.scalars(select(Property).where(Property.slug == "oak")).one()
    intake.interest_in(both, oak.id, NOW)
    other = add(session, phones(2)[1], property="oak")
    tasks.add(session, CONFIG, BY, both.id, "call", NOW + timedelta(hours=1), "bob")
    session.flush()
    rows, after = lead_export.page(session, NOW, LeadFilter(), 0, reach=reach(session, "elm"))
    assert after is None
    assert [(row.id, row.interests, row.next_action) for row in rows] == [(both.id, ("elm=contacted",), "call")]
    whole, after = lead_export.page(session, NOW, LeadFilter(), 0, limit=1)
    assert after == both.id
    assert whole[0].interests == ("elm=contacted", "oak=contacted")
    assert views.ids(session, NOW, LeadFilter(), reach(session, "oak"), limit=9) == [both.id, other.id]
    assert views.ids(session, NOW, LeadFilter(), after=both.id, limit=9) == [other.id]
    assert views.within(session, [both.id, other.id, 4711], reach(session, "elm")) == [both.id]


def test_the_preview_of_a_merge_is_what_it_becomes(session: Session) -> None:
    one, other = (
        add(session, phone, name, property="elm", minutes=number)
        for number, (phone, name) in enumerate(zip(phones(2), ("Pat", "Patricia"), strict=True))
    )
    leads.change(session, CONFIG, BY, one.id, email="pat@example.com", status="closed", reason="gone")
    leads.change(session, CONFIG, BY, other.id, email="patricia@example.com", budget="1500", pets="dog")
    assignment.by_hand(session, CONFIG, BY, other.id, "bob")
    tasks.add(session, CONFIG, BY, other.id, "call", NOW + timedelta(hours=1), "bob")
    stage = session.scalars(select(Interest).where(Interest.lead_id == other.id)).one()
    stage.stage = LeasingStage.SHOWING_BOOKED
    session.flush()
    kept, gone = one.id, other.id
    preview = merge_preview.of(session, kept, gone, NOW)
    entries = len(views.timeline(session, gone))
    assert (preview.tasks, preview.entries) == (1, entries)
    merging.merge(session, CONFIG, BY, str(kept), str(gone))
    became = views.card(session, kept, NOW)
    for name in became.__struct_fields__:
        if name not in ("next_action", "interests", "further_emails"):
            assert getattr(preview.merged, name) == getattr(became, name), name
    assert sorted(preview.merged.further_emails) == sorted(became.further_emails)
    assert [(a.property, a.stage) for a in preview.merged.interests] == [
        (b.property, b.stage) for b in became.interests
    ]
    assert [entry.gone for entry in views.merges(session, kept)] == [gone]
    with pytest.raises(NotFound):
        merge_preview.of(session, kept, 4711, NOW)


def test_what_people_choose_from_is_within_reach_and_no_longer_than_anybody_reads(session: Session) -> None:
    assert choices.properties(session) == [("elm", "Elm"), ("oak", "Oak")]
    assert choices.properties(session, reach(session, "elm")) == [("elm", "Elm")]
    assert choices.subteams(session) == [("north", "North")]
    assert choices.subteams(session, reach(session, "oak")) == []
    assert choices.agents(session, most=2) == []
    assert [slug for slug, _ in choices.agents(session, most=3)] == ["alice", "bob", "dana"]


def test_a_listing_says_what_it_lacks(session: Session) -> None:
    cells = {"bedrooms": "2", "bathrooms": "1", "rent": "1450"}
    listing = homes.add(session, BY, "elm", "204", cells)
    sheet = listing_sheets.one(session, listing.id, NOW, reach(session, "elm"))
    assert sheet.lacks == [Lacking.PROPERTY, Lacking.TEXT, Lacking.SPANISH, Lacking.PICTURES, Lacking.AVAILABLE]
    homes.change(session, BY, listing.id, {"text_en": "No children.", "available_on": "2026-04-01"})
    sheet = listing_sheets.one(session, listing.id, NOW)
    assert sheet.lacks == [Lacking.PROPERTY, Lacking.SPANISH, Lacking.PICTURES, Lacking.DECISION]
    assert (sheet.latest, sheet.cells["available_on"], len(sheet.history)) == (2, "2026-04-01", 2)
    assert [one.version for one in sheet.history] == [2, 1]
    with pytest.raises(NotFound):
        listing_sheets.one(session, listing.id, NOW, reach(session, "oak"))
    homes.retire(session, BY, listing.id)
    session.flush()
    with pytest.raises(NotFound):
        listing_sheets.one(session, listing.id, NOW)


def test_a_set_of_ids_knows_who_is_in_it() -> None:
    members = Members()
    for id in (1, 1023, 1024, 5_000_000):
        members.add(id)
    assert [id for id in (0, 1, 1022, 1023, 1024, 4711, 5_000_000) if id in members] == [1, 1023, 1024, 5_000_000]
    assert None not in members
