"""How far a step has come: kept with the person's channel, besides the step's name, for the app that starts after a
crash.

It is kept in LL_STAGE, perhaps as written by an older version; what the word means there depends on the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from crm.domain.calls import CallDirection, CallStep

VARIABLES = (
    "LL_CALL",
    "LL_STEP",
    "LL_STAGE",
    "LL_PEER",
    "LL_DID",
    "LL_TRUNK",
    "LL_SAID",
    "LL_WITHHELD",
    "LL_DIRECTION",
    "LL_NUMBER",
    "LL_KEYS",
    "LL_BACK_TO",
)
"""Variables that the dialplan sets on each of our channels, and the app on those it dials: if one of them is not set at
all, ARI returns none."""

_SINCE = "since-"
_AWAITS_CALLBACK = "kept"


@dataclass(frozen=True)
class RingsAt:
    """Ringing has reached this stage of the plan."""

    stage: str


@dataclass(frozen=True)
class ToColleague:
    """An agent dialed a colleague."""

    extension: str


@dataclass(frozen=True)
class PassedTo:
    """The person is transferred to an extension, an outside number, or a parking slot."""

    target: str
    """As dialed."""


@dataclass(frozen=True)
class WaitsFor:
    """The person waits for a phone that has vanished in the talk."""

    device: str


@dataclass(frozen=True)
class InLine:
    """The person is waiting until somebody is free."""

    since: int
    """Seconds since the epoch."""


@dataclass(frozen=True)
class AwaitsCallback:
    """The caller has chosen to be called back, and is only being told so."""


Kept = RingsAt | ToColleague | PassedTo | WaitsFor | InLine | AwaitsCallback | None
"""None: the step starts from its beginning."""


def written(kept: Kept) -> str:
    """The value of LL_STAGE."""
    match kept:
        case None:
            return ""
        case RingsAt(word) | ToColleague(word) | PassedTo(word) | WaitsFor(word):
            return word
        case InLine(since):
            return f"{_SINCE}{since}"
        case AwaitsCallback():
            return _AWAITS_CALLBACK
        case _:
            assert_never(kept)


def read(step: CallStep, direction: CallDirection, word: str) -> Kept:
    """What a value of LL_STAGE means in a step."""
    if not word:
        return None
    match step:
        case CallStep.RING:
            return RingsAt(word)
        case CallStep.TRANSFER | CallStep.CONSULT | CallStep.PARKED:
            return PassedTo(word)
        case CallStep.REJOIN:
            return WaitsFor(word)
        case CallStep.QUEUE if word == _AWAITS_CALLBACK:
            return AwaitsCallback()
        case CallStep.QUEUE:
            since = word.removeprefix(_SINCE)
            return InLine(int(since)) if since != word and since.isdecimal() else None
    # A colleague who cannot be reached can be left a voicemail, too.
    return (
        ToColleague(word)
        if direction is CallDirection.INTERNAL and step in (CallStep.DIALLING, CallStep.VOICEMAIL)
        else None
    )
