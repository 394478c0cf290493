"""When tours can be booked: weekly hours of each property, and times without tours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import CrmError, Invalid
from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.office import properties
from crm.services.tours import times
from crm.views import choices
from crm.views import tours as tours_view
from crm.web.console import clashes
from crm.web.console.clashes import FormEdit
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings_tours import WORDS

NUMBERS = ("minutes", "buffer", "capacity")
FIELDS = ("openings", *NUMBERS)
USUAL = {"minutes": "30", "buffer": "0", "capacity": "1"}
"""As at the command line."""
Weeks = dict[tuple[str, str], dict[str, str]]
"""By kind of tour and slug of the agent who gives them, empty for nobody in particular: the fields of its form."""


async def _tours(visit: ConsoleVisit) -> Response:
    return await _tours_page(visit, {})


async def _tours_page(
    visit: ConsoleVisit, sent: Mapping[str, str], status: int = 200, wrong: str = "", base: str = ""
) -> Response:
    """`sent` is a form that comes back, with what it was based on."""
    asked, now, config = sent.get("property") or visit.query.get("property", "")[:60], visit.crm.now(), visit.crm.config

    def read(session: Session) -> tuple[choices.Choices, str, ZoneInfo, Weeks, list[tours_view.BlackoutEntry]]:
        of = choices.properties(session)
        slug = asked or (of[0][0] if of else "")
        tz = _zone(session, config, slug)
        return of, slug, tz, _weeks(session, slug) if slug else {}, tours_view.blackouts(session, now)

    of, slug, tz, weeks, blackouts = await visit.read(read)
    agents = await visit.read(choices.agents)
    forms: list[tuple[tuple[str, str], Mapping[str, str], str]]
    forms = [(key, cells, clashes.written(cells)) for key, cells in weeks.items()]
    if sent.get("form") == "hours":
        mine = (sent.get("kind", ""), sent.get("agent", ""))
        forms = [(key, sent, base) if key == mine else (key, cells, text) for key, cells, text in forms]
    return frame.page(
        visit,
        "tours",
        status,
        words=WORDS,
        property=slug,
        properties=of,
        agents=agents,
        names=dict(agents),
        tz=tz,
        forms=forms,
        new={**dict.fromkeys((*FIELDS, "kind", "agent"), ""), **USUAL} | (dict(sent) if _is_new(sent, weeks) else {}),
        blackouts=blackouts,
        out=sent if sent.get("form") == "blackout" else {},
        kinds=TourKind,
        wrong=wrong,
    )


def _is_new(sent: Mapping[str, str], weeks: Weeks) -> bool:
    return sent.get("form") == "hours" and (sent.get("kind", ""), sent.get("agent", "")) not in weeks


async def _set_hours(visit: ConsoleVisit) -> Response:
    """Replaces the hours of one kind of tour. What somebody else has changed meanwhile is shown first."""
    sent = await frame.sent(visit, "hours")
    slug, kind, agent = (sent.get(name, "") for name in ("property", "kind", "agent"))
    cells = {name: sent.get(name, "") for name in FIELDS}
    base = clashes.read(sent.get("base", ""))

    def act(session: Session, by: By) -> FormEdit:
        there = _weeks(session, slug).get((kind, agent), dict.fromkeys(FIELDS, ""))
        edit = FormEdit(base, cells, there)
        if edit.changes and not edit.clashes:
            if kind not in tuple(TourKind):
                raise Invalid("Choose the kind of tour.", code="tour_kind_unknown")
            minutes, buffer, capacity = (frame.number(edit.merged[name]) for name in NUMBERS)
            times.set_hours(
                session,
                by,
                slug,
                frame.written_lines(edit.merged["openings"]),
                kind=TourKind(kind),
                minutes=minutes,
                buffer_minutes=buffer,
                capacity=capacity,
                agent=agent or None,
            )
        return edit

    try:
        edit = await visit.run(act, visit.by)
    except CrmError as error:
        return await _tours_page(visit, sent, 422, visit.refusal(error), clashes.written(base))
    if edit.clashes:
        wrong = frame.clash(visit, WORDS, edit)
        return await _tours_page(visit, {**sent, **edit.merged}, 409, wrong, clashes.written(edit.there))
    return await frame.changed(visit, frame.of_property("/settings/tours", slug), "hours_set", words=WORDS)


async def _black_out(visit: ConsoleVisit) -> Response:
    sent, config = await frame.sent(visit, "blackout"), visit.crm.config
    slug = sent.get("only", "")

    def act(session: Session, by: By) -> None:
        tz = _zone(session, config, slug)
        try:
            starts_at, ends_at = (datetime.fromisoformat(sent.get(one, "")) for one in ("from", "to"))
        except ValueError:
            raise Invalid("Choose from when until when.", code="blackout_without_times") from None
        times.black_out(
            session,
            by,
            starts_at.replace(tzinfo=tz),
            ends_at.replace(tzinfo=tz),
            property_slug=slug or None,
            agent=sent.get("agent") or None,
            why=sent.get("why", ""),
        )

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _tours_page(visit, sent, 422, visit.refusal(error))
    return await frame.changed(
        visit, frame.of_property("/settings/tours", sent.get("property")), "blackout_set", words=WORDS
    )


async def _end_blackout(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit, "end")
    await visit.run(times.end_blackout, visit.by, int(visit.request.path_params["blackout"]))
    return await frame.changed(
        visit, frame.of_property("/settings/tours", sent.get("property")), "blackout_ended", words=WORDS
    )


def _zone(session: Session, config: Config, slug: str) -> ZoneInfo:
    """Where the property is, or the office."""
    return times.zone(config, properties.named(session, slug)) if slug else config.tz


def _weeks(session: Session, slug: str) -> Weeks:
    """Raises NotFound."""
    properties.named(session, slug)
    openings: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    found: Weeks = {}
    for row in tours_view.hours(session, slug):
        key = (row.kind, row.agent or "")
        openings.setdefault(key, []).append((fields.WEEKDAYS.index(row.day), row.opens, row.closes))
        numbers = (row.minutes, row.buffer_minutes, row.capacity)
        found[key] = {name: str(number) for name, number in zip(NUMBERS, numbers, strict=True)}
    return {key: {"openings": "\n".join(fields.as_texts(openings[key])), **cells} for key, cells in found.items()}


PAGES = (
    frame.opened("/tours", _tours),
    frame.act("/tours", _set_hours),
    frame.act("/tours/blackouts", _black_out),
    frame.act("/tours/blackouts/{blackout:int}/end", _end_blackout),
)
