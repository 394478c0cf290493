"""Next actions: what kind of task a call leaves behind. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import StrEnum

from crm.domain.calls import TALKS, Outcome
from crm.domain.excerpts import excerpt


class TaskKind(StrEnum):
    CALL_BACK = "call_back"
    LISTEN = "listen"
    """To the voicemail the caller left, and call back."""
    FOLLOW_UP = "follow_up"
    """The caller has the listings, or answers of the voice agent, and nobody has talked to them yet."""
    REPLY = "reply"
    """To the text a person wrote; one for a thread, however many they write."""
    INQUIRY = "inquiry"
    """To answer what they wrote on the website; one a person."""
    FINISH_APPLICATION = "finish_application"
    """They began an application and have not sent it: ask whether they need help."""
    REVIEW_APPLICATION = "review_application"
    TO_DO = "to_do"
    """Somebody entered it by hand."""
    UNKNOWN_DID = "unknown_did"
    """Calls arrive for a number that is not a line: add the line, or have the carrier correct it."""


ONE_A_PERSON = frozenset(
    {
        TaskKind.CALL_BACK,
        TaskKind.FOLLOW_UP,
        TaskKind.INQUIRY,
        TaskKind.FINISH_APPLICATION,
        TaskKind.REVIEW_APPLICATION,
        TaskKind.UNKNOWN_DID,
    }
)
"""However many calls there are, one is open. Each voicemail has to be listened to: it is taken and escalated on
its own. Replies are one per thread."""


def person_of(kind: TaskKind, *, lead_id: int | None, caller: str | None, did: str, desk: str) -> str:
    """The person a task from a call is about, so that all their calls share one open task; empty for a task of its own.

    A concern or an emergency in a home (`desk`) is not what they called about otherwise.
    """
    if kind not in ONE_A_PERSON:
        return ""
    if kind is TaskKind.UNKNOWN_DID:
        return f"did:{did}" if did else ""
    who = f"lead:{lead_id}" if lead_id is not None else f"caller:{caller}" if caller else ""
    return f"{who}/{desk}" if who and desk else who


def is_beyond_anybody(kind: TaskKind | None, *, has_number: bool, talked: bool, is_urgent: bool) -> bool:
    """Whether nobody could do such a task: there is no number to call, and nobody has heard what it was about.

    Somebody who talked to the caller may know who it was. About an emergency in a home something can be done without
    its caller.
    """
    return kind in (TaskKind.CALL_BACK, TaskKind.FOLLOW_UP) and not (has_number or talked or is_urgent)


LONGEST_WHY = 300


def said_too(why: str, more: str) -> str:
    """Why there is something to do, with a sentence that is kept whole."""
    return _with(why, f" {more}")


def _with(why: str, more: str) -> str:
    return excerpt(why, LONGEST_WHY - len(more)) + more


def said_again(why: str, times: int, first: datetime, last: datetime, tz: tzinfo, *, what: str = "calls") -> str:
    """Why there is something to do, and how often it came up, as it stands on a task that covers several calls, or
    whatever `what` names."""
    if times < 2:
        return why
    from_, until = (f"{at.astimezone(tz):%a %H:%M}" for at in (first, last))
    stop = "" if why.rstrip().endswith((".", "!", "?")) else "."
    often = f"{stop} {times} {what}, the first on {from_}, the last on {until}."
    return _with(why, often)


def task_after(
    outcome: Outcome,
    *,
    voicemail_left: bool = False,
    went_on: bool = False,
    left_waiting: bool = False,
    promised: bool = False,
) -> TaskKind | None:
    """What has to be done after a call; None when it is finished.

    Whoever has booked a tour may want something else, too: `voicemail_left`, or `went_on` to the team, which did not
    answer. Somebody who has talked leaves a voicemail after being passed on, or parked, without anybody taking the
    call; or just hangs up (`left_waiting`). `promised`: the voice agent said that somebody would get back to them.
    """
    if voicemail_left and outcome in (Outcome.BOOKED, *TALKS):
        return TaskKind.LISTEN
    if promised and outcome in (Outcome.BOOKED, Outcome.GOT_LINK, Outcome.ANSWERED):
        return TaskKind.CALL_BACK
    if (outcome is Outcome.BOOKED and went_on) or (outcome is Outcome.TALKED and left_waiting):
        return TaskKind.CALL_BACK
    return {
        Outcome.TALKED: None,
        Outcome.INTERRUPTED: TaskKind.CALL_BACK,
        Outcome.LEFT_VOICEMAIL: TaskKind.LISTEN,
        Outcome.BOOKED: None,
        Outcome.GOT_LINK: TaskKind.FOLLOW_UP,
        Outcome.ANSWERED: TaskKind.FOLLOW_UP,
        Outcome.CALLBACK: TaskKind.CALL_BACK,
        Outcome.GAVE_UP: TaskKind.CALL_BACK,
        Outcome.WRONG_NUMBER: TaskKind.UNKNOWN_DID,
        Outcome.BLOCKED: None,
        Outcome.HANDED_OVER: None,
        Outcome.NOT_REACHED: TaskKind.CALL_BACK,
    }[outcome]
