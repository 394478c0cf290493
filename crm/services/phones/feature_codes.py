"""Feature codes, carried out: one code dialled on a phone is one act of the agent whose phone it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import func, select

from crm.config import Config
from crm.domain import codes
from crm.domain.codes import Action, Dialled, FeatureCode
from crm.domain.errors import NotFound
from crm.services.audit import By, changing, note
from crm.services.office import agents
from crm.services.people import blocking
from crm.services.phones import devices
from crm.store.models import Agent, Device
from crm.store.queries import calls
from crm.store.session import Store


@dataclass(frozen=True)
class Answer:
    """What the phone gets to hear, or where its call goes on."""

    say: str = ""
    """A sentence; empty: nothing is said."""
    go: tuple[str, ...] = ()
    """Arguments with which the app takes the call, such as pickup and an extension; empty: it ends here."""
    is_change: bool = False
    """Something was changed that Asterisk's configuration shows."""


UNKNOWN = Answer("There is no such code.")


async def act(store: Store, config: Config, dialled: str, device: str, by: By) -> Answer:
    """Does what a code means for the phone it was dialled from. Raises CrmError when that cannot be done now."""
    found = codes.resolve(as_mapping(config), dialled)
    if found is None:
        return UNKNOWN
    phone = await devices.get(store, device)
    agent = phone.agent.slug
    match found.action:
        case Action.VOICEMAIL:
            return Answer(go=("mailbox", found.extension))
        case Action.PICKUP:
            return Answer(go=("pickup", found.extension))
        case Action.DND_ON | Action.DND_ON_ALL | Action.DND_HALF_HOUR | Action.DND_HALF_HOUR_ALL:
            return await _dnd_on(store, config, by, found, phone)
        case Action.DND_OFF | Action.DND_OFF_ALL:
            return await _dnd_off(store, by, found, phone)
        case Action.FORWARDING_ON | Action.FORWARDING_OFF:
            return await _forwarding(store, by, agent, on=found.action is Action.FORWARDING_ON)
        case Action.ON_DUTY | Action.OFF_DUTY:
            return await _duty(store, by, agent, on=found.action is Action.ON_DUTY)
        case Action.LAST_CALLER:
            return await _last_caller(store, agent)
        case Action.BLOCK_LAST_CALLER:
            return Answer(await blocking.block_last_caller(store, by, agent))


def as_mapping(config: Config) -> Mapping[str, str]:
    """The section [codes]: the digits by action."""
    return msgspec.structs.asdict(config.codes)


def in_use(config: Config) -> list[FeatureCode]:
    """The codes that phones may dial, or key in a talk, as people are told of them."""
    in_talk = {name: str(getattr(config.talk, name)) for name in codes.IN_TALK}
    return [*codes.listed(as_mapping(config)), *codes.listed_in_talk(in_talk)]


async def _dnd_on(store: Store, config: Config, by: By, dialled: Dialled, phone: Device) -> Answer:
    half = dialled.action in (Action.DND_HALF_HOUR, Action.DND_HALF_HOUR_ALL)
    length = codes.HALF_HOUR if half else timedelta(hours=config.dnd.by_phone_hours)
    until = by.now + length if length else None
    every = dialled.action in (Action.DND_ON_ALL, Action.DND_HALF_HOUR_ALL)
    await devices.set_dnd(store, by, await _meant(store, phone, every=every), until=until)
    end = f"until {codes.when(until, config.tz, by.now)}" if until else "until you switch it off"
    return Answer(f"Do not disturb is on{' for all of your phones' if every else ''} {end}.", is_change=True)


async def _dnd_off(store: Store, by: By, dialled: Dialled, phone: Device) -> Answer:
    every = dialled.action is Action.DND_OFF_ALL
    await devices.clear_dnd(store, by, await _meant(store, phone, every=every))
    return Answer(f"Do not disturb is off{' for all of your phones' if every else ''}.", is_change=True)


async def _meant(store: Store, phone: Device, *, every: bool) -> list[str]:
    return await devices.of_agent(store, phone.agent.slug) if every else [phone.slug]


async def _forwarding(store: Store, by: By, slug: str, *, on: bool) -> Answer:
    async with changing(store) as session:
        agent = await agents.named(session, slug)
        has_mobile = any(device.kind == "mobile" and device.number for device in agent.devices)
        if on and not has_mobile:
            return Answer("You have no mobile to forward to. Please ask for one to be added.")
        agent.forwarding = on
        note(session, by, f"forwarding of {slug} {'on' if on else 'off'}")
    return Answer("Forwarding is on. Your mobile rings, too." if on else "Forwarding is off.")


async def _duty(store: Store, by: By, slug: str, *, on: bool) -> Answer:
    await agents.change(store, by, slug, on_duty=on)
    if on:
        return Answer("You are on duty.", is_change=True)
    async with store.read() as session:
        others = await session.scalar(select(func.count()).select_from(Agent).where(Agent.on_duty, Agent.devices.any()))
    warning = "" if others else " Nobody else is on duty, so all callers get voicemail."
    return Answer(f"You are off duty.{warning}", is_change=True)


async def _last_caller(store: Store, slug: str) -> Answer:
    async with store.read() as session:
        number = await calls.last_caller_of(session, slug)
    if number is None:
        raise NotFound("Nobody has called you from outside yet.")
    return Answer(f"Calling {number} back.", go=("staff", number))
