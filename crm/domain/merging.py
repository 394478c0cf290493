"""Two leads become one: which of two values stays. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm.domain.leads import LeadStatus, LeasingStage


class ProposalReason(StrEnum):
    """Why two leads may be one person."""

    SAME_PHONE = "same_phone"
    """Somebody gave a known number, with another name and email address."""
    SAME_EMAIL = "same_email"
    """Somebody gave a known email address, with another name and number."""
    BOTH_NAMED = "both_named"
    """Somebody gave the email address of one and the number of the other."""
    SAME_HOME = "same_home"
    """Their names are alike, and they ask about the same home."""


def pair_of(one: int, other: int) -> str:
    """Two leads, whichever is named first."""
    return f"{min(one, other)}-{max(one, other)}"


_HOW_FAR = {
    stage: rank
    for rank, stage in enumerate(
        (
            LeasingStage.UNRESPONSIVE,
            LeasingStage.LOST,
            LeasingStage.CONTACTED,
            LeasingStage.SHOWING_DESIRED,
            LeasingStage.SHOWING_MISSED,
            LeasingStage.SHOWING_BOOKED,
            LeasingStage.STILL_DECIDING,
            LeasingStage.APPLICATION_SENT,
            LeasingStage.APPLIED,
            LeasingStage.LEASED,
        )
    )
}
_ENDED = (LeasingStage.UNRESPONSIVE, LeasingStage.LOST)


def is_further(one: tuple[str, datetime], other: tuple[str, datetime]) -> bool:
    """Whether the first of two interests in one property, as stage and time of the last news, is the one that counts.

    It has come further; but whether somebody is still interested at all is what was heard last.
    """
    (stage, at), (other_stage, other_at) = one, other
    if (stage in _ENDED) != (other_stage in _ENDED):
        return at > other_at
    return _rank(stage) > _rank(other_stage)


def _rank(stage: str) -> int:
    try:
        return _HOW_FAR[LeasingStage(stage)]
    except ValueError:
        return -1


def merged(survivor: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the lead that two become. What is known of the survivor stays; what only the other knows is
    added. The two are one person: open if either is, in contact since the earlier and last in contact at the later."""
    values = {name: COLUMNS[name](survivor[name], gone[name]) for name in COLUMNS}
    if survivor["assigned_agent_id"] is not None:
        values["assigned_at"] = survivor["assigned_at"]
    open_ones = [one for one in (survivor, gone) if one["status"] != LeadStatus.CLOSED]
    if open_ones:
        values["is_hot"] = any(one["is_hot"] for one in open_ones)
        values["closed_because"] = ""
    return values


def _known(survivor: Any, gone: Any) -> Any:
    return gone if survivor is None or survivor == "" else survivor


def _of_survivor(survivor: Any, gone: Any) -> Any:
    return survivor


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at), default=None)


def _both(one: str, other: str) -> str:
    """What either has, of texts with commas."""
    return ",".join(sorted({*one.split(","), *other.split(",")} - {""}))


def _status(one: str, other: str) -> str:
    return next((status for status in (LeadStatus.IN_PROGRESS, LeadStatus.NEW) if status in (one, other)), one)


COLUMNS: dict[str, Callable[[Any, Any], Any]] = {
    "name": _known,
    "email": _known,
    "language": _known,
    "bedrooms": _known,
    "move_in_on": _known,
    "budget": _known,
    "pets": _known,
    "typed": _both,
    "kind": _of_survivor,
    "is_hot": _of_survivor,
    "status": _status,
    "closed_because": _of_survivor,
    "source": _known,
    "assigned_agent_id": _known,
    "assigned_at": _known,
    "last_contact_at": _later,
    "first_answer_at": _earlier,
    "created_at": _earlier,
}
"""What becomes of each column of a lead but its id."""
STANDING = ("status", "is_hot", "closed_because", "last_contact_at", "first_answer_at")
"""Columns that follow from what happens with a lead."""


def joined_threads(survivor: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of the survivor's row in the inbox when the other lead has one too: whatever waits in one of them
    waits in the one that stays."""
    latest = max((survivor, gone), key=lambda one: (one["last_at"] is not None, one["last_at"] or 0))
    snoozed = [one["snoozed_until"] for one in (survivor, gone)]
    return {
        **{name: latest[name] for name in ("last_at", "last_direction", "last_words")},
        "is_waiting": survivor["is_waiting"] or gone["is_waiting"],
        "is_done": survivor["is_done"] and gone["is_done"],
        "snoozed_until": min(snoozed) if all(snoozed) else None,
    }
