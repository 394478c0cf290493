"""Where calls go besides the office's phones."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.errors import CrmError, Invalid
from crm.services.audit import By
from crm.services.phones import forwarding
from crm.views import choices
from crm.views import forwarding as forwarding_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit


async def _forwarding(visit: ConsoleVisit) -> Response:
    return await _forwarding_page(visit)


async def _forwarding_page(visit: ConsoleVisit, status: int = 200, wrong: str = "") -> Response:
    config, now = visit.crm.config, visit.crm.now()

    def read(session: Session) -> tuple[forwarding_view.Forwarding, choices.Choices]:
        return forwarding_view.everything(session, config, now), choices.agents(session)

    found, agents = await visit.read(read)
    return frame.page(
        visit, "forwarding", status, office=found.office, mobiles=found.agents, agents=agents, wrong=wrong
    )


async def _forward(visit: ConsoleVisit) -> Response:
    sent = {name: str(value).strip() for name, value in (await visit.form()).items()}
    config, what = visit.crm.config, sent.get("what", "")

    def act(session: Session, by: By) -> None:
        if what == "office_on":
            forwarding.forward_office(session, config, by, to=sent.get("to", ""), confirm="confirm" in sent)
        elif what == "office_off":
            forwarding.end_office(session, by)
        elif what == "agent_on":
            forwarding.switch_on(session, config, by, sent.get("agent", ""), to=sent.get("to") or None)
        elif what == "agent_off":
            forwarding.switch_off(session, by, sent.get("agent", ""))
        else:
            raise Invalid("There is no such act.", code="forwarding_act_unknown")

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _forwarding_page(visit, 422, visit.refusal(error))
    return await frame.changed(visit, "/settings/forwarding", "forwarding_set")


PAGES = (
    frame.opened("/forwarding", _forwarding),
    frame.act("/forwarding", _forward),
)
