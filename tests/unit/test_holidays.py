"""Public holidays by country and state, as the package knows them."""

from __future__ import annotations

from datetime import date

import pytest

from crm.edge import holidays
from crm.edge.holidays import UnknownRegion

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("written", "region"), [("US-TX", "US-TX"), (" us-tx ", "US-TX"), ("us", "US"), ("MX", "MX")])
def test_a_region_as_people_write_it(written: str, region: str) -> None:
    assert holidays.region(written) == region
    assert holidays.in_year(region, 2026)[date(2026, 12, 25)]


@pytest.mark.parametrize("written", ["", "TX", "USA", "XX-TX", "US-TEXAS", "US-TX-1", "\u0661", "A" * 500])
def test_a_region_that_does_not_exist(written: str) -> None:
    with pytest.raises(UnknownRegion) as refused:
        holidays.region(written)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


def test_states_differ_and_days_on_a_weekend_are_made_up_for() -> None:
    texas, new_york = holidays.in_year("US-TX", 2026), holidays.in_year("US-NY", 2026)
    assert texas[date(2026, 3, 2)] == "Texas Independence Day"
    assert date(2026, 3, 2) not in new_york
    # The Fourth of July is a Saturday.
    assert texas[date(2026, 7, 3)] == "Independence Day (observed)"
    assert {day.year for day in texas} == {2026}
    # New Year's Day of 2028 is a Saturday: its day off lies in the year before.
    assert holidays.in_year("US", 2027)[date(2027, 12, 31)] == "New Year's Day (observed)"


def test_a_calendar_that_is_gone_closes_nobody() -> None:
    assert holidays.in_year("XX", 2026) == {}
    assert holidays.in_year("US-XX", 2026) == {}
