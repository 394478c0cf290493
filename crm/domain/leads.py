"""Leads: where the office stands with a person, and how far their interest in a home has come. Pure."""

from __future__ import annotations

from enum import StrEnum

from crm.domain.calls import TALKS, CallDirection, Outcome


class LeadStatus(StrEnum):
    NEW = "new"
    """Nobody of the office has talked with them."""
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"
    """The office is done with them."""


class LeadEvent(StrEnum):
    """What happens with a lead, as far as the status depends on it."""

    CALLED = "called"
    """They called, and nobody talked with them."""
    TURNED_AWAY = "turned away"
    """They called, and the block list kept them out."""
    WROTE = "wrote"
    TALKED = "talked"
    """On the phone, whoever called."""
    REACHED_OUT = "reached out"
    """Somebody of the office called and did not reach them, or wrote to them."""
    TOUR_BOOKED = "tour booked"
    """Or moved to another time."""
    TOUR_TAKEN = "tour taken"
    TOUR_OFF = "tour off"
    """It was cancelled, or they did not come."""
    UNWANTED = "unwanted"
    """Somebody of the office wants no more of them."""


def status_after(status: str, event: LeadEvent) -> str:
    """Where the office stands with a lead once that has happened.

    Whatever brings the two together opens a closed lead again; a tour that does not take place brings nobody together.
    """
    if event is LeadEvent.UNWANTED:
        return LeadStatus.CLOSED
    if status == LeadStatus.CLOSED:
        return status if event in _LEAVES_CLOSED else LeadStatus.IN_PROGRESS
    return LeadStatus.IN_PROGRESS if event in _BEGINS else status


_LEAVES_CLOSED = (LeadEvent.TURNED_AWAY, LeadEvent.TOUR_OFF)
_BEGINS = (LeadEvent.TALKED, LeadEvent.TOUR_BOOKED, LeadEvent.TOUR_TAKEN, LeadEvent.TOUR_OFF)


def event_of_call(direction: CallDirection, outcome: Outcome) -> LeadEvent:
    """What an ended call between the office and a lead was."""
    if outcome in TALKS:
        return LeadEvent.TALKED
    if outcome is Outcome.BLOCKED:
        return LeadEvent.TURNED_AWAY
    return LeadEvent.CALLED if direction is CallDirection.IN else LeadEvent.REACHED_OUT


class Happened(StrEnum):
    """What an entry of a lead's timeline is about, by the industry's event names."""

    CALL_FROM = "CallFromProspect"
    CALL_TO = "CallToProspect"
    TEXT = "Text"
    """Either way."""
    APPOINTMENT = "Appointment"
    """A tour was booked, moved, cancelled or missed."""
    SHOW = "Show"
    STAGE_CHANGED = "StageChanged"
    TASK = "Task"
    """It went to somebody else."""
    NOTE = "Note"


class LeasingStage(StrEnum):
    """Of an interest in a home, as the latest leasing event says."""

    CONTACTED = "contacted"
    """They have called or written."""
    SHOWING_DESIRED = "showing_desired"
    """They want to see a home, and have no time for it yet."""
    SHOWING_BOOKED = "showing_booked"
    SHOWING_MISSED = "showing_missed"
    """They did not come, or cancelled."""
    STILL_DECIDING = "still_deciding"
    """They have seen it."""
    APPLICATION_SENT = "application_sent"
    APPLIED = "applied"
    LEASED = "leased"
    LOST = "lost"
    """They went elsewhere, or said no."""
    UNRESPONSIVE = "unresponsive"
    """They answer no more."""
