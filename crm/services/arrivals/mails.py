"""Mails that come in: kept as they came, and then read, each in a transaction of its own.

A mail is on the disk before anything looks into it, and its row is committed before it is read, so that no way of
being broken loses one. What a program wrote by itself makes neither a lead nor an answer (RFC 3834): a portal's mail
does only if it names somebody in a form that portals write.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Conflict, CrmError, Unavailable
from crm.domain.leads import Happened, LeadEvent
from crm.domain.tasks import TaskKind
from crm.edge import mail_files, mime, numbers
from crm.edge.mail_files import TakenMail
from crm.edge.mime import Automatic, ReadMail
from crm.services.arrivals import arrival
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.portals import plain
from crm.services.arrivals.portals.inquiry import Inquiry, is_relay, usable, with_defaults
from crm.services.office import owners
from crm.services.people import intake, standing, timeline
from crm.services.people.identity import who_is
from crm.services.people.intake import Introduced
from crm.store.models import Agent, ArrivalRecord, Property, Task
from crm.store.queries import office, tasks
from crm.worker import Worker

PARSER = Parser("mail", 1)
"""Of the mail as a whole; what finds the person in it has a version of its own."""
SOURCE = "email"
"""Of a lead whose mail names no other."""
MOST_TRIES = 3
"""A mail that cannot be read so often is set aside, so that it does not hold up the rest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CameBy:
    """Which way a mail came."""

    way: str
    """pipe or imap."""
    source: str = ""
    """Name of the lead source that it is for; empty: the mail tells."""


def keep(session: Session, config: Config, mail: TakenMail, came: CameBy, now: datetime) -> tuple[int, bool]:
    """The arrival of a mail that is in its file already, and whether it is new.

    The same mail comes once, whichever way and however often. Two mails with one Message-ID that say different things
    are two: a sender's program may be broken.
    """
    said = mime.fingerprint(mail.raw)
    named = hashlib.sha256((mime.message_id(mail.raw) or said).encode("utf-8", "replace")).hexdigest()[:40]
    for key in (f"mail:{named}", f"mail:{named}:{said[:40]}"):
        there = arrival.kept(session, key)
        if there is None:
            raw = {
                "file": hashlib.sha256(mail.raw).hexdigest(),
                "bytes": mail.size,
                "is_whole": mail.is_whole,
                "said": said,
                "source": came.source,
            }
            record = arrival.keep(session, key, f"mail:{came.way}", raw, PARSER, now, node=config.node, is_read=False)
            return record.id, True
        if there.raw.get("said") == said:
            return there.id, False
    raise Conflict("Another mail with this Message-ID is in the way: try again.", code="mail_key_taken")


async def take_in(crm: Crm, mail: TakenMail, came: CameBy) -> int:
    """Keeps a mail that has been read from somewhere; gives its arrival.

    Once this returns, the mail is on the disk and in the database. Raises OSError, Unavailable, Conflict.
    """
    await asyncio.to_thread(mail_files.keep, crm.config.mails_folder, mail.raw)
    id, _ = await crm.store.run(keep, crm.config, mail, came, crm.now())
    return id


# --- reading ---


@dataclass(frozen=True)
class ArrivalClaim:
    id: int
    file: str
    is_last_try: bool


class MailReader(Worker[ArrivalClaim, str]):
    """Reads mails that wait for it, in the order in which they came. A mail that fails is set aside with the reason,
    and the next one follows."""

    name = "incoming emails"
    wakes_on = (ArrivalRecord,)

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def due(self, session: Session, now: datetime, under_way: Sequence[ArrivalClaim]) -> datetime | None:
        return now if session.scalar(self._next(under_way)) is not None else None

    def claim(self, session: Session, now: datetime, under_way: Sequence[ArrivalClaim]) -> ArrivalClaim | None:
        id: int | None = session.scalar(self._next(under_way))
        return begin(session, id) if id is not None else None

    async def work(self, claim: ArrivalClaim) -> str:
        return await read(self._crm, claim)

    def record(self, session: Session, claim: ArrivalClaim, result: str, now: datetime) -> None:
        set_aside(session, claim, result, now)

    def _next(self, under_way: Sequence[ArrivalClaim]) -> Select[int]:
        unread = select(ArrivalRecord.id).where(
            ArrivalRecord.read_at.is_(None),
            ArrivalRecord.node == self._crm.config.node,
            ArrivalRecord.id.not_in([claim.id for claim in under_way]),
        )
        return unread.order_by(ArrivalRecord.id).limit(1)


