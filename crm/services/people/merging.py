"""Merges two leads that are the same person.

The lead that goes is deleted, so that nothing can refer to it by accident: a concurrent reference fails on the foreign
key, and finds the survivor when the store retries. Before that, everything that refers to it becomes the survivor's, as
`references` says. `Before` keeps what `unmerging` needs to put it all back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Column, Index, Table, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import merging as rules
from crm.domain.errors import Conflict
from crm.domain.leads import Happened
from crm.services import audit
from crm.services.audit import By
from crm.services.people import leads, timeline
from crm.services.people.references import REFERENCES, LeadReference, OnMerge
from crm.store import happenings, rows
from crm.store.models import LeadMerge, all_tables, table_of

Id = int | str
"""A primary key."""
AT_ONCE = 500
"""Ids in one statement."""
LEAD, INTEREST, TASK, FOLLOW_UP, PROPOSAL, THREAD = (
    table_of(name) for name in ("lead", "interest", "task", "follow_up", "lead_proposal", "inbox_thread")
)
WAITING = ("planned", "paused")
"""States of a follow-up that is still to come."""


@dataclass(frozen=True)
class PutAway:
    """A row that would have conflicted with one of the survivor's."""

    table: str
    row: dict[str, Any]


@dataclass(frozen=True)
class ChangedRow:
    """A row in which the merge changed more than its owner."""

    table: str
    id: Id
    was: dict[str, Any]
    became: dict[str, Any]


