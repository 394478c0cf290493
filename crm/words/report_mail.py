"""Reports as people get them by email."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crm.domain.metrics import ReportKind
from crm.domain.periods import PeriodKind
from crm.words.sheet import safe

TITLES = {ReportKind.METRICS: "How callers were served", ReportKind.SOURCES: "What each source brought"}


def when(every: PeriodKind, start: datetime) -> str:
    """The period that begins at a local time: `March 2026`, `the week of March 2, 2026`, `March 2, 2026`."""
    day = f"{start:%B} {start.day}, {start.year}"
    return {PeriodKind.MONTH: f"{start:%B %Y}", PeriodKind.WEEK: f"the week of {day}"}.get(every, day)


def body(title: str, parts: Sequence[str]) -> str:
    said = "\n".join(parts) or "There were no calls."
    return f"{title}\n\n{said}\n\nThe attached file has the same for a spreadsheet.\n"


def source(name: str, calls: int, leads: int, tours: int, applications: int) -> str:
    return f"{safe(name)}: calls {calls}, new leads {leads}, tours {tours}, applications {applications}"


def figures(
    name: str,
    *,
    calls: int,
    qualified: int,
    waits: tuple[float | None, float | None],
    first_pass: int,
    transferred: int,
    tours: int,
    complete: tuple[int, int],
) -> str:
    """The figures of one group, as a paragraph."""
    median, most = ("-" if wait is None else f"{wait:.0f} s" for wait in waits)
    return "\n".join(
        (
            safe(name),
            f"  calls: {calls}, talked to: {qualified}",
            f"  answered in: {median} (median), {most} (90 %)",
            f"  routed right on the first pass: {_share(first_pass, qualified)}",
            f"  transferred by hand: {transferred}, tours booked: {tours}",
            f"  records complete, typed by nobody: {_share(*complete)}",
            "",
        )
    )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0 of 0"
