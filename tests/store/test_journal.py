"""Facts reach the ledger in order and once, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import itertools
import json
import logging
import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.domain.calls import CallEnded, EndedBy, Fact
from crm.domain.errors import Conflict, Unavailable
from crm.services.calls.journal import FILES, Journal
from crm.store.facts import encode

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

T0 = datetime(2026, 3, 2, 16, tzinfo=UTC)


def fact(number: int) -> Fact:
    return CallEnded(f"f{number}", "c", T0 + timedelta(seconds=number), EndedBy.CALLER)


class Ledger:
    """Records facts in a list, or fails as told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.times = 0
        self.fails: Callable[[Fact], BaseException | None] = lambda fact: None
        self.asked = asyncio.Semaphore(0)
        """Acquired once each time it was asked to record some."""

    async def __call__(self, facts: Sequence[Fact]) -> None:
        self.asked.release()
        await asyncio.sleep(0)
        for error in filter(None, map(self.fails, facts)):
            raise error
        self.facts += facts
        self.times += 1


def make_journal(folder: Path, ledger: Ledger, **options: Any) -> Journal:
    quick: dict[str, Any] = {"retry_seconds": 0.01, "longest_retry_seconds": 0.02, "close_seconds": 0.05}
    return Journal(folder, ledger, **quick, **options)


async def test_facts_are_recorded_in_order_and_leave_the_disk(tmp_path: Path) -> None:
    ledger = Ledger()
    async with make_journal(tmp_path, ledger) as journal:
        for number in range(20):
            journal.append(fact(number))
        assert journal.pending == 20
        await journal.drained()
        assert journal.pending == 0
        assert (tmp_path / "facts.jsonl").read_bytes() == b""
    assert ledger.facts == [fact(number) for number in range(20)]
    assert ledger.times == 1


async def test_facts_of_several_calls_are_recorded_at_once_and_call_by_call(tmp_path: Path) -> None:
    ledger = Ledger()
    mixed = [dataclasses.replace(fact(number), call_id=f"c{number % 2}") for number in range(6)]
    async with make_journal(tmp_path, ledger) as journal:
        for one in mixed:
            journal.append(one)
        await journal.drained()
    assert ledger.facts == [mixed[number] for number in (0, 2, 4, 1, 3, 5)]
    assert ledger.times == 1


async def test_of_very_many_facts_not_all_are_recorded_at_once_but_those_of_a_call_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.services.calls.journal.MOST_AT_ONCE", 3)
    ledger = Ledger()
    many = [dataclasses.replace(fact(number), call_id=f"c{number % 4}") for number in range(8)]
    async with make_journal(tmp_path, ledger) as journal:
        for one in many:
            journal.append(one)
        await journal.drained()
    assert ledger.facts == [many[number] for number in (0, 4, 1, 5, 2, 6, 3, 7)]
    assert ledger.times == 2


async def test_what_is_recorded_leaves_the_disk_though_facts_never_stop_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.services.calls.journal.LARGE_BYTES", 1000)
    numbers = itertools.count()
    most = 0

    async def apply(facts: Sequence[Fact]) -> None:
        nonlocal most
        await ledger(facts)
        most = max(most, sum(path.stat().st_size for path in tmp_path.iterdir()))
        if len(ledger.facts) < 300:
            for _ in range(10):  # So that the journal is never empty.
                journal.append(fact(next(numbers)))

    ledger = Ledger()
    monkeypatch.setattr("crm.services.calls.journal.GATHER_SECONDS", 0)
    async with Journal(tmp_path, apply) as journal:
        journal.append(fact(next(numbers)))
        await journal.drained()
    assert ledger.facts == [fact(number) for number in range(301)]
    assert most < 4000 < 301 * len(encode(fact(1)))


async def test_what_both_files_hold_is_recorded_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.services.calls.journal.LARGE_BYTES", 1)
    down = Ledger()
    down.fails = lambda fact: Unavailable("The database does not answer.", code="database_silent")
    async with make_journal(tmp_path, down) as journal:
        journal.append(fact(1))
        await down.asked.acquire()
        journal.append(fact(2))
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_size} == set(FILES)
    up = Ledger()
    async with make_journal(tmp_path, up) as journal:
        await journal.drained()
        assert not any(path.stat().st_size for path in tmp_path.iterdir())
    assert up.facts == [fact(1), fact(2)]


