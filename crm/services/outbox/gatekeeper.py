"""Collects what the gate (`crm.domain.gate`) has to know about a text, and stores its decision with the text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import String, cast, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config, Texts
from crm.domain import gate
from crm.domain.delivery import DeliveryState
from crm.domain.gate import ClockLocation, GateDecision, Limit, TextLimits, TextRequest, Verdict
from crm.domain.texts import TextPurpose, of_use_until
from crm.edge import numbers
from crm.services.outbox import destinations
from crm.services.people import opt_outs as entries
from crm.store.models import Message, OptOut
from crm.store.queries import calls, messages, opt_outs

PUT_OFF_AT_ONCE = 500
"""Texts in one transaction."""


def decide(session: Session, config: Config, message: Message, now: datetime) -> GateDecision:
    """Asks the gate about an outgoing text, and stores the decision, its reasons and the resulting state with the text.
    SEND leaves the state as it is."""
    purpose, to = TextPurpose(message.purpose), message.to_number
    decision = gate.decide(_ask(session, config, purpose, to, message.created_at, message.expires_at, now), now)
    message.decision, message.decision_reasons = decision.verdict, list(decision.reasons)
    if decision.verdict is Verdict.BLOCK:
        message.state, message.next_attempt_at = DeliveryState.BLOCKED, None
        message.error = " ".join(decision.reasons)[:300]
    elif decision.verdict is Verdict.WAIT:
        message.state, message.next_attempt_at = DeliveryState.QUEUED, decision.until
    return decision


class ForecastReason(StrEnum):
    """What decides about a text that somebody is about to write."""

    NOTHING = "nothing"
    """It may leave at once."""
    REFUSED = "refused"
    """Nothing goes to that number, by the settings."""
    OPTED_OUT = "opted_out"
    QUIET = "quiet"
    """It is too early or too late in the day where they or the office are."""
    LIMIT = "limit"
    TOO_LATE = "too_late"


@dataclass(frozen=True)
class Forecast:
    """What the gate would say now about a text from an agent."""

    verdict: Verdict
    why: ForecastReason
    reasons: tuple[str, ...]
    until: datetime | None
    """With WAIT: when it leaves."""


def foresee(
    session: Session, config: Config, number: str, now: datetime, purpose: TextPurpose = TextPurpose.AGENT
) -> Forecast:
    """What the gate would decide about a text that was written now, by an agent unless it has another purpose; nothing
    is stored."""
    ask = _ask(session, config, purpose, number, now, None, now)
    decision = gate.decide(ask, now)
    why = ForecastReason.NOTHING
    if decision.verdict is Verdict.BLOCK:
        why = ForecastReason.REFUSED if ask.refusal else ForecastReason.TOO_LATE
        why = ForecastReason.OPTED_OUT if ask.opted_out and not ask.refusal else why
    elif decision.verdict is Verdict.WAIT:
        # Whichever of the two lasts longer.
        is_quiet = decision.until == gate.next_open(ask.locations, now)
        why = ForecastReason.QUIET if is_quiet else ForecastReason.LIMIT
    return Forecast(decision.verdict, why, decision.reasons, decision.until)


def put_off(session: Session, limit: Limit, now: datetime) -> None:
    """Puts off the other due texts that would exceed the same office-wide limit, to the times at which it lets them
    through. So the gate is asked about each of them once, not about all of them whenever one may leave."""
    waits = Message.state == DeliveryState.QUEUED, Message.purpose.in_(limit.purposes)
    has_met_it = cast(Message.decision_reasons, String).contains(str(limit), autoescape=True)
    ahead = session.scalar(select(func.count()).where(*waits, Message.next_attempt_at > now, has_met_it)) or 0
    due = select(Message.id, Message.purpose, Message.created_at, Message.expires_at)
    due = due.where(*waits, Message.next_attempt_at <= now)
    due = due.order_by(Message.next_attempt_at, Message.id).limit(PUT_OFF_AT_ONCE)
    found = session.execute(due.with_for_update(skip_locked=True)).all()
    ends = [of_use_until(TextPurpose(text.purpose), text.created_at, text.expires_at) for text in found]
    sent = messages.sent_since(session, now - limit.within, purposes=limit.purposes, newest=limit.most)
    times = gate.free_times(sent, limit, now, ahead, len(found))
    told = {"decision": Verdict.WAIT, "decision_reasons": [str(limit)]}
    # A text that is of no use by then comes up once more when it expires, and is blocked.
    rows = [
        {"id": text.id, "next_attempt_at": min(at, end), **told}
        for text, at, end in zip(found, times, ends, strict=True)
    ]
    if rows:
        session.execute(update(Message), rows)


def refused(session: Session, message: Message, why: str, now: datetime) -> None:
    """Records that the carrier refused a text because the person had opted out there: that counts here, too."""
    message.state, message.decision, message.decision_reasons = DeliveryState.BLOCKED, Verdict.BLOCK, [why]
    message.error, message.next_attempt_at = why[:300], None
    if not opt_outs.in_force(session, message.to_number):
        entries.enter(session, message.to_number, source="carrier", evidence=why, now=now, message_id=message.id)


def _ask(
    session: Session,
    config: Config,
    purpose: TextPurpose,
    to: str,
    created_at: datetime,
    expires_at: datetime | None,
    now: datetime,
) -> TextRequest:
    paused = messages.pause_in_force(session, now) if purpose in gate.AUTOMATIC else None
    sent = []
    for limit in gate.limits_on(purpose, _limits(config.texts)):
        number = to if limit.to_person else None
        left = messages.sent_since(
            session, now - limit.within, to_number=number, purposes=limit.purposes, newest=limit.most
        )
        sent.append((limit, tuple(left)))
    return TextRequest(
        purpose=purpose,
        created_at=created_at,
        expires_at=expires_at,
        refusal=destinations.refusal(config, to),
        opted_out="; ".join(_in_words(entry) for entry in opt_outs.in_force(session, to)),
        # Without that setting, no withheld number is known.
        is_withheld=config.privacy.keep_withheld and calls.is_withheld(session, to),
        last_heard_at=messages.last_heard_at(session, to, created_at),
        locations=locations(config, to),
        paused_until=paused.ends_at if paused else None,
        sent=tuple(sent),
    )


def _limits(texts: Texts) -> TextLimits:
    return TextLimits(
        per_person_per_hour=texts.per_person_per_hour,
        per_hour=texts.per_hour,
        per_day=texts.per_day,
        automatic_percent=texts.automatic_percent,
        confirmations_per_person_per_day=texts.confirmations_per_person_per_day,
        confirmations_per_hour=texts.confirmations_per_hour,
    )


def locations(config: Config, number: str) -> tuple[ClockLocation, ...]:
    """The clocks that count for a number: the office's, and that of every time zone it may be in."""
    state = numbers.state(number)
    found = [ClockLocation(config.tz)]
    for name in numbers.zones(number):
        try:
            found.append(ClockLocation(ZoneInfo(name), state))
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return tuple(found)


def _in_words(entry: OptOut) -> str:
    how = {"keyword": "they wrote", "sentence": "they wrote", "carrier": "the carrier said"}.get(
        entry.source, "noted by"
    )
    return f"on {entry.created_at:%Y-%m-%d} {how} {entry.evidence}"
