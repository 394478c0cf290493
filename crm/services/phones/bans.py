"""Addresses whose SIP packets are dropped: those that guess passwords (`guard.py`), and those banned by a person."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import bans, fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import audit
from crm.services.audit import By
from crm.store.models import SipBan, Trunk

MOST = 200
"""Addresses dropped at the same time at most; Asterisk compares each packet with all of them."""
BY = "the watch over SIP passwords"

_log = logging.getLogger(__name__)


def addresses(session: Session, config: Config, now: datetime) -> list[str]:
    """The addresses that Asterisk is to drop. Those of the office and of trunks are left out, even if banned
    earlier."""
    own = _own(session, config)
    found = session.scalars(_in_force(now).limit(MOST)).all()
    return sorted(ban.network for ban in found if not bans.is_spared(ban.network, own))


def next_end(session: Session, now: datetime) -> datetime | None:
    """When the next ban in force ends by itself; None: none does."""
    return session.scalar(select(func.min(SipBan.until)).where(SipBan.until > now))


def add(session: Session, config: Config, by: By, raw: str, *, until: datetime | None, why: str = "") -> str:
    """Bans an address or network; `until` None: for good. Returns it as stored. Raises Invalid, Conflict."""
    network = fields.network(raw)
    if bans.is_spared(network, _own(session, config)):
        raise Invalid(
            f"{network} is a trunk's or the office's: dropping it would cut off our own calls.",
            code="ban_is_ours",
            network=network,
        )
    if (found := _ban(session, network)) and _is_in_force(found, by.now):
        raise Conflict(f"{network} is already banned.", code="ban_exists", network=network)
    _put(session, network, by.now, until, fields.text(why, "reason", 300))
    audit.record(session, by, f"SIP from {network} is dropped")
    return network


def remove(session: Session, by: By, raw: str) -> str:
    """Ends a ban, and returns the address or network as stored. Raises Invalid, NotFound."""
    network = fields.network(raw)
    found = _ban(session, network)
    if found is None or not _is_in_force(found, by.now):
        raise NotFound(f"{network} is not banned.", code="ban_unknown", network=network)
    session.delete(found)
    audit.record(session, by, f"SIP from {network} is no longer dropped")
    return network


def ban_guessers(session: Session, config: Config, guessers: Sequence[str], now: datetime) -> list[SipBan]:
    """Bans addresses that failed too often, each for longer than the time before. Returns the new bans."""
    first = timedelta(minutes=config.bans.first_minutes)
    longest = timedelta(hours=config.bans.longest_hours)
    new = []
    own = _own(session, config)
    for address in guessers:
        if bans.is_spared(address, own):
            _log.warning("somebody of the office or a trunk shows wrong passwords", extra={"address": address})
            continue
        found = _ban(session, address)
        if found and _is_in_force(found, now):
            continue
        times = found.times if found and found.until and now - found.until < bans.REMEMBERED else 0
        until = now + bans.length(times, first, longest)
        new.append(_put(session, address, now, until, "wrong SIP passwords", times=times + 1))
        audit.record(session, By(BY, now), f"SIP from {address} is dropped until {until.isoformat(timespec='seconds')}")
    session.flush()
    in_force = [(ban.until, ban) for ban in session.scalars(_in_force(now))]
    for ban in bans.ends_first(in_force, MOST):
        session.delete(ban)
    session.execute(delete(SipBan).where(SipBan.until < now - bans.REMEMBERED))
    return new


def _own(session: Session, config: Config) -> list[str]:
    """The networks of the office and of trunks."""
    own = [config.sip.local_network] if config.sip.local_network else []
    for trunk in session.scalars(select(Trunk)):
        own += trunk.addresses
        if fields.is_address(trunk.host):
            own.append(trunk.host)
    return own


def _in_force(now: datetime) -> Select[SipBan]:
    return (
        select(SipBan)
        .where(SipBan.until.is_(None) | (SipBan.until > now))
        .order_by(SipBan.since.desc(), SipBan.network)
    )


def _is_in_force(ban: SipBan, now: datetime) -> bool:
    return ban.until is None or ban.until > now


def _ban(session: Session, network: str) -> SipBan | None:
    return session.scalars(select(SipBan).where(SipBan.network == network)).first()


def _put(session: Session, network: str, since: datetime, until: datetime | None, why: str, times: int = 1) -> SipBan:
    ban = _ban(session, network)
    if ban is None:
        ban = SipBan(network=network)
        session.add(ban)
    ban.since, ban.until, ban.why, ban.times = since, until, why, times
    return ban
