"""Addresses whose SIP is dropped: of those who guess passwords (`guard.py`), and those somebody names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain import bans, fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services.audit import By, changing, note
from crm.store.models import SipBan, Trunk
from crm.store.session import Store

MOST = 200
"""So many addresses are dropped at the same time; Asterisk compares each packet with all of them."""
BY = "the watch over SIP passwords"

_log = logging.getLogger(__name__)


async def find_all(store: Store, now: datetime) -> Sequence[SipBan]:
    """Those in force, the latest first."""
    async with store.read() as session:
        return (await session.scalars(_in_force(now))).all()


async def addresses(session: AsyncSession, now: datetime) -> list[str]:
    """What Asterisk is to drop; never the office's or a trunk's, also when they became that since."""
    own = await _own(session)
    found = (await session.scalars(_in_force(now).limit(MOST))).all()
    return sorted(ban.network for ban in found if not bans.is_spared(ban.network, own))


async def add(store: Store, config: Config, by: By, raw: str, *, until: datetime | None, why: str = "") -> str:
    """Drops an address or network; `until` None: for good. Returns it as it is kept. Raises Invalid and Conflict."""
    network = fields.network(raw)
    async with changing(store) as session:
        if bans.is_spared(network, await _own(session, config)):
            raise Invalid(
                f"{network} is a trunk's or the office's: dropping it would cut off our own calls. "
                "`leaseline trunk list` shows the trunks."
            )
        if (found := await _ban(session, network)) and _is_in_force(found, by.now):
            raise Conflict(f"{network} is banned already: `leaseline ban list` shows until when.")
        await _put(session, network, by.now, until, fields.text(why, "reason", 300))
        note(session, by, f"SIP from {network} is dropped")
    return network


async def remove(store: Store, by: By, raw: str) -> str:
    """Ends a ban. Returns what was banned."""
    network = fields.network(raw)
    async with changing(store) as session:
        found = await _ban(session, network)
        if found is None or not _is_in_force(found, by.now):
            raise NotFound(f"{network} is not banned: `leaseline ban list` shows what is.")
        await session.delete(found)
        note(session, by, f"SIP from {network} is not dropped any more")
    return network


async def ban_guessers(store: Store, config: Config, guessers: Sequence[str], now: datetime) -> list[SipBan]:
    """Bans addresses that failed too often, each longer than the time before. Returns those that are new."""
    first = timedelta(minutes=config.bans.first_minutes)
    longest = timedelta(hours=config.bans.longest_hours)
    new = []
    async with changing(store) as session:
        own = await _own(session, config)
        for address in guessers:
            if bans.is_spared(address, own):
                _log.warning("somebody of the office or a trunk shows wrong passwords", extra={"address": address})
                continue
            found = await _ban(session, address)
            if found and _is_in_force(found, now):
                continue
            times = found.times if found and found.until and now - found.until < bans.REMEMBERED else 0
            until = now + bans.length(times, first, longest)
            new.append(await _put(session, address, now, until, "wrong SIP passwords", times=times + 1))
            note(session, By(BY, now), f"SIP from {address} is dropped until {until.isoformat(timespec='seconds')}")
        await session.flush()
        in_force = [(ban.until, ban) for ban in await session.scalars(_in_force(now))]
        for ban in bans.ends_first(in_force, MOST):
            await session.delete(ban)
        await session.execute(delete(SipBan).where(SipBan.until < now - bans.REMEMBERED))
    return new


async def _own(session: AsyncSession, config: Config | None = None) -> list[str]:
    """Networks of trunks and of the office."""
    own = [config.sip.local_network] if config and config.sip.local_network else []
    for trunk in await session.scalars(select(Trunk)):
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


async def _ban(session: AsyncSession, network: str) -> SipBan | None:
    return (await session.scalars(select(SipBan).where(SipBan.network == network))).first()


async def _put(
    session: AsyncSession, network: str, since: datetime, until: datetime | None, why: str, times: int = 1
) -> SipBan:
    ban = await _ban(session, network)
    if ban is None:
        ban = SipBan(network=network)
        session.add(ban)
    ban.since, ban.until, ban.why, ban.times = since, until, why, times
    return ban
