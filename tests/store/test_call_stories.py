"""A call is told in order, in sentences, with the names of whoever took part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.config import Config
from crm.domain import calls as facts
from crm.domain.calls import (
    KINDS,
    CallArrived,
    CallEnded,
    CallStep,
    DialStatus,
    EndedBy,
    Fact,
    KeyPressed,
    LegEnded,
    LegRang,
    RecordingEnded,
    RecordingStarted,
    Routed,
    StepTaken,
    TalkEnded,
    TalkStarted,
    VoicemailLeft,
    VoiceTalkEnded,
    VoiceTurnTaken,
)
from crm.domain.errors import NotFound
from crm.services.calls import ledger
from crm.store.session import Store
from crm.views import call_stories, calls
from crm.words import call_story

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE, CALLER = "+15125550100", "+15125550123"
CHICAGO = ZoneInfo("America/Chicago")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def record(store: Store, config: Config, *told: Fact) -> None:
    for fact in told:
        await store.run(ledger.record, config, fact, after(200))


def opening(id: str) -> list[Fact]:
    return [
        CallArrived(f"{id}/a", id, NOW, MAPLE, CALLER, trunk="acme"),
        StepTaken(f"{id}/m", id, after(1), CallStep.MENU),
        KeyPressed(f"{id}/k", id, after(4), "2", question="menu"),
        Routed(f"{id}/d", id, after(4), "subteam", ("Maple Court is leased by Central.",), ("subteam",), "live"),
        LegRang(f"{id}/r1", id, after(5), f"{id}-1", "alice-desk", "alice", "subteam"),
        LegRang(f"{id}/r2", id, after(5), f"{id}-2", "dana-desk", "dana", "subteam"),
    ]


async def told(store: Store, id: str, language: str = "en") -> list[str]:
    with store.reading() as session:
        found = calls.one(session, id)
        lines = call_stories.told(session, found, now=after(300), tz=CHICAGO, region="US", language=language)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    return [f"{line.at.astimezone(CHICAGO):%H:%M:%S} {line.text}" for line in lines]


async def test_a_talk_is_told_from_the_ring_to_the_recording(store: Store, config: Config) -> None:
    await record(
        store,
        config,
        *opening("c1"),
        TalkStarted("c1/t", "c1", after(12), "c1-1"),
        LegEnded("c1/l2", "c1", after(12), "c1-2", DialStatus.CANCEL),
        RecordingStarted("c1/rs", "c1", after(13), "c1-talk-1", "announced", "c1-talk-1.wav"),
        TalkEnded("c1/te", "c1", after(140), "c1-1"),
        RecordingEnded("c1/re", "c1", after(140), "c1-talk-1", 127),
        CallEnded("c1/e", "c1", after(141), EndedBy.CALLER),
    )
    story = await told(store, "c1")
    assert story[:4] == [
        "10:00:00 (512) 555-0123 called Maple sign ((512) 555-0100) over trunk acme.",
        "10:00:01 Heard the menu.",
        "10:00:04 Pressed 2 in the menu.",
        "10:00:04 Decided: phones ring: subteam (rule: subteam).",
    ]
    assert story[4:] == [
        "10:00:05 Alice (alice-desk) and Dana (dana-desk) rang (subteam).",
        "10:00:12 Alice (alice-desk) answered.",
        "10:00:13 The recording began.",
        "10:02:20 The talk with Alice (alice-desk) was over after 2 min 8 s.",
        "10:02:20 The recording is 2 min 7 s long: c1-talk-1.wav.",
        "10:02:21 (512) 555-0123 hung up.",
    ]
    [entry] = await store.read(calls.listed)
    assert (entry.answered_by, entry.answered_by_name) == ("alice", "Alice")
    assert await told(store, "c1", "es") == [
        "10:00:00 (512) 555-0123 llamó a Maple sign ((512) 555-0100) por la troncal acme.",
        "10:00:01 Oyó el menú.",
        "10:00:04 Pulsó 2 en el menú.",
        "10:00:04 Se decidió: suenan los teléfonos: el equipo (regla: equipo).",
        "10:00:05 Sonó: Alice (alice-desk) y Dana (dana-desk) (el equipo).",
        "10:00:12 Alice (alice-desk) contestó.",
        "10:00:13 Empezó la grabación.",
        "10:02:20 La conversación con Alice (alice-desk) terminó tras 2 min 8 s.",
        "10:02:20 La grabación dura 2 min 7 s: c1-talk-1.wav.",
        "10:02:21 (512) 555-0123 colgó.",
    ]


async def test_a_missed_call_tells_what_followed(store: Store, config: Config) -> None:
    await record(
        store,
        config,
        *opening("c2"),
        LegEnded("c2/l1", "c2", after(25), "c2-1", DialStatus.NOANSWER),
        LegEnded("c2/l2", "c2", after(25), "c2-2", DialStatus.BUSY),
        StepTaken("c2/v", "c2", after(26), CallStep.VOICEMAIL),
        VoicemailLeft("c2/vl", "c2", after(60), "c2.wav", 31),
        CallEnded("c2/e", "c2", after(61), EndedBy.CALLER),
    )
    story = await told(store, "c2")
    for line in (
        "10:00:25 Alice (alice-desk) was not answered.",
        "10:00:25 Dana (dana-desk) was busy.",
        "10:00:26 Was asked to leave a voicemail.",
        "10:01:00 Left a voicemail of 31 s.",
    ):
        assert line in story
    [task] = [line for line in story if "Task" in line]
    assert "(listen to a voicemail) went to " in task
    [entry] = await store.read(calls.listed)
    assert entry.answered_by is None


async def test_a_talk_with_the_voice_agent_is_told_turn_by_turn(store: Store, config: Config) -> None:
    await record(
        store,
        config,
        CallArrived("c3/a", "c3", NOW, MAPLE, CALLER),
        StepTaken("c3/s", "c3", after(1), CallStep.VOICE_AGENT),
        VoiceTurnTaken("c3/1", "c3", after(2), 1, "agent", 0.0, 2.0, text="How may I help you?", result="heard"),
        VoiceTurnTaken("c3/2", "c3", after(5), 2, "caller", 3.0, 4.0, text="Is it pet friendly?", confidence=0.87),
        VoiceTurnTaken(
            "c3/3", "c3", after(8), 3, "agent", 5.0, 7.0, text="Cats are.", cites=(("property", 1, 2),), result="cut"
        ),
        VoiceTalkEnded("c3/e1", "c3", after(9), "asked", summary="Wants to know about dogs"),
        CallEnded("c3/e", "c3", after(10), EndedBy.CALLER),
    )
    story = await told(store, "c3")
    assert story[1:6] == [
        "10:00:01 Was answered by the voice agent.",
        '10:00:02 The voice agent said: "How may I help you?"',
        '10:00:05 They said (87 % sure): "Is it pet friendly?"',
        '10:00:08 The voice agent said: "Cats are." (from property 1 v2, cut)',
        "10:00:09 Was passed on to a person: asked for a person. In short: Wants to know about dogs.",
    ]


async def test_calls_are_found_by_when_line_and_who_answered(store: Store, config: Config) -> None:
    await record(
        store,
        config,
        *opening("c1"),
        TalkStarted("c1/t", "c1", after(12), "c1-1"),
        TalkEnded("c1/te", "c1", after(140), "c1-1"),
        CallEnded("c1/e", "c1", after(141), EndedBy.CALLER),
    )

    async def found(**filters: object) -> list[str]:
        return [one.id for one in await store.read(calls.listed, **filters)]  # type: ignore[arg-type]

    assert await found(agent="alice") == ["c1"]
    assert await found(agent="dana") == [], "Dana's phone only rang"
    assert await found(did=MAPLE) == ["c1"]
    assert await found(did="+15125550199") == []
    assert await found(since=NOW, until=after(1)) == ["c1"]
    assert await found(until=NOW) == []
    with pytest.raises(NotFound):
        await found(agent="nobody")


def test_every_kind_of_fact_is_told_or_told_elsewhere() -> None:
    told = set(call_story._SENTENCES) | call_story.TOLD_ELSEWHERE
    assert {kind.__name__ for kind in KINDS} <= told
    assert not set(call_story._SENTENCES) & call_story.TOLD_ELSEWHERE
    assert told - {kind.__name__ for kind in KINDS} == {"MessageLeft", "PlaceKept"}
    assert all(hasattr(facts, kind) for kind in call_story.TOLD_ELSEWHERE)


def test_a_fact_of_another_version_is_shown_as_it_is() -> None:
    names = call_story.CallNames("c", "P", "L", {}, {}, {}, {}, str)
    assert call_story.sentence("SangASong", {"key": "C major"}, names) == "SangASong: key C major"
    assert call_story.sentence("StepTaken", {"step": "of the future"}, names) == ""


@pytest.mark.parametrize(("language", "told"), [("en", "Spanish"), ("es", "español")])
def test_the_language_that_a_caller_chose_is_told(language: str, told: str) -> None:
    names = call_story.CallNames("c", "P", "L", {}, {}, {}, {}, str, language)
    assert told in call_story.sentence("LanguageChosen", {"language": "es"}, names)
