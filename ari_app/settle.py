"""After the app was away: what is there in Asterisk, and what becomes of each call. A pure decision.

`ari_app.main` looks at Asterisk at every (re)connection, asks this, and acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ari_app.edge.events import Channel
from ari_app.flows.ring_group import LEG_MARK
from crm.domain.calls import Step


@dataclass(frozen=True)
class Resumed:
    """A caller who is still with us, and the step they are taken up again in."""

    channel: Channel
    step: Step
    legs: tuple[str, ...] = ()
    """Ids of phones that ring for them or were answered."""
    peer: str | None = None
    """Id of the agent's channel they talk with."""
    stage: str = ""


@dataclass(frozen=True)
class Settlement:
    resumed: tuple[Resumed, ...] = ()
    orphans: tuple[str, ...] = ()
    """Agents' channels whose caller is gone or does not ring for them any more."""
    present: frozenset[str] = field(default_factory=frozenset)
    """Ids of all callers' channels that are up, with the app or in the dialplan."""


def callers(channels: Iterable[Channel]) -> list[Channel]:
    """The callers who wait for the app; others are in the dialplan's hands, which keeps them."""
    return [channel for channel in channels if is_caller(channel) and channel.dialplan.app_name == "Stasis"]


def is_caller(channel: Channel) -> bool:
    """Told by the id: a caller's channel got it from Asterisk, an agent's from us; and trunks call nobody but us."""
    return LEG_MARK not in channel.id and channel.endpoint.startswith("trunk-")


def call_of(leg_id: str) -> str:
    """The call an agent's channel was made for, told by its id."""
    return leg_id.partition(LEG_MARK)[0]


def legs_of(call_id: str, channels: Iterable[Channel]) -> list[str]:
    """Ids of the agents' channels made for a call."""
    return [channel.id for channel in channels if LEG_MARK in channel.id and call_of(channel.id) == call_id]


def settle(channels: Iterable[Channel], variables: Mapping[str, Mapping[str, str]]) -> Settlement:
    """Decides about the callers named in `variables` and about all agents' channels.

    `variables` are those of each caller to be taken up, by channel id: LL_STEP, LL_STAGE, LL_PEER (a channel's name).
    Other callers in the app have a flow, which sees to their phones, or hung up while they were looked at.
    """
    channels = list(channels)
    by_name = {channel.name: channel for channel in channels}
    waiting = callers(channels)
    resumed = []
    kept: set[str] = set()
    for caller in waiting:
        known = variables.get(caller.id)
        if known is None:
            continue
        step = _step(known.get("LL_STEP", ""))
        peer = by_name.get(known.get("LL_PEER", "")) if step is Step.TALK else None
        ringing = tuple(legs_of(caller.id, channels)) if step is Step.RING else ()
        kept.update(ringing, {peer.id} if peer else ())
        resumed.append(Resumed(caller, step, ringing, peer.id if peer else None, known.get("LL_STAGE", "")))
    present = frozenset(channel.id for channel in channels if is_caller(channel))
    # Their flows see to their phones.
    kept.update(leg for caller in waiting if caller.id not in variables for leg in legs_of(caller.id, channels))
    in_dialplan = present - {caller.id for caller in waiting}
    orphans = tuple(
        channel.id
        for channel in channels
        if LEG_MARK in channel.id and channel.id not in kept
        # A caller whom the dialplan has may be talking on that leg, without the app.
        and not (channel.state == "Up" and call_of(channel.id) in in_dialplan)
    )
    return Settlement(tuple(resumed), orphans, present)


def _step(name: str) -> Step:
    try:
        step = Step(name)
    except ValueError:
        return Step.ARRIVED
    return Step.ARRIVED if step is Step.LAST_RESORT else step
