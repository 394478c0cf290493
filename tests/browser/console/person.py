"""Somebody at the console with a browser, and what it complains of meanwhile."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, ViewportSize

from crm.domain.access import Role
from tests.browser.console.desk import Desk

PHONE: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 768, "height": 1024}
"""Held upright, or a window beside another one."""
TABLET_ACROSS: ViewportSize = {"width": 1024, "height": 768}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
SMALLEST: ViewportSize = {"width": 320, "height": 640}
"""What content has to fit without scrolling sideways (WCAG 2.2, 1.4.10)."""
SECONDS = 30
"""That a step may take, for a machine that does much else."""

SHOTS = os.environ.get("SHOTS")


async def shoot(page: Page, name: str) -> None:
    """Keeps a picture of the whole page, if a folder for them is named."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name.replace(' ', '-')}.png", full_page=True)


@dataclass
class Person:
    desk: Desk
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the browser's console, and requests to anybody else."""
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def page(
        self, role: Role | None, size: ViewportSize = DESKTOP, *, language: str = "en", scripts: bool = True
    ) -> Page:
        """An empty page in a browser of its own, signed in; with None as role, not signed in."""
        is_phone = size["width"] < 500
        context = await self.browser.new_context(
            base_url=self.desk.url,
            viewport=size,
            has_touch=is_phone,
            is_mobile=is_phone,
            java_script_enabled=scripts,
            locale={"en": "en-US", "es": "es-US"}[language],
        )
        context.set_default_timeout(SECONDS * 1000)
        if role is not None:
            await self.desk.let_in(context, role, language)
        self._contexts.append(context)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._asked)
        return await context.new_page()

    async def leave(self) -> None:
        for context in self._contexts:
            await context.close()
        assert not self.complaints, "\n".join(self.complaints)

    def _heard(self, message: ConsoleMessage) -> None:
        # That a page's own status is not 200 is no mistake of the page; the tests look at the status.
        opened = message.page.url if message.page else ""
        of_page = message.text.startswith("Failed to load resource") and message.location["url"] == opened
        if message.type in ("error", "warning") and not of_page:
            self.complaints.append(f"{opened}: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url)[:2] != urlsplit(self.desk.url)[:2] and not request.url.startswith(("data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")
