"""Forwarding: an agent's calls to their mobile, and all calls of the office to one outside number."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.ringing import DeviceKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents
from crm.services.phones import devices, dialing
from crm.store.models import Agent, Device, Organization
from crm.store.queries import dialing as queries
from crm.store.queries import office
from crm.store.queries.dialing import Wanted

DEFAULT_AFTER_SECONDS = 8
"""Delay of a new mobile after the agent's other phones: time to reach the one on the desk."""


def switch_on(
    session: Session, config: Config, by: By, agent: str, *, to: str | None = None, after_seconds: int | None = None
) -> None:
    """Makes an agent's calls ring their mobile, too. With `to`, the mobile gets this number, or is created with it.

    Raises DialRefused for a number that may not be dialed; Invalid or Conflict if it is unclear which mobile is meant.
    """
    owner = agents.named(session, agent)
    mobiles = _mobiles(owner)
    if to is not None:
        number = dialing.check(session, config, number=to, purpose=DialPurpose.FORWARD, agent=agent)
        if len(mobiles) > 1:
            raise Conflict(f"{agent} has several mobiles, {_named(mobiles)}.", code="mobiles_several", agent=agent)
        if mobiles:
            mobiles[0].number = number
        else:
            mobiles = [_new_mobile(session, owner, number)]
    elif not mobiles:
        raise Invalid(f"{agent} has no mobile.", code="agent_without_mobile", agent=agent)
    else:
        _check_all(session, config, owner, mobiles)
    if after_seconds is not None:
        for mobile in mobiles:
            mobile.rings_after_seconds = devices.checked_after(after_seconds)
    owner.forwarding = True
    audit.record(session, by, f"forwarding of {agent} on, to {_named(mobiles)}")


def switch_off(session: Session, by: By, agent: str) -> None:
    """Stops the agent's mobiles from ringing; their numbers stay."""
    agents.named(session, agent).forwarding = False
    audit.record(session, by, f"forwarding of {agent} off")


def forward_office(session: Session, config: Config, by: By, *, to: str, confirm: bool) -> str:
    """Sends all leasing calls to an outside number, and returns it as E.164. Raises DialRefused, NotFound."""
    found = _organization(session)
    found.forward_to = dialing.check(session, config, number=to, purpose=DialPurpose.OFFICE, agent=None)
    found.forward_confirm = confirm
    audit.record(session, by, f"all calls forwarded to {found.forward_to}, {'after 1' if confirm else 'straight'}")
    return found.forward_to


def end_office(session: Session, by: By) -> None:
    """Sends all leasing calls to the team again. Raises NotFound."""
    _organization(session).forward_to = None
    audit.record(session, by, "all calls to the team again")


def _organization(session: Session) -> Organization:
    found = office.organization(session)
    if found is None:
        raise NotFound("This home has no office yet.", code="office_missing")
    return found


def _check_all(session: Session, config: Config, owner: Agent, mobiles: Sequence[Device]) -> None:
    """Raises DialRefused if none of the numbers may be dialed: forwarding would be on and do nothing."""
    may_dial = owner.dialing == queries.ALLOWED
    wanted = [Wanted(mobile.number or "", DialPurpose.FORWARD, owner.slug, may_dial) for mobile in mobiles]
    refusals = queries.refusals(session, config, wanted)
    if all(refusals):
        raise DialRefused(
            f"{mobiles[0].slug} cannot be rung: {refusals[0]}",
            code="mobile_refused",
            device=mobiles[0].slug,
            reason=refusals[0],
        )


def _new_mobile(session: Session, owner: Agent, number: str) -> Device:
    slug = f"{owner.slug}-mobile"[-40:]
    if session.scalar(select(Device).where(Device.slug == slug)):
        raise Conflict(
            f"There is already a device {slug}, but it is not a mobile of {owner.slug}.",
            code="device_is_not_theirs",
            agent=owner.slug,
            device=slug,
        )
    mobile = Device(slug=slug, agent_id=owner.id, kind=DeviceKind.MOBILE, number=number)
    mobile.rings_after_seconds = DEFAULT_AFTER_SECONDS
    owner.devices.append(mobile)
    return mobile


def _mobiles(agent: Agent) -> list[Device]:
    return [device for device in agent.devices if device.kind == DeviceKind.MOBILE]


def _named(mobiles: Sequence[Device]) -> str:
    return ", ".join(mobile.slug for mobile in mobiles)
