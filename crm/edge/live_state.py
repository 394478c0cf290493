"""What the app, which has the calls, tells the console about them, and is asked to do: JSON, one message a line.

The app listens on loopback (`ports.live`). Who connects sends LiveHello with the secret `live`, and is told everything
(LiveWhole), and from then on each change (LiveDelta). Changes have numbers without gaps, which begin anew with each
instance of the app. Acts go the other way: each LiveAsk is answered by one LiveAnswer with its id.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

SECRET = "live"
"""Name of the entry in the secrets."""
BEAT_SECONDS = 5.0
"""How often the app says something, whatever happens."""
LONGEST_LINE = 16 * 1024
"""Bytes of a line that the app reads."""
LONGEST_TOLD = 64 * 1024 * 1024
"""Bytes of a line that the app writes: with the state of a whole office in it."""


class PartyNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of our phones in a call."""

    device: str
    """Slug."""
    state: str
    """rings, dials (and waits for somebody to answer), talks, waits (for a transfer or at the park), or listens."""
    agent: str = ""
    """Slug; empty where only the phone is known."""


class CallNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call that is going on."""

    id: str
    direction: str
    """in, out, or internal."""
    step: str
    """Of crm.domain.calls.CallStep; empty until the first one is known."""
    since: datetime
    """Of the step."""
    began: datetime
    did: str = ""
    """Our number that was dialed, or that is shown."""
    line: str = ""
    """Its label."""
    source: str = ""
    property: str = ""
    """Slug; empty: not known, or none."""
    property_id: int | None = None
    property_name: str = ""
    number: str = ""
    """The person's number or digits; empty: withheld, or a colleague."""
    name: str = ""
    """The person's, as far as it is known."""
    lead_id: int | None = None
    kind: str = ""
    """Of crm.domain.route_inputs.CallerKind; empty until it is decided."""
    parties: tuple[PartyNow, ...] = ()
    is_waiting: bool = False
    """Whether somebody may pick the person up."""
    is_on_hold: bool = False
    is_recorded: bool = False
    is_callback: bool = False
    """Whether we call somebody back who has waited in line."""
    is_emergency: bool = False
    """Whether it may be the emergency service calling back."""
    slot: str = ""
    """Where the person is parked."""


class PhoneNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of our phones, unless there is nothing to say of it: it is not registered, and in no call."""

    device: str
    """Slug."""
    is_online: bool = False
    """Registered, and answers."""
    is_ringing: bool = False
    is_talking: bool = False
    """Has a call that was answered."""
    is_deaf: bool = False
    """A browser that did not ring when it was called last."""


class LiveMessage(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    pass


# What the console says


class LiveHello(LiveMessage, frozen=True):
    """The first line."""

    secret: str


class LiveAsk(LiveMessage, frozen=True):
    """Asks for an act. Whether the person may do it has been decided; whether it is still possible is decided here."""

    id: int
    act: str
    """hang_up, listen, take_over, send_to, park, pick_up, or fetch; or play, which is of no call that goes on."""
    call: str
    """Its id; play: the id of a recording, or of a call for all of its recordings."""
    by: str
    """Who asks, for the record."""
    agent: str = ""
    """Slug of the agent whose phones ring for it."""
    device: str = ""
    """Which of these phones; empty: all that are free."""
    target: str = ""
    """Extension to which the person is sent."""


# What the app says


class LiveWhole(LiveMessage, frozen=True):
    """Everything, as it is after change `number`."""

    instance: str
    """Another one after the app was restarted."""
    number: int
    calls: tuple[CallNow, ...]
    phones: tuple[PhoneNow, ...]


class LiveDelta(LiveMessage, frozen=True):
    """What has changed. Calls and phones are told whole."""

    number: int
    calls: tuple[CallNow, ...] = ()
    gone: tuple[str, ...] = ()
    """Ids of calls that are over."""
    phones: tuple[PhoneNow, ...] = ()
    phones_gone: tuple[str, ...] = ()
    """Slugs of phones of which there is nothing to say any more."""


class LiveBeat(LiveMessage, frozen=True):
    """A sign of life."""


class ActRefusal(StrEnum):
    """Why an act is not carried out."""

    CALL_OVER = "call_over"
    NOT_TALKING = "not_talking"
    """Nobody of ours talks with the person, or no longer."""
    NOT_WAITING = "not_waiting"
    """Nobody can pick the person up, or somebody has."""
    NO_PHONE = "no_phone"
    """The agent has no phone that could ring."""
    IN_TALK = "in_talk"
    """The agent is in a talk."""
    RINGS_ALREADY = "rings_already"
    TARGET_UNKNOWN = "target_unknown"
    SLOTS_FULL = "slots_full"
    INTERNAL = "internal"
    """A call between colleagues."""
    EMERGENCY = "emergency"
    """It may be the emergency service calling back."""
    LISTENING_OFF = "listening_off"
    """console.listen_in is off."""
    NOT_ANNOUNCED = "not_announced"
    """Those who talk have not been told that others may hear them."""
    CROWDED = "crowded"
    FAILED = "failed"


class LiveAnswer(LiveMessage, frozen=True):
    """What came of an act."""

    id: int
    code: str = ""
    """Of ActRefusal; empty: it is done, or a phone rings for it."""


class LiveRefused(LiveMessage, frozen=True):
    """The connection is not served."""

    why: str


Told = LiveWhole | LiveDelta | LiveBeat | LiveAnswer | LiveRefused
Said = LiveHello | LiveAsk


def line(message: LiveMessage) -> bytes:
    return msgspec.json.encode(message) + b"\n"
