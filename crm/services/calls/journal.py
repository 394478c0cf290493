"""Facts on their way to the ledger: written to disk immediately, recorded in the database when it answers.

A call never waits for the database and loses nothing when it is down. `append` adds a line to a file, and one task
records the lines of all calls in batches. A line that can never be recorded goes to journal/rejected.jsonl and holds
up nothing else.

There are two files, journal/facts.jsonl and facts-2.jsonl. When the one being written to has grown large, the other
takes its place, and the first is emptied once all its lines are recorded. So the journal stays small even when calls
come without a pause, and after a crash only a few lines are recorded again, which changes nothing.

A call does not wait for the disk either: while the file cannot be written, or is still held by another process, facts
wait in memory and are written as soon as possible.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from crm.domain.calls import Fact
from crm.domain.errors import Conflict, Invalid, Unavailable
from crm.store.facts import decode, encode

_log = logging.getLogger(__name__)

Apply = Callable[[Sequence[Fact]], Awaitable[None]]
"""Records facts of one or more calls, all or none, keeping the order within each call. Raises Unavailable when a retry
may succeed."""

GATHER_SECONDS = 0.1
"""Facts come in bursts: the first one waits this long for those that follow it."""
APART_SECONDS = 0.5
"""Least time between two recordings, so that under load one transaction records facts of many calls."""
MOST_AT_ONCE = 100
"""Facts per transaction, so that other writers get their turn. Exceeded only to keep the facts of one call together."""
LARGE_BYTES = 1_000_000
"""Size at which one of the two files is replaced by the other."""
MOST_IN_MEMORY = 200_000
"""Facts: about 80 MB, from more than 5,000 calls. Any beyond that are on disk and are read back from there later."""
SYNC_SECONDS = 5.0
"""How long the database may take to record facts that the disk refuses, before `sync` fails."""
TAKE_OVER_SECONDS = 10.0
FILES = ("facts.jsonl", "facts-2.jsonl")
"""In the journal's folder."""
_REOPEN_SECONDS = 0.05


