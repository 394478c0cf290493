"""What a call leaves in the CRM."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallDirection,
    CallEnded,
    CallPlaced,
    CallStep,
    Cut,
    DialStatus,
    EndedBy,
    Fact,
    HandedToDialplan,
    KeyPressed,
    LanguageChosen,
    LegEnded,
    LegRang,
    LinkRequested,
    PropertyChosen,
    QuestionAsked,
    Routed,
    StepTaken,
    TalkCut,
    TalkEnded,
    TalkStarted,
    VoicemailLeft,
)
from crm.domain.errors import Invalid, Unavailable
from crm.services.audit import By
from crm.services.calls import ledger, orders
from crm.services.calls.journal import Journal
from crm.services.calls.ledger import Ledger
from crm.services.office import owners
from crm.services.outbox import wording
from crm.services.people import identity
from crm.store import snapshot
from crm.store.models import (
    Activity,
    Agent,
    Call,
    CallEvent,
    Contact,
    Hours,
    Lead,
    LeadPhone,
    Leg,
    Line,
    Message,
    Organization,
    Property,
)
from crm.store.queries import agents, calls, contacts, leads, tasks
from crm.store.session import Store
from crm.views import calls as call_views
from crm.views import leads as views
from crm.views import tasks as task_views
from tests.store import rows

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

# A Monday, 10:00 in Chicago.
NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"
OFFICE = "+15125550101"
PROSPECT = "+15125550123"


class CallMaker:
    """Makes the facts of one call, a second apart."""

    def __init__(
        self, call_id: str = "c1", did: str = MAPLE, caller: str | None = PROSPECT, begins: datetime = NOW
    ) -> None:
        self.id, self.did, self.caller, self.at = call_id, did, caller, begins
        self.facts: list[Fact] = []
        self.add(CallArrived, did=did, caller=caller, trunk="carrier")

    def add(self, kind: type[Fact], **fields: Any) -> CallMaker:
        self.facts.append(kind(id=f"{self.id}/{len(self.facts)}", call_id=self.id, at=self.at, **fields))
        self.at += timedelta(seconds=1)
        return self

    def step(self, step: CallStep) -> CallMaker:
        return self.add(StepTaken, step=step)

    def rang(self, *names: str) -> CallMaker:
        for name in names:
            self.add(LegRang, leg_id=f"{self.id}-{name}", device=f"{name}-desk", agent=name, stage="subteam")
        return self

    def talked(self, name: str) -> CallMaker:
        leg = f"{self.id}-{name}"
        self.add(TalkStarted, leg_id=leg).step(CallStep.TALK).add(TalkEnded, leg_id=leg)
        return self.add(LegEnded, leg_id=leg, status=DialStatus.ANSWER)

    def ended(self, by: EndedBy = EndedBy.CALLER, **fields: Any) -> list[Fact]:
        return self.add(CallEnded, by=by, **fields).facts


async def record(store: Store, config: Config, facts: list[Fact], now: datetime | None = None) -> None:
    for fact in facts:
        await store.run(ledger.record, config, fact, now or fact.at)


async def the_call(store: Store, call_id: str = "c1") -> Call:
    with store.reading() as session:
        call = calls.by_id(session, call_id)
        assert call is not None
        return call


async def the_lead(store: Store, number: str = PROSPECT) -> Lead:
    with store.reading() as session:
        lead = leads.by_phone(session, number)
        assert lead is not None
        return lead


async def all_tasks(store: Store) -> list[tuple[str, str]]:
    """(kind, owner) of what is still to do."""
    with store.reading() as session:
        return [(task.kind, task.held_by.slug) for task in rows.tasks(session)]


async def all_texts(store: Store) -> list[Message]:
    with store.reading() as session:
        return list(rows.texts(session))


async def count(store: Store, model: type) -> int:
    with store.reading() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


async def test_a_talk_is_on_record_and_finished(store: Store, config: Config) -> None:
    await record(
        store, config, CallMaker().step(CallStep.MENU).step(CallStep.RING).rang("alice", "bob").talked("bob").ended()
    )
    call = await the_call(store)
    assert (call.outcome, call.step, call.ended_by, call.trunk) == ("talked", "talk", "caller", "carrier")
    assert call.talk_started_at
    assert call.ended_at
    assert call.line
    assert call.line.number == MAPLE
    assert [(leg.device, leg.agent.slug if leg.agent else None, leg.status) for leg in call.legs] == [
        ("alice-desk", "alice", ""),
        ("bob-desk", "bob", "ANSWER"),
    ]
    assert len(call.events) == 10
    assert await all_tasks(store) == []
    assert await all_texts(store) == []

    lead = await the_lead(store)
    assert lead.name is None
    assert lead.source == "sign"
    assert lead.status == "in_progress"
    assert lead.assigned_agent
    assert lead.assigned_agent.slug == "bob"
    assert [interest.property.slug for interest in lead.interests] == ["maple"]
    with store.reading() as session:
        [entry] = rows.timeline(session, lead.id)
        bob = agents.by_slug(session, "bob")
    assert (entry.kind, entry.text, entry.call_id) == ("CallFromProspect", "Called Maple Court and talked.", "c1")
    assert bob
    assert bob.last_talk_ended_at == call.legs[1].ended_at


@pytest.mark.parametrize(
    "tell",
    [
        lambda maker: maker.step(CallStep.MENU).step(CallStep.RING).rang("alice", "bob").talked("bob").ended(),
        lambda maker: maker.step(CallStep.MENU).add(LinkRequested).ended(),
        lambda maker: maker.step(CallStep.VOICEMAIL).add(VoicemailLeft, file="one.wav", seconds=12).ended(),
    ],
)
async def test_facts_that_are_recorded_together_say_the_same_as_one_by_one(
    store: Store, config: Config, tell: Callable[[CallMaker], list[Fact]]
) -> None:
    await record(store, config, tell(CallMaker("c1")))
    others = tell(CallMaker("c2", caller="+15125550124"))
    await store.run(ledger.record_all, config, others[:2], NOW)
    again = CallEnded(others[-1].id, "c2", others[-1].at + timedelta(seconds=9), EndedBy.SYSTEM)
    await store.run(ledger.record_all, config, [*others, again], others[-1].at)
    one, other = await the_call(store, "c1"), await the_call(store, "c2")
    for field in ("outcome", "step", "ended_by", "line_id", "talk_started_at", "ended_at", "agent_id"):
        assert getattr(one, field) == getattr(other, field), field
    assert [(leg.device, leg.status) for leg in one.legs] == [(leg.device, leg.status) for leg in other.legs]
    assert [event.kind for event in one.events] == [event.kind for event in other.events]
    left = await all_tasks(store)
    assert [kind for kind, _ in left[: len(left) // 2]] == [kind for kind, _ in left[len(left) // 2 :]]
    purposes = sorted((text.purpose, text.call_id) for text in await all_texts(store))
    assert [purpose for purpose, call in purposes if call == "c1"] == [p for p, call in purposes if call == "c2"]


async def test_a_new_caller_who_gives_up_gets_a_task_and_the_listings(store: Store, config: Config) -> None:
    await record(store, config, CallMaker().step(CallStep.MENU).step(CallStep.RING).rang("alice").ended())
    call = await the_call(store)
    assert call.outcome == "gave_up"
    with store.reading() as session:
        [task] = rows.tasks(session)
    assert (task.kind, task.owner.slug, task.call_id, task.lead_id) == ("call_back", "alice", "c1", call.lead_id)
    assert call.ended_at
    assert task.due_at == call.ended_at + timedelta(minutes=15)
    assert task.why == "Called Maple Court and hung up while phones rang."
    [message] = await all_texts(store)
    assert (message.key, message.purpose, message.state) == ("missed:c1", "missed_call", "queued")
    assert (message.to_number, message.from_number) == (PROSPECT, MAPLE)
    assert message.next_attempt_at == call.ended_at
    assert message.lead_id == call.lead_id
    assert "https://maple.example.com" in message.body


async def test_an_active_prospect_is_texted_about_the_property(store: Store, config: Config) -> None:
    await record(store, config, CallMaker("c1").rang("bob").talked("bob").ended())
    await record(store, config, CallMaker("c2", begins=NOW + timedelta(days=1)).step(CallStep.RING).ended())
    [message] = await all_texts(store)
    assert "Maple Court" in message.body
    assert "https://" not in message.body
    assert await all_tasks(store) == [("call_back", "bob")], "their agent owns it, though others have waited longer"
    assert await count(store, Lead) == 1


async def test_one_missed_call_text_an_hour(store: Store, config: Config) -> None:
    for number, minutes in enumerate([0, 5, 59, 61]):
        begins = NOW + timedelta(minutes=minutes)
        await record(store, config, CallMaker(f"c{number}", begins=begins).step(CallStep.MENU).ended())
    assert [message.key for message in await all_texts(store)] == ["missed:c0", "missed:c3"]
    assert len(await all_tasks(store)) == 1


async def test_who_asked_for_the_link_gets_it_at_once_and_nothing_more(store: Store, config: Config) -> None:
    maker = CallMaker().step(CallStep.MENU).add(KeyPressed, key="1").step(CallStep.TEXT_OFFER).add(LinkRequested)
    await record(store, config, maker.facts)
    [message] = await all_texts(store)
    assert (message.key, message.purpose) == ("link:c1", "listings_link")
    assert "https://maple.example.com" in message.body
    assert (await the_call(store)).outcome is None
    assert (await the_lead(store)).id == message.lead_id
    await record(store, config, maker.step(CallStep.RING).ended()[-2:])
    assert (await the_call(store)).outcome == "got_link"
    assert await all_tasks(store) == [("follow_up", "alice")]
    assert len(await all_texts(store)) == 1


async def test_a_message_is_to_be_listened_to(store: Store, config: Config) -> None:
    maker = CallMaker().step(CallStep.RING).step(CallStep.VOICEMAIL).add(VoicemailLeft, file="c1.wav", seconds=14)
    await record(store, config, maker.ended(EndedBy.SYSTEM))
    call = await the_call(store)
    assert call.outcome == "left_voicemail"
    assert call.voicemail
    assert (call.voicemail.file, call.voicemail.seconds) == ("c1.wav", 14)
    assert await all_tasks(store) == [("listen", "alice")]
    assert len(await all_texts(store)) == 1


@pytest.mark.parametrize("direction", [CallDirection.IN, CallDirection.OUT])
@pytest.mark.parametrize(
    ("step", "message", "kind", "why"),
    [
        (CallStep.VOICEMAIL, True, "listen", "and talked, and left a voicemail of 12 s after that."),
        (
            CallStep.VOICEMAIL,
            False,
            "call_back",
            "and talked, but was then parked or transferred, and nobody picked up.",
        ),
        (CallStep.PARKED, False, "call_back", "and talked, but was then parked or transferred, and nobody picked up."),
    ],
)
async def test_who_was_left_waiting_after_a_talk_is_not_lost(
    store: Store, config: Config, direction: CallDirection, step: CallStep, message: bool, kind: str, why: str
) -> None:
    maker = CallMaker()
    if direction is CallDirection.OUT:
        maker.facts.clear()
        maker.add(CallPlaced, direction=direction, agent="bob", device="bob-desk", did=MAPLE, number=PROSPECT)
    facts = maker.rang("bob").talked("bob").step(step)
    if message:
        facts.add(VoicemailLeft, file="c1.wav", seconds=12)
    await record(store, config, facts.ended())
    assert (await the_call(store)).outcome == "talked"
    with store.reading() as session:
        [task] = rows.tasks(session)
        assert task.kind == kind
        assert task.why.endswith(why)


async def test_a_withheld_number_has_a_lead_but_neither_text_nor_task(store: Store, config: Config) -> None:
    maker = CallMaker(caller=None)
    maker.facts[0] = replace(maker.facts[0], withheld=True)  # type: ignore[call-arg]
    await record(store, config, maker.step(CallStep.RING).ended())
    call = await the_call(store)
    assert call.lead_id is not None
    assert call.lead is not None
    assert call.lead.phones == []
    assert call.unreachable
    assert await all_tasks(store) == []
    assert await all_texts(store) == []


async def test_a_number_that_cannot_be_read_is_kept_and_finds_the_same_lead(store: Store, config: Config) -> None:
    def call_of(call_id: str, digits: str, trunk: str = "pbx") -> list[Fact]:
        maker = CallMaker(call_id, caller=None)
        maker.facts[0] = replace(maker.facts[0], caller_digits=digits, trunk=trunk)  # type: ignore[call-arg]
        return maker.step(CallStep.RING).ended()

    await record(store, config, call_of("c1", "204"))
    await store.run(
        ledger.record_all, config, [*call_of("c2", "204"), *call_of("c3", "305"), *call_of("c4", "305")], NOW
    )
    await record(store, config, call_of("c5", "204", trunk="other"))
    found = [await the_call(store, f"c{number}") for number in range(1, 6)]
    assert [call.caller_digits for call in found] == ["204", "204", "305", "305", "204"]
    first, second, third, fourth, fifth = (call.lead_id for call in found)
    assert first == second
    assert third == fourth
    assert len({first, third, fifth}) == 3
    with store.reading() as session:
        tasks_left = [task for task in rows.tasks(session) if task.lead_id == first]
        [entry, _] = rows.timeline(session, first or 0)
        known = identity.who_calls(session, None, "pbx", "204")
        detail = views.one(session, first or 0, NOW)
    [task] = tasks_left
    assert "They showed 204, which is not a phone number. 2 calls" in task.why
    assert entry.text.endswith("They showed 204, which is not a phone number.")
    assert known.lead is not None
    assert (known.lead.id, known.number) == (first, None)
    assert (detail.phones, detail.caller_digits) == ([], "204")
    assert await all_texts(store) == []
    for refused, code in (
        (partial(orders.call_back, call_id="c1"), "caller_unreadable"),
        (partial(orders.place, to=str(first)), "lead_unreadable"),
    ):
        with pytest.raises(Invalid, match="204") as error:
            await store.run(refused, config, By("tests", NOW), agent="alice")
        assert error.value.code == code


async def test_an_unknown_did_is_the_admins(store: Store, config: Config) -> None:
    await record(store, config, CallMaker(did="+15125559999").step(CallStep.UNKNOWN_LINE).ended(EndedBy.SYSTEM))
    call = await the_call(store)
    assert (call.outcome, call.line_id, call.lead_id) == ("wrong_number", None, None)
    assert await all_tasks(store) == [("unknown_did", "dana")]
    assert await all_texts(store) == []
    assert await count(store, Lead) == 0


async def test_a_call_from_one_of_our_lines_is_not_texted(store: Store, config: Config) -> None:
    await record(store, config, CallMaker(caller=OFFICE).add(LinkRequested).step(CallStep.RING).ended())
    assert (await the_call(store)).outcome == "gave_up"
    assert await all_texts(store) == []
    assert await all_tasks(store) == []


async def test_a_line_without_property_uses_the_office_and_its_language(store: Store, config: Config) -> None:
    await record(store, config, CallMaker(did=OFFICE).step(CallStep.MENU).ended())
    [message] = await all_texts(store)
    assert "Oak Homes" in message.body
    assert "https://oak.example.com" in message.body
    assert message.body.startswith("Sentimos")
    assert (await the_lead(store)).interests == []


async def test_a_property_that_was_chosen_is_what_the_call_is_about(store: Store, config: Config) -> None:
    call = CallMaker(did=OFFICE).step(CallStep.MENU).add(PropertyChosen, property="maple").add(LinkRequested)
    await record(store, config, call.step(CallStep.TEXT_OFFER).ended())
    [message] = await all_texts(store)
    assert "https://maple.example.com" in message.body
    lead = await the_lead(store)
    assert [interest.property_id for interest in lead.interests] == [(await the_call(store)).property_id]
    assert await all_tasks(store) == [("follow_up", "alice")]


@pytest.mark.parametrize(("seconds", "kind"), [(6, "listen"), (None, "call_back")])
async def test_a_question_that_nobody_could_place_is_a_task_that_is_due_soon(
    store: Store, config: Config, seconds: int | None, kind: str
) -> None:
    call = CallMaker(did=OFFICE).step(CallStep.MENU).step(CallStep.QUESTION).add(QuestionAsked)
    if seconds:
        call.add(VoicemailLeft, file="c1.wav", seconds=seconds)
    await record(store, config, call.ended())
    with store.reading() as session:
        [task] = rows.tasks(session)
    ended_at = (await the_call(store)).ended_at
    assert ended_at
    assert task.kind == kind
    assert task.due_at - ended_at == timedelta(minutes=config.tasks.question_minutes)
    assert task.due_at - ended_at < timedelta(minutes=config.tasks.due_minutes)
    assert "propert" in task.why
    assert task.lead_id == (await the_lead(store)).id


async def test_the_language_of_a_choice_is_that_of_the_text_and_of_the_lead_from_then_on(
    store: Store, config: Config
) -> None:
    await record(store, config, CallMaker().add(LanguageChosen, language="es").step(CallStep.MENU).ended())
    [message] = await all_texts(store)
    assert message.body.startswith("Sentimos")
    assert (await the_lead(store)).language == "es"
    later = CallMaker("c2", begins=NOW + timedelta(hours=2))
    await record(store, config, later.step(CallStep.MENU).ended())
    assert (await the_lead(store)).language == "es", "they chose nothing else"
    again = CallMaker("c3", begins=NOW + timedelta(hours=4))
    await record(store, config, again.add(LanguageChosen, language="en").step(CallStep.MENU).ended())
    assert (await the_lead(store)).language == "en"


@pytest.mark.parametrize(("line", "chosen", "stop"), [("en", "es", "responda STOP"), ("es", "en", "reply STOP")])
async def test_a_text_that_leaves_during_the_call_is_in_the_language_of_the_choice_to_its_last_word(
    store: Store, config: Config, line: str, chosen: str, stop: str
) -> None:
    with store.writing() as session:
        session.execute(update(Line).values(language=line))
    maker = CallMaker().add(LanguageChosen, language=chosen).step(CallStep.MENU).add(LinkRequested)
    await record(store, config, maker.facts)
    with store.writing() as session:
        [message] = session.scalars(select(Message))
        wording.introduce(session, message)
        assert stop in message.body


async def test_a_contact_keeps_their_language_too(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Contact(number=PROSPECT, kind="resident", name="", language="", created_at=NOW))
    await record(store, config, CallMaker().add(LanguageChosen, language="es").step(CallStep.MENU).ended())
    with store.reading() as session:
        contact = contacts.by_number(session, PROSPECT)
    assert contact
    assert contact.language == "es"


def caller(number: int) -> CallMaker:
    return CallMaker(f"c{number}", caller=f"+1512555{1000 + number}", begins=NOW + timedelta(minutes=number))


async def test_owners_are_who_has_the_fewest_tasks_and_then_who_waited_longest(store: Store, config: Config) -> None:
    with store.writing() as session:
        ago = {"alice": 5, "carol": 90, "dana": 10}
        for agent in agents.listed(session):
            # Bob has never talked.
            agent.last_talk_ended_at = NOW - timedelta(minutes=ago[agent.slug]) if agent.slug in ago else None
    for number in range(4):
        await record(store, config, caller(number).ended())
    assert [owner for _, owner in await all_tasks(store)] == ["bob", "alice", "bob", "alice"]
    # Many that end together count for one another, too.
    together = [fact for number in range(4, 10) for fact in caller(number).step(CallStep.MENU).ended()]
    await store.run(ledger.record_all, config, together, NOW)
    assert Counter(owner for _, owner in await all_tasks(store)) == {"alice": 5, "bob": 5}


async def test_when_nobody_of_the_subteam_is_on_duty_the_task_is_the_subteams(store: Store, config: Config) -> None:
    with store.writing() as session:
        for agent in agents.listed(session):
            agent.on_duty = agent.slug not in {"alice", "bob"}
    await record(store, config, caller(0).ended())
    with store.reading() as session:
        [task] = rows.tasks(session)
        assert (task.owner, task.held_by.slug) == (None, "east")
        assert {agent.slug for agent in owners.people(task.held_by)} == {"alice", "bob"}
        [entry] = task_views.listed(session, NOW)
        assert (entry.owner, entry.team) == (None, "east")
        assert task_views.listed(session, NOW, owner="bob") == task_views.listed(session, NOW, team="east") == [entry]
        assert task_views.listed(session, NOW, owner="carol") == []
        assert not calls.lost(session, config.node, NOW + timedelta(days=1))
    # An office without subteams has its agents, and then its admin.
    with store.writing() as session:
        for agent in agents.listed(session):
            agent.on_duty = False
        session.execute(update(Property).values(subteam_id=None))
    await record(store, config, caller(1).ended())
    assert (await all_tasks(store))[-1] == ("call_back", "dana")


async def test_the_due_time_is_in_office_hours(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add_all([Hours(weekday=day, opens="09:00", closes="10:05") for day in range(5)])
    await record(store, config, CallMaker().ended())
    with store.reading() as session:
        [task] = rows.tasks(session)
    # Ended at 10:00:01; four minutes and 59 seconds are left today, the rest is tomorrow.
    assert task.due_at == datetime(2026, 3, 3, 15, 10, 1, tzinfo=UTC)


async def test_recording_everything_twice_changes_nothing(store: Store, config: Config) -> None:
    facts = CallMaker().add(LinkRequested).step(CallStep.RING).rang("alice").ended()
    await record(store, config, facts)
    before = await picture(store)
    await record(store, config, facts, NOW + timedelta(days=2))
    await record(store, config, list(reversed(facts)), NOW + timedelta(days=2))
    assert await picture(store) == before


async def picture(store: Store) -> dict[str, Any]:
    """Everything that should be the same however facts came in."""
    with store.reading() as session:
        return {
            "calls": [
                (
                    call.id,
                    call.did,
                    call.caller,
                    call.outcome,
                    call.step,
                    call.started_at,
                    call.ended_at,
                    call.without_app,
                )
                for call in rows.calls(session)
            ],
            "legs": [
                (leg.id, leg.device, leg.agent_id, leg.status, leg.answered_at, leg.ended_at)
                for leg in session.scalars(select(Leg).order_by(Leg.id))
            ],
            "tasks": [(task.key, task.kind, task.owner.slug, task.due_at, task.why) for task in rows.tasks(session)],
            "texts": [(text.key, text.body) for text in rows.texts(session)],
            "leads": [
                ([phone.number for phone in lead.phones], lead.status, [interest.stage for interest in lead.interests])
                for lead in rows.leads(session)
            ],
            "timeline": [entry.text for entry in session.scalars(select(Activity))],
            "decisions": [(one.rule, one.stages) for one in calls.decisions(session, "c1")],
        }


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_facts_does_not_matter(store: Store, config: Config, seed: int) -> None:
    maker = CallMaker().step(CallStep.MENU).step(CallStep.RING)
    maker.add(Routed, rule="subteam", reasons=("why",), stages=("subteam", "everyone")).rang("alice", "bob")
    facts = maker.step(CallStep.VOICEMAIL).add(VoicemailLeft, file="c1.wav", seconds=9).ended()
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    await record(store, config, shuffled, NOW)
    found = await picture(store)
    assert found["calls"] == [("c1", MAPLE, PROSPECT, "left_voicemail", "voicemail", NOW, facts[-1].at, False)]
    assert [task[1:3] for task in found["tasks"]] == [("listen", "alice")]
    assert len(found["texts"]) == 1
    assert "https://maple.example.com" in found["texts"][0][1]
    assert found["leads"] == [([PROSPECT], "new", ["contacted"])]
    assert found["timeline"] == ["Called Maple Court and left a voicemail of 9 s."]
    assert found["decisions"] == [("subteam", ["subteam", "everyone"])]


async def test_a_fact_of_a_call_nobody_knows_makes_the_call(store: Store, config: Config) -> None:
    await store.run(ledger.record, config, VoicemailLeft("x/1", "x", NOW, "x.wav", 5), NOW)
    await store.run(ledger.record, config, CallEnded("x/2", "x", NOW, EndedBy.CALLER), NOW)
    call = await the_call(store, "x")
    assert (call.did, call.outcome) == ("", "left_voicemail")
    assert await all_tasks(store) == [("listen", "alice")]


async def test_a_beginning_that_comes_last_finds_the_caller_we_know(store: Store, config: Config) -> None:
    await record(store, config, CallMaker("c1").rang("bob").talked("bob").ended())
    late = CallMaker("c2", begins=NOW + timedelta(days=1)).add(VoicemailLeft, file="c2.wav", seconds=9).ended()
    await record(store, config, [*late[1:], late[0]])
    assert await count(store, Lead) == 1
    call = await the_call(store, "c2")
    assert (call.outcome, call.lead_id) == ("left_voicemail", (await the_lead(store)).id)
    with store.reading() as session:
        timeline = rows.timeline(session, (await the_lead(store)).id)
        [task] = rows.tasks(session)
    assert [entry.call_id for entry in timeline] == ["c1", "c2"]
    assert task.lead_id == call.lead_id


async def test_a_talk_told_in_whole_seconds_was_after_the_step_in_which_the_phone_rang(
    store: Store, config: Config
) -> None:
    ring = StepTaken("ring", "c1", NOW + timedelta(seconds=3.6), CallStep.RING)
    talk = TalkStarted("talk", "c1", NOW + timedelta(seconds=3), "c1-alice")
    maker = CallMaker().rang("alice")
    end = CallEnded("end", "c1", NOW + timedelta(seconds=9), EndedBy.CALLER)
    await record(store, config, [*maker.facts, ring, talk, end])
    assert (await the_call(store)).outcome == "talked"
    assert await all_tasks(store) == []


@pytest.mark.parametrize(
    ("by", "went"),
    [
        (EndedBy.CALLER, "hung up just as the phone was answered"),
        (EndedBy.AGENT, "was hung up on as soon as the phone was answered"),
    ],
)
async def test_a_call_that_ends_in_the_moment_of_its_answer_is_missed(
    store: Store, config: Config, by: EndedBy, went: str
) -> None:
    maker = CallMaker().step(CallStep.RING).rang("alice").add(TalkStarted, leg_id="c1-alice")
    maker.at -= timedelta(seconds=0.5)
    await record(store, config, maker.add(LegEnded, leg_id="c1-alice", status=DialStatus.ANSWER).ended(by))
    call = await the_call(store)
    assert (call.outcome, call.talk_started_at is not None) == ("gave_up", True)
    assert await all_tasks(store) == [("call_back", "alice")]
    with store.reading() as session:
        [entry] = rows.timeline(session, (await the_lead(store)).id)
    assert entry.text == f"Called Maple Court and {went}."


async def test_a_talk_of_an_unknown_length_is_a_talk(store: Store, config: Config) -> None:
    """Only its end was logged, or the clock was set back in it."""
    maker = CallMaker().step(CallStep.RING).rang("alice").add(TalkEnded, leg_id="c1-alice")
    await record(store, config, maker.ended())
    assert (await the_call(store)).outcome == "talked"
    maker = CallMaker("c2", caller="+15125550124").rang("alice").add(TalkStarted, leg_id="c2-alice")
    maker.at -= timedelta(hours=1)
    await record(store, config, maker.ended())
    assert (await the_call(store, "c2")).outcome == "talked"
    assert await all_tasks(store) == []


async def test_a_talk_that_becomes_known_later_finishes_the_task(store: Store, config: Config) -> None:
    maker = CallMaker().step(CallStep.RING).rang("alice")
    maker.at += timedelta(minutes=1)
    await record(store, config, maker.ended())
    assert await all_tasks(store) == [("call_back", "alice")]
    await record(store, config, [TalkStarted("late", "c1", NOW + timedelta(seconds=3), "c1-alice")])
    assert (await the_call(store)).outcome == "talked"
    assert await all_tasks(store) == []
    with store.reading() as session:
        [task] = rows.tasks(session, open_only=False)
    assert task.done_at
    assert task.result


async def test_whoever_talked_calls_back_when_the_talk_was_cut_and_no_text_says_that_nobody_was_there(
    store: Store, config: Config
) -> None:
    maker = CallMaker().step(CallStep.RING).rang("alice", "bob").add(TalkStarted, leg_id="c1-bob").step(CallStep.TALK)
    maker.add(TalkCut, leg_id="", by=Cut.FAILED)
    await record(store, config, maker.ended(EndedBy.SYSTEM))
    assert (await the_call(store)).outcome == "interrupted"
    assert await all_tasks(store) == [("call_back", "bob")]
    assert await all_texts(store) == []
    lead = await the_lead(store)
    assert (lead.status, lead.assigned_agent.slug if lead.assigned_agent else None) == ("in_progress", "bob")


async def test_a_task_done_stays_done(store: Store, config: Config) -> None:
    await record(store, config, CallMaker().ended())
    with store.writing() as session:
        task = tasks.by_key(session, "call:c1")
        assert task
        task.done_at, task.result = NOW, "Called back."
    await record(store, config, [VoicemailLeft("late", "c1", NOW, "c1.wav", 5)])
    with store.reading() as session:
        task = tasks.by_key(session, "call:c1")
    assert task
    assert (task.kind, task.result) == ("call_back", "Called back.")


async def test_a_call_with_the_dialplan_waits_for_what_happened_there(store: Store, config: Config) -> None:
    maker = CallMaker().step(CallStep.RING).add(HandedToDialplan, reason="handed_over")
    await record(store, config, maker.ended(EndedBy.SYSTEM))
    call = await the_call(store)
    assert (call.outcome, call.step, call.without_app) == (None, "last_resort", True)
    assert await all_tasks(store) == []
    assert await all_texts(store) == []
    assert list(await store.read(ledger.open_calls, config)) == ["c1"]
    spool: list[Fact] = [
        LegRang("c1/s1", "c1", maker.at, "c1-spool-0", "bob-desk", "", "last_resort"),
        TalkStarted("c1/s2", "c1", maker.at, "c1-spool-0"),
        CallEnded("c1/s3", "c1", maker.at + timedelta(minutes=3), EndedBy.CALLER, without_app=True),
    ]
    await record(store, config, spool)
    call = await the_call(store)
    assert call.outcome == "talked"
    assert [leg.agent.slug for leg in call.legs if leg.agent] == ["bob"], "the phone tells whose it is"
    assert list(await store.read(ledger.open_calls, config)) == []


@pytest.mark.both_databases
async def test_two_calls_of_one_unknown_number_at_once_make_one_lead_and_one_text(store: Store, config: Config) -> None:
    stories = [CallMaker(f"c{number}").step(CallStep.MENU).ended() for number in range(4)]
    await asyncio.gather(*(record(store, config, story) for story in stories))
    assert await count(store, Lead) == 1
    assert await count(store, Call) == 4
    with store.reading() as session:
        (task,) = rows.tasks(session)
    assert (task.kind, task.times) == ("call_back", 4)
    assert len(await all_texts(store)) == 1


@pytest.mark.both_databases
async def test_one_fact_recorded_by_two_at_once_counts_once(store: Store, config: Config) -> None:
    story = CallMaker().step(CallStep.MENU).ended()
    await asyncio.gather(record(store, config, story), record(store, config, story))
    assert await count(store, CallEvent) == 3
    assert len(await all_texts(store)) == 1
    assert len(await all_tasks(store)) == 1


async def test_text_that_fits_no_column_is_cut_and_nothing_is_lost(store: Store, config: Config) -> None:
    maker = CallMaker(did="7" * 300)
    maker.add(LegRang, leg_id="c1-x", device="d" * 90, agent="", stage="s" * 90)
    await record(store, config, maker.ended())
    call = await the_call(store)
    assert call.did == "7" * 40
    assert call.legs[0].device == "d" * 40


async def test_a_lead_that_was_closed_is_open_again(store: Store, config: Config) -> None:
    await record(store, config, CallMaker("c1").ended())
    with store.writing() as session:
        lead = leads.by_phone(session, PROSPECT)
        assert lead
        lead.status = "closed"
    await record(store, config, CallMaker("c2", begins=NOW + timedelta(days=9)).ended())
    assert (await the_lead(store)).status == "in_progress"


async def test_without_any_link_nothing_is_promised(store: Store, config: Config) -> None:
    with store.writing() as session:
        organization = session.scalars(select(Organization)).one()
        organization.listings_url = ""
    await record(store, config, CallMaker(did=OFFICE).add(LinkRequested).ended())
    assert (await the_call(store)).outcome == "gave_up"
    [message] = await all_texts(store)
    assert message.purpose == "missed_call"
    assert "http" not in message.body


async def test_an_older_talk_does_not_move_the_last_one_back(store: Store, config: Config) -> None:
    await record(store, config, CallMaker("c2", begins=NOW + timedelta(hours=1)).rang("bob").talked("bob").ended())
    with store.reading() as session:
        before = agents.by_slug(session, "bob")
    await record(store, config, CallMaker("c1").rang("bob").talked("bob").ended())
    with store.reading() as session:
        after = agents.by_slug(session, "bob")
    assert before
    assert after
    assert before.last_talk_ended_at == after.last_talk_ended_at


async def test_before_the_office_is_set_up_an_administrator_owns_what_is_missed(store: Store, config: Config) -> None:
    with store.writing() as session:
        for organization in session.scalars(select(Organization)):
            session.delete(organization)
    with store.writing() as session:
        for agent in agents.listed(session):
            session.delete(agent)
    await record(store, config, CallMaker(did="+15125559999").ended())
    assert await all_tasks(store) == [("unknown_did", "admin")]
    with store.reading() as session:
        [admin] = session.scalars(select(Agent))
    assert not admin.on_duty


async def test_facts_keep_what_they_said(store: Store, config: Config) -> None:
    arrived = replace(CallMaker().facts[0], id="only")
    await record(store, config, [arrived])
    with store.reading() as session:
        [row] = calls.events(session, "c1")
    assert (row.id, row.kind, row.at) == ("only", "CallArrived", NOW)
    assert row.data == {"did": MAPLE, "caller": PROSPECT, "trunk": "carrier"}, "and not what is the default"
    with store.reading() as session:
        [told] = call_views.one(session, "c1").events
    assert told.data == {
        "did": MAPLE,
        "caller": PROSPECT,
        "trunk": "carrier",
        "without_app": False,
        "attestation": "",
        "withheld": False,
        "caller_digits": "",
        "dialled": [],
    }


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_while_the_database_is_down_nothing_is_lost(
    store: Store, config: Config, postgres: PostgresServer
) -> None:
    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, NOW)

    facts = CallMaker().step(CallStep.MENU).ended()
    async with Journal(config.journal_folder, apply, longest_retry_seconds=0.2) as journal:
        journal.append(facts[0])
        await journal.drained()
        await asyncio.to_thread(postgres.stop)
        try:
            for fact in facts[1:]:
                journal.append(fact)
            with pytest.raises(Unavailable):
                await the_call(store)
            assert journal.pending == 2
        finally:
            await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(60):
            await journal.drained()
    assert (await the_call(store)).outcome == "gave_up"
    assert await all_tasks(store) == [("call_back", "alice")]


# --- stories of calls that are up ---


def whole(call_id: str = "c1", caller: str = PROSPECT) -> list[list[Fact]]:
    """A talk, in the bursts in which its facts come."""
    maker = CallMaker(call_id, caller=caller).step(CallStep.MENU)
    ends = [len(maker.facts)]
    maker.add(KeyPressed, key="2").add(Routed, rule="subteam", reasons=("why",), stages=("subteam",), path="ring")
    maker.step(CallStep.RING).rang("alice", "bob")
    ends.append(len(maker.facts))
    facts = maker.talked("bob").ended()
    return [facts[: ends[0]], facts[ends[0] : ends[1]], facts[ends[1] :]]


async def everything(store: Store) -> list[Any]:
    """All that calls leave, but for what tells one call from another."""
    found = []
    with store.reading() as session:
        for call in rows.calls(session):
            one = calls.by_id(session, call.id)
            assert one
            leads_of = [one.lead.status, one.lead.source, one.lead.assigned_agent_id] if one.lead else []
            found.append(
                (
                    *(one.outcome, one.step, one.ended_by, one.line_id, one.property_id, one.talk_started_at),
                    *leads_of,
                    [(leg.device, leg.status, leg.agent_id, leg.answered_at, leg.ended_at) for leg in one.legs],
                    [(event.kind, event.data) for event in one.events if event.kind != "CallArrived"],
                    [decision.rule for decision in calls.decisions(session, call.id)],
                )
            )
    return found


@pytest.mark.parametrize("forgets", [False, True], ids=["held", "told anew"])
async def test_a_story_that_is_held_leaves_the_same_as_one_told_anew(
    store: Store, config: Config, forgets: bool
) -> None:
    """`forgets` is what a crash does between two transactions."""
    await record(store, config, [fact for burst in whole() for fact in burst])
    held = Ledger(config)
    for burst in whole("c2", "+15125550124"):
        for fact in burst:
            held = Ledger(config) if forgets else held
            await store.run(held.record, [fact], fact.at)
            await store.run(held.record, [fact], fact.at)
    one, other = await everything(store)
    # Legs' ids are the calls' own.
    assert str(one).replace("c1-", "") == str(other).replace("c2-", "")


async def test_many_calls_are_recorded_in_one_transaction_and_few_statements(store: Store, config: Config) -> None:
    with store.writing() as session:
        people = [f"+1512555{number:04}" for number in range(1000, 1020)]
        session.add_all(
            Lead(status="new", created_at=NOW, phones=[LeadPhone(number=number)], interests=[]) for number in people
        )
    # The office is read once, by whoever comes first.
    store.read_blocking(snapshot.now)
    held, alone = Ledger(config), Ledger(config)
    counted = []
    for burst in whole():
        with counting() as statements:
            await store.run(alone.record, burst, burst[-1].at)
        counted.append(len(statements))
    assert sum(counted) <= 25, counted
    calls_up = [whole(f"m{number}", caller) for number, caller in enumerate(people)]
    for bursts in zip(*calls_up, strict=True):
        with counting() as statements:
            await store.run(held.record, [fact for burst in bursts for fact in burst], bursts[0][-1].at)
        counted.append(len(statements))
    # While they are up nothing is read but whose phones ring, and many rows are written by one statement.
    assert counted[4] <= 7, counted
    assert sum(counted[3:]) <= 12 * len(people), counted
    with store.reading() as session:
        assert {call.outcome for call in rows.calls(session)} == {"talked"}


async def test_a_missed_call_of_a_new_caller_looks_for_nothing_that_cannot_be_there(
    store: Store, config: Config
) -> None:
    store.read_blocking(snapshot.now)
    with counting() as statements:
        await store.run(ledger.record_all, config, CallMaker().step(CallStep.MENU).ended(), NOW)
    assert len(statements) <= 16, statements
    assert await all_tasks(store) == [("call_back", "alice")]
    assert len(await all_texts(store)) == 1


@contextmanager
def counting() -> Iterator[list[str]]:
    """Statements that read or write rows."""
    statements: list[str] = []

    def on_statement(connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SELECT pg_notify")):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", on_statement)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", on_statement)


async def test_what_somebody_else_records_meanwhile_is_part_of_the_story(store: Store, config: Config) -> None:
    held = Ledger(config)
    arrived, rang, talked = whole()
    await store.run(held.record, arrived, NOW)
    await store.run(held.record, rang, NOW)
    # As another node does, or the command line that finds sound which no call has.
    found = VoicemailLeft("found", "c1", NOW + timedelta(seconds=90), "c1.wav", 9)
    await record(store, config, [found, CallEnded("end", "c1", NOW + timedelta(minutes=2), EndedBy.CALLER)])
    await store.run(held.record, [*talked[:-1]], NOW)
    call = await the_call(store)
    assert (call.outcome, call.voicemail.seconds if call.voicemail else 0) == ("talked", 9)
    assert len(call.events) == len(arrived) + len(rang) + len(talked) - 1 + 2


async def test_what_others_change_in_a_call_that_is_up_stays(store: Store, config: Config) -> None:
    held = Ledger(config)
    arrived, rang, talked = whole()
    await store.run(held.record, arrived, NOW)
    with store.writing() as session:
        call = session.get(Call, "c1")
        assert call
        call.remark = "Wants a balcony."
        lead = Lead(status="new", name="Pat", created_at=NOW, phones=[LeadPhone(number=PROSPECT)], interests=[])
        session.add(lead)
        session.flush()
        call.lead_id = lead.id
    await store.run(held.record, rang, NOW)
    await store.run(held.record, talked, NOW)
    call = await the_call(store)
    assert (call.remark, call.outcome) == ("Wants a balcony.", "talked")
    assert call.lead
    assert call.lead.name == "Pat"
    assert await count(store, Lead) == 1


async def test_what_was_not_committed_is_not_held(store: Store, config: Config) -> None:
    held = Ledger(config)
    arrived, rang, talked = whole()
    await store.run(held.record, arrived, NOW)

    def fails(session: Session) -> None:
        held.record(session, rang, NOW)
        raise Unavailable("The disk is full.", code="database_silent")

    with pytest.raises(Unavailable):
        await store.run(fails)
    await store.run(held.record, talked[:2], NOW)
    assert len((await the_call(store)).events) == len(arrived) + 2
    await store.run(held.record, [*rang, *talked], NOW)
    call = await the_call(store)
    assert call.outcome == "talked"
    assert len(call.events) == len(arrived) + len(rang) + len(talked)


async def test_calls_that_ended_are_not_held_and_of_others_not_more_than_there_is_room_for(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_HELD", 2)
    held = Ledger(config)
    for number in range(4):
        await store.run(held.record, whole(f"c{number}")[0], NOW)
    assert list(held.held) == ["c2", "c3"]
    for number in range(4):
        await store.run(held.record, [fact for burst in whole(f"c{number}")[1:] for fact in burst], NOW)
    assert list(held.held) == []
    with store.reading() as session:
        assert [call.outcome for call in rows.calls(session)] == ["talked"] * 4


async def test_a_call_wakes_those_who_wait_for_messages_when_it_leaves_one_and_nobody_else(
    store: Store, config: Config
) -> None:
    told: list[str] = []
    with (
        store.changes.told(["agent", "device"], lambda: told.append("agents")),
        store.changes.told(["voicemail"], lambda: told.append("messages")),
    ):
        await record(store, config, CallMaker().rang("alice").talked("alice").ended())
        await asyncio.sleep(0)
        assert told == []
        left = CallMaker("c2").add(VoicemailLeft, file="c2.wav", seconds=5)
        await record(store, config, left.facts)
        await asyncio.sleep(0)
        assert told == ["messages"]
        left.ended()
        await record(store, config, left.facts[-1:])
        await asyncio.sleep(0)
        assert told == ["messages", "messages"], "whoever left it is on the line no more"
