"""Erasing a person on request: everything about a lead is deleted, and only the fact of the erasure stays on record.

The rows are deleted in one transaction, which also records the work left outside the database (`ErasureWork`): audio,
emails and documents on disk, and lines in logs. That work follows the commit, and is resumed later if it was
interrupted; each piece is struck off once it is done.

Some things stay: opt-outs, so that the person is not texted again; entries on the block list; and a contact with the
same number, such as a resident, with the calls they made as one.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import fields
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Conflict, NotFound
from crm.domain.texts import TextPurpose
from crm.domain.tours import TourState
from crm.edge import documents, mail_files, numbers
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.people import proposals
from crm.services.people.identity import who_is
from crm.services.people.merging import slices
from crm.services.people.references import REFERENCES, OnMerge
from crm.store.models import (
    Activity,
    Application,
    ApplicationDocument,
    ArrivalRecord,
    AudioHold,
    AuditEntry,
    Call,
    CallOrder,
    Dialled,
    ErasedIdentity,
    Erasure,
    ErasureWork,
    InboxThread,
    KeptAnswer,
    Lead,
    LeadEmail,
    LeadMerge,
    LeadPhone,
    LeadProposal,
    Mail,
    Message,
    Node,
    Notice,
    Recording,
    Task,
    Tour,
    TourSlot,
    Voicemail,
    WebhookDelivery,
)
from crm.store.queries import leads, nodes

KEY = "erasures"
"""Name of the secret that identities are hashed with, so that the database alone is not enough to try out all numbers.
"""
AT_ONCE = 100
"""Pieces of work struck off in one transaction."""

_log = logging.getLogger(__name__)


class WorkKind(StrEnum):
    AUDIO = "audio"
    """A file of the recordings."""
    MAIL = "mail"
    """An email as it came."""
    DOCUMENT = "document"
    """A file that somebody sent with an application."""
    CALL = "call"
    """Other files named after a call: what Asterisk recorded while the app was away, and audio that no row refers to.
    """
    WORDS = "words"
    """A number or an address in logs."""


_TOLD: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (Mail, (Mail.subject, Mail.body, Mail.to_address)),
    (Message, (Message.body,)),
    (Notice, (Notice.subject, Notice.text, Notice.in_full)),
    (WebhookDelivery, (WebhookDelivery.body,)),
    (ArrivalRecord, (cast(ArrivalRecord.raw, Text),)),
    (AuditEntry, (AuditEntry.what,)),
)
"""Tables whose rows may name a person without referring to their lead, with the columns. Of texts, only those to the
office's own people count."""


