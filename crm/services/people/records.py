"""Everything that is known about a person, for people who ask what is stored about them.

Found the way an erasure finds it: all rows that refer to the lead (`references`), and the rows that would be deleted
with them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.orm import Session

from crm.domain import blocks
from crm.domain.errors import NotFound
from crm.domain.leads import Happened
from crm.services import audit
from crm.services.audit import By
from crm.services.people import timeline
from crm.services.people.erasing import person_of
from crm.services.people.merging import Id, key_of, referring, slices
from crm.services.people.references import REFERENCES, OnMerge
from crm.store import rows
from crm.store.models import (
    BlockedCaller,
    Call,
    Lead,
    LeadExport,
    LeadExportPart,
    Mail,
    Message,
    OptOut,
    table_of,
)

NAMES = {
    "agent": "slug",
    "line": "number",
    "portfolio": "slug",
    "property": "slug",
    "subteam": "slug",
    "tour_slot": "starts_at",
    "unit": "name",
}
"""Columns that name rows of other tables, in place of their ids."""
LEFT_OUT = {"lead_merge": ("before",)}
"""Columns that repeat other rows."""


@dataclass
class PersonRecord:
    """What is known about a person."""

    data: dict[str, Any]
    """JSON types: the lead, and the rows of each table by its name."""
    audio: list[str] = field(default_factory=list)
    """Names of files in the folder of recordings; the next two, in those of emails and documents."""
    mails: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)


def gather(session: Session, lead_id: int, now: datetime) -> PersonRecord:
    """Raises NotFound."""
    lead = session.execute(select(table_of("lead")).where(Lead.id == lead_id)).mappings().first()
    if lead is None:
        raise NotFound(f"There is no lead {lead_id}.", code="lead_unknown", lead=str(lead_id))
    found = _Rows(session)
    for reference in REFERENCES:
        if reference.on_merge is not OnMerge.DERIVED:
            found.add(reference.table, reference.lead == lead_id)
    who = person_of(session, lead_id)
    if who.own_numbers:
        alone = Call.lead_id.is_(None) & Call.contact_id.is_(None)
        found.add(table_of("call"), Call.caller.in_(who.own_numbers) & alone)
        texts = or_(Message.from_number.in_(who.own_numbers), Message.to_number.in_(who.own_numbers))
        found.add(table_of("message"), texts)
        found.add(table_of("blocked_caller"), BlockedCaller.value.in_(who.own_numbers))
    found.add(table_of("opt_out"), or_(OptOut.number.in_(who.numbers), OptOut.address.in_(who.addresses)))
    found.add(table_of("mail"), func.lower(Mail.to_address).in_(who.addresses))
    parts = select(LeadExportPart.export_id, LeadExportPart.members).where(
        LeadExportPart.block == blocks.block_of(lead_id)
    )
    exports = [id for id, members in session.execute(parts) if blocks.has(members, lead_id)]
    found.add(table_of("lead_export"), LeadExport.id.in_(exports))
    tables = found.named()
    record = PersonRecord(
        {"made_at": now.isoformat(), "lead": found.with_names(table_of("lead"), dict(lead)), **tables}
    )
    record.audio = [row["file"] for name in ("recording", "voicemail") for row in tables.get(name, ())]
    record.mails = [row["raw"]["file"] for row in tables.get("arrival", ()) if row["raw"].get("file")]
    record.documents = [row["file"] for row in tables.get("application_document", ())]
    return record


def exported(session: Session, by: By, lead_id: int) -> None:
    """Records that somebody wrote all of it to a file."""
    key = f"record:{lead_id}:{by.now.isoformat()}"
    told = "Everything that is known of them was written to a file."
    timeline.enter(session, lead_id, Happened.EXPORTED, told, by.now, key=key, by=by.who, is_new=True)
    audit.record(session, by, f"whole record of lead {lead_id} exported")


class _Rows:
    """Rows by table, each once, with the rows that belong to them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[str, dict[Id, dict[str, Any]]] = defaultdict(dict)
        self._names: dict[str, dict[Id, Any]] = {}

    def add(self, table: Table, which: ColumnElement[bool]) -> None:
        key = key_of(table)
        new = {
            row[key.name]: dict(row)
            for row in self._session.execute(select(table).where(which).order_by(key)).mappings()
            if row[key.name] not in self._found[table.name]
        }
        self._found[table.name] |= new
        for child, column in referring(table) if new else ():
            is_part = any(one.ondelete == "CASCADE" for one in column.foreign_keys)
            if is_part and len(child.primary_key.columns) == 1:
                for ids in slices(list(new)):
                    self.add(child, column.in_(ids))

    def named(self) -> dict[str, list[dict[str, Any]]]:
        """The rows in JSON types."""
        return {
            name: [self.with_names(table_of(name), row) for row in found.values()]
            for name, found in sorted(self._found.items())
            if found
        }

    def with_names(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        """A row with names in place of ids: agent: alice instead of agent_id: 3."""
        named: dict[str, Any] = {}
        for name, value in row.items():
            if name in LEFT_OUT.get(table.name, ()):
                continue
            to = next((key.column.table.name for key in table.c[name].foreign_keys), "")
            if to in NAMES and value is not None:
                named[name.removesuffix("_id")] = self._name(to, value)
            else:
                named[name] = value
        return rows.to_json(named)

    def _name(self, table: str, id: Id) -> Any:
        known = self._names.setdefault(table, {})
        if id not in known:
            column = table_of(table).c[NAMES[table]]
            known[id] = self._session.scalar(select(column).where(key_of(table_of(table)) == id))
        return known[id]
