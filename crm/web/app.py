"""Our web server, run by uvicorn inside `leaseline serve`; its routes are in `crm/web/routes`.

The carriers' webhooks have a listener of their own, so that nobody who fills the public one keeps texts away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from crm.config import Config
from crm.web.guard import IDLE_SECONDS, GuardedProtocol
from crm.web.routes import texts, tours
from crm.web.routes.texts import Webhooks
from crm.web.shield import hosts, shielded
from crm.worker import Troubles

START_SECONDS = 10.0
RETRY_SECONDS = 10.0


def build(webhooks: Webhooks) -> ASGIApp:
    """The whole web application, on ports.web. The webhooks are here, too, for proxies with a single way to us."""
    return _application(webhooks, [*texts.routes(webhooks), *tours.routes(webhooks.crm)])


def build_webhooks(webhooks: Webhooks) -> ASGIApp:
    """The carriers' webhooks alone, on ports.webhooks."""
    return _application(webhooks, texts.routes(webhooks))


def _application(webhooks: Webhooks, routes: list[Route]) -> ASGIApp:
    app = Starlette(routes=routes)
    # A redirect would name whatever host was asked for.
    app.router.redirect_slashes = False
    web = webhooks.crm.config.web
    return shielded(app, hosts(web, web.public_url))


async def keep_serving(config: Config, app: ASGIApp, troubles: Troubles, listener: str = "web") -> None:
    """Serves on the port that [ports] gives `listener` until it is cancelled, and then still answers the requests it
    has, so that a carrier's text is not lost in between.

    If the port is taken, it tries again: calls do not depend on it. This does not use `repeat`, whose looks come to an
    end, because a server that works never does.
    """
    name = f"listener {listener}"
    while True:
        try:
            async with serving(config, app, listener) as server:
                troubles.well(name)
                await asyncio.wait([server])
            troubles.failed(name, OSError("The web server ended by itself and is started again."))
        except OSError as error:
            troubles.failed(name, error)
        await asyncio.sleep(RETRY_SECONDS)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `leaseline serve` handles signals for all its parts.
        yield


@contextlib.asynccontextmanager
async def serving(config: Config, app: ASGIApp, listener: str = "web") -> AsyncIterator[asyncio.Task[None]]:
    """Listens on a port of [ports] while the block runs; yields the server's task, which ends only when that fails.

    Raises OSError when the port is taken.
    """
    port: int = getattr(config.ports, listener)
    bind = config.api.bind if listener == "api" else config.web.bind
    server = _Server(
        uvicorn.Config(
            app,
            host=bind,
            port=port,
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            # A proxy's headers are not believed: signatures are checked against web.public_url.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(IDLE_SECONDS),
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=16 * 1024,
        )
    )
    task = asyncio.create_task(_run(server, listener), name=listener)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                if task.done():
                    task.result()
                    raise OSError(f"port {port} (ports.{listener}) cannot be listened on")
                await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait([task])


async def _run(server: uvicorn.Server, listener: str) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        # How uvicorn tells that it cannot listen.
        port = server.config.port
        setting = "api.bind" if listener == "api" else "web.bind"
        raise OSError(
            f"port {port} (ports.{listener}) is in use, or {setting} is not an address of this machine"
        ) from error
