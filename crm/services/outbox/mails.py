"""How emails are sent: composed, with recordings and calendar entries attached, and over SMTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Protocol

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Invalid
from crm.domain.leads import Happened
from crm.domain.mails import MailPurpose
from crm.domain.notices import NoticeKind
from crm.edge import calendar as calendar_file
from crm.edge.delivery import DeliveryError
from crm.edge.mail import MailError, Server
from crm.secrets import SecretError, Secrets, unusable
from crm.services import audit
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import news_links, notices, outgoing, threads
from crm.services.outbox.delivery import Transport
from crm.services.people import timeline
from crm.store.models import Agent, Call, Lead, Mail, MailThread
from crm.store.queries import nodes, opt_outs

SECRET = "mail"
"""Name of the mail server's password among the secrets."""
STALE = timedelta(days=2)
"""An email that could not be sent for this long is given up."""

NO_SERVER = "No mail server is set: set mail.server and mail.from_address, then reload the settings."
_TOO_OLD = " It could not be sent for two days, so it was given up."


@dataclass(frozen=True)
class Attachment:
    name: str
    kind: str
    """MIME type, such as audio/mpeg."""
    content: bytes


class Sender(Protocol):
    async def send(self, mail: EmailMessage, sender: str, recipient: str) -> None:
        """Raises MailError, MailUnknown."""


Attach = Callable[[str], Awaitable[list[Attachment]]]
"""Gives the recording of the voicemail with this id; no attachment if it has been deleted."""


def put_secret(session: Session, secrets: Secrets, by: By, value: str) -> None:
    """Stores the mail server's password. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This password cannot be used: {problem}.", code="mail_password_unusable")
    audit.record(session, by, "password of the mail server set")
    secrets.put(SECRET, value)


def server_of(config: Config, secrets: Secrets) -> Callable[[], Server]:
    """The server in [mail], with the current password."""

    def server() -> Server:
        mail = config.mail
        try:
            password = secrets.get(SECRET) if mail.user else ""
        except SecretError as error:
            raise MailError("The mail server's password is missing: set it again.", retryable=True) from error
        return Server(mail.server, mail.port, mail.security, mail.user, password)

    return server


@dataclass(frozen=True)
class MailToSend:
    """An email, as of when it was claimed."""

    key: str
    to_address: str
    subject: str
    body: str
    voicemail_id: str | None = None
    calendar: str = ""
    sheet: str = ""
    purpose: MailPurpose = MailPurpose.NOTICE
    html: str = ""
    from_name: str = ""
    message_id: str = ""
    """Without angle brackets; empty: made of the key."""
    token: str = ""
    """Of the thread that answers belong to; empty: there is none."""
    references: tuple[str, ...] = ()
    """Message-IDs of the emails before it in its thread, the oldest first."""
    unsubscribe_url: str = ""
    """Of news: where they unsubscribe; empty: there is no public site."""


class MailTransport(Transport[Mail, MailToSend]):
    """Sends one at a time, over one connection. Without a server, emails wait, say so, and are given up after STALE."""

    what = "mail"
    advice = "ask the recipient."
    table = Mail
    to = "to_address"

    def __init__(self, config: Config, secrets: Secrets, sender: Sender, attach: Attach) -> None:
        self._config, self._secrets, self._sender, self._attach = config, secrets, sender, attach
        self.retries = config.mail

    def is_ready(self) -> bool:
        return bool(self._config.mail.server)

    def look(self, session: Session, now: datetime) -> None:
        waiting = update(Mail).where(Mail.state == DeliveryState.QUEUED)
        old = (Mail.state == DeliveryState.QUEUED, Mail.created_at < now - STALE)
        for row in session.scalars(select(Mail).where(*old, Mail.purpose == MailPurpose.PERSONAL)):
            not_delivered(session, self._config, row, "It could not be sent for two days.", now)
        too_old = func.substr(Mail.error, 1, 200) + _TOO_OLD
        session.execute(
            waiting.where(Mail.created_at < now - STALE).values(
                state=DeliveryState.FAILED, next_attempt_at=None, error=too_old
            )
        )
        if not self.is_ready():
            session.execute(waiting.where(Mail.error != NO_SERVER).values(error=NO_SERVER))

    def look_due(self, session: Session, now: datetime) -> datetime | None:
        waiting = select(func.min(Mail.created_at)).where(Mail.state == DeliveryState.QUEUED)
        if not self.is_ready() and session.scalar(waiting.where(Mail.error != NO_SERVER)):
            return now
        oldest = session.scalar(waiting)
        return oldest + STALE + timedelta(microseconds=1) if oldest else None

    def is_for_us(self, now: datetime) -> ColumnElement[bool]:
        # The recording of a voicemail is attached, and is on the node where the voicemail was left.
        here = exists().where(Call.id == Mail.voicemail_id, nodes.is_for_us(Call.node, self._config.node, now))
        return Mail.voicemail_id.is_(None) | here

    def claim(self, session: Session, row: Mail, now: datetime) -> MailToSend | None:
        link = ""
        if row.purpose == MailPurpose.NEWS:
            if opt_outs.of_address(session, row.to_address):
                row.state, row.next_attempt_at, row.error = DeliveryState.BLOCKED, None, "They have unsubscribed since."
                return None
            lead = session.get(Lead, row.lead_id or 0)
            link = news_links.url(self._config, self._secrets, row.key, lead.language if lead else "")
        thread = session.get(MailThread, row.thread_id) if row.thread_id is not None else None
        before = threads.references(session, thread.id) if thread else []
        return MailToSend(
            key=row.key,
            to_address=row.to_address,
            subject=row.subject,
            body=row.body,
            voicemail_id=row.voicemail_id,
            calendar=row.calendar,
            sheet=row.sheet,
            purpose=MailPurpose(row.purpose),
            html=row.html,
            from_name=row.from_name,
            message_id=row.message_id,
            token=thread.token if thread else "",
            references=tuple(one for one in before if one != row.message_id),
            unsubscribe_url=link,
        )

    def of_use_until(self, row: Mail) -> datetime:
        return row.created_at + STALE

    async def send(self, out: MailToSend, now: datetime) -> str:
        attachments = await self._attach(out.voicemail_id) if out.voicemail_id else []
        mail = compose(self._config, out, attachments, now)
        await self._sender.send(mail, self._config.mail.from_address, out.to_address)
        return ""

    def refused(self, session: Session, row: Mail, error: DeliveryError, now: datetime) -> None:
        if row.lead_id is not None and row.purpose == MailPurpose.PERSONAL and row.state == DeliveryState.FAILED:
            not_delivered(session, self._config, row, row.error, now)


def not_delivered(session: Session, config: Config, mail: Mail, why: str, now: datetime) -> None:
    """Shows in the lead's timeline that an email did not arrive, and tells whoever wrote it."""
    assert mail.lead_id is not None
    lead = session.get_one(Lead, mail.lead_id)
    told = f"The email to {mail.to_address} ({mail.subject}) did not arrive. {why}"
    timeline.enter(session, lead.id, Happened.EMAIL, told, now, key=f"mail:{mail.id}:failed")
    writer = session.get(Agent, mail.agent_id or lead.assigned_agent_id or 0)
    agents = [writer] if writer else owners.people(owners.owner(session, lead, None))
    subject = f"An email to {lead.name or 'a lead'} did not arrive"
    key = f"mail:{mail.id}:failed"
    notices.tell(
        session, config, agents, key, subject, f"Lead {lead.id}: {told}", now, kind=NoticeKind.LEAD, lead_id=lead.id
    )


