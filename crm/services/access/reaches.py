"""What somebody sees whose row names properties, or subteams with all of theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.domain.access import Reach
from crm.store import prepared
from crm.store.models import AccountReach, ApiKeyReach, Property


def of_account(session: Session, account_id: int) -> Reach:
    """The properties that the account's rows name now."""
    return _found(session, _OF_ACCOUNT, account_id)


def of_key(session: Session, key_id: int) -> Reach:
    """The properties that the API key's rows name now."""
    return _found(session, _OF_KEY, key_id)


def _found(session: Session, statement: Select[int], id: int) -> Reach:
    return Reach(frozenset(found for (found,) in prepared.rows(session, statement, {"id": id})))


def _named(rows: type[AccountReach] | type[ApiKeyReach], whose: InstrumentedAttribute[Any]) -> Select[int]:
    theirs = whose == bindparam("id")
    direct = select(rows.property_id).where(theirs, rows.property_id.is_not(None))
    teams = select(rows.subteam_id).where(theirs, rows.subteam_id.is_not(None))
    return select(Property.id).where(or_(Property.id.in_(direct), Property.subteam_id.in_(teams)))


_OF_ACCOUNT = _named(AccountReach, AccountReach.account_id)
_OF_KEY = _named(ApiKeyReach, ApiKeyReach.key_id)
