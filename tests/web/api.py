"""The API's real application behind the real server, on loopback, and programs that use it with keys."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Api as ApiSettings
from crm.config import Config, Ports
from crm.context import Crm
from crm.secrets import Secrets
from crm.services.access import keys
from crm.services.audit import By
from crm.store.models import Agent, Line, Organization, Property, Subteam
from crm.store.session import Store
from crm.web.api.app import ROOT, ApiServer
from crm.web.app import serving
from tests.web.filled import fill

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("dana", NOW)
ALL = tuple(keys.Scope)


@dataclass
class Program:
    """A program with a key of its own."""

    http: httpx.AsyncClient
    key: str

    async def __call__(self, method: str, path: str, status: int | None = 200, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        answer = await self.http.request(method, f"{ROOT}{path}", headers=headers, **options)
        assert status is None or answer.status_code == status, (answer.status_code, answer.text)
        return answer

    async def get(self, path: str, expected: int = 200, **query: Any) -> Any:
        answer = await self("GET", path, expected, params=query)
        return answer.json() if answer.content else None

    async def post(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        return (await self("POST", path, status, json=body, headers=headers)).json()

    async def patch(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        return (await self("PATCH", path, status, json=body, headers=headers)).json()


@dataclass
class Office:
    """An office of two properties, elm of the north's and oak of the south's, and its API."""

    crm: Crm
    api: ApiServer
    http: httpx.AsyncClient
    now: datetime = NOW

    def key(self, name: str, *scopes: str, **sees: Any) -> Program:
        """A program with a new key; with all scopes when none are given."""
        with self.crm.store.writing() as session:
            _, whole = keys.add(session, By("dana", self.now), name, scopes or ALL, **sees)
        return Program(self.http, whole)

    def rows(self, of: type) -> list[Any]:
        with self.crm.store.reading() as session:
            return list(session.scalars(select(of).order_by(of.id)).all())


@contextlib.asynccontextmanager
async def running_api(folder: Path, database: Path, *, is_empty: bool = True, **settings: Any) -> AsyncIterator[Office]:
    """`database` is a migrated one, of which a copy is used; unless it `is_empty`, it was made by this before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = Config(folder / "home", ports=Ports(api=port), timezone="America/Chicago", api=ApiSettings(**settings))
    if is_empty:
        fill(config, database, two_properties)
    else:
        for made in config.folders:
            made.mkdir(parents=True)
        shutil.copy(database, config.home / "leaseline.db")
    crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), lambda: found.now)
    api = ApiServer(crm)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        found = Office(crm, api, http)
        async with serving(config, api.build(), "api"):
            yield found
    crm.store.close()


def two_properties(config: Config) -> None:
    store = Store(config.database_url)
    with store.writing() as session:
        _found_office(session)
    store.close()


def _found_office(session: Session) -> None:
    dana, alice, bob = (
        Agent(slug=name, name=name.title(), email=f"{name}@example.com") for name in ("dana", "alice", "bob")
    )
    session.add_all([dana, alice, bob])
    session.flush()
    north = Subteam(slug="north", name="North", members=[alice])
    south = Subteam(slug="south", name="South", members=[bob])
    elm = Property(slug="elm", name="Elm Street", subteam=north)
    oak = Property(slug="oak", name="Oak Court", subteam=south)
    session.add_all(
        [
            Organization(name="Maple & Sons", admin_agent_id=dana.id),
            Line(number="+15125550100", label="Elm", property=elm, source="elm-sign"),
            Line(number="+15125550101", label="Oak", property=oak, source="oak-sign"),
        ]
    )
