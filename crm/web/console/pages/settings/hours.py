"""When the office and its properties are open, and holidays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


async def _hours_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS, of: str = "") -> Response:
    """`form` is whichever of its two comes back; `of` the property it was for."""
    slug, now, config = of or visit.query.get("property", "")[:60] or None, visit.crm.now(), visit.crm.config

    def read(session: Session) -> tuple[hours_view.Week, holidays_view.YearEntry, choices.Choices]:
        week = hours_view.week(session, config, slug)
        year = now.astimezone(week.schedule.tz).year
        return week, holidays_view.year(session, year, slug), choices.properties(session)

    week, year, properties = await visit.read(read)
    return frame.form_page(
        visit,
        "hours",
        "settings_hours",
        form,
        _openings(week),
        property=slug or "",
        properties=properties,
        entry=week.at(now),
        tz=week.schedule.tz,
        year=year,
        region_form=form.filled({"region": year.region}),
    )


async def _set_hours(visit: ConsoleVisit) -> Response:
    config = visit.crm.config

    def there(session: Session, slug: str | None) -> Mapping[str, str]:
        return _openings(hours_view.week(session, config, slug))

    def write(session: Session, by: By, slug: str | None, text: str) -> None:
        hours.replace(session, by, frame.written_lines(text), slug)

    return await _edited(visit, "openings", there, write, "hours_set")


async def _set_region(visit: ConsoleVisit) -> Response:
    now = visit.crm.now()

    def there(session: Session, slug: str | None) -> Mapping[str, str]:
        return {"region": holidays_view.year(session, now.year, slug).region}

    def write(session: Session, by: By, slug: str | None, text: str) -> None:
        holidays.set_region(session, by, text, slug)

    return await _edited(visit, "region", there, write, "holidays_set")


async def _edited(
    visit: ConsoleVisit,
    name: str,
    there: Callable[[Session, str | None], Mapping[str, str]],
    write: Callable[[Session, By, str | None, str], None],
    said: str,
) -> Response:
    """Writes the one field of a form, unless somebody else has changed it meanwhile."""
    sent = await frame.sent(visit)
    slug = sent.get("property") or None
    if again := await frame.edited(
        visit,
        sent,
        {name: sent.get(name, "")},
        lambda session: there(session, slug),
        lambda session, by, changes: write(session, by, slug, changes[name]),
    ):
        return await _hours_page(visit, again, slug or "")
    return await frame.changed(visit, frame.of_property("/settings/hours", slug), said, phones=True)


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
        return await _hours_page(visit, frame.EditForm(422, visit.refusal(error)), slug or "")
    return await frame.changed(visit, frame.of_property("/settings/hours", slug), "day_set", phones=True)


def _openings(week: hours_view.Week) -> dict[str, str]:
    return {"openings": "\n".join(fields.as_texts(week.schedule.week))}


PAGES = (
    frame.opened("/hours", _hours),
    frame.act("/hours", _set_hours),
    frame.act("/holidays", _set_region),
    frame.act("/days", _set_day),
)
