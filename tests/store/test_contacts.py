"""Residents, owners, vendors and their desks, on real databases: routing, the record, texts."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackPromised,
    CallDirection,
    CallEnded,
    CallerIs,
    CallPlaced,
    DeskChosen,
    EndedBy,
    Fact,
    LegRang,
    TalkEnded,
    TalkStarted,
    VoicemailLeft,
)
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.errors import Conflict, Invalid
from crm.domain.ringing import Strategy
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.routing import Path, RoutePlan
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import agents, holidays, subteams
from crm.services.people import contacts
from crm.services.routing import desks, routes
from crm.services.routing.routes import PhonesNow
from crm.services.texts import messages
from crm.services.voicemail import escalations
from crm.store.models import (
    Activity,
    Agent,
    Call,
    Device,
    Hours,
    Interest,
    Lead,
    LeadPhone,
    Message,
    Property,
    Task,
)
from crm.store.session import Store
from crm.views import contacts as views
from crm.views import desks as desk_views
from crm.views import reports as report_views

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
NIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
"""Two in the morning."""
MAPLE, OFFICE = "+15125550100", "+15125550101"
RESIDENT = "+15125550142"
BY = By("tests", NOW)


async def resident(store: Store, **more: Any) -> None:
    known = {"kind": "resident", "name": "Carol", "property_slug": "maple", **more}
    await store.run(contacts.add, Config(home=pathlib.Path("home")), BY, RESIDENT, **known)


async def desk(store: Store, config: Config, kind: str, target: str, hours: str = "", **more: Any) -> None:
    await store.run(desks.put, config, BY, kind, target, hours=[hours] if hours else [], **more)


async def plan(
    store: Store,
    config: Config,
    *answers: tuple[str, str],
    did: str = MAPLE,
    caller: str = RESIDENT,
    now: datetime = NOW,
) -> RoutePlan:
    keyed = tuple(KeyedAnswer(Question(question), keys) for question, keys in answers)
    return (await store.read(routes.plan, config, did, caller, keyed, PhonesNow(now)))[1]


async def only_on_sundays(store: Store) -> None:
    with store.writing() as session:
        session.add(Hours(weekday=6, opens="09:00", closes="10:00"))


# --- who it is, and where they go ---


async def test_one_person_is_one_contact_however_their_number_is_written_pain_13(store: Store, config: Config) -> None:
    await resident(store)
    for written in ("(512) 555-0142", "+1 512 555 0142", "512.555.0142"):
        with pytest.raises(Conflict, match="already Carol"):
            await store.run(contacts.add, config, BY, written, kind="vendor")
    assert await store.run(contacts.change, config, BY, "512 555 0142", name="Bob") == RESIDENT
    assert [one.name for one in await store.read(views.listed)] == ["Bob"]
    with pytest.raises(Invalid, match="one of our own lines"):
        await store.run(contacts.add, config, BY, MAPLE, kind="vendor")


async def test_a_resident_is_asked_about_an_emergency_first_and_then_reaches_their_desk(
    store: Store, config: Config
) -> None:
    await resident(store)
    await desk(store, config, "maintenance", "(512) 555-0190")
    await desk(store, config, "resident", "subteam:east")
    asked = await plan(store, config)
    assert asked.ask
    assert (asked.ask.question, asked.ask.keys, asked.ask.says[0].prompt) == (
        Question.URGENT,
        ("1", "2", "3"),
        "urgent_maintenance",
    )
    urgent = await plan(store, config, ("urgent", "1"))
    assert (urgent.path, urgent.desk, urgent.stages[0].forward and urgent.stages[0].forward.number) == (
        Path.DESK,
        DeskKind.MAINTENANCE,
        "+15125550190",
    )
    assert [stage.name.value for stage in urgent.stages[1:]] == ["subteam", "everyone"]
    other = await plan(store, config, ("urgent", "2"))
    assert (other.path, other.stages[0].agents, other.mailbox) == (Path.DESK, ("alice", "bob"), "subteam:east")
    rents = await plan(store, config, ("urgent", "3"))
    assert (rents.path, rents.kind) == (Path.ASK, CallerKind.PROSPECT)


async def test_a_property_has_its_own_desk_before_the_one_for_all(store: Store, config: Config) -> None:
    await desk(store, config, "resident", "agent:dana")
    await desk(store, config, "resident", "agent:carol", property_slug="maple")
    assert (await plan(store, config, ("menu", "4"), ("who", "1"))).stages[0].agents == ("carol",)
    await store.run(desks.remove, BY, "resident", property_slug="maple")
    assert (await plan(store, config, ("menu", "4"), ("who", "1"))).stages[0].agents == ("dana",)


async def test_where_only_properties_have_desks_it_is_asked_which_property_it_is(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Property(slug="oak", name="Oak Lane"))
    await desk(store, config, "maintenance", "agent:carol", property_slug="maple")
    urgent = (("menu", "4"), ("who", "1"), ("urgent", "1"))
    asked = await plan(store, config, *urgent, did=OFFICE, caller="+15125550143")
    assert asked.ask
    assert asked.ask.question is Question.PROPERTY
    found = await plan(store, config, *urgent, ("property", "1"), did=OFFICE, caller="+15125550143")
    assert (found.property, found.stages[0].agents) == ("maple", ("carol",))


async def test_a_desk_has_its_own_hours_on_the_propertys_clock(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Property).values(timezone="America/New_York"))
    await desk(store, config, "vendor", "agent:carol", "mon 09:00-11:00")
    wants = (("menu", "4"), ("who", "3"))
    at_ten = await plan(store, config, *wants, now=NOW - timedelta(hours=1))
    assert (at_ten.path, at_ten.stages[0].agents) == (Path.DESK, ("carol",))
    at_eleven = await plan(store, config, *wants)
    assert (at_eleven.path, at_eleven.stages, at_eleven.mailbox) == (Path.VOICEMAIL, (), "agent:carol")
    assert at_eleven.task.owner == "carol"
    # Its own hours are a schedule that says so, though the office is closed.
    await only_on_sundays(store)
    assert (await plan(store, config, *wants, now=NOW - timedelta(hours=1))).stages[0].agents == ("carol",)


async def test_emergencies_ring_at_any_hour_and_other_people_only_while_the_office_is_open(
    store: Store, config: Config
) -> None:
    await only_on_sundays(store)
    await desk(store, config, "maintenance", "agent:carol")
    await desk(store, config, "resident", "agent:bob")
    await desk(store, config, "owner", "(512) 555-0190")
    resident = (("menu", "4"), ("who", "1"))
    urgent = await plan(store, config, *resident, ("urgent", "1"), now=NIGHT)
    assert [stage.agents for stage in urgent.stages] == [("carol",)]
    assert urgent.task.due_at == NIGHT
    other = await plan(store, config, *resident, ("urgent", "2"), now=NIGHT)
    assert (other.path, other.stages, other.task.owner) == (Path.VOICEMAIL, (), "bob")
    assert (await plan(store, config, ("menu", "4"), ("who", "2"), now=NIGHT)).path is Path.DESK
    with pytest.raises(Invalid, match="any hour"):
        await desk(store, config, "maintenance", "agent:carol", "mon-fri 09:00-17:00")


async def test_a_desk_with_hours_knows_days_off_unless_it_never_closes(store: Store, config: Config) -> None:
    await resident(store)
    await store.run(holidays.add, BY, NOW.date(), name="Founders")
    for hours, path in (("mon-fri 09:00-17:00", Path.VOICEMAIL), ("mon-sun 00:00-24:00", Path.DESK)):
        await desk(store, config, "resident", "agent:carol", hours)
        found = await plan(store, config, ("menu", "4"), ("urgent", "2"))
        assert (found.path, found.desk) == (path, DeskKind.RESIDENT), hours
    await desk(store, config, "maintenance", "agent:dana")
    found = await plan(store, config, ("menu", "4"), ("urgent", "1"))
    assert [stage.agents for stage in found.stages][:1] == [("dana",)], "emergencies have no hours and no days off"


async def test_a_desks_people_ring_as_their_subteam_does(store: Store, config: Config) -> None:
    await resident(store)
    await desk(store, config, "resident", "subteam:east")
    [stage] = (await plan(store, config, ("menu", "4"), ("urgent", "2"))).stages
    assert (stage.agents, stage.strategy) == (("alice", "bob"), Strategy.ROUND_ROBIN)


async def test_who_has_dnd_or_is_off_duty_is_not_rung_at_a_desk_either(store: Store, config: Config) -> None:
    await desk(store, config, "resident", "subteam:east")
    with store.writing() as session:
        session.execute(update(Device).where(Device.slug == "alice-desk").values(dnd=True))
        session.execute(update(Agent).where(Agent.slug == "bob").values(on_duty=False))
    found = await plan(store, config, ("menu", "4"), ("who", "1"))
    assert (found.path, found.stages) == (Path.VOICEMAIL, ())


async def test_a_known_resident_reaches_the_person_for_concerns_too(store: Store, config: Config) -> None:
    await resident(store)
    await desk(store, config, "resident", "agent:bob")
    await desk(store, config, "concern", "agent:dana")
    found = await plan(store, config, ("urgent", "0"))
    assert (found.path, found.desk, found.kind) == (Path.DESK, DeskKind.CONCERN, CallerKind.RESIDENT)
    assert found.stages[0].agents == ("dana",)


async def test_with_emergencies_alone_residents_are_offered_key_4_and_else_reach_the_team(
    store: Store, config: Config
) -> None:
    await desk(store, config, "maintenance", "agent:carol")
    menu = await plan(store, config)
    assert menu.ask
    assert "4" in menu.ask.keys
    who = await plan(store, config, ("menu", "4"))
    assert who.ask
    assert who.ask.keys == ("1",)
    other = await plan(store, config, ("menu", "4"), ("who", "1"), ("urgent", "2"))
    assert (other.path, other.kind, other.texts) == (Path.LIVE, CallerKind.RESIDENT, ())


async def test_a_desk_cannot_lose_the_people_behind_it(store: Store, config: Config) -> None:
    await desk(store, config, "resident", "subteam:east", property_slug="maple")
    await desk(store, config, "vendor", "agent:carol")
    with store.writing() as session:
        for device in session.scalars(select(Device).where(Device.slug == "carol-desk")):
            session.delete(device)
        session.execute(update(Property).values(subteam_id=None))
    with pytest.raises(Conflict, match=r"Calls for vendor go to agent carol"):
        await store.run(agents.retire, BY, "carol", successor="dana")
    with pytest.raises(Conflict, match=r"Calls for resident of maple go to subteam east"):
        await store.run(subteams.remove, BY, "east")
    [maple, everywhere] = await store.read(desk_views.listed, config)
    assert (maple.problem, everywhere.problem) == ("", "Nobody in agent:carol has a phone.")


# --- what their calls leave ---


class Facts:
    """A call's facts, a second apart."""

    def __init__(self, call_id: str = "c1", caller: str = RESIDENT, did: str = MAPLE) -> None:
        self.id, self.at = call_id, NOW
        self.facts: list[Fact] = []
        if did:
            self.add(CallArrived, did=did, caller=caller)

    def add(self, kind: type[Fact], **fields: Any) -> Facts:
        self.facts.append(kind(id=f"{self.id}/{len(self.facts)}", call_id=self.id, at=self.at, **fields))
        self.at += timedelta(seconds=1)
        return self

    def is_(self, who: str, desk: str = "") -> Facts:
        self.add(CallerIs, who=who)
        return self.add(DeskChosen, desk=desk) if desk else self

    def talked(self, name: str) -> Facts:
        leg = f"{self.id}-{name}"
        self.add(LegRang, leg_id=leg, device=f"{name}-desk", agent=name, stage="desk")
        return self.add(TalkStarted, leg_id=leg).add(TalkEnded, leg_id=leg)

    def ended(self) -> list[Fact]:
        return self.add(CallEnded, by=EndedBy.CALLER).facts


