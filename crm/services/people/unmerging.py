"""Undoes a merge: both leads are restored, and what has come in since goes to the one it is about.

What came by a number or address of the merged lead goes to it, along with what belongs to that: the recording of a
call, the task that a form left. Everything else stays with the survivor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Table, exists, insert, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import merging as rules
from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.people import parted_tasks, timeline
from crm.services.people.merging import (
    FOLLOW_UP,
    INTEREST,
    LEAD,
    TASK,
    Before,
    Id,
    PutAway,
    called,
    key_of,
    renamed_tasks,
    slices,
)
from crm.services.people.references import KEYED, REFERENCES, LeadReference, OnMerge
from crm.store import happenings, rows
from crm.store.models import (
    FollowUp,
    LeadEmail,
    LeadMerge,
    LeadPhone,
    Listing,
    TourSlot,
    all_tables,
    table_of,
)

CONTACTS = (
    Happened.CALL_FROM,
    Happened.CALL_TO,
    Happened.TEXT,
    Happened.APPOINTMENT,
    Happened.SHOW,
    Happened.EMAIL,
    Happened.FORM,
    Happened.MEETING,
)
"""Kinds of timeline entries that count as contact."""


def unmerge(session: Session, config: Config, by: By, gone_id: int) -> LeadMerge:
    """Makes the lead that was merged into another a lead of its own again. Raises NotFound, Conflict."""
    found = select(LeadMerge).where(LeadMerge.gone_id == gone_id, LeadMerge.undone_at.is_(None))
    merge = session.scalars(found.with_for_update()).first()
    if merge is None:
        if session.scalar(select(LEAD.c.id).where(LEAD.c.id == gone_id)) is None:
            raise NotFound(f"There is no lead {gone_id}.", code="lead_unknown", lead=str(gone_id))
        raise NotFound(f"Lead {gone_id} is not merged into another.", code="merge_unknown", lead=str(gone_id))
    survivor_id = merge.lead_id
    # As in merging: nothing may refer to it meanwhile.
    session.execute(select(LEAD.c.id).where(LEAD.c.id == survivor_id).with_for_update())
    in_force = select(LeadMerge.gone_id).where(LeadMerge.lead_id == survivor_id, LeadMerge.undone_at.is_(None))
    later = session.scalar(in_force.where(LeadMerge.id > merge.id).order_by(LeadMerge.id.desc()).limit(1))
    if later is not None:
        raise Conflict(
            f"Lead {later} was merged after lead {gone_id}: undo that merge first.",
            code="merge_later",
            lead=str(later),
        )
    noted = happenings.latest(session)
    before = msgspec.convert(merge.before, Before)
    _check_free(session, before, survivor_id)
    parting = _Parting(session, config, before, survivor_id, gone_id)
    parting.part()
    session.flush()
    session.expire_all()
    parting.part_tasks(f"unmerge:{merge.id}", by.now)
    # The saved copies are no longer needed.
    merge.undone_at, merge.undone_by, merge.before = by.now, by.who[:80], {}
    session.flush()
    session.expire_all()
    _tell(session, by, merge, before, survivor_id)
    session.flush()
    happenings.forget(session, noted, (survivor_id, gone_id))
    return merge


def _check_free(session: Session, before: Before, survivor_id: int) -> None:
    """Checks that the numbers and addresses are still free. Raises Conflict."""
    for model, column, kept in (
        (LeadPhone, LeadPhone.number, before.phones),
        (LeadEmail, LeadEmail.address, before.emails),
    ):
        for row in kept:
            owner = session.scalar(select(model.lead_id).where(column == row[column.name]))
            if owner not in (None, survivor_id):
                raise Conflict(
                    f"{row[column.name]} was lead {before.gone['id']}'s and is now lead {owner}'s: remove it there, "
                    "or leave them merged.",
                    code="merge_number_taken",
                    lead=str(owner),
                )


def _tell(session: Session, by: By, merge: LeadMerge, before: Before, survivor_id: int) -> None:
    gone_id, enter = merge.gone_id, timeline.enter
    key, told = f"unmerge:{merge.id}", f"The merge with lead {gone_id} ({called(before.gone, before)}) was undone."
    enter(session, survivor_id, Happened.MERGED, told, by.now, key=key, by=by.who, is_new=True)
    key, told = f"merge:{merge.id}:gone", f"Was merged into lead {survivor_id}."
    enter(session, gone_id, Happened.MERGED, told, merge.at, key=key, by=merge.by, is_new=True)
    key, told = f"unmerge:{merge.id}:gone", f"The merge with lead {survivor_id} was undone."
    enter(session, gone_id, Happened.MERGED, told, by.now, key=key, by=by.who, is_new=True)
    audit.record(session, by, f"merge of lead {gone_id} into lead {survivor_id} undone")


class _Parting:
    """A merge that is being undone."""

    def __init__(self, session: Session, config: Config, before: Before, survivor_id: int, gone_id: int) -> None:
        self._session, self._config, self._before = session, config, before
        self._survivor_id, self._gone_id = survivor_id, gone_id
        self._numbers = {row["number"] for row in before.phones}
        self._addresses = {row["address"] for row in before.emails}
        self._survivors = {*before.survivor_phones, *before.survivor_emails}
        self._since: dict[str, dict[Id, dict[str, Any]]] = {}
        """Rows that have come in since the merge, by id, for each column of `REFERENCES`."""
        self._theirs: dict[str, set[Id]] = {}
        """Ids by table: rows of the merged lead, from before the merge and since."""
        self._theirs_since: dict[str, set[Id]] = {}
        """Ids by column: those since the merge."""

    def part(self) -> None:
        """Restores both leads."""
        session, before = self._session, self._before
        self._tell_apart()
        gone = self._revived(LEAD, before.gone)
        assert gone is not None
        survivor = dict(session.execute(select(LEAD).where(LEAD.c.id == self._survivor_id)).mappings().one())
        session.execute(insert(LEAD).values(gone | self._standing(survivor, "gone")))
        session.execute(update(LEAD).where(LEAD.c.id == self._survivor_id).values(self._restored(survivor)))
        interests = self._interests()
        for reference in REFERENCES:
            if reference.on_merge is not OnMerge.DERIVED and reference.table.name != INTEREST.name:
                self._give_back(reference)
        self._put_interests(interests)
        self._change_back()
        for kept in before.put_away:
            if kept.table != INTEREST.name:
                self._bring_back(kept)
        self._bring_back_what_was_removed()
        self._name_tasks()
        self._plan_again()

    # --- whose is what has come in since ---

    def _tell_apart(self) -> None:
        by_table: dict[str, list[LeadReference]] = {}
        for reference in REFERENCES:
            if reference.on_merge is not OnMerge.DERIVED:
                by_table.setdefault(reference.table.name, []).append(reference)
        for reference in REFERENCES:
            self._theirs.setdefault(reference.table.name, set()).update(self._before.moved.get(reference.column, ()))
        self._tell_arrivals_apart()
        # Rows that others refer to come first.
        for table in all_tables():
            for reference in by_table.get(table.name, ()):
                if reference.column not in self._since:
                    self._tell_rows_apart(reference)

    def _rows_since(self, reference: LeadReference) -> dict[Id, dict[str, Any]]:
        known = {*self._before.own.get(reference.column, ()), *self._before.moved.get(reference.column, ())}
        key = key_of(reference.table).name
        found = self._session.execute(select(reference.table).where(reference.lead == self._survivor_id)).mappings()
        self._since[reference.column] = {row[key]: dict(row) for row in found if row[key] not in known}
        return self._since[reference.column]

    def _tell_rows_apart(self, reference: LeadReference) -> None:
        theirs = {id for id, row in self._rows_since(reference).items() if self._is_theirs(reference, row)}
        self._theirs_since[reference.column] = theirs
        self._theirs[reference.table.name] |= theirs

    def _is_theirs(self, reference: LeadReference, row: Mapping[str, Any]) -> bool:
        said = {row[name] for name in reference.numbers if row[name]}
        said |= {row[name].lower() for name in reference.addresses if row[name]}
        if said & self._numbers or said & self._addresses:
            return True
        if said & self._survivors:
            return False
        for key in reference.table.foreign_keys:
            table = key.column.table.name
            if table in self._theirs and row[key.parent.name] in self._theirs[table]:
                return True
        return self._is_keyed_to_theirs(row.get("key"))

    def _is_keyed_to_theirs(self, key: object) -> bool:
        what, _, rest = key.partition(":") if isinstance(key, str) else ("", "", "")
        theirs = self._theirs.get(KEYED.get(what, ""), set())
        return rest in theirs or any(str(id) == rest.partition(":")[0] for id in theirs)

    def _tell_arrivals_apart(self) -> None:
        """Decides whose the arrivals are. This comes first, because new numbers and addresses follow their arrival."""
        by_column = {reference.column: reference for reference in REFERENCES}
        arrivals = self._rows_since(by_column["arrival.lead_id"])
        said = {id: self._said(row["raw"]) for id, row in arrivals.items()}
        theirs = {
            id
            for id, words in said.items()
            if words & (self._numbers | self._addresses) and not words & self._survivors
        }
        self._theirs_since["arrival.lead_id"] = theirs
        self._theirs["arrival"] |= theirs
        with_theirs = {one for id in theirs for one in said[id]}
        with_others = {one for id in said.keys() - theirs for one in said[id]}
        for column, name, known in (
            ("lead_phone.lead_id", "number", self._numbers),
            ("lead_email.lead_id", "address", self._addresses),
        ):
            found = self._rows_since(by_column[column])
            ids = {id for id, row in found.items() if row[name] in (with_theirs - with_others) | known}
            self._theirs_since[column] = ids
            self._theirs[by_column[column].table.name] |= ids
            known |= {found[id][name] for id in ids}

    def _said(self, raw: Mapping[str, Any]) -> set[str]:
        """Numbers and addresses in an arrival as received."""
        said = set()
        for value in raw.values():
            if isinstance(value, str) and len(value) <= 200:
                said.add(value.strip().lower() if "@" in value else numbers.parse(value, self._config.region) or "")
        return said - {""}

    # --- the leads ---

    def _contacts(self) -> dict[str, list[datetime]]:
        """Times of contact since the merge, by the lead they belong to."""
        contacts: dict[str, list[datetime]] = {"survivor": [], "gone": []}
        theirs, calls = self._theirs_since["activity.lead_id"], self._since["call.lead_id"]
        for id, row in self._since["activity.lead_id"].items():
            if row["kind"] in CONTACTS:
                # A call is entered at its beginning, and counts as contact until its end.
                at = calls.get(row["call_id"], {}).get("ended_at") or row["at"]
                contacts["gone" if id in theirs else "survivor"].append(at)
        return contacts

    def _follows(self, survivor: Mapping[str, Any]) -> set[str]:
        """Columns that may have changed because of what came in since: the lead's state, and missing details."""
        merged = rows.from_json(LEAD, self._before.merged)
        names = {*rules.STANDING, *(name for name in merged if merged[name] in (None, ""))}
        if survivor["assigned_at"] is not None:
            # Assigned by hand or in turn.
            names -= {"assigned_agent_id", "assigned_at"}
        return names

    def _standing(self, survivor: Mapping[str, Any], whose: str) -> dict[str, Any]:
        """The state a lead is in after its own contacts since the merge; empty if there were none."""
        merged = rows.from_json(LEAD, self._before.merged)
        changed = {name for name in self._follows(survivor) if survivor[name] != merged[name]}
        contacts = self._contacts()
        own, others = contacts[whose], contacts["survivor" if whose == "gone" else "gone"]
        # Changed by hand, on the survivor, the only lead there was.
        by_hand = whose == "survivor" and not others
        if not own and not by_hand:
            return {}
        values = {name: survivor[name] for name in changed}
        before = rows.from_json(LEAD, getattr(self._before, whose))
        if "last_contact_at" in changed and others and max(others) > max(own):
            values["last_contact_at"] = max(at for at in (before["last_contact_at"], *own) if at)
        if "first_answer_at" in changed and others and min(others) < min(own):
            values["first_answer_at"] = before["first_answer_at"]
        return values

    def _restored(self, survivor: Mapping[str, Any]) -> dict[str, Any]:
        """The survivor as it was, except for changes made by hand since."""
        merged = rows.from_json(LEAD, self._before.merged)
        was = rows.from_json(LEAD, self._before.survivor)
        follows = self._follows(survivor)
        values = {name: was[name] for name in merged if survivor[name] == merged[name] or name in follows}
        return values | self._standing(survivor, "survivor")

    # --- their rows ---

    def _give_back(self, reference: LeadReference) -> None:
        table, lead = reference.table, reference.lead
        ids = [*self._before.moved.get(reference.column, ()), *sorted(self._theirs_since[reference.column], key=str)]
        for some in slices(ids):
            theirs = update(table).where(key_of(table).in_(some), lead == self._survivor_id)
            self._session.execute(theirs.values({lead: self._gone_id}))

    def _change_back(self) -> None:
        """Reverts the merge's changes, except where somebody has changed a row since."""
        for changed in reversed(self._before.changed):
            table = table_of(changed.table)
            if changed.table == INTEREST.name:
                continue
            key, was, became = (
                key_of(table),
                rows.from_json(table, changed.was),
                rows.from_json(table, changed.became),
            )
            row = self._session.execute(select(table).where(key == changed.id)).mappings().first()
            values = {name: was[name] for name in was if row is not None and row[name] == became[name]}
            if values and self._refers(table, values):
                self._session.execute(update(table).where(key == changed.id).values(values))

    def _bring_back(self, kept: PutAway) -> None:
        """Restores a row, unless something it refers to is gone."""
        table = table_of(kept.table)
        key = key_of(table)
        values = self._revived(table, kept.row)
        if values is None:
            return
        if self._session.scalar(select(exists().where(key == values[key.name]))):
            # On SQLite, another row may have taken its id.
            del values[key.name]
        self._session.execute(insert(table).values(values))

    def _bring_back_what_was_removed(self) -> None:
        """Restores numbers and addresses that somebody has removed from the survivor since."""
        for name, column, kept_rows in (
            ("lead_phone", LeadPhone.number, self._before.phones),
            ("lead_email", LeadEmail.address, self._before.emails),
        ):
            for row in kept_rows:
                if not self._session.scalar(select(exists().where(column == row[column.key]))):
                    self._bring_back(PutAway(name, row))

    def _revived(self, table: Table, kept: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row as it was, without references to rows that are gone; None if it makes no sense without them."""
        values = rows.from_json(table, kept)
        for foreign in table.foreign_keys:
            name = foreign.parent.name
            if values.get(name) is None or self._is_there(foreign, values[name]):
                continue
            if not foreign.parent.nullable:
                return None
            values[name] = None
        return values

    def _refers(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Whether all rows that these values refer to exist."""
        keys = (key for key in table.foreign_keys if values.get(key.parent.name) is not None)
        return all(self._is_there(key, values[key.parent.name]) for key in keys)

    def _is_there(self, key: Any, value: Any) -> bool:
        return bool(self._session.scalar(select(exists().where(key.column == value))))

    # --- interests ---

    def _interests(self) -> list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]]:
        """Each of the survivor's interests, with the two that it becomes: the survivor's and the other's."""
        table = INTEREST
        was: dict[tuple[int, int], dict[str, Any]] = {}
        for kept in self._before.interests:
            row = rows.from_json(table, kept)
            was[row["lead_id"], row["property_id"]] = row
        merged = {row["property_id"]: rows.from_json(table, row) for row in self._before.merged_interests}
        touched = self._touched_properties()
        found = []
        for now in self._session.execute(select(table).where(INTEREST.c.lead_id == self._survivor_id)).mappings():
            property_id = now["property_id"]
            news = {name: now[name] for name in ("stage", "stage_since", "unit_id", "updated_at")}
            survivors, theirs = was.get((self._survivor_id, property_id)), was.get((self._gone_id, property_id))
            if any(news[name] != merged.get(property_id, {}).get(name) for name in news):
                whose = touched.get(property_id, set())
                if not whose:
                    whose = {"gone"} if theirs is not None and survivors is None else {"survivor"}
                if "survivor" in whose:
                    survivors = (survivors or {}) | news
                if "gone" in whose:
                    theirs = (theirs or {}) | news
            found.append((dict(now), survivors, theirs))
        return found

    def _put_interests(self, found: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]]) -> None:
        table = INTEREST
        there = set()
        for now, survivors, theirs in found:
            there.add(now["property_id"])
            is_moved = now["id"] in self._before.moved["interest.lead_id"]
            stays, other = (theirs, survivors) if is_moved else (survivors, theirs)
            stays_with, other_with = self._gone_id, self._survivor_id
            if not is_moved and survivors is not None:
                stays_with, other_with = other_with, stays_with
            elif stays is None:
                stays, other = other, None
            values = {**now, **(stays or {}), "id": now["id"], "lead_id": stays_with}
            self._session.execute(update(table).where(INTEREST.c.id == now["id"]).values(values))
            if other is not None:
                values = {**other, "lead_id": other_with, "property_id": now["property_id"]}
                self._session.execute(insert(table).values(values))
        for kept in self._before.put_away:
            if kept.table == INTEREST.name and kept.row["property_id"] not in there:
                self._bring_back(kept)

    def _touched_properties(self) -> dict[int, set[str]]:
        """Properties that calls, tours and arrivals since the merge were about, with the leads those belong to."""
        touched: dict[int, set[str]] = {}

        def touch(property_id: object, is_theirs: bool) -> None:
            if isinstance(property_id, int):
                touched.setdefault(property_id, set()).add("gone" if is_theirs else "survivor")

        for id, row in self._since["call.lead_id"].items():
            touch(row["property_id"], id in self._theirs["call"])
        for id, row in self._since["tour.lead_id"].items():
            of_tour = select(TourSlot.property_id).where(TourSlot.id == row["slot_id"])
            touch(self._session.scalar(of_tour), id in self._theirs["tour"])
        for id, row in self._since["arrival.lead_id"].items():
            is_theirs = id in self._theirs["arrival"]
            touch(row["raw"].get("property"), is_theirs)
            if isinstance(listing := row["raw"].get("listing"), int):
                of_listing = select(Listing.property_id).where(Listing.id == listing)
                touch(self._session.scalar(of_listing), is_theirs)
        return touched

    # --- tasks and follow-ups ---

    def _name_tasks(self) -> None:
        """Makes tasks created since the merge name the lead that has them now."""
        for id, _, person in renamed_tasks(self._session, self._survivor_id, self._gone_id):
            self._session.execute(update(TASK).where(TASK.c.id == id).values(person=person))

    def part_tasks(self, key: str, now: datetime) -> None:
        """Divides the tasks, once all rows are with their leads."""
        sides = []
        for lead_id, is_gone in ((self._survivor_id, False), (self._gone_id, True)):
            came = {
                column: [
                    id
                    for id, row in self._since[column].items()
                    if (id in self._theirs_since[column]) == is_gone and row.get("direction", "in") == "in"
                ]
                for column in ("arrival.lead_id", "message.lead_id")
            }
            sides.append(parted_tasks.Side(lead_id, came["arrival.lead_id"], came["message.lead_id"]))
        before = {row["id"]: row for row in self._before.tasks}
        parted_tasks.part(self._session, key, now, sides[0], sides[1], before)

    def _plan_again(self) -> None:
        """Reschedules steps that only the merge cancelled. Whether each is still due is checked before anything is
        sent."""
        for kept in self._before.follow_ups:
            row = self._session.get(FollowUp, kept["id"])
            if row is None or row.state != "cancelled" or row.why.startswith("Canceled by"):
                continue
            was = rows.from_json(FOLLOW_UP, kept)
            for name in ("state", "due_at", "text", "why", "ended_at"):
                setattr(row, name, was[name])
        self._session.flush()
