"""ARI's events as frozen dataclasses, with Asterisk's names.

Source: the api-docs of a running Asterisk (`/ari/api-docs/events.json`); a test compares these classes with them.
Fields that are not used are left out. A kind that is not listed becomes an `UnknownEvent`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class CallerID:
    name: str
    number: str


@dataclass(frozen=True)
class DialplanCEP:
    """A channel's position in the dialplan."""

    context: str
    exten: str
    priority: int
    app_name: str = ""
    """The application it is running: Stasis for a channel in an ARI app."""
    app_data: str = ""
    """The application's arguments."""


def endpoint_of(channel_name: str) -> str:
    """Name of the PJSIP endpoint: the part of a channel's name between technology and serial number."""
    return channel_name.partition("/")[2].rpartition("-")[0]


@dataclass(frozen=True)
class Channel:
    id: str
    name: str
    """Technology and endpoint, e.g. PJSIP/alice-desk-00000001."""
    state: str
    """Down, Ring, Ringing, Up, ..."""
    caller: CallerID
    """As sent by the caller's side: arbitrary text."""
    dialplan: DialplanCEP

    @property
    def endpoint(self) -> str:
        """Name of the PJSIP endpoint."""
        return endpoint_of(self.name)


@dataclass(frozen=True)
class Bridge:
    id: str
    channels: list[str]


@dataclass(frozen=True)
class Playback:
    id: str
    target_uri: str
    """channel:ID or bridge:ID."""
    state: str
    """queued, playing, continuing, done or failed."""


@dataclass(frozen=True)
class LiveRecording:
    name: str
    target_uri: str
    state: str
    duration: int | None = None
    """Seconds, once it is finished."""
    talking_duration: int | None = None
    """Seconds that were not silence; only known if the recording was to end at silence."""
    cause: str | None = None
    """Why it failed."""


@dataclass(frozen=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True)
class StasisStart(Event):
    channel: Channel
    args: list[str]
    replace_channel: Channel | None = None
    """The channel that is being replaced in its bridge (SIP INVITE with Replaces, RFC 3891); that happens right after
    this event."""


@dataclass(frozen=True)
class ChannelCreated(Event):
    channel: Channel


@dataclass(frozen=True)
class StasisEnd(Event):
    """The channel has left the app: it was hung up, or continues in the dialplan."""

    channel: Channel


@dataclass(frozen=True)
class Dial(Event):
    """A channel was dialed, or its dialing has progressed."""

    peer: Channel
    """The channel that was dialed."""


@dataclass(frozen=True)
class ChannelStateChange(Event):
    channel: Channel


@dataclass(frozen=True)
class ChannelDtmfReceived(Event):
    channel: Channel
    digit: str


@dataclass(frozen=True)
class ChannelHold(Event):
    """The phone has put the other side on hold."""

    channel: Channel


@dataclass(frozen=True)
class ChannelUnhold(Event):
    channel: Channel


@dataclass(frozen=True)
class RequiredDestination:
    destination: str = ""
    """User part of the Refer-To; "" for an attended transfer."""
    protocol_id: str = ""
    """SIP Call-ID of the call to be replaced, for an attended transfer."""


@dataclass(frozen=True)
class ReferTo:
    requested_destination: RequiredDestination
    destination_channel: Channel | None = None
    """The phone's own channel in the call to be replaced, if that is a call of this Asterisk."""
    connected_channel: Channel | None = None


@dataclass(frozen=True)
class ReferredBy:
    source_channel: Channel
    """The phone's channel in the call that it transfers."""
    connected_channel: Channel | None = None


@dataclass(frozen=True)
class ChannelTransfer(Event):
    """A phone asks for a transfer (SIP REFER). Asterisk has answered 202, and leaves the rest to the app: ari-only."""

    refer_to: ReferTo
    referred_by: ReferredBy
    state: str | None = None


@dataclass(frozen=True)
class ChannelHangupRequest(Event):
    channel: Channel
    cause: int | None = None
    tech_cause: int | None = None
    """The SIP status that ended it, such as 503; None if there was no such answer."""


