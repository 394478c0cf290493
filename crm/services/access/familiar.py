"""Where people are known to sign in from, and with which browsers."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.store.models import AccountSignIn

KEPT = timedelta(days=180)
"""After this long without a sign-in, an address or a browser is new again."""


def is_new(session: Session, account_id: int, address: str, browser: str) -> bool:
    """Whether the account has signed in before, but never from this address, or never with a browser of this kind."""
    known = session.execute(
        select(AccountSignIn.network, AccountSignIn.browser).where(AccountSignIn.account_id == account_id)
    ).all()
    networks, browsers = {one.network for one in known}, {one.browser for one in known}
    return bool(known) and not (network_of(address) in networks and kind_of(browser) in browsers)


def is_from_new_network(session: Session, account_id: int, address: str) -> bool:
    """Also true of the first sign-in."""
    here = AccountSignIn.account_id == account_id, AccountSignIn.network == network_of(address)
    return session.scalar(select(AccountSignIn.id).where(*here).limit(1)) is None


def note(session: Session, now: datetime, account_id: int, address: str, browser: str) -> None:
    network, kind = network_of(address), kind_of(browser)
    own = AccountSignIn.account_id == account_id
    session.execute(delete(AccountSignIn).where(own, AccountSignIn.used_at < now - KEPT))
    here = own, AccountSignIn.network == network, AccountSignIn.browser == kind
    found = session.scalars(select(AccountSignIn).where(*here)).one_or_none()
    if found is None:
        session.add(AccountSignIn(account_id=account_id, network=network, browser=kind, used_at=now))
    else:
        found.used_at = now


def network_of(address: str) -> str:
    """An IPv4 address itself; of an IPv6 address the first 64 bits, since machines change the others every day
    (RFC 8981)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def kind_of(browser: str) -> str:
    """What a browser calls itself, without the versions, which change every month."""
    return re.sub(r"[\d._]+", "", browser)[:120]
