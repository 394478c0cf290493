"""The ledger of opt-outs from texts and from news by email: who opted out, how, and how it ended."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.domain.optout import ALL, SCOPES
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering
from crm.services.people import timeline
from crm.store.models import OptOut
from crm.store.queries import leads, opt_outs

NEWS = "news"
"""The scope of an email address."""


def add(session: Session, config: Config, by: By, raw: str, *, why: str, scope: str = "texts") -> str:
    """Opts out a number or an email address whose owner said so in another way, such as on the phone; their lead's
    timeline says so. Returns it as E.164 or in lower case. Raises Invalid, Conflict."""
    why = fields.text(why, "reason", 250, required=True)
    if "@" in raw:
        address = fields.email(raw).lower()
        if not no_news(session, address, source="admin", evidence=f"{by.who}: {why}", now=by.now):
            raise Conflict("This email address is already in the opt-out ledger.", code="opt_out_exists")
        _tell(session, by, address, "Wants no more news by email", why)
        audit.record(session, by, f"opt-out added, scope {NEWS}")
        return address
    number = _number(raw, config)
    if scope not in SCOPES:
        raise Invalid(f"{scope!r} is not a scope: use {' or '.join(SCOPES)}.", code="scope_unknown", known=list(SCOPES))
    if any(entry.scope == scope for entry in opt_outs.in_force(session, number)):
        raise Conflict("This number is already in the opt-out ledger.", code="opt_out_exists")
    enter(session, number, source="admin", evidence=f"{by.who}: {why}", now=by.now, scope=scope)
    _tell(session, by, number, f"Wants no more texts{' and calls' if scope == ALL else ''}", why)
    audit.record(session, by, f"opt-out added, scope {scope}")
    return number


def remove(session: Session, config: Config, by: By, raw: str, *, why: str) -> str:
    """Ends every opt-out of a number or an email address at the person's request. Returns it like `add`. Raises
    Invalid, NotFound."""
    why = fields.text(why, "reason", 250, required=True)
    if "@" in raw:
        who = fields.email(raw).lower()
        entries = opt_outs.of_address(session, who)
    else:
        who = _number(raw, config)
        entries = opt_outs.in_force(session, who)
    if not entries:
        what = "email address" if "@" in who else "number"
        raise NotFound(f"This {what} is not in the opt-out ledger.", code="opt_out_unknown")
    _end(entries, "admin", f"{by.who}: {why}", by.now)
    _tell(session, by, who, "Wants news by email again" if "@" in who else "Wants texts and calls again", why)
    audit.record(session, by, "opt-out removed")
    return who


def enter(
    session: Session,
    number: str,
    *,
    source: str,
    evidence: str,
    now: datetime,
    scope: str = "texts",
    message_id: int | None = None,
) -> None:
    """Adds an entry to the transaction."""
    kept = evidence.replace("\x00", "")[:300]
    session.add(OptOut(number=number, scope=scope, source=source, evidence=kept, message_id=message_id, created_at=now))


def no_news(session: Session, address: str, *, source: str, evidence: str, now: datetime) -> bool:
    """Opts an email address out of news; False if it already is."""
    if opt_outs.of_address(session, address):
        return False
    kept = evidence.replace("\x00", "")[:300]
    session.add(OptOut(number="", address=address.lower(), scope=NEWS, source=source, evidence=kept, created_at=now))
    session.flush()
    return True


def end(session: Session, number: str, *, source: str, evidence: str, now: datetime) -> bool:
    """Ends the opt-outs in force; False if there were none."""
    entries = opt_outs.in_force(session, number)
    _end(entries, source, evidence, now)
    return bool(entries)


def _end(entries: Sequence[OptOut], source: str, evidence: str, now: datetime) -> None:
    for entry in entries:
        entry.ended_at, entry.ended_source, entry.ended_evidence = now, source, evidence.replace("\x00", "")[:300]


def _tell(session: Session, by: By, who: str, what: str, why: str) -> None:
    """Enters it for the lead whose number or address this is, if there is one."""
    theirs = (leads.by_address(session, who) or leads.first_with(session, who)) if "@" in who else None
    lead = theirs or leads.by_phone(session, who)
    if lead is not None:
        key = f"hand:{uuid.uuid4().hex}"
        told = f"{what} ({who}): {why}"
        timeline.enter(session, lead.id, Happened.OPT_OUT, told, by.now, key=key, by=by.who, is_new=True)


def _number(raw: str, config: Config) -> str:
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise Invalid(
            "That is not a phone number: write one like (512) 555-0100 or +15125550100.", code="number_invalid"
        )
    return number