async def record(store: Store, config: Config, facts: list[Fact]) -> Call:
    for fact in facts:
        await store.run(ledger.record, config, fact, fact.at)
    with store.reading() as session:
        return session.scalars(select(Call).where(Call.id == facts[0].call_id)).one()


async def todo(store: Store) -> list[tuple[str, str, str]]:
    """Kind, owner and why of what is to be done."""
    with store.reading() as session:
        found = select(Task.kind, Agent.slug, Task.why).join(Agent, Task.owner_id == Agent.id)
        rows = session.execute(found.where(Task.done_at.is_(None)).order_by(Task.id))
        return [(kind, owner, why) for kind, owner, why in rows]


async def count(store: Store, model: type) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_residents_call_makes_no_lead_and_one_owned_task_that_says_who_called(
    store: Store, config: Config
) -> None:
    await resident(store)
    await desk(store, config, "resident", "agent:bob")
    call = await record(store, config, Facts().is_("resident", "resident").ended())
    assert (call.kind, call.desk, call.outcome, call.lead_id) == ("resident", "resident", "gave_up", None)
    assert call.contact_id is not None
    assert await todo(store) == [("call_back", "bob", "Resident Carol of Maple Court called and hung up in the menu.")]
    assert [await count(store, model) for model in (Lead, Interest, Message, Activity)] == [0, 0, 0, 0]
    # Somebody calls them back: that is no lead either, and ends the task.
    back = Facts("c2", did="").add(
        CallPlaced, direction=CallDirection.OUT, agent="bob", device="bob-desk", did=MAPLE, number=RESIDENT
    )
    call = await record(store, config, back.talked("bob").ended())
    assert (call.kind, call.lead_id, await count(store, Lead)) == ("resident", None, 0)
    assert await todo(store) == []
    assert await store.read(report_views.lost, config, NOW + timedelta(days=1)) == []


