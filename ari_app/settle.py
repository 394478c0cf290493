"""After the app was away: what is there in Asterisk, and what becomes of each call. A pure decision.

`ari_app.main` looks at Asterisk at every (re)connection, asks this, and acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ari_app.edge.events import Channel
from ari_app.flows.ring_group import LEG_MARK
from crm.domain.calls import Step

CALLER_CONTEXT = "arrival"
AGENT_CONTEXT = "agent-leg"


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


def settle(channels: Iterable[Channel], variables: Mapping[str, Mapping[str, str]]) -> Settlement:
    """`variables` are those of each waiting caller, by channel id: LL_STEP, LL_STAGE, LL_PEER (a channel's name)."""
    channels = list(channels)
    by_name = {channel.name: channel for channel in channels}
    legs: dict[str, list[str]] = {}
    for channel in channels:
        if LEG_MARK in channel.id:
            legs.setdefault(channel.id.partition(LEG_MARK)[0], []).append(channel.id)
    resumed = []
    kept: set[str] = set()
    for caller in callers(channels):
        known = variables.get(caller.id)
        if known is None:  # It hung up while it was looked at.
            continue
        step = _step(known.get("LL_STEP", ""))
        peer = by_name.get(known.get("LL_PEER", "")) if step is Step.TALK else None
        ringing = tuple(legs.get(caller.id, ())) if step is Step.RING else ()
        kept.update(ringing, {peer.id} if peer else ())
        resumed.append(Resumed(caller, step, ringing, peer.id if peer else None, known.get("LL_STAGE", "")))
    present = frozenset(channel.id for channel in channels if is_caller(channel))
    in_dialplan = present - {entry.channel.id for entry in resumed}
    orphans = [
        leg
        for call_id, ids in legs.items()
        for leg in ids
        # A caller whom the dialplan has may be talking on that leg, without the app.
        if leg not in kept and call_id not in in_dialplan
    ]
    return Settlement(tuple(resumed), tuple(orphans), present)


def _step(name: str) -> Step:
    try:
        step = Step(name)
    except ValueError:
        return Step.ARRIVED
    return Step.ARRIVED if step is Step.LAST_RESORT else step
