"""What is out of use and on record only, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.errors import CrmError, NotFound
from crm.services import winding_up
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.office import agents, locations, portfolios, subteams
from crm.services.phones import devices, lines, trunks
from crm.views import agents as agents_view
from crm.views import choices
from crm.views import devices as devices_view
from crm.views import lines as lines_view
from crm.views import listings as listings_view
from crm.views import locations as locations_view
from crm.views import properties as properties_view
from crm.views import subteams as subteams_view
from crm.views import trunks as trunks_view
from crm.web.console import cursors
from crm.web.console.pages.settings import frame
from crm.web.console.pages.settings.lines import spoken
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings_retired import WORDS

MOST_HOMES = 200


@dataclass(frozen=True)
class RetiredRow:
    key: str
    """What it is restored by."""
    name: str
    since: datetime | None


async def _retired(visit: ConsoleVisit) -> Response:
    return await _retired_page(visit)


async def _retired_page(visit: ConsoleVisit, status: int = 200, wrong: str = "") -> Response:
    now, looks, secrets = visit.crm.now(), visit.looks, visit.crm.secrets

    def read(session: Session) -> tuple[dict[str, list[RetiredRow]], choices.Choices]:
        gone = True
        found = {
            "line": [
                RetiredRow(one.number, f"{looks.phone(one.number)} {one.label}".strip(), one.retired_at)
                for one in lines_view.listed(session, retired=gone)
            ],
            "trunk": [
                RetiredRow(one.slug, one.slug, one.retired_at)
                for one in trunks_view.listed(session, secrets, retired=gone)
            ],
            "agent": [
                RetiredRow(one.slug, one.name, one.retired_at) for one in agents_view.listed(session, retired=gone)
            ],
            "device": [
                RetiredRow(one.slug, f"{one.slug}, {one.agent}", one.retired_at)
                for one in devices_view.listed(session, now, retired=gone)
            ],
            "place": [
                RetiredRow(one.slug, f"{one.slug}, {one.address}", one.retired_at)
                for one in locations_view.listed(session, retired=gone)
            ],
            "property": [
                RetiredRow(one.slug, one.name, one.retired_at) for one in properties_view.listed(session, retired=gone)
            ],
            "home": [
                RetiredRow(str(one.id), f"{one.property} {one.unit}", one.retired_at)
                for one in listings_view.listed(session, now, retired=gone, limit=MOST_HOMES)
            ],
            "subteam": [
                RetiredRow(one.slug, one.name, one.retired_at) for one in subteams_view.listed(session, retired=gone)
            ],
            "portfolio": [
                RetiredRow(one.slug, one.name, one.retired_at)
                for one in properties_view.portfolios(session, retired=gone)
            ],
        }
        return {kind: _latest(rows) for kind, rows in found.items() if rows}, choices.subteams(session)

    found, in_use = await visit.read(read)
    return frame.page(visit, "retired", status, words=WORDS, found=found, subteams=in_use, wrong=wrong)


def _latest(rows: list[RetiredRow]) -> list[RetiredRow]:
    """Of several that had one name, the last one comes back. The latest first."""
    dated = sorted(rows, key=lambda one: one.since.timestamp() if one.since else 0)
    return list({one.key: one for one in dated}.values())[::-1]


def _restored(visit: ConsoleVisit, session: Session, by: By, kind: str, key: str) -> str:
    """Returns what it comes back without; mostly nothing. Raises Conflict, Invalid, NotFound."""
    config, secrets = visit.crm.config, visit.crm.secrets
    match kind:
        case "line":
            lines.restore(session, by, config, key)
        case "trunk":
            trunks.restore(session, by, key)
        case "agent":
            agents.restore(session, config, by, key)
        case "device":
            devices.restore(session, secrets, by, key)
        case "place":
            locations.restore(session, by, key)
        case "property":
            return ", ".join(winding_up.restore(session, by, key).without)
        case "home":
            homes.restore(session, by, cursors.number(key))
        case "subteam":
            subteams.restore(session, by, key)
        case "portfolio":
            portfolios.restore(session, by, key)
        case _:
            raise NotFound("There is no such page.", code="page_unknown")
    return ""


async def _restore(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    kind, key = sent.get("kind", ""), sent.get("key", "")
    try:
        without = await visit.run(lambda session, by: _restored(visit, session, by, kind, key), visit.by)
    except CrmError as error:
        return await _retired_page(visit, 422, visit.refusal(error))
    if kind == "line":
        await spoken(visit, key)
    said = "restored_without" if without else f"restored_{kind}"
    return await frame.changed(
        visit,
        "/settings/retired",
        said,
        phones=True,
        words=WORDS,
        name=key,
        without=without,
    )


async def _retire_subteam(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    slug = sent.get("subteam", "")
    try:
        await visit.run(subteams.retire, visit.by, slug)
    except CrmError as error:
        return await _retired_page(visit, 422, visit.refusal(error))
    return await frame.changed(visit, "/settings/retired", "subteam_retired", phones=True, words=WORDS, name=slug)


PAGES = (
    frame.opened("/retired", _retired),
    frame.act("/retired", _restore),
    frame.act("/retired/subteams", _retire_subteam),
)
