"""Leads by hand: added, changed, closed, assigned, noted, and found by filters."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeadEvent, LeadFilter, LeadStatus, LeasingStage, read_filter
from crm.services import assignment, tasks
from crm.services.audit import By
from crm.services.people import filters, intake, leads, standing
from crm.store.models import Agent, Lead, Mail, Organization, Property
from crm.store.session import Store
from crm.views import leads as views
from crm.views import proposals
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
HOUR = timedelta(hours=1)


def detail(store: Store, lead_id: int, now: datetime = NOW) -> views.LeadDetail:
    with store.reading() as session:
        return views.one(session, lead_id, now)


async def add(store: Store, config: Config, **given: object) -> int:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, **given)  # type: ignore[arg-type]
        return lead.id


async def test_the_same_number_or_address_joins_the_lead_that_is_there(store: Store, config: Config) -> None:
    first = await add(store, config, name="Pat Smith", phones=["(512) 555-0188"], property_slug="maple")
    again = await add(store, config, name="Patricia", phones=["512.555.0188"], email="Pat@Example.com")
    third = await add(store, config, phones=["+1 512 555 0190"], email="pat@example.com")
    assert first == again == third
    found = detail(store, first)
    assert (found.name, found.email) == ("Pat Smith", "Pat@Example.com"), "what is known stays"
    assert found.phones == ["+15125550188", "+15125550190"]
    assert [entry.text for entry in found.timeline] == ["Entered by hand."] + ["Entered by hand again."] * 2
    assert {entry.by for entry in found.timeline} == {"alice"}
    assert [interest.property for interest in found.interests] == ["maple"]


async def test_a_further_address_is_kept_and_who_may_be_somebody_else_is_decided_by_a_person(
    store: Store, config: Config
) -> None:
    pat = await add(store, config, name="Pat Smith", phones=["5125550188"], email="pat@example.com")
    assert await add(store, config, name="Pat Smith", phones=["5125550188"], email="pat@work.example") == pat
    sam = await add(store, config, name="Sam Jones", phones=["5125550188", "5125550191"], email="sam@example.com")
    kim = await add(store, config, name="Kim Lee", phones=["5125550192"], email="pat@example.com")
    assert len({pat, sam, kim}) == 3
    with store.reading() as session:
        assert {one.address for one in session.get_one(Lead, pat).emails} == {"pat@example.com", "pat@work.example"}
        found = {(one.lead, one.other, one.reason) for one in proposals.listed(session)}
    assert found == {(pat, sam, "same_phone"), (pat, kim, "same_email")}
    assert (detail(store, sam).phones, detail(store, sam).email) == (["+15125550191"], "sam@example.com")
    assert detail(store, kim).phones == ["+15125550192"]


async def test_number_and_address_of_two_leads_are_not_thrown_together(store: Store, config: Config) -> None:
    one = await add(store, config, phones=["5125550188"])
    other = await add(store, config, email="pat@example.com")
    with pytest.raises(Conflict, match=f"{one} and {other}"):
        await add(store, config, phones=["5125550188"], email="pat@example.com")
    with pytest.raises(Conflict), store.writing() as session:
        leads.change(session, config, BY, str(other), add_phone="5125550188")


async def test_our_own_lines_and_nobody_at_all_are_no_leads(store: Store, config: Config) -> None:
    for wrong in ({"phones": ["+15125550100"]}, {}, {"phones": ["12"]}, {"email": "pat"}, {"name": "\x1b[2J"}):
        with pytest.raises(Invalid):
            await add(store, config, **wrong)
    with store.reading() as session:
        assert session.scalars(select(Lead)).all() == []


async def test_owners_are_leads_only_where_the_office_manages_for_owners(store: Store, config: Config) -> None:
    with pytest.raises(Conflict):
        await add(store, config, phones=["5125550188"], kind="owner")
    with store.writing() as session:
        session.execute(update(Organization).values(manages_for_owners=True))
    owner = await add(store, config, phones=["5125550188"], kind="owner")
    assert detail(store, owner).kind == "owner"
    with store.writing() as session:
        session.execute(update(Organization).values(manages_for_owners=False))
        # A form that shows the whole card sends what has not changed, too.
        leads.change(session, config, BY, str(owner), name="Olive", kind="owner")
    assert (detail(store, owner).name, detail(store, owner).kind) == ("Olive", "owner")
    tenant = await add(store, config, phones=["5125550189"])
    with store.writing() as session, pytest.raises(Conflict):
        leads.change(session, config, BY, str(tenant), kind="owner")


async def test_a_lead_is_hot_until_somebody_says_otherwise_or_it_is_closed(store: Store, config: Config) -> None:
    lead = await add(store, config, phones=["5125550188"])
    assert (detail(store, lead).type, detail(store, lead).status) == ("hot", "new")
    for changes, after in (
        ({"hot": False}, ("cold", "new", "")),
        ({"hot": True, "status": "in_progress"}, ("hot", "in_progress", "")),
        ({"status": "closed", "reason": "rented elsewhere"}, ("cold", "closed", "rented elsewhere")),
        ({"status": "in_progress"}, ("hot", "in_progress", "")),
    ):
        with store.writing() as session:
            leads.change(session, config, BY, str(lead), **changes)  # type: ignore[arg-type]
        found = detail(store, lead)
        assert (found.type, found.status, found.closed_because) == after
    for wrong in ({"status": "closed"}, {"reason": "rented elsewhere"}):
        with pytest.raises(Invalid), store.writing() as session:
            leads.change(session, config, BY, str(lead), **wrong)  # type: ignore[arg-type]
    kinds = [entry.text for entry in detail(store, lead).timeline if entry.kind == "StatusChanged"]
    assert kinds[-2:] == ["Closed: rented elsewhere", "Is open again."]


async def test_what_went_past_the_system_counts_as_contact_when_it_is_logged(store: Store, config: Config) -> None:
    lead = await add(store, config, phones=["5125550188"])
    assert (detail(store, lead).light, detail(store, lead, NOW + 49 * HOUR).light) == ("green", "red")
    later = By("alice", NOW + 49 * HOUR)
    with store.writing() as session:
        leads.log(session, config, later, str(lead), "meeting", "Met at the fair.", NOW + 40 * HOUR)
        leads.write_note(session, config, later, str(lead), "Two lines,\nand a \N{SMILING FACE WITH SMILING EYES}.")
    found = detail(store, lead, NOW + 49 * HOUR)
    assert (found.light, found.status) == ("green", "in_progress")
    assert found.first_answer_at == found.last_contact_at == NOW + 40 * HOUR
    assert [entry.kind for entry in found.timeline] == ["Entered", "Meeting", "Note"]
    with pytest.raises(Invalid), store.writing() as session:
        leads.log(session, config, later, str(lead), "meeting", "Not yet.", NOW + 50 * HOUR)
    for wrong in ("", " \n ", "x" * (leads.LONGEST_NOTE + 1)):
        with pytest.raises(Invalid), store.writing() as session:
            leads.write_note(session, config, later, str(lead), wrong)


async def test_leads_go_round_the_subteam_and_both_agents_are_told(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    admin = By("dana", NOW)
    given = []
    for number in range(4):
        lead = await add(store, config, phones=[f"512555018{number}"], property_slug="maple")
        with store.writing() as session:
            by = By("dana", NOW + number * HOUR)
            agent = assignment.in_turn(session, config, by, str(lead)).assigned_agent
            given.append(agent.slug if agent else None)
    assert given == ["alice", "bob", "alice", "bob"], "those of the property's subteam, in turn"
    with store.writing() as session:
        assignment.by_hand(session, config, admin, "1", "carol")
        with pytest.raises(Conflict):
            assignment.by_hand(session, config, admin, "1", "carol")
        with pytest.raises(NotFound):
            assignment.by_hand(session, config, admin, "1", "nobody-of-that-name")
    with store.reading() as session:
        told = session.execute(select(Mail.to_address, Mail.subject).order_by(Mail.id)).all()[-2:]
    assert sorted(told) == [
        ("alice@example.com", "Lead 1 is no longer yours"),
        ("carol@example.com", "Lead 1 is yours now"),
    ]
    assert detail(store, 1).timeline[-1].kind == "Assigned"
    with store.writing() as session:
        session.execute(update(Agent).values(on_duty=False))
        with pytest.raises(Conflict):
            assignment.in_turn(session, config, admin, "2")


async def test_after_many_at_once_the_turn_goes_on_with_whoever_is_next(store: Store, config: Config) -> None:
    ids = [await add(store, config, phones=[f"512555018{number}"], property_slug="maple") for number in range(5)]
    admin = By("dana", NOW)
    with store.writing() as session:
        assignment.several(session, config, admin, ids[:3], None, in_turn=True)
    for id in ids[3:]:
        with store.writing() as session:
            assignment.in_turn(session, config, By("dana", NOW + id * HOUR), id)
    assert [detail(store, id).agent for id in ids] == ["alice", "bob", "alice", "bob", "alice"]


async def test_a_task_by_hand_is_the_next_action_and_the_owner_is_told(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    lead = await add(store, config, phones=["5125550188"], property_slug="maple")
    with store.writing() as session:
        tasks.add(session, config, BY, str(lead), "Ask about the dog.", NOW + 5 * HOUR, "bob")
        tasks.add(session, config, BY, str(lead), "Send the floor plan.", NOW + 2 * HOUR, None)
        with pytest.raises(Invalid):
            tasks.add(session, config, BY, str(lead), "Too late.", NOW, None)
        with pytest.raises(Invalid):
            tasks.add(session, config, BY, str(lead), " ", NOW + HOUR, None)
    action = detail(store, lead, NOW + 3 * HOUR).next_action
    assert action is not None
    assert (action.why, action.kind, action.overdue) == ("Send the floor plan.", "to_do", True)
    with store.reading() as session:
        assert session.scalars(select(Mail.to_address)).all() == ["bob@example.com"], "alice gave herself the other one"


async def test_filters_narrow_together(store: Store, config: Config) -> None:
    hot = await add(store, config, phones=["5125550181"], property_slug="maple", source="sign")
    cold = await add(store, config, phones=["5125550182"], property_slug="maple", cold=True)
    other = await add(store, config, phones=["5125550183"])
    with store.writing() as session:
        lead = session.get_one(Lead, cold)
        standing.happened(lead, LeadEvent.TALKED, NOW - 30 * HOUR)
        property = session.scalars(select(Property).where(Property.slug == "maple")).one()
        intake.interest_in(lead, property.id, NOW).stage = LeasingStage.SHOWING_BOOKED
        leads.change(session, config, BY, str(other), status="closed", reason="no reply")
        assignment.by_hand(session, config, BY, str(hot), "bob")
        tasks.add(session, config, BY, str(cold), "Call.", NOW + HOUR, "alice")

    def ids(now: datetime = NOW, **given: object) -> set[int]:
        with store.reading() as session:
            wanted = LeadFilter(**given)  # type: ignore[arg-type]
            found = {entry.id for entry in views.listed(session, now, wanted)}
            assert len(found) == views.count(session, now, wanted)
            return found

    assert ids() == {hot, cold, other}
    assert ids(kind="owner") == set()
    assert ids(type="hot") == {hot}
    assert ids(status="open") == {hot, cold}
    assert ids(status="closed") == {other}
    assert ids(source="sign") == {hot}
    assert ids(property="maple") == {hot, cold}
    assert ids(property="maple", stage="showing_booked") == {cold}
    assert ids(agent="bob") == {hot}
    assert ids(agent="none") == {cold, other}
    assert ids(subteam="maple-team") in ({hot, cold}, set())
    assert ids(light="yellow") == {cold}
    assert ids(light="green") == {hot}
    assert ids(light="red", now=NOW + 48 * HOUR) == {hot, cold}
    assert ids(overdue=True) == set()
    assert ids(overdue=True, now=NOW + 2 * HOUR) == {cold}
    assert ids(contact_since=NOW - 31 * HOUR) == {cold}
    assert ids(contact_before=NOW - 24 * HOUR) == {hot, cold, other}
    assert ids(since=NOW + HOUR) == set()
    with store.reading() as session:
        pages: list[int] = []
        after = None
        while page := views.listed(session, NOW, after=after, limit=1):
            pages.append(page[-1].id)
            after = (page[-1].created_at, page[-1].id)
    assert pages == [other, cold, hot]


async def test_a_saved_filter_keeps_its_words(store: Store, config: Config) -> None:
    with store.writing() as session:
        filters.save(session, config, BY, "cooling", {"status": "open", "contact_before": "2d"})
        filters.save(session, config, BY, "cooling", {"contact_before": "3d"})
        for name, words in (("Cooling off", {"type": "hot"}), ("empty", {}), ("wrong", {"type": "warm"})):
            with pytest.raises(Invalid):
                filters.save(session, config, BY, name, words)
    with store.writing() as session:
        assert [one.name for one in views.saved_filters(session)] == ["cooling"]
        later = NOW + timedelta(days=30)
        found = read_filter(filters.named(session, "cooling"), config.tz, later)
        assert found.contact_before == later - timedelta(days=3)
        filters.remove(session, BY, "cooling")
        with pytest.raises(NotFound):
            filters.named(session, "cooling")
    assert LeadStatus.NEW == "new"
