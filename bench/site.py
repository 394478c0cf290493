"""What a page of the public site takes with 10,000 homes on offer, beside a bare page of the same bytes.

The site runs in a process of its own on one core, and what asks for its pages on another one. Each page takes turns
with a control: a Starlette application behind the same server that holds the page's bytes ready. `script/bench site`.
The table is also left as JSON in bench/results.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psutil
from PIL import Image
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bench.data import insert_rows
from crm.config import Config, Database, Ports
from crm.config import Site as SiteSettings
from crm.context import Crm
from crm.domain.listings import Home, Picture, Words
from crm.edge import pictures
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import pictures as shown
from crm.services.listings import profiles
from crm.store import migrate
from crm.store import statistics as planner
from crm.store.models import ContentVersion, Line, Listing, Organization, Property, Subteam, Unit
from crm.store.queries.listings import stored
from crm.store.session import Store
from crm.web.app import serving
from crm.web.site.app import build
from crm.web.site.looks import HEADERS
from tests.postgres import running_postgres

RESULTS = Path(__file__).parent / "results"
PROPERTIES = 40
PAGES = {
    "list": "/",
    "list in Spanish": "/es",
    "list, far down": "/?after=2400.00-1",
    "two bedrooms": "/?bedrooms=2",
    "dogs, by a date, up to a rent": "/?pets=dogs&by={soon}&up_to=2500",
    "one property": "/?property=p07&bedrooms=1",
    "a filter nobody asked for before": "/?up_to={new}",
    "home": "/homes/{home}",
    "property": "/properties/p07",
}
"""{new} is another number and {home} another home in each request."""
ALONE = 100
"""Requests of a round that have the server to themselves."""
GOALS = {"requests a second": 300, "first byte, ms": 50, "kB": 30}


def fill(store: Store, config: Config, count: int, now: datetime) -> None:
    """An office with `count` homes that are public, each with its own words and a picture."""
    by, chance = By("bench", now), random.Random(3)
    source = config.home / "kitchen.jpg"
    Image.new("RGB", (1600, 1200), (120, 160, 140)).save(source)
    taken = pictures.take_in(source, config.pictures_folder)
    picture = Picture(taken.hash, {"en": "Kitchen", "es": "Cocina"})
    with store.writing() as session:
        team = Subteam(slug="north", name="North")
        session.add(Organization(name="Maple Homes"))
        shown.recorded(session, by, taken)
        for n in range(PROPERTIES):
            property = Property(slug=f"p{n:02}", name=f"Property {n}", subteam=team)
            session.add_all([property, Line(number=f"+1512555{100 + n:04}", label="Line", property=property)])
            session.flush()
            address = {"street": f"{n} Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"}
            profiles.change(session, by, property.slug, {**address, "pets": "2 cats; 1 dogs", "text_en": "A house."})
            profiles.publish(session, by, property.slug)
    with store.writing() as session:
        numbers = range(1, count + 1)
        offers = {n: _home(n, picture, now, chance) for n in numbers}
        units = (
            {"id": n, "property_id": 1 + n % PROPERTIES, "name": str(n), "bedrooms": home.bedrooms, "bathrooms": 1}
            for n, home in offers.items()
        )
        insert_rows(session, Unit, units)
        insert_rows(
            session,
            Listing,
            (
                {
                    "id": n,
                    "unit_id": n,
                    "property_id": 1 + n % PROPERTIES,
                    "latest": 1,
                    "published": 1,
                    "rent": home.rent,
                    "bedrooms": home.bedrooms,
                    "available_on": home.available_on,
                    "created_at": now,
                }
                for n, home in offers.items()
            ),
        )
        said = {"version": 1, "made_at": now, "made_by": "bench"}
        insert_rows(
            session, ContentVersion, ({"listing_id": n, "content": stored(home), **said} for n, home in offers.items())
        )
    store.run_blocking(planner.renew)


def _home(n: int, picture: Picture, now: datetime, chance: random.Random) -> Home:
    rooms = chance.randrange(4)
    words = {
        "en": Words(headline=f"Bright home number {n}", text="By the park. " * 20, concession="One month free"),
        "es": Words(headline=f"Vivienda luminosa número {n}", text="Junto al parque. " * 20),
    }
    return Home(
        bedrooms=rooms,
        bathrooms=Decimal(1),
        square_feet=400 + 200 * rooms,
        rent=Decimal(chance.randrange(700, 4000)),
        available_on=now.date() + timedelta(days=chance.randrange(-20, 90)),
        words=words,
        pictures=(picture,),
    )


# --- the two servers ---


def settings(home: Path, port: int, database: str = "") -> Config:
    return Config(
        home,
        database=Database(url=database),
        ports=Ports(site=port),
        site=SiteSettings(public_url="https://homes.example.com", requests_per_minute=10**9),
        timezone="America/Chicago",
    )


def bare(pages: dict[str, str]) -> ASGIApp:
    """A page per path, whose bytes are at hand."""

    async def page(request: Request) -> Response:
        return HTMLResponse(pages[request.path_params["name"]], headers=HEADERS)

    return Starlette(routes=[Route("/{name}", page)])


async def serve(home: Path, port: int, what: str) -> None:
    """`what` is a file of pages, or else the site's database."""
    config = settings(home, port, what)
    if what.endswith(".json"):
        app = bare(json.loads(Path(what).read_text()))
    else:
        app = build(Crm(config, Store(config.database_url), Secrets(config.secrets_file), lambda: datetime.now(UTC)))
    async with serving(config, app, "site") as task:
        print("ready", flush=True)
        await task