async def test_an_appended_fact_is_on_disk_before_anything_else_happens(tmp_path: Path) -> None:
    async with make_journal(tmp_path, Ledger()) as journal:
        journal.append(fact(1))
        assert (tmp_path / "facts.jsonl").read_bytes() == encode(fact(1)) + b"\n"
        assert stat.S_IMODE((tmp_path / "facts.jsonl").stat().st_mode) == 0o600


async def test_while_the_database_is_down_facts_wait_and_keep_their_order(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.fails = lambda fact: Unavailable("The database does not answer.", code="database_silent")
    async with make_journal(tmp_path, ledger) as journal:
        journal.append(fact(1))
        journal.append(fact(2))
        async with asyncio.timeout(60):
            for _ in range(3):
                await ledger.asked.acquire()
        assert journal.pending == 2
        ledger.fails = lambda fact: None
        async with asyncio.timeout(60):
            await journal.drained()
    assert ledger.facts == [fact(1), fact(2)]


async def test_a_database_that_hangs_is_given_up_and_asked_again(tmp_path: Path) -> None:
    hanging = True
    recorded: list[Fact] = []

    async def apply(facts: Sequence[Fact]) -> None:
        nonlocal hanging
        if hanging:
            hanging = False
            await asyncio.Event().wait()
        recorded.extend(facts)

    async with Journal(tmp_path, apply, retry_seconds=0.01, apply_seconds=0.05) as journal:
        journal.append(fact(1))
        async with asyncio.timeout(60):
            await journal.drained()
    assert recorded == [fact(1)]


async def test_what_takes_too_long_at_once_is_recorded_call_by_call(tmp_path: Path) -> None:
    recorded: list[Fact] = []

    async def apply(facts: Sequence[Fact]) -> None:
        if len({one.call_id for one in facts}) > 1:
            await asyncio.Event().wait()
        recorded.extend(facts)

    several = [dataclasses.replace(fact(number), call_id=f"c{number}") for number in range(3)]
    async with Journal(tmp_path, apply, retry_seconds=0.01, apply_seconds=0.05) as journal:
        for one in several:
            journal.append(one)
        await journal.drained()
    assert recorded == several


async def test_what_was_left_is_recorded_at_the_next_start(tmp_path: Path) -> None:
    down = Ledger()
    down.fails = lambda fact: Unavailable("The database does not answer.", code="database_silent")
    async with make_journal(tmp_path, down) as journal:
        journal.append(fact(1))
        journal.append(fact(2))
    assert down.facts == []
    up = Ledger()
    async with make_journal(tmp_path, up) as journal:
        journal.append(fact(3))
        await journal.drained()
    assert up.facts == [fact(1), fact(2), fact(3)]


async def test_a_fact_of_its_own_fault_steps_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    ledger.fails = lambda one: ValueError("+15125550123 is wrong") if one.id == "f1" else None
    with caplog.at_level(logging.ERROR):
        async with make_journal(tmp_path, ledger) as journal:
            for number in range(3):
                journal.append(fact(number))
            await journal.drained()
    assert ledger.facts == [fact(0), fact(2)]
    [line] = (tmp_path / "rejected.jsonl").read_text().splitlines()
    rejected = json.loads(line)
    assert rejected["why"] == "ValueError"
    assert rejected["line"].encode() == encode(fact(1))
    assert "rejected" in caplog.text
    assert "+1512" not in caplog.text


async def test_a_line_cut_off_by_a_power_cut_is_put_aside_and_the_rest_is_recorded(tmp_path: Path) -> None:
    whole, torn = encode(fact(1)), encode(fact(2))[:30]
    (tmp_path / "facts.jsonl").write_bytes(whole + b"\n" + torn)
    ledger = Ledger()
    down = True
    ledger.fails = lambda fact: Unavailable("The database does not answer.", code="database_silent") if down else None
    async with make_journal(tmp_path, ledger) as journal:
        # Appended behind the torn line, it must not become part of it.
        journal.append(fact(3))
        assert (tmp_path / "facts.jsonl").read_bytes().split(b"\n") == [whole, torn, encode(fact(3)), b""]
        down = False
        await journal.drained()
    assert ledger.facts == [fact(1), fact(3)]
    assert "cut off" in (tmp_path / "rejected.jsonl").read_text()


def disk_full(file: int, content: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_loses_nothing_while_the_database_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger()
    async with make_journal(tmp_path, ledger) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", disk_full)
            journal.append(fact(1))
        await journal.drained()
    assert ledger.facts == [fact(1)]
    assert "facts wait in memory" in caplog.text


async def written(journal: Journal) -> None:
    """Waits until no fact waits for the disk any more."""
    async with asyncio.timeout(60):
        while True:
            if not journal.trouble:
                return
            await asyncio.sleep(0.01)


class Away:
    """A database that is not there."""

    async def __call__(self, facts: Sequence[Fact]) -> None:
        raise Unavailable("away", code="database_silent")


async def test_facts_that_the_disk_refused_are_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, Away(), longest_retry_seconds=0.01, close_seconds=0) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", disk_full)
            journal.append(fact(1))
            journal.append(fact(1))
            assert "space" in journal.trouble
        await written(journal)
        assert (tmp_path / "facts.jsonl").read_bytes() == encode(fact(1)) + b"\n"
    ledger = Ledger()
    async with make_journal(tmp_path, ledger) as journal:
        await journal.drained()
    assert ledger.facts == [fact(1)]


async def test_half_a_line_does_not_stay_behind_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    async with Journal(tmp_path, Away(), close_seconds=0) as journal:
        journal.append(fact(1))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda file, content: write(file, content[:10]))
            journal.append(fact(2))
            assert (tmp_path / "facts.jsonl").read_bytes() == encode(fact(1)) + b"\n"


