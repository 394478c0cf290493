"""Recent contacts: calls, texts, emails and inquiries in one list; a caller whom nobody knows is named here."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.calls import CallDirection, CallStep, Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.route_inputs import CallerKind
from crm.services.audit import By
from crm.services.office import properties as offices
from crm.services.people import callers
from crm.services.people.callers import CallerDetails
from crm.views import choices
from crm.views import recent as view
from crm.views.choices import Choices
from crm.views.recent import ContactWay, RecentCursor, RecentEntry, RecentFilter, RecentPage
from crm.web.console import cursors
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.recent import WORDS

WAYS = tuple(way.value for way in ContactWay)
DIRECTIONS = (CallDirection.IN.value, CallDirection.OUT.value)
CODES = {
    "outcome": Outcome,
    "step": CallStep,
    "state": DeliveryState,
    "kind": CallerKind,
}


async def _list(visit: ConsoleVisit) -> Response:
    asked = _asked(visit)
    after, mark = _after(visit.query.get("after", "")), visit.frame.board.hub.mark
    reach = visit.who.reach

    def read(session: Session) -> tuple[RecentPage, Choices, Choices]:
        return (
            view.page(session, asked, after=after, limit=PER_PAGE, reach=reach),
            choices.properties(session, reach),
            choices.agents(session),
        )

    found, properties, agents = await visit.read(read)
    fields = {"way": asked.way, "direction": asked.direction, "property": asked.property, "agent": asked.agent}
    chosen = {name: value for name, value in fields.items() if value}
    more = urlencode({**chosen, "after": _written(found.next)}) if found.next else ""
    return visit.page(
        "recent",
        WORDS,
        entries=found.entries,
        asked=asked,
        more=more,
        looked_back_to=found.looked_back_to,
        is_first=after is None,
        mark=mark,
        is_filtered=bool(chosen),
        ways=[("", visit.looks.say(WORDS, "all")), *((one, visit.looks.say(WORDS, f"ways_{one}")) for one in WAYS)],
        directions=[
            ("", visit.looks.say(WORDS, "all")),
            *((one, visit.looks.say(WORDS, f"direction_{one}")) for one in DIRECTIONS),
        ],
        properties=properties,
        agents=agents,
        codes=CODES,
        may_work=visit.may(Act.WORK),
    )


def _asked(visit: ConsoleVisit) -> RecentFilter:
    """Raises HTTPException 404 for what no form of ours sends."""
    way, direction = visit.query.get("way", ""), visit.query.get("direction", "")
    if way not in ("", *WAYS) or direction not in ("", *DIRECTIONS):
        raise HTTPException(404)
    return RecentFilter(way, direction, visit.query.get("property", "")[:40], visit.query.get("agent", "")[:40])


def _written(cursor: RecentCursor) -> str:
    return f"{cursor.at.isoformat()}/{cursor.way}/{cursor.id}"


def _after(raw: str) -> RecentCursor | None:
    """Raises NotFound for a cursor that is none of ours."""
    if not raw:
        return None
    moment, _, rest = raw.partition("/")
    way, _, id = rest.partition("/")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise _no_page() from None
    if at.tzinfo is None or not 1900 < at.year < 3000 or way not in ("", *WAYS) or len(id) > 80:
        raise _no_page()
    if way and way != ContactWay.CALL:
        cursors.number(id)
    return RecentCursor(at, way, id)


def _no_page() -> NotFound:
    return NotFound("There is no such page.", code="page_unknown")


# --- who called ---


async def _who(visit: ConsoleVisit) -> Response:
    """The form in which a caller is given a name."""
    return await _form(visit, CallerDetails())


async def _named(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    call_id = str(visit.request.path_params["call"])
    details = CallerDetails(
        name=str(fields.get("name", "")),
        email=str(fields.get("email", "")),
        property=str(fields.get("property", "")),
        unit=str(fields.get("unit", "")),
    )
    reach, config = visit.who.reach, visit.crm.config

    def act(session: Session, by: By) -> int:
        view.call(session, call_id, reach)
        if details.property and not reach.holds(offices.named(session, details.property).id):
            raise Invalid("Choose one of your properties.", code="property_out_of_reach")
        return callers.introduce(session, config, by, call_id, details).id

    try:
        lead = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await _form(visit, details, visit.refusal(error), 422)
    return visit.see_other(_origin(fields.get("back", "")), visit.looks.say(WORDS, "named", id=lead))


def _origin(raw: object) -> str:
    """The page of ours that the form was opened from."""
    path = str(raw)
    is_ours = path.startswith(("/recent", "/calls/", "/missed", "/voicemail")) and path.isprintable()
    return path if is_ours else "/recent"


async def _form(visit: ConsoleVisit, details: CallerDetails, wrong: str = "", status: int = 200) -> Response:
    call_id, reach = str(visit.request.path_params["call"]), visit.who.reach

    def read(session: Session) -> tuple[RecentEntry, Choices]:
        return view.call(session, call_id, reach), choices.properties(session, reach)

    call, properties = await visit.read(read)
    if not wrong and not details.property and call.property:
        details = CallerDetails(details.name, details.email, call.property, details.unit)
    return visit.page(
        "recent_who",
        WORDS,
        status,
        call=call,
        details=details,
        wrong=wrong,
        properties=[("", visit.looks.say(WORDS, "not_known")), *properties],
        back=_origin(visit.back("/recent") if not wrong else "/recent"),
        codes=CODES,
    )


PAGES = (
    ConsolePage("/recent", _list, section="recent"),
    ConsolePage("/calls/{call}/person", _who, needs=Act.WORK),
    ConsolePage("/calls/{call}/person", _named, needs=Act.WORK, methods=("POST",)),
)
