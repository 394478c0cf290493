"""The page of a lead: what it shows, and how its forms come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crm.domain import fields
from crm.domain.access import Act
from crm.domain.applications import ApplicationStatus
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.domain.heard import CardField
from crm.domain.leads import LOGGED, NOBODY, Happened
from crm.domain.merging import ProposalReason
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourKind, TourState
from crm.services.audit import By
from crm.views import applications, choices, opt_outs, tasks, tours
from crm.views import leads as view
from crm.views import proposals as proposals_view
from crm.views import suggestions as suggestions_view
from crm.views.applications import ApplicationEntry
from crm.views.choices import Choices
from crm.views.leads import ActivityEntry, LeadCard, MergeEntry
from crm.views.opt_outs import OptOutEntry
from crm.views.proposals import ProposalEntry
from crm.views.suggestions import SuggestionEntry
from crm.views.tasks import TaskEntry
from crm.views.tours import TourEntry
from crm.web.console import clashes, cursors
from crm.web.console.door import ConsolePage
from crm.web.console.pages.leads import CODES, IN_TURN
from crm.web.console.visit import ConsoleVisit
from crm.words.console import LANGUAGES
from crm.words.console.lead import WORDS

ENTRIES = 40
"""Of the timeline on one page."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
ALL_CODES = {
    **CODES,
    "happened": Happened,
    "task": TaskKind,
    "tour_kind": TourKind,
    "tour": TourState,
    "application": ApplicationStatus,
    "reason": ProposalReason,
    "field": CardField,
}


@dataclass(frozen=True)
class LeadSheet:
    """All that the page of a lead shows."""

    card: LeadCard
    timeline: list[ActivityEntry]
    older: str
    """Where the next page of the timeline begins; empty: there is none."""
    tasks: list[TaskEntry]
    tours: list[tuple[TourEntry, str]]
    applications: list[ApplicationEntry]
    suggestions: list[SuggestionEntry]
    proposals: list[ProposalEntry]
    merges: list[MergeEntry]
    opt_outs: list[OptOutEntry]
    agents: Choices
    properties: Choices
    """Within reach."""


