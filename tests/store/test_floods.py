"""More texts than anybody can answer one by one: nothing is lost, and nobody is buried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select

from crm.config import Config, Texts
from crm.context import Crm
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.texts import inbox, messages
from crm.services.texts.inbox import Inbox
from crm.store.models import Activity, Agent, Lead, Mail, Message, OptOut, Task
from crm.store.session import Store
from crm.views.messages import thread

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE = "+15125550100"


def text(n: int, body: str = "hello", *, sender: str = "", at: datetime = NOW) -> IncomingText:
    return IncomingText("sip", f"id{n}", sender or f"+1512555{1000 + n}", MAPLE, body, at)


async def take(store: Store, config: Config, *texts: IncomingText) -> None:
    for one in texts:
        await store.run(messages.receive, config, one, one.at)


async def count(store: Store, of: type, *where: object) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(of).where(*where)) or 0  # type: ignore[arg-type]


async def open_tasks(store: Store) -> list[Task]:
    with store.reading() as session:
        return list(session.scalars(select(Task).where(Task.done_at.is_(None)).order_by(Task.id)).all())


def rates(config: Config, **settings: int) -> Config:
    return msgspec.structs.replace(config, texts=Texts(**settings))


async def test_what_is_over_a_lines_rate_is_kept_and_one_task_tells_of_it(store: Store, config: Config) -> None:
    config = rates(config, incoming_per_line_per_minute=5)
    with store.writing() as session:
        dana = session.scalars(select(Agent).where(Agent.slug == "dana")).one()
        dana.email = "dana@example.com"
    await take(store, config, text(99), *(text(n, at=NOW + timedelta(minutes=2)) for n in range(30)))
    assert (await count(store, Message), await count(store, Lead)) == (31, 6)
    tasks = await open_tasks(store)
    assert len(tasks) == 7
    (line,) = [task for task in tasks if task.lead_id is None]
    assert line.times == 25
    assert line.why.startswith("25 texts from unknown people came to Maple Court")
    assert await count(store, Mail, Mail.subject == "More texts than can be handled") == 1
    # Whoever is known is taken in as always, and so is anybody a minute later.
    later = NOW + timedelta(minutes=2, seconds=30)
    await take(store, config, text(100, "still free?", sender="+15125551099", at=later))
    assert await count(store, Activity, Activity.text.contains("still free?")) == 1
    await take(store, config, text(101, at=NOW + timedelta(minutes=4)))
    assert await count(store, Lead) == 7


async def test_a_real_person_in_a_flood_is_found_and_answered(store: Store, config: Config) -> None:
    config = rates(config, incoming_per_line_per_minute=2)
    await take(store, config, *(text(n) for n in range(5)))
    written = await store.run(messages.send, config, By("dana", NOW), "+15125551004", "Yes, it is free.")
    with store.reading() as session:
        found = thread(session, lead_id=written.lead_id, number="+15125551004")
    assert [one.body for one, _ in found] == ["hello", "Yes, it is free."]


async def test_an_opt_out_in_a_flood_counts(store: Store, config: Config) -> None:
    config = rates(config, incoming_per_line_per_minute=2)
    await take(store, config, *(text(n, "STOP") for n in range(20)))
    assert await count(store, OptOut) == 20
    assert await count(store, Message, Message.direction == "out") == 2


async def test_what_one_person_writes_beyond_their_rate_is_in_the_thread_and_told_of_no_more(
    store: Store, config: Config
) -> None:
    config = rates(config, incoming_per_sender_per_hour=3)
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@example.com"
    await take(store, config, *(text(n, f"no {n}", sender="+15125550177") for n in range(10)))
    (task,) = await open_tasks(store)
    told = "Wrote to Maple Court: no 9. 10 texts, the first on Mon 10:00, the last on Mon 10:00."
    assert (task.times, task.why) == (10, told)
    assert (await count(store, Lead), await count(store, Message), await count(store, Activity)) == (1, 10, 3)
    assert await count(store, Mail) == 3, "three texts, one owner"
    # Answered, and they write on: somebody has to answer again.
    await store.run(messages.send, config, By("alice", NOW), "+15125550177", "One moment.", agent="alice")
    await take(store, config, text(10, "well?", sender="+15125550177"))
    (task,) = await open_tasks(store)
    assert task.why == "Wrote to Maple Court: well?"


async def test_a_sender_that_is_no_number_has_one_open_task(store: Store, config: Config) -> None:
    await take(store, config, *(text(n, sender="AMAZON") for n in range(5)), text(6, sender="22395"))
    assert [task.times for task in await open_tasks(store)] == [5, 1]


async def test_a_flood_from_the_spool_is_taken_in_whole_and_what_is_bad_in_it_kept_apart(
    store: Store, config: Config, crm: Crm
) -> None:
    texts = [text(n) for n in range(250)]
    inbox.keep(config, texts)
    files = sorted(config.spool_folder.glob("*.text"))
    assert len(files) == 3
    with files[0].open("ab") as file:
        file.write(b"\n{broken")
    box = Inbox(crm)
    assert await box.import_all() == 250
    assert await count(store, Message) == 250
    assert (config.spool_folder / "rejected" / files[0].name).read_bytes() == b"{broken\n"
    assert not list(config.spool_folder.glob("*.text"))
    inbox.keep(config, texts)
    await box.import_all()
    assert await count(store, Message) == 250, "taken in once"
