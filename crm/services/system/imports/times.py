"""Lists of times: opening hours, agents' hours and tour hours, each replacing what was there, and special days."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.imports import Row
from crm.domain.tours import TourKind
from crm.services.office import holidays
from crm.services.office import hours as opening_hours
from crm.services.system.imports.writing import Writing
from crm.services.tours import times


def hours(writing: Writing, session: Session, rows: Sequence[Row]) -> None:
    by_property: dict[str, list[Row]] = {}
    for row in rows:
        by_property.setdefault(row.values.get("property") or "", []).append(row)
    for slug, mine in by_property.items():
        [property, *_] = [writing.named(session, row, "property") for row in mine]
        week = _week(writing, mine)
        if property is not None or not slug:
            _count(writing, mine, is_changed=opening_hours.put(session, property, week))


def agent_hours(writing: Writing, session: Session, rows: Sequence[Row]) -> None:
    by_agent: dict[str, list[Row]] = {}
    for row in rows:
        by_agent.setdefault(row.values["agent"], []).append(row)
    for mine in by_agent.values():
        [agent, *_] = [writing.named(session, row, "agent") for row in mine]
        week = _week(writing, mine)
        if agent is not None:
            _count(writing, mine, is_changed=opening_hours.put_agent(session, agent, week))


def _week(writing: Writing, rows: Sequence[Row]) -> list[tuple[int, str, str]]:
    """The openings of rows that belong together; where they overlap is a problem."""
    whole: list[str] = []
    week: list[tuple[int, str, str]] = []
    for row in rows:
        mine = list(row.values["openings"])
        try:
            week = fields.openings(whole + mine)
            whole += mine
        except Invalid as error:
            writing.tell(row, "openings", str(error))
        writing.step()
    return week


def tour_hours(writing: Writing, session: Session, rows: Sequence[Row]) -> None:
    for row in rows:
        property = writing.named(session, row, "property")
        agent = writing.named(session, row, "agent")
        values = row.values
        try:
            if property is None:
                times.check_fit(fields.openings(values["openings"]), values.get("minutes", 30))
                continue
            is_changed = times.put_hours(
                session,
                property,
                agent,
                TourKind(values.get("kind") or TourKind.ACCOMPANIED),
                fields.openings(values["openings"]),
                minutes=values.get("minutes", 30),
                buffer_minutes=values.get("buffer_minutes", 0),
                capacity=values.get("capacity", 1),
            )
            _count(writing, [row], is_changed=is_changed)
        except Invalid as error:
            writing.tell(row, "openings", str(error))
        writing.step()


def special_day(writing: Writing, session: Session, row: Row) -> bool:
    property = writing.named(session, row, "property")
    if row.values.get("property") and property is None:
        return False
    values = row.values
    is_new, is_changed = holidays.put(session, values["day"], values.get("open", ""), values.get("name", ""), property)
    _count(writing, [row], is_changed=is_changed)
    return is_new


def _count(writing: Writing, rows: Sequence[Row], *, is_changed: bool) -> None:
    if is_changed:
        for row in rows:
            writing.count_change(row)
