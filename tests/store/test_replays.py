"""Past calls of every outcome, recorded as flows record them, and decided again under other rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path as File

import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackQueued,
    CallEnded,
    CallerBlocked,
    EndedBy,
    Fact,
    LegRang,
    LinkRequested,
    Outcome,
    Routed,
    TalkEnded,
    TalkStarted,
    TourBooked,
    VoicemailLeft,
)
from crm.domain.choosing import Answers, KeyedAnswer, Question
from crm.domain.rehearsals import Replay
from crm.domain.routing import TEAM, TEXT_ME, TOUR
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.routing import replays, routes
from crm.services.routing.replays import Changes
from crm.services.routing.routes import PhonesNow
from crm.services.tours import booking, times
from crm.store import decisions
from crm.store.models import Call, Hours
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOON = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
"""A Monday in Chicago, the office is open."""
NIGHT = NOON + timedelta(hours=12)
MAPLE, UNKNOWN = "+15125550100", "+15125559999"
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)
ROUNDS = 3


@dataclass(frozen=True)
class Kind:
    """Calls that go alike."""

    outcome: Outcome
    path: str
    """Of the decision; empty: none is taken."""
    answers: Answers = TO_TEAM
    at: datetime = NOON
    did: str = MAPLE
    is_busy: bool = False


KINDS = {
    "talk": Kind(Outcome.TALKED, "live"),
    "outside": Kind(Outcome.HANDED_OVER, "live"),
    "gives up": Kind(Outcome.GAVE_UP, "live"),
    "message": Kind(Outcome.LEFT_VOICEMAIL, "live"),
    "message at night": Kind(Outcome.LEFT_VOICEMAIL, "tour", at=NIGHT),
    "tour": Kind(Outcome.BOOKED, "tour", (KeyedAnswer(Question.MENU, TOUR),)),
    "link": Kind(Outcome.GOT_LINK, "link", (KeyedAnswer(Question.MENU, TEXT_ME),)),
    "place kept": Kind(Outcome.CALLBACK, "live", is_busy=True),
    "misdialled": Kind(Outcome.WRONG_NUMBER, "refuse", did=UNKNOWN),
    "blocked": Kind(Outcome.BLOCKED, ""),
}


@pytest.fixture
async def past(store: Store, config: Config) -> datetime:
    """A hundred calls, ten of each kind; returns when they began."""
    with store.writing() as session:
        session.add_all(Hours(weekday=day, opens="09:00", closes="18:00") for day in range(7))
    by = By("tests", NOON - timedelta(hours=1))
    await store.run(times.set_hours, by, "maple", ["mon-sun 09:00-18:00"], kind=TourKind.REMOTE, minutes=15)
    free = iter(await store.read(times.free, config, "maple", NIGHT, limit=ROUNDS))
    for number in range(ROUNDS):
        for name, kind in KINDS.items():
            at = kind.at + timedelta(minutes=number)
            call, caller = f"{name}-{number}", f"+1512555{1000 + len(KINDS) * number + list(KINDS).index(name)}"
            facts: list[Fact] = [CallArrived(f"{call}/a", call, at, kind.did, caller)]
            if kind.path:
                facts.append(await routed(store, config, kind, call, caller, at))
            facts += follows(name, call, at)
            if name == "tour":
                booked = await store.run(
                    booking.book,
                    config,
                    Secrets(config.secrets_file),
                    by,
                    person=caller,
                    property_slug="maple",
                    at=next(free).starts_at,
                    key=call,
                    booked_by="keypad",
                )
                facts.append(TourBooked(f"{call}/b", call, at, booked.tour.id))
            facts.append(CallEnded(f"{call}/e", call, at + timedelta(seconds=50), EndedBy.CALLER))
            for fact in facts:
                await store.run(ledger.record, config, fact, at + timedelta(minutes=1))
    return NOON


async def routed(store: Store, config: Config, kind: Kind, call: str, caller: str, at: datetime) -> Routed:
    on_call = ("alice-desk", "bob-desk", "carol-desk", "dana-desk") if kind.is_busy else ()
    inputs, plan = await store.read(routes.plan, config, kind.did, caller, kind.answers, PhonesNow(at, on_call=on_call))
    assert plan.path == kind.path, call
    return decisions.told(f"{call}/r", call, at, inputs, plan)


def follows(name: str, call: str, at: datetime) -> list[Fact]:
    leg, later = f"{call}-leg", at + timedelta(seconds=20)
    rang = LegRang(f"{call}/l", call, at, leg, "alice-desk", "alice", "subteam")
    outside = LegRang(f"{call}/l", call, at, leg, "trunk-acme", "", "answering", number="+15125550180")
    talk = [TalkStarted(f"{call}/t", call, later, leg), TalkEnded(f"{call}/te", call, later, leg)]
    return {
        "talk": [rang, *talk],
        "outside": [outside, *talk],
        "message": [rang, VoicemailLeft(f"{call}/m", call, later, f"{call}.wav", 7)],
        "message at night": [VoicemailLeft(f"{call}/m", call, later, f"{call}.wav", 7)],
        "link": [LinkRequested(f"{call}/k", call, later)],
        "place kept": [CallbackQueued(f"{call}/p", call, later, ("alice", "bob"))],
        "blocked": [CallerBlocked(f"{call}/x", call, at, "a number")],
    }.get(name, [])


def kinds_of(found: Replay) -> Counter[str]:
    return Counter(one.call_id.rpartition("-")[0] for one in found.changed)


async def test_calls_of_every_outcome_are_decided_again_and_only_those_that_the_rules_touch_change(
    store: Store, config: Config, past: datetime, tmp_path: File
) -> None:
    with store.reading() as session:
        outcomes = dict(session.execute(select(Call.outcome, func.count()).group_by(Call.outcome)).all())
    assert outcomes == Counter(kind.outcome.value for kind in KINDS.values() for _ in range(ROUNDS))

    told: list[tuple[int, int]] = []
    same = replays.replay(store, config, Changes(), past, lambda done, total: told.append((done, total)))
    decided = ROUNDS * sum(bool(kind.path) for kind in KINDS.values())
    assert (same.calls, same.decisions, same.unreadable, same.changed) == (decided, decided, 0, [])
    assert told == [(decided, decided)]

    live = {name for name, kind in KINDS.items() if kind.path == "live"}
    file = tmp_path / "new.toml"
    file.write_text("[ring]\nsubteam_seconds = 5\n")
    shorter = replays.replay(store, config, replays.read(config, file), past)
    assert kinds_of(shorter) == dict.fromkeys(live, ROUNDS)
    assert all(one.after.stages[0].seconds == 5 for one in shorter.changed)
    assert sum(count for *_, count in shorter.counts) == len(shorter.changed)

    file.write_text("[queue]\nenabled = false\n")
    no_queue = replays.replay(store, config, replays.read(config, file), past)
    assert kinds_of(no_queue) == {"place kept": ROUNDS}
    [(before, after, count)] = no_queue.counts
    assert (count, "queue" in before, "queue" in after) == (ROUNDS, True, False)

    file.write_text("[hours]\noffice = ['mon-sun 13:00-23:00']\n")
    found = replays.replay(store, config, replays.read(config, file), past)
    assert kinds_of(found) == dict.fromkeys({*live, "link", "tour"}, ROUNDS)
    assert {one.after.path.value for one in found.changed} == {"tour", "link"}

    file.write_text("[tasks]\ndue_minutes = 7\n")
    sooner = replays.replay(store, config, replays.read(config, file), past)
    assert kinds_of(sooner) == {name: ROUNDS for name, kind in KINDS.items() if kind.path not in ("", "refuse")}
    assert all(
        replace(one.before, task=one.after.task, reasons=()) == replace(one.after, reasons=()) for one in sooner.changed
    )
    assert (replays.replay(store, config, Changes(), NIGHT + timedelta(days=1))).calls == 0
