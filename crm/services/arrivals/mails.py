"""Emails that come in: stored as received, and then read, each in a transaction of its own.

An email is on the disk before anything parses it, and its row is committed before it is read, so that no defect in it
can lose it. An email that a program sent by itself counts neither as a lead nor as an answer (RFC 3834), unless it
names a person in a format that portals use.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened, LeadEvent
from crm.domain.relays import is_relay
from crm.edge import mail_files, mime
from crm.edge.mail_files import TakenMail
from crm.edge.mime import Automatic, ReadMail
from crm.services.arrivals import arrival, flagging, inquiries, sources
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.flagging import RELEASED
from crm.services.arrivals.portals import metadata, mits, plain
from crm.services.arrivals.portals.inquiry import Inquiry, Several, usable, with_defaults
from crm.services.mails import filing, news
from crm.services.mails.filing import Answered
from crm.services.outbox import mails as outbox
from crm.services.people import contact_details, standing, timeline
from crm.store.models import ArrivalRecord, LeadSource, Mail
from crm.store.queries import leads as lead_queries

PARSER = Parser("mail", 1)
"""Until it is read; the parser that finds the person in it has a name and version of its own."""
ANSWER_PARSER = Parser("answer", 1)
CHANNEL = "mail:"
"""The beginning of an email's channel."""
SOURCE = "email"
"""Source of a lead whose email names no other."""


@dataclass(frozen=True)
class CameBy:
    """How an email came."""

    way: str
    """pipe or imap."""
    source: str = ""
    """Short name of a source that is set up, or any name; empty: the email says."""
    at: datetime | None = None
    """When the mail server got it; None: just now."""
    is_old: bool = False
    """It was there before we began to read the mailbox, so it leaves no task and no notice."""


def keep(session: Session, config: Config, mail: TakenMail, came: CameBy, now: datetime) -> tuple[int, bool]:
    """Returns the arrival of an email that is already in its file, and whether it is new.

    An email counts once, whichever way and however often it comes. Two with the same Message-ID but different text
    count as two: some programs always send the same one.
    """
    said = mime.fingerprint(mail.raw)
    came_at = min(came.at or now, now)
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
                "is_old": came.is_old,
                "from": mime.sender(mail.raw),
            }
            source = sources.find(session, came.source)
            record = arrival.keep(
                session, key, f"mail:{came.way}", raw, PARSER, came_at, node=config.node, is_read=False
            )
            record.source_id = source.id if source else None
            return record.id, True
        if there.raw.get("said") == said:
            return there.id, False
    raise Conflict("Another mail with this Message-ID is in the way: try again.", code="mail_key_taken")


async def take_in(crm: Crm, mail: TakenMail, came: CameBy) -> int:
    """Stores an email, and returns its arrival's id once it is on the disk and in the database.

    Raises OSError, Unavailable, Conflict.
    """
    await asyncio.to_thread(mail_files.keep, crm.config.mails_folder, mail.raw)
    id, _ = await crm.store.run(keep, crm.config, mail, came, crm.now())
    return id


# --- reading ---


def opened(config: Config, record_file: str) -> ReadMail:
    """An email from its file. Raises OSError."""
    return mime.read(mail_files.load(config.mails_folder, record_file))


def attachment(config: Config, record_file: str, position: int) -> bytes:
    """What is in an attachment of a stored email; `position` counts from 1. Raises NotFound."""
    try:
        return opened(config, record_file).files[position - 1].content
    except (OSError, IndexError) as error:
        raise NotFound("The file of this email is gone.", code="mail_file_gone") from error


def receive(session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, now: datetime) -> ArrivalOutcome:
    """Does what an email asks for."""
    if mail.automatic is Automatic.BOUNCE:
        _bounce(session, config, record, mail, now)
        return ArrivalOutcome.BOUNCE
    if mail.automatic is Automatic.REPLY:
        return ArrivalOutcome.AUTOMATIC
    if contact_details.is_ours(session, config, mail.sender.address):
        return ArrivalOutcome.OWN
    tags = list(_tags(mail.recipients))
    if mail.automatic is Automatic.NO and (answered := filing.answered(session, mail, tags)):
        _answer(session, config, record, mail, answered, now)
        return ArrivalOutcome.ANSWER
    if mail.is_spam and not record.raw.get(RELEASED) and not _is_known(session, record, mail):
        flagging.flag(session, config, record, "The mail server that received it says that it is spam.", now)
        return ArrivalOutcome.FLAGGED
    return _inquiries(session, config, record, mail, tags, now)