@dataclass
class Before:
    """How two leads were before they became one. Rows are as `crm.store.rows` writes them."""

    survivor: dict[str, Any]
    gone: dict[str, Any]
    merged: dict[str, Any] = field(default_factory=dict)
    """Columns of the survivor, as the merge left them."""
    own: dict[str, list[Id]] = field(default_factory=dict)
    """By column of `REFERENCES`: the rows that were the survivor's."""
    moved: dict[str, list[Id]] = field(default_factory=dict)
    """Those that were the other lead's, and became the survivor's."""
    put_away: list[PutAway] = field(default_factory=list)
    """In the order in which they can come back."""
    changed: list[ChangedRow] = field(default_factory=list)
    phones: list[dict[str, Any]] = field(default_factory=list)
    """The other lead's numbers, and below its addresses."""
    emails: list[dict[str, Any]] = field(default_factory=list)
    survivor_phones: list[str] = field(default_factory=list)
    survivor_emails: list[str] = field(default_factory=list)
    interests: list[dict[str, Any]] = field(default_factory=list)
    """Of both, as they were."""
    merged_interests: list[dict[str, Any]] = field(default_factory=list)
    """Of the survivor, as the merge left them."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    """Of both, those that were open."""
    follow_ups: list[dict[str, Any]] = field(default_factory=list)
    """Of both, those that were still to come."""


def merge(session: Session, config: Config, by: By, survivor: str, gone: str) -> LeadMerge:
    """Makes `gone` part of `survivor`; each is a lead's id, phone number or email address.

    Sends nothing. Raises NotFound, Invalid, and Conflict if they are already one lead.
    """
    ids = [leads.named(session, config, raw).id for raw in (survivor, gone)]
    survivor_id, gone_id = ids
    if survivor_id == gone_id:
        raise Conflict(f"Both are lead {gone_id}: name two leads.", code="merge_of_one", lead=str(gone_id))
    # Until this is done, nobody else may add a foreign key to them.
    locked = select(LEAD).where(LEAD.c.id.in_(ids)).order_by(LEAD.c.id).with_for_update()
    both = {row["id"]: dict(row) for row in session.execute(locked).mappings()}
    if len(both) < 2:
        raise Conflict("One of the two was merged or erased just now.", code="changed_meanwhile")
    noted = happenings.latest(session)
    before = Before(rows.to_json(both[survivor_id]), rows.to_json(both[gone_id]))
    _look(session, before, survivor_id, gone_id)
    for reference in REFERENCES:
        if reference.on_merge is OnMerge.ONE_STAYS:
            for theirs, ours in _alike(session, reference, survivor_id, gone_id):
                _put_away(session, reference.table, before, theirs, ours)
    for reference in REFERENCES:
        if reference.on_merge is not OnMerge.DERIVED:
            _move(session, reference, before, survivor_id, gone_id)
    _rename_tasks(session, before, survivor_id, gone_id)
    _decide_proposals(session, before, by, survivor_id)
    merged = rules.merged(both[survivor_id], both[gone_id])
    session.execute(update(LEAD).where(LEAD.c.id == survivor_id).values(merged))
    before.merged = rows.to_json(merged)
    before.merged_interests = _rows(session, INTEREST, INTEREST.c.lead_id == survivor_id)
    session.execute(delete(LEAD).where(LEAD.c.id == gone_id))
    session.flush()
    session.expire_all()
    made = LeadMerge(
        lead_id=survivor_id, gone_id=gone_id, at=by.now, by=by.who[:80], before=msgspec.to_builtins(before)
    )
    session.add(made)
    session.flush()
    told = f"Lead {gone_id} ({called(before.gone, before)}) was merged into this one."
    timeline.enter(session, survivor_id, Happened.MERGED, told, by.now, key=f"merge:{made.id}", by=by.who, is_new=True)
    audit.record(session, by, f"lead {gone_id} merged into lead {survivor_id}")
    session.flush()
    happenings.forget(session, noted, ids)
    return made


def called(lead: dict[str, Any], before: Before) -> str:
    """How people would call a lead: by name, number or address."""
    number = before.phones[0]["number"] if before.phones else ""
    return lead["name"] or number or lead["email"] or "unknown"


def slices(ids: Sequence[Id]) -> Iterator[list[Id]]:
    """Splits ids into slices that fit into one statement."""
    following = iter(ids)
    while some := list(islice(following, AT_ONCE)):
        yield some


def key_of(table: Table) -> Column[Any]:
    """The primary key column of a table."""
    [column] = table.primary_key.columns
    return column


def _look(session: Session, before: Before, survivor_id: int, gone_id: int) -> None:
    """Saves what the merge changes, and what may change before it is undone."""
    phones, emails = table_of("lead_phone"), table_of("lead_email")
    before.phones = _rows(session, phones, phones.c.lead_id == gone_id)
    before.emails = _rows(session, emails, emails.c.lead_id == gone_id)
    before.survivor_phones = [one["number"] for one in _rows(session, phones, phones.c.lead_id == survivor_id)]
    before.survivor_emails = [one["address"] for one in _rows(session, emails, emails.c.lead_id == survivor_id)]
    both = (survivor_id, gone_id)
    before.interests = _rows(session, INTEREST, INTEREST.c.lead_id.in_(both))
    before.tasks = _rows(session, TASK, TASK.c.lead_id.in_(both), TASK.c.done_at.is_(None))
    before.follow_ups = _rows(session, FOLLOW_UP, FOLLOW_UP.c.lead_id.in_(both), FOLLOW_UP.c.state.in_(WAITING))


def _rows(session: Session, table: Table, *conditions: Any) -> list[dict[str, Any]]:
    found = session.execute(select(table).where(*conditions).order_by(key_of(table))).mappings()
    return [rows.to_json(row) for row in found]


def _move(session: Session, reference: LeadReference, before: Before, survivor_id: int, gone_id: int) -> None:
    table, lead = reference.table, reference.lead
    key = key_of(table)
    own = session.scalars(select(key).where(lead == survivor_id).order_by(key)).all()
    moved = session.scalars(select(key).where(lead == gone_id).order_by(key)).all()
    before.own[reference.column], before.moved[reference.column] = list(own), list(moved)
    if moved:
        session.execute(update(table).where(lead == gone_id).values({lead: survivor_id}))


def _alike(
    session: Session, reference: LeadReference, survivor_id: int, gone_id: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows of the lead that goes that conflict with one of the survivor's, each with that one."""
    for columns in unique(reference.table):
        others = [column for column in columns if column is not reference.lead]
        if len(others) == len(columns):
            continue
        ours, theirs = (
            {
                tuple(row[column.name] for column in others): dict(row)
                for row in session.execute(select(reference.table).where(reference.lead == id)).mappings()
            }
            for id in (survivor_id, gone_id)
        )
        yield from ((theirs[key], ours[key]) for key in theirs if key in ours)


def unique(table: Table) -> Iterator[list[Column[Any]]]:
    """The unique keys of a table, as columns."""
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield list(constraint.columns)
    for index in table.indexes:
        if index.unique and isinstance(index, Index):
            yield [column for column in index.columns if isinstance(column, Column)]


