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
from crm.words import site as words

LONGEST_FORM = 4096
"""Bytes of a form."""
CHOICES = 12
"""How many other times are shown."""
BY = "web"

_log = logging.getLogger(__name__)


def routes(crm: Crm) -> list[Route]:
    async def endpoint(request: Request) -> Response:
        say = _Say(request.query_params.get(links.LANGUAGE, ""))
        try:
            link = links.read(crm.secrets, request.path_params["token"], crm.now())
            if request.method == "POST":
                return await _change(crm, link, await _form(request), say)
            return await _show(crm, link, say)
        except Invalid as error:
            return _sorry(say, error.code, 410)
        except (Conflict, NotFound) as error:
            return _sorry(say, error.code, 409)
        except Unavailable:
            return _sorry(say, "not_working", 503)
        except HTTPException as error:
            return _sorry(say, "too_much", error.status_code)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:  # noqa: BLE001 - a door: the person gets a page, and we the reason
            _log.exception("a tour's page failed")
            return _sorry(say, "went_wrong", 500)

    return [Route(f"{links.PATH}{{token}}", endpoint, methods=["GET", "POST"])]


class _Say:
    """What the site says about tours, in the language of the link; English for any other."""

    def __init__(self, asked: str) -> None:
        self.language = asked if asked in words.LANGUAGES else next(iter(words.LANGUAGES))

    def __call__(self, key: str, **values: object) -> str:
        return words.WORDS[self.language][key].format(**values)


def _sorry(say: _Say, why: str, status: int) -> Response:
    known = why in words.TOUR_ERRORS or why in words.PLAIN_ERRORS
    return page("sorry", status, said=say(why if known else "tour_no_change"), language=say.language)


async def _form(request: Request) -> dict[str, str]:
    sent = await body(request, LONGEST_FORM)
    try:
        return dict(parse_qsl(sent.decode("utf-8", "replace"), max_num_fields=10))
    except ValueError:
        raise HTTPException(413, "too many fields") from None


async def _change(crm: Crm, link: Link, form: dict[str, str], say: _Say) -> Response:
    by = By(BY, crm.now())
    if form.get("act") == "cancel":
        await crm.store.run(booking.cancel, crm.config, crm.secrets, by, link.tour_id, version=link.version)
        return await _show(crm, link, say, "tour_off")
    if form.get("act") == "move":
        try:
            at = _time(form.get("at", ""), by.now)
            await crm.store.run(booking.move, crm.config, crm.secrets, by, link.tour_id, at, version=link.version)
        except (ValueError, Invalid, Conflict):
            return await _show(crm, link, say, "tour_taken")
        return await _show(crm, link, say, "tour_moved", is_current=True)
    return await _show(crm, link, say)


def _time(sent: str, now: datetime) -> datetime:
    """Parses a time that our form may have offered. Raises ValueError for any other, including the calendar's last
    day."""
    at = datetime.fromisoformat(sent)
    if at.utcoffset() is None or abs(at.year - now.year) > 1:
        raise ValueError("not a time that was offered")
    return at.astimezone(UTC)


async def _show(crm: Crm, link: Link, say: _Say, said: str = "", *, is_current: bool = False) -> Response:
    tour = await crm.store.read(tours.page, link.tour_id)
    if tour.version != link.version and not is_current:
        raise Conflict("This tour has changed since.", code="tour_changed", tour=link.tour_id)
    tz = _zone(crm, tour)
    booked = tour.state == TourState.BOOKED
    if not said and not booked:
        said = "tour_was_off" if tour.state == TourState.CANCELLED else "tour_over"
    return page(
        "tour",
        property_name=tour.name,
        said=say(said) if said else "",
        booked=booked,
        when=booking.in_words(tour.at, tz, say.language),
        # After a move this page's link is no longer valid, so the page offers no more changes.
        times=await _times(crm, tour, say.language) if booked and not is_current else [],
        say=say,
        language=say.language,
    )


def _zone(crm: Crm, tour: TourPage) -> ZoneInfo:
    return ZoneInfo(tour.timezone) if tour.timezone else crm.config.tz


async def _times(crm: Crm, tour: TourPage, language: str) -> list[tuple[str, str]]:
    """Returns other times of the same kind, each as the form sends it and as people read it."""
    tz = _zone(crm, tour)
    free = await crm.store.read(
        times.free, crm.config, tour.property_slug, crm.now(), kind=TourKind(tour.kind), limit=CHOICES
    )
    return [(slot.starts_at.isoformat(), booking.in_words(slot.starts_at, tz, language)) for slot in free]
