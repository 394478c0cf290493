"""The phone in the console's own page, in the Chromium of the tests, which has a microphone that beeps."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from asterisk_conf import programs
from crm.domain.access import Role
from crm.edge.own_certificate import OwnCertificate
from crm.services.access import accounts, sessions
from crm.web.app import serving
from crm.web.console.app import build, looks_of
from crm.web.console.board import Board
from tests.system import System
from tests.web_phone import FLAGS, browser_of_all

ENERGY_OF_SPEECH = 0.0005
KEPT = """
window.connections = []
window.sockets = []
window.rung = 0
const play = HTMLMediaElement.prototype.play
HTMLMediaElement.prototype.play = function () { window.rung += this.loop ? 1 : 0; return play.call(this) }
window.sinks = []
const send = HTMLMediaElement.prototype.setSinkId
HTMLMediaElement.prototype.setSinkId = function (id) { window.sinks.push(id); return send.call(this, id) }
window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...told) { super(...told); window.connections.push(this) }
}
window.WebSocket = class extends WebSocket {
    constructor(...told) { super(...told); window.sockets.push(this) }
}
"""
"""Keeps what the page opens, for the tests to look at."""
ENERGY = """
async () => {
    const stats = await window.connections.at(-1)?.getStats()
    let energy = 0
    for (const one of stats?.values() ?? []) if (one.type === "inbound-rtp") energy += one.totalAudioEnergy ?? 0
    return energy
}
"""
PANEL = '[data-part="panel"]'
THROTTLED_AFTER = 5
"""Seconds until Chromium takes a hidden page for one that has been hidden for long: it has five minutes otherwise."""
UNTHROTTLED = (
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
"""What Playwright starts Chromium with, and nobody else: it makes hidden pages run as fast as those that are seen."""
SOON_THROTTLED = (
    f"--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/{THROTTLED_AFTER},"
    f"QuickIntensiveWakeUpThrottlingAfterLoading:grace_period_seconds_loaded/{THROTTLED_AFTER}"
)
TICKS = """() => {
    const tick = () => { window.ticked = performance.now(); setTimeout(tick, 100) }
    tick()
}"""


@dataclass
class PagePhone:
    """A browser of an agent's; `page` is the tab that was opened last."""

    system: System
    agent: str
    device: str
    url: str
    browser: Browser
    context: BrowserContext
    account_id: int
    page: Page = field(init=False)
    complaints: list[str] = field(default_factory=list)
    _frozen: list[int] = field(default_factory=list)

    async def opens(self, path: str = "/tasks") -> Page:
        """Opens another tab."""
        self.page = await self.context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda one: self.complaints.append(one.text) if one.type == "error" else None)
        await self.page.goto(self.url + path)
        return self.page

    async def switch_on(self) -> None:
        """Presses the bell, and says where they are."""
        await self.page.locator('[data-do="bell"]').click()
        await self.is_ready()
        place = self.page.locator('dialog[data-part="place"]')
        await place.wait_for(state="visible")
        await place.locator('[data-do="shut"]').click()

    async def is_ready(self, page: Page | None = None) -> None:
        await (page or self.page).locator('lease-phone[data-line="ready"]').wait_for()
        await self.system.until(lambda: self.system.is_online(self.device), f"{self.device} online")

    def calls(self, state: str = "", page: Page | None = None) -> Any:
        """The calls that a page shows."""
        return (page or self.page).locator(
            f'[data-call][data-state="{state}"]' if state else "[data-call]:not([data-call=''])"
        )

    async def press(self, what: str, page: Page | None = None) -> None:
        await self.opens_panel(page)
        await (page or self.page).locator(f'{PANEL} [data-do="{what}"]:visible').first.click()

    async def rings(self, page: Page | None = None) -> None:
        await self.calls("ringing", page).wait_for()

    async def talks(self, page: Page | None = None) -> None:
        await self.calls("talking", page).wait_for()

    async def answers(self, page: Page | None = None) -> None:
        await self.rings(page)
        await self.press("answer", page)
        await self.talks(page)

    async def opens_panel(self, page: Page | None = None) -> None:
        """By the bell, unless a call has opened it."""
        if not await (page or self.page).locator(PANEL).is_visible():
            await (page or self.page).locator('[data-do="bell"]').click()

    async def dial(self, number: str, page: Page | None = None) -> None:
        await self.opens_panel(page)
        await (page or self.page).locator(f'{PANEL} [data-part="to"]').fill(number)
        await (page or self.page).locator(f'{PANEL} form[data-do="dial"] button[type="submit"]').click()

    async def is_free(self, page: Page | None = None) -> None:
        # After 32 s a timer of SIP ends what was never acknowledged, so whoever waits longer learns nothing.
        await expect(self.calls(page=page)).to_have_count(0, timeout=25_000)

    async def hears(self, page: Page | None = None) -> float:
        """How much sound has come in its latest call, in Chromium's measure of energy."""
        return float(await (page or self.page).evaluate(ENERGY))

    async def hears_something(self, page: Page | None = None) -> None:
        before = await self.hears(page)

        async def is_so() -> bool:
            return await self.hears(page) > before + ENERGY_OF_SPEECH

        await self.system.until(is_so, f"{self.agent} hears something in the page")

    async def is_told(self, text: str, page: Page | None = None) -> None:
        """Waits until the page says something about a call."""
        await self.calls(page=page).locator('[data-part="told"]').get_by_text(text).wait_for()

    async def drops_connection(self, page: Page | None = None) -> None:
        """Cuts the WebSocket under the phone, which may open another one."""
        await (page or self.page).evaluate("window.sockets.at(-1).close()")

    async def freeze(self, kind: str = "renderer") -> None:
        """Stops the pages' processes, as a system does with tabs that it has no time for; "": all of the browser's, as
        when the machine sleeps."""
        self._frozen = await self._processes(kind)
        for process in self._frozen:
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._frozen:
            os.kill(process, signal.SIGCONT)
        self._frozen = []

    async def hide(self) -> None:
        """Minimizes the window, in a browser that `can_hide`."""
        await self._window("minimized")
        assert await self.page.evaluate("document.visibilityState") == "hidden"

    async def hide_for_long(self) -> None:
        """Hides it, outside of a talk, and waits until timers run once a minute at most."""
        await self.page.evaluate(TICKS)
        await self.hide()

        async def is_throttled() -> bool:
            return bool(await self.page.evaluate("performance.now() - window.ticked > 10_000"))

        await self.system.until(is_throttled, "the page's timers hardly run any more", seconds=90)

    async def show(self) -> None:
        await self._window("normal")
        assert await self.page.evaluate("document.visibilityState") == "visible"

    async def _window(self, state: str) -> None:
        session = await self.context.new_cdp_session(self.page)
        window = (await session.send("Browser.getWindowForTarget"))["windowId"]
        await session.send("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": state}})
        await session.detach()

    async def kill(self) -> None:
        """Ends the browser as a crash does."""
        for process in await self._processes():
            os.kill(process, signal.SIGKILL)

    async def crash(self) -> None:
        """Ends the processes of its pages, as a fault in one does; the browser goes on, and says what happened."""
        async with self.page.expect_event("crash"):
            for process in await self._processes("renderer"):
                os.kill(process, signal.SIGKILL)

    async def _processes(self, kind: str = "") -> list[int]:
        session = await self.browser.new_browser_cdp_session()
        found = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        await session.detach()
        return [one["id"] for one in found if kind in ("", one["type"])]


