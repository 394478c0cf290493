"""Sound in pages: recordings and voicemail, in parts as players ask for them (RFC 9110, 14), and pictures of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

from crm.services.voicemail import waveforms
from crm.web.console.visit import ConsoleVisit

NOTED_AGAIN = timedelta(hours=1)
"""A player asks for a sound many times, in parts; that somebody hears it is noted once in this time."""
MOST_KEPT = 4096
MOST_PICTURES = 512


class Hearings:
    """Who has begun to hear what lately, in this process. What no longer fits is noted once more."""

    def __init__(self) -> None:
        self._since: OrderedDict[tuple[int, str], datetime] = OrderedDict()

    def is_new(self, session_id: int, sound: str, now: datetime) -> bool:
        since = self._since.get((session_id, sound))
        return since is None or now - since >= NOTED_AGAIN

    def note(self, session_id: int, sound: str, now: datetime) -> None:
        self._since[session_id, sound] = now
        self._since.move_to_end((session_id, sound))
        while len(self._since) > MOST_KEPT:
            self._since.popitem(last=False)


class Pictures:
    """Peaks of the sounds that were looked at last. A file that has changed is another sound."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int, int], list[int]] = OrderedDict()

    async def of(self, path: Path) -> list[int]:
        there = await asyncio.to_thread(path.stat)
        key = (path.name, there.st_size, there.st_mtime_ns)
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(waveforms.peaks, path)
            while len(self._known) > MOST_PICTURES:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


async def play(visit: ConsoleVisit, sound: str, path: Path, heard: Callable[[], Awaitable[None]]) -> Response:
    """The sound, or the part that is asked for. `heard` writes down that somebody hears it."""
    hearings, now = _hearings(visit), visit.crm.now()
    if visit.request.method == "GET" and hearings.is_new(visit.who.session_id, sound, now):
        await heard()
        hearings.note(visit.who.session_id, sound, now)
    # What is deleted here should not go on in a browser.
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "no-store"})


async def picture(visit: ConsoleVisit, path: Path) -> Response:
    state = visit.request.app.state
    if not hasattr(state, "pictures"):
        state.pictures = Pictures()
    pictures: Pictures = state.pictures
    try:
        found = await pictures.of(path)
    except OSError:
        raise HTTPException(404) from None
    return JSONResponse(found, headers={"Cache-Control": "private, max-age=3600"})


def _hearings(visit: ConsoleVisit) -> Hearings:
    state = visit.request.app.state
    if not hasattr(state, "hearings"):
        state.hearings = Hearings()
    found: Hearings = state.hearings
    return found