def _is_known(session: Session, record: ArrivalRecord, mail: ReadMail) -> bool:
    """Whether it comes from a lead, or by a source that is set up, so that it counts whatever it looks like."""
    return record.source_id is not None or lead_queries.by_address(session, mail.sender.address) is not None


def _inquiries(
    session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, tags: list[str], now: datetime
) -> ArrivalOutcome:
    """A person writes for the first time or about something else, or a portal writes about them."""
    several, parser = find(mail, config.mail.relay_domains)
    found = several.inquiries
    record.parser, record.parser_version = parser.name, parser.version
    source = _source(session, record, mail.recipients, tags)
    leads, unread = [], 0
    for number, one in enumerate(found, start=1):
        meant = inquiries.meant_by(session, one, source, tags, f"{mail.subject}\n{one.message}")
        name = source.name if source else record.raw.get("source") or one.source or SOURCE
        told = _told(record, mail, inquiries.described(one))
        lead = inquiries.act(session, config, record, one, meant, name, told, Happened.EMAIL, now, number=number)
        if lead is not None:
            leads.append(lead)
            html = mime.cleaned(mail.html) if len(found) == 1 else ""
            filing.file(session, record, lead, mail, inquiries.described(one), html, number)
        elif one.says_something:
            unread += 1
    what = mail.subject or "an email without a subject"
    if leads:
        inquiries.leave_the_rest(session, config, record, several, unread, what, now)
        return ArrivalOutcome.LEAD
    if mail.automatic is Automatic.NOTICE and source is None:
        return ArrivalOutcome.NOTICE
    inquiries.leave_to_somebody(session, config, record, what, now)
    return ArrivalOutcome.UNREADABLE


def _answer(
    session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, answered: Answered, now: datetime
) -> None:
    """A lead answers one of our emails, or writes again in its thread."""
    lead, words = answered.lead, mime.new_words(mail.text) or mail.text
    is_new = record.lead_id != lead.id
    record.lead_id, record.parser, record.parser_version = lead.id, ANSWER_PARSER.name, ANSWER_PARSER.version
    filing.file(session, record, lead, mail, words, mime.cleaned(mail.html))
    told = _told(record, mail, words or "(no words)")
    if not answered.is_known_sender:
        told += f"\nIt came from {mail.sender.address}, which is not one of their addresses."
    key = f"arrival:{record.id}"
    timeline.enter(session, lead.id, Happened.EMAIL, told, record.received_at, key=key)
    if _UNSUBSCRIBE.fullmatch(words[:100].strip()) or _UNSUBSCRIBE.fullmatch(mail.subject):
        said = f"Email of {record.received_at:%Y-%m-%d}: {words.strip() or mail.subject}"
        news.refuse(session, lead, mail.sender.address, key=key, source="sentence", evidence=said, now=now)
        if not words or _UNSUBSCRIBE.fullmatch(words.strip()):
            return
    if not is_new or record.raw.get("is_old"):
        return
    standing.happened(lead, LeadEvent.WROTE, record.received_at)
    session.flush()
    inquiries.pass_on(session, config, record, lead, None, f"{lead.name or 'A lead'} answered by email", told, now)


_UNSUBSCRIBE = re.compile(r"(?:please )?(?:unsubscribe|remove me|stop)(?: me)?[.!]?", re.IGNORECASE)


