"""May a text leave now?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import gate
from crm.domain.gate import (
    DAY,
    HOUR,
    ClockLocation,
    Limit,
    MessageClass,
    TextLimits,
    TextRequest,
    Verdict,
    decide,
    limits_on,
    next_open,
)
from crm.domain.spikes import is_spike
from crm.domain.texts import LIFETIMES, TextPurpose

pytestmark = pytest.mark.unit

CHICAGO, NEW_YORK, LOS_ANGELES = (ZoneInfo(f"America/{city}") for city in ("Chicago", "New_York", "Los_Angeles"))
OFFICE = ClockLocation(CHICAGO)
NOON = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)
"""A Tuesday, noon in Chicago."""
NIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
"""2:00 in Chicago."""
ONES_OWN = (TextPurpose.LISTINGS_LINK, TextPurpose.MISSED_CALL)


def local(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize("purpose", [TextPurpose.AGENT, *ONES_OWN, TextPurpose.START_CONFIRMED])
def test_pain_11_who_opted_out_gets_nothing(purpose: TextPurpose) -> None:
    decision = decide(TextRequest(purpose, NOON, opted_out='on 2026-03-01 they wrote "stop"'), NOON)
    assert decision.verdict is Verdict.BLOCK
    assert '"stop"' in decision.reasons[0]


def test_who_withholds_their_number_gets_only_what_a_person_writes() -> None:
    by_itself = (*ONES_OWN, TextPurpose.CALLBACK, TextPurpose.FOLLOW_UP, TextPurpose.TOUR, TextPurpose.TOUR_REMINDER)
    for purpose in (
        *by_itself,
        TextPurpose.AGENT,
        TextPurpose.STOP_CONFIRMED,
        TextPurpose.START_CONFIRMED,
        TextPurpose.HELP,
    ):
        verdict = decide(TextRequest(purpose, NOON, is_withheld=True), NOON).verdict
        assert (verdict is Verdict.BLOCK) == (purpose in by_itself)


@pytest.mark.parametrize("at", [NOON, NIGHT])
@pytest.mark.parametrize("purpose", [TextPurpose.STOP_CONFIRMED, TextPurpose.HELP])
def test_pain_11_the_stop_confirmation_is_not_blocked_by_its_own_opt_out(purpose: TextPurpose, at: datetime) -> None:
    decision = decide(TextRequest(purpose, at, opted_out="stop", locations=(OFFICE,)), at + timedelta(minutes=4))
    assert decision.verdict is Verdict.SEND
    assert decision.reasons


def test_a_confirmation_after_five_minutes_stays() -> None:
    ask = TextRequest(TextPurpose.STOP_CONFIRMED, NOON, opted_out="stop")
    assert decide(ask, NOON + timedelta(minutes=4, seconds=59)).verdict is Verdict.SEND
    assert decide(ask, NOON + timedelta(minutes=5)).verdict is Verdict.BLOCK


@pytest.mark.parametrize("purpose", ONES_OWN)
def test_an_answer_to_the_callers_own_call_goes_out_at_night(purpose: TextPurpose) -> None:
    assert decide(TextRequest(purpose, NIGHT, locations=(OFFICE,)), NIGHT).verdict is Verdict.SEND


def test_an_agents_text_is_an_answer_for_an_hour_and_then_a_follow_up() -> None:
    heard = NIGHT - timedelta(minutes=60)
    answer = TextRequest(TextPurpose.AGENT, NIGHT, last_heard_at=heard, locations=(OFFICE,))
    assert decide(answer, NIGHT).verdict is Verdict.SEND
    late = TextRequest(TextPurpose.AGENT, NIGHT, last_heard_at=heard - timedelta(seconds=1), locations=(OFFICE,))
    decision = decide(late, NIGHT)
    assert decision.verdict is Verdict.WAIT
    assert decision.until == local(CHICAGO, 2026, 3, 3, 8, 0)
    assert gate.class_of(TextPurpose.AGENT, NIGHT, None) is MessageClass.FOLLOW_UP


@pytest.mark.parametrize(
    ("locations", "now", "until"),
    [
        # Both zones have to be open: it is 8:00 in Chicago, and 6:00 in Los Angeles.
        ((OFFICE, ClockLocation(LOS_ANGELES)), local(CHICAGO, 2026, 3, 3, 8, 0), local(LOS_ANGELES, 2026, 3, 3, 8, 0)),
        # 20:30 in Chicago, 21:30 in New York: closed there until their morning, and then until ours.
        ((OFFICE, ClockLocation(NEW_YORK)), local(CHICAGO, 2026, 3, 3, 20, 30), local(CHICAGO, 2026, 3, 4, 8, 0)),
        ((OFFICE,), local(CHICAGO, 2026, 3, 3, 20, 59), local(CHICAGO, 2026, 3, 3, 20, 59)),
        ((OFFICE,), local(CHICAGO, 2026, 3, 3, 21, 0), local(CHICAGO, 2026, 3, 4, 8, 0)),
        # Florida closes at 20:00.
        ((ClockLocation(NEW_YORK, "Florida"),), local(NEW_YORK, 2026, 3, 3, 20, 0), local(NEW_YORK, 2026, 3, 4, 8, 0)),
        # Texas: not before noon on Sundays.
        ((ClockLocation(CHICAGO, "Texas"),), local(CHICAGO, 2026, 3, 1, 9, 0), local(CHICAGO, 2026, 3, 1, 12, 0)),
        # Alabama: not on Sundays at all.
        ((ClockLocation(CHICAGO, "Alabama"),), local(CHICAGO, 2026, 3, 1, 12, 0), local(CHICAGO, 2026, 3, 2, 8, 0)),
        # The night the clocks go forward is an hour shorter.
        ((OFFICE,), local(CHICAGO, 2026, 3, 7, 22, 0), datetime(2026, 3, 8, 13, 0, tzinfo=UTC)),
        ((), NIGHT, NIGHT),
    ],
)
def test_quiet_hours(locations: tuple[ClockLocation, ...], now: datetime, until: datetime) -> None:
    assert next_open(locations, now) == until
    decision = decide(TextRequest(TextPurpose.AGENT, now, locations=locations), now)
    assert decision.verdict is (Verdict.SEND if until == now else Verdict.WAIT)
    assert decision.until == (None if until == now else until)


@given(st.sampled_from(["", *gate.STATES]), st.sampled_from(["", *gate.STATES]), st.integers(0, 14 * 24 * 4))
def test_it_always_opens_and_then_everywhere(one: str, other: str, quarters: int) -> None:
    locations = (OFFICE, ClockLocation(LOS_ANGELES, one), ClockLocation(NEW_YORK, other))
    now = NIGHT + timedelta(minutes=15 * quarters)
    opens = next_open(locations, now)
    assert now <= opens <= now + timedelta(days=4)
    assert next_open(locations, opens) == opens


def sent(purpose: TextPurpose, settings: TextLimits, *minutes: int) -> tuple[tuple[Limit, tuple[datetime, ...]], ...]:
    """Texts that left so many minutes ago, and that count for every limit on the purpose."""
    times = tuple(NOON - timedelta(minutes=one) for one in minutes)
    return tuple((limit, times[-limit.most :]) for limit in limits_on(purpose, settings))


@pytest.mark.parametrize(
    ("settings", "free_after"),
    [
        (TextLimits(per_person_per_hour=3), 10),
        (TextLimits(per_person_per_hour=2), 20),
        (TextLimits(per_hour=3), 10),
        (TextLimits(per_hour=5, automatic_percent=60), 10),
        (TextLimits(per_day=3), 24 * 60 - 50),
        (TextLimits(per_person_per_hour=4, per_hour=4, per_day=4), None),
        (TextLimits(), None),
    ],
)
def test_the_limits(settings: TextLimits, free_after: int | None) -> None:
    # A link is of use for a day.
    purpose = TextPurpose.LISTINGS_LINK
    decision = decide(TextRequest(purpose, NOON, sent=sent(purpose, settings, 50, 40, 30)), NOON)
    assert decision.verdict is (Verdict.SEND if free_after is None else Verdict.WAIT)
    assert decision.until == (None if free_after is None else NOON + timedelta(minutes=free_after))


@pytest.mark.parametrize("purpose", [TextPurpose.AGENT, TextPurpose.TOUR, TextPurpose.TOUR_REMINDER])
def test_automatic_texts_leave_room_for_agents_and_tours(purpose: TextPurpose) -> None:
    settings = TextLimits(per_hour=10, per_day=100, automatic_percent=60)
    assert [limit.most for limit in limits_on(purpose, settings)] == [10, 100]
    own = [limit for limit in limits_on(TextPurpose.MISSED_CALL, settings) if purpose not in limit.purposes]
    assert [(limit.most, limit.within) for limit in own] == [(6, HOUR), (60, DAY)]
    assert TextPurpose.FOLLOW_UP in own[0].purposes


@pytest.mark.parametrize("purpose", [TextPurpose.STOP_CONFIRMED, TextPurpose.START_CONFIRMED, TextPurpose.HELP])
def test_answers_to_keywords_have_limits_of_their_own_and_none_of_the_others(purpose: TextPurpose) -> None:
    settings = TextLimits(6, 200, 1000, 60, confirmations_per_person_per_day=2, confirmations_per_hour=3)
    assert [(limit.most, limit.within, limit.to_person) for limit in limits_on(purpose, settings)] == [
        (2, DAY, True),
        (3, HOUR, False),
    ]
    full = decide(TextRequest(purpose, NOON, sent=sent(purpose, settings, 50, 40)), NOON)
    assert full.verdict is Verdict.BLOCK
    assert "too late" in full.reasons[-1]
    assert decide(TextRequest(purpose, NOON, sent=sent(purpose, settings, 50)), NOON).verdict is Verdict.SEND


@pytest.mark.parametrize("purpose", [one for one in TextPurpose if one is not TextPurpose.INBOUND])
def test_no_text_goes_where_no_call_may_go(purpose: TextPurpose) -> None:
    decision = decide(TextRequest(purpose, NOON, refusal="That is a premium-rate number, so it is blocked."), NOON)
    assert (decision.verdict, decision.reasons) == (
        Verdict.BLOCK,
        ("That is a premium-rate number, so it is blocked.",),
    )


@pytest.mark.parametrize("purpose", [one for one in TextPurpose if one is not TextPurpose.INBOUND])
def test_a_pause_holds_back_automatic_texts_alone(purpose: TextPurpose) -> None:
    ends = NOON + timedelta(minutes=20)
    decision = decide(TextRequest(purpose, NOON, paused_until=ends), NOON)
    assert decision.verdict is (Verdict.WAIT if purpose in gate.AUTOMATIC else Verdict.SEND)
    assert decision.until == (ends if purpose in gate.AUTOMATIC else None)
    assert decide(TextRequest(purpose, NOON, paused_until=NOON), NOON).verdict is Verdict.SEND


@pytest.mark.parametrize("purpose", [one for one in TextPurpose if one is not TextPurpose.INBOUND])
def test_what_is_of_no_use_any_more_is_not_sent(purpose: TextPurpose) -> None:
    end = NOON + LIFETIMES[purpose]
    assert decide(TextRequest(purpose, NOON), end - timedelta(seconds=1)).verdict is Verdict.SEND
    assert decide(TextRequest(purpose, NOON), end).verdict is Verdict.BLOCK
    # What has an end of its own, such as a reminder, ends with that.
    assert decide(TextRequest(purpose, NOON, expires_at=NOON), NOON).verdict is Verdict.BLOCK


def test_an_answer_that_a_carrier_has_held_up_for_hours_waits_for_the_morning() -> None:
    ask = TextRequest(TextPurpose.LISTINGS_LINK, NIGHT, locations=(OFFICE,))
    assert decide(ask, NIGHT + timedelta(hours=1)).verdict is Verdict.SEND
    assert decide(ask, NIGHT + timedelta(hours=1, seconds=1)).until == local(CHICAGO, 2026, 3, 3, 8, 0)


@pytest.mark.parametrize(
    ("recent", "before", "is_one"),
    [(29, 0, False), (30, 0, True), (30, 3024, True), (30, 3025, False), (90, 9072, True), (89, 9072, False)],
)
def test_a_spike_is_many_and_many_more_than_usual(recent: int, before: int, is_one: bool) -> None:
    # A week has 1,008 times ten minutes.
    window = timedelta(minutes=10)
    assert is_spike(recent, before, window, least=30, times=10.0) is is_one
    assert not is_spike(10_000, 0, window, least=0, times=10.0)


@given(
    st.sampled_from([one for one in TextPurpose if one is not TextPurpose.INBOUND]), st.booleans(), st.integers(0, 96)
)
def test_every_decision_says_why(purpose: TextPurpose, out: bool, quarters: int) -> None:
    now = NIGHT + timedelta(minutes=15 * quarters)
    decision = decide(TextRequest(purpose, now, opted_out="stop" if out else "", locations=(OFFICE,)), now)
    assert decision.reasons
    assert (decision.until is not None) == (decision.verdict is Verdict.WAIT)
    if out:
        passes = purpose in (TextPurpose.STOP_CONFIRMED, TextPurpose.HELP)
        assert decision.verdict is (Verdict.SEND if passes else Verdict.BLOCK)