def compose(config: Config, out: MailToSend, attachments: list[Attachment], now: datetime) -> EmailMessage:
    """The email as it goes over the wire. Nothing in it can become a header of its own: the library refuses line breaks
    in headers, and there are none in what is queued."""
    mail, sender = EmailMessage(), config.mail.from_address
    mail["From"] = formataddr((_plain(out.from_name), sender)) if out.from_name else sender
    mail["To"], mail["Subject"] = out.to_address, _plain(out.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{out.message_id or outgoing.message_id(out.key, sender)}>"
    if out.token and (reply_to := threads.reply_to(config, out.token)):
        mail["Reply-To"] = reply_to
    if out.references:
        mail["In-Reply-To"] = f"<{out.references[-1]}>"
        mail["References"] = " ".join(f"<{one}>" for one in out.references)
    if out.purpose is MailPurpose.NOTICE:
        mail["Auto-Submitted"] = "auto-generated"
    if out.purpose is MailPurpose.NEWS:
        reply_to = threads.reply_to(config, out.token) if out.token else ""
        ways = [out.unsubscribe_url, f"mailto:{reply_to}?subject=unsubscribe" if reply_to else ""]
        # RFC 2369. One click (RFC 8058) needs HTTPS, and a DKIM signature of both headers, which the mail server makes.
        if ways := [f"<{way}>" for way in ways if way]:
            mail["List-Unsubscribe"] = ", ".join(ways)
        if out.unsubscribe_url.startswith("https:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(out.body)
    if out.html:
        mail.add_alternative(out.html, subtype="html")
    if out.calendar:
        # Attached twice: mail programs that support calendars use the alternative, others show the file.
        method = calendar_file.method_of(out.calendar)
        mail.add_alternative(out.calendar, subtype="calendar", params={"method": method})
        attachments = [*attachments, Attachment("tour.ics", calendar_file.MIME, out.calendar.encode())]
    if out.sheet:
        # The mark at the beginning tells spreadsheets that the file is UTF-8.
        attachments = [*attachments, Attachment("report.csv", "text/csv", out.sheet.encode("utf-8-sig"))]
    for one in attachments:
        kind, _, subtype = one.kind.partition("/")
        # Without it, a mail program may read the entry's é as something else.
        params = {"charset": "utf-8"} if kind == "text" else {}
        mail.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name, params=params)
    return mail


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)
