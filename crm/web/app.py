"""Our web server, run by uvicorn inside `leaseline serve`; its routes are in `crm/web/routes`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

from crm.config import Config
from crm.web.routes import texts, tours
from crm.web.routes.texts import Webhooks

START_SECONDS = 10.0
RETRY_SECONDS = 10.0
_log = logging.getLogger(__name__)


def build(webhooks: Webhooks) -> Starlette:
    """The whole web application."""
    return Starlette(routes=[*texts.routes(webhooks), *tours.routes(webhooks)])


async def keep_serving(config: Config, app: Starlette) -> None:
    """Serves until it is cancelled, and then answers the requests it has: a carrier's text must not be lost in between.

    A port that is taken is tried again: the calls do not need it.
    """
    while True:
        try:
            async with serving(config, app) as server:
                await asyncio.wait([server])
            _log.error("the web server ended and is started again")
        except (OSError, TimeoutError) as error:
            _log.error("the web server cannot be started: %s", error)
        await asyncio.sleep(RETRY_SECONDS)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `leaseline serve` handles signals for all its parts.
        yield


@contextlib.asynccontextmanager
async def serving(config: Config, app: Starlette) -> AsyncIterator[asyncio.Task[None]]:
    """Listens on ports.web while the block runs; yields the server's task, which ends only when the server fails.

    Raises OSError when the port is taken.
    """
    server = _Server(
        uvicorn.Config(
            app, host=config.web.bind, port=config.ports.web, log_config=None, access_log=False, lifespan="off",
            # A proxy's headers are not believed: signatures are checked against web.public_url.
            proxy_headers=False, server_header=False, timeout_keep_alive=30, limit_concurrency=100,
            timeout_graceful_shutdown=3, h11_max_incomplete_event_size=16 * 1024,
        )
    )  # fmt: skip
    task = asyncio.create_task(_run(server), name="web")
    try:
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                if task.done():
                    task.result()
                    raise OSError(f"port {config.ports.web} (ports.web) cannot be listened on")
                await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait([task])


async def _run(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        # How uvicorn tells that it cannot listen.
        raise OSError(f"port {server.config.port} (ports.web) is taken, or web.bind is no address of ours") from error