@dataclass
class FormTrouble:
    """A form that could not be accepted, as it comes back."""

    form: str = ""
    """Its name in the template."""
    text: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    clashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By field of the card: what somebody else has made of it meanwhile, and what is in the form."""
    base: str = ""


async def _lead(visit: ConsoleVisit) -> Response:
    wanted = asked(visit)
    found = await visit.read(view.surviving, wanted, visit.who.reach)
    if found != wanted:
        # Merged into another one, which may be undone: so not for ever.
        return visit.see_other(f"/leads/{found}", visit.looks.say(WORDS, "was_merged", id=wanted, into=found))
    return await show(visit, found, FormTrouble())


async def show(visit: ConsoleVisit, lead_id: int, trouble: FormTrouble, status: int = 200) -> Response:
    sheet = await visit.read(_sheet, visit, lead_id)
    texts = card_texts(sheet.card)
    sent = {**texts, **trouble.sent} if trouble.form == "card" else texts
    return visit.page(
        "lead",
        WORDS,
        status,
        sheet=sheet,
        lead=sheet.card,
        card=sent,
        budget=None if sheet.card.budget is None else Decimal(sheet.card.budget),
        base=trouble.base or clashes.written(texts),
        trouble=trouble,
        sent=trouble.sent,
        codes=ALL_CODES,
        languages=[("", visit.looks.say(WORDS, "of_line")), *LANGUAGES.items()],
        logged=tuple(LOGGED),
        zone_of=lambda name: ZoneInfo(name) if name else None,
        in_turn=IN_TURN,
        nobody=NOBODY,
        may_change=visit.may(Act.WORK),
        may_hear=visit.may(Act.HEAR),
        may_erase=visit.may(Act.ERASE),
    )


def _sheet(session: Session, visit: ConsoleVisit, lead_id: int) -> LeadSheet:
    now, reach = visit.crm.now(), visit.who.reach
    card = view.card(session, lead_id, now, reach)
    entries, older = _entries(session, visit, lead_id, None)
    return LeadSheet(
        card,
        entries,
        older,
        tasks.listed(session, now, lead=lead_id, reach=reach),
        tours.listed(session, since=EVER, lead=lead_id, reach=reach),
        applications.listed(session, lead_id=lead_id, reach=reach),
        suggestions_view.listed(session, lead_id),
        proposals_view.listed(session, lead_id=lead_id, reach=reach),
        view.merges(session, lead_id),
        opt_outs.of(session, card.phones, view.reached_at(card)),
        choices.agents(session),
        choices.properties(session, reach),
    )


def _entries(
    session: Session, visit: ConsoleVisit, lead_id: int, before: tuple[datetime, int] | None
) -> tuple[list[ActivityEntry], str]:
    found = view.timeline(session, lead_id, before=before, limit=ENTRIES + 1, reach=visit.who.reach)
    if len(found) <= ENTRIES:
        return found, ""
    return found[:ENTRIES], cursors.written(found[ENTRIES - 1].at, found[ENTRIES - 1].id)


async def _timeline(visit: ConsoleVisit) -> Response:
    before = cursors.moment_and_id(visit.query.get("before", ""))

    def read(session: Session) -> tuple[LeadCard, list[ActivityEntry], str]:
        lead_id = view.surviving(session, asked(visit), visit.who.reach)
        card = view.card(session, lead_id, visit.crm.now(), visit.who.reach)
        return card, *_entries(session, visit, lead_id, before)

    card, entries, older = await visit.read(read)
    return visit.page(
        "lead_timeline", WORDS, lead=card, entries=entries, older=older, codes=ALL_CODES, may_hear=visit.may(Act.HEAR)
    )


def asked(visit: ConsoleVisit) -> int:
    return cursors.number(str(visit.request.path_params["lead"]))


def card_texts(card: LeadCard) -> dict[str, str]:
    """The card as the form for it shows it."""
    return {
        "name": card.name or "",
        "email": card.email,
        "kind": card.kind,
        "language": card.language,
        "bedrooms": "" if card.bedrooms is None else str(card.bedrooms),
        "move_in": card.move_in_on.isoformat() if card.move_in_on else "",
        "budget": "" if card.budget is None else str(card.budget),
        "pets": card.pets,
    }


Acted = Callable[[Session, By, int], object]


async def acted(
    visit: ConsoleVisit,
    name: str,
    form: FormData,
    act: Acted,
    said: str = "saved",
    anchor: str = "",
    *,
    refused: tuple[type[CrmError], ...] = (Invalid, Conflict),
) -> Response:
    """Runs what a form of the page asks for, with the lead's id. What is `refused` comes back with what was typed;
    where people type names, that is NotFound as well."""

    def found_and_acted(session: Session, by: By) -> int:
        lead_id = view.surviving(session, asked(visit), visit.who.reach)
        act(session, by, lead_id)
        return lead_id

    try:
        lead_id = await visit.run(found_and_acted, visit.by)
    except refused as error:
        return await _refused(visit, name, form, error)
    return visit.see_other(f"/leads/{lead_id}{anchor}", visit.looks.say(WORDS, said))


async def _refused(visit: ConsoleVisit, name: str, form: FormData, error: CrmError) -> Response:
    lead_id = await visit.read(view.surviving, asked(visit), visit.who.reach)
    sent = {key: str(value) for key, value in form.items() if key != "csrf"}
    return await show(visit, lead_id, FormTrouble(name, visit.refusal(error), sent), 422)


def card_of(session: Session, visit: ConsoleVisit) -> LeadCard:
    lead_id = view.surviving(session, asked(visit), visit.who.reach)
    return view.card(session, lead_id, visit.crm.now(), visit.who.reach)


def moment(visit: ConsoleVisit, raw: str) -> datetime:
    """A time as browsers send it, in the office's zone. Raises Invalid."""
    return fields.moment(raw.strip().replace("T", " "), visit.crm.config.tz, visit.crm.now())


PAGES = (
    ConsolePage("/leads/{lead:int}", _lead),
    ConsolePage("/leads/{lead:int}/timeline", _timeline),
)