async def test_who_calls_while_the_app_is_away_is_known_by_their_number(store: Store, config: Config) -> None:
    await resident(store, kind="vendor", name="", property_slug=None)
    call = await record(store, config, Facts().ended())
    assert (call.kind, call.desk, call.lead_id) == ("vendor", "", None)
    assert [why for _, _, why in await todo(store)] == ["A vendor of Maple Court called and hung up in the menu."]


async def test_an_emergency_is_due_at_once_and_people_are_called_about_it_at_night_pain_3(
    store: Store, config: Config
) -> None:
    await only_on_sundays(store)
    await desk(store, config, "maintenance", "(512) 555-0190")
    with store.writing() as session:
        session.execute(update(Property).values(escalates=False))
    facts = Facts().is_("resident", "maintenance").add(VoicemailLeft, file="c1.wav", seconds=9).ended()
    await record(store, config, facts)
    due = await store.run(escalations.claim, config, NOW + timedelta(minutes=1))
    assert due
    assert due.turn.agents == ("alice", "bob")
    [(kind, _, why)] = await todo(store)
    assert (kind, why) == (
        "listen",
        "Emergency in a home: A resident of Maple Court called and left a voicemail of 9 s.",
    )
    with store.reading() as session:
        assert session.scalars(select(Task.due_at)).one() < NOW + timedelta(minutes=1)


