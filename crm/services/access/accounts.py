"""Accounts of people who sign in to the console."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.access import LANGUAGES, WHOLE_OFFICE, Reach, Role
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import audit
from crm.services.access import reaches
from crm.services.audit import By
from crm.services.office import agents, properties, subteams
from crm.store.models import (
    Account,
    AccountLink,
    AccountPasskey,
    AccountReach,
    AccountRecoveryCode,
    AccountSession,
    Agent,
)

LINK_DAYS = 3
"""How long an invitation is good for."""
WELCOME = "/welcome/"
"""The console's path before the token of a link."""
FIRST_LINK_MINUTES = 60
"""How long the link is good that makes somebody the first admin: it stands on a terminal, and whoever starts the system
again gets another one."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to be different about an account; None leaves it."""

    full_name: str | None = None
    email: str | None = None
    role: Role | None = None
    language: str | None = None
    agent: str | None = None
    """Slug; empty: they are none."""
    property_slugs: Sequence[str] | None = None
    """With `subteam_slugs`: what they see; both empty: the whole office."""
    subteam_slugs: Sequence[str] | None = None


def add(
    session: Session,
    by: By,
    name: str,
    full_name: str,
    role: Role,
    *,
    email: str = "",
    agent: str | None = None,
    language: str = "en",
    property_slugs: Sequence[str] = (),
    subteam_slugs: Sequence[str] = (),
) -> Account:
    """Adds an account without a password; `invite` makes the link with which they choose one. Raises Invalid, NotFound,
    and Conflict for a name that is taken."""
    fields.slug(name)
    if find(session, name) is not None:
        raise Conflict(f"There is an account {name} already: choose another name.", code="account_exists", account=name)
    account = Account(
        name=name,
        full_name=fields.text(full_name, "name", 80, required=True),
        email=fields.email(email),
        role=role,
        is_narrow=False,
        language=_language(language),
        password="",
        totp="",
        totp_step=0,
        failures=0,
        made_by=by.who[:80],
        made_at=by.now,
    )
    session.add(account)
    _be(session, account, agent or "")
    _see(session, account, property_slugs, subteam_slugs)
    session.flush()
    audit.record(session, by, f"account {name} added as {role}")
    return account


def change(session: Session, by: By, name: str, wanted: AccountChange) -> None:
    """Raises Invalid, NotFound, Conflict; also for the last admin, who stays one."""
    account = named(session, name)
    if wanted.full_name is not None:
        account.full_name = fields.text(wanted.full_name, "name", 80, required=True)
    if wanted.email is not None:
        account.email = fields.email(wanted.email)
    if wanted.language is not None:
        account.language = _language(wanted.language)
    if wanted.role is not None and wanted.role != account.role:
        if account.role == Role.ADMIN:
            _leave_an_admin(session, account)
        audit.record(session, by, f"account {name} is {wanted.role} now, was {account.role}")
        account.role = wanted.role
    if wanted.agent is not None:
        _be(session, account, wanted.agent)
    if wanted.property_slugs is not None or wanted.subteam_slugs is not None:
        seen = [*(wanted.property_slugs or ()), *(wanted.subteam_slugs or ())]
        if seen and account.role == Role.ADMIN:
            _leave_an_admin(session, account)
        _see(session, account, wanted.property_slugs or (), wanted.subteam_slugs or ())
        audit.record(session, by, f"account {name} sees {', '.join(seen) or 'the whole office'}")


def disable(session: Session, by: By, name: str) -> None:
    """Ends all sessions and links of an account, which cannot sign in any more. Raises NotFound, Conflict."""
    account = named(session, name)
    if account.disabled_at is not None:
        raise Conflict(f"The account {name} is disabled already.", code="account_disabled", account=name)
    if account.role == Role.ADMIN:
        _leave_an_admin(session, account)
    account.disabled_at = by.now
    _end_all(session, account)
    session.execute(delete(AccountLink).where(AccountLink.account_id == account.id))
    audit.record(session, by, f"account {name} disabled")


def enable(session: Session, by: By, name: str) -> None:
    """Raises NotFound, Conflict."""
    account = named(session, name)
    if account.disabled_at is None:
        raise Conflict(f"The account {name} is not disabled.", code="account_enabled", account=name)
    account.disabled_at, account.failures, account.locked_until = None, 0, None
    audit.record(session, by, f"account {name} enabled")


def invite(session: Session, by: By, name: str, *, good_for: timedelta = timedelta(days=LINK_DAYS)) -> str:
    """Makes the link with which somebody chooses a new password, and returns its token, which cannot be shown again.

    Links made before are not good any more. Raises NotFound, and Conflict for a disabled account.
    """
    account = named(session, name)
    if account.disabled_at is not None:
        raise Conflict(f"The account {name} is disabled: enable it first.", code="account_disabled", account=name)
    session.execute(delete(AccountLink).where(AccountLink.account_id == account.id))
    token = secrets.token_urlsafe(24)
    until = by.now + good_for
    session.add(
        AccountLink(account_id=account.id, digest=digest(token), made_by=by.who[:80], made_at=by.now, expires_at=until)
    )
    audit.record(session, by, f"link for account {name} made")
    return token


