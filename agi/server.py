"""The FastAGI server: the dialplan asks, and a script answers at once. There is one file per script."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping

from agi.session import AgiError, Session
from crm.edge import listening

log = logging.getLogger(__name__)

Script = Callable[[Session], Awaitable[None]]


class AgiServer:
    """Listens on loopback. If a script fails, the connection is closed, and the dialplan continues without an answer.

    Since anybody on this machine can connect, only requests with the secret in our dialplan are served.
    """

    def __init__(self, port: int, secret: str, scripts: Mapping[str, Script]) -> None:
        self._port = port
        self._secret = secret
        self._scripts = scripts
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> AgiServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=4096)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def run(self) -> None:
        """Serves until cancelled. Raises OSError if the port is taken."""
        await listening.until_left("127.0.0.1", self._port)
        async with self:
            await asyncio.Event().wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            session = await Session.open(reader, writer)
            if not hmac.compare_digest(session.secret.encode(), self._secret.encode()):
                log.warning("somebody who is not our dialplan asked for an AGI script")
                return
            script = self._scripts.get(session.script)
            if script is None:
                log.warning("the dialplan asked for an AGI script that does not exist")
                return
            # A request that is older than a time in which the program stood still must not be acted on.
            await session.check_waiting()
            await script(session)
        except AgiError as error:
            log.warning("AGI connection ended: %s", error)
        except Exception:
            log.exception("an AGI script failed")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
