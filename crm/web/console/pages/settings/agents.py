"""Agents: who they are, when their phones ring for callers, and who takes over when one leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.dialing import DIALING
from crm.domain.errors import Conflict, CrmError
from crm.services.audit import By
from crm.services.office import agents, hours
from crm.services.office.agents import Succession
from crm.views import agents as agents_view
from crm.views import choices
from crm.views import hours as hours_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings_agents import WORDS

FIELDS = ("name", "extension", "email", "dialing", "on_duty")
NEW_FIELDS = ("slug", "name", "extension")


async def _agents(visit: ConsoleVisit) -> Response:
    return await _agents_page(visit, {})


async def _agents_page(visit: ConsoleVisit, sent: Mapping[str, str], status: int = 200, wrong: str = "") -> Response:
    found = await visit.read(agents_view.listed)
    return frame.page(visit, "agents", status, words=WORDS, agents=found, sent=sent, wrong=wrong)


async def _add_agent(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    slug, name, extension = (sent.get(one, "") for one in NEW_FIELDS)
    try:
        await visit.run(agents.add, visit.crm.config, visit.by, slug, name=name or None, extension=extension)
    except CrmError as error:
        return await _agents_page(visit, sent, 422, visit.refusal(error))
    return await frame.changed(visit, f"/settings/agents/{slug}", "agent_added", phones=True, words=WORDS, agent=slug)


async def _agent(visit: ConsoleVisit) -> Response:
    return await _agent_page(visit)


async def _agent_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS) -> Response:
    """`form` is whichever of its two comes back."""
    slug, config, now = _asked(visit), visit.crm.config, visit.crm.now()

    def read(
        session: Session,
    ) -> tuple[agents_view.AgentEntry, hours_view.AgentHoursEntry, choices.Choices, Succession | None, str]:
        found = (agents_view.one(session, slug), hours_view.of_agent(session, config, slug, now))
        try:
            passes, why_not = agents.handover(session, slug), ""
        except Conflict as error:
            passes, why_not = None, visit.refusal(error)
        return *found, [one for one in choices.agents(session) if one[0] != slug], passes, why_not

    agent, week, others, passes, why_not = await visit.read(read)
    return frame.form_page(
        visit,
        "agents",
        "settings_agent",
        form,
        _cells(agent),
        words=WORDS,
        agent=agent,
        week=week,
        others=others,
        passes=passes,
        why_not=why_not,
        dialing=DIALING,
        week_form=form.filled(_week(week)),
    )


async def _change_agent(visit: ConsoleVisit) -> Response:
    sent, config = await frame.sent(visit), visit.crm.config
    cells = {name: sent.get(name, "") for name in FIELDS}

    def act(session: Session, by: By, slug: str, changes: Mapping[str, str]) -> None:
        agents.change(
            session,
            config,
            by,
            slug,
            name=changes.get("name"),
            extension=changes.get("extension"),
            email=changes.get("email"),
            dialing=changes.get("dialing"),
            on_duty=bool(changes["on_duty"]) if "on_duty" in changes else None,
        )

    return await _edited(visit, cells, sent, lambda session, slug: _cells(agents_view.one(session, slug)), act)


async def _set_week(visit: ConsoleVisit) -> Response:
    sent, config, now = await frame.sent(visit), visit.crm.config, visit.crm.now()
    cells = {"openings": sent.get("openings", "")}

    def act(session: Session, by: By, slug: str, changes: Mapping[str, str]) -> None:
        hours.replace_agent(session, by, slug, frame.written_lines(changes["openings"]))

    return await _edited(
        visit, cells, sent, lambda session, slug: _week(hours_view.of_agent(session, config, slug, now)), act
    )


async def _edited(
    visit: ConsoleVisit,
    cells: Mapping[str, str],
    sent: Mapping[str, str],
    there: Callable[[Session, str], Mapping[str, str]],
    write: Callable[[Session, By, str, Mapping[str, str]], None],
) -> Response:
    """Writes what was changed in a form, unless somebody else has changed the same meanwhile."""
    slug = _asked(visit)
    if again := await frame.edited(
        visit,
        sent,
        cells,
        lambda session: there(session, slug),
        lambda session, by, changes: write(session, by, slug, changes),
        WORDS,
    ):
        return await _agent_page(visit, again)
    return await frame.changed(visit, f"/settings/agents/{slug}", "agent_changed", phones=True, words=WORDS, agent=slug)


async def _retire_agent(visit: ConsoleVisit) -> Response:
    sent, slug = await frame.sent(visit), _asked(visit)
    try:
        passed = await visit.run(agents.retire, visit.by, slug, successor=sent.get("successor") or None)
    except CrmError as error:
        return await _agent_page(visit, frame.EditForm(422, visit.refusal(error)))
    return await frame.changed(
        visit, "/settings/agents", "agent_retired", phones=True, words=WORDS, agent=slug, heir=passed.heir
    )


def _asked(visit: ConsoleVisit) -> str:
    return str(visit.request.path_params["agent"])


def _cells(agent: agents_view.AgentEntry) -> dict[str, str]:
    return {
        "name": agent.name,
        "extension": agent.extension or "",
        "email": agent.email,
        "dialing": agent.dialing,
        "on_duty": "on" if agent.on_duty else "",
    }


def _week(week: hours_view.AgentHoursEntry) -> dict[str, str]:
    return {"openings": "\n".join(week.hours)}


PAGES = (
    frame.opened("/agents", _agents),
    frame.act("/agents", _add_agent),
    frame.opened("/agents/{agent}", _agent),
    frame.act("/agents/{agent}", _change_agent),
    frame.act("/agents/{agent}/hours", _set_week),
    frame.act("/agents/{agent}/retire", _retire_agent),
)