@dataclass(frozen=True)
class Mentions:
    """Rows that name a person without referring to their lead."""

    found: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Ids by table."""
    last: Mapping[str, int] = field(default_factory=dict)
    """The id up to which each table has been searched."""


@dataclass
class Person:
    """What identifies a person."""

    lead_id: int
    numbers: set[str]
    addresses: set[str]
    own_numbers: set[str] = field(default_factory=set)
    """Those of the numbers that are nobody else's; the others also belong to a contact, a colleague or one of our
    lines."""

    def words(self, region: str) -> list[str]:
        """The spellings in which they may occur."""
        written = {one for number in self.own_numbers for one in (*_digits(number), numbers.display(number, region))}
        return sorted(written | self.addresses, key=len, reverse=True)


def check(session: Session, config: Config, lead_id: int, now: datetime, who: Person | None = None) -> None:
    """Checks whether a lead can be erased now. Raises Conflict with the obstacle."""
    theirs = Call.lead_id == lead_id
    who = who or person_of(session, lead_id)
    if mine := who.own_numbers:
        theirs = or_(theirs, Call.caller.in_(mine))
    if session.scalar(select(Call.id).where(theirs, Call.outcome.is_(None)).limit(1)) is not None:
        raise Conflict(
            f"Lead {lead_id} is on the line: erase them when the call is over.",
            code="erasure_on_call",
            lead=str(lead_id),
        )
    held = select(AudioHold.call_id).join(Call, Call.id == AudioHold.call_id).where(theirs)
    if (call := session.scalar(held.limit(1))) is not None:
        raise Conflict(
            f"The audio of call {call} of lead {lead_id} is held, so it may not be deleted.",
            code="erasure_of_held",
            lead=str(lead_id),
            call=call,
        )
    ahead = select(Tour.id).join(TourSlot, TourSlot.id == Tour.slot_id)
    ahead = ahead.where(Tour.lead_id == lead_id, Tour.state == TourState.BOOKED, TourSlot.starts_at > now)
    if (tour := session.scalar(ahead.limit(1))) is not None:
        raise Conflict(
            f"Lead {lead_id} has booked tour {tour}, and the agent would wait in vain: cancel it first.",
            code="erasure_with_tour",
            tour=str(tour),
        )
    dialling = select(CallOrder.id).where(CallOrder.lead_id == lead_id, CallOrder.state == "dialling")
    if session.scalar(dialling.limit(1)) is not None:
        raise Conflict(
            f"Lead {lead_id} is being called: erase them when the call is over.",
            code="erasure_on_call",
            lead=str(lead_id),
        )
    words = [word.encode() for word in who.words(config.region)]
    unsorted = config.asterisk_folder / "log" / "cel-custom"
    waiting = [*config.journal_folder.glob("facts*.jsonl"), *config.spool_folder.glob("*.*"), *unsorted.glob("*")]
    if any(word in path.read_bytes() for path in waiting if path.is_file() for word in words):
        raise Conflict(
            f"Events of lead {lead_id} still wait on disk to be recorded: erase them once the app has done that.",
            code="erasure_waits",
            lead=str(lead_id),
        )


def mentions(
    session: Session, config: Config, lead_id: int, known: Mentions = Mentions(), who: Person | None = None
) -> Mentions:
    """Finds mentions of a lead in notices, emails, texts to the office's own people, and the audit log, beyond those
    `known`.

    Reads whole tables, so it runs before the erasing transaction, which then only searches newer rows.
    """
    words = [word.lower() for word in (who or person_of(session, lead_id)).words(config.region)]
    # A proposal that somebody else may be this lead says nothing about this one.
    named = re.compile(rf"(?<!may be )\blead {lead_id}\b|\"lead\":(\{{\"id\":)?{lead_id}\b")
    looked_for = (f"lead {lead_id}", f'"lead":{lead_id}', f'"lead":{{"id":{lead_id}', *words)
    found: dict[str, list[int]] = {}
    last: dict[str, int] = {}
    for table, columns in _TOLD:
        name = table.__tablename__
        last[name] = session.scalar(select(func.max(table.id))) or 0
        says_so = or_(*(func.lower(text).contains(one, autoescape=True) for text in columns for one in looked_for))
        if table is Message:
            says_so &= Message.purpose == TextPurpose.STAFF
        new = select(table.id, *columns).where(table.id > known.last.get(name, 0), says_so)
        said = ((row[0], "\n".join(row[1:]).lower()) for row in session.execute(new))
        found[name] = [id for id, text in said if named.search(text) or any(word in text for word in words)]
    return Mentions(found, last)


def erase(session: Session, config: Config, by: By, lead_id: int, why: str, known: Mentions) -> Erasure:
    """Erases a lead and everything known about the person. `finish` does the rest, outside the database.

    Raises NotFound, Invalid, and Conflict like `check`.
    """
    why = fields.text(why, "reason", 300, required=True)
    if session.scalar(select(Lead.id).where(Lead.id == lead_id).with_for_update()) is None:
        raise NotFound(f"There is no lead {lead_id}.", code="lead_unknown", lead=str(lead_id))
    who = person_of(session, lead_id)
    check(session, config, lead_id, by.now, who)
    if session.get_bind().dialect.name == "sqlite":
        # Overwrites deleted content instead of leaving it in the file's free pages (sqlite.org/pragma.html).
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")
    since = mentions(session, config, lead_id, known, who)
    made = Erasure(lead_id=lead_id, at=by.now, by=by.who[:80], why=why)
    session.add(made)
    session.flush()
    for identity in sorted(who.numbers | who.addresses):
        session.add(ErasedIdentity(erasure_id=made.id, hash=hashed(config, identity)))
    _Erasing(session, made, who).go([known, since])
    for word in who.words(config.region):
        for node in {config.node, *session.scalars(select(Node.name))}:
            session.add(ErasureWork(erasure_id=made.id, node=node, kind=WorkKind.WORDS, what=word))
    audit.record(session, by, f"lead {lead_id} erased: {why}")
    session.flush()
    session.expire_all()
    return made


def hashed(config: Config, identity: str) -> str:
    """Hashes a number (E.164) or an address in lower case, so that it can be recognized but not read."""
    return _digest(Secrets(config.secrets_file).ensure(KEY), identity)


def hashes(config: Config, identities: Iterable[str]) -> dict[str, str]:
    """Numbers (E.164) and addresses in lower case by what `hashed` makes of each; none as long as nobody was erased."""
    secrets = Secrets(config.secrets_file)
    if not secrets.has(KEY):
        return {}
    key = secrets.get(KEY)
    return {_digest(key, one): one for one in identities}


def _digest(key: str, identity: str) -> str:
    return hmac.digest(key.encode(), identity.encode(), "sha256").hex()


def person_of(session: Session, lead_id: int) -> Person:
    """What identifies the person behind a lead."""
    phones = set(session.scalars(select(LeadPhone.number).where(LeadPhone.lead_id == lead_id)))
    addresses = set(session.scalars(select(LeadEmail.address).where(LeadEmail.lead_id == lead_id)))
    addresses |= set(session.scalars(select(func.lower(Lead.email)).where(Lead.id == lead_id, Lead.email != "")))
    addresses |= set(session.scalars(select(func.lower(Application.email)).where(Application.lead_id == lead_id)))
    # An address that two leads share is not theirs alone.
    shared = select(func.lower(Lead.email)).where(*leads.has_email(addresses), Lead.id != lead_id)
    own_addresses = addresses - set(session.scalars(shared) if addresses else ())
    known = {number: who_is(session, number) for number in phones}
    own = {number for number, one in known.items() if not (one.contact or one.colleague or one.is_line)}
    return Person(lead_id, phones, own_addresses, own)


def _digits(number: str) -> Iterator[str]:
    yield number
    national = numbers.national(number)
    if len(national) >= 7:
        yield national


class _Erasing:
    """The rows of one person."""

    def __init__(self, session: Session, erasure: Erasure, who: Person) -> None:
        self._session, self._erasure, self._who = session, erasure, who

    def go(self, mentions: Sequence[Mentions]) -> None:
        session, lead_id = self._session, self._who.lead_id
        self._calls()
        self._texts_and_mails(mentions)
        self._forget_arrivals(or_(ArrivalRecord.lead_id == lead_id, ArrivalRecord.id.in_(self._shared_arrivals())))
        documents = select(ApplicationDocument.file, Application.node).join(Application)
        for file, node in session.execute(documents.where(Application.lead_id == lead_id)):
            self._leave(node, WorkKind.DOCUMENT, file)
        self._of_others()
        # Everything else that refers to them, including tables added later.
        for reference in REFERENCES:
            if reference.on_merge is not OnMerge.DERIVED:
                session.execute(delete(reference.table).where(reference.lead == lead_id))
        session.execute(delete(Lead).where(Lead.id == lead_id))

    def _leave(self, node: str, kind: WorkKind, what: str) -> None:
        self._session.add(ErasureWork(erasure_id=self._erasure.id, node=node, kind=kind, what=what))

    def _calls(self) -> None:
        session, who = self._session, self._who
        theirs = Call.lead_id == who.lead_id
        if who.own_numbers:
            alone = Call.caller.in_(who.own_numbers), Call.lead_id.is_(None), Call.contact_id.is_(None)
            theirs = or_(theirs, alone[0] & alone[1] & alone[2])
        found: dict[Any, str] = dict(session.execute(select(Call.id, Call.node).where(theirs)).all())
        for ids in slices(list(found)):
            for table in (Recording, Voicemail):
                for call_id, file in session.execute(select(table.call_id, table.file).where(table.call_id.in_(ids))):
                    self._leave(found[call_id], WorkKind.AUDIO, file)
            for id in ids:
                self._leave(found[id], WorkKind.CALL, str(id))
            session.execute(delete(Task).where(Task.call_id.in_(ids), Task.lead_id.is_(None)))
            session.execute(delete(Activity).where(Activity.call_id.in_(ids), Activity.lead_id == who.lead_id))
            # With legs, facts, decisions, reviews, recordings and voicemail.
            session.execute(delete(Call).where(Call.id.in_(ids)))

    def _texts_and_mails(self, mentions: Sequence[Mentions]) -> None:
        session, who = self._session, self._who
        session.execute(delete(Message).where(Message.lead_id == who.lead_id))
        for number in who.own_numbers:
            session.execute(delete(Message).where(or_(Message.from_number == number, Message.to_number == number)))
            session.execute(delete(CallOrder).where(CallOrder.to_number == number))
            session.execute(delete(Dialled).where(Dialled.number == number))
            session.execute(delete(InboxThread).where(InboxThread.number == number))
            session.execute(delete(Task).where(Task.person.in_([f"caller:{number}", f"writer:{number}"])))
        for table, _ in _TOLD:
            ids = [id for one in mentions for id in one.found.get(table.__tablename__, ())]
            for some in slices(ids):
                if table is AuditEntry:
                    self._make_illegible(some)
                elif table is ArrivalRecord:
                    self._forget_arrivals(ArrivalRecord.id.in_(some) & ArrivalRecord.lead_id.is_(None))
                else:
                    session.execute(delete(table).where(table.id.in_(some)))

    def _make_illegible(self, ids: Sequence[Any]) -> None:
        """What was done stays on record."""
        for entry in self._session.scalars(select(AuditEntry).where(AuditEntry.id.in_(ids))):
            for word in (*self._who.own_numbers, *self._who.addresses):
                entry.what = entry.what.replace(word, "(erased)")

    def _shared_arrivals(self) -> list[int]:
        """Those that told of several people, of whom the erased one is not the first: their entries name them."""
        of = select(Activity.key).where(Activity.lead_id == self._who.lead_id, Activity.key.like("arrival:%:%"))
        return [int(key.split(":")[1]) for key in self._session.scalars(of)]

    def _forget_arrivals(self, which: ColumnElement[bool]) -> None:
        """Arrivals are kept without their content, so that the same one is not taken in again as new."""
        for record in self._session.scalars(select(ArrivalRecord).where(which)):
            if file := record.raw.get("file"):
                self._leave(record.node, WorkKind.MAIL, str(file))
            # An email is recognized by its hash.
            record.raw = {name: record.raw[name] for name in ("said",) if name in record.raw}
            record.outcome, record.problem, record.node, record.came_from = ArrivalOutcome.ERASED, "", "", ""
            if record.lead_id in (None, self._who.lead_id):
                record.lead_id = record.tell_at = None
        self._session.flush()

    def _of_others(self) -> None:
        """Removes what other leads' timelines say about them."""
        session, lead_id = self._session, self._who.lead_id
        about = or_(LeadProposal.lead_id == lead_id, LeadProposal.other_id == lead_id)
        for proposal in session.scalars(select(LeadProposal).where(about)):
            session.execute(delete(Activity).where(Activity.key.in_(proposals.entries_of(proposal))))
        undone = select(LeadMerge).where(LeadMerge.gone_id == lead_id)
        for merge in session.scalars(undone).all():
            for key, told in (("merge", "was merged into this one"), ("unmerge", "is a lead of its own again")):
                entry = update(Activity).where(Activity.key == f"{key}:{merge.id}", Activity.lead_id != lead_id)
                session.execute(entry.values(text=f"Lead {lead_id} {told}."))
            session.delete(merge)
        session.flush()
        for answer in session.scalars(select(KeptAnswer)):
            said = answer.body.decode("utf-8", "replace").lower()
            if f"/leads/{lead_id}" in answer.location or any(
                word in said for word in (*self._who.own_numbers, *self._who.addresses)
            ):
                session.delete(answer)
        session.flush()


