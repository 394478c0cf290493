"""PostgreSQL connections that do not hang when the server stops answering in the middle of a query."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError
from psycopg.abc import PQGen

_LONGEST_SECONDS = 60.0
"""No answer from the server takes this long; a query without a limit of its own then fails."""
_LOOK_SECONDS = 0.05

Result = TypeVar("Result")


class PostgresConnection(PsycopgConnection[Any]):
    """Giving up on a query means giving up on its connection.

    psycopg would ask the server to cancel the query and wait for that (3.3.9, measured with a server process that was
    stopped). A process that does not answer does not answer that request either.
    """

    gave_up: Callable[[], bool] = staticmethod(lambda: False)
    """Asked while a query runs: whether its answer is no longer wanted."""

    def wait(self, gen: PQGen[Result], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> Result:
        """As in psycopg's own; raises OperationalError when an answer takes too long or is no longer wanted."""
        return super().wait(self._guarded(gen), interval=_LOOK_SECONDS, timeout=timeout)

    def _guarded(self, gen: PQGen[Result]) -> PQGen[Result]:
        """The same steps. The wait for the socket returns here after each interval, answer or not."""
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
