"""One lead: the guest card, what has happened, and what has to be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crm.domain import fields
from crm.domain.access import Act
from crm.domain.applications import ApplicationStatus
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.heard import CardField
from crm.domain.leads import NOBODY, Happened, LeadStatus
from crm.domain.merging import ProposalReason
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourKind, TourState
from crm.services import assignment
from crm.services import tasks as tasks_service
from crm.services.audit import By
from crm.services.people import erasing, merging, proposals, records, suggestions, unmerging
from crm.services.people import leads as service
from crm.views import applications, choices, erasures, merge_preview, tasks, tours
from crm.views import leads as view
from crm.views import proposals as proposals_view
from crm.views import suggestions as suggestions_view
from crm.views.applications import ApplicationEntry
from crm.views.choices import Choices
from crm.views.leads import ActivityEntry, LeadCard, MergeEntry
from crm.views.proposals import ProposalEntry
from crm.views.suggestions import SuggestionEntry
from crm.views.tasks import TaskEntry
from crm.views.tours import TourEntry
from crm.web.console import clashes, cursors
from crm.web.console.clashes import FormEdit
from crm.web.console.door import ConsolePage
from crm.web.console.pages.leads import CODES, IN_TURN
from crm.web.console.visit import ConsoleVisit
from crm.words.console import LANGUAGES
from crm.words.console.lead import WORDS

ENTRIES = 40
"""Of the timeline on one page."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
CARD = ("name", "email", "kind", "language", "bedrooms", "move_in", "budget", "pets")
"""Fields of the form for the card."""
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
    agents: Choices


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
    asked = _asked(visit)
    found = await visit.read(view.surviving, asked, visit.who.reach)
    if found != asked:
        # Merged into another one, which may be undone: so not for ever.
        return visit.see_other(f"/leads/{found}", visit.looks.say(WORDS, "was_merged", id=asked, into=found))
    return await _show(visit, found, FormTrouble())


async def _show(visit: ConsoleVisit, lead_id: int, trouble: FormTrouble, status: int = 200) -> Response:
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
        logged=tuple(service.LOGGED),
        tz_of=visit.crm.config.tz,
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
        choices.agents(session),
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
        lead_id = view.surviving(session, _asked(visit), visit.who.reach)
        card = view.card(session, lead_id, visit.crm.now(), visit.who.reach)
        return card, *_entries(session, visit, lead_id, before)

    card, entries, older = await visit.read(read)
    return visit.page(
        "lead_timeline", WORDS, lead=card, entries=entries, older=older, codes=ALL_CODES, may_hear=visit.may(Act.HEAR)
    )


def _asked(visit: ConsoleVisit) -> int:
    return cursors.number(str(visit.request.path_params["lead"]))


# --- the card ---


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


async def _change_card(visit: ConsoleVisit) -> Response:
    """Writes what was changed in the form. Where somebody else has changed the same meanwhile, nothing is written, and
    both are shown."""
    form = await visit.form()
    sent = {name: str(form.get(name, "")).strip() for name in CARD}
    base = clashes.read(str(form.get("base", "")))

    def act(session: Session, by: By) -> tuple[int, FormEdit]:
        lead_id = view.surviving(session, _asked(visit), visit.who.reach)
        service.named(session, visit.crm.config, lead_id, lock=True)
        edit = FormEdit(base, sent, card_texts(view.card(session, lead_id, by.now, visit.who.reach)))
        changes: dict[str, Any] = edit.changes
        if changes and not edit.clashes:
            service.change(session, visit.crm.config, by, lead_id, **changes)
        return lead_id, edit

    try:
        lead_id, edit = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        lead_id = await visit.read(view.surviving, _asked(visit), visit.who.reach)
        trouble = FormTrouble("card", visit.refusal(error), sent, base=clashes.written(base))
        return await _show(visit, lead_id, trouble, 422)
    if edit.clashes:
        text = visit.looks.say(WORDS, "changed_meanwhile")
        trouble = FormTrouble("card", text, edit.merged, edit.clashes, clashes.written(edit.there))
        return await _show(visit, lead_id, trouble, 409)
    return visit.see_other(f"/leads/{lead_id}", visit.looks.say(WORDS, "saved"))


