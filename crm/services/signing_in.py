"""Signing in to the console: a session begins, and its owner hears by email of an address or a browser that is new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.services.access import familiar, passkeys, sessions
from crm.services.access.passkeys import ProvenPasskey
from crm.services.outbox.outgoing import NOTICE, NewMail, queue
from crm.store.models import Account, Agent
from crm.words import sign_in_mail as words


def with_password(
    session: Session, config: Config, now: datetime, account_id: int, *, code: str = "", address: str, browser: str
) -> str:
    """Begins a session as `sessions.begin` does, and returns its token. Raises NotSignedIn."""
    is_new = familiar.is_new(session, account_id, address, browser)
    token = sessions.begin(session, config, now, account_id, code=code, address=address, browser=browser)
    if is_new:
        _tell(session, config, now, account_id, address, browser)
    return token


def with_passkey(
    session: Session,
    config: Config,
    now: datetime,
    shown: ProvenPasskey,
    asked_at: datetime,
    *,
    address: str,
    browser: str,
) -> str:
    """Begins a session of a passkey's owner, and returns its token. Raises NotSignedIn."""
    owner = passkeys.use(session, now, shown, asked_at)
    is_new = familiar.is_new(session, owner.id, address, browser)
    token = sessions.open_for(session, config, now, owner, address=address, browser=browser)
    if is_new:
        _tell(session, config, now, owner.id, address, browser)
    return token


def _tell(session: Session, config: Config, now: datetime, account_id: int, address: str, browser: str) -> None:
    """Once a day for an address, whatever is signed in with from there."""
    account = session.get_one(Account, account_id)
    agent = session.get(Agent, account.agent_id) if account.agent_id else None
    to = account.email or (agent.email if agent else "")
    if not (config.console.tells_of_sign_ins and to):
        return
    subject, body = words.mail(
        account.language,
        name=account.full_name,
        account=account.name,
        address=address,
        browser=browser,
        url=config.console.public_url,
        at=now.astimezone(config.tz),
    )
    key = f"{NOTICE}sign-in:{account_id}:{familiar.network_of(address)}:{now.astimezone(config.tz):%Y-%m-%d}"
    queue(session, config, NewMail(key, to, subject, body), now)
