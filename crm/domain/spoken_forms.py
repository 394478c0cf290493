"""Values as the voice agent's sentences write them, in the dialogue's language. Pure.

They are written as people write them ("$1,450", "March 1", "10 AM"); whoever voices a sentence spells them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from crm.domain.dialogue import Dialogue
from crm.domain.hours import clock_minutes
from crm.domain.listings import Fee, Per, Pets, plain_count


def money(amount: Decimal) -> str:
    return f"${amount:,.0f}" if amount == amount.to_integral_value() else f"${amount:,.2f}"


def beds(dialogue: Dialogue, count: int) -> str:
    if count == 0:
        return dialogue.word("studio")
    return dialogue.word("bedroom") if count == 1 else dialogue.word("bedrooms").format(n=count)


def baths(dialogue: Dialogue, count: Decimal) -> str:
    return dialogue.word("bath") if count == 1 else dialogue.word("baths").format(n=plain_count(count))


def day(dialogue: Dialogue, at: date, today: date) -> str:
    """The year is said where it is not this one."""
    form = "date" if at.year == today.year else "date_year"
    return dialogue.word(form).format(month=dialogue.word(f"month_{at.month}"), day=at.day, year=at.year)


def available(dialogue: Dialogue, at: date, today: date) -> str:
    return dialogue.word("now") if at <= today else dialogue.word("available_on").format(date=day(dialogue, at, today))


def clock(dialogue: Dialogue, minutes: int) -> str:
    hour, minute = divmod(minutes, 60)
    half = dialogue.word("am" if hour % 24 < 12 else "pm")
    form = "time_minutes" if minute else "time"
    return dialogue.word(form).format(hour=hour % 12 or 12, minute=f"{minute:02}", half=half)


def moment(dialogue: Dialogue, at: datetime, today: date) -> str:
    """`at` on the property's clock."""
    return dialogue.word("moment").format(
        weekday=dialogue.word(f"weekday_{at.weekday()}"),
        date=day(dialogue, at.date(), today),
        time=clock(dialogue, at.hour * 60 + at.minute),
    )


def moments(dialogue: Dialogue, times: Sequence[datetime], today: date) -> str:
    """Several, the day only once for each."""
    parts = []
    for _, same in groupby(times, key=lambda at: at.date()):
        first, *others = list(same)
        said = moment(dialogue, first, today)
        parts.append(
            dialogue.joined(
                [said, *(clock(dialogue, at.hour * 60 + at.minute) for at in others)], "or" if others else "and"
            )
        )
    return dialogue.joined(parts, "or")


ALWAYS = ("00:00", "24:00")
"""The opening hours of a day that is never closed."""


def week(dialogue: Dialogue, openings: Iterable[tuple[int, str, str]]) -> str:
    """Opening hours, days with the same ones together; empty for none."""
    by_day: dict[int, list[tuple[str, str]]] = {}
    for weekday, opens, closes in openings:
        by_day.setdefault(weekday, []).append((opens, closes))
    spans: list[tuple[int, int, list[tuple[str, str]]]] = []
    for weekday in sorted(by_day):
        if spans and spans[-1][1] == weekday - 1 and spans[-1][2] == by_day[weekday]:
            spans[-1] = (spans[-1][0], weekday, spans[-1][2])
        else:
            spans.append((weekday, weekday, by_day[weekday]))
    parts = []
    for first, last, times in spans:
        name = dialogue.word(f"weekday_{first}")
        if last > first:
            name = dialogue.word("weekday_range").format(first=name, last=dialogue.word(f"weekday_{last}"))
        form = "hours_part_always" if times == [ALWAYS] else "hours_part"
        parts.append(dialogue.word(form).format(days=name, hours=windows(dialogue, times)))
    return dialogue.joined(parts)


def windows(dialogue: Dialogue, times: Iterable[tuple[str, str]]) -> str:
    return dialogue.joined(
        [
            dialogue.word("window_always")
            if (opens, closes) == ALWAYS
            else dialogue.word("window").format(
                opens=clock(dialogue, clock_minutes(opens)), closes=clock(dialogue, clock_minutes(closes))
            )
            for opens, closes in times
        ]
    )


def fee(dialogue: Dialogue, one: Fee) -> str:
    form = {Per.ONCE: "fee_once", Per.MONTH: "fee_monthly", Per.APPLICANT: "fee_applicant"}[one.per]
    return dialogue.say(form, amount=money(one.amount))


def pets(dialogue: Dialogue, allowed: Iterable[Pets]) -> str:
    parts = []
    for one in allowed:
        kind = dialogue.word(one.kind)
        if one.most == 1:
            said = dialogue.word(f"one_{one.kind}") if f"one_{one.kind}" in dialogue.words else kind
        elif one.most is not None:
            said = dialogue.say("pet_phrase_most", most=one.most, kind=kind)
        else:
            said = dialogue.say("pet_phrase", kind=kind)
        if one.pounds is not None:
            said = dialogue.say("pet_pounds", pet=said, pounds=one.pounds)
        parts.append(said)
    return dialogue.joined(parts)
