"""Saved filters for the list of leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import read_filter
from crm.services import audit
from crm.services.audit import By
from crm.store.models import SavedFilter


def save(session: Session, config: Config, by: By, name: str, written: Mapping[str, str]) -> None:
    """Keeps a filter as it is written, so that "7d" means the last 7 days whenever it is used. Raises Invalid."""
    if not written:
        raise Invalid("A filter that lets everything through needs no name.", code="filter_empty")
    read_filter(written, config.tz, by.now)
    found = _named(session, fields.slug(name))
    if found is None:
        found = SavedFilter(name=name)
        session.add(found)
    found.filter, found.made_by, found.created_at = dict(written), by.who[:80], by.now
    audit.record(session, by, f"filter {name} saved")


def named(session: Session, name: str) -> dict[str, Any]:
    """A saved filter as it is written. Raises NotFound."""
    found = _named(session, name)
    if found is None:
        raise NotFound(f"There is no filter {name[:40]}.", code="filter_unsaved")
    return found.filter


def remove(session: Session, by: By, name: str) -> None:
    """Raises NotFound."""
    found = _named(session, name)
    if found is None:
        raise NotFound(f"There is no filter {name[:40]}.", code="filter_unsaved")
    session.delete(found)
    audit.record(session, by, f"filter {name} removed")


def _named(session: Session, name: str) -> SavedFilter | None:
    return session.scalars(select(SavedFilter).where(SavedFilter.name == name)).first()
