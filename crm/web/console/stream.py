"""`GET /events`: what happens, told to every browser that has a page open (server-sent events).

Each browser has one stream, whatever it shows. An event is written once for each language and role, and goes to those
whom one check lets see it. Events have numbers, and the latest are kept: a stream that was cut off goes on after the
number it names. If that one is too old, or of another process, it is told to fetch its page anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from crm.context import Crm
from crm.domain.access import Role
from crm.domain.errors import CrmError
from crm.services.access import sessions
from crm.services.access.sessions import SessionStanding, SignedIn

KEPT = 2000
"""Events, for streams that were cut off."""
BEAT_SECONDS = 15.0
"""Proxies end what is silent for longer, and browsers open another stream."""
MOST_STREAMS = 4000
MOST_PER_PERSON = 12
"""Browsers of one person; the oldest makes room."""
MOST_UNREAD = 512 * 1024
"""Bytes that wait for a browser that does not read."""
RETRY_MILLISECONDS = 1000
"""After how long a browser that was cut off comes back."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventForm:
    """What an event says to those of one language and role; as JSON in the event's data."""

    kind: str
    """The event's name: what of the page listens for it."""
    said: dict[str, object]


class ConsoleEvent:
    """Something that has happened."""

    def __init__(
        self, sees: Callable[[SignedIn], str], tell: Callable[[str, str, Role], EventForm | None], number: int = 0
    ) -> None:
        """`sees` gives which form of the event somebody gets, and "" if none; `tell` writes that form for a language
        and a role."""
        self.number = number
        self._sees = sees
        self._tell = tell
        self._written: dict[tuple[str, str, Role], bytes] = {}

    def written(self, epoch: str, who: SignedIn, language: str) -> bytes:
        """As sent to them; empty if they do not see it."""
        form = self._sees(who)
        if not form:
            return b""
        key = form, language, who.role
        if key not in self._written:
            told = self._tell(*key)
            self._written[key] = event(f"{epoch}-{self.number}", told.kind, told.said) if told else b""
        return self._written[key]


@dataclass(eq=False)
class EventStream:
    """One browser."""

    who: SignedIn
    language: str
    waiting: deque[bytes] = field(default_factory=deque)
    size: int = 0
    """Bytes that wait."""
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    counts: dict[str, int] | None = None
    """What it was told last that waits; None: nothing yet."""

    def put(self, written: bytes) -> None:
        if not written or self.is_over:
            return
        if self.size + len(written) > MOST_UNREAD:
            # It fetches the page anew once it reads again.
            self.waiting.clear()
            self.size = 0
            written = event("", "refetch", {})
        self.waiting.append(written)
        self.size += len(written)
        self.stirred.set()

    def end(self, why: str) -> None:
        if not self.is_over:
            self.put(event("", "over", {"why": why}))
            self.is_over = True
            self.stirred.set()

    async def read(self) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS
        while True:
            while self.waiting:
                together = b"".join(self.waiting)
                self.waiting.clear()
                self.size = 0
                yield together
            if self.is_over:
                return
            self.stirred.clear()
            await self.stirred.wait()