async def test_a_journal_that_is_no_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl").mkdir()
    ledger = Ledger()
    async with make_journal(tmp_path, ledger) as journal:
        journal.append(fact(1))
        assert "facts.jsonl cannot be written" in journal.trouble
        await journal.sync()
        assert ledger.facts == [fact(1)], "the database has it, so it is safe"
        (tmp_path / "facts.jsonl").rmdir()
        await written(journal)


async def test_sync_tells_when_a_fact_is_safe_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.services.calls.journal.SYNC_SECONDS", 0.05)
    monkeypatch.setattr(os, "write", disk_full)
    async with Journal(tmp_path, Away(), close_seconds=0) as journal:
        journal.append(fact(1))
        with pytest.raises(OSError, match="neither disk nor database"):
            await journal.sync()


async def test_more_facts_than_memory_holds_are_read_from_the_disk(tmp_path: Path) -> None:
    ledger = Ledger()
    away = [Unavailable("away", code="database_silent")] * 3
    ledger.fails = lambda fact: away.pop() if away else None
    async with make_journal(tmp_path, ledger, most_in_memory=2) as journal:
        for number in range(5):
            journal.append(fact(number))
        assert journal.pending == 2
        await journal.drained()
    assert {one.id for one in ledger.facts} == {f"f{number}" for number in range(5)}
    assert (tmp_path / "facts.jsonl").read_bytes() == b""


async def test_the_process_that_takes_over_has_the_journal_when_the_other_lets_go(tmp_path: Path) -> None:
    ledger = Ledger()
    before = await Journal(tmp_path, Away(), close_seconds=0).__aenter__()
    async with make_journal(tmp_path, ledger, takes_over=True) as after:
        before.append(fact(1))
        after.append(fact(2))
        assert not after.is_ours.is_set()
        await before.__aexit__(None, None, None)
        async with asyncio.timeout(60):
            await after.is_ours.wait()
            await after.drained()
    assert {one.id for one in ledger.facts} == {"f1", "f2"}


async def test_a_second_process_on_the_same_home_is_told_so(tmp_path: Path) -> None:
    async with make_journal(tmp_path, Ledger()) as journal:
        with pytest.raises(Conflict, match="already"):
            await make_journal(tmp_path, Ledger()).__aenter__()
        journal.append(fact(1))
        await journal.drained()
    async with make_journal(tmp_path, Ledger()):
        pass


async def test_sync_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk: list[bytes] = []
    fdatasync = os.fdatasync

    def watched(file: int) -> None:
        fdatasync(file)
        on_disk.append((tmp_path / "facts.jsonl").read_bytes())

    monkeypatch.setattr(os, "fdatasync", watched)
    ledger = Ledger()
    ledger.fails = lambda fact: Unavailable("The database is away.")  # The fact has to wait on disk.
    async with make_journal(tmp_path, ledger) as journal:
        journal.append(fact(1))
        await journal.sync()
        assert on_disk
        assert encode(fact(1)) in on_disk[-1]
