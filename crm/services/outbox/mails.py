"""How emails are sent: composed, with recordings and calendar entries attached, and over SMTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Invalid
from crm.edge import calendar as calendar_file
from crm.edge.mail import MailError, Server
from crm.secrets import SecretError, Secrets, unusable
from crm.services import audit
from crm.services.audit import By
from crm.services.outbox.delivery import Transport
from crm.store.models import Call, Mail
from crm.store.queries import nodes

SECRET = "mail"
"""Name of the mail server's password among the secrets."""
STALE = timedelta(days=2)
"""An email that could not be sent for this long is given up."""

NO_SERVER = "No mail server is set: write mail.server and mail.from_address into leaseline.toml, then restart."
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
    voicemail_id: str | None
    calendar: str


class MailTransport(Transport[Mail, MailToSend]):
    """Sends one at a time, over one connection. Without a server, emails wait, say so, and are given up after STALE."""

    what = "mail"
    advice = "ask the recipient."
    table = Mail
    to = "to_address"

    def __init__(self, config: Config, sender: Sender, attach: Attach) -> None:
        self._config, self._sender, self._attach = config, sender, attach
        self.retries = config.mail

    def is_ready(self) -> bool:
        return bool(self._config.mail.server)

    def look(self, session: Session, now: datetime) -> None:
        waiting = update(Mail).where(Mail.state == DeliveryState.QUEUED)
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

    def claim(self, session: Session, row: Mail, now: datetime) -> MailToSend:
        return MailToSend(row.key, row.to_address, row.subject, row.body, row.voicemail_id, row.calendar)

    def of_use_until(self, row: Mail) -> datetime:
        return row.created_at + STALE

    async def send(self, out: MailToSend, now: datetime) -> str:
        attachments = await self._attach(out.voicemail_id) if out.voicemail_id else []
        mail = compose(self._config, out.key, out.to_address, out.subject, out.body, attachments, now, out.calendar)
        await self._sender.send(mail, self._config.mail.from_address, out.to_address)
        return ""


def compose(
    config: Config,
    key: str,
    to_address: str,
    subject: str,
    body: str,
    attachments: list[Attachment],
    now: datetime,
    calendar: str = "",
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = config.mail.from_address, to_address, subject
    mail["Date"] = format_datetime(now)
    # The same for every attempt, so that a mailbox that gets it twice can tell.
    mail["Message-ID"] = f"<{key.replace(':', '.')}@{config.mail.from_address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    if calendar:
        # Attached twice: mail programs that support calendars use the alternative, others show the file.
        method = calendar_file.method_of(calendar)
        mail.add_alternative(calendar, subtype="calendar", params={"method": method})
        attachments = [*attachments, Attachment("tour.ics", calendar_file.MIME, calendar.encode())]
    for one in attachments:
        kind, _, subtype = one.kind.partition("/")
        mail.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
    return mail