def begin(session: Session, id: int) -> ArrivalClaim | None:
    """Counts a try; None: it has been read."""
    record = session.get(ArrivalRecord, id, with_for_update=True)
    if record is None or record.read_at is not None:
        return None
    record.tries += 1
    return ArrivalClaim(id, str(record.raw.get("file", "")), record.tries >= MOST_TRIES)


async def read(crm: Crm, claim: ArrivalClaim) -> str:
    """Reads a mail and does what it asks for; gives why that was not possible, or nothing. Raises Unavailable."""
    try:
        mail = await asyncio.to_thread(_opened, crm.config, claim.file)
        await crm.store.run(receive, crm.config, claim.id, mail, crm.now())
    except Unavailable:
        raise
    except FileNotFoundError:
        return "Its file is gone from the folder of mails."
    except OSError as error:
        return f"Its file cannot be read ({error.strerror})."
    except CrmError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a door: one bad mail must not hold up the rest
        # What it says would be quoted by the error, so only the kind is logged.
        _log.error("a mail could not be read", extra={"arrival": claim.id, "error": type(error).__name__})
        return f"Reading it failed in an unexpected way ({type(error).__name__})."
    return ""


def _opened(config: Config, file: str) -> ReadMail:
    return mime.read(mail_files.load(config.mails_folder, file))


def set_aside(session: Session, claim: ArrivalClaim, problem: str, now: datetime) -> None:
    """Records that a mail could not be read; nothing when it was."""
    if not problem:
        return
    record = session.get(ArrivalRecord, claim.id, with_for_update=True)
    if record is None or record.read_at is not None:
        return
    record.problem = problem[:300]
    if claim.is_last_try:
        record.read_at, record.outcome = now, ArrivalOutcome.UNREADABLE


def receive(session: Session, config: Config, id: int, mail: ReadMail, now: datetime) -> ArrivalOutcome | None:
    """Does what a mail asks for, in one transaction; None when somebody else has done it already."""
    record = session.get(ArrivalRecord, id, with_for_update=True)
    if record is None or record.read_at is not None:
        return None
    outcome = _act(session, config, record, mail, now)
    record.read_at, record.outcome = now, outcome
    if outcome is not ArrivalOutcome.UNREADABLE:
        record.problem = ""
    _log.info("mail read", extra={"arrival": id, "outcome": str(outcome), "parser": record.parser})
    return outcome


def _act(session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, now: datetime) -> ArrivalOutcome:
    if mail.automatic is Automatic.BOUNCE:
        return ArrivalOutcome.BOUNCE
    if mail.automatic is Automatic.REPLY:
        return ArrivalOutcome.AUTOMATIC
    if is_ours(session, config, mail.sender.address):
        return ArrivalOutcome.OWN
    inquiry, parser = find(mail)
    record.parser, record.parser_version = parser.name, parser.version
    who = _introduced(session, config, inquiry)
    if not (who.address or who.number or who.relay):
        if mail.automatic is Automatic.NOTICE:
            return ArrivalOutcome.NOTICE
        record.problem = "It names nobody who could be answered."
        _leave_to_somebody(session, config, record, mail, now)
        return ArrivalOutcome.UNREADABLE
    lead = intake.introduced(session, who, now)
    record.lead_id = lead.id
    property = _property(session, inquiry, mail)
    if property is not None:
        intake.interest_in(lead, property.id, now)
    lead.source = lead.source or (record.raw.get("source") or inquiry.source or SOURCE)[:60]
    told = _told(mail, inquiry, whole=bool(record.raw.get("is_whole", True)))
    key, of = f"arrival:{record.id}", property.id if property else None
    timeline.enter(session, lead.id, Happened.EMAIL, told, now, key=key, about=of, is_new=True)
    standing.happened(lead, LeadEvent.WROTE, now)
    session.flush()
    about = property.name if property else _office(session)
    arrival.pass_on(session, config, lead, property, record, f"An email about {about}", told, now)
    return ArrivalOutcome.LEAD


def is_ours(session: Session, config: Config, address: str) -> bool:
    """Whether an address is this office's: that its mails come from, or an agent's."""
    address = address.lower()
    if not address:
        return False
    if address == config.mail.from_address.lower():
        return True
    return session.scalars(select(Agent.id).where(func.lower(Agent.email) == address).limit(1)).first() is not None