@contextlib.contextmanager
def server(core: int, home: Path, port: int, what: str) -> Iterator[psutil.Process]:
    words = [sys.executable, "-m", "bench.site", "--serve", str(home), str(port), what]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise SystemExit("The server did not start.")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


# --- whoever asks ---


class Connection:
    """Kept open, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def get(self, path: str) -> tuple[float, bytes]:
        """Seconds until the first byte, and the page."""
        began = time.perf_counter()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        first = await self._reader.readexactly(1)
        waited = time.perf_counter() - began
        head = first + await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"{path}: {head[:60]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r")[0])
        return waited, await self._reader.readexactly(length)


async def connect(port: int) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def measure(process: psutil.Process, port: int, paths: list[str], connections: int) -> dict[str, float]:
    """Each path once: most of them over several connections for how many, the last ones over one for how soon."""
    clients = [await connect(port) for _ in range(connections)]
    many, alone = paths[:-ALONE], paths[-ALONE:]
    left = iter(many)

    async def ask(client: Connection) -> None:
        for path in left:
            await client.get(path)

    before, began = process.cpu_times(), time.perf_counter()
    await asyncio.gather(*(ask(client) for client in clients))
    took, after = time.perf_counter() - began, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    waits = sorted([(await clients[0].get(path))[0] for path in alone])
    return {
        "a second": len(many) / took,
        "a second of CPU": len(many) / cpu,
        "first byte, median": statistics.median(waits),
        "first byte, p99": waits[len(waits) * 99 // 100],
    }


def paths_of(pattern: str, count: int, of: int, now: datetime, chance: random.Random) -> list[str]:
    soon = (now.date() + timedelta(days=30)).isoformat()
    return [
        pattern.format(soon=soon, new=chance.randrange(100_000, 400_000) / 100, home=chance.randrange(1, of + 1))
        for _ in range(count)
    ]


async def measured(home: Path, database: str, count: int, rounds: int, requests: int, now: datetime) -> dict[str, Any]:
    port, other, chance = 18092, 18094, random.Random(5)
    found: dict[str, Any] = {}
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with server(cores[0], home, port, database) as ours:
        client = await connect(port)
        texts = {name: (await client.get(paths_of(of, 1, count, now, chance)[0]))[1] for name, of in PAGES.items()}
        names = {name: f"n{number}" for number, name in enumerate(PAGES)}
        pages = home / "pages.json"
        pages.write_text(json.dumps({names[name]: text.decode() for name, text in texts.items()}))
        with server(cores[0], home, other, str(pages)) as control:
            for name, pattern in PAGES.items():
                ran: dict[str, list[dict[str, float]]] = {"site": [], "control": []}
                for _ in range(rounds):
                    asked = paths_of(pattern, requests, count, now, chance)
                    ran["site"].append(await measure(ours, port, asked, 8))
                    ran["control"].append(await measure(control, other, [f"/{names[name]}"] * requests, 8))
                found[name] = {
                    whose: {what: statistics.median(one[what] for one in some) for what in some[0]}
                    for whose, some in ran.items()
                }
                found[name]["kB"] = len(texts[name]) / 1000
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=600, help="of each page in a round")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own, instead of SQLite")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        home, port, what = options.serve
        asyncio.run(serve(Path(home), int(port), what))
        return
    now = datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = f"sqlite:///{home}/leaseline.db"
        if options.postgres:
            own = stack.enter_context(running_postgres())
            own.run_sql("CREATE DATABASE site")
            database = own.url("site")
        config = settings(home, 0, database)
        for folder in config.folders:
            folder.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(config.database_url)
        store = Store(config.database_url)
        stack.callback(store.close)
        fill(store, config, options.homes, now)
        found = asyncio.run(measured(home, database, options.homes, options.rounds, options.requests, now))
    table = Table("page", "requests/s of a core", "control", "requests/s", "first byte ms, p99", "kB")
    for name, of in found.items():
        ours, control = of["site"], of["control"]
        table.add_row(
            name,
            f"{ours['a second of CPU']:,.0f}",
            f"{control['a second of CPU']:,.0f}",
            f"{ours['a second']:,.0f}",
            f"{ours['first byte, median'] * 1000:.1f}, {ours['first byte, p99'] * 1000:.1f}",
            f"{of['kB']:.1f}",
        )
    console = Console(width=110)
    console.print(table)
    console.print(f"Goals: {', '.join(f'{goal} {what}' for what, goal in GOALS.items())}.")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"site-{'postgresql' if options.postgres else 'sqlite'}-{now:%Y%m%d-%H%M%S}.json"
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
    report = {"date": now.isoformat(timespec="seconds"), "machine": machine, "homes": options.homes, "found": found}
    path.write_bytes(msgspec.json.format(json.dumps(report).encode(), indent=1) + b"\n")
    console.print(str(path.relative_to(Path.cwd())))


if __name__ == "__main__":
    main()
