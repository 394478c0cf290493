"""Emails that the office writes to leads."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened, LeadEvent
from crm.domain.mails import LONGEST_BODY, MailPurpose, filled
from crm.domain.tasks import TaskKind
from crm.edge import mail_html
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents
from crm.services.outbox import mail_wording, news_links, outgoing, threads
from crm.services.outbox.outgoing import NewMail
from crm.services.people import inbox, intake, standing, timeline
from crm.store.models import Agent, Lead, LeadEmail, Mail, MailThread, Property
from crm.store.queries import office, tasks
from crm.store.queries import opt_outs as ledger


@dataclass(frozen=True)
class MailDraft:
    """An email to send. Empty texts are taken from the template; an empty subject, also from the thread it answers."""

    subject: str = ""
    text: str = ""
    template: str = ""
    """Name of a template in [mail.templates]; its placeholders are filled in, {text} with `text`."""
    is_news: bool = False
    """It is an offer or news rather than an answer: people can unsubscribe from it, and may have done so."""


def send(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    person: str,
    draft: MailDraft,
    *,
    agent: str | None = None,
    key: str = "",
) -> Mail:
    """Queues an email to a lead (id, phone number or email address) and completes the task to answer them. `agent` is
    the writer's slug. The same `key`, if any, sends once.

    Raises NotFound, Invalid, Conflict.
    """
    if not config.mail.from_address:
        raise Invalid("Emails have no sender: write mail.from_address into leaseline.toml.", code="mail_sender_missing")
    writer = agents.named(session, agent) if agent else None
    lead = intake.lead_of(session, config, person, by.now)
    key = f"agent:{key or uuid.uuid4().hex}"
    if (sent := session.scalar(select(Mail).where(Mail.key == key))) is not None:
        return sent
    to = _address(session, lead, is_news=draft.is_news)
    subject, text = _words(session, config, lead, writer, draft)
    language = lead.language or "en"
    name = _office(session)
    footer = _footer(session, config, secrets, key, language) if draft.is_news else ""
    signature = "\n".join(filter(None, (writer.name if writer else "", name)))
    body = "\n\n".join(filter(None, (text, f"-- \n{signature}", footer)))
    new = NewMail(
        key=key,
        to_address=to,
        subject=subject,
        body=body,
        html=mail_html.page(text, language, signature=signature, footer=footer),
        lead_id=lead.id,
        purpose=MailPurpose.NEWS if draft.is_news else MailPurpose.PERSONAL,
        from_name=f"{writer.name}, {name}" if writer else name,
        agent_id=writer.id if writer else None,
    )
    mail = outgoing.queue(session, config, new, by.now)
    told = f"Emailed {to} ({subject}): {text}"
    timeline.enter(session, lead.id, Happened.EMAIL, told, by.now, key=f"mail:{mail.id}", by=by.who, is_new=True)
    audit.record(session, by, f"email {mail.id} written to lead {lead.id}")
    if not draft.is_news:
        for task in tasks.open_of(session, lead.id, (TaskKind.INQUIRY,)):
            task.done_at, task.result = by.now, f"Answered with email {mail.id}."
        inbox.answered(session, by.now, text, lead_id=lead.id)
        standing.happened(lead, LeadEvent.REACHED_OUT, by.now)
        if writer and lead.assigned_agent_id is None:
            lead.assigned_agent_id = writer.id
    return mail


def _address(session: Session, lead: Lead, *, is_news: bool) -> str:
    """Where mail to a lead goes: their own address, or else the portal relay they wrote through."""
    known = session.scalars(select(LeadEmail).where(LeadEmail.lead_id == lead.id).order_by(LeadEmail.id)).all()
    own = [one for one in known if not one.is_relay]
    chosen = next((one for one in own if one.address == lead.email.lower()), None) or next(iter(own), None)
    if is_news:
        if chosen is None:
            raise Invalid(f"Lead {lead.id} has no email address of their own.", code="lead_without_address")
        refused = [*ledger.of_address(session, chosen.address), *ledger.of_address(session, lead.email)]
        if refused:
            raise Conflict(
                f"Lead {lead.id} has unsubscribed from news on {refused[0].created_at:%Y-%m-%d}.",
                code="lead_unsubscribed",
            )
    if lead.email:
        return lead.email
    if chosen is None:
        chosen = next((one for one in reversed(known) if one.is_relay), None)
    if chosen is None:
        raise Invalid(f"Lead {lead.id} has no email address.", code="lead_without_address")
    return chosen.address


def _words(session: Session, config: Config, lead: Lead, writer: Agent | None, draft: MailDraft) -> tuple[str, str]:
    """Subject and words."""
    subject, text = draft.subject.strip(), draft.text.strip()
    if draft.template:
        template = config.mail.templates.get(draft.template)
        if template is None:
            raise NotFound(f"There is no template {draft.template[:40]}.", code="mail_template_unknown")
        values = _values(session, lead, writer, text)
        subject = subject or filled(template.subject, values)
        text = filled(template.text, values).strip()
    if not subject:
        subject = _answering(threads.latest(session, lead.id))
    subject = fields.text(subject, "subject", 200, required=True)
    if not text:
        raise Invalid("The email is empty: write one.", code="mail_empty")
    if len(text) > LONGEST_BODY:
        raise Invalid(
            f"The email has {len(text):,} characters: at most {LONGEST_BODY:,} are sent.", code="mail_too_long"
        )
    if any(not (one.isprintable() or one in "\n\t") for one in text.replace("\r\n", "\n")):
        raise Invalid("The email has control characters: write it without them.", code="mail_unprintable")
    return subject, text.replace("\r\n", "\n")


def _answering(thread: MailThread | None) -> str:
    if thread is None:
        raise Invalid("The email has no subject: write one.", code="mail_subject_missing")
    subject = thread.subject or "your question"
    return subject if re.match(r"re:", subject, re.IGNORECASE) else f"Re: {subject}"


def _values(session: Session, lead: Lead, writer: Agent | None, text: str) -> dict[str, str]:
    latest = max(lead.interests, key=lambda one: one.updated_at, default=None)
    property = session.get(Property, latest.property_id) if latest else None
    return {
        "name": lead.name or "",
        "first_name": (lead.name or "").split(" ")[0],
        "property": property.name if property else _office(session),
        "agent": writer.name if writer else _office(session),
        "office": _office(session),
        "text": text,
    }


def _office(session: Session) -> str:
    organization = office.organization(session)
    return organization.name if organization else ""


def _footer(session: Session, config: Config, secrets: Secrets, key: str, language: str) -> str:
    link = news_links.url(config, secrets, key, language)
    if not config.mail.postal_address or not (link or config.mail.incoming.address):
        raise Invalid(
            "News needs mail.postal_address, and site.public_url or mail.in.address, by which people unsubscribe.",
            code="mail_news_unset",
        )
    return mail_wording.unsubscribe(session, config.mail.postal_address, language, link).text
