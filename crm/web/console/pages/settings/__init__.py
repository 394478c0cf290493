"""Settings: a tab for each noun, each in a file of its own."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from crm.web.console.pages.settings import (
    agents,
    devices,
    file,
    forwarding,
    frame,
    hours,
    lines,
    places,
    recordings,
    retired,
    texts,
    tours,
)
from crm.web.console.visit import ConsoleVisit


async def _first(visit: ConsoleVisit) -> Response:
    return RedirectResponse("/settings/hours", 303)


PAGES = (
    frame.opened("", _first, "settings"),
    *hours.PAGES,
    *tours.PAGES,
    *lines.PAGES,
    *agents.PAGES,
    *devices.PAGES,
    *places.PAGES,
    *forwarding.PAGES,
    *recordings.PAGES,
    *texts.PAGES,
    *retired.PAGES,
    *file.PAGES,
)
