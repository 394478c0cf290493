"""What the app and the voice process tell each other, as JSON over one WebSocket for each talk.

The voice process listens on loopback (`ports.voice`); who connects shows the secret `voice` as a bearer token. A
connection begins with Open, which is answered with Ready or Refused, with Warm, which is answered with Warmed, with
Forget, which is answered with Forgotten, or with Look, which is answered with VoiceState.

Times are seconds since Ready. A turn is a number that grows each time the caller begins to speak: what is played in
answer to an earlier turn than the caller's latest is not heard any more.
"""

from __future__ import annotations

import msgspec

PATH = "/talk"
SECRET = "voice"
"""Name of the entry in the secrets."""
BEAT_SECONDS = 0.5
"""How often the voice process says something, whatever happens."""
LONGEST_TEXT = 1000
"""Characters of what is to be said at once."""
MOST_HINTS = 100


class VoiceMessage(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    pass


# What the app says----


class Open(VoiceMessage, frozen=True):
    """Begins a talk on a media channel that Asterisk has made (`ari_app.edge.external_media`)."""

    talk: str
    """For logs: the call's id."""
    media: str
    """The id under which Asterisk expects the media connection."""
    language: str
    """Two letters: what the caller is greeted in, and expected to speak."""
    hints: tuple[str, ...] = ()
    """Names that are likely to be heard: of properties, streets, agents."""
    silences: tuple[float, ...] = (8.0, 20.0)
    """After how many seconds of silence Quiet is told."""


class Play(VoiceMessage, frozen=True):
    """Says something after everything that is still being said."""

    id: int
    text: str
    language: str
    interruptible: bool = True
    """False: it is heard to its end, whatever the caller says meanwhile, and is said even if a newer turn has begun."""
    turn: int = 0
    """The turn that it answers."""
    expects: str = ""
    """What the caller was asked for, if that says how they will finish: digits, letters or yes_or_no."""


class Stop(VoiceMessage, frozen=True):
    """Ends everything that is being said or waits to be, at once, such as when a key was pressed; the silence is
    counted anew."""


class Close(VoiceMessage, frozen=True):
    """Ends the talk and the media connection."""


class Warm(VoiceMessage, frozen=True):
    """Has sentences rendered ahead, in a connection without a talk."""

    sentences: tuple[tuple[str, str], ...]
    """Texts, each with its language."""


class Forget(VoiceMessage, frozen=True):
    """Has the sound of sentences removed that will not be said again, in a connection without a talk."""

    sentences: tuple[tuple[str, str], ...]
    """Texts, each with its language."""


class Look(VoiceMessage, frozen=True):
    """Asks how the voice process is."""


# What the voice process says


class Ready(VoiceMessage, frozen=True):
    """The caller can hear and be heard."""


class Refused(VoiceMessage, frozen=True):
    """There will be no talk."""

    why: str


class Beat(VoiceMessage, frozen=True):
    """A sign of life."""


class SpeechStarted(VoiceMessage, frozen=True):
    """The caller has begun to speak. What was being said has stopped, unless it may not be interrupted; if no words
    follow, it is resumed."""

    turn: int
    at: float


class Said(VoiceMessage, frozen=True):
    """The caller has said something and is waiting for an answer."""

    turn: int
    text: str
    language: str
    """Two letters."""
    confidence: float
    """0 to 1: the geometric mean of the words' probabilities."""
    no_speech: float
    """0 to 1: how likely there were no words at all."""
    started: float
    ended: float
    """When the last word ended."""


class Played(VoiceMessage, frozen=True):
    """A sentence is over. Exactly one of these comes for each Play."""

    id: int
    was_cut: bool
    """Whether the caller heard less than all of it."""
    started: float
    ended: float
    share: float = 1.0
    """How much of it was heard, 0 to 1."""


class Quiet(VoiceMessage, frozen=True):
    """The caller has said nothing for this long since they could. What is said in the meantime, such as whether they
    are still there, is not counted; only a word of theirs, or Stop, begins the count anew."""

    seconds: float


class Fault(VoiceMessage, frozen=True):
    """Something of the voice process does not work."""

    what: str
    is_fatal: bool = False
    """Whether the talk cannot go on."""


class Warmed(VoiceMessage, frozen=True):
    count: int
    """How many sentences can be said at once now."""


class Forgotten(VoiceMessage, frozen=True):
    pass


class VoiceState(VoiceMessage, frozen=True):
    talks: int
    refuses: str = ""
    """Why a talk would be refused now; "": it would be begun."""


ToVoice = Open | Play | Stop | Close | Warm | Forget | Look
FromVoice = Ready | Refused | Beat | SpeechStarted | Said | Played | Quiet | Fault | Warmed | Forgotten | VoiceState
Happening = SpeechStarted | Said | Played | Quiet | Fault

_to_voice: msgspec.json.Decoder[ToVoice] = msgspec.json.Decoder(ToVoice)
_from_voice: msgspec.json.Decoder[FromVoice] = msgspec.json.Decoder(FromVoice)
encode = msgspec.json.Encoder().encode


def to_voice(data: bytes | str) -> ToVoice:
    """Reads what the app said. Raises msgspec.MsgspecError."""
    return _to_voice.decode(data)


def from_voice(data: bytes | str) -> FromVoice:
    """Reads what the voice process said. Raises msgspec.MsgspecError."""
    return _from_voice.decode(data)
