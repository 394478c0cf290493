"""A person's data as files: for address books, or all of it to give to them; and erasing it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain import fields
from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid
from crm.services.audit import By
from crm.services.people import erasing, exports, records
from crm.views import erasures
from crm.views import leads as view
from crm.views.leads import LeadCard
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import asked, card_of
from crm.web.console.visit import ConsoleVisit
from crm.words.console.lead import WORDS


async def _vcard(visit: ConsoleVisit) -> Response:
    await visit.form()

    def act(session: Session, by: By) -> LeadCard:
        card = card_of(session, visit)
        exports.record_one(session, by, "vCard", card.id)
        return card

    card = await visit.run(act, visit.by)
    return Response(
        view.vcard_of(card),
        media_type="text/vcard",
        headers={"Content-Disposition": f'attachment; filename="lead-{card.id}.vcf"'},
    )


async def _record(visit: ConsoleVisit) -> Response:
    await visit.form()

    def act(session: Session, by: By) -> tuple[int, dict[str, Any]]:
        lead_id = view.surviving(session, asked(visit), visit.who.reach)
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
    card = await visit.read(card_of, visit)
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


PAGES = (
    ConsolePage("/leads/{lead:int}/vcard", _vcard, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/leads/{lead:int}/record", _record, needs=Act.ERASE, methods=("POST",)),
    ConsolePage("/leads/{lead:int}/erase", _erase, needs=Act.ERASE, methods=("GET", "POST")),
)
