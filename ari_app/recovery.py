"""Decides what becomes of each call after the app was away, from what Asterisk has. Pure.

`ari_app.reconcile` looks at Asterisk at every (re)connection, asks this module, and acts. Each call has one channel
that keeps its step in variables: that of its person (`ari_app.call.call`). It is the call's first channel, or one that
we have dialed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ari_app.call.call import LEG_MARK, PEER, VOICE_MARK
from ari_app.edge.events import Channel
from crm.domain.calls import CallDirection, CallStep

RINGING_STEPS = (
    CallStep.RING,
    CallStep.DIALLING,
    CallStep.TRANSFER,
    CallStep.CONSULT,
    CallStep.PARKED,
    CallStep.QUEUE,
    CallStep.REJOIN,
)
"""Steps that take over the phones ringing for them."""
PEER_STEPS = (CallStep.TALK, CallStep.TRANSFER, CallStep.CONSULT, CallStep.PARKED)
"""Steps in which an agent is on the line, or may still be."""


@dataclass(frozen=True)
class Resumed:
    """A person who is still on the line, and the step in which their call is resumed."""

    channel: Channel
    step: CallStep
    legs: tuple[str, ...] = ()
    """Ids of phones that ring for them or have answered."""
    peer: str | None = None
    """Id of the channel of the agent they are talking to."""
    stage: str = ""
    call_id: str = ""
    peer_name: str = ""
    """Name of the agent's channel, which identifies the phone even after it has hung up."""


@dataclass(frozen=True)
class Recovery:
    resumed: tuple[Resumed, ...] = ()
    orphans: tuple[str, ...] = ()
    """Our channels whose call is gone or no longer needs them."""


def is_leg(channel: Channel) -> bool:
    """Whether we dialed it; other channels got their ids from Asterisk."""
    return LEG_MARK in channel.id


def is_voice_agent(channel_id: str) -> bool:
    """Whether it carries the voice agent's audio."""
    return VOICE_MARK in channel_id


def in_app(channels: Iterable[Channel]) -> list[Channel]:
    """The channels that the app has; others are ringing, or in the dialplan, which handles them."""
    return [channel for channel in channels if channel.dialplan.app_name == "Stasis"]


def arguments(channel: Channel) -> list[str]:
    """What the dialplan told the app about a channel, as in StasisStart."""
    return channel.dialplan.app_data.split(",")[1:]


def may_succeed(channel: Channel, former: Channel) -> bool:
    """Whether a channel may replace another: one of our phones may replace our phones, and a trunk its own callers.

    Asterisk does not check this, so anybody who has seen a call's Call-ID and tags could take the call over.
    """
    is_trunk = channel.endpoint.startswith("trunk-")
    return channel.endpoint == former.endpoint if is_trunk else not former.endpoint.startswith("trunk-")


def call_of(channel_id: str) -> str:
    """The id of the call that a channel was made for, taken from the channel's id."""
    return channel_id.partition(LEG_MARK)[0]


def present(channels: Iterable[Channel]) -> set[str]:
    """Ids of the calls that have any channel up, in the app or in the dialplan."""
    return {call_of(channel.id) for channel in channels if not is_leg(channel) or channel.state == "Up"}


def recover(
    channels: Iterable[Channel],
    variables: Mapping[str, Mapping[str, str]],
    flows: Collection[str] = (),
    held: Collection[str] = (),
) -> Recovery:
    """Decides about the channels named in `variables` and about everything we have dialed.

    `variables` are those kept with each channel in the app that has no flow, by channel id; LL_PEER is a channel's
    name. `flows` are the calls that have a flow, which looks after its own phones. `held` are channels that a flow
    works with although their ids name another call, because they came from it.
    """
    channels = list(channels)
    by_name = {channel.name: channel for channel in channels}
    persons = _persons(channels, variables)
    resumed = []
    kept: set[str] = set()
    for person, known in persons:
        step = _step(known.get("LL_STEP", ""))
        if person.state != "Up" and not is_leg(person) and direction(known) is CallDirection.IN:
            step = CallStep.ARRIVED  # This step answers, which all others require.
        call_id = known.get("LL_CALL") or call_of(person.id)
        peer = by_name.get(known.get("LL_PEER", ""))
        peer_id = peer.id if peer and peer.id != person.id and step in PEER_STEPS else None
        own = [one.id for one in channels if is_leg(one) and call_of(one.id) == call_id and one.id != person.id]
        own = [id for id in own if not is_voice_agent(id)]
        legs = tuple(leg for leg in own if leg != peer_id) if step in RINGING_STEPS else ()
        kept.update(legs, {person.id}, {peer_id} if peer_id else ())
        stage, peer_name = known.get("LL_STAGE", ""), known.get("LL_PEER", "")
        resumed.append(Resumed(person, step, legs, peer_id, stage, call_id, peer_name))
    # Their flows, or the dialplan, handle the rest; a person in the dialplan may be talking on a leg without us.
    with_app = {channel.id for channel in in_app(channels)}

    def calls_of(channel: Channel) -> set[str]:
        # A channel that came from another call, or replaced one of this call, is known only by its variables.
        return {call_of(channel.id), variables.get(channel.id, {}).get("LL_CALL", "")}

    in_dialplan = {call_of(one.id) for one in channels if one.state == "Up" and one.id not in with_app}
    orphans = tuple(
        channel.id
        for channel in channels
        if channel.id not in kept
        and channel.id not in held
        and (is_leg(channel) or channel.id in variables)
        and not calls_of(channel) & set(flows)
        and not (channel.state == "Up" and calls_of(channel) & in_dialplan)
    )
    return Recovery(tuple(resumed), orphans)


def _persons(
    channels: list[Channel], variables: Mapping[str, Mapping[str, str]]
) -> list[tuple[Channel, Mapping[str, str]]]:
    """The channels that keep a call's step: every first one, unless it says that another one does."""
    found = []
    for channel in channels:
        known = variables.get(channel.id)
        if known is None or known.get("LL_STEP") == PEER:
            continue
        if known.get("LL_STEP") or not is_leg(channel):
            found.append((channel, known))
    # The app was killed while a call was being passed to the person it reached: theirs is the channel that names the
    # other as its peer.
    named = {known.get("LL_PEER") for _, known in found}
    named.discard("")
    return [(channel, known) for channel, known in found if channel.name not in named]


def direction(known: Mapping[str, str]) -> CallDirection:
    try:
        return CallDirection(known.get("LL_DIRECTION", ""))
    except ValueError:
        return CallDirection.IN


def _step(name: str) -> CallStep:
    try:
        step = CallStep(name)
    except ValueError:
        return CallStep.ARRIVED
    return CallStep.ARRIVED if step is CallStep.LAST_RESORT else step
