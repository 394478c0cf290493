"""News by email, and opting out of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.leads import Happened
from crm.domain.mails import MailPurpose
from crm.services.people import opt_outs, timeline
from crm.store.models import Lead, LeadEmail, Mail
from crm.store.queries import opt_outs as ledger

SAID = "Wants no more news by email."


def refuse(session: Session, lead: Lead, address: str, *, key: str, source: str, evidence: str, now: datetime) -> None:
    """Stops news to this address of the lead, or to all of the lead's addresses if it is not one of them. `key` names
    what the wish came with; the ledger keeps `source` and `evidence`."""
    theirs = session.scalars(select(LeadEmail.address).where(LeadEmail.lead_id == lead.id)).all()
    for one in [one for one in theirs if one == address.lower()] or [*theirs, address]:
        opt_outs.no_news(session, one, source=source, evidence=evidence, now=now)
    timeline.enter(session, lead.id, Happened.OPT_OUT, SAID, now, key=f"{key}:unsubscribed")


def is_refused(session: Session, key: str) -> bool:
    """Whether the recipient of the email with this key gets no more news; also if the email is gone, since then the
    person was erased."""
    address = session.scalar(select(Mail.to_address).where(Mail.key == key))
    return address is None or bool(ledger.of_address(session, address))


def unsubscribe(session: Session, key: str, now: datetime, *, how: str) -> None:
    """Carries out the link in the email with this key. Idempotent. `how` is for the ledger."""
    mail = session.scalars(select(Mail).where(Mail.key == key, Mail.purpose == MailPurpose.NEWS)).first()
    if mail is None or ledger.of_address(session, mail.to_address):
        return
    evidence = f"{how}, email {mail.id} of {mail.created_at:%Y-%m-%d} ({mail.subject})"
    lead = session.get(Lead, mail.lead_id or 0)
    if lead is None:
        opt_outs.no_news(session, mail.to_address, source="link", evidence=evidence, now=now)
    else:
        refuse(session, lead, mail.to_address, key=f"mail:{mail.id}", source="link", evidence=evidence, now=now)
