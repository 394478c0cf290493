"""The page with what has to be done next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.domain.access import Role
from crm.domain.tasks import TaskKind
from crm.store.models import Agent, Interest, Lead, LeadPhone, Property, Subteam, Task
from crm.web.console.cursors import PER_PAGE
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web


def task(office: ConsoleOffice, why: str, *, agent: str = "", team: str = "", hours: int = 1, elm: bool = False) -> int:
    """Adds a task about a lead of their own."""
    with office.crm.store.writing() as session:
        holder = (
            session.query(Agent).filter_by(slug=agent).one()
            if agent
            else session.query(Subteam).filter_by(slug=team).one()
        )
        property = session.query(Property).filter_by(slug="elm" if elm else "lakeside").one()
        number = len(session.query(Lead).all())
        lead = Lead(name=f"Lead <{number}>", source="", created_at=NOW)
        lead.phones.append(LeadPhone(number=f"+151255502{number:02}"))
        lead.interests.append(Interest(property=property, stage_since=NOW, updated_at=NOW))
        session.add(lead)
        session.flush()
        due = NOW + timedelta(hours=hours)
        found = Task(
            key=why, kind=TaskKind.CALL_BACK, held_by=holder, lead_id=lead.id, why=why, created_at=NOW, due_at=due
        )
        session.add(found)
        session.flush()
        return found.id


async def test_tasks_are_mine_or_everybodys_the_most_urgent_first(office: ConsoleOffice) -> None:
    task(office, "later", agent="alice", hours=5)
    task(office, "<i>late</i>", agent="alice", hours=-1)
    task(office, "of my team", team="north", hours=3)
    task(office, "of somebody else", agent="carol", hours=2)
    page = await office.person(Role.AGENT, agent="alice").open("/tasks")
    assert page.index("&lt;i&gt;late&lt;/i&gt;") < page.index("of my team") < page.index("later")
    assert "of somebody else" not in page
    assert page.partition("<main")[2].count("overdue") == 1
    assert "Lead &lt;0&gt;" in page
    assert 'data-call="+15125550200"' in page
    everybody = await office.person().open("/tasks")
    assert "of somebody else" in everybody
    spanish = await office.person(language="es").open("/tasks")
    assert "Devolver la llamada" in spanish


async def test_a_long_list_comes_in_pages(office: ConsoleOffice) -> None:
    for number in range(PER_PAGE + 3):
        task(office, f"number {number:03}", agent="alice", hours=number + 1)
    person = office.person()
    page = await person.open("/tasks")
    assert f"number {PER_PAGE - 1:03}" in page
    assert f"number {PER_PAGE:03}" not in page
    [more] = [part.split('"')[0] for part in page.split('href="/tasks?')[1:] if "after" in part]
    rest = await person.open(f"/tasks?{more}".replace("&amp;", "&"))
    assert "number 000" not in rest
    assert f"number {PER_PAGE + 2:03}" in rest
    for cursor in ("x", "2026-01-01/1", "/", "2026-01-01T00:00:00+00:00/0"):
        await person.open(f"/tasks?after={cursor}", 404)


async def test_a_task_is_taken_put_off_given_and_done(office: ConsoleOffice) -> None:
    of_team = task(office, "of my team", team="north")
    person = office.person(Role.AGENT, agent="alice")
    await person.send(f"/tasks/{of_team}/take", of="/tasks")
    await person.send(f"/tasks/{of_team}/snooze", of="/tasks", until="day")
    [found] = office.rows(Task)
    assert (found.owner_id is not None, found.due_at) == (True, NOW + timedelta(days=1))
    await person.send(f"/tasks/{of_team}/snooze", 404, of="/tasks", until="never")
    await person.send(f"/tasks/{of_team}/give", of="/tasks", to="carol")
    await person.send(f"/tasks/{of_team}/give", 404, of="/tasks", to="nobody")
    assert "belongs to carol" not in await office.person().open("/tasks")
    await person.send(f"/tasks/{of_team}/done", of="/tasks", result="tour on Friday")
    [found] = office.rows(Task)
    assert (found.done_at, found.result) == (NOW, "tour on Friday")
    await person.send(f"/tasks/{of_team}/done", 422, of="/tasks")


async def test_tasks_beyond_ones_reach_do_not_exist(office: ConsoleOffice) -> None:
    mine = task(office, "at Elm", agent="alice", elm=True)
    other = task(office, "at Lakeside", agent="alice")
    person = office.person(Role.MANAGER, properties=["elm"])
    page = await person.open("/tasks?whose=everybody")
    assert "at Elm" in page
    assert "at Lakeside" not in page
    for act in ("take", "snooze", "give", "done"):
        await person.send(f"/tasks/{other}/{act}", 404, of="/tasks", until="day", to="bob")
        assert (await office.person(Role.READ_ONLY).send(f"/tasks/{mine}/{act}", 403, of="/tasks")).status_code == 403
    assert '<form class="inline"' not in await office.person(Role.READ_ONLY).open("/tasks?whose=everybody")
