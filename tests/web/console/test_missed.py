"""Whom to call back, as people in the office see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.store.models import Agent, Property, Subteam, Task
from tests.web.console.contacts import EVIL, PAT, SAM, called, check, emptied, lead, other_property
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web


def missed(
    office: ConsoleOffice,
    call: str,
    caller: str | None,
    *,
    owner: str | None = "alice",
    on: str = "elm",
    **more: object,
) -> int:
    """The task's id."""
    called(office, call, caller, on=on, lead_id=more.get("lead_id"))
    with office.crm.store.writing() as session:
        values = {"kind": "call_back", "why": "Nobody talked to them.", "due_at": NOW + timedelta(hours=1), **more}
        task = Task(
            key=f"call:{call}",
            owner_id=session.scalar(select(Agent.id).where(Agent.slug == owner)) if owner else None,
            subteam_id=None if owner else session.scalar(select(Subteam.id).limit(1)),
            property_id=session.scalar(select(Property.id).where(Property.slug == on)),
            call_id=call,
            created_at=NOW,
            result="",
            **values,
        )
        session.add(task)
        session.flush()
        return task.id


def task(office: ConsoleOffice, id: int) -> Task:
    [found] = [one for one in office.rows(Task) if one.id == id]
    return found


def listed(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'<tr id="task-(\d+)"', page)]


async def test_an_empty_page_says_what_comes(office: ConsoleOffice) -> None:
    emptied(office)
    page = await office.person().open("/missed")
    check(page)
    assert "Nobody waits to be called back." in page
    assert "Nadie espera una llamada." in await office.person(language="es").open("/missed")


async def test_the_most_urgent_come_first_and_nothing_breaks_out(office: ConsoleOffice) -> None:
    emptied(office)
    id = lead(office, PAT, name=EVIL)
    late = missed(office, "c1.1", PAT, lead_id=id, why=EVIL, due_at=NOW - timedelta(hours=1))
    later = missed(office, "c2.1", SAM, owner="bob")
    for language in ("en", "es"):
        page = await office.person(language=language).open("/missed")
        check(page)
        assert listed(page) == [late, later]
        assert f'data-call="{PAT}"' in page
        assert 'class="late"' in page
    assert listed(await office.person(Role.AGENT, agent="alice").open("/missed")) == [late]


async def test_a_caller_whom_nobody_cares_for_stands_on_top(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT, outcome="gave_up")
    page = await office.person().open("/missed")
    check(page)
    assert "Nobody takes care of these callers" in page
    assert 'href="/calls/c1.1"' in page
    narrow = office.person(Role.AGENT, agent="alice", properties=[other_property(office)])
    assert "c1.1" not in await narrow.open("/missed")


async def test_done_taken_and_given(office: ConsoleOffice) -> None:
    emptied(office)
    first = missed(office, "c1.1", PAT)
    of_team = missed(office, "c2.1", SAM, owner=None)
    of_bob = missed(office, "c3.1", "+15125550190", owner="bob")
    alice = office.person(Role.AGENT, agent="alice")
    page = await alice.open("/missed?whose=everybody")
    csrf = alice.csrf(page)
    await alice.send(f"/missed/{first}/done", csrf=csrf, result=EVIL)
    assert (task(office, first).done_at, task(office, first).result) == (NOW, EVIL)
    me = next(one.id for one in office.rows(Agent) if one.slug == "alice")
    for id in (of_team, of_bob):
        await alice.send(f"/missed/{id}/taker", csrf=csrf)
        assert task(office, id).owner_id == me
    await alice.send(f"/missed/{of_bob}/owner", csrf=csrf, owner="bob")
    assert task(office, of_bob).owner_id != me
    # Done by somebody else meanwhile; given to nobody.
    answer = await alice.send(f"/missed/{first}/done", 422, csrf=csrf, result="again")
    check(answer.text)
    assert 'role="alert"' in answer.text
    await alice.send(f"/missed/{of_bob}/owner", 422, csrf=csrf, owner="")
    await alice.send(f"/missed/{of_bob}/owner", 404, csrf=csrf, owner="nobody-here")
    # Somebody who is no agent can give it, but not take it.
    manager = office.person(Role.MANAGER)
    await manager.send(f"/missed/{of_bob}/taker", 403)
    await manager.send(f"/missed/{of_bob}/owner", owner="alice")
    assert task(office, of_bob).owner_id == me


async def test_others_see_and_change_none_of_it(office: ConsoleOffice) -> None:
    emptied(office)
    other = other_property(office)
    far = missed(office, "c1.1", PAT, on=other)
    near = missed(office, "c2.1", SAM)
    narrow = office.person(Role.AGENT, agent="bob", properties=["elm"])
    page = await narrow.open("/missed?whose=everybody")
    assert listed(page) == [near]
    for act, fields in (("done", {"result": "x"}), ("taker", {}), ("owner", {"owner": "bob"})):
        await narrow.send(f"/missed/{far}/{act}", 404, csrf=narrow.csrf(page), **fields)
    assert task(office, far).done_at is None
    reader = office.person(Role.READ_ONLY)
    page = await reader.open("/missed")
    assert listed(page) == [far, near]
    assert "/done" not in page
    await reader.send(f"/missed/{far}/done", 403, csrf="x")


async def test_pages_show_each_once(office: ConsoleOffice) -> None:
    emptied(office)
    for number in range(120):
        missed(office, f"c{number:03}.1", None, due_at=NOW + timedelta(minutes=number // 7))
    person = office.person()
    path, seen = "/missed", []
    while path:
        page = await person.open(path)
        seen += listed(page)
        found = re.findall(r'<a rel="next" href="(/missed\?[^"]*after=[^"]+)">', page)
        path = (found or [""])[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120
    for wrong in ("after=x", "whose=nobody"):
        await person.open(f"/missed?{wrong}", 404)
