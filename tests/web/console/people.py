"""People who have signed in to the console of the demo office, as browsers without scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from crm.context import Crm
from crm.domain.access import Role
from crm.services.access import accounts, passwords, sessions
from crm.services.audit import By
from crm.web.console import cookies
from crm.web.console.app import frame_of

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("test", NOW)
PASSWORD = "seven green teapots"
ADDRESS = "192.0.2.7"


@dataclass
class Person:
    """A browser, signed in or not."""

    crm: Crm
    http: httpx.AsyncClient
    name: str = ""

    async def open(self, path: str, status: int = 200, **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(
        self, path: str, status: int = 303, *, of: str | None = None, csrf: str | None = None, **fields: Any
    ) -> httpx.Response:
        """Sends a form as the page `of` (by default any page) would."""
        if csrf is None:
            csrf = self.csrf(await self.open(of or "/account-of-nobody", 200 if of else 404))
        answer = await self.http.post(path, data={"csrf": csrf, **fields}, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == status, answer.text
        return answer

    @staticmethod
    def csrf(page: str) -> str:
        found = re.findall('name="csrf" value="([0-9a-f]+)"', page)
        return str(found[0]) if found else ""


@dataclass
class ConsoleOffice:
    crm: Crm
    app: Any
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self) -> Person:
        """Nobody has signed in with it."""
        url = f"http://127.0.0.1:{self.crm.config.ports.console}"
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=url)
        self._clients.append(client)
        return Person(self.crm, client)

    def person(
        self,
        role: Role = Role.ADMIN,
        *,
        agent: str | None = None,
        properties: Sequence[str] = (),
        language: str = "en",
    ) -> Person:
        """Somebody new who has signed in."""
        found = self.browser()
        found.name = f"person{len(self._clients)}"
        with self.crm.store.writing() as session:
            account = accounts.add(
                session,
                By("test", self.crm.now()),
                found.name,
                found.name.title(),
                role,
                agent=agent,
                property_slugs=properties,
                language=language,
            )
            token = sessions.begin(
                session, self.crm.config, self.crm.now(), account.id, address=ADDRESS, browser="test"
            )
        found.http.cookies.set(cookies.name(frame_of(self.crm)), token)
        return found

    def with_password(self, name: str = "dana", role: Role = Role.ADMIN) -> None:
        """An account that somebody can sign in with, by PASSWORD."""
        with self.crm.store.writing() as session:
            account = accounts.add(session, By("test", self.crm.now()), name, name.title(), role)
            account.password = passwords.hashed(PASSWORD)

    def rows(self, of: type) -> list:
        with self.crm.store.reading() as session:
            return list(session.query(of).order_by(of.id).all())

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
