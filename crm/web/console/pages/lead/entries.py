"""What people write into the timeline of a lead, and what they take over of what was understood."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.services.audit import By
from crm.services.people import leads as service
from crm.services.people import suggestions
from crm.web.console import cursors
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import acted, moment
from crm.web.console.visit import ConsoleVisit


async def _note(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        service.write_note(session, visit.crm.config, by, lead_id, str(form.get("text", "")))

    return await acted(visit, "note", form, act, anchor="#timeline")


async def _log(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        raw = str(form.get("at", ""))
        at = moment(visit, raw) if raw else by.now
        what = str(form.get("what", ""))
        service.log(session, visit.crm.config, by, lead_id, what, str(form.get("text", "")), at)

    return await acted(visit, "log", form, act, anchor="#timeline")


async def _suggestions(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    wanted = {cursors.number(str(one)) for one in form.getlist("suggestion")}

    def act(session: Session, by: By, lead_id: int) -> None:
        theirs = [id for id in suggestions.of_lead(session, lead_id) if id in wanted]
        if form.get("verb") == "take":
            suggestions.take(session, visit.crm.config, by, theirs)
        else:
            suggestions.dismiss(session, by, theirs)

    return await acted(visit, "suggestions", form, act)


POST = ("POST",)
PAGES = (
    ConsolePage("/leads/{lead:int}/notes", _note, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/events", _log, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/suggestions", _suggestions, needs=Act.WORK, methods=POST),
)
