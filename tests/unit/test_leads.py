"""Where the office stands with a lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.calls import TALKS, CallDirection, Outcome
from crm.domain.leads import LeadEvent, LeadStatus, event_of_call, status_after
from crm.domain.tours import EVENT_OF, STAGE_AFTER, TourState

pytestmark = pytest.mark.unit

NEW, IN_PROGRESS, CLOSED = LeadStatus

AFTER = {
    # event: from new, in progress, closed
    LeadEvent.CALLED: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TURNED_AWAY: (NEW, IN_PROGRESS, CLOSED),
    LeadEvent.WROTE: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TALKED: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.REACHED_OUT: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_BOOKED: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_TAKEN: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_OFF: (IN_PROGRESS, IN_PROGRESS, CLOSED),
    LeadEvent.UNWANTED: (CLOSED, CLOSED, CLOSED),
}


@pytest.mark.parametrize("event", LeadEvent)
def test_what_an_event_does_to_each_status(event: LeadEvent) -> None:
    assert tuple(status_after(status, event) for status in LeadStatus) == AFTER[event]


@given(st.lists(st.sampled_from(LeadEvent)))
def test_nobody_is_new_again_and_only_a_person_closes(events: list[LeadEvent]) -> None:
    status: str = NEW
    for event in events:
        before, status = status, status_after(status, event)
        assert status in LeadStatus
        assert status != NEW or before == NEW
        assert status != CLOSED or before == CLOSED or event is LeadEvent.UNWANTED
        assert status_after(status, event) == status, "said twice, it is the same"


@pytest.mark.parametrize("direction", [CallDirection.IN, CallDirection.OUT])
@pytest.mark.parametrize("outcome", Outcome)
def test_only_who_was_kept_out_leaves_a_closed_lead_closed(direction: CallDirection, outcome: Outcome) -> None:
    event = event_of_call(direction, outcome)
    assert status_after(NEW, event) == (IN_PROGRESS if outcome in TALKS else NEW)
    assert status_after(CLOSED, event) == (CLOSED if outcome is Outcome.BLOCKED else IN_PROGRESS)


def test_every_state_of_a_tour_says_what_it_means_for_the_lead() -> None:
    assert set(EVENT_OF) == set(STAGE_AFTER) == set(TourState)