class Journal:
    """The journal of one home. On entry it first records what was left over; on exit, unrecorded facts stay on disk."""

    def __init__(
        self,
        folder: Path,
        apply: Apply,
        *,
        retry_seconds: float = 0.1,
        longest_retry_seconds: float = 5.0,
        apply_seconds: float = 30.0,
        close_seconds: float = 5.0,
        most_in_memory: int = MOST_IN_MEMORY,
        takes_over: bool = False,
    ) -> None:
        """`folder` is created if missing. The delay between retries starts at `retry_seconds` and doubles; an `apply`
        that takes longer than `apply_seconds` is cancelled and retried; closing waits up to `close_seconds` for the
        rest to be recorded. `takes_over`: another process may still hold the journal and will release it soon."""
        self._files = [_LineFile(folder / name) for name in FILES]
        """The one being written to comes first."""
        self._rejected_path = folder / "rejected.jsonl"
        self._apply = apply
        self._retry_seconds = retry_seconds
        self._longest_retry_seconds = longest_retry_seconds
        self._apply_seconds = apply_seconds
        self._close_seconds = close_seconds
        self._most_in_memory = most_in_memory
        self._takes_over = takes_over
        self.is_ours = asyncio.Event()
        """Set once no other process holds the journal. Until then that process handles the calls as well."""
        self.trouble = ""
        """Why facts wait in memory instead of on disk; empty when they don't."""
        self.waits_for = ""
        """Why facts wait for the database; empty when they don't."""
        self.taken = 0
        """How many facts it has been given, those left over from before among them."""
        self._queue: deque[bytes] = deque()
        self._unwritten: dict[bytes, None] = {}
        """Lines not written to disk yet, in order."""
        self._has_more_on_disk = False
        self._has_some = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def pending(self) -> int:
        """Facts that are not in the database yet."""
        return len(self._queue)

    @property
    def troubles(self) -> list[str]:
        """What keeps facts from reaching disk or database, and how to fix each."""
        return [trouble for trouble in (self.trouble, self.waits_for) if trouble]

    async def __aenter__(self) -> Self:
        """Raises Conflict when another process has this journal open and we are not taking over from it."""
        try:
            self._open()
        except BlockingIOError:
            if not self._takes_over:
                raise Conflict(
                    "Leaseline is already running on this home: stop that one first.", code="app_running"
                ) from None
        except OSError as error:
            self.is_ours.set()  # Nobody else can have it.
            self._refused(error)
        self._tasks = [
            asyncio.create_task(self._record_all(), name="journal"),
            asyncio.create_task(self._keep_open(), name="journal file"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(self._close_seconds):
                await self.drained()
        except TimeoutError:
            _log.warning("Facts stay in the journal for the next start", extra={"count": self.pending})
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
            self._write_out()
            if self._unwritten:
                _log.error("Facts are lost: neither disk nor database took them", extra={"count": len(self._unwritten)})
            self._close()

    def append(self, fact: Fact) -> None:
        """Keeps a fact. Never blocks, and never raises when disk or database fail. Call it from the event loop."""
        assert self._tasks, "the journal is not open"
        line = encode(fact)
        if line in self._unwritten:
            return
        self._unwritten[line] = None
        self._write_out()
        if len(self._queue) < self._most_in_memory:
            self._enqueue(line)
        elif line in self._unwritten:
            del self._unwritten[line]
            _log.error("A fact is lost: neither disk nor database nor memory takes it", extra={"fact": fact.id})
        else:
            self._has_more_on_disk = True

    async def sync(self) -> None:
        """Returns when everything appended so far would survive a power cut; raises OSError if that fails."""
        if self._unwritten:
            try:
                async with asyncio.timeout(SYNC_SECONDS):
                    await self.drained()
            except TimeoutError:
                raise OSError(errno.EIO, "neither disk nor database takes what is appended") from None
        else:
            await asyncio.to_thread(self._sync)

    async def taken_over(self) -> None:
        """Returns when no other process has the calls, or after a timeout: one that hangs must not keep them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TAKE_OVER_SECONDS):
                await self.is_ours.wait()

    async def drained(self) -> None:
        """Returns when every fact appended so far is in the database (or rejected)."""
        await self._is_empty.wait()

    def _enqueue(self, *lines: bytes) -> None:
        self.taken += len(lines)
        self._queue.extend(lines)
        self._is_empty.clear()
        self._has_some.set()

    # --- the files ---

    @property
    def _is_open(self) -> bool:
        return all(file.is_open for file in self._files)

    def _open(self) -> None:
        """Raises OSError; BlockingIOError while another process holds the files."""
        try:
            for file in self._files:
                file.open()
            left_over = [line for file in self._files for line in file.lines()]
        except OSError:
            self._close()
            raise
        self.is_ours.set()
        if left_over:
            _log.info("Facts were left in the journal", extra={"count": len(left_over)})
            self._enqueue(*left_over)

    async def _keep_open(self) -> None:
        """Opens the files as soon as possible, and writes what has been waiting for that or for room on the disk."""
        while True:
            if not self._is_open:
                try:
                    self._open()
                except BlockingIOError:
                    pass
                except OSError as error:
                    self.is_ours.set()
                    self._refused(error)
            self._write_out()
            await asyncio.sleep(_REOPEN_SECONDS if not self.is_ours.is_set() else self._longest_retry_seconds)

    def _write_out(self) -> None:
        """Writes what is not on disk yet, until the disk refuses."""
        if not self._is_open:
            return
        try:
            while self._unwritten:
                line = next(iter(self._unwritten))
                self._files[0].append(line)
                del self._unwritten[line]
        except OSError as error:
            self._refused(error)
        else:
            if self.trouble:
                _log.info("The journal takes facts again")
            self.trouble = ""

    def _sync(self) -> None:
        """Raises OSError."""
        for file in list(self._files):
            file.sync()

    def _refused(self, error: OSError) -> None:
        path = self._files[0].path
        trouble = f"{path} cannot be written ({error.strerror}): check the disk and the file's owner."
        if trouble != self.trouble:
            _log.error("The journal cannot be written; facts wait in memory", extra={"error": error.strerror})
        self.trouble = trouble

    # --- to the database ---

    async def _record_all(self) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            await self._has_some.wait()
            await asyncio.sleep(max(GATHER_SECONDS, next_at - loop.time()))
            next_at = loop.time() + APART_SECONDS
            while self._queue:
                # The queue holds everything in the other file, unless there was no room for it in memory.
                is_whole = not self._has_more_on_disk
                if is_whole and self._files[0].size > LARGE_BYTES and not self._files[1].size:
                    self._files.reverse()
                lines = list(self._queue)
                for facts in self._batches(lines):
                    await self._record(facts)
                for line in lines:
                    self._queue.popleft()
                    # What is in the database no longer needs to be written to disk.
                    self._unwritten.pop(line, None)
                if is_whole:
                    self._empty(self._files[1])
                if not self._queue and self._has_more_on_disk:
                    self._has_more_on_disk = False
                    self._enqueue(*(line for file in self._files for line in file.lines()))
            self._has_some.clear()
            self._is_empty.set()
            for file in self._files:
                self._empty(file)

    def _batches(self, lines: Sequence[bytes]) -> Iterator[list[Fact]]:
        """Keeps the facts of each call together, in the order they came."""
        by_call: dict[str, list[Fact]] = {}
        for line in lines:
            try:
                fact = decode(line)
            except Exception as error:  # noqa: BLE001 - a bad line must not stop those after it from being recorded
                self._reject(line, error)
            else:
                by_call.setdefault(fact.call_id, []).append(fact)
        batch: list[Fact] = []
        for facts in by_call.values():
            batch += facts
            if len(batch) >= MOST_AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _record(self, facts: Sequence[Fact]) -> None:
        """Returns when they are recorded or rejected."""
        wait = self._retry_seconds
        while True:
            try:
                async with asyncio.timeout(self._apply_seconds):
                    await self._apply(facts)
                self.waits_for = ""
                return None
            except (Unavailable, TimeoutError, OSError) as error:
                _log.warning(
                    "The ledger cannot be written; facts wait in the journal",
                    extra={"count": self.pending, "error": str(error) or type(error).__name__},
                )
                self.waits_for = str(error) or "The database does not answer in time: check its server."
                await self._sync_quietly()
                await asyncio.sleep(wait)
                wait = min(wait * 2, self._longest_retry_seconds)
                if isinstance(error, TimeoutError) and len({fact.call_id for fact in facts}) > 1:
                    # A very slow machine may manage the calls one by one, if not all at once.
                    for part in _parts(facts):
                        await self._record(part)
                    return None
            except Exception as error:  # noqa: BLE001 - one bad fact must not keep all calls after it out of the record
                if len(facts) == 1:
                    return self._reject(encode(facts[0]), error)
                for part in _parts(facts):
                    await self._record(part)
                return None

    async def _sync_quietly(self) -> None:
        # While the database is unavailable, the file is the only copy of these facts.
        try:
            await asyncio.to_thread(self._sync)
        except OSError as error:
            _log.error("The journal cannot be written to disk", extra={"error": error.strerror})

    def _reject(self, line: bytes, error: Exception) -> None:
        # A driver's message quotes the values, including callers' numbers; our own messages do not.
        why = str(error) if isinstance(error, Invalid) else type(error).__name__
        _log.error("A fact was rejected and is kept in the journal's rejected.jsonl", extra={"error": why})
        entry = msgspec.json.encode({"why": why, "line": line.decode("utf-8", "replace")}) + b"\n"
        try:
            file = os.open(self._rejected_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, entry)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as failed:
            _log.error("A rejected fact could not be kept", extra={"error": failed.strerror})

    def _empty(self, file: _LineFile) -> None:
        try:
            file.empty()
        except OSError as error:
            # Its lines are recorded again at the next start, which is harmless.
            _log.error("The journal could not be emptied", extra={"error": error.strerror})

    def _close(self) -> None:
        for file in self._files:
            file.close()


def _parts(facts: Sequence[Fact]) -> list[list[Fact]]:
    """Splits facts by call, or the facts of a single call into one each."""
    by_call: dict[str, list[Fact]] = {}
    for fact in facts:
        by_call.setdefault(fact.call_id, []).append(fact)
    return list(by_call.values()) if len(by_call) > 1 else [[fact] for fact in facts]


class _LineFile:
    """A file that one process locks and appends lines to. A line is written whole or not at all, except in a power
    cut."""

    def __init__(self, path: Path) -> None:
        """Does not open the file yet."""
        self.path = path
        self.size = 0
        self._file: int | None = None
        self._ends_torn = False

    @property
    def is_open(self) -> bool:
        return self._file is not None

    def open(self) -> None:
        """Creates the file if missing. Raises OSError; BlockingIOError while another process holds it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "it is not a file")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = self.path.read_bytes()
        except OSError:
            os.close(file)
            raise
        self._file = file
        self.size, self._ends_torn = len(content), bool(content) and not content.endswith(b"\n")

    def lines(self) -> list[bytes]:
        """Raises OSError."""
        return [line for line in self.path.read_bytes().split(b"\n") if line]

    def append(self, line: bytes) -> None:
        """Raises OSError, leaving nothing of the line in the file."""
        assert self._file is not None
        before = os.fstat(self._file).st_size
        whole = (b"\n" if self._ends_torn else b"") + line + b"\n"
        self._ends_torn = True
        try:
            if os.write(self._file, whole) < len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._file, before)
            self._ends_torn = whole[:1] == b"\n"
            raise
        self._ends_torn = False
        self.size = before + len(whole)

    def sync(self) -> None:
        """Returns when the file's content would survive a power cut. Raises OSError."""
        if self._file is not None:
            os.fdatasync(self._file)

    def empty(self) -> None:
        """Raises OSError."""
        if self._file is not None and self.size:
            os.ftruncate(self._file, 0)
            self.size, self._ends_torn = 0, False

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
