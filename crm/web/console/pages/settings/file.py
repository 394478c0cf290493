"""What is in leaseline.toml, to read."""

from __future__ import annotations

from starlette.responses import Response

from crm import in_force
from crm.config.errors import ConfigError
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit

HIDDEN = "***"
_SECRET = frozenset({"database.url"})


async def _file(visit: ConsoleVisit) -> Response:
    config = visit.crm.config
    values = [(key, HIDDEN if key in _SECRET and value else value) for key, value in in_force.flat(config).items()]
    try:
        waiting, trouble = in_force.changes(config.home), ""
    except (ConfigError, OSError) as error:
        waiting, trouble = [], str(error)
    sections: dict[str, list[tuple[str, object]]] = {}
    for key, value in values:
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append((name, value))
    return frame.page(
        visit,
        "file",
        sections=sections,
        path=str(config.home / "leaseline.toml"),
        waiting=waiting,
        trouble=trouble,
        at_start=in_force.AT_START,
    )


PAGES = (frame.opened("/file", _file),)
