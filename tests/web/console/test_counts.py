"""What waits, as numbers beside the sections: in the page, and over the event stream."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from crm.domain.access import Role
from crm.services import tasks
from crm.web.console import counts
from tests.web.console.contacts import lead
from tests.web.console.live import LiveOffice, listening
from tests.web.console.people import BY, NOW
from tests.web.console.test_board import here, live

pytestmark = pytest.mark.web
__all__ = ["live"]


def shown(page: str) -> dict[str, str]:
    """By section, without those of which nothing waits."""
    found = re.findall(r'id="count-(\w+)" data-most="\d+"( hidden)?><b>([^<]*)</b>', page)
    return {section: number for section, hidden, number in found if not hidden}


def overdue(live: LiveOffice, owner: str, on: str, number: str) -> int:
    person = lead(live, number, on=on)
    with live.crm.store.writing() as session:
        task = tasks.add(session, live.crm.config, BY, person, "Call.", NOW + timedelta(hours=1), owner)
        task.due_at = NOW - timedelta(hours=1)
        return task.id


async def test_they_are_in_the_page_and_change_with_what_is_done_by_whoever_it_concerns(live: LiveOffice) -> None:
    task = overdue(live, "alice", "elm", "+15125550171")
    alice, bob = live.person(Role.AGENT, agent="alice"), live.person(Role.AGENT, agent="bob")
    assert shown(await alice.open("/inbox"))["tasks"] == "1"
    before = shown(await bob.open("/inbox")).get("tasks")
    async with listening(live, alice, here(live)) as first, listening(live, bob, here(live)) as second:
        assert (await first.hears("counts"))["tasks"] == 1
        await second.hears("counts")
        overdue(live, "alice", "elm", "+15125550172")
        await first.hears("counts", tasks=2)
        with live.crm.store.writing() as session:
            tasks.finish(session, BY, task, "")
        await first.until(lambda: first.of("counts")[-1]["tasks"] == 1)
        assert len(second.of("counts")) == 1, "Bob is told of what is not his"
    assert shown(await bob.open("/inbox")).get("tasks") == before


async def test_only_what_is_within_reach_is_counted(live: LiveOffice) -> None:
    there, elsewhere = (live.person(Role.MANAGER, properties=[one]) for one in ("elm", "lakeside"))
    first, second = [shown(await one.open("/tasks")).get("tasks") for one in (there, elsewhere)]
    for number in range(3):
        overdue(live, "alice", "elm", f"+1512555018{number}")
    assert int(shown(await there.open("/tasks"))["tasks"]) == int(first or 0) + 3
    assert shown(await elsewhere.open("/tasks")).get("tasks") == second


def counting(monkeypatch: pytest.MonkeyPatch) -> list[counts.CountedFor]:
    """For whom was counted, from now on."""
    asked: list[counts.CountedFor] = []
    count = counts.counted

    def counted(session: Session, one: counts.CountedFor, now: datetime) -> dict[str, int]:
        asked.append(one)
        return count(session, one, now)

    monkeypatch.setattr(counts, "counted", counted)
    return asked


async def test_what_was_counted_for_a_page_is_kept_for_whoever_has_the_same_rights_until_something_changes(
    live: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counting(monkeypatch)
    first, second, other = live.person(Role.MANAGER), live.person(Role.MANAGER), live.person(Role.AGENT, agent="bob")
    before = int(shown(await first.open("/tasks")).get("tasks", 0))
    assert shown(await second.open("/leads")) == shown(await first.open("/leads"))
    await other.open("/leads")
    assert len(asked) == 2, "the pages of the two managers have the same numbers"
    overdue(live, "alice", "elm", "+15125550161")
    assert int(shown(await second.open("/leads"))["tasks"]) == before + 1
    assert len(asked) == 3


async def test_what_changes_while_it_is_counted_is_counted_for_the_next_page(
    live: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = live.person(Role.MANAGER)
    before = int(shown(await manager.open("/tasks")).get("tasks", 0))
    overdue(live, "alice", "elm", "+15125550162")
    count, added = counts.counted, []

    def counted(session: Session, one: counts.CountedFor, now: datetime) -> dict[str, int]:
        found = count(session, one, now)
        if not added:
            added.append(overdue(live, "alice", "elm", "+15125550163"))
        return found

    monkeypatch.setattr(counts, "counted", counted)
    assert int(shown(await manager.open("/tasks"))["tasks"]) == before + 1
    assert int(shown(await manager.open("/tasks"))["tasks"]) == before + 2


async def test_whoever_has_the_same_rights_is_counted_for_once_and_many_changes_together(
    live: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counting(monkeypatch)
    people = [live.person(Role.MANAGER) for _ in range(5)]
    async with (
        listening(live, people[0], here(live)) as first,
        listening(live, people[1], here(live)),
        listening(live, people[2], here(live)),
    ):
        known = (await first.hears("counts"))["tasks"]
        asked.clear()
        for number in range(10):
            overdue(live, "alice", "elm", f"+1512555019{number}")
        await first.hears("counts", tasks=known + 10)
        assert len(asked) <= 3, "there were ten changes for three browsers"
