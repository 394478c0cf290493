"""Where an incoming email belongs: to which lead's thread, by token, references or sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.delivery import DeliveryState
from crm.domain.mails import MailPurpose
from crm.edge.mime import ReadMail
from crm.services.outbox import threads
from crm.store.models import ArrivalRecord, Lead, LeadEmail, Mail, MailAttachment, MailThread
from crm.store.queries import leads


@dataclass(frozen=True)
class Answered:
    """What an email answers."""

    lead: Lead
    """Locked."""
    thread: MailThread
    is_known_sender: bool
    """Whether it came from one of the lead's addresses."""


def answered(session: Session, mail: ReadMail, tags: Sequence[str]) -> Answered | None:
    """The lead and thread that an email answers, by the token in one of its recipients (`tags`) or by the emails it
    refers to; None: it answers none.

    A token counts whoever the sender is, because only the lead has received it. References are not secret: if another
    lead answers an email that was forwarded or sent to several people, the answer is filed with that lead.
    """
    sender = mail.sender.address.lower()
    writer = leads.by_address(session, sender) if sender else None
    thread = threads.by_token(session, tags)
    if thread is None:
        before = [one for one in (*mail.references, mail.in_reply_to) if one]
        thread = threads.by_references(session, before)
        if thread is not None and writer is not None and writer.id != thread.lead_id:
            return None
    if thread is None:
        return None
    lead = leads.by_id(session, thread.lead_id, for_update=True)
    if lead is None:
        return None
    topic = threads.topic(mail.subject)
    if topic and topic != thread.topic:
        # A changed subject starts a new topic.
        thread = threads.of_lead(session, lead.id, mail.subject, mail.sent_at or thread.last_at)
    own = select(LeadEmail.id).where(LeadEmail.lead_id == lead.id, LeadEmail.address == sender)
    return Answered(lead, thread, session.scalar(own) is not None)


def file(
    session: Session, record: ArrivalRecord, lead: Lead, mail: ReadMail, words: str, html: str, number: int = 1
) -> Mail:
    """Files an incoming email with a lead's emails. An arrival is filed once; after that, its entry is only updated.

    `words` is what is new in it, `number` counts the leads that one email tells about.
    """
    at = record.received_at
    thread = threads.of_lead(session, lead.id, mail.subject, at)
    key = f"in:{record.id}" if number == 1 else f"in:{record.id}:{number}"
    filed = session.scalars(select(Mail).where(Mail.key == key)).first()
    if filed is None:
        filed = Mail(key=key, direction="in", purpose=MailPurpose.INBOUND, state=DeliveryState.RECEIVED, created_at=at)
        filed.attachments = [
            MailAttachment(position=position, name=one.name, kind=one.found_kind, size=len(one.content))
            for position, one in enumerate(mail.files, start=1)
        ]
        session.add(filed)
    filed.lead_id, filed.thread_id, filed.arrival_id = lead.id, thread.id, record.id
    filed.to_address = (mail.recipients[0] if mail.recipients else "")[:200]
    filed.from_address, filed.from_name = mail.sender.address[:320], mail.sender.name[:200]
    filed.subject, filed.body, filed.html = mail.subject[:200], words, html
    filed.message_id = mail.message_id[:250]
    session.flush()
    return filed
