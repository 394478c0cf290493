"""Why a call went where it went, and what would happen to one at any time. Nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from crm.domain import fields
from crm.domain.access import Act
from crm.domain.calls import CallDirection, DialStatus, Outcome
from crm.domain.errors import CrmError, Invalid, NotFound, Unavailable
from crm.domain.rehearsals import Rehearsal
from crm.domain.ringing import StageName, Strategy
from crm.domain.route_inputs import CallerKind
from crm.domain.route_plan import About, Path, Rule
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourKind
from crm.edge import numbers
from crm.services.phones import lines
from crm.services.routing import rehearsals
from crm.services.routing.rehearsals import RehearsedPhones
from crm.views import choices, recent
from crm.views import routing as view
from crm.views.recent import RecentEntry
from crm.views.routing import Explanation, TestEntry
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.routing import WORDS

CALLER = "+15125550199"
"""Of a call that nobody has named a caller for: a number reserved for fiction."""
WITHHELD = "withheld"
MOST_PRESSES = 20
CODES = {
    "path": Path,
    "rule": Rule,
    "about": About,
    "stage": StageName,
    "strategy": Strategy,
    "kind": CallerKind,
    "task": TaskKind,
    "tour": TourKind,
    "status": DialStatus,
    "outcome": Outcome,
}


@dataclass(frozen=True)
class CallToTry:
    """As the form has it."""

    line: str = ""
    caller: str = CALLER
    at: str = "now"
    press: str = ""
    busy: str = ""
    offline: str = ""
    waiting: str = "0"


# --- trying a call ---


async def _try(visit: ConsoleVisit) -> Response:
    query = visit.query
    if call := query.get("call", "").strip()[:80]:
        return RedirectResponse(f"/routing/calls/{quote(call, safe='')}", 303)
    asked = CallToTry(
        query.get("line", "")[:40],
        query.get("from", CALLER)[:40],
        query.get("at", "")[:40] or "now",
        query.get("press", "")[:200],
        query.get("busy", "")[:400],
        query.get("offline", "")[:400],
        query.get("waiting", "0")[:6],
    )
    known = await visit.read(choices.lines, visit.who.reach)
    found, wrong = None, ""
    if asked.line:
        try:
            found = await visit.read(_rehearsed, visit, asked)
        except Unavailable:
            raise
        except CrmError as error:
            wrong = visit.refusal(error)
    return visit.page(
        "routing",
        WORDS,
        422 if wrong else 200,
        asked=asked,
        lines=known,
        wrong=wrong,
        found=TestEntry.of(found) if found else None,
        tz=found.tz if found else visit.looks.tz,
        is_narrow=not visit.who.reach.is_whole,
        codes=CODES,
    )


def _rehearsed(session: Session, visit: ConsoleVisit, asked: CallToTry) -> Rehearsal:
    """Raises Invalid, NotFound."""
    config, reach = visit.crm.config, visit.who.reach
    number = lines.read_number(asked.line, config.region, config.area_code)
    caller = _caller(visit, asked.caller)
    if not reach.is_whole:
        choices.check_line(session, number, reach)
        # What is known of a caller may be known of somebody out of reach.
        caller = None if caller is None else CALLER
    presses = asked.press.replace(",", " ").split()
    if len(presses) > MOST_PRESSES or any(len(keys) > 10 or not set(keys) <= set("0123456789*#") for keys in presses):
        raise Invalid(visit.looks.say(WORDS, "wrong_keys"), code="keys_invalid")
    if not (asked.waiting.isdecimal() and int(asked.waiting) <= 1000):
        raise Invalid(visit.looks.say(WORDS, "wrong_waiting"), code="waiting_invalid")
    phones = RehearsedPhones(_words(asked.busy), _words(asked.offline), int(asked.waiting))
    at = fields.text(asked.at, "time", 40).replace("T", " ")
    return rehearsals.rehearse(session, config, number, caller, at, presses, visit.crm.now(), phones)


def _caller(visit: ConsoleVisit, raw: str) -> str | None:
    """None: withheld."""
    config = visit.crm.config
    if not raw.strip() or raw.strip().lower() == WITHHELD:
        return None
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        raise Invalid(visit.looks.say(WORDS, "wrong_caller"), code="number_invalid")
    return number


def _words(raw: str) -> list[str]:
    return raw.replace(",", " ").split()


# --- explaining one ---


@dataclass(frozen=True)
class ExplainedCall:
    entry: RecentEntry
    told: Explanation
    known: list[str]
    """What was known at each decision, as it is on record; none for whoever sees a part of the office."""


async def _explain(visit: ConsoleVisit) -> Response:
    call_id, reach = str(visit.request.path_params["call"]), visit.who.reach

    def read(session: Session) -> ExplainedCall:
        entry = recent.call(session, call_id, reach)
        told = view.explained(session, call_id, visit.crm.now())
        return ExplainedCall(entry, told, view.known(session, call_id) if reach.is_whole else [])

    try:
        found = await visit.read(read)
    except NotFound as error:
        return visit.page(
            "routing",
            WORDS,
            404,
            asked=CallToTry(),
            lines=await visit.read(choices.lines, reach),
            wrong=visit.refusal(error),
            found=None,
            tz=visit.looks.tz,
            is_narrow=not reach.is_whole,
            codes=CODES,
        )
    entry = found.entry
    keyed = [one.keys for one in found.told.decisions[-1].keyed if one.keys] if found.told.decisions else []
    call = await visit.read(view.dialled, call_id)
    again = {"line": call, "from": entry.number or WITHHELD, "press": " ".join(keyed)}
    return visit.page(
        "routing_call",
        WORDS,
        entry=entry,
        told=found.told,
        known=found.known,
        again=urlencode(again) if entry.direction == CallDirection.IN else "",
        tz=visit.looks.tz,
        codes=CODES,
    )


PAGES = (
    ConsolePage("/routing", _try, needs=Act.ROUTING, section="routing"),
    ConsolePage("/routing/calls/{call}", _explain, needs=Act.ROUTING),
)
