"""Devices: the agents' phones, and their do-not-disturb (DND)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields, ringing
from crm.domain.dialing import DialPurpose
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.ringing import DeviceKind
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, locations, retiring
from crm.services.phones import dialing
from crm.store.models import Agent, Device, EmergencyCall, Leg
from crm.store.queries import names
from crm.store.session import after_commit

KINDS = tuple(kind.value for kind in DeviceKind)
LONGEST_AFTER_SECONDS = 60
"""A mobile that started to ring any later would do so in vain: by then the caller has reached somebody else or gone."""
_BROWSER_ENCRYPTS = "A browser always encrypts, in its own way."


def secret_name(slug: str) -> str:
    """Name of a device's password in the secrets file."""
    return f"device/{slug}"


def find_all(session: Session, agent: str | None = None) -> Sequence[Device]:
    """All devices, or those of an agent, with their agents."""
    wanted = _whole.order_by(Device.slug)
    if agent is not None:
        wanted = wanted.where(Device.agent_id == agents.named(session, agent).id)
    return session.scalars(wanted).all()


def get(session: Session, slug: str) -> Device:
    return named(session, slug)


def must_encrypt(session: Session, slug: str) -> bool:
    """Whether there is such a device and it must use TLS."""
    return bool(session.scalar(select(Device.encrypted).where(Device.slug == slug)))


def add(
    session: Session,
    secrets: Secrets,
    by: By,
    slug: str,
    *,
    agent: str,
    kind: str = "desk",
    location: str | None = None,
    encrypted: bool = False,
) -> None:
    """Adds a phone, and creates its password; mobiles are added by `add_mobile`. `location` is where it is."""
    if kind not in KINDS:
        raise Invalid(
            f"{kind!r} is not a kind of device: use {', '.join(KINDS)}.", code="device_kind_unknown", known=list(KINDS)
        )
    if kind == DeviceKind.MOBILE:
        raise Invalid("A mobile is dialed: it needs a number.", code="mobile_without_number", device=slug)
    if encrypted and kind == DeviceKind.BROWSER:
        raise Invalid(_BROWSER_ENCRYPTS, code="browser_always_encrypts", device=slug)
    _must_be_new(session, slug)
    owner = agents.named(session, agent)
    at = locations.named(session, location) if location else None
    session.add(Device(slug=slug, agent_id=owner.id, kind=kind, location=at, encrypted=encrypted))
    audit.record(session, by, f"device {slug} of {agent} added")
    session.flush()
    # Created before the commit: a password without a device does no harm, a device without a password would.
    secrets.ensure(secret_name(slug))


def add_mobile(
    session: Session, config: Config, by: By, slug: str, *, agent: str, number: str, after_seconds: int = 0
) -> None:
    """Adds a mobile, which has a number and no account. It rings when its agent's forwarding is on.

    Raises DialRefused for a number that may not be dialed.
    """
    _must_be_new(session, slug)
    owner = agents.named(session, agent)
    mobile = Device(slug=slug, agent_id=owner.id, kind=DeviceKind.MOBILE)
    mobile.number = dialing.check(session, config, number=number, purpose=DialPurpose.FORWARD, agent=agent)
    mobile.rings_after_seconds = checked_after(after_seconds)
    session.add(mobile)
    audit.record(session, by, f"device {slug} of {agent} added, number {mobile.number}")


def _must_be_new(session: Session, slug: str) -> None:
    """Raises Conflict for a name that another device has, and Invalid for one that no device can have."""
    if session.scalar(select(Device).where(Device.slug == fields.device_slug(slug))):
        raise Conflict(
            f"There is a device {slug} already: choose another name, or remove it first.",
            code="device_exists",
            device=slug,
        )


