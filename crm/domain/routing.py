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
    AGENT = "agent"
    SUBTEAM = "subteam"
    EVERYONE = "everyone"


class Rule(StrEnum):
    """What decided the plan."""

    UNKNOWN_LINE = "unknown_line"
    CLOSED = "closed"
    ASSIGNED_AGENT = "assigned_agent"
    SUBTEAM = "subteam"
    EVERYONE = "everyone"
    NOBODY = "nobody"
    """There is nobody to plan with."""


@dataclass(frozen=True)
class DeviceRef:
    """A phone to ring, and whose it is; slugs."""

    device: str
    agent: str


@dataclass(frozen=True)
class DeviceAvailability:
    slug: str
    dnd: bool = False
    dnd_until: datetime | None = None
    """DND ends here by itself; None with dnd set is until switched off."""
    online: bool = True
    """Registered, and answers SIP qualify."""
    on_call: bool = False

    def has_dnd(self, now: datetime) -> bool:
        return self.dnd and (self.dnd_until is None or now < self.dnd_until)


@dataclass(frozen=True)
class AgentAvailability:
    slug: str
    on_duty: bool = True
    last_talk_ended_at: datetime | None = None
    devices: tuple[DeviceAvailability, ...] = ()

    @property
    def is_on_call(self) -> bool:
        """On any of their phones: nobody is rung while they talk on another device."""
        return any(device.on_call for device in self.devices)

    def reachable_devices(self, now: datetime) -> tuple[DeviceRef, ...]:
        """The phones that may ring for this agent now; none when off duty or on a call."""
        if not self.on_duty or self.is_on_call:
            return ()
        usable = (device for device in self.devices if device.online and not device.has_dnd(now))
        return tuple(DeviceRef(device.slug, self.slug) for device in usable)


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


@dataclass(frozen=True)
class Stage:
    """A group that rings for `seconds`."""

    name: StageName
    agents: tuple[str, ...]
    seconds: float
    strategy: Strategy


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
    if not inputs.is_open:
        return RoutePlan(Rule.CLOSED, ("The office is closed.",), ())

    stages: list[Stage] = []
    reasons: list[str] = []

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


def who_to_ring(stage: Stage, availability: Iterable[AgentAvailability], now: datetime) -> list[list[DeviceRef]]:
    """The phones of a stage in batches: each batch rings together, one after the other. No batch: skip the stage."""
    agents = [agent for agent in by_idleness(availability) if agent.slug in stage.agents]
    batches = [list(devices) for agent in agents if (devices := agent.reachable_devices(now))]
    if stage.strategy is Strategy.ROUND_ROBIN or not batches:
        return batches
    return [[device for batch in batches for device in batch]]


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
