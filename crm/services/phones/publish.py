"""Writes Asterisk's configuration as the office is now: accounts, trunks, and who to ring when the app is away."""

from __future__ import annotations

import asyncio
import fcntl
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from ari_app.edge import ami
from ari_app.edge.errors import AsteriskUnreachable, PhoneError
from asterisk_conf import certificate, programs
from asterisk_conf.render import RELOADS, OfficeSetup, Passwords, Peer, PhoneAccount, render
from crm.config import Config
from crm.context import Crm
from crm.domain import emergency
from crm.domain.dialing import LOOPBACK_TRUNK
from crm.domain.hours import Schedule
from crm.domain.ringing import DeviceKind, has_dnd
from crm.secrets import Secrets, of_trunk
from crm.services.office import hours
from crm.services.phones import bans, capacity, devices, emergencies
from crm.store.models import Agent, Device, Line, Location, Trunk

WINDOW_DAYS = 14
"""Opening hours are written for this many days, for when the app is away; the app renews them every day."""


@dataclass(frozen=True)
class Published:
    """What was done."""

    changed: frozenset[str]
    """Names of the configuration files that changed."""
    reloaded: bool
    """Whether a running Asterisk has read them."""
    text: str = ""
    """A sentence for whoever made the change; "" if there is nothing to say."""


async def publish(crm: Crm) -> Published:
    """Renders the configuration from the database, and makes a running Asterisk read what changed.

    It does not matter if Asterisk is not running: it reads everything when it starts. Only one process publishes at a
    time, so that nothing read before a change is written after it.
    """
    folder = crm.config.run_folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "publish.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        return await _publish(crm)


async def _publish(crm: Crm) -> Published:
    config, secrets, now = crm.config, crm.secrets, crm.now()
    office = await crm.store.read(_office, config, secrets, now)
    passwords = Passwords(
        ari=secrets.ensure("ari"),
        ami=secrets.ensure("ami"),
        agi=secrets.ensure("agi"),
        watch=secrets.ensure("ami_watch"),
        hep=secrets.ensure("hep"),
    )
    await asyncio.to_thread(certificate.ensure, config, now)
    changed = frozenset(render(config, programs.asterisk_dirs(), passwords, office))
    modules = [module for file, module in RELOADS.items() if file in changed]
    if not modules:
        return Published(changed, reloaded=False)
    try:
        await ami.reload(config.ports.ami, passwords.ami, modules)
    except AsteriskUnreachable:
        return Published(changed, reloaded=False)
    except PhoneError as error:
        return Published(changed, reloaded=False, text=f"Saved, but Asterisk has not read it yet: {error}.")
    return Published(changed, reloaded=True)


def _office(session: Session, config: Config, secrets: Secrets, now: datetime) -> OfficeSetup:
    with_phones = selectinload(Agent.devices).selectinload(Device.location)
    agents = session.scalars(select(Agent).options(with_phones).order_by(Agent.slug)).all()
    trunks = session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.slug)).all()
    callbacks = session.scalars(select(Location.callback_number).order_by(Location.id)).all()
    numbers = session.scalars(select(Line.number).order_by(Line.id)).all()
    banned = bans.addresses(session, config, now)
    schedule = hours.schedule(session, config)
    phones = [
        PhoneAccount(
            device=device.slug,
            secret=secrets.ensure(devices.secret_name(device.slug)),
            name=agent.name,
            extension=agent.extension,
            on_duty=agent.on_duty,
            dnd_until=_dnd_until(device.dnd, device.dnd_until, now),
            callback_number=device.location.callback_number if device.location else "",
            address=device.location.address if device.location else "",
            encrypted=device.encrypted,
            browser=device.kind == DeviceKind.BROWSER,
            agent=agent.slug,
        )
        for agent in agents
        for device in agent.devices
        if device.kind != DeviceKind.MOBILE  # A mobile has no SIP account; it is dialed through a trunk.
    ]
    slugs = {phone.device for phone in phones}
    return OfficeSetup(
        phones=tuple(phones),
        peers=tuple(_peer(trunk, secrets) for trunk in trunks),
        extensions=tuple(
            (agent.extension, tuple(device.slug for device in agent.devices if device.slug in slugs))
            for agent in agents
            if agent.extension
        ),
        open_windows=_windows(schedule, now),
        window_days=WINDOW_DAYS,
        windows_end=int((_day(now) + timedelta(days=WINDOW_DAYS)).timestamp()),
        emergency_trunks=emergency.ways_out(
            emergency.EmergencyTrunk(trunk.slug, trunk.position, trunk.outbound, trunk.emergency)
            for trunk in trunks
            if trunk.slug != LOOPBACK_TRUNK
        ),
        bans=tuple(banned),
        callers=capacity.room(config, phones=len(phones)).callers,
        emergency_callback=emergency.office_number(callbacks, numbers),
        acknowledged=tuple(
            (number.removeprefix("+")[-10:], int(at.timestamp()))
            for number, at in emergencies.acknowledged(session, config, now)
        ),
    )


def _dnd_until(dnd: bool, until: datetime | None, now: datetime) -> int | str | None:
    if not has_dnd(dnd, until, now):
        return None
    return "forever" if until is None else int(until.timestamp())


def _windows(schedule: Schedule, now: datetime) -> tuple[tuple[int, int], ...] | None:
    if schedule.always_open:
        return None
    return tuple(
        (int(opens.timestamp()), int(closes.timestamp())) for opens, closes in schedule.windows(_day(now), WINDOW_DAYS)
    )


def _day(now: datetime) -> datetime:
    """Midnight, so that the configuration stays the same all day and is not reloaded needlessly."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _peer(trunk: Trunk, secrets: Secrets) -> Peer:
    name = of_trunk(trunk.slug)
    return Peer(
        name=trunk.slug,
        host=trunk.host,
        port=trunk.port,
        transport=trunk.transport,
        addresses=tuple(trunk.addresses),
        digest=trunk.auth == "digest",
        username=trunk.username,
        secret=secrets.get(name) if secrets.has(name) else "",
        register=trunk.register,
        caller_format=trunk.caller_format,
    )
