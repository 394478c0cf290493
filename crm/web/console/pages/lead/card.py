"""The guest card: what is written on it, where the office stands with the lead, and whose it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid
from crm.domain.leads import NOBODY, LeadStatus
from crm.services import assignment
from crm.services.audit import By
from crm.services.people import leads as service
from crm.views import leads as view
from crm.web.console import clashes
from crm.web.console.clashes import FormEdit
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import FormTrouble, acted, asked, card_texts, show
from crm.web.console.pages.leads import IN_TURN
from crm.web.console.visit import ConsoleVisit
from crm.words.console.lead import WORDS

CARD = ("name", "email", "kind", "language", "bedrooms", "move_in", "budget", "pets")
"""Fields of the form for the card."""


async def _change_card(visit: ConsoleVisit) -> Response:
    """Writes what was changed in the form. Where somebody else has changed the same meanwhile, nothing is written, and
    both are shown."""
    form = await visit.form()
    sent = {name: str(form.get(name, "")).strip() for name in CARD}
    base = clashes.read(str(form.get("base", "")))

    def act(session: Session, by: By) -> tuple[int, FormEdit]:
        lead_id = view.surviving(session, asked(visit), visit.who.reach)
        service.named(session, visit.crm.config, lead_id, lock=True)
        edit = FormEdit(base, sent, card_texts(view.card(session, lead_id, by.now, visit.who.reach)))
        changes: dict[str, Any] = edit.changes
        if changes and not edit.clashes:
            service.change(session, visit.crm.config, by, lead_id, **changes)
        return lead_id, edit

    try:
        lead_id, edit = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        lead_id = await visit.read(view.surviving, asked(visit), visit.who.reach)
        trouble = FormTrouble("card", visit.refusal(error), sent, base=clashes.written(base))
        return await show(visit, lead_id, trouble, 422)
    if edit.clashes:
        text = visit.looks.say(WORDS, "changed_meanwhile")
        trouble = FormTrouble("card", text, edit.merged, edit.clashes, clashes.written(edit.there))
        return await show(visit, lead_id, trouble, 409)
    return visit.see_other(f"/leads/{lead_id}", visit.looks.say(WORDS, "saved"))


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

    return await acted(visit, "status", form, act)


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

    return await acted(visit, "phones", form, act)


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

    return await acted(visit, "assign", form, act)


def _own_interest(session: Session, visit: ConsoleVisit, lead_id: int) -> str | None:
    """The property within reach that was heard of last; None for somebody who sees the whole office."""
    if visit.who.reach.is_whole:
        return None
    interests = view.card(session, lead_id, visit.crm.now(), visit.who.reach).interests
    return max(interests, key=lambda one: one.updated_at).property


POST = ("POST",)
PAGES = (
    ConsolePage("/leads/{lead:int}/card", _change_card, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/status", _status, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/phones", _phones, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/assignment", _assign, needs=Act.WORK, methods=POST),
)
