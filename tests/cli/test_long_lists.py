"""Lists of an office that has thousands of rows: what is not shown is not fetched."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from crm import config as settings
from crm import context
from crm.commands.lead import files
from crm.domain.leads import LeadFilter
from crm.services.audit import By
from crm.store.models import (
    Agent,
    Base,
    Call,
    Interest,
    Lead,
    LeadPhone,
    Message,
    Property,
    Task,
    Voicemail,
)
from crm.store.session import Store
from crm.views import lead_export
from tests.cli.conftest import Leaseline, copied

pytestmark = pytest.mark.cli

MANY = 3_000
SHOWN = 7
STRANGER = "+15125559000"
"""Has written, and is no lead."""
NOW = datetime.now(UTC).replace(microsecond=0)
BY = By("tests", NOW)


@pytest.fixture(scope="module")
def large(made_office: Path, tmp_path_factory: pytest.TempPathFactory) -> Leaseline:
    """An office with some thousand rows of what grows; nobody changes it."""
    office = Leaseline(copied(made_office, tmp_path_factory.mktemp("cli") / "large"))
    store = Store(f"sqlite:///{office.home / 'leaseline.db'}")
    with store.writing() as session:
        agents = {agent.slug: agent.id for agent in session.query(Agent)}
        property = session.query(Property).one().id

        def fill(model: type[Base], rows: Iterator[dict[str, Any]]) -> None:
            session.execute(insert(model), list(rows))

        numbers = range(1, MANY + 1)
        fill(
            Lead,
            ({"id": n, "created_at": ago(n), "status": ("new", "closed")[n % 2]} for n in numbers),
        )
        fill(LeadPhone, ({"lead_id": n, "number": phone(n)} for n in numbers))
        fill(
            Interest,
            ({"lead_id": n, "property_id": property, "stage": "contacted", "updated_at": ago(n)} for n in numbers),
        )
        fill(
            Call,
            (
                {
                    "id": f"c{n}",
                    "direction": "in",
                    "did": "+15125550100",
                    "caller": phone(n),
                    "lead_id": n,
                    "started_at": ago(n),
                    "ended_at": ago(n),
                    "outcome": ("talked", "left_voicemail", "gave_up")[n % 3],
                }
                for n in numbers
            ),
        )
        fill(
            Voicemail,
            ({"call_id": f"c{n}", "file": f"{n}.wav", "seconds": 9, "left_at": ago(n)} for n in numbers),
        )
        fill(
            Task,
            (
                {
                    "key": f"call:c{n}",
                    "kind": "call_back",
                    "person": f"lead:{n}",
                    "owner_id": agents["alice" if n % 2 else "bob"],
                    "lead_id": n,
                    "call_id": f"c{n}",
                    "why": "missed",
                    "due_at": ago(n),
                    "created_at": ago(n),
                    "done_at": ago(n) if n % 3 else None,
                }
                for n in numbers
            ),
        )
        fill(
            Message,
            (
                {
                    "key": f"k{n}",
                    "direction": ("in", "out")[n % 2],
                    "purpose": ("inbound", "agent")[n % 2],
                    "to_number": phone(n) if n % 2 else "+15125550100",
                    "from_number": "+15125550100" if n % 2 else phone(n),
                    "body": "hello",
                    "lead_id": n,
                    "state": "delivered" if n % 2 else "received",
                    "created_at": ago(n),
                }
                for n in numbers
            ),
        )
        stranger = {"direction": "in", "purpose": "inbound", "from_number": STRANGER, "to_number": "+15125550100"}
        fill(Message, iter([{"key": "s", "body": "hi", "state": "received", "created_at": ago(MANY + 1), **stranger}]))
    store.close()
    return office


def ago(n: int) -> datetime:
    return NOW - timedelta(hours=n)


def phone(n: int) -> str:
    return f"+1512{5_560_000 + n}"


class Read:
    """The queries of a command, and how many rows each of them gave."""

    def __init__(self) -> None:
        self.queries: list[tuple[str, Any]] = []
        self.rows: list[int] = []

    def begin(self, connection: object, cursor: sqlite3.Cursor, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith("SELECT"):
            return
        at = len(self.queries)
        self.queries.append((statement, parameters))
        self.rows.append(0)

        def count(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> tuple[object, ...]:
            self.rows[at] += 1
            return row

        cursor.row_factory = count


@contextmanager
def watched() -> Iterator[Read]:
    read = Read()
    event.listen(Engine, "before_cursor_execute", read.begin)
    try:
        yield read
    finally:
        event.remove(Engine, "before_cursor_execute", read.begin)


LISTS = [
    ("task", "list"),
    ("task", "list", "--owner", "alice"),
    ("task", "list", "--since", "30h"),
    ("task", "list", "--owner", "bob", "--due", "overdue", "--all", "--since", "40h"),
    ("lead", "list"),
    ("lead", "list", "--status", "closed"),
    ("lead", "list", "--status", "new", "--since", "30h"),
    ("call", "list"),
    ("call", "list", "--outcome", "gave_up"),
    ("call", "list", "--outcome", "talked", "--direction", "in", "--since", "30h"),
    ("call", "missed"),
    ("message", "list"),
    ("message", "list", "--direction", "in", "--since", "30h"),
    ("message", "list", "--state", "delivered"),
    ("message", "thread", "1200"),
    ("voicemail", "list"),
    ("voicemail", "list", "--new"),
]
"""Each of more rows than are shown, but for the thread."""


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_frappe_crm_610_and_1884_and_mautic_5795_no_more_is_fetched_than_is_shown_and_found_by_an_index(
    large: Leaseline, command: tuple[str, ...]
) -> None:
    with watched() as read:
        entries = large.json(*command, "--limit", str(SHOWN))
    assert len(entries) == (SHOWN if command[1] != "thread" else 1)
    assert 1 <= len(read.queries) <= 7, read.queries
    assert max(read.rows) <= SHOWN + 1
    for query, steps in plans(large, read.queries):
        # The table of the revision has one row.
        scans = [step for step in steps if step.startswith("SCAN") and step != "SCAN alembic_version"]
        assert not [step for step in scans if " USING " not in step], (query, steps)
        # Of one agent's tasks with those that are done, of a person's few texts, and of what their subteams have not
        # taken yet, all are sorted.
        untaken = any("ix_task_subteam" in step for step in steps)
        if " LIMIT " in query and not untaken and "--all" not in command and "thread" not in command:
            assert "USE TEMP B-TREE FOR ORDER BY" not in steps, (query, steps)


def plans(office: Leaseline, queries: list[tuple[str, Any]]) -> list[tuple[str, list[str]]]:
    """How SQLite goes about each query."""
    with closing(sqlite3.connect(office.home / "leaseline.db")) as database:
        return [
            (query.replace("\n", " "), [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {query}", values)])
            for query, values in queries
        ]


def test_a_page_of_leads_for_a_file_reads_what_belongs_to_them_alone(large: Leaseline) -> None:
    store = Store(f"sqlite:///{large.home / 'leaseline.db'}")
    with watched() as read, store.reading() as session:
        rows, after = lead_export.page(session, NOW, LeadFilter(), MANY // 2, limit=SHOWN)
    store.close()
    assert (len(rows), after) == (SHOWN, MANY // 2 + SHOWN)
    assert max(read.rows) == SHOWN
    for query, steps in plans(large, read.queries):
        scans = [step for step in steps if step.startswith("SCAN")]
        assert set(scans) <= {"SCAN organization", "SCAN opt_out"}, (query, steps)


def test_a_list_costs_the_same_statements_however_long_it_is(large: Leaseline) -> None:
    for command in (("task", "list"), ("lead", "list"), ("call", "list"), ("message", "list")):
        counts = set()
        for limit in (1, 500):
            with watched() as read:
                assert len(large.json(*command, "--limit", str(limit))) == limit
            counts.add(len(read.queries))
        assert len(counts) == 1, command


def test_filters_find_what_lies_far_down(large: Leaseline) -> None:
    """Nothing is cut off before it is filtered."""
    assert [one["lead"] for one in large.json("task", "list", "--since", "10h", "--limit", "5")] == [9, 6, 3]
    assert [one["id"] for one in large.json("lead", "list", "--status", "new", "--since", "8h")] == [2, 4, 6]
    gave_up = large.json("call", "list", "--outcome", "gave_up", "--since", "9h")
    assert [one["id"] for one in gave_up] == ["c2", "c5", "c8"]
    assert [one["lead"] for one in large.json("message", "list", "--direction", "in", "--since", "7h")] == [2, 4, 6]


def test_a_thread_is_of_one_person_alone(large: Leaseline) -> None:
    assert [one["from_number"] for one in large.json("message", "thread", STRANGER)] == [STRANGER]
    assert large.json("message", "thread", "+15125559001") == []


def test_twenty_11372_a_longer_list_takes_no_more_memory(office: Leaseline, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path, rejects = tmp_path / f"{count}.csv", tmp_path / "rejects.csv"
        with path.open("w") as file:
            file.write("name,phones\n")
            # None has a number that can be called, so that reading is what takes the memory.
            file.writelines(f"Person {number},+1512{number}\n" for number in range(count))
        crm = context.opened(settings.load(office.home))
        tracemalloc.start()
        try:
            found = files.read(crm, BY, path, "fair", rejects=rejects, dry_run=True, progress=lambda done, total: None)
            assert found.rejected == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            crm.store.close()

    peak(200)  # What is loaded only once.
    assert peak(2_500) < 1.2 * peak(500)
