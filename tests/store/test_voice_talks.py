"""What a talk with the voice agent leaves in the CRM, until it is deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update

from crm.config import Config
from crm.domain.calls import (
    AnswerPromised,
    CallStep,
    EndedBy,
    LinkTexted,
    TourBooked,
    VoiceTalkEnded,
    VoiceTurnTaken,
)
from crm.domain.tasks import TaskKind
from crm.services import notifying
from crm.services.audit import By
from crm.services.calls import voice_talks
from crm.services.people import erasing, records
from crm.services.people.erasing import Mentions
from crm.services.system.checks import voice_agent
from crm.services.voicemail import retention
from crm.store.models import Activity, Agent, Line, Mail, Notice, TalkRecord, VoiceTurn
from crm.store.session import Store
from crm.views import calls as views
from crm.views import search
from tests.store import rows
from tests.store.conftest import crm_at
from tests.store.test_ledger import NOW, CallMaker, record

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]


class TalkMaker(CallMaker):
    """Makes the facts of one call that the voice agent answers."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.number = 0
        self.step(CallStep.VOICE_AGENT)

    def turn(self, who: str, text: str, **fields: Any) -> TalkMaker:
        self.number += 1
        at = float(self.number)
        self.add(VoiceTurnTaken, number=self.number, who=who, started=at, ended=at + 0.5, text=text, **fields)
        return self

    def asked(self) -> TalkMaker:
        """The caller asks, and is answered."""
        self.turn("agent", "This is an automated assistant.", template="greeting", state='{"turn":1}')
        self.turn("caller", "Is the zebra flat free?", language="en", confidence=0.83)
        return self.turn("agent", "It is.", template="homes", cites=(("listing", 3, 2),), state='{"turn":2}')


async def test_every_turn_is_on_record_with_what_it_comes_from(store: Store, config: Config) -> None:
    call = TalkMaker().asked()
    call.turn("act", "texted the link tours", result="done")
    await record(store, config, call.facts)
    kept = await store.read(voice_talks.kept, "c1")
    assert kept == voice_talks.KeptTalk('{"turn":2}', 4, 4.5)
    await record(store, config, call.ended())
    assert await store.read(voice_talks.kept, "c1") is None, "a talk that is over is not resumed"
    found = await store.read(views.one, "c1")
    assert found.voice_talk is not None
    told = [(turn.number, turn.who, turn.text, turn.confidence, turn.result) for turn in found.voice_talk.turns]
    assert told == [
        (1, "agent", "This is an automated assistant.", None, ""),
        (2, "caller", "Is the zebra flat free?", 0.83, ""),
        (3, "agent", "It is.", None, ""),
        (4, "act", "texted the link tours", None, "done"),
    ]
    [cite] = found.voice_talk.turns[2].cites
    assert (cite.kind, cite.id, cite.version) == ("listing", 3, 2)
    said_elsewhere = [event for event in found.events if "zebra" in str(event.data)]
    assert said_elsewhere == [], "what was said is kept once, where retention finds it"


async def test_what_a_talk_that_passed_the_caller_on_found_out_is_known_to_an_app_that_starts_anew(
    store: Store, config: Config
) -> None:
    call = TalkMaker().asked()
    await record(store, config, call.facts)
    assert await store.read(voice_talks.passed_on, "c1") == ""
    call.add(VoiceTalkEnded, why="asked", summary="A caller wants a person; looks for 2 bedrooms.")
    await record(store, config, call.facts)
    assert await store.read(voice_talks.passed_on, "c1") == "A caller wants a person; looks for 2 bedrooms."
    other = TalkMaker("c2").asked()
    other.add(VoiceTalkEnded, why="finished", summary="Looks for a studio.")
    await record(store, config, other.facts)
    assert await store.read(voice_talks.passed_on, "c2") == "", "nobody takes over"


async def test_facts_that_come_twice_or_one_by_one_after_a_restart_say_the_same(store: Store, config: Config) -> None:
    call = TalkMaker().asked()
    for _ in range(2):
        for fact in call.facts:
            await record(store, config, [fact])
    await record(store, config, [*call.ended(), *call.facts])
    found = await store.read(views.one, "c1")
    assert found.voice_talk is not None
    assert [turn.number for turn in found.voice_talk.turns] == [1, 2, 3]


@pytest.mark.parametrize(
    ("more", "outcome", "task"),
    [
        ([], "answered", TaskKind.FOLLOW_UP),
        ([(VoiceTalkEnded, {"why": "finished"})], "answered", TaskKind.FOLLOW_UP),
        ([(AnswerPromised, {"about": "the pet deposit"})], "answered", TaskKind.CALL_BACK),
        ([(LinkTexted, {"link": "tours"})], "got_link", TaskKind.FOLLOW_UP),
        ([(TourBooked, {"tour_id": 7})], "booked", None),
        ([(TourBooked, {"tour_id": 7}), (AnswerPromised, {"about": "parking"})], "booked", TaskKind.CALL_BACK),
    ],
)
async def test_one_outcome_and_one_owned_next_action(
    store: Store,
    config: Config,
    more: list[tuple[Any, dict[str, Any]]],
    outcome: str,
    task: TaskKind | None,
) -> None:
    call = TalkMaker().asked()
    for kind, fields in more:
        call.add(kind, **fields)
    await record(store, config, call.ended())
    [found] = await store.read(rows.calls)
    assert found.outcome == outcome
    left = await store.read(rows.tasks)
    assert [one.kind for one in left] == ([task] if task else [])
    assert all(one.owner for one in left)
    texts = [one.purpose for one in await store.read(rows.texts)]
    assert texts == [], "nobody missed this call"