async def test_who_has_a_lead_and_calls_as_a_resident_leaves_it_untouched_pain_14(store: Store, config: Config) -> None:
    await record(store, config, Facts("c0").ended())
    with store.reading() as session:
        [before] = session.scalars(select(Lead)).all()
        interests = [(one.stage, one.updated_at) for one in session.scalars(select(Interest))]
    await desk(store, config, "resident", "agent:bob")
    call = await record(store, config, Facts("c1").is_("resident", "resident").talked("bob").ended())
    assert (call.kind, call.lead_id, call.outcome) == ("resident", None, "talked")
    with store.reading() as session:
        [lead] = session.scalars(select(Lead)).all()
        assert (lead.status, lead.assigned_agent_id) == (before.status, before.assigned_agent_id)
        assert [(one.stage, one.updated_at) for one in session.scalars(select(Interest))] == interests
        told = session.scalars(select(Activity.call_id)).all()
    assert told == ["c0"]
    assert len(await todo(store)) == 1, "the lead's own"


async def test_it_does_not_matter_when_it_becomes_known_who_called(store: Store, config: Config) -> None:
    [arrived, who, chosen, ended] = Facts().is_("owner", "owner").ended()
    call = await record(store, config, [arrived, ended, who, chosen])
    assert (call.kind, call.lead_id) == ("owner", None)
    assert [await count(store, model) for model in (Lead, Activity, Interest, Message)] == [0, 0, 0, 0]
    assert [why for _, _, why in await todo(store)] == ["An owner of Maple Court called and hung up in the menu."]


async def test_a_resident_who_wants_to_rent_is_a_lead(store: Store, config: Config) -> None:
    await resident(store)
    call = await record(store, config, Facts().is_("resident").is_("prospect").ended())
    assert call.kind == "prospect"
    assert call.lead_id is not None
    assert await count(store, Interest) == 1


