"""Documents of applications: recorded once they are on disk, withdrawn by applicants, and read by the office."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.applications import DOCUMENT_KINDS, Step
from crm.domain.errors import Invalid, NotFound
from crm.edge import documents
from crm.services import audit
from crm.services.applications import online
from crm.services.applications.links import ApplicationLink
from crm.services.arrivals.forms import FieldErrors
from crm.services.audit import By
from crm.store.models import ApplicationDocument


@dataclass(frozen=True)
class Upload:
    """A file that is on disk."""

    kind: str
    name: str
    """The file name on the sender's machine."""
    media_type: str
    bytes: int
    sha256: str
    """In hexadecimal."""
    file: str
    """In config.documents_folder."""


def add(session: Session, config: Config, by: By, link: ApplicationLink, upload: Upload) -> bool:
    """Records a document of an application. False: it was sent before as the same kind, so the file is not needed.
    Raises FieldErrors, and Conflict and NotFound like `online.save`."""
    application = online.opened(session, link)
    theirs = select(func.count(ApplicationDocument.id)).where(ApplicationDocument.application_id == application.id)
    if session.scalar(
        theirs.where(ApplicationDocument.kind == upload.kind, ApplicationDocument.sha256 == upload.sha256)
    ):
        return False
    if upload.kind not in DOCUMENT_KINDS:
        raise FieldErrors({"kind": "choice_wrong"})
    if (session.scalar(theirs) or 0) >= config.applications.most_documents:
        raise FieldErrors({"document": "documents_many"})
    session.add(
        ApplicationDocument(
            application_id=application.id,
            kind=upload.kind,
            name=documents.shown_name(upload.name) or "document",
            media_type=upload.media_type,
            bytes=upload.bytes,
            sha256=upload.sha256,
            file=upload.file,
            uploaded_at=by.now,
        )
    )
    online.keep(session, config, application, link, Step.DOCUMENTS, {}, by.now)
    session.flush()
    return True


def remove(session: Session, config: Config, by: By, link: ApplicationLink, document_id: int) -> str | None:
    """Withdraws a document; returns its file, which the caller deletes afterwards. None: it was already gone."""
    application = online.opened(session, link)
    found = session.get(ApplicationDocument, document_id)
    if found is None or found.application_id != application.id:
        return None
    session.delete(found)
    online.keep(session, config, application, link, Step.DOCUMENTS, {}, by.now)
    return found.file


@dataclass(frozen=True)
class StoredDocument:
    path: Path
    name: str
    media_type: str


def read(session: Session, config: Config, by: By, document_id: int) -> StoredDocument:
    """Returns where a document is, for a reader in the office, and records the access in the audit log.

    Raises NotFound, and Invalid if its file is on another system.
    """
    found = session.get(ApplicationDocument, document_id)
    if found is None:
        raise NotFound(f"There is no document {document_id}.", code="document_unknown")
    path = documents.path_of(config.documents_folder, found.file)
    if path is None or not path.is_file():
        raise Invalid(
            "The file of this document is not on this system: another one on the same database may have it.",
            code="document_elsewhere",
        )
    audit.record(session, by, f"document {document_id} of application {found.application_id} read")
    return StoredDocument(path, found.name, found.media_type)
