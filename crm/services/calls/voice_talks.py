"""The record of talks with the voice agent: what was said and done, and what a talk continues with after a restart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from crm.domain.calls import VoiceTurnTaken
from crm.domain.conversation import TransferReason
from crm.domain.story import CallStory, VoiceTalkStory
from crm.store.models import Call, TalkRecord, VoiceTurn

LONGEST_TURN = 4000
"""Characters of what is said in one turn."""


@dataclass(frozen=True)
class KeptTalk:
    """A talk that was cut off by a restart of the app."""

    state: str
    """As in VoiceTurnTaken."""
    number: int
    """Of the last turn on record."""
    seconds: float
    """When that ended, from the beginning of the talk."""


def kept(session: Session, call_id: str) -> KeptTalk | None:
    """What a talk continues with; None when nothing of it is on record."""
    state = session.scalar(select(TalkRecord.state).where(TalkRecord.call_id == call_id))
    if not state:
        return None
    last = select(func.max(VoiceTurn.number), func.max(VoiceTurn.ended)).where(VoiceTurn.call_id == call_id)
    number, seconds = session.execute(last).one()
    return KeptTalk(state, number or 0, seconds or 0.0)


def passed_on(session: Session, call_id: str) -> str:
    """What a talk that passed the caller on found out, as one sentence; "" where there was none."""
    row = select(TalkRecord.summary).where(
        TalkRecord.call_id == call_id, TalkRecord.why_ended.in_(list(TransferReason))
    )
    return session.scalar(row) or ""


def keep(session: Session, call: Call, story: CallStory, talk: VoiceTalkStory) -> None:
    """Writes a talk's own row."""
    row = session.get(TalkRecord, call.id) or TalkRecord(call_id=call.id, state="", state_number=0)
    session.add(row)
    row.started_at, row.language = row.started_at or story.started_at, talk.language[:10]
    row.why_ended, row.summary = talk.why_ended[:30], talk.summary
    if talk.why_ended or story.ended_at:
        row.state, row.ended_at = "", row.ended_at or story.ended_at


def write_turns(connection: Connection, facts: Sequence[VoiceTurnTaken]) -> None:
    """Writes turns, and what a talk has to remember. The rows of the talks are there."""
    if not facts:
        return
    connection.execute(insert(VoiceTurn), [_values(fact) for fact in facts])
    latest = {fact.call_id: fact for fact in sorted(_with_state(facts), key=lambda fact: fact.number)}
    if latest:
        states = [{"talk": id, "kept": fact.state, "number": fact.number} for id, fact in sorted(latest.items())]
        connection.execute(_REMEMBER, states)


def _with_state(facts: Iterable[VoiceTurnTaken]) -> list[VoiceTurnTaken]:
    return [fact for fact in facts if fact.state]


def _values(fact: VoiceTurnTaken) -> dict[str, Any]:
    return {
        "id": fact.id,
        "call_id": fact.call_id,
        "number": fact.number,
        "at": fact.at,
        "who": fact.who[:10],
        "started": fact.started,
        "ended": fact.ended,
        # PostgreSQL refuses NUL, and text longer than its column.
        "text": fact.text.replace("\x00", "")[:LONGEST_TURN],
        "language": fact.language[:10],
        "confidence": fact.confidence,
        "template": fact.template[:60],
        "cites": [list(one) for one in fact.cites],
        "result": fact.result[:20],
    }


_REMEMBER = (
    update(TalkRecord)
    .where(TalkRecord.call_id == bindparam("talk"), TalkRecord.ended_at.is_(None))
    .where(TalkRecord.why_ended == "", TalkRecord.state_number < bindparam("number"))
    .values(state=bindparam("kept"), state_number=bindparam("number"))
)
