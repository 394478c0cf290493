"""Processes that hear or speak, at the other end of two pipes: started when needed, restarted when they die.

A message is a length in four bytes, then MessagePack. A question has one answer, or several that end with a last one;
questions are answered in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, Any

import msgspec

log = logging.getLogger(__name__)

_LENGTH = struct.Struct("!I")
LONGEST = 8 << 20
STOP_SECONDS = 1.0
AGAIN_SECONDS = 1.0
"""Pause before a process that did not start is started again; doubles up to LONGEST_AGAIN_SECONDS."""
LONGEST_AGAIN_SECONDS = 30.0


class WorkerLost(Exception):
    """The process died, or did not answer in time. It is started again."""


class PipedProcess:
    """One such process. `start` it, or let the first question do so."""

    def __init__(
        self, module: str, arguments: Sequence[str], *, start_seconds: float, environment: Mapping[str, str] = {}
    ) -> None:
        self.name = module.rpartition(".")[2]
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment)
        self._start_seconds = start_seconds
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._is_ready = False
        self.waiting = 0
        """Questions that have no last answer yet."""
        self.usual_seconds = 0.0
        """How long a question took lately; 0: none was answered yet."""
        self._asked: set[asyncio.Task[dict[str, Any]]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._killed: set[asyncio.Task[int]] = set()

    @property
    def is_up(self) -> bool:
        """Whether it is ready for questions."""
        return self._is_ready and self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    def keep(self) -> None:
        """Starts it, and again whenever it dies, until `stop`."""
        self._keeper = self._keeper or asyncio.create_task(self._keep(), name=f"keeps {self.name}")

    async def up(self) -> None:
        """Waits until it is ready. Raises WorkerLost if it cannot be."""
        async with self._lock:
            await self._started()

    async def _keep(self) -> None:
        pause = AGAIN_SECONDS
        while True:
            try:
                await self.up()
            except WorkerLost as lost:
                log.error("%s", lost)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_AGAIN_SECONDS)
            else:
                pause = AGAIN_SECONDS
                if process := self._process:
                    await process.wait()

    async def ask(self, question: object, seconds: float) -> dict[str, Any]:
        """The one answer to a question. `seconds` are from when it is its turn. Raises WorkerLost.

        Who is cancelled while it is not their turn yet is not answered; later, they do not take the process with them.
        """
        begun = asyncio.Event()
        asked = asyncio.create_task(self._answer(question, seconds, begun))
        self._asked.add(asked)
        asked.add_done_callback(self._forget)
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            if not begun.is_set():
                asked.cancel()
            raise

    def _forget(self, asked: asyncio.Task[dict[str, Any]]) -> None:
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()  # Whoever asked may be gone.

    async def _answer(self, question: object, seconds: float, begun: asyncio.Event) -> dict[str, Any]:
        return [answer async for answer in self.stream(question, seconds, begun)][-1]

    async def stream(
        self, question: object, seconds: float, begun: asyncio.Event | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """The answers to a question, up to one with `last`, each within `seconds`; `begun` is set when it is its turn.
        Raises WorkerLost."""
        self.waiting += 1
        is_whole = False
        process: asyncio.subprocess.Process | None = None
        try:
            async with self._lock:
                if begun:
                    begun.set()
                try:
                    process = await self._started()
                    assert process.stdin is not None
                    assert process.stdout is not None
                    began = asyncio.get_running_loop().time()
                    async with asyncio.timeout(seconds):
                        data = msgspec.msgpack.encode(question)
                        process.stdin.write(_LENGTH.pack(len(data)) + data)
                        await process.stdin.drain()
                    while not is_whole:
                        async with asyncio.timeout(seconds):
                            answer = await _received(process.stdout)
                        is_whole = bool(answer.get("last", True))
                        if is_whole:
                            self._took(asyncio.get_running_loop().time() - began)
                        yield answer
                except (OSError, TimeoutError, EOFError) as error:
                    raise WorkerLost(f"{self.name} did not answer ({type(error).__name__}).") from error
                finally:
                    if not is_whole and process is not None:
                        # What it still says would be taken for the answer to the next question.
                        self._kill(process)
                        self._process = None
        finally:
            self.waiting -= 1

    def _took(self, seconds: float) -> None:
        self.usual_seconds += (seconds - self.usual_seconds) * (0.2 if self.usual_seconds else 1.0)

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            await self._end(process)
        await asyncio.gather(*self._killed)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            self._kill(process)

    def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        ended = asyncio.create_task(process.wait())
        self._killed.add(ended)
        ended.add_done_callback(self._killed.discard)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._is_ready = False
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment},
            limit=LONGEST,
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(self._start_seconds):
                ready = await _received(process.stdout)
            if error := ready.get("error"):
                raise WorkerLost(f"{self.name} cannot be used: {error}")
        except (OSError, TimeoutError, EOFError) as error:
            self._kill(process)
            raise WorkerLost(f"{self.name} did not start ({type(error).__name__}).") from error
        except BaseException:
            self._kill(process)
            raise
        self._is_ready = True
        return process


async def _received(stream: asyncio.StreamReader) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > LONGEST:
        raise EOFError("a message is too long")
    answer: dict[str, Any] = msgspec.msgpack.decode(await stream.readexactly(length))
    return answer


# In the process itself ------------------------------------------------------------------------------------------------


class Parent:
    """The process that started this one, as a worker sees it. Reading ends when it is gone."""

    def __init__(self) -> None:
        # Whatever a library prints must not get between the answers.
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        self._in: IO[bytes] = sys.stdin.buffer

    def questions(self) -> Any:
        while True:
            head = self._in.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return
            (length,) = _LENGTH.unpack(head)
            yield msgspec.msgpack.decode(self._in.read(length))

    def answer(self, answer: Mapping[str, Any]) -> None:
        data = msgspec.msgpack.encode(answer)
        self._out.write(_LENGTH.pack(len(data)) + data)