def change(
    session: Session,
    config: Config,
    by: By,
    slug: str,
    *,
    number: str | None = None,
    after_seconds: int | None = None,
    whisper: bool | None = None,
    location: str | None = None,
    agent: str | None = None,
    kind: str | None = None,
    encrypted: bool | None = None,
) -> None:
    """Changes what is given; None leaves a field as it is, and an empty location means that it is unknown.

    Only mobiles have a number and a delay, and they have no location. Raises DialRefused for a number that may not be
    dialed; Invalid, NotFound.
    """
    device = named(session, slug)
    is_mobile = device.kind == DeviceKind.MOBILE
    if not is_mobile and (number is not None or after_seconds is not None):
        raise Invalid(
            f"{slug} is not a mobile: only mobiles have a number and ring after other phones.",
            code="device_is_no_mobile",
            device=slug,
        )
    if is_mobile and whisper is not None:
        raise Invalid(
            f"{slug} is a mobile: whoever answers it always hears who is calling, so that voicemail never gets a call.",
            code="mobile_voicemail",
            device=slug,
        )
    if is_mobile and location is not None:
        raise Invalid(
            f"{slug} is a mobile: its own network knows where it is.", code="mobile_has_no_location", device=slug
        )
    if is_mobile and (kind not in (None, DeviceKind.MOBILE) or encrypted is not None):
        raise Invalid(
            f"{slug} is a mobile and has no account: remove it and add a phone instead.",
            code="mobile_has_no_account",
            device=slug,
        )
    if not is_mobile and kind == DeviceKind.MOBILE:
        raise Invalid(
            f"{slug} is a phone with an account: remove it and add a mobile instead.",
            code="phone_has_account",
            device=slug,
        )
    if kind is not None and kind not in KINDS:
        raise Invalid(
            f"{kind!r} is not a kind of device: use {', '.join(KINDS)}.", code="device_kind_unknown", known=list(KINDS)
        )
    if encrypted and (kind or device.kind) == DeviceKind.BROWSER:
        raise Invalid(_BROWSER_ENCRYPTS, code="browser_always_encrypts", device=slug)
    changed = []
    if agent is not None:
        device.agent_id = agents.named(session, agent).id
        changed.append(f"belongs to {agent}")
    if kind is not None:
        device.kind = kind
        device.encrypted = device.encrypted and kind != DeviceKind.BROWSER
        changed.append(f"kind {kind}")
    if encrypted is not None:
        device.encrypted = encrypted
        changed.append("has to encrypt" if encrypted else "need not encrypt")
    if location is not None:
        device.location_id = locations.named(session, location).id if location else None
        changed.append(f"stands at {location or 'no known location'}")
    if number is not None:
        device.number = dialing.check(
            session, config, number=number, purpose=DialPurpose.FORWARD, agent=device.agent.slug
        )
        changed.append(f"number {device.number}")
    if after_seconds is not None:
        device.rings_after_seconds = checked_after(after_seconds)
        changed.append(f"rings after {after_seconds} s")
    if whisper is not None:
        device.whisper = whisper
        changed.append(f"whisper {'on' if whisper else 'off'}")
    audit.record(session, by, f"device {slug} changed: {', '.join(changed)}")


def checked_after(seconds: int) -> int:
    """Checks how long an agent's other phones ring before a mobile does. Raises Invalid."""
    if not 0 <= seconds <= LONGEST_AFTER_SECONDS:
        raise Invalid(
            f"A mobile may ring 0 to {LONGEST_AFTER_SECONDS} seconds after the other phones, not {seconds}.",
            code="mobile_after_seconds",
            longest=LONGEST_AFTER_SECONDS,
        )
    return seconds


def rotate(session: Session, secrets: Secrets, by: By, slug: str) -> str:
    """Gives a phone a new password, and returns its slug; the old one is refused as soon as Asterisk has read the new
    one."""
    device = named(session, slug)
    slug = device.slug
    if device.kind == DeviceKind.MOBILE:
        raise Invalid(
            f"{slug} is a mobile: it is dialed and has no password.", code="mobile_has_no_password", device=slug
        )
    audit.record(session, by, f"password of device {slug} renewed")
    session.flush()
    secrets.renew(secret_name(slug))
    return slug


