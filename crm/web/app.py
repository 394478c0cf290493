"""Our web server, run by uvicorn inside `leaseline serve`; its routes are in `crm/web/routes`.

The carriers' webhooks have a listener of their own, so that flooding the public one does not keep texts out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from crm.config import Config
from crm.domain.beats import until_next
from crm.edge import listening, sip_door
from crm.edge.handed_sockets import HandedSockets
from crm.edge.own_certificate import OwnCertificate
from crm.web.guard import IDLE_SECONDS, Budget, guarded
from crm.web.routes import posts, texts, tours
from crm.web.routes.texts import Webhooks
from crm.web.shield import hosts, shielded
from crm.worker import Troubles

START_SECONDS = 10.0
RETRY_SECONDS = 10.0
LINGER_SECONDS = 1.0
"""Where another process goes on with a listener: between its last connection and the end of those that are idle."""
TICK_SECONDS = 1.0
"""How often the Date header of answers is renewed, which has seconds (RFC 9110, 6.6.1)."""
BUDGETS = {
    # A large office may be behind one address. Each browser has one stream and one phone.
    "console": Budget(connections=1000, per_peer=600, answer_seconds=600.0, streams=4000, sockets=4000),
}
"""By listener, where they differ from the usual."""


def build(webhooks: Webhooks) -> ASGIApp:
    """Builds the whole web application, for ports.web. It includes the webhooks, for proxies that know only one
    port."""
    return _application(webhooks, [*texts.routes(webhooks), *posts.routes(webhooks.crm), *tours.routes(webhooks.crm)])


def build_webhooks(webhooks: Webhooks) -> ASGIApp:
    """Builds an application for ports.webhooks, with the carriers' webhooks and what portals post."""
    return _application(webhooks, [*texts.routes(webhooks), *posts.routes(webhooks.crm)])


def _application(webhooks: Webhooks, routes: list[Route]) -> ASGIApp:
    app = Starlette(routes=routes)
    # A redirect would repeat whatever host the request names.
    app.router.redirect_slashes = False
    web = webhooks.crm.config.web
    return shielded(app, hosts(web, web.public_url))


async def keep_serving(
    config: Config,
    app: ASGIApp,
    troubles: Troubles,
    listener: str = "web",
    certificate: OwnCertificate | None = None,
    handed_sockets: HandedSockets | None = None,
) -> None:
    """Serves on the port that [ports] gives `listener` until it is cancelled; then it finishes open requests, so that
    no incoming text is lost. With `handed_sockets`, it goes on with the sockets of the process that this one replaces.

    If the port is taken, it tries again: calls do not depend on it. `repeat` does not fit, since it runs passes that
    end, and a working server does not end.
    """
    name = f"listener {listener}"
    at = _bind(config, listener), getattr(config.ports, listener)
    if not (handed_sockets and handed_sockets.has(listener, *at)):
        if handed_sockets:
            # It may be the former process that has the port, for another address.
            handed_sockets.begun(listener)
        await listening.until_left(*at)
    while True:
        try:
            async with serving(config, app, listener, certificate, handed_sockets) as server:
                troubles.well(name)
                if handed_sockets:
                    handed_sockets.begun(listener)
                await asyncio.wait([server])
            troubles.failed(name, OSError("The web server ended by itself and is started again."))
        except OSError as error:
            troubles.failed(name, error)
        if handed_sockets:
            handed_sockets.begun(listener)
        await asyncio.sleep(RETRY_SECONDS)


def _bind(config: Config, listener: str) -> str:
    return {"api": config.api.bind, "console": config.console.bind}.get(listener, config.web.bind)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_ending = asyncio.Event()
        self._lingers = False

    def end(self, *, lingers: bool = False) -> None:
        """Ends it; `lingers`: whoever has just connected is still answered."""
        self._lingers = lingers
        self.should_exit = True
        self._is_ending.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._lingers:
            for server in self.servers:
                server.close()
            # Requests that are on their way, and handshakes of TLS: uvicorn's own hangs up on those.
            await asyncio.sleep(LINGER_SECONDS)
        await super().shutdown(sockets)

    def sockets(self) -> list[socket.socket]:
        """Those that it listens on; none once it ends."""
        return [one for server in self.servers for one in server.sockets]

    async def main_loop(self) -> None:
        """Renews the Date header until the server is to end.

        uvicorn's own looks ten times a second whether it is to end, each listener at a time of its own: that was half
        of what the app did while nobody called.
        """
        loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                # All listeners at the same moment, so that the process wakes up once for them.
                async with asyncio.timeout(until_next(TICK_SECONDS, loop.time())):
                    await self._is_ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `leaseline serve` handles signals for all its parts.
        yield


@contextlib.asynccontextmanager
async def serving(
    config: Config,
    app: ASGIApp,
    listener: str = "web",
    certificate: OwnCertificate | None = None,
    handed_sockets: HandedSockets | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Listens on a port of [ports] while the block runs; yields the server's task, which ends only if the server fails.

    With a certificate, it serves by https alone. Raises OSError if the port is taken or the certificate unusable.
    """
    host, port = _bind(config, listener), getattr(config.ports, listener)
    handed = handed_sockets.take(listener, host, port) if handed_sockets else []
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=guarded(BUDGETS.get(listener, Budget())),
            # Only the console's pages have one, which passes on SIP (crm/web/console/phone.py).
            ws="websockets-sansio" if listener == "console" else "none",
            ws_max_size=sip_door.LONGEST,
            ws_per_message_deflate=False,
            ssl_context_factory=(lambda own, usual: certificate.context()) if certificate else None,
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            # A proxy's headers are not trusted: signatures are checked against web.public_url.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(IDLE_SECONDS),
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=16 * 1024,
        )
    )
    task = asyncio.create_task(_run(server, listener, handed), name=listener)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                if task.done():
                    task.result()
                    raise OSError(f"port {port} (ports.{listener}) cannot be listened on")
                await asyncio.sleep(0.01)
        if handed_sockets:
            handed_sockets.serves(listener, host, port, server.sockets)
        yield task
    finally:
        server.end(lingers=handed_sockets is not None and handed_sockets.has_handed_on)
        await asyncio.wait([task])
        for one in handed:
            one.close()


async def _run(server: uvicorn.Server, listener: str, handed: list[socket.socket]) -> None:
    try:
        await server.serve(handed or None)
    except SystemExit as error:
        # This is how uvicorn reports that it cannot listen.
        port = server.config.port
        setting = {"api": "api.bind", "console": "console.bind"}.get(listener, "web.bind")
        raise OSError(
            f"port {port} (ports.{listener}) is in use, or {setting} is not an address of this machine"
        ) from error