# --- outside of the database ---


async def finish(crm: Crm) -> int:
    """Does the work that erasures have left on this home's disk; returns how much of it remains."""
    while work := await crm.store.read(left, crm.config.node):
        done = await asyncio.to_thread(remove, crm.config, work)
        await crm.store.run(strike_off, done)
        if len(done) < len(work):
            return len(work) - len(done)
    await asyncio.to_thread(crm.store.empty_log)
    return 0


def left(session: Session, node: str) -> list[tuple[int, str, str]]:
    """The next pieces of work of this node, as id, kind and what."""
    found = select(ErasureWork.id, ErasureWork.kind, ErasureWork.what).where(nodes.is_ours(ErasureWork.node, node))
    return [(id, kind, what) for id, kind, what in session.execute(found.order_by(ErasureWork.id).limit(AT_ONCE))]


def strike_off(session: Session, ids: Sequence[int]) -> None:
    """Forgets work that is done."""
    session.execute(delete(ErasureWork).where(ErasureWork.id.in_(ids)))


def remove(config: Config, work: Sequence[tuple[int, str, str]]) -> list[int]:
    """Does pieces of work; returns the ids of those completed. Blocks."""
    done = []
    words = {id: what for id, kind, what in work if kind == WorkKind.WORDS}
    for id, kind, what in work:
        if id not in words and _removed(config, kind, what):
            done.append(id)
    return [*done, *words] if words and _made_illegible(config, list(words.values())) else done


