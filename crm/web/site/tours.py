"""The page behind the link to a tour: see it, move it, cancel it.

Opening it changes nothing, because phones and mail programs open links by themselves; only the form's POST does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.responses import Response

from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.tours import Slot, TourKind, TourState
from crm.services.audit import By
from crm.services.tours import booking, links, times
from crm.services.tours.links import Link
from crm.views import tours as views
from crm.views.tours import TourPage
from crm.web.site import visitors
from crm.web.site.visit import PageVisit, private, sent_form
from crm.words.site import TOUR_ERRORS

WHO = "website"
CHOICES = 30
"""Alternative times shown."""


async def tour(visit: PageVisit) -> Response:
    crm = visit.crm
    try:
        link = links.read(crm.secrets, visit.request.path_params["token"][:200], crm.now())
        if visit.request.method == "POST":
            return await _change(visit, link, await sent_form(visit.request))
        return await _show(visit, link)
    except Invalid as error:
        return await _sorry(visit, error, 410)
    except (Conflict, NotFound) as error:
        return await _sorry(visit, error, 409)


async def _change(visit: PageVisit, link: Link, sent: dict[str, str]) -> Response:
    crm, by = visit.crm, By(WHO, visit.crm.now())
    if not visitors.is_from_here(visit.request):
        return await _show(visit, link, "expired", 409)
    if sent.get("act") == "cancel":
        await crm.store.run(booking.cancel, crm.config, crm.secrets, by, link.tour_id, version=link.version)
        return await _show(visit, link, "tour_off")
    if sent.get("act") == "move":
        try:
            at = _time(sent.get("at", ""), by.now)
            await crm.store.run(booking.move, crm.config, crm.secrets, by, link.tour_id, at, version=link.version)
        except (ValueError, Invalid, Conflict):
            return await _show(visit, link, "tour_taken", 409)
        return await _show(visit, link, "tour_moved", is_moved=True)
    return await _show(visit, link)


def _time(sent: str, now: datetime) -> datetime:
    """Parses a time that our form may have offered. Raises ValueError for others, including the calendar's last day."""
    at = datetime.fromisoformat(sent.partition("/")[0])
    if at.utcoffset() is None or abs(at.year - now.year) > 1:
        raise ValueError("no time of ours")
    return at.astimezone(UTC)


async def _show(visit: PageVisit, link: Link, said: str = "", status: int = 200, *, is_moved: bool = False) -> Response:
    crm = visit.crm
    found = await crm.store.read(views.page, link.tour_id)
    if found.version != link.version and not is_moved:
        raise Conflict("This tour has changed since.", code="tour_changed", tour=link.tour_id)
    tz = ZoneInfo(found.timezone) if found.timezone else crm.config.tz
    is_booked = found.state == TourState.BOOKED
    if not said and not is_booked:
        said = "tour_was_off" if found.state == TourState.CANCELLED else "tour_over"
    # Moving a tour invalidates this page's own link, so it offers no further changes.
    free = await _free(visit, found) if is_booked and not is_moved else []
    return private(
        visit.page(
            "tour",
            await visit.office(found.property_slug),
            status,
            tour=found,
            said=said,
            is_booked=is_booked,
            when=visit.looks.moment(found.at, tz),
            days=visit.looks.days([(slot.starts_at.isoformat(), slot) for slot in free], tz),
            may_change=is_booked and not is_moved,
        )
    )


async def _free(visit: PageVisit, found: TourPage) -> list[Slot]:
    crm = visit.crm
    return await crm.store.read(
        times.free, crm.config, found.property_slug, crm.now(), kind=TourKind(found.kind), limit=CHOICES
    )


async def _sorry(visit: PageVisit, error: CrmError, status: int) -> Response:
    said = visit.looks.say(error.code if error.code in TOUR_ERRORS else "tour_no_change")
    return private(visit.page("said", await visit.office(), status, said=said))
