"""Portfolios: groups of properties, which may share a line."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Conflict, NotFound
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties, retiring
from crm.store.models import Line, Portfolio, Property
from crm.store.queries import names


def add(session: Session, by: By, slug: str, *, name: str | None = None) -> None:
    _check_free(session, slug)
    session.add(Portfolio(slug=slug, name=fields.text(slug if name is None else name, "name", 200, required=True)))
    audit.record(session, by, f"portfolio {slug} added")


def assign(session: Session, by: By, property_slug: str, slug: str) -> None:
    """Puts a property into a portfolio; an empty slug takes it out."""
    found = properties.named(session, property_slug)
    found.portfolio_id = named(session, slug).id if slug else None
    audit.record(session, by, f"property {property_slug} in portfolio {slug or 'none'}")


def retire(session: Session, by: By, slug: str) -> None:
    """Takes a portfolio out of use. Raises Conflict while properties belong to it, or lines are for it; NotFound."""
    found = empty(session, slug)
    retiring.retire(session, by, found, f"portfolio {slug}")


def restore(session: Session, by: By, slug: str) -> None:
    """Takes the portfolio back that was retired last under this name. Raises Conflict if the name is in use;
    NotFound."""
    _check_free(session, slug)
    retiring.latest(session, Portfolio.slug, fields.slug(slug)).retired_at = None
    audit.record(session, by, f"portfolio {slug} restored")


def remove(session: Session, by: By, slug: str) -> None:
    """Deletes a portfolio of which nothing is on record, such as one added by mistake. Raises Conflict, NotFound."""
    found = empty(session, slug)
    retiring.check_unused(session, found, f"portfolio {slug}")
    session.delete(found)
    audit.record(session, by, f"portfolio {slug} deleted")


def empty(session: Session, slug: str) -> Portfolio:
    """The portfolio. Raises Conflict while properties belong to it, or lines are for it; NotFound."""
    found = named(session, slug)
    if slugs := list(session.scalars(select(Property.slug).where(Property.portfolio_id == found.id))):
        raise Conflict(
            f"Portfolio {slug} has {', '.join(slugs)}: move each first.",
            code="portfolio_has_properties",
            portfolio=slug,
            properties=list(slugs),
        )
    if lines := list(session.scalars(select(Line.number).where(Line.portfolio_id == found.id))):
        raise Conflict(
            f"Callers of {', '.join(lines)} choose among the properties of portfolio {slug}.",
            code="portfolio_has_lines",
            portfolio=slug,
            lines=list(lines),
        )
    return found


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Portfolio.id).where(Portfolio.slug == fields.slug(slug))):
        raise Conflict(
            f"Portfolio {slug} already exists: choose another name.", code="portfolio_exists", portfolio=slug
        )


def named(session: Session, slug: str) -> Portfolio:
    found = session.scalar(select(Portfolio).where(Portfolio.slug == fields.slug(slug)))
    found = found or names.renamed(session, Portfolio, slug)
    if found is None:
        raise NotFound(f"There is no portfolio {slug}.", code="portfolio_unknown", portfolio=slug)
    return found
