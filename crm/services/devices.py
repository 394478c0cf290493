"""Devices: the phones of agents, and their do-not-disturb (DND)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.secrets import Secrets
from crm.services import agents
from crm.services.audit import By, changing, note
from crm.store.models import Agent, Device
from crm.store.session import Store

KINDS = ("desk", "softphone", "browser", "mobile")


def secret_name(slug: str) -> str:
    """Where a device's password stands in the secrets file."""
    return f"device/{slug}"


async def find_all(store: Store, agent: str | None = None) -> Sequence[Device]:
    """All devices, or an agent's, with their agent."""
    async with store.read() as session:
        wanted = _whole.order_by(Device.slug)
        if agent is not None:
            wanted = wanted.where(Device.agent_id == (await agents.named(session, agent)).id)
        return (await session.scalars(wanted)).all()


async def get(store: Store, slug: str) -> Device:
    async with store.read() as session:
        return await named(session, slug)


async def add(store: Store, secrets: Secrets, by: By, slug: str, *, agent: str, kind: str = "desk") -> None:
    """Adds a phone and makes its password."""
    if kind not in KINDS:
        raise Invalid(f"{kind!r} is not a kind of device: use {', '.join(KINDS)}.")
    async with changing(store) as session:
        if await session.scalar(select(Device).where(Device.slug == fields.device_slug(slug))):
            raise Conflict(f"There is a device {slug} already: choose another name, or remove it first.")
        owner = await agents.named(session, agent)
        session.add(Device(slug=slug, agent_id=owner.id, kind=kind))
        note(session, by, f"device {slug} of {agent} added")
        await session.flush()
        # Before the commit: a password without its device harms nobody, a device without its password would.
        secrets.ensure(secret_name(slug))


async def remove(store: Store, secrets: Secrets, by: By, slug: str) -> None:
    """Removes a phone and its password, so that a new device of this name starts with a new one."""
    async with changing(store) as session:
        await session.delete(await named(session, slug))
        note(session, by, f"device {slug} removed")
    secrets.remove(secret_name(slug))


async def set_dnd(store: Store, by: By, slugs: Sequence[str], *, until: datetime | None) -> None:
    """Stops phones from ringing until a time; None: until somebody switches it off."""
    async with changing(store) as session:
        for slug in slugs:
            device = await named(session, slug)
            device.dnd, device.dnd_until = True, until
        end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "without end"
        note(session, by, f"DND of {', '.join(slugs)} on {end}")


async def clear_dnd(store: Store, by: By, slugs: Sequence[str]) -> None:
    async with changing(store) as session:
        for slug in slugs:
            device = await named(session, slug)
            device.dnd, device.dnd_until = False, None
        note(session, by, f"DND of {', '.join(slugs)} off")


async def of_agent(store: Store, agent: str) -> list[str]:
    """Short names of an agent's devices; raises NotFound when there are none."""
    slugs = [device.slug for device in await find_all(store, agent)]
    if not slugs:
        raise NotFound(f"Agent {agent} has no devices: add one with `leaseline device add NAME --agent {agent}`.")
    return slugs


def has_dnd(device: Device, now: datetime) -> bool:
    """Whether a device's DND holds at `now`; one whose end has come is over."""
    return device.dnd and (device.dnd_until is None or device.dnd_until > now)


async def named(session: AsyncSession, slug: str) -> Device:
    found = await session.scalar(_whole.where(Device.slug == fields.slug(slug)))
    if found is None:
        raise NotFound(f"There is no device {slug}: `leaseline device list` shows those there are.")
    return found


_whole = select(Device).options(selectinload(Device.agent).selectinload(Agent.devices))