# --- small forms ---

Acted = Callable[[Session, By, int], object]


async def _acted(
    visit: ConsoleVisit, name: str, form: FormData, act: Acted, said: str = "saved", anchor: str = ""
) -> Response:
    """Runs what a form of the page asks for, with the lead's id; what is refused comes back with what was typed."""

    def found_and_acted(session: Session, by: By) -> int:
        lead_id = view.surviving(session, _asked(visit), visit.who.reach)
        act(session, by, lead_id)
        return lead_id

    try:
        lead_id = await visit.run(found_and_acted, visit.by)
    except (Invalid, Conflict) as error:
        return await _refused(visit, name, form, error)
    return visit.see_other(f"/leads/{lead_id}{anchor}", visit.looks.say(WORDS, said))


async def _refused(visit: ConsoleVisit, name: str, form: FormData, error: CrmError) -> Response:
    lead_id = await visit.read(view.surviving, _asked(visit), visit.who.reach)
    sent = {key: str(value) for key, value in form.items() if key != "csrf"}
    return await _show(visit, lead_id, FormTrouble(name, visit.refusal(error), sent), 422)


async def _status(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    status, reason = str(form.get("status", "")), str(form.get("reason", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        if status not in tuple(LeadStatus):
            raise Invalid("Choose a status.", code="status_unknown")
        lead = service.named(session, visit.crm.config, lead_id, lock=True)
        if lead.status != str(form.get("was", "")):
            raise Conflict("Somebody else has changed the status just now: look at it again.", code="changed_meanwhile")
        service.change(session, visit.crm.config, by, lead_id, status=status, reason=reason or None)

    return await _acted(visit, "status", form, act)


async def _phones(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    added, removed = str(form.get("add", "")).strip(), str(form.get("remove", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        try:
            service.change(
                session, visit.crm.config, by, lead_id, add_phone=added or None, remove_phone=removed or None
            )
        except Conflict as error:
            # Whose number it is, is not told to who does not see them.
            whose = error.facts.get("other")
            if whose is None or view.within(session, [int(str(whose))], visit.who.reach):
                raise
            raise Conflict("That is another person's number.", code="number_is_anothers") from None

    return await _acted(visit, "phones", form, act)


async def _assign(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    agent = str(form.get("agent", "")).strip()

    def act(session: Session, by: By, lead_id: int) -> None:
        if not agent:
            raise Invalid("Choose an agent.", code="agent_missing")
        if agent == IN_TURN:
            slug = _own_interest(session, visit, lead_id)
            assignment.in_turn(session, visit.crm.config, by, lead_id, property_slug=slug)
        else:
            assignment.by_hand(session, visit.crm.config, by, lead_id, None if agent == NOBODY else agent)

    return await _acted(visit, "assign", form, act)


def _own_interest(session: Session, visit: ConsoleVisit, lead_id: int) -> str | None:
    """The property within reach that was heard of last; None for somebody who sees the whole office."""
    if visit.who.reach.is_whole:
        return None
    interests = view.card(session, lead_id, visit.crm.now(), visit.who.reach).interests
    return max(interests, key=lambda one: one.updated_at).property


async def _note(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        service.write_note(session, visit.crm.config, by, lead_id, str(form.get("text", "")))

    return await _acted(visit, "note", form, act, anchor="#timeline")


async def _log(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        raw = str(form.get("at", ""))
        at = _moment(visit, raw) if raw else by.now
        what = str(form.get("what", ""))
        service.log(session, visit.crm.config, by, lead_id, what, str(form.get("text", "")), at)

    return await _acted(visit, "log", form, act, anchor="#timeline")


def _moment(visit: ConsoleVisit, raw: str) -> datetime:
    """A time as browsers send it, in the office's zone. Raises Invalid."""
    return fields.moment(raw.strip().replace("T", " "), visit.crm.config.tz, visit.crm.now())


# --- tasks ---


async def _task(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        due = _moment(visit, str(form.get("due", "")))
        owner = str(form.get("owner", "")).strip() or None
        tasks_service.add(session, visit.crm.config, by, lead_id, str(form.get("why", "")), due, owner)

    return await _acted(visit, "task", form, act, "task_added", "#tasks")


async def _task_done(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        tasks_service.finish(session, by, _own_task(session, visit, lead_id), str(form.get("result", "")))

    return await _acted(visit, "tasks", form, act, "task_done", "#tasks")


async def _task_given(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        task_id = _own_task(session, visit, lead_id)
        tasks_service.reassign(session, by, task_id, str(form.get("owner", "")))

    return await _acted(visit, "tasks", form, act, "task_given", "#tasks")


def _own_task(session: Session, visit: ConsoleVisit, lead_id: int) -> int:
    """Raises NotFound for one of somebody else's."""
    task_id = cursors.number(str(visit.request.path_params["task"]))
    found = tasks.one(session, task_id, visit.crm.now(), visit.who.reach)
    if found.lead != lead_id:
        raise NotFound(f"There is no task {task_id}.", code="task_unknown", task=task_id)
    return found.id


# --- what was understood from what they said ---


async def _suggestions(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    wanted = {cursors.number(str(one)) for one in form.getlist("suggestion")}

    def act(session: Session, by: By, lead_id: int) -> None:
        theirs = [id for id in suggestions.of_lead(session, lead_id) if id in wanted]
        if form.get("verb") == "take":
            suggestions.take(session, visit.crm.config, by, theirs)
        else:
            suggestions.dismiss(session, by, theirs)

    return await _acted(visit, "suggestions", form, act)


# --- leads that are one person ---


async def _proposals(visit: ConsoleVisit) -> Response:
    after = cursors.number(visit.query["after"]) if visit.query.get("after") else 0
    found = await visit.read(proposals_view.listed, after=after, limit=51, reach=visit.who.reach)
    more = str(found[49].id) if len(found) > 50 else ""
    return visit.page(
        "lead_proposals",
        WORDS,
        entries=found[:50],
        more=more,
        codes=ALL_CODES,
        may_change=visit.may(Act.WORK),
    )


async def _dismiss(visit: ConsoleVisit) -> Response:
    await visit.form()
    wanted = cursors.number(str(visit.request.path_params["proposal"]))

    def act(session: Session, by: By) -> None:
        # Only one that they see.
        found = proposals_view.listed(session, after=wanted - 1, limit=1, reach=visit.who.reach)
        if [one.id for one in found] != [wanted]:
            raise NotFound(f"There is no proposal {wanted}.", code="proposal_unknown")
        proposals.dismiss(session, by, wanted)

    await visit.run(act, visit.by)
    return visit.see_other(visit.back("/leads/proposals"), visit.looks.say(WORDS, "stay_two"))


async def _merge(visit: ConsoleVisit) -> Response:
    """First who the other one is, then what is kept, then the merge."""
    posted = visit.request.method == "POST"
    form: Mapping[str, Any] = await visit.form() if posted else visit.query
    other, keep = str(form.get("other", "")).strip(), str(form.get("keep", "")).strip()

    def both(session: Session) -> tuple[int, int]:
        one = view.surviving(session, _asked(visit), visit.who.reach)
        found = _named(session, visit, other)
        if found == one:
            raise Conflict(f"Both are lead {one}: name another one.", code="merge_of_one", lead=str(one))
        return (found, one) if keep == str(found) else (one, found)

    def act(session: Session, by: By) -> tuple[int, int]:
        survivor, gone = both(session)
        merging.merge(session, visit.crm.config, by, str(survivor), str(gone))
        return survivor, gone

    def read(session: Session) -> merge_preview.MergePreview | None:
        if not other:
            return None
        return merge_preview.of(session, *both(session), visit.crm.now(), visit.who.reach)

    wrong = ""
    try:
        if posted:
            survivor, gone = await visit.run(act, visit.by)
            return visit.see_other(f"/leads/{survivor}", visit.looks.say(WORDS, "merged", id=survivor, gone=gone))
        preview = await visit.read(read)
    except (Invalid, Conflict, NotFound) as error:
        preview, wrong = None, visit.refusal(error)
    card = await visit.read(_card, visit)
    return visit.page(
        "lead_merge",
        WORDS,
        422 if wrong else 200,
        lead=card,
        other=other,
        preview=preview,
        wrong=wrong,
        codes=ALL_CODES,
    )


def _named(session: Session, visit: ConsoleVisit, raw: str) -> int:
    """The lead with this id, number or address within reach; whether there is one beyond it is not told."""
    try:
        return view.surviving(session, service.named(session, visit.crm.config, raw).id, visit.who.reach)
    except NotFound:
        raise NotFound("There is no lead with this id, number or address.", code="lead_unknown") from None


def _card(session: Session, visit: ConsoleVisit) -> LeadCard:
    lead_id = view.surviving(session, _asked(visit), visit.who.reach)
    return view.card(session, lead_id, visit.crm.now(), visit.who.reach)


async def _unmerge(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    gone = cursors.number(str(form.get("gone", "")))

    def act(session: Session, by: By, lead_id: int) -> None:
        if gone not in [one.gone for one in view.merges(session, lead_id)]:
            raise NotFound(f"Lead {gone} is not merged into this one.", code="merge_unknown", lead=str(gone))
        unmerging.unmerge(session, visit.crm.config, by, gone)

    return await _acted(visit, "merges", form, act, "unmerged")


# --- everything that is known of a person ---


async def _record(visit: ConsoleVisit) -> Response:
    await visit.form()

    def act(session: Session, by: By) -> tuple[int, dict[str, Any]]:
        lead_id = view.surviving(session, _asked(visit), visit.who.reach)
        whole = records.gather(session, lead_id, by.now)
        records.exported(session, by, lead_id)
        return lead_id, whole.data

    lead_id, found = await visit.run(act, visit.by)
    return Response(
        msgspec.json.format(msgspec.json.encode(found)),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="lead-{lead_id}.json"'},
    )


async def _erase(visit: ConsoleVisit) -> Response:
    wrong, why = "", ""
    card = await visit.read(_card, visit)
    if visit.request.method == "POST":
        form = await visit.form()
        why = str(form.get("why", "")).strip()
        try:
            if str(form.get("confirm", "")).strip() != str(card.id):
                raise Invalid(f"Write the lead's number, {card.id}, to confirm.", code="erasure_unconfirmed")
            fields.text(why, "reason", 300, required=True)
            return await _erased(visit, card.id, why)
        except (Invalid, Conflict) as error:
            wrong = visit.refusal(error)
    scope = await visit.read(erasures.scope, card.id)
    return visit.page("lead_erase", WORDS, 422 if wrong else 200, lead=card, scope=scope, wrong=wrong, why=why)


async def _erased(visit: ConsoleVisit, lead_id: int, why: str) -> Response:
    config = visit.crm.config
    await visit.read(erasing.check, config, lead_id, visit.crm.now())
    known = await visit.read(erasing.mentions, config, lead_id)
    await visit.run(erasing.erase, config, visit.by, lead_id, why, known)
    await erasing.finish(visit.crm)
    return visit.see_other("/leads", visit.looks.say(WORDS, "erased", id=lead_id))


POST = ("POST",)
BOTH = ("GET", "POST")
PAGES = (
    ConsolePage("/leads/proposals", _proposals),
    ConsolePage("/leads/proposals/{proposal:int}/dismissal", _dismiss, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}", _lead),
    ConsolePage("/leads/{lead:int}/timeline", _timeline),
    ConsolePage("/leads/{lead:int}/card", _change_card, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/status", _status, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/phones", _phones, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/assignment", _assign, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/notes", _note, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/events", _log, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/tasks", _task, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/tasks/{task:int}/done", _task_done, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/tasks/{task:int}/owner", _task_given, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/suggestions", _suggestions, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/merge", _merge, needs=Act.WORK, methods=BOTH),
    ConsolePage("/leads/{lead:int}/unmerge", _unmerge, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/record", _record, needs=Act.ERASE, methods=POST),
    ConsolePage("/leads/{lead:int}/erase", _erase, needs=Act.ERASE, methods=BOTH),
)
