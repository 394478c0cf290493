"""Checks of email that comes in, and of what portals post."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.counting import one_or_many
from crm.services.arrivals import mailboxes, mails, posts
from crm.services.system.checks.finding import Finding, counted, ok, some, warn
from crm.store.models import ArrivalRecord, MailFolder

WAITING = timedelta(minutes=10)
"""What was not read after this long, no running app reads."""
COUNTED = mailboxes.COUNT_EVERY + timedelta(hours=1)
RECENT = timedelta(days=30)
"""What could not be read longer ago no longer matters."""


def incoming(session: Session, config: Config, now: datetime) -> list[Finding]:
    """What has come in: whether it was read, and whether every email of the mailbox, and its file, is here."""
    late = select(func.count()).where(ArrivalRecord.read_at.is_(None), ArrivalRecord.received_at < now - WAITING)
    amiss = select(func.count()).where(ArrivalRecord.problem != "", ArrivalRecord.received_at > now - RECENT)
    unread, problems = session.scalar(late) or 0, session.scalar(amiss) or 0
    return [
        counted(
            "arrivals",
            unread,
            one_or_many(
                unread,
                f"{unread} email or post has not been read for ten minutes.",
                f"{unread} emails and posts have not been read for ten minutes.",
            ),
            "arrivals_unread",
        ),
        counted("inquiries", problems, f"{problems} could not be read in 30 days.", "arrivals_amiss"),
        *_mailbox(session, config, now),
        *_files(session, config),
    ]


def _mailbox(session: Session, config: Config, now: datetime) -> Iterator[Finding]:
    inbox = config.mail.incoming
    if not inbox.server:
        yield ok("mailbox", "No mailbox is read: mail.in.server is empty.")
        return
    found = select(MailFolder).where(
        MailFolder.server == inbox.server, MailFolder.user == inbox.user, MailFolder.folder == inbox.folder
    )
    folder = session.scalars(found).first()
    if folder is None or folder.counted_at is None:
        yield warn("mailbox", f"The folder {inbox.folder} on {inbox.server} has never been read.", "mailbox_unread")
        return
    there, here = f"{folder.there:,}", f"{folder.here:,}"
    at = f"as of {folder.counted_at.astimezone(config.tz):%Y-%m-%d %H:%M}"
    if folder.there != folder.here:
        yield warn(
            "mailbox", f"Emails in the folder {inbox.folder}: {there}; stored here: {here}, {at}.", "mailbox_incomplete"
        )
    elif now - folder.counted_at > COUNTED:
        yield warn(
            "mailbox",
            f"Emails in the folder {inbox.folder}: {there}; stored here: {here}, but only {at}: not read since.",
            "mailbox_unread",
        )
    else:
        yield ok("mailbox", f"Emails in the folder {inbox.folder}: {there}; stored here: {here}, {at}.")


def _files(session: Session, config: Config) -> Iterator[Finding]:
    """Whether every email and every large post on record has its file. 100,000 take a second."""
    there = {path.name.removesuffix(".eml") for path in config.mails_folder.glob("*/*")}
    rows = session.execute(
        select(ArrivalRecord.id, ArrivalRecord.raw).where(
            or_(ArrivalRecord.channel.startswith(mails.CHANNEL), ArrivalRecord.channel == posts.CHANNEL),
            ArrivalRecord.node == config.node,
        )
    )
    count, lost = 0, []
    for id, raw in rows.yield_per(1000):
        if "file" not in raw:
            continue
        count += 1
        if raw["file"] not in there:
            lost.append(str(id))
    if lost:
        yield warn(
            "emails",
            one_or_many(
                len(lost),
                f"The file of {len(lost)} email is gone: arrival {some(lost)}.",
                f"The files of {len(lost)} emails are gone: arrivals {some(lost)}.",
            ),
            "mails_lost",
        )
    else:
        yield ok(
            "emails",
            one_or_many(
                count,
                f"{count} email has come in, and its file is here.",
                f"{count:,} emails have come in, and the file of each is here.",
            ),
        )
