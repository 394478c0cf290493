"""The block list: its entries, the exceptions that get through anyway, and blocking the last caller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import blocking, emergency, fields
from crm.domain.blocking import BlockDecision, BlockKind, BlockListEntry, Known
from crm.domain.calls import CallDirection
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened, LeadEvent, LeadStatus
from crm.domain.texts import TextPurpose
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering
from crm.services.people import standing
from crm.services.people.identity import Identity, KnownLead, who_is
from crm.store.models import Activity, BlockedCaller, Call, EmergencyCall, Lead, Message, Task
from crm.store.queries import calls, leads

SHORTEST_PREFIX = 4
"""Digits, including the country code: +1* would keep everybody out."""
EMERGENCY_CALLBACK = timedelta(hours=1)
"""For this long after an emergency call, no caller to its callback number is blocked."""
YES = "1"
"""The key that blocks the last caller."""
_BY_CALLING_ALONE = (
    Happened.CALL_FROM,
    Happened.TRANSCRIPT,
    Happened.TASK,
    Happened.STAGE_CHANGED,
    Happened.STATUS_CHANGED,
    # The link that is texted after a missed call; what they themselves write is asked for on its own.
    Happened.TEXT,
    Happened.FOLLOW_UP,
)
"""What is in the timeline of somebody who has only called."""


def verdict(
    session: Session,
    config: Config,
    *,
    caller: str | None,
    is_withheld: bool,
    did: str,
    attestation: str,
    now: datetime,
) -> BlockDecision:
    """Decides whether a caller is blocked. Raises Unavailable, in which case nobody is blocked."""
    who = who_is(session, caller)
    return decide(session, config, who, is_withheld=is_withheld, did=did, attestation=attestation, now=now)


def decide(
    session: Session,
    config: Config,
    who: Identity,
    *,
    is_withheld: bool,
    did: str,
    attestation: str,
    now: datetime,
) -> BlockDecision:
    entries = [entry for entry in (who.blocked, _withheld(session) if is_withheld else None) if entry]
    if not entries and not config.unwanted.refuse_failed:
        return blocking.NOBODY
    return blocking.decide(
        caller=who.number,
        is_withheld=is_withheld,
        attestation=attestation,
        entries=entries,
        known=_known(session, who, did, now),
        refuse_failed=config.unwanted.refuse_failed,
    )


def _known(session: Session, who: Identity, did: str, now: datetime) -> Known:
    recent = select(EmergencyCall.id).where(
        EmergencyCall.callback_number == did,
        EmergencyCall.dialled != emergency.TEST,
        EmergencyCall.started_at > now - EMERGENCY_CALLBACK,
    )
    called_911 = _any(session, recent)
    if who.number is None:
        return Known(emergency=called_911)
    lead = who.lead
    texted = select(Message.id).where(
        Message.to_number == who.number, Message.direction == "out", Message.purpose == TextPurpose.AGENT
    )
    task = select(Task.id).where(Task.lead_id == lead.id, Task.done_at.is_(None)) if lead else None
    return Known(
        was_called=_any(session, select(Call.id).where(Call.caller == who.number, Call.direction == CallDirection.OUT)),
        was_texted=_any(session, texted),
        in_progress=lead is not None and lead.status == LeadStatus.IN_PROGRESS,
        open_task=task is not None and _any(session, task),
        emergency=called_911,
    )


def _any(session: Session, query: object) -> bool:
    return session.scalar(query.limit(1)) is not None  # type: ignore[attr-defined]


def _withheld(session: Session) -> BlockListEntry | None:
    row = session.scalar(select(BlockedCaller).where(BlockedCaller.kind == BlockKind.WITHHELD))
    return BlockListEntry(BlockKind.WITHHELD, row.value, row.refusal == "silent", row.why) if row else None


def add(
    session: Session,
    config: Config,
    by: By,
    raw: str,
    *,
    is_silent: bool = False,
    why: str = "",
    close_lead: bool = False,
) -> str:
    """Puts a number, a prefix (`+1900*`) or `withheld` on the list. Returns the entry as it is written.

    A number that would get through anyway is refused. `close_lead` first closes its lead and that lead's tasks:
    somebody the office has talked to only becomes unwanted that way.
    """
    kind, value = read(raw, config)
    why = fields.text(why, "reason", 300)
    if session.scalar(select(BlockedCaller).where(BlockedCaller.kind == kind, BlockedCaller.value == value)):
        raise Conflict("This is already on the list.", code="block_exists")
    if kind is BlockKind.NUMBER:
        who = who_is(session, value)
        if who.is_line:
            raise Invalid("That is one of our own lines.", code="block_is_our_line")
        _make_unwanted(session, who, by, close_lead=close_lead)
    return _put(session, by, kind, value, is_silent=is_silent, why=why)


def remove(session: Session, config: Config, by: By, raw: str) -> str:
    """Takes an entry off the list. Returns it as it was written."""
    kind, value = read(raw, config)
    found = session.scalar(select(BlockedCaller).where(BlockedCaller.kind == kind, BlockedCaller.value == value))
    if found is None:
        raise NotFound("There is no such entry.", code="block_unknown")
    session.delete(found)
    audit.record(session, by, f"block list: {kind} taken off")
    return _written(kind, value)


@dataclass(frozen=True)
class LastCaller:
    """Whoever outside called an agent last, as the agent hears it."""

    say: str
    """Who it is and why they are not blocked; or the question, if they can be."""
    number: str = ""
    """To pass to `block_caller` once the question was answered with `YES`; empty: they are not blocked."""


def last_caller(session: Session, config: Config, agent: str, now: datetime) -> LastCaller:
    """Whom an agent would block by phone.

    People whom somebody knows are not blocked that way, however annoying: one wrong key must not cost a lead.
    """
    number = calls.last_caller_of(session, agent)
    if number is None:
        return LastCaller("Nobody has called you from outside yet.")
    if not number:
        return LastCaller("The last caller showed no number, so it is not blocked.")
    who = who_is(session, number)
    if who.blocked and who.blocked.kind is BlockKind.NUMBER:
        return LastCaller(f"The last caller, {shown(who, config)}, is already blocked.")
    if why := _kept(session, who, now):
        return LastCaller(f"The last caller, {shown(who, config)}, is not blocked: {why}.")
    also = " and close its lead" if who.lead and who.lead.status != LeadStatus.CLOSED else ""
    return LastCaller(f"The last caller was {shown(who, config)}. To block this number{also}, press {YES}.", number)


def block_caller(session: Session, config: Config, by: By, number: str) -> str:
    """Blocks the number of `last_caller`, and returns the sentence to speak. What was learned about them since then
    counts."""
    who = who_is(session, number)
    if who.blocked and who.blocked.kind is BlockKind.NUMBER:
        return "The number is already blocked."
    if why := _kept(session, who, by.now):
        return f"The number is not blocked: {why}."
    _make_unwanted(session, who, by, close_lead=True)
    _put(session, by, BlockKind.NUMBER, number, is_silent=False, why=by.who[:300])
    return f"{numbers.speak(number, config.region)} is blocked."


def shown(who: Identity, config: Config) -> str:
    """Who has this number, as it is spoken: with a name where one is known."""
    assert who.number is not None
    name = (who.contact and who.contact.name) or (who.lead and who.lead.name) or ""
    spoken = numbers.speak(who.number, config.region)
    return f"{name}, {spoken}" if name else spoken


def _kept(session: Session, who: Identity, now: datetime) -> str:
    """Why nobody blocks this number by phone; empty: they may."""
    if who.is_line:
        return "it is one of our own lines"
    if who.colleague:
        return "it is a colleague's mobile"
    if who.contact:
        return f"it belongs to a known {who.contact.kind}"
    known = _known(session, who, "", now)
    if known.was_called or known.was_texted:
        return "the office itself has called or texted it"
    if who.lead and who.lead.status != LeadStatus.CLOSED and _is_known_person(session, who.lead):
        return "it is a lead, which the office has to close first"
    return ""


def _is_known_person(session: Session, lead: KnownLead) -> bool:
    """Whether more is known of a lead than that somebody has called."""
    if lead.name:
        return True
    card = select(Lead.id).where(Lead.id == lead.id, (Lead.email != "") | Lead.assigned_at.is_not(None))
    more = select(Activity.id).where(Activity.lead_id == lead.id, Activity.kind.not_in(_BY_CALLING_ALONE))
    wrote = select(Message.id).where(Message.lead_id == lead.id, Message.direction == "in")
    return any(_any(session, query) for query in (card, more, wrote))


def read(raw: str, config: Config) -> tuple[BlockKind, str]:
    """Parses an entry as a person writes it. Raises Invalid."""
    written = raw.strip()
    if written.lower() == "withheld":
        return BlockKind.WITHHELD, ""
    if not written.endswith("*"):
        number = numbers.typed(written, config.region, config.area_code)
        if number is None:
            numbering.check_area_code(written, config.region, config.area_code)
            raise Invalid(
                "Write a phone number such as (512) 555-0199, a prefix such as +1900*, or withheld.",
                code="block_invalid",
            )
        return BlockKind.NUMBER, number
    beginning = written.removesuffix("*")
    if not re.fullmatch(r"[0-9+()./\- ]+", beginning, re.ASCII) or "+" in beginning.strip()[1:]:
        raise Invalid(
            "Write a prefix of phone numbers as digits followed by a star, such as +1900*.",
            code="block_prefix_invalid",
        )
    digits = re.sub(r"[^0-9]", "", beginning)
    if not beginning.strip().startswith("+"):
        code = str(phonenumbers.country_code_for_region(config.region))
        # People write +1 900 as 1900.
        digits = digits if code == "1" and digits.startswith("1") else code + digits
    if not SHORTEST_PREFIX <= len(digits) <= 15:
        raise Invalid(
            f"A prefix has {SHORTEST_PREFIX} to 15 digits, including the country code, such as +1900*: "
            "a shorter one would block whole countries.",
            code="block_prefix_too_short",
            shortest=SHORTEST_PREFIX,
        )
    return BlockKind.PREFIX, f"+{digits}"


def _make_unwanted(session: Session, who: Identity, by: By, *, close_lead: bool) -> None:
    """Checks that a blocked number would not get through anyway. Raises Conflict if it would."""
    known = _known(session, who, "", by.now)
    if known.was_called or known.was_texted:
        raise Conflict(f"It would never be blocked: {blocking.spared_because(known)}.", code="block_never")
    is_spared = known.in_progress or known.open_task
    if who.lead is None or not (is_spared or (close_lead and who.lead.status != LeadStatus.CLOSED)):
        return
    if not close_lead:
        raise Conflict(
            f"It would not be blocked now: {blocking.spared_because(known)} (lead {who.lead.id}).",
            code="block_spared",
            lead=who.lead.id,
        )
    lead = leads.by_id(session, who.lead.id, for_update=True)
    assert lead is not None
    _close(session, lead, by)


def _close(session: Session, lead: Lead, by: By) -> None:
    standing.happened(lead, LeadEvent.UNWANTED, by.now)
    lead.closed_because = "An unwanted caller."
    for task in session.scalars(select(Task).where(Task.lead_id == lead.id, Task.done_at.is_(None))):
        task.done_at, task.result = by.now, "Blocked as an unwanted caller."
    audit.record(session, by, f"lead {lead.id} closed: an unwanted caller")


def _put(session: Session, by: By, kind: BlockKind, value: str, *, is_silent: bool, why: str) -> str:
    refusal = "silent" if is_silent else "spoken"
    session.add(BlockedCaller(kind=kind, value=value, refusal=refusal, why=why, created_at=by.now))
    audit.record(session, by, f"block list: {kind} added, {refusal}")
    session.flush()
    return _written(kind, value)


def _written(kind: BlockKind, value: str) -> str:
    return {BlockKind.NUMBER: value, BlockKind.PREFIX: f"{value}*", BlockKind.WITHHELD: "withheld"}[kind]
