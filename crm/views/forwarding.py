"""Forwarding: agents' calls that also ring their mobiles, and all leasing calls that go to one outside number."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.dialing import DialPurpose
from crm.domain.errors import NotFound
from crm.domain.ringing import DeviceKind, has_dnd
from crm.store.models import Agent, Device
from crm.store.queries import dialing, office
from crm.store.queries.dialing import Wanted
from crm.store.queries.names import id_of


class ForwardedMobile(msgspec.Struct):
    """A mobile of an agent."""

    device: str
    number: str
    """E.164."""
    after_seconds: int
    """How long the agent's other phones ring before it does."""
    dnd: bool
    """Whether do not disturb is on now."""
    refusal: str
    """Why the number may not be dialed now; empty when it may."""


class Personal(msgspec.Struct):
    """Whether an agent's calls ring their mobiles, too."""

    agent: str
    on: bool
    mobiles: list[ForwardedMobile]


class OfficeForwarding(msgspec.Struct):
    """Where all leasing calls go instead of to the team."""

    number: str | None
    """E.164; null: they go to the team."""
    confirm: bool
    """Whether the person who answers has to press 1; otherwise callers are connected at once."""
    refusal: str
    """Why the number may not be dialed now, so that the team rings; empty when it may."""


class Forwarding(msgspec.Struct):
    """What is forwarded."""

    office: OfficeForwarding
    """Where all leasing calls go."""
    agents: list[Personal]
    """Which mobiles ring for whose calls."""


def everything(session: Session, config: Config, now: datetime, agent: str | None = None) -> Forwarding:
    """The office's forwarding, and that of every agent with a mobile, or of one agent. Raises NotFound, Invalid."""
    return Forwarding(of_office(session, config), personal(session, config, now, agent))


def personal(session: Session, config: Config, now: datetime, agent: str | None = None) -> list[Personal]:
    """Every agent with a mobile, by slug; or one agent, with or without a mobile. Raises NotFound, Invalid."""
    people = select(Agent.id, Agent.slug, Agent.forwarding, Agent.dialing).order_by(Agent.slug)
    if agent is not None:
        people = people.where(Agent.id == id_of(Agent.slug, fields.slug(agent)))
    else:
        people = people.where(exists().where(Device.agent_id == Agent.id, Device.kind == DeviceKind.MOBILE))
    found = session.execute(people).all()
    if agent is not None and not found:
        raise NotFound(f"There is no agent {agent}.", code="agent_unknown", agent=agent)
    owners = {row.id: row for row in found}
    mobiles = session.execute(
        select(Device.agent_id, Device.slug, Device.number, Device.rings_after_seconds, Device.dnd, Device.dnd_until)
        .where(Device.agent_id.in_(owners), Device.kind == DeviceKind.MOBILE)
        .order_by(Device.slug)
    ).all()
    wanted = [
        Wanted(
            one.number or "",
            DialPurpose.FORWARD,
            owners[one.agent_id].slug,
            owners[one.agent_id].dialing == dialing.ALLOWED,
        )
        for one in mobiles
    ]
    entries = {row.id: Personal(row.slug, row.forwarding, []) for row in found}
    for one, refusal in zip(mobiles, dialing.refusals(session, config, wanted), strict=True):
        dnd = has_dnd(one.dnd, one.dnd_until, now)
        shown = ForwardedMobile(one.slug, one.number or "", one.rings_after_seconds, dnd, refusal)
        entries[one.agent_id].mobiles.append(shown)
    return list(entries.values())


def of_office(session: Session, config: Config) -> OfficeForwarding:
    """Raises NotFound."""
    found = office.organization(session)
    if found is None:
        raise NotFound("This home has no office yet.", code="office_missing")
    wanted = [Wanted(found.forward_to, DialPurpose.OFFICE)] if found.forward_to else []
    refusal = "".join(dialing.refusals(session, config, wanted))
    return OfficeForwarding(found.forward_to, found.forward_confirm, refusal)
