"""Connections to PostgreSQL that a server which has stopped answering in the middle of a query cannot hold on to."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from psycopg import AsyncConnection, OperationalError, waiting
from psycopg.abc import PQGen

_LONGEST_SECONDS = 60.0
"""No answer of the server's takes so long; whoever waits without a limit of their own gets an error then."""
_LOOK_SECONDS = 0.1

Result = TypeVar("Result")


class Connection(AsyncConnection[Any]):
    """Whoever gives up on a query gives up on its connection.

    psycopg would ask the server to cancel the query and wait for that, up to ten seconds (3.3.9, measured with a server
    process that was stopped). A process that does not answer does not answer that either.
    """

    async def wait(self, gen: PQGen[Result], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> Result:
        """As in AsyncConnection; raises OperationalError when no answer has come for too long."""
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise
        except TimeoutError:
            self.pgconn.finish()
            raise OperationalError("the server has not answered") from None
