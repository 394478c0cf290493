"""Tasks on real databases: passing on, putting off, and what nobody does in time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls import orders
from crm.services.office import owners, subteams
from crm.services.routing import desks
from crm.store import snapshot
from crm.store.models import Activity, Agent, Call, Hours, Lead, Line, Mail, Property, Subteam, Task, TaskCall
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
HOUR = timedelta(hours=1)
BY = By("tests", NOW)


async def missed(store: Store, owner: str = "alice", due: datetime = NOW) -> int:
    """A task to call somebody back who called Maple Court, whose team are alice and bob; `owner` may be that team."""
    with store.writing() as session:
        agent = session.scalars(select(Agent).where(Agent.slug == owner)).first()
        team = session.scalars(select(Subteam).where(Subteam.slug == owner)).first()
        line = session.scalars(select(Line).where(Line.number == "+15125550100")).one()
        lead = Lead(status="new", created_at=NOW, phones=[], interests=[])
        number = len(session.scalars(select(Call.id)).all())
        call = Call(id=f"c{number}", did=line.number, line_id=line.id, started_at=NOW)
        session.add_all([lead, call])
        session.flush()
        task = Task(
            key=f"call:{call.id}",
            kind="call_back",
            owner_id=agent.id if agent else None,
            subteam_id=team.id if team else None,
            lead_id=lead.id,
            call_id=call.id,
            why="Called.",
            due_at=due,
            created_at=NOW,
        )
        session.add(task)
        session.flush()
        return task.id


async def owner(store: Store, task_id: int) -> str:
    with store.reading() as session:
        return session.scalars(select(Agent.slug).join(Task).where(Task.id == task_id)).one()


async def rows(store: Store, of: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).order_by(of.id)).all())


async def test_what_nobody_does_in_time_goes_to_a_colleague_and_then_to_the_admin(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    task_id = await missed(store)
    went = []
    for hours in range(6):
        await store.run(tasks.tick, config, NOW + hours * HOUR)
        went.append(await owner(store, task_id))
    assert went == ["alice", "bob", "dana", "dana", "dana", "dana"]
    assert [(mail.to_address.partition("@")[0], mail.subject) for mail in await rows(store, Mail)] == [
        ("alice", "Task 1 is overdue"),
        ("bob", "Task 1 is yours now"),
        ("alice", "Task 1 went to bob"),
        ("dana", "Task 1 is yours now"),
        ("bob", "Task 1 went to dana"),
    ]
    assert [entry.kind for entry in await rows(store, Activity)] == ["Task", "Task"]


async def test_what_nobody_of_the_subteam_takes_is_told_to_all_of_it_and_passed_on(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    task_id = await missed(store, "east")
    went = []
    for hours in range(4):
        await store.run(tasks.tick, config, NOW + hours * HOUR)
        with store.reading() as session:
            went.append(session.get_one(Task, task_id).held_by.slug)
    assert went == ["east", "alice", "dana", "dana"]
    told = [(mail.to_address.partition("@")[0], mail.subject) for mail in await rows(store, Mail)]
    assert sorted(told[:2]) == [("alice", "Task 1 is overdue"), ("bob", "Task 1 is overdue")]
    assert told[2:4] == [("alice", "Task 1 is yours now"), ("bob", "Task 1 went to alice")]


@pytest.mark.both_databases
async def test_whoever_takes_a_task_of_the_subteam_owns_it_and_only_one_can(store: Store, config: Config) -> None:
    task_id = await missed(store, "east")
    await store.run(tasks.tick, config, NOW)
    await store.run(tasks.take, BY, task_id, "bob")
    with store.reading() as session:
        task = session.get_one(Task, task_id)
        assert (task.held_by.slug, task.subteam_id, task.escalate_at) == ("bob", None, None)
    await store.run(tasks.take, BY, task_id, "bob")
    with pytest.raises(Conflict, match="belongs to bob"):
        await store.run(tasks.take, BY, task_id, "alice")
    assert [entry.text for entry in await rows(store, Activity)] == ["Task 1 taken by bob."]
    ids = [await missed(store, "east") for _ in range(5)]
    tries = [store.run(tasks.take, BY, id, agent) for id in ids for agent in ("alice", "bob")]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in done) == len(ids)


async def test_of_very_many_agents_one_with_the_fewest_tasks_is_found(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add_all(Agent(slug=f"a{n:03}", name="A", on_duty=True) for n in range(150))
        session.flush()
        ids = dict(session.execute(select(Agent.slug, Agent.id)).all())
        session.add_all(
            Task(key=f"k{slug}", kind="to_do", owner_id=id, why="", due_at=NOW, created_at=NOW)
            for slug, id in ids.items()
            if slug not in ("a007", "a008")
        )
        session.execute(update(Agent).where(Agent.slug == "a007").values(last_talk_ended_at=NOW))
    with store.reading() as session:
        dealt = desks.deal(session, snapshot.now(session), None, NOW)
        assert dealt is not None
        assert dealt.slug == "a008", "nobody has fewer, and the other one has talked"
        assert owners.owner(session, None, None, NOW).slug == "a008"


async def test_calling_back_takes_the_task_and_so_does_the_talk_end_it(store: Store, config: Config) -> None:
    task_id = await missed(store, "east")
    with store.writing() as session:
        session.execute(update(Call).values(caller="+15125550123"))
        session.add(TaskCall(call_id="c0", task_id=task_id))
    with pytest.raises(Invalid, match="Nobody has the task"):
        await store.run(orders.call_back, config, BY, "c0")
    await store.run(orders.call_back, config, BY, "c0", agent="bob")
    assert await owner(store, task_id) == "bob"


async def test_a_subteam_that_is_removed_leaves_its_tasks_to_the_admin(store: Store, config: Config) -> None:
    task_id = await missed(store, "east")
    with store.writing() as session:
        session.execute(update(Property).values(subteam_id=None))
        subteams.retire(session, BY, "east")
    assert await owner(store, task_id) == "dana"


async def test_a_subteam_whose_last_member_leaves_leaves_its_tasks_to_the_admin(store: Store, config: Config) -> None:
    task_id = await missed(store, "east")
    await store.run(subteams.remove_members, BY, "east", ["alice"])
    with store.reading() as session:
        assert session.get_one(Task, task_id).held_by.slug == "east"
    await store.run(subteams.remove_members, BY, "east", ["bob"])
    assert await owner(store, task_id) == "dana"


async def test_the_hours_in_which_nobody_works_do_not_count(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Hours(weekday=0, opens="09:00", closes="10:30"))
    task_id = await missed(store)
    await store.run(tasks.tick, config, NOW)
    await store.run(tasks.tick, config, NOW + 6 * timedelta(days=1))
    assert await owner(store, task_id) == "alice"
    # Half an hour of that Monday, and half an hour of the next one.
    await store.run(tasks.tick, config, NOW + timedelta(days=7) - timedelta(minutes=29))
    assert await owner(store, task_id) == "bob"


async def test_done_tasks_and_those_of_teams_of_one_stay(store: Store, config: Config) -> None:
    done, alone = await missed(store), await missed(store)
    await store.run(tasks.finish, BY, done, "called back")
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug.not_in(("alice", "dana"))).values(on_duty=False))
    for hours in range(4):
        await store.run(tasks.tick, config, NOW + hours * HOUR)
    assert [await owner(store, one) for one in (done, alone)] == ["alice", "dana"]


@pytest.mark.both_databases
async def test_two_workers_pass_a_task_on_once(store: Store, config: Config) -> None:
    ids = [await missed(store) for _ in range(10)]
    await store.run(tasks.tick, config, NOW)
    await asyncio.gather(*(store.run(tasks.tick, config, NOW + HOUR) for _ in range(3)))
    assert {await owner(store, one) for one in ids} == {"bob"}
    assert {task.escalation for task in await rows(store, Task)} == {1}


async def test_the_manager_hears_of_each_task_that_is_passed_on_and_many_are_one_notice(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    managed = replace(config, tasks=replace(config.tasks, manager="carol"))
    for _ in range(3):
        await missed(store)
    for hours in (0, 1):
        await store.run(tasks.tick, managed, NOW + hours * HOUR)
    told = {mail.to_address.partition("@")[0]: mail for mail in await rows(store, Mail)}
    assert len(await rows(store, Mail)) == 4
    assert told["bob"].subject == told["carol"].subject == "3 overdue tasks went to somebody else"
    assert told["bob"].body.count("is yours now") == told["alice"].body.count("went to bob") == 3
    assert "Task 2 of alice went to bob" in told["carol"].body


async def test_a_task_that_was_put_off_is_overdue_once_more(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com"))
    task_id = await missed(store)
    off = replace(config, tasks=replace(config.tasks, escalate_minutes=0))
    for at in (NOW, NOW + HOUR):
        await store.run(tasks.tick, off, at)
    await store.run(tasks.snooze, BY, task_id, NOW + 2 * HOUR)
    for at in (NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR):
        await store.run(tasks.tick, off, at)
    assert [mail.subject for mail in await rows(store, Mail)] == ["Task 1 is overdue"] * 2


async def test_switched_off_nothing_is_passed_on(store: Store, config: Config) -> None:
    off = replace(config, tasks=replace(config.tasks, escalate_minutes=0))
    task_id = await missed(store)
    for hours in (0, 100):
        assert await store.run(tasks.tick, off, NOW + hours * HOUR) == 0
    assert await owner(store, task_id) == "alice"


async def test_a_person_passes_a_task_on_or_puts_it_off(store: Store, config: Config) -> None:
    task_id = await missed(store)
    await store.run(tasks.reassign, BY, task_id, "carol")
    assert await owner(store, task_id) == "carol"
    with pytest.raises(Conflict):
        await store.run(tasks.reassign, BY, task_id, "carol")
    await store.run(tasks.snooze, BY, task_id, NOW + 24 * HOUR)
    await store.run(tasks.tick, config, NOW + 5 * HOUR)
    await store.run(tasks.tick, config, NOW + 10 * HOUR)
    assert await owner(store, task_id) == "carol"
    with pytest.raises(Invalid):
        await store.run(tasks.snooze, BY, task_id, NOW)
    await store.run(tasks.finish, BY, task_id, "")
    for act in (store.run(tasks.reassign, BY, task_id, "bob"), store.run(tasks.snooze, BY, task_id, NOW + HOUR)):
        with pytest.raises(Conflict):
            await act
    with pytest.raises(NotFound):
        await store.run(tasks.snooze, BY, 999, NOW + HOUR)


async def test_many_overdue_follow_ups_are_told_once_a_day_to_each_owner_and_late_to_the_admin(
    store: Store, config: Config
) -> None:
    ids = [await missed(store, owner="alice" if number else "bob") for number in range(20)]
    with store.writing() as session:
        kept = {"kind": "follow_up", "escalation": tasks.MOST_ESCALATIONS}
        session.execute(update(Task).where(Task.id.in_(ids)).values(**kept))
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@example.com"

    async def told(at: datetime) -> list[tuple[str, str]]:
        before = len(await rows(store, Mail))
        await store.run(tasks.tick, config, at)
        await store.run(tasks.remind, config, at)
        return [(one.to_address.split("@")[0], one.body[:22]) for one in (await rows(store, Mail))[before:]]

    both = [("alice", "19 people are overdue "), ("bob", "1 person is overdue to")]
    assert await told(NOW + HOUR) == both
    assert await told(NOW + 3 * HOUR) == []
    assert await told(NOW + 24 * HOUR) == both
    assert await told(NOW + 4 * 24 * HOUR) == [*both, ("dana", "20 people are overdue ")]
    await store.run(tasks.finish, BY, ids[0], "Moved elsewhere.")
    assert await told(NOW + 28 * 24 * HOUR) == [both[0], ("dana", "19 people are overdue ")]
    assert {await owner(store, one) for one in ids[1:]} == {"alice"}, "none was passed on"