def _removed(config: Config, kind: str, what: str) -> bool:
    try:
        for path in _files(config, kind, what):
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except OSError as error:
        _log.error("data of an erased person cannot be removed yet", extra={"what": kind, "error": error.strerror})
        return False
    return True


def _made_illegible(config: Config, words: Sequence[str]) -> bool:
    try:
        for path in (config.spool_folder / "done").glob("*"):
            if path.is_file() and any(word.encode() in path.read_bytes() for word in words):
                path.unlink(missing_ok=True)
        for path in _logs(config):
            make_illegible(path, words)
    except OSError as error:
        _log.error("an erased person cannot be removed from a log yet", extra={"error": error.strerror})
        return False
    return True


def _files(config: Config, kind: str, what: str) -> Iterator[Path]:
    """The files a row means, never outside their folder, whatever the row says."""
    name = Path(what).name
    if kind == WorkKind.AUDIO and name:
        yield config.recordings_folder / name
    elif kind == WorkKind.DOCUMENT:
        if path := documents.path_of(config.documents_folder, what):
            yield path
    elif kind == WorkKind.MAIL:
        yield mail_files.file_of(config.mails_folder, what)
    elif kind == WorkKind.CALL and name:
        yield config.spool_folder / "done" / f"{name}.call"
        yield from (path for path in config.recordings_folder.glob("*") if _is_of(path.name, name))


