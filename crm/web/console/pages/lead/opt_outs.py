"""What a lead wants no more of, and wants again: entries of the ledger, with who made them and how they know."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services.audit import By
from crm.services.people import opt_outs
from crm.views import leads as view
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import acted
from crm.web.console.visit import ConsoleVisit


async def _add(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    # Such as `texts/+15125550188`.
    scope, _, who = str(form.get("what", "")).partition("/")
    why = str(form.get("why", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        if not who:
            raise Invalid("Choose what they want no more.", code="opt_out_missing")
        _check_theirs(session, visit, lead_id, who)
        opt_outs.add(session, visit.crm.config, by, who, why=why, scope=scope)

    return await acted(visit, "opt_out", form, act, "opted_out_now", "#opt-outs")


async def _end(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    who, why = str(form.get("who", "")), str(form.get("why", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        _check_theirs(session, visit, lead_id, who)
        try:
            opt_outs.remove(session, visit.crm.config, by, who, why=why)
        except NotFound:
            raise Conflict("Somebody else has ended this opt-out just now.", code="changed_meanwhile") from None

    return await acted(visit, "opt_in", form, act, "opted_in_now", "#opt-outs")


def _check_theirs(session: Session, visit: ConsoleVisit, lead_id: int, who: str) -> None:
    """Raises NotFound unless the number or address is one of this lead's."""
    card = view.card(session, lead_id, visit.crm.now(), visit.who.reach)
    if who.lower() not in (one.lower() for one in view.reached_at(card)):
        raise NotFound(f"That is no number or address of lead {lead_id}.", code="lead_phone_unknown", lead=str(lead_id))


POST = ("POST",)
PAGES = (
    ConsolePage("/leads/{lead:int}/opt-outs", _add, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/opt-outs/end", _end, needs=Act.WORK, methods=POST),
)
