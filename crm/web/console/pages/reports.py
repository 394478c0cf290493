"""What calls, leads and tours add up to, and the weekly review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

import msgspec
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain import reviews
from crm.domain.access import Act
from crm.domain.calls import Outcome
from crm.domain.metrics import CardPart, MetricGroup
from crm.domain.reviews import ReviewAnswer
from crm.services import reviews as service
from crm.views import reports
from crm.views import reviews as sheets
from crm.views.reports import LostEntry, MetricsEntry, SourceEntry
from crm.views.reviews import WeeklyEntry
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.reports import WORDS
from crm.words.sheet import csv_text

USUAL_DAYS = 7
MOST_DAYS = 800
SAMPLE = 10
"""Calls of a review sheet."""
SHARES = tuple(part.value for part in CardPart)


async def _page(visit: ConsoleVisit) -> Response:
    start, end, asked = _asked(visit)
    group = MetricGroup(asked["by"]) if asked["by"] else None
    config, now = visit.crm.config, visit.crm.now()
    wrong = visit.looks.say(WORDS, "too_early") if end <= start else ""

    def read(
        session: Session,
    ) -> tuple[list[LostEntry], list[MetricsEntry], list[SourceEntry], list[WeeklyEntry]]:
        if wrong:
            return reports.lost(session, config, now), [], [], []
        return (
            reports.lost(session, config, now),
            reports.figures(session, config, start, end, group),
            reports.sources(session, config, start, end),
            sheets.sample(session, start, end, SAMPLE, seed=_seed(visit)),
        )

    lost, figures, sources, sample = await visit.read(read)
    return visit.page(
        "reports",
        WORDS,
        asked=asked,
        wrong=wrong,
        groups=[
            ("", visit.looks.say(WORDS, "not_grouped")),
            *((one.value, visit.looks.say(WORDS, one)) for one in MetricGroup),
        ],
        lost=lost,
        figures=figures,
        grouped=figures[:-1] if group and len(figures) > 1 else figures,
        has_calls=any(one.calls for one in figures),
        shares=SHARES,
        sources=sources,
        sample=sample,
        outcomes=Outcome,
        query=urlencode(asked),
    )


async def _metrics_csv(visit: ConsoleVisit) -> Response:
    start, end, asked = _asked(visit)
    group = MetricGroup(asked["by"]) if asked["by"] else None
    return _csv(await visit.read(reports.figures, visit.crm.config, start, end, group), MetricsEntry, "metrics")


async def _sources_csv(visit: ConsoleVisit) -> Response:
    start, end, _ = _asked(visit)
    return _csv(await visit.read(reports.sources, visit.crm.config, start, end), SourceEntry, "sources")


async def _review(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    answers = [
        ReviewAnswer(call, reviews.routed_right(str(value)), reviews.note(str(fields.get(f"note:{call}", ""))))
        for name, value in fields.items()
        if name.startswith("right:") and value and (call := name.removeprefix("right:"))
    ]
    if answers:
        await visit.run(service.answer, visit.by, answers)
    return visit.see_other(visit.back("/reports"), visit.looks.say(WORDS, "reviewed", n=len(answers)))


def _csv(entries: Sequence[msgspec.Struct], schema: type[msgspec.Struct], name: str) -> Response:
    return Response(
        # Spreadsheets need the mark to read it as UTF-8.
        "\ufeff" + csv_text(entries, schema, in_words=True),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _asked(visit: ConsoleVisit) -> tuple[datetime, datetime, dict[str, str]]:
    """From when to when, in UTC, and what the form shows. Raises HTTPException 404 for what no form of ours sends."""
    tz = visit.crm.config.tz
    today = visit.crm.now().astimezone(tz).date()
    since = _day(visit.query.get("since", ""), today - timedelta(days=USUAL_DAYS))
    until = _day(visit.query.get("until", ""), today)
    since = max(since, until - timedelta(days=MOST_DAYS))
    by = visit.query.get("by", "")
    if by and by not in tuple(MetricGroup):
        raise HTTPException(404)
    start = datetime.combine(since, time(), tz).astimezone(UTC)
    end = datetime.combine(until + timedelta(days=1), time(), tz).astimezone(UTC)
    return start, end, {"since": since.isoformat(), "until": until.isoformat(), "by": by}


def _day(raw: str, usual: date) -> date:
    if not raw:
        return usual
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        raise HTTPException(404) from None
    if not 2000 <= day.year < 2200:
        raise HTTPException(404)
    return day


def _seed(visit: ConsoleVisit) -> int:
    """The same calls all day for one person, so that a page opened again shows the same sheet."""
    day = visit.crm.now().astimezone(visit.crm.config.tz).date()
    return visit.who.account_id * 1_000_000 + day.toordinal()


PAGES = (
    ConsolePage("/reports", _page, needs=Act.REPORTS, section="reports"),
    ConsolePage("/reports/metrics.csv", _metrics_csv, needs=Act.REPORTS),
    ConsolePage("/reports/sources.csv", _sources_csv, needs=Act.REPORTS),
    ConsolePage("/reports/review", _review, needs=Act.REPORTS, methods=("POST",)),
)
