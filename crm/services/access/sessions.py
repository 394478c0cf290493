"""Signing in to the console, and who has.

A session is a row; its token is 192 random bits, in a cookie, and here only as a digest. Checking a password takes
longer than a transaction may, so signing in takes three steps: `credentials` are read, the password is compared
(`passwords.matches`), and `begin` or `failed` is recorded.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Reach, Role
from crm.domain.counting import counted
from crm.domain.errors import CrmError, Invalid, NotFound
from crm.services import audit
from crm.services.access import accounts, familiar, reaches
from crm.services.access.accounts import digest
from crm.services.audit import By
from crm.store import prepared
from crm.store.changes import UNTOLD
from crm.store.models import Account, AccountRecoveryCode, AccountSession, Agent

NOTED_EVERY = timedelta(minutes=5)
"""The time of a session's last use is stored at most this often."""
FREE_FAILURES = 5
"""After so many wrong passwords in a row, each further one locks the account for twice as long."""
LONGEST_LOCK = timedelta(minutes=5)
"""Not longer, or anybody could keep somebody out by trying."""
STEP_SECONDS = 30
AT_ONCE = 500
"""Sessions asked for in one query."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
"""Codes to write down, of 80 random bits each, so that they need no slow hash against guessing."""


class NotSignedIn(CrmError):
    """Name, password or code were not right, or the account is locked or disabled: one sentence for all of them, which
    tells nobody what accounts there are."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with a session."""

    account_id: int
    session_id: int
    name: str
    """With which they sign in, as the audit says it."""
    full_name: str
    role: Role
    reach: Reach
    agent: str | None
    """Slug of the agent they are; None: they are none."""
    agent_id: int | None
    language: str
    used_at: datetime
    """When the session was last noted as used."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody who signs in is compared with; of a name that nobody has, nothing."""

    account_id: int | None
    password: str
    needs_code: bool
    may_try: bool
    """Whether the account is neither disabled nor locked."""


def credentials(session: Session, name: str, now: datetime) -> Credentials:
    account = accounts.find(session, name.strip().lower())
    if account is None:
        return Credentials(None, "", False, True)
    is_locked = account.locked_until is not None and account.locked_until > now
    return Credentials(account.id, account.password, bool(account.totp), account.disabled_at is None and not is_locked)


def begin(
    session: Session, config: Config, now: datetime, account_id: int, *, code: str = "", address: str, browser: str
) -> str:
    """Begins a session of somebody whose password was right, and returns its token. `code` is that of their second
    factor, or one of those that they wrote down. Raises NotSignedIn if it is wrong, or was used before."""
    account = session.get_one(Account, account_id)
    if account.totp and not _takes(session, account, code, now):
        raise refused()
    return open_for(session, config, now, account, address=address, browser=browser)


def open_for(session: Session, config: Config, now: datetime, account: Account, *, address: str, browser: str) -> str:
    """Begins a session of somebody who has shown who they are, and returns its token. Raises NotSignedIn if their
    account is disabled."""
    account_id = account.id
    if account.disabled_at is not None:
        raise refused()
    if familiar.is_from_new_network(session, account_id, address):
        audit.record(session, By(account.name, now), f"account {account.name} signed in from {address[:45]}")
    familiar.note(session, now, account_id, address, browser)
    account.failures, account.locked_until = 0, None
    # Sessions that are over are in nobody's way; they go when somebody signs in.
    session.execute(delete(AccountSession).where(AccountSession.expires_at <= now))
    token = secrets.token_urlsafe(24)
    session.add(
        AccountSession(
            account_id=account_id,
            digest=digest(token),
            made_at=now,
            used_at=now,
            idle_until=now + timedelta(hours=config.console.idle_hours),
            expires_at=now + timedelta(days=config.console.session_days),
            address=address[:45],
            browser=browser[:120],
        )
    )
    return token