def find(mail: ReadMail) -> tuple[Inquiry, Parser]:
    """Who asks for what, by the first parser that can tell, and which one it was."""
    parser = Parser(plain.NAME, plain.VERSION)
    labelled = plain.inquiry(mail.text)
    sender, reply_to = usable(mail.sender.address), usable(mail.reply_to.address)
    through_relay = is_relay(sender)
    is_told = mail.automatic is Automatic.NOTICE and not through_relay
    if labelled.names_somebody and (labelled.name or is_told or through_relay or not sender):
        # A website or a portal tells about somebody, and where it wants the answer to go.
        answer_to = reply_to or (sender if through_relay else "")
        return with_defaults(labelled, Inquiry(email=answer_to, message=mail.text)), parser
    if is_told:
        return labelled, parser
    # A form on a website writes in its own name, and names the person in Reply-To.
    author = mail.reply_to if reply_to else mail.sender
    written = Inquiry(
        name=author.name,
        email=reply_to or sender,
        phone=labelled.phone or plain.own_number(mail.text),
        message=labelled.message or mail.text,
    )
    return with_defaults(written, labelled), parser


def _introduced(session: Session, config: Config, inquiry: Inquiry) -> Introduced:
    address = usable(inquiry.email)
    if address and is_ours(session, config, address):
        address = ""
    relay = address if is_relay(address) else ""
    known = who_is(session, numbers.parse(inquiry.phone, config.region))
    name = " ".join(inquiry.name.split())[:200]
    return Introduced(
        name="" if "@" in name else name,
        address="" if relay else address,
        number=None if known.is_line or known.colleague else known.number,
        relay=relay,
    )


def _told(mail: ReadMail, inquiry: Inquiry, *, whole: bool) -> str:
    """What came, as the timeline tells it."""
    subject = f" ({mail.subject})" if mail.subject else ""
    wishes = "; ".join(f"{what}: {value}" for what, value in inquiry.about)
    parts = [
        f"Wrote by email{subject}: {inquiry.message or '(no words)'}",
        f"Wishes: {wishes}." if wishes else "",
        f"{len(mail.files)} attached." if mail.files else "",
        "" if whole else "The email was too large, so only its beginning was kept.",
    ]
    return "\n".join(part for part in parts if part)


def _office(session: Session) -> str:
    organization = office.organization(session)
    return organization.name if organization else "the office"


def _leave_to_somebody(session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, now: datetime) -> None:
    """A mail that names nobody may still be somebody's: one open task covers all of them."""
    person = "arrivals"
    task = tasks.open_one(session, person, TaskKind.INQUIRY)
    if task is not None:
        task.times += 1
        return
    due_at = office.schedule(session, config.tz, None).due_time(now, config.tasks.due_minutes)
    session.add(
        Task(
            key=f"arrival:{record.id}",
            kind=TaskKind.INQUIRY,
            person=person,
            owner=owners.admin(session),
            lead_id=None,
            why=f"An email names nobody who could be answered: {mail.subject or 'without a subject'}"[:300],
            due_at=due_at,
            created_at=now,
            result="",
        )
    )


# --- which property ---


def _property(session: Session, inquiry: Inquiry, mail: ReadMail) -> Property | None:
    """The one property whose name is said, where the mail names one at all; else where its words do."""
    for words in (inquiry.property_name, mail.subject, inquiry.message):
        if words and (found := _named(session, words)):
            return found
    return None


def _named(session: Session, words: str) -> Property | None:
    said = f" {_plain(words)} "
    best: list[tuple[int, int]] = []
    for id, name, slug in session.execute(select(Property.id, Property.name, Property.slug)):
        length = max(len(_plain(one)) for one in (name, slug))
        if any(f" {_plain(one)} " in said for one in (name, slug) if len(_plain(one)) > 2):
            best.append((length, id))
    best.sort(reverse=True)
    if not best or (len(best) > 1 and best[0][0] == best[1][0]):
        return None
    return session.get(Property, best[0][1])


def _plain(words: str) -> str:
    """Words in lower case without accents and marks, so that ways of writing do not matter."""
    bare = unicodedata.normalize("NFKD", words[:20_000].casefold())
    return " ".join(re.findall(r"[a-z0-9]+", "".join(one for one in bare if not unicodedata.combining(one))))
