"""Feature codes: carries out the code that was dialed on a phone, for the agent whose phone it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import codes
from crm.domain.codes import Action, DialledCode, FeatureCode
from crm.domain.errors import NotFound
from crm.domain.ringing import DeviceKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents
from crm.services.people import blocking
from crm.services.people.identity import who_is
from crm.services.phones import devices
from crm.store.models import Agent, Device
from crm.store.queries import calls


@dataclass(frozen=True)
class CodeAnswer:
    """What the phone hears, or where its call goes on."""

    say: str = ""
    """A sentence; "": nothing is said."""
    go: tuple[str, ...] = ()
    """Arguments with which the app takes the call, such as pickup and an extension; empty: the call ends."""
    ask_about: str = ""
    """A number (E.164): `say` is a question about it, and the key that answers it comes back with this number."""
    is_change: bool = False
    """Whether something changed that Asterisk's configuration depends on."""


UNKNOWN = CodeAnswer("There is no such code.")


def act(
    session: Session, config: Config, dialled: str, device: str, by: By, *, key: str = "", about: str = ""
) -> CodeAnswer:
    """Carries out a code for the phone it was dialed from. Raises CrmError if that is not possible now.

    `key` answers an earlier question (empty: none was pressed), which was `about` a number.
    """
    found = codes.resolve(as_mapping(config), dialled)
    if found is None:
        return UNKNOWN
    phone = devices.get(session, device)
    agent = phone.agent.slug
    match found.action:
        case Action.VOICEMAIL:
            return CodeAnswer(go=("mailbox", found.extension))
        case Action.PICKUP:
            return CodeAnswer(go=("pickup", found.extension))
        case Action.DND_ON | Action.DND_ON_ALL | Action.DND_HALF_HOUR | Action.DND_HALF_HOUR_ALL:
            return _dnd_on(session, config, by, found, phone)
        case Action.DND_OFF | Action.DND_OFF_ALL:
            return _dnd_off(session, by, found, phone)
        case Action.FORWARDING_ON | Action.FORWARDING_OFF:
            return _forwarding(session, by, agent, on=found.action is Action.FORWARDING_ON)
        case Action.ON_DUTY | Action.OFF_DUTY:
            return _duty(session, config, by, agent, on=found.action is Action.ON_DUTY)
        case Action.LAST_CALLER:
            return _last_caller(session, config, agent)
        case Action.BLOCK_LAST_CALLER:
            return _block(session, config, By(f"{agent}, by phone", by.now), agent, key, about)
        case Action.ECHO:
            # The dialplan does this by itself.
            return CodeAnswer("You hear what you say. Hang up when you have heard enough.", go=("echo",))


def as_mapping(config: Config) -> Mapping[str, str]:
    """The section [codes]: digits by action."""
    return msgspec.structs.asdict(config.codes)


def in_use(config: Config) -> list[FeatureCode]:
    """The codes that phones may dial, or key during a call, as explained to people."""
    in_talk = {name: str(getattr(config.talk, name)) for name in codes.IN_TALK}
    return [*codes.listed(as_mapping(config)), *codes.listed_in_talk(in_talk)]


def _dnd_on(session: Session, config: Config, by: By, dialled: DialledCode, phone: Device) -> CodeAnswer:
    half = dialled.action in (Action.DND_HALF_HOUR, Action.DND_HALF_HOUR_ALL)
    length = codes.HALF_HOUR if half else timedelta(hours=config.dnd.by_phone_hours)
    until = by.now + length if length else None
    every = dialled.action in (Action.DND_ON_ALL, Action.DND_HALF_HOUR_ALL)
    devices.set_dnd(session, by, _meant(session, phone, every=every), until=until)
    end = f"until {codes.when(until, config.tz, by.now)}" if until else "until you turn it off"
    return CodeAnswer(f"Do not disturb is on{' for all of your phones' if every else ''} {end}.", is_change=True)


def _dnd_off(session: Session, by: By, dialled: DialledCode, phone: Device) -> CodeAnswer:
    every = dialled.action is Action.DND_OFF_ALL
    devices.clear_dnd(session, by, _meant(session, phone, every=every))
    return CodeAnswer(f"Do not disturb is off{' for all of your phones' if every else ''}.", is_change=True)


def _meant(session: Session, phone: Device, *, every: bool) -> list[str]:
    return devices.of_agent(session, phone.agent.slug) if every else [phone.slug]


def _forwarding(session: Session, by: By, slug: str, *, on: bool) -> CodeAnswer:
    agent = agents.named(session, slug)
    has_mobile = any(device.kind == DeviceKind.MOBILE and device.number for device in agent.devices)
    if on and not has_mobile:
        return CodeAnswer("You have no mobile to forward to. Please ask for one to be added.")
    agent.forwarding = on
    audit.record(session, by, f"forwarding of {slug} {'on' if on else 'off'}")
    return CodeAnswer("Forwarding is on. Your mobile rings, too." if on else "Forwarding is off.")


def _duty(session: Session, config: Config, by: By, slug: str, *, on: bool) -> CodeAnswer:
    agents.change(session, config, by, slug, on_duty=on)
    if on:
        return CodeAnswer("You are on duty.", is_change=True)
    others = session.scalar(select(func.count()).select_from(Agent).where(Agent.on_duty, Agent.devices.any()))
    warning = "" if others else " Nobody else is on duty, so all callers get voicemail."
    return CodeAnswer(f"You are off duty.{warning}", is_change=True)


def _last_caller(session: Session, config: Config, slug: str) -> CodeAnswer:
    number = calls.last_caller_of(session, slug)
    if number is None:
        raise NotFound("Nobody has called you from outside yet.", code="no_last_caller")
    if not number:
        raise NotFound("The last caller showed no number that can be dialed.", code="last_caller_without_number")
    return CodeAnswer(f"Calling {blocking.shown(who_is(session, number), config)}.", go=("staff", number))


def _block(session: Session, config: Config, by: By, slug: str, key: str, about: str) -> CodeAnswer:
    if about:
        # Only whom the agent heard named is blocked, whoever has called meanwhile.
        pressed = key == blocking.YES
        return CodeAnswer(blocking.block_caller(session, config, by, about) if pressed else "Nobody was blocked.")
    found = blocking.last_caller(session, config, slug, by.now)
    return CodeAnswer(found.say, ask_about=found.number)
