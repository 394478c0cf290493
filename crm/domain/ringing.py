"""Ringing a stage of a plan: who is reachable when it begins, and in which batches they ring. Pure decisions.

The plan (`crm.domain.routing`) names agents; who is reachable is asked anew when a stage begins, because phones change
while others ring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from crm.domain.hours import Schedule


class DeviceKind(StrEnum):
    """Kinds of phones that agents have."""

    DESK = "desk"
    SOFTPHONE = "softphone"
    BROWSER = "browser"
    MOBILE = "mobile"
    """An outside number. The others register with us."""


def has_dnd(is_set: bool, until: datetime | None, now: datetime) -> bool:
    """Whether do not disturb is in force; it is over once its end has come."""
    return is_set and (until is None or now < until)


class Strategy(StrEnum):
    """How the agents of one stage ring."""

    RING_ALL = "ring_all"
    """All at once; the first answer wins."""
    ROUND_ROBIN = "round_robin"
    """One agent after the other, the longest idle first."""


class StageName(StrEnum):
    EMERGENCY = "emergency"
    """The phone that has called the emergency service, and those around it."""
    OFFICE = "office"
    """The outside number that all leasing calls are forwarded to."""
    AGENT = "agent"
    SUBTEAM = "subteam"
    SISTERS = "sisters"
    """Subteams that help out when the property's own has nobody free."""
    EVERYONE = "everyone"
    ANSWERING = "answering"
    """An answering service outside."""
    DESK = "desk"
    """The desk that residents, owners and vendors are put through to."""
    QUEUE = "queue"
    """Agents who have become free, for the caller who has waited longest."""


@dataclass(frozen=True)
class Phone:
    """A phone that is registered with us, and its agent; slugs."""

    device: str
    agent: str
    confirm: bool = False
    """Whoever answers hears who is calling, and is connected only by a digit."""


@dataclass(frozen=True)
class OutsideNumber:
    """A number dialed through a trunk that is no agent's, such as the one that all calls are forwarded to."""

    number: str
    """E.164."""
    confirm: bool = True


@dataclass(frozen=True)
class Mobile(OutsideNumber):
    """An agent's mobile; slugs. Asks for a digit, or the mobile's own voicemail would get the caller."""

    device: str = field(kw_only=True)
    agent: str = field(kw_only=True)
    after_seconds: float = field(default=0, kw_only=True)
    """How long the agent's other phones ring before this one."""


@dataclass(frozen=True)
class DeviceAvailability:
    slug: str
    dnd: bool = False
    dnd_until: datetime | None = None
    """When DND ends by itself; None with dnd set: when it is switched off."""
    online: bool = True
    """Registered, and answers SIP qualify."""
    on_call: bool = False
    is_mobile: bool = False
    number: str | None = None
    """E.164 of a mobile."""
    rings_after_seconds: float = 0
    whisper: bool = False
    """Whoever answers has to press 1, as on a mobile."""

    def has_dnd(self, now: datetime) -> bool:
        return has_dnd(self.dnd, self.dnd_until, now)


