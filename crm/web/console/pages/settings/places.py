"""Locations: where phones are, which emergency services have to know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.errors import CrmError, NotFound
from crm.domain.ringing import DeviceKind
from crm.services.audit import By
from crm.services.office import locations
from crm.services.phones import devices
from crm.views import devices as devices_view
from crm.views import locations as locations_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings_places import WORDS

FIELDS = ("address", "callback")


async def _places(visit: ConsoleVisit) -> Response:
    return await _places_page(visit, {})


async def _places_page(visit: ConsoleVisit, sent: Mapping[str, str], status: int = 200, wrong: str = "") -> Response:
    now = visit.crm.now()

    def read(session: Session) -> tuple[list[locations_view.LocationEntry], list[str]]:
        return locations_view.listed(session), [one.slug for one in _movable(session, now) if not one.location]

    found, nowhere = await visit.read(read)
    return frame.page(visit, "places", status, words=WORDS, places=found, nowhere=nowhere, sent=sent, wrong=wrong)


async def _add_place(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    slug = sent.get("slug", "")
    try:
        await visit.run(
            locations.add,
            visit.crm.config,
            visit.by,
            slug,
            address=sent.get("address", ""),
            callback_number=sent.get("callback", ""),
        )
    except CrmError as error:
        return await _places_page(visit, sent, 422, visit.refusal(error))
    return await frame.changed(visit, f"/settings/places/{slug}", "place_added", phones=True, words=WORDS, place=slug)


async def _place(visit: ConsoleVisit) -> Response:
    return await _place_page(visit)


async def _place_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS) -> Response:
    slug, now = _asked(visit), visit.crm.now()

    def read(session: Session) -> tuple[locations_view.LocationEntry, list[devices_view.DeviceEntry]]:
        return _one(session, slug), _movable(session, now)

    place, phones = await visit.read(read)
    return frame.form_page(
        visit,
        "places",
        "settings_place",
        form,
        _cells(place),
        words=WORDS,
        place=place,
        elsewhere=[one for one in phones if one.location != slug],
    )


async def _change_place(visit: ConsoleVisit) -> Response:
    sent, slug, config = await frame.sent(visit), _asked(visit), visit.crm.config
    cells = {name: sent.get(name, "") for name in FIELDS}

    def write(session: Session, by: By, changes: Mapping[str, str]) -> None:
        address, callback = changes.get("address"), changes.get("callback")
        locations.change(session, config, by, slug, address=address, callback_number=callback)

    if again := await frame.edited(visit, sent, cells, lambda session: _cells(_one(session, slug)), write, WORDS):
        return await _place_page(visit, again)
    return await frame.changed(visit, f"/settings/places/{slug}", "place_changed", phones=True, words=WORDS, place=slug)


async def _put_phone(visit: ConsoleVisit) -> Response:
    """Says that a phone is here from now on."""
    sent, slug, config = await frame.sent(visit), _asked(visit), visit.crm.config
    device = sent.get("device", "")
    try:
        await visit.run(devices.change, config, visit.by, device, location=slug)
    except CrmError as error:
        return await _place_page(visit, frame.EditForm(422, visit.refusal(error)))
    return await frame.changed(
        visit, f"/settings/places/{slug}", "phone_put", phones=True, words=WORDS, device=device, place=slug
    )


async def _retire_place(visit: ConsoleVisit) -> Response:
    await visit.form()
    slug = _asked(visit)
    try:
        await visit.run(locations.retire, visit.by, slug)
    except NotFound:
        raise
    except CrmError as error:
        return await _place_page(visit, frame.EditForm(422, visit.refusal(error)))
    return await frame.changed(visit, "/settings/places", "place_retired", phones=True, words=WORDS, place=slug)


def _asked(visit: ConsoleVisit) -> str:
    return str(visit.request.path_params["place"])


def _one(session: Session, slug: str) -> locations_view.LocationEntry:
    """Raises NotFound."""
    location = locations.named(session, slug)
    return next(one for one in locations_view.listed(session) if one.slug == location.slug)


def _cells(place: locations_view.LocationEntry) -> dict[str, str]:
    return {"address": place.address, "callback": place.callback_number}


def _movable(session: Session, now: datetime) -> list[devices_view.DeviceEntry]:
    """Phones that are somewhere. Mobiles call 911 without us, and browsers say themselves where they are."""
    return [one for one in devices_view.listed(session, now) if one.kind in (DeviceKind.DESK, DeviceKind.SOFTPHONE)]


PAGES = (
    frame.opened("/places", _places),
    frame.act("/places", _add_place),
    frame.opened("/places/{place}", _place),
    frame.act("/places/{place}", _change_place),
    frame.act("/places/{place}/phones", _put_phone),
    frame.act("/places/{place}/retire", _retire_place),
)