def invited(session: Session, token: str, now: datetime) -> Account:
    """Whose link this is. Raises NotFound for one that is not ours, was used, or is too old."""
    found = session.scalars(select(AccountLink).where(AccountLink.digest == digest(token))).first()
    account = session.get(Account, found.account_id) if found and found.expires_at > now else None
    if account is None or account.disabled_at is not None:
        raise NotFound("This link is not good any more: ask for a new one.", code="account_link_unknown")
    return account


def accept(session: Session, now: datetime, token: str, password_hash: str) -> Account:
    """Sets the password that somebody with a link has chosen, for which `passwords.hashed` has taken its time before.

    The link is used up, sessions end, and passkeys and the second factor are dropped: whoever has lost them has come by
    this link. Raises NotFound.
    """
    account = invited(session, token, now)
    account.password, account.totp, account.failures, account.locked_until = password_hash, "", 0, None
    for kept in (AccountLink, AccountPasskey, AccountRecoveryCode):
        session.execute(delete(kept).where(kept.account_id == account.id))
    _end_all(session, account)
    audit.record(session, By(account.name, now), f"account {account.name}: password chosen by a link")
    return account


def set_password(session: Session, by: By, account_id: int, password_hash: str, *, keep_session: int) -> None:
    """Replaces a password; all sessions but one end."""
    account = session.get_one(Account, account_id)
    account.password = password_hash
    others = AccountSession.account_id == account_id, AccountSession.id != keep_session
    session.execute(delete(AccountSession).where(*others))
    audit.record(session, by, f"account {account.name}: password changed")


def hash_anew(session: Session, account_id: int, before: str, password_hash: str) -> None:
    """Keeps the same password hashed with more than `before`, unless it was changed meanwhile."""
    same = Account.id == account_id, Account.password == before
    session.execute(update(Account).where(*same).values(password=password_hash))


def has_admin(session: Session) -> bool:
    """Whether somebody can sign in who may do everything."""
    of_use = *_full_admins(), Account.password != ""
    return session.scalar(select(Account.id).where(*of_use).limit(1)) is not None


def first_admin(session: Session, by: By) -> str:
    """Makes an account for a new system's owner, if there is none yet, and returns the token of the link with which
    they choose their password."""
    for name in itertools.chain(("admin",), (f"admin-{number}" for number in itertools.count(2))):
        account = find(session, name)
        if account is None:
            add(session, by, name, "Admin", Role.ADMIN)
        elif account.role != Role.ADMIN or account.is_narrow or account.disabled_at is not None:
            continue
        return invite(session, by, name, good_for=timedelta(minutes=FIRST_LINK_MINUTES))
    raise AssertionError("there is always another name")


def find(session: Session, name: str) -> Account | None:
    return session.scalars(select(Account).where(Account.name == name)).first()


def has_agent(session: Session, slug: str) -> bool:
    """Whether an account is this agent."""
    found = select(Account.id).join(Agent, Agent.id == Account.agent_id).where(Agent.slug == slug)
    return session.scalar(found.limit(1)) is not None


def named(session: Session, name: str) -> Account:
    """Raises NotFound."""
    if (found := find(session, name)) is None:
        raise NotFound(f"There is no account {name[:40]!a}.", code="account_unknown")
    return found


def reach_of(session: Session, account: Account) -> Reach:
    """The properties that they see now."""
    if not account.is_narrow:
        return WHOLE_OFFICE
    return reaches.of_account(session, account.id)


def digest(token: str) -> str:
    """By which a token is recognized: it has so many random bits that it needs no slow hash against guessing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _be(session: Session, account: Account, agent: str) -> None:
    if not agent:
        account.agent_id = None
        return
    found = agents.named(session, agent)
    other = session.scalar(select(Account.name).where(Account.agent_id == found.id, Account.id != account.id))
    if other is not None:
        raise Conflict(f"The agent {agent} has the account {other} already.", code="agent_has_account", agent=agent)
    account.agent_id = found.id


def _see(session: Session, account: Account, property_slugs: Sequence[str], subteam_slugs: Sequence[str]) -> None:
    seen = {(one.property_id, one.subteam_id): one for one in account.reach}
    wanted: list[tuple[int | None, int | None]] = [
        *((properties.named(session, slug).id, None) for slug in dict.fromkeys(property_slugs)),
        *((None, subteams.named(session, slug).id) for slug in dict.fromkeys(subteam_slugs)),
    ]
    account.reach = [seen.get(one) or AccountReach(property_id=one[0], subteam_id=one[1]) for one in wanted]
    account.is_narrow = bool(account.reach)


def _full_admins() -> tuple[ColumnElement[bool], ...]:
    return Account.role == Role.ADMIN, Account.disabled_at.is_(None), Account.is_narrow.is_(False)


def _leave_an_admin(session: Session, account: Account) -> None:
    others = *_full_admins(), Account.id != account.id
    if session.scalar(select(Account.id).where(*others).limit(1)) is None:
        raise Conflict(
            f"{account.name} is the only admin: make somebody else one first.",
            code="account_last_admin",
            account=account.name,
        )


def _end_all(session: Session, account: Account) -> None:
    session.execute(delete(AccountSession).where(AccountSession.account_id == account.id))


def _language(raw: str) -> str:
    if raw not in LANGUAGES:
        raise Invalid(f"{raw[:20]!a} is not a language of the console: use {', '.join(LANGUAGES)}.", code="language")
    return raw
