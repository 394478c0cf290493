"""Feature codes: what a phone dials to have something done, such as *78 for do not disturb.

Which digits mean what stands in the section `[codes]` of the settings; here is what they do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum


class Action(StrEnum):
    """What a code does; each is a key of `[codes]`."""

    DND_ON = "dnd_on"
    DND_ON_ALL = "dnd_on_all"
    DND_HALF_HOUR = "dnd_half_hour"
    DND_HALF_HOUR_ALL = "dnd_half_hour_all"
    DND_OFF = "dnd_off"
    DND_OFF_ALL = "dnd_off_all"
    FORWARDING_ON = "forwarding_on"
    FORWARDING_OFF = "forwarding_off"
    ON_DUTY = "on_duty"
    OFF_DUTY = "off_duty"
    VOICEMAIL = "voicemail"
    PICKUP = "pickup"
    LAST_CALLER = "last_caller"
    BLOCK_LAST_CALLER = "block_last_caller"
    ECHO = "echo"


MEANINGS = {
    Action.DND_ON: "Do not disturb for this phone, for some hours",
    Action.DND_ON_ALL: "Do not disturb for all of your phones, for some hours",
    Action.DND_HALF_HOUR: "Do not disturb for this phone, 30 minutes",
    Action.DND_HALF_HOUR_ALL: "Do not disturb for all of your phones, 30 minutes",
    Action.DND_OFF: "This phone rings again",
    Action.DND_OFF_ALL: "All of your phones ring again",
    Action.FORWARDING_ON: "Forward your calls to your mobile as well",
    Action.FORWARDING_OFF: "Stop forwarding to your mobile",
    Action.ON_DUTY: "You are on duty",
    Action.OFF_DUTY: "You are off duty: leasing calls do not ring your phones",
    Action.VOICEMAIL: "Your voicemail; followed by an extension, a colleague's",
    Action.PICKUP: "Pick up a call ringing at a colleague's phone; followed by an extension, at that colleague's",
    Action.LAST_CALLER: "Call back your last outside caller",
    Action.BLOCK_LAST_CALLER: "Block your last outside caller, after saying who it is",
    Action.ECHO: "Hear what you say, to try microphone and loudspeaker",
}

IN_TALK = {
    "blind_transfer": ("During a call: transfer at once to the extension or number that follows", "101#"),
    "attended_transfer": (
        "During a call: first talk to the extension or number that follows; hang up to connect",
        "101#",
    ),
    "back": ("During a transfer: go back to the caller", ""),
    "record": ("During a call: recording on and off, where the property records on demand", ""),
    "park": ("During a call: park the caller; a colleague dials the slot number that you hear", ""),
}
"""What the keys of `[talk]` do, and what is keyed after them."""

WITH_EXTENSION = frozenset({Action.VOICEMAIL, Action.PICKUP})
"""An extension may follow these at once: *8101."""

EXAMPLE_EXTENSION = "101"
HALF_HOUR = timedelta(minutes=30)

_EXTENSION = re.compile(r"[0-9]{2,6}")


@dataclass(frozen=True)
class DialledCode:
    """A code as somebody dialed it."""

    action: Action
    extension: str = ""
    """What followed it; empty when nothing did."""


@dataclass(frozen=True)
class FeatureCode:
    """A code as it is listed."""

    action: str
    """Key of `[codes]`; with talk. in front one of `[talk]`."""
    code: str
    """What is dialed."""
    meaning: str
    """What it does."""
    example: str
    """How it is dialed."""


def resolve(codes: Mapping[str, str], dialled: str) -> DialledCode | None:
    """The meaning of what was dialed, by the section `[codes]`; None when it is no code of ours."""
    for action in Action:
        if codes[action] and dialled == codes[action]:
            return DialledCode(action)
    for action in sorted(WITH_EXTENSION):
        code = codes[action]
        if code and dialled.startswith(code) and _EXTENSION.fullmatch(extension := dialled[len(code) :]):
            return DialledCode(action, extension)
    return None


def listed(codes: Mapping[str, str]) -> Iterator[FeatureCode]:
    """The codes in use, in the order in which they are listed."""
    for action in Action:
        if code := codes[action]:
            example = f"{code} or {code}{EXAMPLE_EXTENSION}" if action in WITH_EXTENSION else code
            yield FeatureCode(action, code, MEANINGS[action], example)


def listed_in_talk(keys: Mapping[str, str]) -> Iterator[FeatureCode]:
    """What an agent keys while they talk; `keys` is the section `[talk]`."""
    for name, (meaning, after) in IN_TALK.items():
        if code := keys[name]:
            yield FeatureCode(f"talk.{name}", code, meaning, f"{code}{after}")


def when(until: datetime, tz: tzinfo, now: datetime) -> str:
    """A time in the coming days as it is said: "5:30 p.m.", with "tomorrow at" or the weekday when it is not today."""
    at, today = until.astimezone(tz), now.astimezone(tz).date()
    clock = f"{at.hour % 12 or 12}:{at.minute:02d} {'a' if at.hour < 12 else 'p'}.m."
    if at.date() == today:
        return clock
    if at.date() == today + timedelta(days=1):
        return f"tomorrow at {clock}"
    return f"{at:%A} at {clock}"
