"""Forwarding: an agent's calls to their mobile, and all calls of the office to one number outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain.dialing import Purpose, Refused
from crm.domain.errors import Conflict, Invalid
from crm.services.audit import By, changing, note
from crm.services.office import agents
from crm.services.phones import devices, dialing
from crm.store.models import Agent, Device, Organization
from crm.store.queries import office
from crm.store.session import Store

DEFAULT_AFTER_SECONDS = 8
"""A new mobile rings so long after the agent's other phones: time to reach the one on the desk."""


@dataclass(frozen=True)
class Mobile:
    """A mobile of an agent."""

    device: str
    number: str
    """E.164."""
    after_seconds: int
    """So long the agent's other phones ring before it."""
    dnd: bool
    """Do not disturb is on at this moment."""
    refusal: str
    """Why the number may not be dialled now; empty when it may."""


@dataclass(frozen=True)
class Personal:
    """Whether an agent's calls ring their mobiles, too."""

    agent: str
    on: bool
    mobiles: tuple[Mobile, ...]


@dataclass(frozen=True)
class OfficeForwarding:
    """Where all leasing calls go instead of to the team."""

    number: str | None
    """E.164; null: they go to the team."""
    confirm: bool
    """Who answers there presses 1; else they have the caller at once."""
    refusal: str
    """Why the number may not be dialled now, so that the team rings; empty when it may."""


async def personal(store: Store, config: Config, now: datetime, agent: str | None = None) -> list[Personal]:
    """Every agent who has a mobile, or one agent, whatever they have."""
    async with store.read() as session:
        if agent is not None:
            found: Sequence[Agent] = [await agents.named(session, agent)]
        else:
            with_mobile = select(Agent).join(Device).where(Device.kind == devices.MOBILE).distinct()
            slugs = [one.slug for one in await session.scalars(with_mobile.order_by(Agent.slug))]
            found = [await agents.named(session, slug) for slug in slugs]
        return [await _personal(session, config, one, now) for one in found]


async def switch_on(
    store: Store, config: Config, by: By, agent: str, *, to: str | None = None, after_seconds: int | None = None
) -> Personal:
    """Lets an agent's calls ring their mobile, too. With `to` the mobile gets this number, or is made with it.

    Raises Refused for a number that may not be dialled, and Invalid or Conflict when it is not clear which is meant.
    """
    async with changing(store) as session:
        owner = await agents.named(session, agent)
        mobiles = _mobiles(owner)
        if to is not None:
            number = await dialing.check_in(session, config, number=to, purpose=Purpose.FORWARD, agent=agent)
            if len(mobiles) > 1:
                raise Conflict(
                    f"{agent} has several mobiles, {_named(mobiles)}: "
                    "change one with `leaseline device set NAME --number`."
                )
            if mobiles:
                mobiles[0].number = number
            else:
                mobiles = [await _new_mobile(session, owner, number)]
        elif not mobiles:
            raise Invalid(
                f"{agent} has no mobile: give its number with `leaseline forward on --agent {agent} --to NUMBER`."
            )
        else:
            await _check_all(session, config, agent, mobiles)
        if after_seconds is not None:
            for mobile in mobiles:
                mobile.rings_after_seconds = devices.checked_after(after_seconds)
        owner.forwarding = True
        note(session, by, f"forwarding of {agent} on, to {_named(mobiles)}")
        await session.flush()
        return await _personal(session, config, owner, by.now)


async def switch_off(store: Store, by: By, agent: str) -> None:
    """The agent's mobiles ring no longer; their numbers stay."""
    async with changing(store) as session:
        (await agents.named(session, agent)).forwarding = False
        note(session, by, f"forwarding of {agent} off")


async def of_office(store: Store, config: Config) -> OfficeForwarding:
    async with store.read() as session:
        found = await _organization(session)
        refusal = ""
        if found.forward_to:
            refusal = await _refusal(session, config, found.forward_to, Purpose.OFFICE, None)
        return OfficeForwarding(found.forward_to, found.forward_confirm, refusal)


async def forward_office(store: Store, config: Config, by: By, *, to: str, confirm: bool) -> str:
    """Sends all leasing calls to a number outside; returns it as E.164. Raises Refused."""
    async with changing(store) as session:
        found = await _organization(session)
        found.forward_to = await dialing.check_in(session, config, number=to, purpose=Purpose.OFFICE, agent=None)
        found.forward_confirm = confirm
        note(session, by, f"all calls forwarded to {found.forward_to}, {'after 1' if confirm else 'straight'}")
        return found.forward_to


async def end_office(store: Store, by: By) -> None:
    """All leasing calls go to the team again."""
    async with changing(store) as session:
        (await _organization(session)).forward_to = None
        note(session, by, "all calls to the team again")


async def _organization(session: AsyncSession) -> Organization:
    found = await office.organization(session)
    if found is None:
        raise Invalid("There is no office yet: make one with `leaseline init`.")
    return found


async def _personal(session: AsyncSession, config: Config, agent: Agent, now: datetime) -> Personal:
    mobiles = [
        Mobile(
            mobile.slug,
            mobile.number or "",
            mobile.rings_after_seconds,
            devices.has_dnd(mobile, now),
            await _refusal(session, config, mobile.number or "", Purpose.FORWARD, agent.slug),
        )
        for mobile in _mobiles(agent)
    ]
    return Personal(agent.slug, agent.forwarding, tuple(mobiles))


async def _refusal(session: AsyncSession, config: Config, number: str, purpose: Purpose, agent: str | None) -> str:
    try:
        await dialing.check_in(session, config, number=number, purpose=purpose, agent=agent)
    except Refused as refused:
        return str(refused)
    return ""


async def _check_all(session: AsyncSession, config: Config, agent: str, mobiles: Sequence[Device]) -> None:
    """Raises Refused when none of the numbers may be dialled: forwarding would be on and do nothing."""
    refusals = [await _refusal(session, config, mobile.number or "", Purpose.FORWARD, agent) for mobile in mobiles]
    if all(refusals):
        raise Refused(f"{mobiles[0].slug} cannot be rung: {refusals[0]}")


async def _new_mobile(session: AsyncSession, owner: Agent, number: str) -> Device:
    slug = f"{owner.slug}-mobile"[-40:]
    if await session.scalar(select(Device).where(Device.slug == slug)):
        raise Conflict(
            f"There is a device {slug} already, which is no mobile of {owner.slug}: add one by another name with "
            f"`leaseline device add NAME --agent {owner.slug} --kind mobile --number NUMBER`."
        )
    mobile = Device(slug=slug, agent_id=owner.id, kind=devices.MOBILE, number=number)
    mobile.rings_after_seconds = DEFAULT_AFTER_SECONDS
    owner.devices.append(mobile)
    return mobile


def _mobiles(agent: Agent) -> list[Device]:
    return [device for device in agent.devices if device.kind == devices.MOBILE]


def _named(mobiles: Sequence[Device]) -> str:
    return ", ".join(mobile.slug for mobile in mobiles)