class EventHub:
    """All streams of this process."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self.epoch = uuid.uuid4().hex[:8]
        self.number = 0
        self._kept: deque[ConsoleEvent] = deque(maxlen=KEPT)
        self._streams: dict[EventStream, None] = {}
        self._pages: Counter[str] = Counter()
        """Streams by agent."""
        self.on_agent: Callable[[str], None] = lambda agent: None
        """Called when an agent's first browser comes, or their last one leaves."""
        self.on_stream: Callable[[SignedIn], None] = lambda who: None
        """Called with whoever has opened a stream."""

    @property
    def mark(self) -> str:
        """Where a stream has to begin for a page that is written now."""
        return f"{self.epoch}-{self.number}"

    @property
    def streams(self) -> list[EventStream]:
        return list(self._streams)

    def is_there(self, agent: str) -> bool:
        """Whether the agent has a page open."""
        return self._pages[agent] > 0

    def tell(self, sees: Callable[[SignedIn], str], tell: Callable[[str, str, Role], EventForm | None]) -> None:
        self.number += 1
        told = ConsoleEvent(sees, tell, self.number)
        self._kept.append(told)
        for stream in self._streams:
            stream.put(told.written(self.epoch, stream.who, stream.language))

    # --- streams ---

    def answer(self, who: SignedIn, language: str, request: Request) -> Response:
        """Answers `/events`. Its query `after`, or the header Last-Event-ID, is the mark to go on after."""
        if len(self._streams) >= MOST_STREAMS:
            return Response(status_code=503, headers={"Retry-After": "10"})
        own = [one for one in self._streams if one.who.account_id == who.account_id]
        if len(own) >= MOST_PER_PERSON:
            own[0].end("crowded")
        stream = EventStream(who, language)
        self._go_on(stream, request.headers.get("Last-Event-ID") or request.query_params.get("after", ""))
        return StreamingResponse(
            self._until_over(stream), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    def _go_on(self, stream: EventStream, after: str) -> None:
        """Gives a stream what has happened since a mark, or tells it to fetch its page anew."""
        epoch, _, number = after.partition("-")
        oldest = self._kept[0].number if self._kept else self.number + 1
        if epoch != self.epoch or not number.isdecimal() or not oldest - 1 <= int(number) <= self.number:
            stream.put(event(self.mark, "refetch", {}))
            return
        for told in self._kept:
            if told.number > int(number):
                stream.put(told.written(self.epoch, stream.who, stream.language))
        # So that whoever comes back after a long silence does not name a mark that is gone by then.
        stream.put(event(self.mark, "here", {}))

    async def _until_over(self, stream: EventStream) -> AsyncIterator[bytes]:
        agent = stream.who.agent or ""
        self._streams[stream] = None
        self._pages[agent] += 1
        if self._pages[agent] == 1:
            self.on_agent(agent)
        self.on_stream(stream.who)
        try:
            async for written in stream.read():
                yield written
        finally:
            self._streams.pop(stream, None)
            self._pages[agent] -= 1
            if not self._pages[agent]:
                del self._pages[agent]
                self.on_agent(agent)

    # --- whose sessions have ended ---

    async def run(self) -> None:
        """Keeps streams alive, and ends those of sessions that are over, until it is cancelled."""
        changed = asyncio.Event()
        try:
            with self._crm.store.changes.told(("account", "account_session"), changed.set):
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(BEAT_SECONDS):
                            await changed.wait()
                    if not changed.is_set():
                        for stream in list(self._streams):
                            stream.put(event("", "beat", {}))
                    changed.clear()
                    await self._end_old()
        finally:
            for stream in list(self._streams):
                stream.end("stopped")

    async def _end_old(self) -> None:
        if not self._streams:
            return
        streams = list(self._streams)
        try:
            standing = await self._crm.store.read(
                sessions.standing, {stream.who.session_id for stream in streams}, self._crm.now()
            )
        except (CrmError, TimeoutError) as error:
            _log.warning("whose sessions have ended could not be looked up: %s", error)
            return
        for stream in streams:
            found = standing.get(stream.who.session_id)
            if found is None:
                stream.end("signed_out")
            elif found != SessionStanding.of(stream.who):
                # Whoever sees something else from now on gets a new page.
                stream.put(event("", "refetch", {}))
                stream.end("changed")


def event(mark: str, kind: str, said: dict[str, object]) -> bytes:
    """As the standard has it (HTML, 9.2.6): JSON has no line breaks of its own."""
    named = f"id: {mark}\n" if mark else ""
    return f"{named}event: {kind}\ndata: ".encode() + msgspec.json.encode(said) + b"\n\n"


def everybody(_: SignedIn) -> str:
    return "all"
