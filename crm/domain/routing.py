"""Whom a call rings: the plan when it comes in, and who is reachable when a stage begins. Pure decisions.

The plan names agents; who is reachable is asked anew when a stage begins, because phones change while others ring.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Strategy(StrEnum):
    """How the agents of one stage ring."""

    RING_ALL = "ring_all"
    """All at once; the first answer wins."""
    ROUND_ROBIN = "round_robin"
    """One agent after the other, who has waited longest for a talk first."""


class StageName(StrEnum):
    OFFICE = "office"
    """The number outside that all leasing calls are forwarded to."""
    AGENT = "agent"
    SUBTEAM = "subteam"
    EVERYONE = "everyone"


class Rule(StrEnum):
    """What decided the plan."""

    UNKNOWN_LINE = "unknown_line"
    CLOSED = "closed"
    OFFICE_FORWARD = "office_forward"
    """All leasing calls go to one number outside."""
    ASSIGNED_AGENT = "assigned_agent"
    SUBTEAM = "subteam"
    EVERYONE = "everyone"
    NOBODY = "nobody"
    """There is nobody to plan with."""


@dataclass(frozen=True)
class DeviceRef:
    """A phone to ring, and whose it is; slugs, both empty for the number that all calls are forwarded to."""

    device: str
    agent: str
    number: str | None = None
    """E.164 of a phone outside, dialled through a trunk; None for one that is registered with us."""
    after_seconds: float = 0
    """So long the agent's other phones ring before this one."""
    confirm: bool = False
    """Who answers hears who calls, and only a digit connects them."""


@dataclass(frozen=True)
class DeviceAvailability:
    slug: str
    dnd: bool = False
    dnd_until: datetime | None = None
    """DND ends here by itself; None with dnd set is until switched off."""
    online: bool = True
    """Registered, and answers SIP qualify."""
    on_call: bool = False
    is_mobile: bool = False
    number: str | None = None
    """E.164 of a mobile."""
    rings_after_seconds: float = 0
    whisper: bool = False
    """Who answers presses 1, as on a mobile."""

    def has_dnd(self, now: datetime) -> bool:
        return self.dnd and (self.dnd_until is None or now < self.dnd_until)


@dataclass(frozen=True)
class AgentAvailability:
    slug: str
    on_duty: bool = True
    last_talk_ended_at: datetime | None = None
    devices: tuple[DeviceAvailability, ...] = ()
    forwarding: bool = False
    """Their mobiles ring, too."""

    @property
    def is_on_call(self) -> bool:
        """On any of their phones: nobody is rung while they talk on another device."""
        return any(device.on_call for device in self.devices)

    def reachable_devices(self, now: datetime) -> tuple[DeviceRef, ...]:
        """The phones that may ring for this agent now; none when off duty or on a call.

        A mobile waits for the phones in front of it, if there is one that can ring.
        """
        if not self.on_duty or self.is_on_call:
            return ()
        usable = self._usable(now)
        phones = [
            DeviceRef(device.slug, self.slug, confirm=device.whisper) for device in usable if not device.is_mobile
        ]
        mobiles = [
            DeviceRef(device.slug, self.slug, device.number, device.rings_after_seconds if phones else 0, confirm=True)
            for device in usable
            if device.is_mobile and device.number and self.forwarding
        ]
        return (*phones, *mobiles)

    def free_devices(self, now: datetime) -> tuple[DeviceRef, ...]:
        """The registered phones that colleagues reach this agent at now, on duty or not."""
        if self.is_on_call:
            return ()
        return tuple(DeviceRef(device.slug, self.slug) for device in self._usable(now) if not device.is_mobile)

    def _usable(self, now: datetime) -> list[DeviceAvailability]:
        return [device for device in self.devices if device.online and not device.has_dnd(now)]


@dataclass(frozen=True)
class RoutingInputs:
    """What is known when the call is about to ring. Agents are slugs; seconds of 0 leave a stage out."""

    line_known: bool
    is_open: bool
    assigned_agent: str | None
    subteam: tuple[str, ...]
    """Members of the property's subteam; empty when there is none."""
    subteam_strategy: Strategy
    everyone: tuple[str, ...]
    agent_seconds: float
    subteam_seconds: float
    everyone_seconds: float
    caller: str | None = None
    """E.164."""
    forward_to: str | None = None
    """E.164: all leasing calls go there; None: they do not."""
    forward_confirm: bool = True
    """Who answers there presses 1."""
    forward_seconds: float = 25
    forward_failed: str = ""
    """Why it is not possible with this call, as one sentence; empty while nothing is known against it."""


@dataclass(frozen=True)
class Stage:
    """A group that rings for `seconds`."""

    name: StageName
    agents: tuple[str, ...]
    seconds: float
    strategy: Strategy = Strategy.RING_ALL
    forward: DeviceRef | None = None
    """The number outside that rings in place of agents."""


