"""Public holidays by country and state, from the package `holidays` (https://holidays.readthedocs.io)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache


class UnknownRegion(Exception):
    """There is no such calendar; the message says which ones exist."""


def region(raw: str) -> str:
    """Returns the code of a calendar: a country's (US) or a state's (US-TX). Raises UnknownRegion."""
    # Not at the top: it takes a second to load (see load), and only offices with holidays need it.
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
    """Loads the calendars, which takes a second: call it in a thread, before the first call of `in_year`."""
    in_year("US", 2000)


@cache
def in_year(region: str, year: int) -> Mapping[date, str]:
    """Returns the names of a year's public holidays by date, days off for those on a weekend included; empty for a
    region that the package no longer knows."""
    import holidays

    country, _, state = region.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=state or None, years=year)
    except NotImplementedError:
        return {}
    return {day: name for day, name in found.items() if day.year == year}