@dataclass(frozen=True)
class AgentAvailability:
    slug: str
    on_duty: bool = True
    last_talk_ended_at: datetime | None = None
    devices: tuple[DeviceAvailability, ...] = ()
    forwarding: bool = False
    """Their mobiles ring, too."""
    hours: Schedule | None = None
    """Their own week; None: they answer whenever they are on duty and the office is open."""

    def is_at_work(self, now: datetime) -> bool:
        """On duty, and within their own hours if they have some."""
        return self.on_duty and (self.hours is None or self.hours.is_open(now))

    def may_ring(self, now: datetime) -> bool:
        """At work, and with a phone that has no DND. Whether it is online or in a talk is found out when it rings."""
        return self.is_at_work(now) and any(not device.has_dnd(now) for device in self.devices)

    def answers_after_hours(self, now: datetime, *, holiday: bool) -> bool:
        """On duty now by their own hours, although the office is closed.

        A weekly habit says nothing of a holiday: then only who answers at all hours is meant.
        """
        if self.hours is None or not self.is_at_work(now):
            return False
        return not holiday or self.hours.covers_whole_week

    @property
    def is_on_call(self) -> bool:
        """On any of their phones: nobody is rung while they talk on another device."""
        return any(device.on_call for device in self.devices)

    def reachable_devices(self, now: datetime) -> tuple[Phone | Mobile, ...]:
        """The phones that may ring for this agent now; none when not at work, or on a call.

        A mobile waits for the phones in front of it, if there is one that can ring.
        """
        if not self.is_at_work(now) or self.is_on_call:
            return ()
        usable = self._usable(now)
        phones = [Phone(device.slug, self.slug, device.whisper) for device in usable if not device.is_mobile]
        mobiles = [
            Mobile(
                device.number,
                device=device.slug,
                agent=self.slug,
                after_seconds=device.rings_after_seconds if phones else 0,
            )
            for device in usable
            if device.is_mobile and device.number and self.forwarding
        ]
        return (*phones, *mobiles)

    def free_phones(self, now: datetime) -> tuple[Phone, ...]:
        """Where colleagues reach this agent now, at work or not, without being asked whether they take it."""
        if self.is_on_call:
            return ()
        return tuple(Phone(device.slug, self.slug) for device in self._usable(now) if not device.is_mobile)

    def _usable(self, now: datetime) -> list[DeviceAvailability]:
        return [device for device in self.devices if device.online and not device.has_dnd(now)]


@dataclass(frozen=True)
class RingStage:
    """A group that rings for `seconds`."""

    name: StageName
    agents: tuple[str, ...]
    seconds: float
    strategy: Strategy = Strategy.RING_ALL
    forward: OutsideNumber | None = None
    """The outside number that rings in place of agents."""
    phone: Phone | None = None
    """A phone that rings first whatever its state, even on DND; nobody presses a key on one of ours in this stage."""


def who_to_ring(
    stage: RingStage, availability: Iterable[AgentAvailability], now: datetime, caller: str | None = None
) -> Sequence[Sequence[Phone | OutsideNumber]]:
    """What rings in a stage, in batches: each batch rings together, one after the other. No batch: skip the stage."""
    if stage.forward:
        return [[stage.forward]]
    turns = whose_turn(stage, availability, now, caller)
    if stage.phone is None:
        return turns
    others = (one for turn in turns for one in turn)
    beside = [replace(one, confirm=False) if isinstance(one, Phone) else one for one in others]
    return [[stage.phone, *(one for one in beside if not isinstance(one, Phone) or one.device != stage.phone.device)]]


def whose_turn(
    stage: RingStage, availability: Iterable[AgentAvailability], now: datetime, caller: str | None = None
) -> list[list[Phone | Mobile]]:
    """The phones of a stage's agents, in batches. A mobile is not rung for a call that comes from it."""
    agents = [agent for agent in by_idleness(availability) if agent.slug in stage.agents]
    phones = [
        [one for one in agent.reachable_devices(now) if isinstance(one, Phone) or one.number != caller]
        for agent in agents
    ]
    batches = [devices for devices in phones if devices]
    if stage.strategy is Strategy.ROUND_ROBIN or not batches:
        return batches
    return [[device for batch in batches for device in batch]]


def ringing_seconds(batch: Iterable[Phone | OutsideNumber], seconds: float, mobile_seconds: float) -> float:
    """How long a batch rings: as long as it is to, and until every mobile in it has rung for `mobile_seconds`.

    A telephone network takes seconds to make a mobile ring; what is left of a short stage would be no chance.
    """
    return max([seconds, *(one.after_seconds + mobile_seconds for one in batch if isinstance(one, Mobile))])


def by_idleness(agents: Iterable[AgentAvailability]) -> list[AgentAvailability]:
    """Ordered by the longest time since their last talk; agents who have had none come first, equals by slug."""
    return sorted(
        agents,
        key=lambda agent: (
            agent.last_talk_ended_at is not None,
            agent.last_talk_ended_at.timestamp() if agent.last_talk_ended_at else 0.0,
            agent.slug,
        ),
    )