def _is_of(file: str, call_id: str) -> bool:
    return file.startswith(call_id) and not file[len(call_id) :][:1].isalnum()


def _logs(config: Config) -> Iterator[Path]:
    """Files that may contain numbers the database has forgotten. Facts waiting in the spool are left alone."""
    for folder in (config.log_folder, config.journal_folder, config.asterisk_folder / "log"):
        for path in sorted(folder.rglob("*")):
            waits = path.name in ("facts.jsonl", "facts-2.jsonl") or path.parent.name == "cel-custom"
            if path.is_file() and not path.is_symlink() and not waits:
                yield path


def make_illegible(path: Path, words: Sequence[str]) -> None:
    """Overwrites all occurrences of words in a file with the same number of bytes, ignoring case.

    In place, because the program that writes the file has it open for appending. Raises OSError.
    """
    wanted = re.compile(b"|".join(re.escape(word.encode()) for word in words), re.IGNORECASE)
    longest = max(len(word.encode()) for word in words)
    with path.open("r+b") as file:
        at, before = 0, b""
        while chunk := file.read(1 << 20):
            text, begins = before + chunk, at - len(before)
            for hit in wanted.finditer(text):
                file.seek(begins + hit.start())
                file.write(b"x" * (hit.end() - hit.start()))
            at += len(chunk)
            file.seek(at)
            before = text[-(longest - 1) :] if longest > 1 else b""
