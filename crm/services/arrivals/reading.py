"""The worker that reads what has been stored: emails, and what portals have posted.

An arrival that cannot be read is tried again and then set aside with the reason, and the next one follows. `again`
rereads those that failed or were read by an older parser.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import CrmError, Unavailable
from crm.edge.mime import ReadMail
from crm.services.arrivals import mails, posts
from crm.services.arrivals.portals import metadata, mits, plain
from crm.services.arrivals.portals import posts as forms
from crm.services.arrivals.posts import ReadPost
from crm.store.models import ArrivalRecord
from crm.worker import Worker

MOST_TRIES = 3
VERSIONS = {
    mails.PARSER.name: mails.PARSER.version,
    metadata.NAME: metadata.VERSION,
    mits.NAME: mits.VERSION,
    plain.NAME: plain.VERSION,
    forms.NAME: forms.VERSION,
    mails.ANSWER_PARSER.name: mails.ANSWER_PARSER.version,
}
"""Of the parsers as they are now."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArrivalClaim:
    id: int
    channel: str
    raw: dict[str, Any]
    is_last_try: bool


class ArrivalReader(Worker[ArrivalClaim, str]):
    """Reads arrivals in the order in which they came."""

    name = "incoming emails and posts"
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
            ArrivalRecord.node.in_(("", self._crm.config.node)),
            ArrivalRecord.id.not_in([claim.id for claim in under_way]),
        )
        return unread.order_by(ArrivalRecord.id).limit(1)


def begin(session: Session, id: int) -> ArrivalClaim | None:
    """Counts a try; None: it has been read."""
    record = session.get(ArrivalRecord, id, with_for_update=True)
    if record is None or record.read_at is not None:
        return None
    record.tries += 1
    return ArrivalClaim(id, record.channel, record.raw, record.tries >= MOST_TRIES)


async def read(crm: Crm, claim: ArrivalClaim) -> str:
    """Reads an arrival and does what it asks for; returns the reason if that was not possible. Raises Unavailable."""
    found: ReadMail | ReadPost
    try:
        if claim.channel.startswith(mails.CHANNEL):
            found = await asyncio.to_thread(mails.opened, crm.config, str(claim.raw.get("file", "")))
        else:
            found = await asyncio.to_thread(posts.opened, crm.config, claim.raw)
        await crm.store.run(_receive, crm, claim.id, found, crm.now())
    except Unavailable:
        raise
    except FileNotFoundError:
        return "Its file is gone from the folder of emails and posts."
    except OSError as error:
        return f"Its file cannot be read ({error.strerror})."
    except CrmError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a door: one bad email must not hold up the rest
        # The error may quote the arrival's content, so only its type is logged.
        _log.error("an arrival could not be read", extra={"arrival": claim.id, "error": type(error).__name__})
        return f"Reading it failed in an unexpected way ({type(error).__name__})."
    return ""


SLICE = 100
"""Arrivals marked to be read again per transaction."""


def again(session: Session, after: int) -> list[int]:
    """Marks the next arrivals to be read: those that were not, or not successfully, or by an older version of a parser.
    Returns their ids; no ids: there are no more. `after` is the last id of the slice before, 0 for the first.

    Arrivals of a deleted lead are left alone: that person may have been erased, and of an erased one nothing is left.
    """
    older = [and_(ArrivalRecord.parser == name, ArrivalRecord.parser_version < now) for name, now in VERSIONS.items()]
    is_readable = or_(ArrivalRecord.channel == posts.CHANNEL, ArrivalRecord.channel.startswith(mails.CHANNEL))
    is_deleted = and_(ArrivalRecord.outcome == ArrivalOutcome.LEAD, ArrivalRecord.lead_id.is_(None))
    found = (
        select(ArrivalRecord)
        .where(ArrivalRecord.id > after, is_readable, ~is_deleted)
        .where(or_(ArrivalRecord.read_at.is_(None), ArrivalRecord.problem != "", *older))
        .where(ArrivalRecord.outcome.not_in((ArrivalOutcome.FLAGGED, ArrivalOutcome.ERASED)))
        .order_by(ArrivalRecord.id)
        .limit(SLICE)
    )
    records = session.scalars(found).all()
    for one in records:
        one.read_at, one.tries = None, 0
    return [one.id for one in records]


def set_aside(session: Session, claim: ArrivalClaim, problem: str, now: datetime) -> None:
    """Records why an arrival could not be read, if it could not."""
    if not problem:
        return
    record = session.get(ArrivalRecord, claim.id, with_for_update=True)
    if record is None or record.read_at is not None:
        return
    record.problem = problem[:300]
    if claim.is_last_try:
        record.read_at, record.outcome = now, ArrivalOutcome.UNREADABLE


def _receive(session: Session, crm: Crm, id: int, found: ReadMail | ReadPost, now: datetime) -> None:
    record = session.get(ArrivalRecord, id, with_for_update=True)
    if record is None or record.read_at is not None:
        return  # Another process was faster.
    record.problem = ""
    if isinstance(found, ReadMail):
        outcome = mails.receive(session, crm.config, record, found, now)
    else:
        outcome = posts.receive(session, crm.config, record, found, now)
    record.read_at, record.outcome = now, outcome
    _log.info("arrival read", extra={"arrival": id, "outcome": str(outcome), "parser": record.parser})