@asynccontextmanager
async def console(system: System, port: int = 0, **settings: Any) -> AsyncIterator[str]:
    """The system's console, in the test's process, on its own port unless another is given; yields its URL."""
    config = system.config
    own = msgspec.structs.replace(config.console, **settings)
    ports = msgspec.structs.replace(config.ports, console=port or config.ports.console)
    config = msgspec.structs.replace(config, console=own, ports=ports)
    certificate = OwnCertificate(config) if own.has_certificate else None
    crm = dataclasses.replace(system.crm, config=config)
    board = Board(crm, looks_of(crm))
    following = asyncio.create_task(board.run())
    try:
        async with serving(config, build(crm, board), "console", certificate):
            yield f"{'https' if own.has_certificate else 'http'}://127.0.0.1:{config.ports.console}"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def signed_in(system: System, agent: str) -> tuple[str, int]:
    """A session's token, and the account's id."""
    with system.store.writing() as session:
        name = f"{agent}-{system.new_number()[-4:]}"
        account = accounts.add(session, system.by, name, agent.title(), Role.AGENT, agent=agent)
        now = system.crm.now()
        token = sessions.begin(session, system.config, now, account.id, address="127.0.0.1", browser="test")
        return token, account.id


def cookie_of(url: str) -> str:
    """Name of the cookie that has the token, at a console's URL."""
    at = urlsplit(url)
    return "__Host-leaseline" if at.scheme == "https" else f"leaseline-{at.port}"


