"""What a lead is interested in: a further home, and how far each interest has come, up to its end."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeasingStage
from crm.services import follow_ups
from crm.services.audit import By
from crm.services.office import properties
from crm.services.people import interests
from crm.services.people import leads as service
from crm.views import leads as view
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import acted
from crm.web.console.visit import ConsoleVisit


async def _add(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, unit = str(form.get("property", "")).strip(), str(form.get("unit", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        if not slug:
            raise Invalid("Choose a property.", code="property_missing")
        if not visit.who.reach.holds(properties.named(session, slug).id):
            raise NotFound(f"There is no property {slug[:60]}.", code="property_unknown", property=slug[:60])
        interests.add(session, visit.crm.config, by, lead_id, slug, unit)

    wrong = (Invalid, Conflict, NotFound)
    return await acted(visit, "interest", form, act, "interest_added", "#interests", refused=wrong)


async def _stage(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, stage = str(form.get("property", "")), str(form.get("stage", ""))
    why, was = str(form.get("why", "")), str(form.get("was", ""))

    def act(session: Session, by: By, lead_id: int) -> None:
        if stage not in tuple(LeasingStage):
            raise Invalid("Choose a stage.", code="stage_unknown")
        service.named(session, visit.crm.config, lead_id, lock=True)
        interests_there = view.card(session, lead_id, by.now, visit.who.reach).interests
        if slug not in [one.property for one in interests_there]:
            raise NotFound(f"Lead {lead_id} has no such interest.", code="interest_unknown", lead=lead_id)
        follow_ups.set_stage(session, by, lead_id, slug, LeasingStage(stage), why=why, was=was)

    return await acted(visit, "stage", form, act, "stage_set", "#interests")


POST = ("POST",)
PAGES = (
    ConsolePage("/leads/{lead:int}/interests", _add, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/stage", _stage, needs=Act.WORK, methods=POST),
)
