"""Retiring what history names: it stays on record, and takes part in nothing any more (`crm.store.models.living`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.domain.errors import Conflict, NotFound
from crm.domain.mailboxes import OFFICE
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Voicemail, all_tables
from crm.store.models.base import Base
from crm.store.models.living import ALL, Retirable

One = TypeVar("One", bound=Retirable)


def retire(session: Session, by: By, row: Retirable, named: str) -> None:
    """Takes a row out of use. `named` is what the audit calls it: "line +15125550100"."""
    row.retired_at = by.now
    audit.record(session, by, f"{named} retired")


def latest(session: Session, name: InstrumentedAttribute[Any], wanted: str) -> Any:
    """The row that was retired last under this name or number. Raises NotFound."""
    model = name.class_
    found = select(model).where(name == wanted, model.retired_at.is_not(None)).order_by(model.retired_at.desc())
    row = session.scalars(found.limit(1).execution_options(**ALL)).first()
    if row is None:
        raise NotFound(f"Nothing retired is called {wanted}.", code="retired_unknown", name=wanted)
    return row


def pass_on(session: Session, mailbox: str, to: str = OFFICE) -> None:
    """Puts the voicemail of a mailbox that nobody has any more into another."""
    session.execute(update(Voicemail).where(Voicemail.mailbox == mailbox).values(mailbox=to))


def check_unused(session: Session, row: Base, named: str, *, besides: Collection[str] = ()) -> None:
    """Raises Conflict if anything on record refers to the row; `besides` are tables whose rows go with it."""
    mine, [key] = row.__table__, inspect(row, raiseerr=True).identity or ()
    for table in all_tables():
        if table.name in besides:
            continue
        for column in table.columns:
            if (
                any(reference.column.table is mine for reference in column.foreign_keys)
                and session.execute(select(1).select_from(table).where(column == key).limit(1)).first()
            ):
                raise in_use(named)


def in_use(named: str) -> Conflict:
    """The refusal to delete what calls, texts, tasks or leads are on record of."""
    return Conflict(f"The history of {named} is on record, so it can be retired, not deleted.", code="on_record")
