"""Checks whether phones can be rung, and whether calls, texts and emergency calls can go out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import emergency
from crm.domain.ringing import DeviceKind
from crm.edge import registrations
from crm.secrets import Secrets, of_trunk
from crm.services.office import agents, locations
from crm.services.office.agents import AgentRecord
from crm.services.outbox import texts
from crm.services.phones import devices, lines, trunks
from crm.services.system.checks.finding import Finding, fault, ok, some, unseen, warn
from crm.services.system.health import Health
from crm.store.models import Call, EmergencyCall, Line, Trunk
from crm.store.queries import agents as agent_queries
from crm.store.queries import calls

UNREAD_FOR = timedelta(days=7)
TESTED_FOR = timedelta(days=365)
"""The carrier's address for a location is known for this long after somebody has dialed 933 there."""
LEAST_DIGITS = 8


async def examine(crm: Crm, health: Health) -> list[Finding]:
    config, store = crm.config, crm.store
    all_trunks = await store.read(trunks.find_all)
    return [
        *_phones(health, await store.read(agents.find_all)),
        *await _encryption(crm),
        *_forwarding(health),
        *_trunks(config, all_trunks, health),
        *await store.read(_unread_numbers, all_trunks, crm.now()),
        *_texts(config, await store.read(texts.ways, config)),
        *await store.read(_uncalled, crm.now()),
        *await store.read(_emergency, await store.read(lines.find_all), all_trunks, crm.now()),
    ]


def _phones(health: Health, people: Sequence[AgentRecord]) -> Iterator[Finding]:
    on_duty = {entry.agent.slug for entry in people if entry.agent.on_duty}
    for device in health.devices:
        if device.dnd and device.dnd_until is None:
            yield warn("devices", f"DND of {device.device} has no end.", "dnd_endless", device=device.device)
        if device.forwards_since:
            yield warn(
                "devices",
                f"{device.device} forwards calls by itself, which counts as declining them.",
                "phone_forwards",
                agent=device.agent,
            )
    if deaf := [device.device for device in health.devices if device.deaf_since]:
        yield warn("devices", f"Registered, but did not ring when last called: {some(deaf)}.", "devices_deaf")
    if not health.asterisk.up:
        return
    ringing = [device.device for device in health.devices if device.up and not device.dnd and device.agent in on_duty]
    down = [
        device.device for device in health.devices if not device.up and not device.is_mobile and device.agent in on_duty
    ]
    if not ringing:
        yield warn(
            "devices", "No phone of any agent on duty can be rung, so every caller gets voicemail.", "nobody_rings"
        )
    else:
        yield ok("devices", f"Can be rung: {some(ringing)}.")
    if ringing and down:
        yield warn("devices", f"Not registered or not answering: {some(down)}.", "devices_silent")


async def _encryption(crm: Crm) -> list[Finding]:
    """Phones that must encrypt but do not. They registered while the app was away, which otherwise ends such
    registrations (ari_app/workers/plain_phones.py). Their calls are refused both ways, as if they were not there."""
    wanted = {device.slug for device in await crm.store.read(devices.find_all) if device.encrypted}
    try:
        found = await asyncio.to_thread(registrations.find_all, crm.config) if wanted else []
    except registrations.UnreadableRegistrations:
        return []
    plain = sorted({one.device for one in found if one.device in wanted and not one.is_encrypted})
    text = f"Registered without TLS, so calls do not reach them: {some(plain)}."
    return [warn("devices", text, "devices_plain")] if plain else []


def _forwarding(health: Health) -> Iterator[Finding]:
    for one in health.forwarding:
        if one.refusal:
            yield warn(
                "forwarding",
                f"Calls are to go to {one.device or 'one number for all'}, which is not dialed: {one.refusal}",
                "forwarding_of_agent_refused" if one.agent else "forwarding_of_office_refused",
                agent=one.agent,
            )
        elif one.agent is None:
            how = "straight, so voicemail there can get callers" if one.straight else "after pressing 1"
            yield warn(
                "forwarding", f"All leasing calls go to {one.number} instead of to the team, {how}.", "office_forwards"
            )
    if on := [one.device for one in health.forwarding if one.device and not one.refusal]:
        yield ok("forwarding", f"Also rung: {', '.join(on)}.")


def _trunks(config: Config, found: Sequence[Trunk], health: Health) -> Iterator[Finding]:
    enabled = [trunk.slug for trunk in found if trunk.enabled]
    if not enabled:
        yield fault("trunks", "There is none in use, so no call can come in.", "trunks_missing")
        return
    secrets = Secrets(config.secrets_file)
    for trunk in found:
        if trunk.enabled and trunk.username and not secrets.has(of_trunk(trunk.slug)):
            yield warn(
                "trunks", f"{trunk.slug} has a user name but no password.", "trunk_without_password", trunk=trunk.slug
            )
    if not health.asterisk.up:
        return
    for one in health.trunks:
        if one.enabled and not one.up:
            yield warn(
                "trunks",
                f"{one.trunk} does not answer SIP OPTIONS ({one.state}), so calls go out through it last.",
                "trunk_silent",
                trunk=one.trunk,
            )
    if answering := [one.trunk for one in health.trunks if one.enabled and one.up]:
        yield ok("trunks", f"Answering: {', '.join(answering)}.")


