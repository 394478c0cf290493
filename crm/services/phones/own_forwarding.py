"""Phones whose own "forward" key is on: nothing follows it, and the phone's owner is notified once until it is off."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain.calls import DialStatus, Fact, LegEnded
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.models import Agent, Device
from crm.store.snapshot import Snapshot
from crm.words import notices as words

_log = logging.getLogger(__name__)


def learn(
    session: Session, config: Config, office: Snapshot, facts: Sequence[Fact], devices: Mapping[str, str], now: datetime
) -> None:
    """Records which phones forward, as their legs' ends show, and notifies people when one begins to, in the caller's
    transaction. `devices` are the legs' devices by leg id."""
    ended = [(fact, slug) for fact in facts if isinstance(fact, LegEnded) and (slug := devices.get(fact.leg_id))]
    forwarding = set(office.forwarding)
    for fact, slug in ended:
        if fact.forwards:
            _forwards(session, config, slug, now)
            forwarding.add(slug)
        elif fact.status is DialStatus.ANSWER and slug in forwarding:
            _answers(session, slug)


def _forwards(session: Session, config: Config, slug: str, now: datetime) -> None:
    whose = selectinload(Device.agent).selectinload(Agent.devices)
    device = session.scalar(select(Device).where(Device.slug == slug).options(whose))
    if device is None or device.forwards_since is not None:
        return
    device.forwards_since = now
    agent = device.agent
    can_be_told = agent.email or any(one.number for one in agent.devices)
    notices.tell(
        session,
        config,
        [agent if can_be_told else owners.admin(session)],
        f"forwards:{slug}:{now.isoformat()}",
        f"{slug} forwards its calls",
        f"The phone {slug} is set to forward calls by itself. Leaseline does not follow that, so every call counts as "
        f"declined there. Turn it off on the phone. {words.more('phone_forwards', agent=agent.slug)}",
        now,
    )
    _log.warning("a phone forwards its calls by itself", extra={"device": slug})


def _answers(session: Session, slug: str) -> None:
    found = select(Device).where(Device.slug == slug, Device.forwards_since.is_not(None))
    if device := session.scalar(found):
        device.forwards_since = None
