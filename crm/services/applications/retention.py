"""Deletes unfinished applications with their documents, and network addresses of signatures. Leads stay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.applications import UNFINISHED
from crm.domain.counting import counted
from crm.edge import documents
from crm.services import audit
from crm.services.applications import events
from crm.services.audit import By
from crm.store.models import Application, ApplicationDocument
from crm.store.queries import nodes

EVERY_SECONDS = 86400.0
BATCH = 100
"""Applications per transaction, so that other writers get their turn."""
STRAY_DAYS = 7
"""A file without a record is deleted after this time: its application or lead has been deleted."""

_log = logging.getLogger(__name__)


async def look(crm: Crm) -> int:
    """Deletes applications that are due; returns how many."""
    by, folder, gone = By("retention", crm.now()), crm.config.documents_folder, 0
    while found := await crm.store.run(_delete_next, crm.config, by):
        gone += len(found)
        for name in (name for names in found for name in names):
            await asyncio.to_thread(documents.delete, folder, name)
    strays = await _delete_strays(crm, by.now)
    while crm.config.site.keep_addresses_days and await crm.store.run(_forget_addresses, crm.config, by):
        pass
    if gone or strays:
        _log.info("unfinished applications", extra={"deleted": gone, "stray_files": strays})
    return gone


def _delete_next(session: Session, config: Config, by: By) -> list[list[str]]:
    """Deletes the next batch; returns each one's files."""
    old = by.now - timedelta(days=config.applications.keep_unfinished_days)
    due = (
        select(Application)
        .where(
            Application.status.in_(UNFINISHED),
            Application.saved_at < old,
            nodes.is_for_us(Application.node, config.node, by.now),
        )
        .order_by(Application.saved_at, Application.id)
        .limit(BATCH)
        .with_for_update(of=Application, skip_locked=True)
    )
    found = []
    for application in session.scalars(due).all():
        names = select(ApplicationDocument.file).where(ApplicationDocument.application_id == application.id)
        found.append(list(session.scalars(names)))
        days = config.applications.keep_unfinished_days
        told = f"The application for {events.home_of(application)} was not finished, and deleted after {days} days."
        events.tell(session, application, told, by.now, key="deleted")
        audit.record(
            session, by, f"application {application.id}, unfinished since {application.saved_at:%Y-%m-%d}, deleted"
        )
        lead_id = application.lead_id
        session.execute(delete(Application).where(Application.id == application.id))
        events.close_tasks(session, lead_id, "The application was not finished, and deleted.", by.now)
    return found


def _forget_addresses(session: Session, config: Config, by: By) -> int:
    """Deletes the network addresses that applications were signed from, as soon as those of forms; returns how many."""
    old = Application.saved_at < by.now - timedelta(days=config.site.keep_addresses_days)
    due = select(Application.id).where(Application.signed_from != "", old).order_by(Application.saved_at)
    ids = session.scalars(due.limit(BATCH)).all()
    if ids:
        session.execute(update(Application).where(Application.id.in_(ids)).values(signed_from=""))
        audit.record(session, by, f"network addresses of {counted(len(ids), 'application')} deleted by retention")
    return len(ids)


async def _delete_strays(crm: Crm, now: datetime) -> int:
    folder = crm.config.documents_folder
    old = (now - timedelta(days=STRAY_DAYS)).timestamp()
    names = await asyncio.to_thread(lambda: list(documents.older_than(folder, old)))
    strays = 0
    for first in range(0, len(names), 500):
        some = names[first : first + 500]
        known = await crm.store.read(_known, some)
        for name in set(some) - known:
            await asyncio.to_thread(documents.delete, folder, name)
            strays += 1
    return strays


def _known(session: Session, names: Sequence[str]) -> set[str]:
    return set(session.scalars(select(ApplicationDocument.file).where(ApplicationDocument.file.in_(names))))