@asynccontextmanager
async def page_phone(
    system: System,
    url: str,
    agent: str = "alice",
    *,
    is_on: bool = True,
    flags: tuple[str, ...] = (),
    can_hide: bool = False,
    program: Path | None = None,
) -> AsyncIterator[PagePhone]:
    """An agent who has signed in, and whose page is a phone that is registered."""
    token, account_id = signed_in(system, agent)
    async with contextlib.AsyncExitStack() as own:
        if can_hide:
            browser, context = await _that_can_hide(await own.enter_async_context(async_playwright()), [*FLAGS, *flags])
            own.push_async_callback(browser.close)
        else:
            if flags or program:
                playwright = await own.enter_async_context(async_playwright())
                browser = await _launched(playwright, [*FLAGS, *flags], program=program)
                own.push_async_callback(browser.close)
            else:
                browser = await browser_of_all(system)
            # The tests' certificate is vouched for by nobody.
            # A picture that moves while it rings would take a fifth of a core.
            context = await browser.new_context(
                permissions=["microphone"], ignore_https_errors=True, reduced_motion="reduce"
            )
            own.push_async_callback(context.close)
        context.set_default_timeout(60_000)
        await context.add_init_script(KEPT)
        told = {"name": cookie_of(url), "value": token, "url": url, "secure": url.startswith("https:")}
        await context.add_cookies([{**told, "httpOnly": True, "sameSite": "Lax"}])  # type: ignore[typeddict-item]
        phone = PagePhone(system, agent, f"{agent}-web", url, browser, context, account_id)
        own.callback(phone.thaw)
        await phone.opens()
        if is_on:
            await phone.switch_on()
        yield phone
    await system.until(lambda: system.is_offline(phone.device), f"{phone.device} offline")


async def _that_can_hide(playwright: Playwright, flags: list[str]) -> tuple[Browser, BrowserContext]:
    """Playwright makes all pages of a browser that it has started believe that they are seen, but not those of one that
    it finds running: it is started by the one way and used by the other. There, what comes in calls is not played until
    the page may use the microphone, although the browser lets it without being asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = [*flags, SOON_THROTTLED, f"--remote-debugging-port={port}"]
    await _launched(playwright, flags, without=UNTHROTTLED)
    browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
    [context] = browser.contexts
    await context.grant_permissions(["microphone"])
    return browser, context


async def _launched(
    playwright: Playwright, flags: list[str], without: Sequence[str] = (), program: Path | None = None
) -> Browser:
    return await playwright.chromium.launch(
        executable_path=program or programs.chromium(),
        args=flags,
        ignore_default_args=list(without),
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
    )


async def hears_the_beeps(system: System, phone: Softphone) -> None:
    """Chromium's own microphone beeps once a second."""
    before = len(_heard(phone))
    await system.until(
        lambda: bool((np.abs(_heard(phone)[before:]) > listening.LOUD).any()), f"{phone.user} hears beeps", pause=0.2
    )


def _heard(phone: Softphone) -> listening.Sound:
    try:
        return listening.read(phone.heard)
    except (FileNotFoundError, EOFError):
        return np.zeros(0)


async def both_are_heard(system: System, phone: PagePhone, other: Softphone) -> None:
    await hears_the_beeps(system, other)
    await other.say(system.config.prompt("whisper_keys", "en"))
    await phone.hears_something()