async def test_who_hangs_up_before_they_say_anything_gave_up(store: Store, config: Config) -> None:
    call = TalkMaker().turn("agent", "This is an automated assistant.", template="greeting")
    await record(store, config, call.ended())
    [found] = await store.read(rows.calls)
    assert found.outcome == "gave_up"
    [task] = await store.read(rows.tasks)
    assert task.kind == TaskKind.CALL_BACK
    assert task.why == "Called Maple Court and hung up on the voice agent."


async def test_the_task_says_what_was_wanted_and_promised_and_an_emergency_is_due_at_once(
    store: Store, config: Config
) -> None:
    call = TalkMaker().asked().add(AnswerPromised, about="the pet deposit")
    call.add(VoiceTalkEnded, why="emergency", summary="They smell gas.").step(CallStep.RING)
    await record(store, config, call.ended())
    [task] = await store.read(rows.tasks)
    assert "They smell gas. They were promised an answer about the pet deposit." in task.why
    assert task.why.startswith("Emergency in a home: ")
    assert task.due_at == call.at - timedelta(seconds=1)


async def test_what_was_said_is_in_the_timeline_in_a_mail_and_found_by_search(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    await record(store, config, TalkMaker().asked().ended())
    [lead] = await store.read(rows.leads)
    entry = next(one for one in await store.read(rows.timeline, lead.id) if one.kind == "Transcript")
    assert entry.text.splitlines() == [
        "Said to the voice agent:",
        "Agent: This is an automated assistant.",
        "Caller: Is the zebra flat free?",
        "Agent: It is.",
    ]
    [hit] = await store.read(search.found, "zebra", NOW)
    assert (hit.lead.id, hit.found_in) == (lead.id, "timeline")
    await store.run(notifying.tell_due, config, NOW + timedelta(minutes=5))
    [body] = await store.read(lambda session: session.scalars(select(Mail.body)).all())
    assert "Caller: Is the zebra flat free?" in body
    [listed] = await store.read(lambda session: session.scalars(select(Notice.text)).all())
    assert "zebra" not in listed, "the list keeps no talk"


async def test_what_was_said_is_deleted_after_its_time_and_what_came_of_it_stays(store: Store, config: Config) -> None:
    await record(store, config, TalkMaker().asked().ended(EndedBy.CALLER))
    days = timedelta(days=config.ai.keep_days + 1)
    crm = crm_at(config, store, NOW + days)
    gone = await retention.prune(crm, By("retention", NOW + days))
    assert [(one.kind, one.id) for one in gone] == [("voice talk", "c1")]
    assert await retention.prune(crm, By("retention", NOW + days)) == []
    found = await store.read(views.one, "c1")
    assert found.voice_talk is not None
    assert found.voice_talk.purged_at is not None
    assert {turn.text for turn in found.voice_talk.turns} == {""}
    assert found.outcome == "answered"
    assert await store.read(search.found, "zebra", NOW) == []


async def test_a_persons_record_holds_it_and_an_erasure_takes_it(store: Store, config: Config) -> None:
    await record(store, config, TalkMaker().asked().ended())
    [lead] = await store.read(rows.leads)
    found = await store.read(records.gather, lead.id, NOW)
    assert [row["text"] for row in found.data["voice_turn"]][1] == "Is the zebra flat free?"
    assert len(found.data["voice_talk"]) == 1
    await store.run(erasing.erase, config, By("dana", NOW), lead.id, "They asked for it.", Mentions())
    with store.reading() as session:
        for table in (TalkRecord, VoiceTurn, Mail):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert "zebra" not in json.dumps(session.scalars(select(Activity.text)).all())


async def test_where_it_answers_and_why_it_cannot(store: Store, config: Config, unused_tcp_port: int) -> None:
    with store.reading() as session:
        assert voice_agent.look(session, config) == voice_agent.VoiceAgentHealth()
    with store.writing() as session:
        session.execute(update(Line).where(Line.number == "6001").values(ai_answers="always"))
    config = msgspec.structs.replace(config, ports=msgspec.structs.replace(config.ports, voice=unused_tcp_port))
    with store.reading() as session:
        found = voice_agent.look(session, config)
        [finding] = voice_agent.examine(session, config)
    assert found.answers == ["line 6001: always"]
    assert found.trouble == finding.text == "It has no model to hear with: callers get the menu."
    assert finding.code == "voice_model_missing"
    ai = msgspec.structs.replace(config.ai, whisper_model=str(config.home / "gone"), piper_voices={"en": "gone.onnx"})
    with store.reading() as session:
        findings = list(voice_agent.examine(session, msgspec.structs.replace(config, ai=ai)))
    assert [one.code for one in findings] == ["voice_model_broken", "voice_file_missing"]
