"""How far a step has come: kept with the person's channel, beside its name, for the app that comes after a crash.

It stands in LL_STAGE, perhaps as an older version wrote it; the step tells what the word there means.
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
)
"""Variables that the dialplan sets on each of our channels and that the app also sets on those it dials: if one of them
is not set at all, ARI returns none."""

_SINCE = "since-"
_AWAITS_CALLBACK = "kept"


@dataclass(frozen=True)
class RingsAt:
    """Ringing has come to this stage of the plan."""

    stage: str


@dataclass(frozen=True)
class ToColleague:
    """An agent dialed a colleague."""

    extension: str


@dataclass(frozen=True)
class PassedTo:
    """The person is passed on to an extension, an outside number, or a slot of the park."""

    target: str
    """As it was dialed."""


@dataclass(frozen=True)
class InLine:
    """The person waits until somebody is free."""

    since: int
    """Epoch second."""


@dataclass(frozen=True)
class AwaitsCallback:
    """The caller has chosen to be called back, and only hears so."""


Kept = RingsAt | ToColleague | PassedTo | InLine | AwaitsCallback | None
"""None: the step begins at its beginning."""


def written(kept: Kept) -> str:
    """For LL_STAGE."""
    match kept:
        case None:
            return ""
        case RingsAt(word) | ToColleague(word) | PassedTo(word):
            return word
        case InLine(since):
            return f"{_SINCE}{since}"
        case AwaitsCallback():
            return _AWAITS_CALLBACK
        case _:
            assert_never(kept)


def read(step: CallStep, direction: CallDirection, word: str) -> Kept:
    """What LL_STAGE says in a step."""
    if not word:
        return None
    match step:
        case CallStep.RING:
            return RingsAt(word)
        case CallStep.TRANSFER | CallStep.CONSULT | CallStep.PARKED:
            return PassedTo(word)
        case CallStep.QUEUE if word == _AWAITS_CALLBACK:
            return AwaitsCallback()
        case CallStep.QUEUE:
            since = word.removeprefix(_SINCE)
            return InLine(int(since)) if since != word and since.isdecimal() else None
    # A colleague who cannot be reached may be left a voicemail, too.
    return (
        ToColleague(word)
        if direction is CallDirection.INTERNAL and step in (CallStep.DIALLING, CallStep.VOICEMAIL)
        else None
    )