def failed(session: Session, now: datetime, account_id: int) -> None:
    """A wrong password or code: after a few in a row the account is locked, each time for longer."""
    account = session.get_one(Account, account_id)
    account.failures += 1
    if account.failures > FREE_FAILURES:
        seconds = 2 ** min(account.failures - FREE_FAILURES, 12)
        account.locked_until = now + min(timedelta(seconds=seconds), LONGEST_LOCK)


def find(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Whose session this token is; None if it is nobody's, or over."""
    row = prepared.rows(session, _OF_TOKEN, {"digest": digest(token)}).first()
    if row is None or min(row.expires_at, row.idle_until) <= now or row.disabled_at is not None:
        return None
    return SignedIn(
        account_id=row.account_id,
        session_id=row.session_id,
        name=row.name,
        full_name=row.full_name,
        role=Role(row.role),
        reach=reaches.of_account(session, row.account_id) if row.is_narrow else WHOLE_OFFICE,
        agent=row.agent,
        agent_id=row.agent_id,
        language=row.language,
        used_at=row.used_at,
    )


_OF_TOKEN = (
    select(
        AccountSession.id.label("session_id"),
        AccountSession.expires_at,
        AccountSession.idle_until,
        AccountSession.used_at,
        Account.id.label("account_id"),
        Account.name,
        Account.full_name,
        Account.role,
        Account.is_narrow,
        Account.language,
        Account.disabled_at,
        Agent.id.label("agent_id"),
        Agent.slug.label("agent"),
    )
    .join(Account, Account.id == AccountSession.account_id)
    .outerjoin(Agent, (Agent.id == Account.agent_id) & Agent.retired_at.is_(None))
    .where(AccountSession.digest == bindparam("digest"))
)


def living(session: Session, ids: Collection[int], now: datetime) -> dict[int, tuple[Role, str | None]]:
    """Of these sessions those that are not over, each with the role of whose it is, and the slug of the agent they
    are."""
    found = (
        select(AccountSession.id, Account.role, Agent.slug)
        .join(Account, Account.id == AccountSession.account_id)
        .outerjoin(Agent, (Agent.id == Account.agent_id) & Agent.retired_at.is_(None))
        .where(AccountSession.id.in_(ids), AccountSession.expires_at > now, AccountSession.idle_until > now)
        .where(Account.disabled_at.is_(None))
    )
    return {id: (Role(role), agent) for id, role, agent in session.execute(found)}


@dataclass(frozen=True, slots=True)
class SessionStanding:
    """What decides about what somebody with a session sees."""

    role: Role
    reach: Reach
    agent_id: int | None
    language: str

    @classmethod
    def of(cls, who: SignedIn) -> SessionStanding:
        return cls(who.role, who.reach, who.agent_id, who.language)


def standing(session: Session, session_ids: Collection[int], now: datetime) -> dict[int, SessionStanding]:
    """Of those of these sessions that are not over."""
    found: dict[int, SessionStanding] = {}
    reaches: dict[int, Reach] = {}
    asked = sorted(session_ids)
    for at in range(0, len(asked), AT_ONCE):
        rows = session.execute(
            select(AccountSession.id, Account, Agent.id)
            .join(Account, Account.id == AccountSession.account_id)
            .outerjoin(Agent, (Agent.id == Account.agent_id) & Agent.retired_at.is_(None))
            .where(
                AccountSession.id.in_(asked[at : at + AT_ONCE]),
                AccountSession.expires_at > now,
                AccountSession.idle_until > now,
                Account.disabled_at.is_(None),
            )
        )
        for id, account, agent_id in rows:
            if account.id not in reaches:
                reaches[account.id] = accounts.reach_of(session, account)
            found[id] = SessionStanding(Role(account.role), reaches[account.id], agent_id, account.language)
    return found


def note_use(session: Session, config: Config, session_id: int, now: datetime) -> None:
    session.execute(
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.used_at < now)
        .values(used_at=now, idle_until=now + timedelta(hours=config.console.idle_hours))
        .execution_options(synchronize_session=False, **UNTOLD)
    )


