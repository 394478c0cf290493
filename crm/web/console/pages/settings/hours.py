"""When the office and its properties are open, and holidays."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.services.audit import By
from crm.services.office import holidays, hours
from crm.views import choices
from crm.views import holidays as holidays_view
from crm.views import hours as hours_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit


async def _hours(visit: ConsoleVisit) -> Response:
    return await _hours_page(visit)


async def _hours_page(visit: ConsoleVisit, status: int = 200, wrong: str = "", written: str | None = None) -> Response:
    slug, now, config = visit.query.get("property", "")[:60] or None, visit.crm.now(), visit.crm.config

    def read(session: Session) -> tuple[hours_view.Week, holidays_view.YearEntry, choices.Choices]:
        week = hours_view.week(session, config, slug)
        year = now.astimezone(week.schedule.tz).year
        return week, holidays_view.year(session, year, slug), choices.properties(session)

    week, year, properties = await visit.read(read)
    return frame.page(
        visit,
        "hours",
        status,
        property=slug or "",
        properties=properties,
        entry=week.at(now),
        tz=week.schedule.tz,
        written=written if written is not None else "\n".join(fields.as_texts(week.schedule.week)),
        year=year,
        wrong=wrong,
    )


async def _set_hours(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, raw = str(form.get("property", "")) or None, str(form.get("openings", ""))
    openings = [line.strip() for line in raw.splitlines() if line.strip()]
    try:
        await visit.run(hours.replace, visit.by, openings, slug)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error), raw)
    return await frame.changed(visit, frame.of_property("/settings/hours", slug), "hours_set", phones=True)


async def _set_region(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug = str(form.get("property", "")) or None
    try:
        await visit.run(holidays.set_region, visit.by, str(form.get("region", "")), slug)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error))
    return await frame.changed(visit, frame.of_property("/settings/hours", slug), "holidays_set", phones=True)


async def _set_day(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, raw = str(form.get("property", "")) or None, str(form.get("day", ""))

    def act(session: Session, by: By) -> None:
        try:
            day = date.fromisoformat(raw)
        except ValueError:
            raise Invalid("Choose a day.", code="day_missing") from None
        if form.get("what") == "remove":
            holidays.remove(session, by, day, slug)
        else:
            open_, name = str(form.get("open", "")), str(form.get("name", ""))
            holidays.add(session, by, day, open_=open_, name=name, property_slug=slug)

    try:
        await visit.run(act, visit.by)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error))
    return await frame.changed(visit, frame.of_property("/settings/hours", slug), "day_set", phones=True)


PAGES = (
    frame.opened("/hours", _hours),
    frame.act("/hours", _set_hours),
    frame.act("/holidays", _set_region),
    frame.act("/days", _set_day),
)
