"""Sends the mails that wait in the `mail` table: each at most once, and one whose fate nobody knows never again.

As with texts (`crm.services.outbox.texts`): a row goes from queued to sending in a transaction of its own, the server
is talked to outside of any, and then the row becomes sent, failed, unknown, or queued again for a later try. Without a
configured server mails wait and say so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Invalid, Unavailable
from crm.edge import calendar as calendar_file
from crm.edge.mail import MailError, MailUnknown, Server
from crm.secrets import SecretError, Secrets, unusable
from crm.services.audit import By, note
from crm.services.outbox import delivery
from crm.store.models import Mail
from crm.store.session import Store

SECRET = "mail"
"""Name of the mail server's password among the secrets."""
STALE = timedelta(days=2)
"""What could not be sent for so long is news no more."""

NO_SERVER = "No mail server is set: write mail.server and mail.from_address into leaseline.toml, then restart."
_TOO_OLD = " It could not be sent for two days, so it is not sent any more."
_LEFT_BEHIND = "Leaseline was stopped while this mail was being sent, so it may have arrived or not."
_UNEXPECTED = "Sending failed in an unexpected way (the log has the details), so it may have arrived or not."

logger = logging.getLogger(__name__)


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
"""The sound of the message with this id; nothing when it is gone."""


def listed(session: Session, *, state: str | None = None, limit: int = 100) -> list[Mail]:
    """Newest first."""
    found = select(Mail).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(limit)
    return list(session.scalars(found.where(Mail.state == state) if state else found).all())


