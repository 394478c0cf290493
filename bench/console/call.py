"""From a caller's key to the INVITE at the phone, with many browsers that watch and look around and a file with all
leads going out again and again, and without. Both take turns in one run; browsers are a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from ari_app import supervisor
from bench.call.offices import Office, office, until
from bench.call.probe import probe
from bench.call.rig import RTP
from bench.console.events import watch_console
from bench.console.figure import Figure
from bench.data import insert_rows, number_of
from crm.context import Crm
from crm.domain.access import Role
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.store.models import Interest, Lead, LeadPhone, Property
from crm.web.console import cookies
from crm.web.console.app import frame_of

AGENTS = 40
LEADS = 10_000
TURN = 10
"""Calls in a row with browsers, and then without."""
GOAL = 1.2
STARTS_SECONDS = 180.0
LOOK_SECONDS = 10.0
"""How long somebody looks at a page before they open the next one."""
PAGES = ("/", "/recent", "/leads", "/inbox", "/tasks?whose=everybody", "/tours")


async def figures(browsers: int, calls: int) -> list[Figure]:
    spent: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch:
        async with office(Path(scratch) / "office", AGENTS, rtp=RTP) as house:
            fill(house.crm)
            cookie = signed_in(house.crm, browsers)
            async with (
                house.running_asterisk(0),
                house.running_app(),
                running_web(house),
                probe(house) as one,
                crowd(house, cookie) as browse,
            ):
                for _ in range(3):
                    await one.key_to_invite(house.lines[0])
                with_browsers = False
                while min(map(len, spent.values())) < calls:
                    with_browsers = not with_browsers
                    await browse(with_browsers)
                    for _ in range(TURN):
                        spent[with_browsers].append(await one.key_to_invite(house.lines[0]) * 1000)
                    await until(lambda: house.behind(house.calls()) <= 0, "the calls are on record")
    what = f"key to INVITE with {browsers} browsers and a file going out, beside without"
    return [Figure(what, spent[True], GOAL, control=spent[False], is_ratio=True)]


def fill(crm: Crm) -> None:
    """As many leads as make a file that goes out for a while."""
    now, ids = datetime.now(UTC), range(1, LEADS + 1)
    with crm.store.writing() as session:
        first = session.scalars(select(Property.id).order_by(Property.id)).first()
        about = {"property_id": first, "stage": "contacted", "stage_since": now, "updated_at": now}
        known = {"status": "in_progress", "source": "sign", "created_at": now}
        insert_rows(session, Lead, ({"id": n, "name": f"Person {n}", **known} for n in ids))
        insert_rows(session, LeadPhone, ({"lead_id": n, "number": number_of(n)} for n in ids))
        insert_rows(session, Interest, ({"lead_id": n, **about} for n in ids))


def signed_in(crm: Crm, browsers: int) -> list[str]:
    by = By("bench", datetime.now(UTC))
    with crm.store.writing() as session:
        tokens = []
        for number in range(browsers):
            account = accounts.add(
                session, by, f"person{number}", "Robin Roe", Role.ADMIN if not number else Role.AGENT
            )
            made = sessions.begin(session, crm.config, by.now, account.id, address="127.0.0.1", browser="bench")
            tokens.append(made)
    return [f"{cookies.name(frame_of(crm))}={token}" for token in tokens]


@contextlib.asynccontextmanager
async def running_web(house: Office) -> AsyncIterator[None]:
    web = supervisor.children(house.config)[2]
    await web.start()
    try:
        async with asyncio.timeout(STARTS_SECONDS):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", house.config.ports.console)
                    writer.close()
                    break
                await asyncio.sleep(0.1)
        yield
    finally:
        await web.stop()


@contextlib.asynccontextmanager
async def crowd(house: Office, cookie: list[str]) -> AsyncIterator[Any]:
    """Yields what lets the browsers come and go."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.console.call", str(house.config.ports.console)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert started.stdin
    assert started.stdout
    to, said = started.stdin, started.stdout

    async def browse(is_there: bool) -> None:
        to.write(b"come\n" if is_there else b"go\n")
        assert await asyncio.wait_for(said.readline(), 120), "the browsers have crashed"

    to.write(json.dumps(cookie).encode() + b"\n")
    try:
        yield browse
    finally:
        started.terminate()
        await started.wait()


# --- the browsers' process ---


async def browse(port: int) -> None:
    reader = asyncio.StreamReader(limit=1 << 22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    cookie: list[str] = json.loads(await reader.readline())
    there: list[asyncio.Task[None]] = []
    while line := await reader.readline():
        for task in there:
            task.cancel()
        await asyncio.gather(*there, return_exceptions=True)
        there = []
        if line == b"come\n":
            there = [asyncio.create_task(watch(port, one)) for one in cookie]
            there += [asyncio.create_task(look_around(port, one, number)) for number, one in enumerate(cookie)]
            there.append(asyncio.create_task(export(port, cookie[0])))
            # They are in the middle of it.
            await asyncio.sleep(2)
        if broken := [task for task in there if task.done()]:
            broken[0].result()
        print("so", flush=True)


async def watch(port: int, cookie: str) -> None:
    browser = await watch_console(port, cookie, "")
    try:
        await browser.read()
    finally:
        browser.writer.close()


async def look_around(port: int, cookie: str, number: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Cookie": cookie}, timeout=60) as http:
        # One after the other, and not all at the same moment.
        await asyncio.sleep(LOOK_SECONDS * (number % 50) / 50)
        while True:
            answer = await http.get(PAGES[number % len(PAGES)])
            assert answer.status_code == 200, (PAGES[number % len(PAGES)], answer.status_code)
            number += 1
            await asyncio.sleep(LOOK_SECONDS)


async def export(port: int, cookie: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Cookie": cookie}, timeout=120) as http:
        csrf = (await http.get("/leads/new")).text.partition('name="csrf" value="')[2].partition('"')[0]
        while True:
            headers = {"Sec-Fetch-Site": "same-origin"}
            async with http.stream("POST", "/leads/export", data={"csrf": csrf}, headers=headers) as answer:
                assert answer.status_code == 200, answer.status_code
                async for _ in answer.aiter_bytes():
                    pass


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("port", type=int)
    asyncio.run(browse(options.parse_args().port))