async def end_registration(config: Config, secrets: Secrets, slug: str) -> bool:
    """Makes a running Asterisk forget a phone's registration. Returns False if Asterisk did not answer, in which case
    the registration expires by itself.

    A new password alone does not do this: Asterisk keeps a registration until it expires (seen on 22.10.1).
    """
    from crm.edge import sip_register  # What reads SIP messages is slow to load, and few commands need it.

    host = "127.0.0.1" if config.sip.bind == "0.0.0.0" else config.sip.bind
    try:
        await sip_register.end_all(host, config.ports.sip, slug, secrets.get(secret_name(slug)))
    except sip_register.RegistrarSilent:
        return False
    return True


def retire(session: Session, secrets: Secrets, by: By, slug: str) -> None:
    """Takes a phone out of use, and its password with it. Who talked on it stays on record, and a new device can have
    its name."""
    device = named(session, slug)
    retiring.retire(session, by, device, f"device {device.slug}")
    secret = secret_name(device.slug)
    after_commit(session, lambda: secrets.remove(secret))


def restore(session: Session, secrets: Secrets, by: By, slug: str) -> Device:
    """Takes the phone back that was retired last under this name; it gets a new password. Raises Conflict if another
    device has the name, or its agent is retired; NotFound."""
    _check_free(session, slug)
    device: Device = retiring.latest(session, Device.slug, fields.slug(slug))
    if device.agent.retired_at:
        owner = device.agent.slug
        raise Conflict(f"Agent {owner}, whose phone it was, is retired.", code="agent_retired", agent=owner)
    if device.location and device.location.retired_at:
        device.location = None
    device.retired_at = None
    audit.record(session, by, f"device {slug} restored")
    session.flush()
    if device.kind != DeviceKind.MOBILE:
        secrets.ensure(secret_name(slug))
    return device


def remove(session: Session, secrets: Secrets, by: By, slug: str) -> None:
    """Deletes a phone that has rung for no call and made none. Raises Conflict, NotFound."""
    device = named(session, slug)
    known = (device.slug, *names.former(session, device))
    calls = select(Leg.id).where(Leg.device.in_(known)).limit(1)
    emergencies = select(EmergencyCall.id).where(EmergencyCall.device.in_(known)).limit(1)
    if session.scalar(calls) or session.scalar(emergencies):
        raise retiring.in_use(f"device {device.slug}")
    session.delete(device)
    audit.record(session, by, f"device {device.slug} deleted")
    secret = secret_name(device.slug)
    after_commit(session, lambda: secrets.remove(secret))


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Device.id).where(Device.slug == fields.device_slug(slug))):
        raise Conflict(f"Device {slug} already exists.", code="device_exists", device=slug)


def set_dnd(session: Session, by: By, slugs: Sequence[str], *, until: datetime | None) -> None:
    """Stops phones from ringing until a time; None: until somebody turns DND off."""
    for slug in slugs:
        device = named(session, slug)
        device.dnd, device.dnd_until = True, until
    end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "without end"
    audit.record(session, by, f"DND of {', '.join(slugs)} on {end}")


def clear_dnd(session: Session, by: By, slugs: Sequence[str]) -> None:
    for slug in slugs:
        device = named(session, slug)
        device.dnd, device.dnd_until = False, None
    audit.record(session, by, f"DND of {', '.join(slugs)} off")


def of_agent(session: Session, agent: str) -> list[str]:
    """Slugs of an agent's devices. Raises NotFound if there are none."""
    slugs = [device.slug for device in find_all(session, agent)]
    if not slugs:
        raise NotFound(f"Agent {agent} has no devices.", code="agent_without_devices", agent=agent)
    return slugs


def has_dnd(device: Device, now: datetime) -> bool:
    return ringing.has_dnd(device.dnd, device.dnd_until, now)


def named(session: Session, slug: str) -> Device:
    found = session.scalar(_whole.where(Device.slug == fields.slug(slug)))
    found = found or names.renamed(session, Device, slug)
    if found is None:
        raise NotFound(f"There is no device {slug}.", code="device_unknown", device=slug)
    return found


_whole = select(Device).options(selectinload(Device.agent).selectinload(Agent.devices), selectinload(Device.location))
