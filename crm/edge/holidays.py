"""Public holidays by country and state, from the package `holidays` (https://holidays.readthedocs.io)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache


class UnknownRegion(Exception):
    """There is no such calendar; the text says which there are."""


def region(raw: str) -> str:
    """A calendar as it is stored: a country's (US) or a state's (US-TX). Raises UnknownRegion."""
    # Here and not at the top: only who has holidays needs it, and it takes a second (load).
    import holidays

    country, _, state = raw.strip().upper().partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known or len(country) != 2:
        raise UnknownRegion(f"{raw[:20]!a} has no holiday calendar: write a country or state, such as US or US-TX.")
    states = known[country]
    if state and state not in states:
        there_are = f"there are {', '.join(states)}" if states else f"write only {country}"
        raise UnknownRegion(f"{country} has no state {state[:20]!a} with a holiday calendar: {there_are}.")
    return f"{country}-{state}" if state else country


def load() -> None:
    """Loads the calendars, which takes a second: in a thread, before anybody asks for a year."""
    in_year("US", 2000)


@cache
def in_year(region: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year with their names, days off for those on a weekend included; none for a region that
    is not known any more."""
    import holidays

    country, _, state = region.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=state or None, years=year)
    except NotImplementedError:
        return {}
    return {day: name for day, name in found.items() if day.year == year}
