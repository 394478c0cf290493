"""Receives inquiries that listing portals post, at a secret path for each source.

200 means that the post is in the database or on disk. The response does not depend on the content, so that a portal
never gives up on one: posts that cannot be read are for us to look at. A large post goes to the disk as it comes, a few
at a time; what is larger still is refused, and its beginning is kept all the same.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crm.context import Crm
from crm.edge.mail_files import NewPost
from crm.services.arrivals import posts
from crm.services.arrivals.posts import Post, PostBox
from crm.services.arrivals.sources import PATH
from crm.web.shield import READ_SECONDS

LARGE_AT_ONCE = 2
"""Large posts that are written at once; others wait, and nothing more is read from their connections."""
LARGE_SECONDS = 50.0
"""How long a large post may take, waiting included; the connection itself ends after a minute (crm/web/guard.py)."""
PIECE = 256 * 1024
"""Bytes that are written at once."""

_log = logging.getLogger(__name__)


def routes(crm: Crm) -> list[Route]:
    receiver = PostReceiver(crm)
    return [Route(f"{PATH}{{token}}", receiver.receive, methods=["POST"])]


class PostReceiver:
    def __init__(self, crm: Crm) -> None:
        self._crm, self._box = crm, PostBox(crm)
        self._room = asyncio.Semaphore(LARGE_AT_ONCE)

    async def receive(self, request: Request) -> Response:
        # The path is a secret, so it is not logged.
        about = {"peer": request.client.host if request.client else "-"}
        try:
            sent = await self._read(request)
            if sent is None or not await self._box.accept(sent):
                _log.warning("a post to an unknown path", extra=about)
                return PlainTextResponse("not found\n", 404)
            if not sent.is_whole:
                _log.warning("a post was refused: too large", extra=about)
                return PlainTextResponse("too long\n", 413, headers={"Connection": "close"})
        except TimeoutError:
            return PlainTextResponse("too slow\n", 408, headers={"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001 - a door: the portal is asked to try again
            return _try_again(about, error)
        return PlainTextResponse("ok\n")

    async def _read(self, request: Request) -> Post | None:
        """The post, whose rest is on the disk when it is large; None: its path is nobody's. Raises TimeoutError,
        ClientDisconnect, Unavailable, OSError."""
        stream, read = request.stream(), bytearray()
        async with asyncio.timeout(READ_SECONDS):
            await _more(stream, read, posts.LONGEST_ROW)
        made = partial(
            posts.post,
            request.path_params["token"],
            request.headers.get("content-type", ""),
            query=request.url.query,
            now=self._crm.now(),
        )
        if len(read) <= posts.LONGEST_ROW:
            return made(body=bytes(read))
        # Only whoever knows a path gets more room than that, so while the database is away nobody does.
        if not await self._box.is_known(request.path_params["token"]):
            return None
        beginning = bytes(read[: posts.LONGEST_ROW])
        if _declared(request) > posts.LONGEST:
            return made(body=beginning, is_whole=False)
        async with asyncio.timeout(LARGE_SECONDS), self._room:
            file, size = await self._written(stream, read)
        return made(body=b"", file=file, size=size) if file else made(body=beginning, is_whole=False)

    async def _written(self, stream: AsyncIterator[bytes], read: bytearray) -> tuple[str, int]:
        """The file of a post whose beginning is `read`, and its size; no file: it is too large."""
        new = await asyncio.to_thread(NewPost, self._crm.config.mails_folder)
        try:
            size = 0
            while read:
                size += len(read)
                if size > posts.LONGEST:
                    return "", size
                await asyncio.to_thread(new.write, bytes(read))
                read.clear()
                await _more(stream, read, PIECE)
            return await asyncio.to_thread(new.keep), size
        finally:
            new.drop()


async def _more(stream: AsyncIterator[bytes], read: bytearray, most: int) -> None:
    """Reads on until there are more than `most` bytes, or no more come."""
    async for chunk in stream:
        read += chunk
        if len(read) > most:
            return


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 16 else 0


def _try_again(about: dict[str, str], error: Exception) -> Response:
    # A driver's message would quote the post, so only the type of the error and its line are logged.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    _log.error("a post could not be stored", extra={**about, "error": type(error).__name__, "where": where})
    return PlainTextResponse("try again\n", 503, headers={"Retry-After": "30"})