@dataclass(frozen=True)
class RoutePlan:
    """Stages in order, and why they are what they are. Nobody answering in the last one means voicemail."""

    rule: Rule
    reasons: tuple[str, ...]
    stages: tuple[Stage, ...]


def decide(inputs: RoutingInputs) -> RoutePlan:
    """The stages a call rings through. The reasons are sentences for whoever asks later why it rang there."""
    if not inputs.line_known:
        return RoutePlan(Rule.UNKNOWN_LINE, ("The number dialled is none of the lines.",), ())
    reasons: list[str] = []
    if inputs.forward_to:
        # In front of the hours: who answers for the office from elsewhere mostly does so when it is closed.
        if not (why_not := _why_not_forwarded(inputs)):
            return _forwarded(inputs.forward_to, inputs)
        reasons.append(f"All calls are to go to {inputs.forward_to}, but not this one: {why_not}")
    if not inputs.is_open:
        return RoutePlan(Rule.CLOSED, (*reasons, "The office is closed."), ())

    stages: list[Stage] = []

    def add(name: StageName, agents: tuple[str, ...], seconds: float, strategy: Strategy, why: str) -> None:
        if seconds <= 0:
            reasons.append(f"Stage {name} is set to 0 seconds.")
        else:
            stages.append(Stage(name, agents, seconds, strategy))
            reasons.append(why)

    if inputs.assigned_agent is None:
        reasons.append("The caller has no assigned agent.")
    else:
        why = f"The caller's assigned agent is {inputs.assigned_agent}."
        add(StageName.AGENT, (inputs.assigned_agent,), inputs.agent_seconds, Strategy.RING_ALL, why)
    if not inputs.subteam:
        reasons.append("No subteam leases what this line is for.")
    else:
        why = f"The subteam leases the property: {', '.join(inputs.subteam)} ({inputs.subteam_strategy})."
        add(StageName.SUBTEAM, inputs.subteam, inputs.subteam_seconds, inputs.subteam_strategy, why)
    if inputs.everyone:
        why = "Then everybody who is available."
        add(StageName.EVERYONE, inputs.everyone, inputs.everyone_seconds, Strategy.RING_ALL, why)
    else:
        reasons.append("There are no agents.")

    first = {
        StageName.AGENT: Rule.ASSIGNED_AGENT,
        StageName.SUBTEAM: Rule.SUBTEAM,
        StageName.EVERYONE: Rule.EVERYONE,
    }
    return RoutePlan(first[stages[0].name] if stages else Rule.NOBODY, tuple(reasons), tuple(stages))


def _why_not_forwarded(inputs: RoutingInputs) -> str:
    if inputs.caller == inputs.forward_to:
        return "It comes from that very number."
    return inputs.forward_failed


def _forwarded(number: str, inputs: RoutingInputs) -> RoutePlan:
    pressed = "who answers there presses 1" if inputs.forward_confirm else "straight"
    forward = DeviceRef(device="", agent="", number=number, confirm=inputs.forward_confirm)
    stage = Stage(StageName.OFFICE, (), inputs.forward_seconds, forward=forward)
    return RoutePlan(Rule.OFFICE_FORWARD, (f"All calls go to {number} ({pressed}).",), (stage,))


def who_to_ring(
    stage: Stage, availability: Iterable[AgentAvailability], now: datetime, caller: str | None = None
) -> list[list[DeviceRef]]:
    """The phones of a stage in batches: each batch rings together, one after the other. No batch: skip the stage.

    A mobile is not rung for a call that comes from it.
    """
    if stage.forward:
        return [[stage.forward]]
    agents = [agent for agent in by_idleness(availability) if agent.slug in stage.agents]
    refs = [[ref for ref in agent.reachable_devices(now) if not ref.number or ref.number != caller] for agent in agents]
    batches = [devices for devices in refs if devices]
    if stage.strategy is Strategy.ROUND_ROBIN or not batches:
        return batches
    return [[device for batch in batches for device in batch]]


def ringing_seconds(batch: Iterable[DeviceRef], seconds: float, mobile_seconds: float) -> float:
    """How long a batch rings: as long as it is to, and until every mobile in it has rung for `mobile_seconds`.

    A telephone network takes seconds to make a mobile ring; what is left of a short stage would be no chance.
    """
    return max([seconds, *(ref.after_seconds + mobile_seconds for ref in batch if ref.number and ref.device)])


def by_idleness(agents: Iterable[AgentAvailability]) -> list[AgentAvailability]:
    """Who has waited longest for a talk first; those who never had one before all, equals by slug."""
    return sorted(
        agents,
        key=lambda agent: (
            agent.last_talk_ended_at is not None,
            agent.last_talk_ended_at.timestamp() if agent.last_talk_ended_at else 0.0,
            agent.slug,
        ),
    )
