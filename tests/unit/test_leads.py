"""Where the office stands with a lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.calls import TALKS, CallDirection, Outcome
from crm.domain.errors import Invalid
from crm.domain.leads import (
    LeadEvent,
    LeadStanding,
    LeadStatus,
    Light,
    event_of_call,
    light,
    read_filter,
    standing_after,
    status_after,
)
from crm.domain.tours import EVENT_OF, STAGE_AFTER, TourState

pytestmark = pytest.mark.unit

NEW, IN_PROGRESS, CLOSED = LeadStatus

AFTER = {
    # event: from new, in progress, closed
    LeadEvent.CALLED: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TURNED_AWAY: (NEW, IN_PROGRESS, CLOSED),
    LeadEvent.WROTE: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TALKED: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.MET: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.REACHED_OUT: (NEW, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_BOOKED: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_TAKEN: (IN_PROGRESS, IN_PROGRESS, IN_PROGRESS),
    LeadEvent.TOUR_OFF: (IN_PROGRESS, IN_PROGRESS, CLOSED),
    LeadEvent.APPLIED: (NEW, IN_PROGRESS, IN_PROGRESS),
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


NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@given(st.lists(st.tuples(st.sampled_from(LeadEvent), st.integers(0, 100))))
def test_told_again_or_late_events_give_the_same_times_of_contact(events: list[tuple[LeadEvent, int]]) -> None:
    def told(some: list[tuple[LeadEvent, int]]) -> LeadStanding:
        standing = LeadStanding(NEW, True, None, None)
        for event, hours in some:
            standing = standing_after(standing, event, NOW + timedelta(hours=hours))
            assert not (standing.is_hot and standing.status == CLOSED), "closed is cold"
        return standing

    def times(standing: LeadStanding) -> tuple[datetime | None, datetime | None]:
        return standing.last_contact_at, standing.first_answer_at

    assert times(told(events)) == times(told([*events, *reversed(events)]))


def test_somebody_who_comes_back_after_being_closed_is_hot_again() -> None:
    closed = standing_after(LeadStanding(IN_PROGRESS, True, NOW, NOW), LeadEvent.UNWANTED, NOW)
    assert (closed.status, closed.is_hot) == (CLOSED, False)
    again = standing_after(closed, LeadEvent.CALLED, NOW)
    assert (again.status, again.is_hot) == (IN_PROGRESS, True)
    cold = LeadStanding(NEW, False, None, None)
    assert not standing_after(cold, LeadEvent.CALLED, NOW).is_hot, "cold by choice stays so"


@pytest.mark.parametrize(
    ("hours", "shows"),
    [(0, Light.GREEN), (23.9, Light.GREEN), (24, Light.YELLOW), (47.9, Light.YELLOW), (48, Light.RED)],
)
def test_the_light_says_how_long_ago_the_last_contact_was(hours: float, shows: Light) -> None:
    long_ago = NOW - timedelta(days=90)
    assert light(NEW, NOW - timedelta(hours=hours), long_ago, NOW) is shows
    assert light(NEW, None, NOW - timedelta(hours=hours), NOW) is shows, "without any contact it counts from the start"
    assert light(CLOSED, NOW - timedelta(hours=hours), long_ago, NOW) is None


def test_a_filter_is_read_as_people_write_it() -> None:
    found = read_filter({"status": "open", "light": "red", "contact_before": "2d", "overdue": "yes"}, UTC, NOW)
    assert (found.status, found.light, found.overdue) == ("open", "red", True)
    assert found.contact_before == NOW - timedelta(days=2)
    for wrong in ({"status": "gone"}, {"color": "red"}, {"since": "whenever"}, {"agent": " "}, {"source": "\x1b"}):
        with pytest.raises(Invalid):
            read_filter(wrong, UTC, NOW)
