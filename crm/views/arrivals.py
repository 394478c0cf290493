"""What came in other than by call or text, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.store.models import ArrivalRecord, LeadSource, Property


class ArrivalEntry(msgspec.Struct, frozen=True):
    """Something that came in."""

    id: int
    received_at: datetime
    channel: str
    """How it came, such as mail:imap, post or form:question."""
    source: str
    """Short name of the source it came from; empty: none that is set up."""
    outcome: str
    """lead, answer, notice, automatic, bounce, own, flagged, erased or unreadable; empty: it is not read yet."""
    lead: int | None
    """Whose it is."""
    parser: str
    """What read it, with its version, such as "plain 1"."""
    problem: str
    """Why it could not be read, or is flagged; empty: it was read."""
    file: str
    """Where an email or a large post is, as it came, within the folder `mails` of the home; empty: it is neither."""


class LeadSourceEntry(msgspec.Struct, frozen=True):
    """Somewhere leads come from."""

    slug: str
    name: str
    """As a lead's source shows it."""
    property: str
    """What people ask about unless they say otherwise; empty: nothing in particular."""
    address: str
    """Email sent to it is from there; empty: none."""
    last_at: datetime | None
    """When something last came from there; null: never."""
    old_until: datetime | None
    """Until then its path before the last rotation is accepted, too; null: it is not."""


def sources(session: Session, now: datetime) -> list[LeadSourceEntry]:
    """By short name."""
    last = (
        select(func.max(ArrivalRecord.received_at))
        .where(ArrivalRecord.source_id == LeadSource.id)
        .correlate(LeadSource)
        .scalar_subquery()
    )
    found = select(LeadSource, last, Property.slug).outerjoin(Property, Property.id == LeadSource.property_id)
    return [
        LeadSourceEntry(
            slug=one.slug,
            name=one.name,
            property=property or "",
            address=one.address,
            last_at=at,
            old_until=one.old_until if one.old_until and one.old_until > now else None,
        )
        for one, at, property in session.execute(found.order_by(LeadSource.slug))
    ]


def listed(session: Session, *, problems: bool, since: datetime | None, limit: int) -> list[ArrivalEntry]:
    """Newest first; `problems`: only what could not be read, or is flagged."""
    found = (
        select(ArrivalRecord, LeadSource.slug)
        .outerjoin(LeadSource, LeadSource.id == ArrivalRecord.source_id)
        .order_by(ArrivalRecord.received_at.desc(), ArrivalRecord.id.desc())
        .limit(limit)
    )
    if problems:
        found = found.where(ArrivalRecord.problem != "")
    if since is not None:
        found = found.where(ArrivalRecord.received_at >= since)
    return [_entry(one, source or "") for one, source in session.execute(found)]


def _entry(one: ArrivalRecord, source: str) -> ArrivalEntry:
    file = str(one.raw.get("file", ""))
    return ArrivalEntry(
        id=one.id,
        received_at=one.received_at,
        channel=one.channel,
        source=source,
        outcome=one.outcome,
        lead=one.lead_id,
        parser=f"{one.parser} {one.parser_version}",
        problem=one.problem,
        file=f"{file[:2]}/{file if '.' in file else f'{file}.eml'}" if file else "",
    )


def count_problems(session: Session, ids: Sequence[int]) -> int:
    """How many of these could not be read."""
    found = select(func.count()).where(ArrivalRecord.id.in_(ids), ArrivalRecord.problem != "")
    return session.scalar(found) or 0