def _bounce(session: Session, config: Config, record: ArrivalRecord, mail: ReadMail, now: datetime) -> None:
    """A mail server says that an email of ours to a lead did not arrive."""
    if mail.bounced is None or not mail.bounced.is_final:
        return
    found = select(Mail).where(Mail.message_id == mail.bounced.message_id, Mail.direction == "out")
    sent = session.scalars(found.with_for_update()).first()
    if sent is None or sent.state == DeliveryState.FAILED:
        return
    why = f"It came back: {mail.bounced.status} {mail.bounced.why}".strip()
    sent.state, sent.error = DeliveryState.FAILED, why[:300]
    if sent.lead_id is not None:
        record.lead_id = sent.lead_id
        outbox.not_delivered(session, config, sent, why, now)


def find(mail: ReadMail, relay_domains: Sequence[str] = ()) -> tuple[Several, Parser]:
    """Who asks for what, according to the first parser that can tell, and which parser that was. `relay_domains` are
    portals' domains besides the known ones."""
    one = metadata.inquiry(mail.html)
    if one is not None and one.names_somebody:
        completed = with_defaults(one, Inquiry(message=mail.text))
        return Several((completed,)), Parser(metadata.NAME, metadata.VERSION)
    several = _mits(mail)
    if any(one.names_somebody for one in several.inquiries):
        return several, Parser(mits.NAME, mits.VERSION)
    return Several((_plain(mail, relay_domains),)), Parser(plain.NAME, plain.VERSION)


def _mits(mail: ReadMail) -> Several:
    documents: list[bytes | str] = [one.content for one in mail.files if mits.may_be(one.content[:4000])]
    if "<LeadManagement" in mail.text:
        start, end = mail.text.index("<LeadManagement"), mail.text.rfind(">") + 1
        documents.append(mail.text[start:end])
    for document in documents[:5]:
        try:
            return mits.inquiries(document)
        except mits.Unreadable:
            continue
    return Several(())


def _plain(mail: ReadMail, relay_domains: Sequence[str]) -> Inquiry:
    labeled = plain.inquiry(mail.text)
    sender, reply_to = usable(mail.sender.address), usable(mail.reply_to.address)
    through_relay = is_relay(sender, relay_domains)
    is_notice = mail.automatic is Automatic.NOTICE and not through_relay
    if labeled.names_somebody and (labeled.name or is_notice or through_relay or not sender):
        # A website or portal names a person, and where the answer should go.
        answer_to = reply_to or (sender if through_relay else "")
        return with_defaults(labeled, Inquiry(email=answer_to, message=mail.text))
    if is_notice:
        return labeled
    # A website's form sends in its own name, and names the person in Reply-To.
    author = mail.reply_to if reply_to else mail.sender
    # The quoted part was written by others.
    words = mime.new_words(mail.text) or mail.text
    labeled = plain.inquiry(words)
    written = Inquiry(
        name=author.name,
        email=reply_to or sender,
        phone=labeled.phone or plain.own_number(words),
        message=labeled.message or words,
    )
    return with_defaults(written, labeled)


def _told(record: ArrivalRecord, mail: ReadMail, words: str) -> str:
    """The email as the timeline shows it."""
    subject = f" ({mail.subject})" if mail.subject else ""
    names = ", ".join(one.name or one.found_kind for one in mail.files[:10])
    parts = [
        f"Wrote by email{subject}: {words}",
        f"{len(mail.files)} attached: {names}." if mail.files else "",
        "" if record.raw.get("is_whole", True) else "The email was too large, so only its beginning was kept.",
    ]
    return "\n".join(part for part in parts if part)


_TAG = re.compile(r"[^+@]{1,64}\+([^@]{1,64})@")


def _tags(recipients: tuple[str, ...]) -> Iterator[str]:
    """The tags after the plus in the addresses it was sent to: leads+zillow.elm@ gives zillow and elm."""
    for address in recipients:
        if found := _TAG.match(address):
            yield from (part for part in re.split(r"[._+]", found[1]) if part)


def _source(session: Session, record: ArrivalRecord, recipients: tuple[str, ...], tags: list[str]) -> LeadSource | None:
    """The source that it came from: named with the pipe, or by the address it was sent to."""
    if record.source_id is not None:
        return session.get(LeadSource, record.source_id)
    source = sources.of_addresses(session, recipients, tags)
    record.source_id = source.id if source else None
    return source
