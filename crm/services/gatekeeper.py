"""Gathers what the gate (`crm.domain.gate`) has to know of a text, and keeps on the text what it decided."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain import gate
from crm.domain.gate import Ask, Decision, Place, Verdict
from crm.domain.texts import MessageState, Purpose
from crm.edge import numbers
from crm.store.models import Message, OptOut
from crm.store.queries import calls, messages, opt_outs

_NOT_COUNTED = (Purpose.STOP_CONFIRMED, Purpose.START_CONFIRMED, Purpose.STAFF)


async def decide(session: AsyncSession, config: Config, message: Message, now: datetime) -> Decision:
    """Asks the gate about a text of ours and writes the answer on it: decision, reasons, what follows for its state.

    With SEND the state stays as it is.
    """
    decision = gate.decide(await _ask(session, config, message, now), now)
    message.decision, message.decision_reasons = decision.verdict, list(decision.reasons)
    if decision.verdict is Verdict.BLOCK:
        message.state, message.next_attempt_at = MessageState.BLOCKED, None
        message.error = " ".join(decision.reasons)[:300]
    elif decision.verdict is Verdict.WAIT:
        message.state, message.next_attempt_at = MessageState.QUEUED, decision.until
    return decision


async def _ask(session: AsyncSession, config: Config, message: Message, now: datetime) -> Ask:
    texts, to, since = config.texts, message.to_number, now - gate.HOUR
    return Ask(
        purpose=Purpose(message.purpose),
        created_at=message.created_at,
        expires_at=message.expires_at,
        opted_out="; ".join(_in_words(entry) for entry in await opt_outs.in_force(session, to)),
        # Without that setting no such number is known.
        is_withheld=config.privacy.keep_withheld and await calls.is_withheld(session, to),
        last_heard_at=await messages.last_heard_at(session, to, message.created_at),
        places=places(config, to),
        sent_to_person=tuple(
            await messages.sent_since(
                session, since, to_number=to, without=_NOT_COUNTED, newest=texts.per_person_per_hour
            )
        ),
        # Notices to colleagues do not use up what prospects may get.
        sent_by_office=tuple(
            await messages.sent_since(session, since, without=(Purpose.STAFF,), newest=texts.per_hour)
        ),
        per_person_per_hour=texts.per_person_per_hour,
        per_hour=texts.per_hour,
    )


def places(config: Config, number: str) -> tuple[Place, ...]:
    """The office, and every zone the number may be in."""
    state = numbers.state(number)
    found = [Place(config.tz)]
    for name in numbers.zones(number):
        try:
            found.append(Place(ZoneInfo(name), state))
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return tuple(found)


def _in_words(entry: OptOut) -> str:
    how = {"keyword": "they wrote", "sentence": "they wrote", "carrier": "the carrier said"}.get(
        entry.source, "noted by"
    )
    return f"on {entry.created_at:%Y-%m-%d} {how} {entry.evidence}"
