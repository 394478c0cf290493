"""A phone in a browser: JsSIP (SIP over a WebSocket, WebRTC) in the Chromium of the tests, one browser for each phone.

Its microphone is Chromium's own, which beeps. It answers nothing by itself.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, Error, Page, async_playwright

from asterisk_conf import programs
from tests.system import System

FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
]
SCRIPT = """
const told = JSON.parse(document.currentScript.dataset.told)
window.events = []
window.sessions = []
const socket = new JsSIP.WebSocketInterface(told.address)
const phone = window.phone = new JsSIP.UA({
    sockets: [socket], uri: `sip:${told.user}@leaseline.invalid`, password: told.secret, register_expires: 60,
    connection_recovery_min_interval: 1, connection_recovery_max_interval: 2,
})
for (const kind of ["connected", "disconnected", "registered", "registrationFailed"])
    phone.on(kind, () => window.events.push(kind))
phone.on("newRTCSession", ({session}) => {
    window.sessions.push(session)
    window.events.push("ringing")
    for (const kind of ["confirmed", "ended", "failed"]) session.on(kind, () => window.events.push(kind))
})
phone.start()
"""


@functools.cache
def jssip() -> str:
    """JsSIP as one script."""
    node = Path(sys.prefix) / "node" / "node_modules"
    [esbuild] = node.glob("@esbuild/*/bin/esbuild")
    made = subprocess.run(
        [esbuild, node / "jssip" / "lib" / "JsSIP.js", "--bundle", "--format=iife", "--global-name=JsSIP"],
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


@dataclass
class WebPhone:
    system: System
    device: str
    browser: Browser
    page: Page
    address: str
    _frozen: list[int] = field(default_factory=list)

    async def opens(self) -> None:
        """Opens the page, or opens it anew, as with F5; it registers at once."""
        await self.page.goto(self.address)

    async def answer(self) -> None:
        await self.page.evaluate("window.sessions.at(-1).answer({mediaConstraints: {audio: true}})")

    async def count(self, kind: str) -> int:
        """How often the page has told of something since it was opened."""
        return int(await self.page.evaluate("kind => window.events.filter(one => one === kind).length", kind))

    async def header(self, name: str) -> str | None:
        """Of the INVITE of its latest call."""
        return await self.page.evaluate("name => window.sessions.at(-1)._request.getHeader(name) ?? null", name)

    async def wait_for(self, kind: str, count: int = 1, seconds: float = 60) -> None:
        async def is_so() -> bool:
            return await self.count(kind) >= count

        await self.system.until(is_so, f"{self.device}: {count} x {kind}", seconds)

    async def drops_connection(self) -> None:
        """Closes the WebSocket under the phone, which opens another one and registers again."""
        await self.page.evaluate("window.phone.transport.socket._ws.close()")

    async def refreshes_every(self) -> int:
        """After how many seconds it refreshes the session of its call; 0: the other side does that."""
        timers = await self.page.evaluate("window.sessions.at(-1)._sessionTimers")
        return int(timers["currentExpires"] / 2) if timers["refresher"] else 0

    async def refresh(self) -> None:
        """Refreshes the session now, as it does when it is time to."""
        await self.page.evaluate("window.sessions.at(-1)._sendUpdate()")

    async def kill(self) -> None:
        """Ends the browser as a crash does."""
        for process in await self._processes():
            os.kill(process, signal.SIGKILL)

    async def freeze(self) -> None:
        """Stops the page's process, as a system does with a tab in the background that it has no time for."""
        self._frozen = await self._processes("renderer")
        for process in self._frozen:
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._frozen:
            os.kill(process, signal.SIGCONT)
        self._frozen = []

    async def _processes(self, kind: str = "") -> list[int]:
        session = await self.browser.new_browser_cdp_session()
        found = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        await session.detach()
        return [one["id"] for one in found if kind in ("", one["type"])]


@asynccontextmanager
async def web_phone(system: System, device: str) -> AsyncIterator[WebPhone]:
    """A browser that has registered as a device, which Asterisk considers reachable."""
    told = {
        "address": f"ws://127.0.0.1:{system.config.ports.http}/ws",
        "user": device,
        "secret": system.secrets.get(f"device/{device}"),
    }
    quoted = json.dumps(told).replace("&", "&amp;").replace("'", "&#39;")
    html = f"<!doctype html><script>{jssip()}</script><script data-told='{quoted}'>{SCRIPT}</script>"
    async with _served(html) as address:
        browser = await browser_of_all(system)
        context = await browser.new_context()
        phone = WebPhone(system, device, browser, await context.new_page(), address)
        try:
            await phone.opens()
            await system.until(lambda: system.is_online(device), f"{device} online")
            yield phone
        finally:
            phone.thaw()
            # It may have been killed.
            with contextlib.suppress(Error):
                await context.close()
    await system.until(lambda: system.is_offline(device), f"{device} offline")


async def browser_of_all(system: System) -> Browser:
    """The browser that all share who ask nothing special of theirs; a new one if a test has ended it."""
    if system.browser is None or not system.browser.is_connected():
        playwright = await system.kept.enter_async_context(async_playwright())
        system.browser = await playwright.chromium.launch(
            executable_path=programs.chromium(),
            args=FLAGS,
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        system.kept.push_async_callback(system.browser.close)
    return system.browser


@asynccontextmanager
async def _served(html: str) -> AsyncIterator[str]:
    """Serves the page; from an address of this machine, it may use the microphone and ask other ports here."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
