"""Phones in browsers: which device a page is, and the password it signs with instead of the device's own."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.domain import fields
from crm.domain.errors import Conflict
from crm.domain.ringing import DeviceKind
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, locations
from crm.services.phones import devices
from crm.services.phones.devices import secret_name
from crm.store.models import Agent, Device

MOST = 6
"""Browsers of one agent that have a device each."""
SUFFIXES = {False: "web", True: "app"}
"""How the devices of pages and of installed apps are named: alice-web, alice-app."""
KEY = "console"
"""Name of the key in the secrets file from which the passwords of sessions are derived."""


@dataclass(frozen=True)
class BrowserDevice:
    """The device that a page is."""

    slug: str
    is_new: bool
    """Whether Asterisk has to be told of it first."""
    location: str | None
    """Slug; None: nobody has said where it is."""
    is_located: bool
    """Whether the person has said where they are since they came to this network."""


def of_agent(session: Session, agent: str) -> list[Device]:
    """An agent's browsers, the oldest first."""
    found = select(Device).join(Agent).where(Agent.slug == agent, Device.kind == DeviceKind.BROWSER)
    return list(session.scalars(found.options(selectinload(Device.location)).order_by(Device.id)))


def belongs_to(session: Session, slug: str, agent: str) -> bool:
    """Whether the device is one of this agent's browsers."""
    return any(device.slug == slug for device in of_agent(session, agent))


def choose(
    session: Session, secrets: Secrets, by: By, agent: str, *, wanted: str = "", is_app: bool = False, network: str = ""
) -> BrowserDevice:
    """The device for a page of this agent's: the one it had before (`wanted`), or one of its sort, which is made if
    there is none. `network` is where the page comes from.

    Raises NotFound.
    """
    found = of_agent(session, agent)
    suffix = SUFFIXES[is_app]
    device = next((one for one in found if one.slug == wanted), None)
    device = device or next((one for one in found if one.slug.rstrip("0123456789-").endswith(f"-{suffix}")), None)
    if device is None and not is_app and found:
        others = f"-{SUFFIXES[True]}"
        device = next((one for one in found if not one.slug.rstrip("0123456789-").endswith(others)), None)
    if device is not None:
        return _chosen(device, network, is_new=False)
    if len(found) >= MOST:
        return _chosen(found[0], network, is_new=False)
    slug = _free_slug(session, agents.named(session, agent).slug, suffix)
    devices.add(session, secrets, by, slug, agent=agent, kind=DeviceKind.BROWSER)
    return BrowserDevice(slug, is_new=True, location=None, is_located=False)


def locate(session: Session, by: By, slug: str, location: str | None, network: str) -> None:
    """Records where the person with this browser is, who comes from `network`; None: at no place that is known, so that
    an emergency call has no address. Raises NotFound."""
    device = devices.named(session, slug)
    at = locations.named(session, location) if location else None
    device.location, device.located_from = at, network
    audit.record(session, by, f"device {slug} is at {location or 'no known location'}")


def session_password(secrets: Secrets, session_id: int, device: str) -> str:
    """What the page of a session signs its SIP with. It is good for nothing but our own door (crm/edge/sip_door.py),
    and there only as long as the session is."""
    key = secrets.ensure(KEY)
    return hmac.new(key.encode(), f"phone:{session_id}:{device}".encode(), hashlib.sha256).hexdigest()


def device_password(secrets: Secrets, device: str) -> str:
    return secrets.get(secret_name(device))


def _chosen(device: Device, network: str, *, is_new: bool) -> BrowserDevice:
    return BrowserDevice(
        device.slug,
        is_new,
        device.location.slug if device.location else None,
        is_located=device.located_from is not None and device.located_from == network,
    )


def _free_slug(session: Session, agent: str, suffix: str) -> str:
    for number in range(1, 100):
        end = f"-{suffix}" if number == 1 else f"-{suffix}-{number}"
        slug = fields.device_slug(agent[: 40 - len(end)] + end)
        if session.scalar(select(Device.id).where(Device.slug == slug)) is None:
            return slug
    raise Conflict("This agent has too many devices: remove some.", code="devices_too_many", agent=agent)
