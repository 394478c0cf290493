"""The page behind the link in a tour's text: see the tour, move it, cancel it.

A GET changes nothing, because phones and mail programs open links by themselves; only the form's POST does.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from crm.context import Crm
from crm.domain.errors import Conflict, Invalid, NotFound, Unavailable
from crm.domain.tours import TourKind, TourState
from crm.services.audit import By
from crm.services.tours import booking, links, times
from crm.services.tours.links import Link
from crm.views import tours
from crm.views.tours import TourPage
from crm.web.pages import page
from crm.web.shield import body
from crm.words import page as words

LONGEST_FORM = 4096
"""Bytes of a form."""
CHOICES = 12
"""How many other times are shown."""
BY = "web"

_log = logging.getLogger(__name__)


def routes(crm: Crm) -> list[Route]:
    async def endpoint(request: Request) -> Response:
        try:
            link = links.read(crm.secrets, request.path_params["token"], crm.now())
            if request.method == "POST":
                return await _change(crm, link, await _form(request))
            return await _show(crm, link)
        except Invalid as error:
            return page("sorry", 410, said=words.said(error))
        except (Conflict, NotFound) as error:
            return page("sorry", 409, said=words.said(error))
        except Unavailable:
            return page("sorry", 503, said="This is not working right now. Please try again in a minute.")
        except HTTPException as error:
            return page(
                "sorry", error.status_code, said="That is more than the form accepts. Please open the link again."
            )
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:  # noqa: BLE001 - a door: the person gets a page, and we the reason
            _log.exception("a tour's page failed")
            return page("sorry", 500, said="Something went wrong. Please call us.")

    return [Route(f"{links.PATH}{{token}}", endpoint, methods=["GET", "POST"])]


async def _form(request: Request) -> dict[str, str]:
    sent = await body(request, LONGEST_FORM)
    try:
        return dict(parse_qsl(sent.decode("utf-8", "replace"), max_num_fields=10))
    except ValueError:
        raise HTTPException(413, "too many fields") from None


async def _change(crm: Crm, link: Link, form: dict[str, str]) -> Response:
    by = By(BY, crm.now())
    if form.get("act") == "cancel":
        await crm.store.run(booking.cancel, crm.config, crm.secrets, by, link.tour_id, version=link.version)
        return await _show(crm, link, "Your tour has been canceled. Call us any time to set up another one.")
    if form.get("act") == "move":
        try:
            at = _time(form.get("at", ""), by.now)
            await crm.store.run(booking.move, crm.config, crm.secrets, by, link.tour_id, at, version=link.version)
        except (ValueError, Invalid, Conflict):
            return await _show(crm, link, "That time was just taken. Please choose another one.")
        return await _show(crm, link, "Your tour has been moved. We have texted you the new time.", is_current=True)
    return await _show(crm, link)


def _time(sent: str, now: datetime) -> datetime:
    """Parses a time that our form may have offered. Raises ValueError for any other, including the calendar's last
    day."""
    at = datetime.fromisoformat(sent)
    if at.utcoffset() is None or abs(at.year - now.year) > 1:
        raise ValueError("not a time that was offered")
    return at.astimezone(UTC)


async def _show(crm: Crm, link: Link, said: str = "", *, is_current: bool = False) -> Response:
    tour = await crm.store.read(tours.page, link.tour_id)
    if tour.version != link.version and not is_current:
        raise Conflict("This tour has changed since.", code="tour_changed", tour=link.tour_id)
    tz = _zone(crm, tour)
    booked = tour.state == TourState.BOOKED
    return page(
        "tour",
        property_name=tour.name,
        said=said or ("" if booked else f"This tour is {tour.state}."),
        booked=booked,
        when=booking.in_words(tour.at, tz, "en"),
        # After a move this page's link is no longer valid, so the page offers no more changes.
        times=await _times(crm, tour) if booked and not is_current else [],
    )


def _zone(crm: Crm, tour: TourPage) -> ZoneInfo:
    return ZoneInfo(tour.timezone) if tour.timezone else crm.config.tz


async def _times(crm: Crm, tour: TourPage) -> list[tuple[str, str]]:
    """Returns other times of the same kind, each as the form sends it and as people read it."""
    tz = _zone(crm, tour)
    free = await crm.store.read(
        times.free, crm.config, tour.property_slug, crm.now(), kind=TourKind(tour.kind), limit=CHOICES
    )
    return [(slot.starts_at.isoformat(), booking.in_words(slot.starts_at, tz, "en")) for slot in free]
