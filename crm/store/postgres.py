"""Connections to PostgreSQL that a server which has stopped answering in the middle of a query cannot hold on to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError
from psycopg.abc import PQGen

_LONGEST_SECONDS = 60.0
"""No answer of the server's takes so long; whoever waits without a limit of their own gets an error then."""
_LOOK_SECONDS = 0.05

Result = TypeVar("Result")


class PostgresConnection(PsycopgConnection[Any]):
    """Whoever gives up on a query gives up on its connection.

    psycopg would ask the server to cancel the query and wait for that (3.3.9, measured with a server process that was
    stopped). A process that does not answer does not answer that either.
    """

    gave_up: Callable[[], bool] = staticmethod(lambda: False)
    """Asked while a query runs: whether nobody wants its answer any more."""

    def wait(self, gen: PQGen[Result], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> Result:
        """As in psycopg's own; raises OperationalError when no answer has come for too long, or nobody wants it."""
        return super().wait(self._guarded(gen), interval=_LOOK_SECONDS, timeout=timeout)

    def _guarded(self, gen: PQGen[Result]) -> PQGen[Result]:
        """The same steps. Whoever waits for the socket comes back here after each interval, answer or not."""
        until = time.monotonic() + _LONGEST_SECONDS
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and (self.gave_up() or time.monotonic() > until):
                    self.pgconn.finish()
                    raise OperationalError("the server has not answered")
                state = gen.send(ready)
        except StopIteration as done:
            result: Result = done.value
            return result
