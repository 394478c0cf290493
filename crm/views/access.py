"""Who is let in: keys of the REST API, and people with accounts."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.store.models import (
    Account,
    AccountPasskey,
    AccountReach,
    AccountSession,
    Agent,
    ApiKey,
    ApiKeyReach,
    Property,
    Subteam,
)
from crm.views.lists import by_owner


class ApiKeyEntry(msgspec.Struct, kw_only=True):
    """A key of the API."""

    name: str
    begins: str
    """The beginning of the key, by which one that turns up somewhere is recognized."""
    state: str
    """active, expired or revoked."""
    scopes: list[str]
    """Kinds of record, and whether it may read or write them."""
    whole_office: bool
    """Whether it sees everything; otherwise only the properties and subteams named."""
    properties: list[str]
    """Slugs."""
    subteams: list[str]
    """Slugs: it sees all their properties."""
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    """null: never."""
    used_at: datetime | None
    """The last time, to a few minutes; null: never."""
    revoked_at: datetime | None


def keys(session: Session, now: datetime, *, with_old: bool = False) -> list[ApiKeyEntry]:
    """By name; those that are no longer in force only `with_old`."""
    found = session.scalars(select(ApiKey).order_by(ApiKey.name)).all()
    properties, subteams = _seen(session, ApiKeyReach.key_id)
    entries = [
        ApiKeyEntry(
            name=key.name,
            begins=key.prefix,
            state=_state(key, now),
            scopes=key.scopes,
            whole_office=not key.is_narrow,
            properties=properties.get(key.id, []),
            subteams=subteams.get(key.id, []),
            made_by=key.made_by,
            made_at=key.made_at,
            expires_at=key.expires_at,
            used_at=key.used_at,
            revoked_at=key.revoked_at,
        )
        for key in found
    ]
    return [one for one in entries if with_old or one.state == "active"]


def _seen(session: Session, owner: InstrumentedAttribute[int]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """By owner, a key or an account: the slugs of the properties and of the subteams that they see."""
    reach = owner.class_
    properties = select(owner, Property.slug).join(Property, Property.id == reach.property_id)
    subteams = select(owner, Subteam.slug).join(Subteam, Subteam.id == reach.subteam_id)
    return by_owner(session, properties.order_by(Property.slug)), by_owner(session, subteams.order_by(Subteam.slug))


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


class AccountEntry(msgspec.Struct, kw_only=True):
    """Somebody who may sign in to the console."""

    name: str
    full_name: str
    email: str
    role: str
    """admin, manager, agent or read-only."""
    agent: str | None
    """Slug of the agent they are; null: none."""
    state: str
    """active, invited (no password yet), locked or disabled."""
    whole_office: bool
    """Whether they see everything; otherwise only the properties and subteams named."""
    properties: list[str]
    """Slugs."""
    subteams: list[str]
    """Slugs: they see all their properties."""
    has_code: bool
    """Whether they need a one-time code beside their password."""
    passkeys: int
    """How many they can sign in with instead."""
    sessions: int
    """Browsers in which they are signed in."""
    used_at: datetime | None
    """The last time, to a few minutes; null: not since the sessions that there are."""
    language: str


class SessionEntry(msgspec.Struct, kw_only=True):
    """A browser in which somebody is signed in."""

    id: int
    made_at: datetime
    used_at: datetime
    """The last time, to a few minutes."""
    expires_at: datetime
    address: str
    """The network address at sign-in."""
    browser: str
    """What it calls itself."""


class PasskeyEntry(msgspec.Struct, kw_only=True):
    """A passkey of somebody who signs in."""

    id: int
    name: str
    """As its owner calls it."""
    made_at: datetime
    used_at: datetime | None
    """The last time; null: never."""


def passkeys(session: Session, account_id: int) -> list[PasskeyEntry]:
    """The oldest first."""
    wanted = select(AccountPasskey).where(AccountPasskey.account_id == account_id).order_by(AccountPasskey.id)
    return [
        PasskeyEntry(id=one.id, name=one.name, made_at=one.made_at, used_at=one.used_at)
        for one in session.scalars(wanted)
    ]


def accounts(session: Session, now: datetime, *, name: str | None = None) -> list[AccountEntry]:
    """By name; disabled ones, too."""
    wanted = select(Account, Agent.slug).outerjoin(Agent, Agent.id == Account.agent_id).order_by(Account.name)
    rows = session.execute(wanted if name is None else wanted.where(Account.name == name)).all()
    properties, subteams = _seen(session, AccountReach.account_id)
    open_ones = (
        select(AccountSession.account_id, func.count(), func.max(AccountSession.used_at))
        .where(AccountSession.expires_at > now)
        .group_by(AccountSession.account_id)
    )
    kept = select(AccountPasskey.account_id, func.count()).group_by(AccountPasskey.account_id)
    keys = dict(session.execute(kept).all())
    used = {id: (count, at) for id, count, at in session.execute(open_ones)}
    return [
        AccountEntry(
            name=account.name,
            full_name=account.full_name,
            email=account.email,
            role=account.role,
            agent=agent,
            state=_account_state(account, now),
            whole_office=not account.is_narrow,
            properties=properties.get(account.id, []),
            subteams=subteams.get(account.id, []),
            has_code=bool(account.totp),
            passkeys=keys.get(account.id, 0),
            sessions=used.get(account.id, (0, None))[0],
            used_at=used.get(account.id, (0, None))[1],
            language=account.language,
        )
        for account, agent in rows
    ]


def sessions(session: Session, account_id: int, now: datetime) -> list[SessionEntry]:
    """Those that are not over, the latest used first."""
    wanted = select(AccountSession).where(AccountSession.account_id == account_id, AccountSession.expires_at > now)
    return [
        SessionEntry(
            id=one.id,
            made_at=one.made_at,
            used_at=one.used_at,
            expires_at=one.expires_at,
            address=one.address,
            browser=one.browser,
        )
        for one in session.scalars(wanted.order_by(AccountSession.used_at.desc(), AccountSession.id))
    ]


def _account_state(account: Account, now: datetime) -> str:
    if account.disabled_at is not None:
        return "disabled"
    if not account.password:
        return "invited"
    return "locked" if account.locked_until is not None and account.locked_until > now else "active"
