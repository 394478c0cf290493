"""The ledger of people who want no texts: who said so, how, and how it ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.store.models import OptOut
from crm.store.queries import opt_outs

SCOPES = ("texts", "all")


def add(session: Session, config: Config, by: By, raw_number: str, *, why: str, scope: str = "texts") -> str:
    """Enters a number because somebody said so in another way, such as on the phone. Returns it as E.164."""
    number, why = _number(raw_number, config), fields.text(why, "reason", 250, required=True)
    if scope not in SCOPES:
        raise Invalid(f"{scope!r} is not a scope: use {' or '.join(SCOPES)}.", code="scope_unknown", known=list(SCOPES))
    if any(entry.scope == scope for entry in opt_outs.in_force(session, number)):
        raise Conflict("This number is already in the opt-out ledger.", code="opt_out_exists")
    enter(session, number, source="admin", evidence=f"{by.who}: {why}", now=by.now, scope=scope)
    audit.record(session, by, f"opt-out added, scope {scope}")
    return number


def remove(session: Session, config: Config, by: By, raw_number: str, *, why: str) -> str:
    """Ends every entry of a number because the person asked for it. Returns it as E.164."""
    number, why = _number(raw_number, config), fields.text(why, "reason", 250, required=True)
    if not end(session, number, source="admin", evidence=f"{by.who}: {why}", now=by.now):
        raise NotFound("This number is not in the opt-out ledger.", code="opt_out_unknown")
    audit.record(session, by, "opt-out removed")
    return number


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


def end(session: Session, number: str, *, source: str, evidence: str, now: datetime) -> bool:
    """Ends what is in force; False when nothing was."""
    entries = opt_outs.in_force(session, number)
    for entry in entries:
        entry.ended_at, entry.ended_source, entry.ended_evidence = now, source, evidence.replace("\x00", "")[:300]
    return bool(entries)


def _number(raw: str, config: Config) -> str:
    number = numbers.parse(raw, config.region)
    if number is None:
        raise Invalid(
            "That is not a phone number: write one like (512) 555-0100 or +15125550100.", code="number_invalid"
        )
    return number