def put_secret(session: Session, secrets: Secrets, by: By, value: str) -> None:
    """Keeps the password of the mail server; raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This password cannot be used: {problem}.")
    note(session, by, "password of the mail server set")
    secrets.put(SECRET, value)


def server_of(config: Config, secrets: Secrets) -> Callable[[], Server]:
    """The server that [mail] names, with the password as it is now."""

    def server() -> Server:
        mail = config.mail
        try:
            password = secrets.get(SECRET) if mail.user else ""
        except SecretError as error:
            raise MailError(
                "The mail server's password is missing: give it with `leaseline mail secret`.", retryable=True
            ) from error
        return Server(mail.server, mail.port, mail.security, mail.user, password)

    return server


async def run(
    store: Store,
    config: Config,
    sender: Sender,
    attach: Attach,
    wake: asyncio.Event,
    clock: Callable[[], datetime],
    held: Callable[[], bool] = lambda: False,
) -> None:
    """Sends mails until it is cancelled. What was being sent when it starts becomes unknown. `held` as in outbox."""
    settled, started = False, clock()
    while True:
        wake.clear()
        seconds = delivery.POLL_SECONDS
        try:
            if not settled:
                await store.run(_settle)
                settled = True
            if await store.read(_has_queued):
                await store.run(_give_up_old, clock())
                if not config.mail.server:
                    await store.run(_say_why)
            if config.mail.server:
                only_since = started if held() else None
                while claim := await store.run(_claim, clock(), only_since):
                    await delivery.through(_deliver(store, config, sender, attach, claim, clock))
                if only_since is None:
                    seconds = await store.read(delivery.pause, Mail, clock())
        except Unavailable as error:
            # Whether a claim was committed is not known now, so rows in sending are looked at once more.
            settled = False
            logger.warning("mails wait for the database", extra={"reason": str(error)})
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()


@dataclass(frozen=True)
class _Claim:
    """A row that is ours to send."""

    id: int
    key: str
    to_address: str
    subject: str
    body: str
    voicemail_id: str | None
    calendar: str
    attempts: int


def _settle(session: Session) -> None:
    session.execute(
        update(Mail)
        .where(Mail.state == DeliveryState.SENDING)
        .values(state=DeliveryState.UNKNOWN, next_attempt_at=None, error=_LEFT_BEHIND)
    )


def _has_queued(session: Session) -> bool:
    # Who only looks keeps nobody from writing.
    return session.scalar(select(Mail.id).where(Mail.state == DeliveryState.QUEUED).limit(1)) is not None


def _give_up_old(session: Session, now: datetime) -> None:
    session.execute(
        update(Mail)
        .where(Mail.state == DeliveryState.QUEUED, Mail.created_at < now - STALE)
        .values(state=DeliveryState.FAILED, next_attempt_at=None, error=func.substr(Mail.error, 1, 200) + _TOO_OLD)
    )


def _say_why(session: Session) -> None:
    session.execute(
        update(Mail).where(Mail.state == DeliveryState.QUEUED, Mail.error != NO_SERVER).values(error=NO_SERVER)
    )


def _claim(session: Session, now: datetime, only_since: datetime | None = None) -> _Claim | None:
    """Takes the row that is due longest. Two workers never get the same one: only one of them finds it queued."""
    due = (
        select(Mail.id)
        .where(Mail.state == DeliveryState.QUEUED, or_(Mail.next_attempt_at.is_(None), Mail.next_attempt_at <= now))
        .where(*([delivery.fresh_notice(Mail, only_since)] if only_since else []))
        .order_by(Mail.next_attempt_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        update(Mail)
        .where(Mail.id == due, Mail.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.SENDING, attempts=Mail.attempts + 1)
        .returning(
            Mail.id,
            Mail.key,
            Mail.to_address,
            Mail.subject,
            Mail.body,
            Mail.voicemail_id,
            Mail.calendar,
            Mail.attempts,
        )
        .execution_options(synchronize_session=False)
    )
    row = session.execute(claim).one_or_none()
    return _Claim(**row._mapping) if row else None


async def _deliver(
    store: Store, config: Config, sender: Sender, attach: Attach, claim: _Claim, clock: Callable[[], datetime]
) -> None:
    error = await _send(config, sender, attach, claim, clock())
    now = clock()
    await delivery.recorded(lambda: store.run(_record, config, claim, error, now), {"mail_id": claim.id})


async def _send(config: Config, sender: Sender, attach: Attach, claim: _Claim, now: datetime) -> MailError | None:
    """None when the server has it, or why not."""
    try:
        attachments = await attach(claim.voicemail_id) if claim.voicemail_id else []
        mail = compose(config, claim.key, claim.to_address, claim.subject, claim.body, attachments, now, claim.calendar)
        await sender.send(mail, config.mail.from_address, claim.to_address)
    except MailError as error:
        return error
    except Exception:
        # A door: one mail's fault must neither stop the worker nor send it twice.
        logger.exception("a mail failed unexpectedly", extra={"mail_id": claim.id})
        return MailUnknown(_UNEXPECTED)
    return None


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
    # The same on every try, so that a mailbox which got it twice can tell.
    mail["Message-ID"] = f"<{key.replace(':', '.')}@{config.mail.from_address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    if calendar:
        # Twice: mail programs that know calendars take it out of the alternatives, others show the file.
        method = calendar_file.method_of(calendar)
        mail.add_alternative(calendar, subtype="calendar", params={"method": method})
        attachments = [*attachments, Attachment("tour.ics", calendar_file.MIME, calendar.encode())]
    for one in attachments:
        kind, _, subtype = one.kind.partition("/")
        mail.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
    return mail


def _record(session: Session, config: Config, claim: _Claim, error: MailError | None, now: datetime) -> None:
    values: dict[str, object] = {"state": DeliveryState.SENT, "next_attempt_at": None, "error": "", "sent_at": now}
    if error is not None:
        values = delivery.after_failure(error, config.mail, claim.attempts, now)
    session.execute(
        update(Mail)
        # Unknown, when another worker started meanwhile and took us for dead: we know better.
        .where(
            Mail.id == claim.id,
            Mail.attempts == claim.attempts,
            Mail.state.in_([DeliveryState.SENDING, DeliveryState.UNKNOWN]),
        )
        .values(**values)
    )
    level = logging.INFO if error is None else logging.WARNING
    logger.log(
        level, "mail handled", extra={"mail_id": claim.id, "state": str(values["state"]), "reason": values["error"]}
    )
