"""Applications for a home: as the office lists and reads them, and as the applicant's own page shows one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.store.models import Application, ApplicationDocument, Lead, Listing, Property, Unit
from crm.store.queries import reach as reached
from crm.store.queries.names import id_of


class ApplicationEntry(msgspec.Struct, kw_only=True):
    """An application, without its answers."""

    id: int
    lead: int
    name: str | None
    """The lead's."""
    property: str
    """Slug."""
    unit: str | None
    """Null: no home in particular."""
    status: str
    """invited, started, submitted, in_review, approved, denied or withdrawn."""
    status_at: datetime
    reason: str
    """Of the status; empty: none was given."""
    began_at: datetime
    saved_at: datetime
    """When the applicant saved something last, or was invited."""
    submitted_at: datetime | None
    documents: int


class DocumentEntry(msgspec.Struct):
    """A file that the applicant sent."""

    id: int
    kind: str
    name: str
    """As their machine called it."""
    media_type: str
    bytes: int
    uploaded_at: datetime


class ApplicationDetail(ApplicationEntry, kw_only=True):
    """An application with everything in it."""

    email: str
    language: str
    answers: dict[str, Any]
    """By step, as they were typed."""
    fee: str
    """The application fee as it was stated; empty: none was."""
    signature: str
    wording: str
    """What they signed."""
    wording_version: str
    files: list[DocumentEntry]


class ApplicationPage(msgspec.Struct, kw_only=True):
    """What the applicant's own page needs."""

    id: int
    status: str
    email: str
    answers: dict[str, Any]
    fee: str
    is_confirmed: bool
    property: str
    """Slug."""
    name: str
    """Of the home: the property's, and the unit's."""
    listing: int | None


_DOCUMENTS = (
    select(func.count(ApplicationDocument.id))
    .where(ApplicationDocument.application_id == Application.id)
    .correlate(Application)
    .scalar_subquery()
)
_ROW = (
    select(
        Application.id,
        Application.lead_id.label("lead"),
        Lead.name,
        Property.slug.label("property"),
        Unit.name.label("unit"),
        Application.status,
        Application.status_at,
        Application.reason,
        Application.began_at,
        Application.saved_at,
        Application.submitted_at,
        _DOCUMENTS.label("documents"),
    )
    .join(Lead, Lead.id == Application.lead_id)
    .join(Property, Property.id == Application.property_id)
    .outerjoin(Unit, Unit.id == Application.unit_id)
)


def listed(
    session: Session,
    *,
    status: str | None = None,
    property_slug: str | None = None,
    lead_id: int | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[ApplicationEntry]:
    """Those that something happened with last come first."""
    found: Select[*tuple[Any, ...]] = _ROW.where(*reached.of_properties(reach))
    found = found.order_by(Application.saved_at.desc(), Application.id.desc()).limit(limit)
    if status is not None:
        found = found.where(Application.status == status)
    if property_slug is not None:
        found = found.where(Application.property_id == id_of(Property.slug, property_slug))
    if lead_id is not None:
        found = found.where(Application.lead_id == lead_id)
    return [ApplicationEntry(**row._mapping) for row in session.execute(found)]


def entry(session: Session, application_id: int) -> ApplicationEntry:
    """Raises NotFound."""
    row = session.execute(_ROW.where(Application.id == application_id)).one_or_none()
    if row is None:
        raise unknown(application_id)
    return ApplicationEntry(**row._mapping)


def one(session: Session, application_id: int) -> ApplicationDetail:
    """Raises NotFound."""
    shown = entry(session, application_id)
    application = session.get_one(Application, application_id)
    return ApplicationDetail(
        **msgspec.structs.asdict(shown),
        email=application.email,
        language=application.language,
        answers=application.answers,
        fee=application.fee,
        signature=application.signature,
        wording=application.wording,
        wording_version=application.wording_version,
        files=documents(session, application_id),
    )


def documents(session: Session, application_id: int) -> list[DocumentEntry]:
    """In the order in which they were sent."""
    found = select(
        ApplicationDocument.id,
        ApplicationDocument.kind,
        ApplicationDocument.name,
        ApplicationDocument.media_type,
        ApplicationDocument.bytes,
        ApplicationDocument.uploaded_at,
    ).where(ApplicationDocument.application_id == application_id)
    return [DocumentEntry(*row) for row in session.execute(found.order_by(ApplicationDocument.id))]


def page(session: Session, application_id: int) -> ApplicationPage:
    """Raises NotFound."""
    found = (
        select(Application, Property.slug, Property.name, Unit.name.label("unit"), Listing.id.label("listing"))
        .join(Property, Property.id == Application.property_id)
        .outerjoin(Unit, Unit.id == Application.unit_id)
        .outerjoin(Listing, Listing.unit_id == Application.unit_id)
        .where(Application.id == application_id)
    )
    row = session.execute(found).one_or_none()
    if row is None:
        raise unknown(application_id)
    application = row.Application
    return ApplicationPage(
        id=application.id,
        status=application.status,
        email=application.email,
        answers=application.answers,
        fee=application.fee,
        is_confirmed=application.is_confirmed,
        property=row.slug,
        name=f"{row.name} {row.unit}" if row.unit else row.name,
        listing=row.listing,
    )


def unknown(application_id: int) -> NotFound:
    return NotFound(
        f"There is no application {application_id}.", code="application_unknown", application=application_id
    )