@dataclass(frozen=True)
class ChannelDestroyed(Event):
    channel: Channel
    cause: int
    """Q.850; 0 if Asterisk itself stopped the ringing."""


@dataclass(frozen=True)
class ChannelEnteredBridge(Event):
    bridge: Bridge
    channel: Channel | None = None


@dataclass(frozen=True)
class ChannelLeftBridge(Event):
    bridge: Bridge
    channel: Channel


@dataclass(frozen=True)
class PlaybackFinished(Event):
    playback: Playback


@dataclass(frozen=True)
class RecordingFinished(Event):
    recording: LiveRecording


@dataclass(frozen=True)
class RecordingFailed(Event):
    recording: LiveRecording


@dataclass(frozen=True)
class TextMessage:
    """Without its body, which the dialplan has logged; see texts-from-trunk in extensions.conf.j2."""

    to: str


@dataclass(frozen=True)
class TextMessageReceived(Event):
    message: TextMessage


@dataclass(frozen=True)
class Endpoint:
    technology: str
    resource: str
    """The endpoint's name."""
    state: str = ""
    """online, offline, unknown."""


@dataclass(frozen=True)
class ContactInfo:
    contact_status: str
    """Reachable, Unreachable, NonQualified, Unknown, Removed."""
    aor: str
    uri: str
    """With the address and transport that it registered from (rewrite_contact); other parameters as sent by the
    phone."""


@dataclass(frozen=True)
class ContactStatusChange(Event):
    """A contact is new or has changed. Also sent when a phone registers again, with its status unchanged."""

    endpoint: Endpoint
    contact_info: ContactInfo


@dataclass(frozen=True)
class PeerStatusChange(Event):
    """An endpoint has become reachable, or is no longer reachable."""

    endpoint: Endpoint


@dataclass(frozen=True)
class ApplicationReplaced(Event):
    """Another process has connected with our app's name; this socket gets no more events."""


@dataclass(frozen=True)
class UnknownEvent(Event):
    """A kind without a class here, or one whose fields are not as expected."""

    type: str
    body: dict[str, Any] = field(default_factory=dict)


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        ChannelCreated,
        StasisStart,
        StasisEnd,
        Dial,
        ChannelStateChange,
        ChannelDtmfReceived,
        ChannelHold,
        ChannelUnhold,
        ChannelTransfer,
        ChannelHangupRequest,
        ChannelDestroyed,
        ChannelEnteredBridge,
        ChannelLeftBridge,
        PlaybackFinished,
        RecordingFinished,
        RecordingFailed,
        ApplicationReplaced,
        TextMessageReceived,
        ContactStatusChange,
        PeerStatusChange,
    )
}


_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}


class _Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind)


def decode(raw: bytes) -> Event:
    """Decodes a message of the event socket; never raises for JSON with a type."""
    kind = _kind.decode(raw).type
    if decoder := _DECODERS.get(kind):
        with contextlib.suppress(msgspec.ValidationError):
            return decoder.decode(raw)
    return UnknownEvent(kind, msgspec.json.decode(raw))


def channel_of(event: Event) -> str | None:
    """Id of the channel that an event is about, directly or through its playback or recording."""
    match event:
        case (
            StasisStart(channel=channel)
            | StasisEnd(channel=channel)
            | ChannelStateChange(channel=channel)
            | ChannelDtmfReceived(channel=channel)
            | ChannelHold(channel=channel)
            | ChannelUnhold(channel=channel)
            | ChannelHangupRequest(channel=channel)
            | ChannelDestroyed(channel=channel)
            | ChannelLeftBridge(channel=channel)
        ):
            return channel.id
        case Dial(peer=channel):
            return channel.id
        case ChannelTransfer(referred_by=ReferredBy(source_channel=channel)):
            return channel.id
        case ChannelEnteredBridge(channel=Channel(id=id)):
            return id
        case PlaybackFinished(playback=Playback(target_uri=uri)):
            return uri.removeprefix("channel:")
        case RecordingFinished(recording=recording) | RecordingFailed(recording=recording):
            return recording.target_uri.removeprefix("channel:")
    return None