def _put_away(session: Session, table: Table, before: Before, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    key = key_of(table)
    kept = [PutAway(str(table.name), rows.to_json(theirs))]
    for child, column in referring(table):
        kept += _hand_over(session, before, child, column, theirs[key.name], ours[key.name])
    before.put_away += kept
    session.execute(delete(table).where(key == theirs[key.name]))
    if table is INTEREST:
        _join_interests(session, before, theirs, ours)
    if table is THREAD:
        becomes = rules.joined_threads(ours, theirs)
        change(session, before, THREAD, ours["id"], {name: ours[name] for name in becomes}, becomes)


def referring(table: Table) -> Iterator[tuple[Table, Column[Any]]]:
    """Columns of other tables that refer to this one."""
    for other in all_tables():
        for key in other.foreign_keys:
            if key.column.table is table:
                yield other, key.parent


def _hand_over(
    session: Session, before: Before, child: Table, column: Column[Any], from_id: Id, to_id: Id
) -> list[PutAway]:
    """Points all references to one row at another; rows that would become duplicates are put away."""
    key, kept = key_of(child), []
    there = [dict(row) for row in session.execute(select(child).where(column == to_id)).mappings()]
    for row in session.execute(select(child).where(column == from_id).order_by(key)).mappings().all():
        is_there = any(
            all(row[one.name] == other[one.name] for one in columns if one is not column)
            for columns in unique(child)
            if column in columns
            for other in there
        )
        if is_there:
            kept.append(PutAway(str(child.name), rows.to_json(row)))
            session.execute(delete(child).where(key == row[key.name]))
        else:
            change(session, before, child, row[key.name], {column.name: from_id}, {column.name: to_id})
    return kept


def change(
    session: Session, before: Before, table: Table, id: Id, was: dict[str, Any], becomes: dict[str, Any]
) -> None:
    """Changes a row, and saves its old values."""
    session.execute(update(table).where(key_of(table) == id).values(becomes))
    before.changed.append(ChangedRow(str(table.name), id, rows.to_json(was), rows.to_json(becomes)))


def _join_interests(session: Session, before: Before, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """The surviving interest takes the stage of the one that is further along."""
    becomes = {"updated_at": max(theirs["updated_at"], ours["updated_at"])}
    if rules.is_further((theirs["stage"], theirs["updated_at"]), (ours["stage"], ours["updated_at"])):
        becomes |= {"stage": theirs["stage"], "stage_since": theirs["stage_since"]}
        becomes["unit_id"] = theirs["unit_id"] or ours["unit_id"]
    elif ours["unit_id"] is None:
        becomes["unit_id"] = theirs["unit_id"]
    change(session, before, INTEREST, ours["id"], {name: ours[name] for name in becomes}, becomes)


def _decide_proposals(session: Session, before: Before, by: By, survivor_id: int) -> None:
    """Proposals that name both are decided; those of the lead that goes become the survivor's, without duplicates."""
    theirs = (PROPOSAL.c.lead_id == survivor_id) | (PROPOSAL.c.other_id == survivor_id)
    found = select(PROPOSAL).where(theirs, PROPOSAL.c.state == "open").order_by(PROPOSAL.c.id)
    rows_found = session.execute(found).mappings().all()
    taken = {row["pair"] for row in rows_found}
    for row in rows_found:
        pair = rules.pair_of(row["lead_id"], row["other_id"])
        if pair == row["pair"]:
            continue
        becomes: dict[str, Any] = {"pair": pair}
        if row["lead_id"] == row["other_id"] or pair in taken:
            becomes = {"state": "merged", "decided_at": by.now, "decided_by": by.who[:80]}
        taken.add(pair)
        change(session, before, PROPOSAL, row["id"], {name: row[name] for name in becomes}, becomes)


def _rename_tasks(session: Session, before: Before, survivor_id: int, gone_id: int) -> None:
    for id, person, becomes in renamed_tasks(session, gone_id, survivor_id):
        change(session, before, TASK, id, {"person": person}, {"person": becomes})


def renamed_tasks(session: Session, former_id: int, lead_id: int) -> list[tuple[Id, str, str]]:
    """A lead's open tasks that still stand for all calls of its former lead, as id, `Task.person`, and its new value:
    the same for this lead, or "" if this lead already has such a task, so that the task stands for itself only."""
    found = session.execute(
        select(TASK.c.id, TASK.c.person, TASK.c.kind)
        .where(TASK.c.lead_id == lead_id, TASK.c.done_at.is_(None))
        .order_by(TASK.c.id)
    ).all()
    taken = {(one.person, one.kind) for one in found}
    renamed: list[tuple[Id, str, str]] = []
    for one in found:
        whose, slash, desk = one.person.partition("/")
        if whose == f"lead:{former_id}":
            person = f"lead:{lead_id}{slash}{desk}"
            renamed.append((one.id, one.person, "" if (person, one.kind) in taken else person))
            taken.add((person, one.kind))
    return renamed