def end(session: Session, by: By, account_id: int, session_id: int) -> None:
    """Ends one session of an account. Raises NotFound."""
    one = AccountSession.id == session_id, AccountSession.account_id == account_id
    if not session.execute(delete(AccountSession).where(*one)).rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such session: it may have ended by itself.", code="session_unknown")
    audit.record(session, by, f"session {session_id} ended")


def end_others(session: Session, by: By, account_id: int, session_id: int | None) -> int:
    """Ends all sessions of an account but one, or with None all, and returns how many these were."""
    others = AccountSession.account_id == account_id, AccountSession.id != (session_id or 0)
    count: int = session.execute(delete(AccountSession).where(*others)).rowcount  # type: ignore[attr-defined]
    audit.record(session, by, f"{counted(count, 'session')} ended")
    return count


# --- the second factor ---


def new_totp() -> str:
    """A secret for an authenticator (RFC 6238), as base32."""
    return pyotp.random_base32()


def totp_uri(secret: str, name: str, office: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"Leaseline {office}")


def code_step(secret: str, code: str, now: datetime) -> int | None:
    """In which 30 seconds this was the code, of those just now; None: in none of them."""
    wanted = "".join(code.split())
    totp, here = pyotp.TOTP(secret), int(now.timestamp()) // STEP_SECONDS
    for step in (here, here - 1, here + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), wanted.encode()):
            return step
    return None


def set_totp(session: Session, by: By, account_id: int, secret: str, code: str) -> None:
    """From now on a code is needed to sign in. Raises Invalid if their authenticator shows another one."""
    step = code_step(secret, code, by.now)
    if step is None:
        raise Invalid("That is not the code that is shown now: check the clock of the phone.", code="totp_wrong")
    account = session.get_one(Account, account_id)
    account.totp, account.totp_step = secret, step
    audit.record(session, by, f"account {account.name}: one-time codes on")


def new_recovery_codes(session: Session, by: By, account_id: int) -> list[str]:
    """Codes to write down, each good once instead of one from the authenticator. Those from before are good no more."""
    account = session.get_one(Account, account_id)
    session.execute(delete(AccountRecoveryCode).where(AccountRecoveryCode.account_id == account_id))
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    session.add_all(AccountRecoveryCode(account_id=account_id, digest=digest(code)) for code in codes)
    audit.record(session, by, f"account {account.name}: new recovery codes")
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def recovery_codes_left(session: Session, account_id: int) -> int:
    mine = AccountRecoveryCode.account_id == account_id
    return session.scalar(select(func.count()).select_from(AccountRecoveryCode).where(mine)) or 0


def drop_totp(session: Session, by: By, account_id: int) -> None:
    account = session.get_one(Account, account_id)
    account.totp, account.totp_step = "", 0
    session.execute(delete(AccountRecoveryCode).where(AccountRecoveryCode.account_id == account_id))
    audit.record(session, by, f"account {account.name}: one-time codes off")


def _takes(session: Session, account: Account, code: str, now: datetime) -> bool:
    """Whether this is a code that counts now, which it does no second time."""
    step = code_step(account.totp, code, now)
    if step is not None:
        is_new = step > account.totp_step
        account.totp_step = max(step, account.totp_step)
        return is_new
    written = "".join(one for one in code.lower() if one.isalnum())
    one = AccountRecoveryCode.account_id == account.id, AccountRecoveryCode.digest == digest(written)
    if not session.execute(delete(AccountRecoveryCode).where(*one)).rowcount:  # type: ignore[attr-defined]
        return False
    left = recovery_codes_left(session, account.id)
    audit.record(session, By(account.name, now), f"account {account.name}: recovery code used, {left} left")
    return True


def refused() -> NotSignedIn:
    return NotSignedIn(
        "That did not match. Check name, password and code; after several wrong ones, wait a few minutes.",
        code="not_signed_in",
    )
