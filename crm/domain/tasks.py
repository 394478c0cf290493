"""Next actions: what kind of task a call leaves behind. Pure."""

from __future__ import annotations

from enum import StrEnum

from crm.domain.calls import TALKS, Outcome


class TaskKind(StrEnum):
    CALL_BACK = "call_back"
    LISTEN = "listen"
    """To the message the caller left, and call back."""
    FOLLOW_UP = "follow_up"
    """The caller has the listings and nobody has talked to them yet."""
    REPLY = "reply"
    """To the text a person wrote; one for a thread, however many they write."""
    UNKNOWN_DID = "unknown_did"
    """A number reaches us that is no line: add the line, or have the carrier correct it."""


def task_after(
    outcome: Outcome, *, message_left: bool = False, went_on: bool = False, left_waiting: bool = False
) -> TaskKind | None:
    """What has to be done after a call; None when it is finished.

    Whoever has booked a tour may want something else, too: `message_left`, or `went_on` to the team, which did not
    answer. Whoever has talked leaves a message when they were passed on, or parked, and nobody took them; or only hangs
    up (`left_waiting`).
    """
    if message_left and outcome in (Outcome.BOOKED, *TALKS):
        return TaskKind.LISTEN
    if (outcome is Outcome.BOOKED and went_on) or (outcome is Outcome.TALKED and left_waiting):
        return TaskKind.CALL_BACK
    return {
        Outcome.TALKED: None,
        Outcome.INTERRUPTED: TaskKind.CALL_BACK,
        Outcome.LEFT_MESSAGE: TaskKind.LISTEN,
        Outcome.BOOKED: None,
        Outcome.GOT_LINK: TaskKind.FOLLOW_UP,
        Outcome.CALLBACK: TaskKind.CALL_BACK,
        Outcome.GAVE_UP: TaskKind.CALL_BACK,
        Outcome.WRONG_NUMBER: TaskKind.UNKNOWN_DID,
        Outcome.BLOCKED: None,
        Outcome.HANDED_OVER: None,
        Outcome.NOT_REACHED: TaskKind.CALL_BACK,
    }[outcome]
