"""What a reach lets through, as conditions of queries. With the whole office there is none."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, select

from crm.domain.access import Reach
from crm.store.models import Interest, Lead


def of_leads(reach: Reach) -> Iterator[ColumnElement[bool]]:
    """Leads that are interested in one of its properties."""
    if reach.properties is not None:
        yield Lead.id.in_(select(Interest.lead_id).where(Interest.property_id.in_(reach.properties)))


def of_interests(reach: Reach) -> Iterator[ColumnElement[bool]]:
    if reach.properties is not None:
        yield Interest.property_id.in_(reach.properties)