async def test_a_concern_is_answered_by_a_person_and_by_no_text(store: Store, config: Config) -> None:
    await desk(store, config, "concern", "agent:dana")
    call = await record(store, config, Facts().add(DeskChosen, desk="concern").ended())
    assert call.lead_id is not None
    assert (await count(store, Message), await count(store, Interest)) == (0, 0)
    [(kind, owner, why)] = await todo(store)
    assert (kind, owner) == ("call_back", "dana")
    assert why.startswith("A concern, for a person: Called Maple Court")
    assert await store.read(report_views.calls, NOW - timedelta(hours=1), NOW + timedelta(hours=1)) == [], (
        "no leasing call"
    )


async def test_a_callback_promised_to_a_resident_makes_no_lead(store: Store, config: Config) -> None:
    await resident(store)
    facts = Facts().is_("resident", "resident")
    facts.add(LegRang, leg_id="l1", device="bob-desk", agent="bob", stage="desk")
    facts.add(CallbackPromised, leg_id="l1", agent="bob", minutes=10)
    await record(store, config, facts.ended())
    assert await count(store, Lead) == 0
    assert [(kind, owner) for kind, owner, _ in await todo(store)] == [("call_back", "bob")]


# --- texts ---


def text(body: str, id: str, sender: str = RESIDENT) -> IncomingText:
    return IncomingText(carrier="twilio", carrier_id=id, from_number=sender, to_number=MAPLE, body=body, at=NOW)


async def test_a_residents_texts_are_their_desks_to_answer_and_make_no_lead(store: Store, config: Config) -> None:
    await resident(store)
    await desk(store, config, "resident", "agent:bob")
    await store.run(messages.receive, config, text("The heating is off.", "1"), NOW)
    await store.run(messages.receive, config, text("Still off.", "2"), NOW)
    why = "Resident Carol of Maple Court ((512) 555-0142): wrote to Maple Court: Still off."
    assert await todo(store) == [
        ("reply", "bob", f"{why} 2 texts, the first on Mon 10:00, the last on Mon 10:00."),
    ]
    sent = await store.run(messages.send, config, BY, "(512) 555-0142", "We are on our way.", agent="bob")
    assert (sent.lead_id, sent.from_number) == (None, MAPLE)
    assert (await todo(store), await count(store, Lead)) == ([], 0)


CELL = "+15125550150"


@pytest.fixture
def cell(store: Store, office: None) -> None:
    """Alice's own mobile."""
    with store.writing() as session:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        session.add(Device(slug="alice-cell", kind="mobile", number=CELL, agent_id=alice.id))


@pytest.mark.usefixtures("cell")
async def test_texts_with_an_agents_own_mobile_make_no_lead(store: Store, config: Config) -> None:
    await store.run(messages.receive, config, text("Running late.", "1", CELL), NOW)
    [(kind, _, why)] = await todo(store)
    assert kind == "reply"
    assert why.startswith("Alice, from their own mobile")
    sent = await store.run(messages.send, config, BY, CELL, "See you at the gate.")
    assert (sent.lead_id, sent.to_number) == (None, CELL)
    assert (await todo(store), await count(store, Lead)) == ([], 0)


@pytest.mark.usefixtures("cell")
async def test_an_agent_who_calls_from_their_own_mobile_is_no_lead_unless_they_want_to_rent(
    store: Store, config: Config
) -> None:
    call = await record(store, config, Facts("c1", CELL).ended())
    assert (call.outcome, call.lead_id) == ("gave_up", None)
    assert [why for _, _, why in await todo(store)] == ["Alice called and hung up in the menu."]
    assert [await count(store, model) for model in (Lead, Interest, Message, Activity)] == [0, 0, 0, 0]
    call = await record(store, config, Facts("c2", CELL).is_("prospect").ended())
    assert call.lead_id is not None


async def test_calls_that_show_one_of_our_own_lines_are_of_different_people(store: Store, config: Config) -> None:
    """A forwarding shows the line it came through; whoever called it is as unknown as if the number were withheld."""
    first = await record(store, config, Facts("c1", OFFICE).ended())
    second = await record(store, config, Facts("c2", OFFICE).ended())
    assert first.lead_id is not None
    assert second.lead_id not in (None, first.lead_id)
    with store.reading() as session:
        assert session.scalars(select(LeadPhone)).all() == []
    assert (len(await todo(store)), await count(store, Message)) == (0, 0)
