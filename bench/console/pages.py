"""What a page of the console takes of the server with 100,000 leads and 1,000,000 timeline entries.

Requests go to the real application in this process, without the network; the time is that of the wall, and what this
process computed meanwhile, which says more on a machine that does much else. The numbers beside the sections are
counted for the first page, as in an office in which nothing changes meanwhile. Pages are asked for by somebody who sees
the whole office and by somebody who sees one property; then again while a file with all leads goes out. The first page
is opened by a real browser that has nothing of ours yet, over loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from playwright.async_api import async_playwright
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from asterisk_conf import programs
from bench.console.figure import Figure
from bench.data import DAYS, Size, fill
from bench.leads import BEGINNINGS, ENDINGS, TALKS, enrich
from crm.config import Config, Database
from crm.config.file import port_block as ports_from
from crm.context import Crm
from crm.domain.access import Role
from crm.secrets import Secrets
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.store import migrate
from crm.store import statistics as planner
from crm.store.models import Interest, Property
from crm.store.session import Store
from crm.web.app import serving
from crm.web.console import cookies
from crm.web.console.app import build, frame_of, looks_of
from crm.web.console.board import Board
from tests.postgres import running_postgres
from tests.system import port_block

PAGES = {
    "leads": "/leads",
    "leads, far down": "/leads?after={after}",
    "leads, open": "/leads?status=open",
    "leads, red and hot": "/leads?light=red&type=hot",
    "leads, by stage": "/leads?stage=showing_booked",
    "leads, by property": "/leads?property={property}",
    "leads, overdue": "/leads?overdue=yes",
    "leads, by part of a name": "/leads?q={name}",
    "leads, by words": "/leads?q={talk}",
    "lead": "/leads/{lead}",
    "lead's timeline": "/leads/{lead}/timeline",
    "listings": "/listings",
    "board": "/",
    "recent": "/recent",
    "missed": "/missed?whose=everybody",
    "inbox": "/inbox",
    "tours": "/tours",
    "voicemail": "/voicemail",
    "routing": "/routing",
    "proposals": "/leads/proposals",
    "settings": "/settings/agents",
    "tasks": "/tasks?whose=everybody",
}
"""Each with another lead, name or time in every request."""
GOAL = 20
"""Milliseconds, 99th percentile."""
FIRST_GOAL = 200


async def person(crm: Crm, app: Any, role: Role, *properties: str) -> httpx.AsyncClient:
    """Somebody who has signed in."""
    name = f"{role}-{len(properties)}"

    def sign_in(session: Any) -> str:
        by = By("bench", crm.now())
        account = accounts.add(session, by, name, name, role, property_slugs=properties)
        return sessions.begin(session, crm.config, by.now, account.id, address="192.0.2.1", browser="bench")

    token = await crm.store.run(sign_in)
    url = f"http://127.0.0.1:{crm.config.ports.console}"
    kept = {cookies.name(frame_of(crm)): token}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url, cookies=kept)


async def measured(
    http: httpx.AsyncClient, leads: list[int], slugs: list[str], now: datetime, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """By page: milliseconds of the wall, and of this process, for each request."""
    chance = random.Random(5)
    found: dict[str, list[tuple[float, float]]] = {}
    for name, path in PAGES.items():
        found[name] = []
        for number in range(rounds + 1):
            at = now - timedelta(days=DAYS * chance.random())
            where = path.format(
                after=quote(f"{at.isoformat()}/{chance.choice(leads)}"),
                property=chance.choice(slugs),
                name=chance.choice(BEGINNINGS) + chance.choice(ENDINGS),
                talk=chance.choice(TALKS),
                lead=chance.choice(leads),
            )
            wall, cpu = time.perf_counter(), time.process_time()
            answer = await http.get(where)
            spent = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
            if answer.status_code == 403:
                # What is the whole office's is not for who sees a part of it.
                break
            assert answer.status_code == 200, (where, answer.status_code)
            # The first one compiles the template and the statements.
            if number:
                found[name].append(spent)
    return {name: spent for name, spent in found.items() if spent}


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextlib.asynccontextmanager
async def exporting(http: httpx.AsyncClient, found: dict[str, float]) -> AsyncIterator[None]:
    """A file with all leads goes out, again and again."""

    async def go_on() -> None:
        page = (await http.get("/leads/new")).text
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        headers = {"Sec-Fetch-Site": "same-origin"}
        while True:
            began = time.perf_counter()
            async with http.stream("POST", "/leads/export", data={"csrf": csrf}, headers=headers) as answer:
                assert answer.status_code == 200, answer.status_code
                size = sum([len(part) async for part in answer.aiter_bytes()])
            found.update({"seconds": time.perf_counter() - began, "MB": size / 1e6})

    task = asyncio.create_task(go_on())
    try:
        yield
        if not found:
            await asyncio.wait([task], timeout=120)
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error


async def measure(crm: Crm, now: datetime, rounds: int) -> dict[str, Any]:
    with crm.store.reading() as session:
        slugs = list(session.scalars(select(Property.slug).order_by(Property.id)))
        of_first = select(Interest.lead_id).join(Property).where(Property.slug == slugs[0]).limit(5000)
        few = list(session.scalars(of_first))
        everybody = list(session.scalars(select(Interest.lead_id).distinct().limit(50_000)))
    board = Board(crm, looks_of(crm))
    app = build(crm, board)
    export: dict[str, float] = {}
    async with (
        running(board.counts.run()),
        await person(crm, app, Role.ADMIN) as whole,
        await person(crm, app, Role.MANAGER, slugs[0]) as narrow,
    ):
        found = {
            "whole office": await measured(whole, everybody, slugs, now, rounds),
            "one property": await measured(narrow, few, slugs[:1], now, rounds),
        }
        async with exporting(whole, export):
            found["while a file goes out"] = await measured(whole, everybody, slugs, now, max(rounds // 4, 10))
    return {"pages": found, "export": export}


async def figures(leads: int, rounds: int, browsers: int, *, postgres: bool) -> list[Figure]:
    size = Size(leads, leads * 3 // 2, leads * 3 // 2, 0, 0)
    where, now = "PostgreSQL" if postgres else "SQLite", datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = Config(
            folder / "home", ports=ports_from(stack.enter_context(port_block())), timezone="America/Chicago"
        )
        if postgres:
            server = stack.enter_context(running_postgres())
            server.run_sql("CREATE DATABASE large")
            config = msgspec.structs.replace(config, database=Database(url=server.url("large")))
        for made in config.folders:
            made.mkdir(parents=True)
        migrate.upgrade(config.database_url)
        store = Store(config.database_url)
        stack.callback(store.close)
        fill(store, size, now)
        enrich(store, size, now)
        store.run_blocking(planner.renew)
        # What filling has left is not collected in the middle of a page.
        gc.collect()
        gc.freeze()
        crm = Crm(config, store, Secrets(config.secrets_file), lambda: datetime.now(UTC))
        found = await measure(crm, now, rounds)
        first = await first_pages(crm, browsers)
    show(found["pages"], where, size)
    by_page = {
        f"{name}, {whose}": [wall for wall, _ in spent]
        for whose in ("whole office", "one property")
        for name, spent in found["pages"][whose].items()
    }
    slowest = max(by_page, key=lambda name: sorted(by_page[name])[len(by_page[name]) * 99 // 100])
    of = f"page, server time with {leads:,} leads"
    return [
        Figure(f"{of}, all", [one for walls in by_page.values() for one in walls], GOAL),
        Figure(f"{of}, slowest: {slowest}", by_page[slowest], GOAL),
        Figure("first page over loopback, until it is loaded", first, FIRST_GOAL),
    ]


async def first_pages(crm: Crm, browsers: int) -> list[float]:
    """Milliseconds from asking for the board to the end of loading, in browsers that have nothing of ours."""

    def sign_in(session: Session) -> str:
        by = By("bench", crm.now())
        account = accounts.add(session, by, "first", "Robin Roe", Role.MANAGER)
        return sessions.begin(session, crm.config, by.now, account.id, address="127.0.0.1", browser="bench")

    token = await crm.store.run(sign_in)
    board = Board(crm, looks_of(crm))
    url = f"http://127.0.0.1:{crm.config.ports.console}"
    spent: list[float] = []
    async with (
        running(board.counts.run()),
        serving(crm.config, build(crm, board), "console"),
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(
            executable_path=programs.chromium(),
            args=["--disable-gpu"],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        for number in range(browsers + 1):
            context = await browser.new_context(base_url=url)
            await context.add_cookies([{"name": cookies.name(frame_of(crm)), "value": token, "url": url}])
            page = await context.new_page()
            await page.goto("/")
            took: float = await page.evaluate('performance.getEntriesByType("navigation")[0].loadEventEnd')
            if number:
                spent.append(took)
            await context.close()
        await browser.close()
    return spent


def show(found: dict[str, Any], where: str, size: Size) -> None:
    out = Console(width=120)
    for whose, pages in found.items():
        table = Table(f"{where}, {size.leads:,} leads; {whose}; ms", "median", "p99", "computed", "p99", f"goal {GOAL}")
        for name, spent in pages.items():
            walls, computed = (sorted(one) for one in zip(*spent, strict=True))
            of = [
                statistics.median(walls),
                walls[len(walls) * 99 // 100],
                statistics.median(computed),
                computed[len(computed) * 99 // 100],
            ]
            table.add_row(name, *(f"{one:.1f}" for one in of), "" if of[1] <= GOAL else "missed")
        out.print(table)
