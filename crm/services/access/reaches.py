"""What somebody sees whose row names properties, or subteams with all of theirs."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from crm.domain.access import Reach
from crm.store.models import AccountReach, ApiKeyReach, Property


def named(session: Session, rows: type[AccountReach] | type[ApiKeyReach], theirs: ColumnElement[bool]) -> Reach:
    """The properties that those `rows` name now of which `theirs` is true."""
    direct = select(rows.property_id).where(theirs, rows.property_id.is_not(None))
    teams = select(rows.subteam_id).where(theirs, rows.subteam_id.is_not(None))
    found = select(Property.id).where(or_(Property.id.in_(direct), Property.subteam_id.in_(teams)))
    return Reach(frozenset(session.scalars(found)))