def _unread_numbers(session: Session, found: Sequence[Trunk], now: datetime) -> Iterator[Finding]:
    """Callers' numbers that are too long for extensions, so that the trunk most likely gives them in another form."""
    known = {trunk.slug for trunk in found}
    for trunk, digits in calls.unread_numbers(session, now - UNREAD_FOR, LEAST_DIGITS):
        if trunk in known:
            yield warn(
                "trunks",
                f"{trunk} gives callers' numbers that cannot be read, such as {digits}.",
                "caller_numbers_unread",
                trunk=trunk,
            )


def _uncalled(session: Session, now: datetime) -> Iterator[Finding]:
    """Lines to which nobody has ever come through: the carrier may send their calls elsewhere."""
    called = select(Call.id).where(Call.line_id == Line.id).exists()
    # Beside calls, a statement finds retired lines as well.
    ours = select(Line.number).where(~called, Line.retired_at.is_(None))
    if silent := session.scalars(ours.order_by(Line.number)).all():
        yield unseen(
            "lines",
            f"Nobody has called {some(silent)} yet, so it is not known whether the carrier sends those calls here.",
            "line_uncalled",
        )
    if line := session.scalar(select(Line.number).where(called).limit(1)):
        yield ok("lines", f"Calls have come in, for example to {line}.")


def _texts(config: Config, ways: Sequence[Trunk]) -> Iterator[Finding]:
    """Whether texts can be sent, and reports about them received."""
    if config.texts.carrier != "sip":
        if not Secrets(config.secrets_file).has(f"texts/{config.texts.carrier}"):
            yield warn(
                "texts",
                f"texts.carrier is {config.texts.carrier}, but its secret is missing.",
                "texts_secret_missing",
                carrier=config.texts.carrier,
            )
        if not config.web.public_url:
            yield warn(
                "texts",
                "web.public_url is empty, so webhooks cannot be checked behind a proxy.",
                "public_url_missing",
                settings=str(config.home / "leaseline.toml"),
            )
    elif ways:
        yield unseen(
            "texts",
            f"They leave through {', then '.join(trunk.slug for trunk in ways)}; over SIP, nobody reports whether they "
            "arrive.",
            "texts_unreported",
        )
    elif config.texts.trunk:
        yield warn(
            "texts",
            f"texts.trunk names {config.texts.trunk}, which is not in use, so no text is sent.",
            "texts_trunk_not_used",
            settings=str(config.home / "leaseline.toml"),
        )


def _emergency(
    session: Session, all_lines: Sequence[Line], all_trunks: Sequence[Trunk], now: datetime
) -> list[Finding]:
    """Whether emergency calls go out, report where they come from, and are noticed by the office."""
    found = []
    phones = [device for device in devices.find_all(session) if device.kind != DeviceKind.MOBILE]
    if without := [device.slug for device in phones if not device.location]:
        found.append(
            fault(
                "emergency",
                f"No location: {some(without)}. An emergency call from there reports the wrong address.",
                "device_without_location",
            )
        )
    enabled = [
        emergency.EmergencyTrunk(trunk.slug, trunk.position, trunk.outbound, trunk.emergency)
        for trunk in all_trunks
        if trunk.enabled
    ]
    ways = emergency.ways_out(enabled)
    if not any(way.outbound or way.emergency for way in enabled):
        found.append(fault("emergency", "There is no trunk for emergency calls.", "emergency_without_trunk"))
    ours = {line.number: line for line in all_lines}
    found += [
        warn(
            "emergency",
            f"The callback number of {entry.location.slug}, {entry.location.callback_number}, is not one of our "
            "lines, so emergency services cannot call the phone back.",
            "callback_not_ours",
            location=entry.location.slug,
        )
        for entry in locations.find_all(session)
        if entry.location.callback_number not in ours
    ]
    found += [
        warn(
            "emergency",
            f"The callback number of {entry.location.slug}, {entry.location.callback_number}, is also a leasing line, "
            "so after an emergency call unknown prospects ring the phone that made it.",
            "callback_advertised",
            location=entry.location.slug,
        )
        for entry in locations.find_all(session)
        if (line := ours.get(entry.location.callback_number)) and (line.source or line.property_id or line.portfolio_id)
    ]
    told = agent_queries.told_of_emergencies(session)
    if not any(agent.email or any(device.number for device in agent.devices) for agent in told):
        found.append(
            warn(
                "emergency",
                "Nobody who is notified of emergency calls has a mobile or an email address.",
                "emergency_untold",
            )
        )
    if not found:
        found.append(ok("emergency", f"Calls go out through {', '.join(ways)}, and every phone has a location."))
    tested = select(EmergencyCall.callback_number).where(
        EmergencyCall.dialled == emergency.TEST, EmergencyCall.started_at > now - TESTED_FOR
    )
    known = set(session.scalars(tested))
    places = [entry.location for entry in locations.find_all(session)]
    if untested := [place.slug for place in places if place.callback_number not in known]:
        found.append(
            unseen(
                "emergency",
                f"Whether the carrier has the address of {some(untested)} cannot be seen from here.",
                "address_untested",
            )
        )
    return found
