"""Creating a home: the folder of one Leaseline system."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import phonenumbers
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from crm import config as settings
from crm.config import Config
from crm.config.ranges import HIGHEST_PORT, LOWEST_PORT
from crm.domain import fields
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.secrets import Secrets
from crm.services import report_schedules
from crm.services.audit import By
from crm.services.system import copies, directory
from crm.store import migrate
from crm.store.session import Store

SETTINGS = "leaseline.toml"

# What an interrupted attempt may have left; the next attempt continues from there.
_OURS = {"secrets.json", "secrets.json.lock", "secrets.json.new", "leaseline.toml.new", settings.NODE}
_OUR_DATABASE = "leaseline.db"


async def create(
    home: Path,
    by: By,
    *,
    name: str,
    listings_url: str = "",
    ports_from: int | None = None,
    region: str = "US",
    timezone: str = "America/Chicago",
    database: str = "",
) -> Config:
    """Creates a home with settings, secrets, a migrated database, the office and its admin agent.

    `database` is the URL of an empty PostgreSQL database; without it, the database is a SQLite file in the home.

    The settings file is written last: a home without it is unfinished, and the next attempt completes it. Raises
    Conflict for a folder that is already a home or contains something else, Invalid for impossible settings.
    """
    _refuse_before_anything_is_made(home, name, listings_url)
    region = _known_region(region)
    if ports_from is not None and not LOWEST_PORT <= ports_from <= HIGHEST_PORT:
        raise Invalid(
            f"Ports cannot begin at {ports_from}: choose one from {LOWEST_PORT} to {HIGHEST_PORT}.",
            code="ports_from_invalid",
            lowest=LOWEST_PORT,
            highest=HIGHEST_PORT,
        )
    if database:
        check_database_url(database)
    text = settings.template(ports_from, region, fields.timezone(timezone), database)
    config = Config(home=home, region=region, timezone=timezone, database=settings.Database(url=database))
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        for folder in config.folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        unfinished = home / f"{SETTINGS}.new"
        unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CrmError(
            f"{home} cannot be written ({error.strerror}).", code="home_not_written", home=str(home)
        ) from error
    secrets = Secrets(config.secrets_file)
    for secret in directory.SYSTEM_SECRETS:
        secrets.ensure(secret)
    await asyncio.to_thread(migrate.upgrade, config.database_url)
    store = Store(config.database_url)
    try:
        await store.run(directory.create_office, by, name, listings_url)
        await store.run(report_schedules.begin, config, by)
    finally:
        store.close()
    unfinished.replace(home / SETTINGS)
    copies.held(config)  # Records where this home is.
    return settings.load(home)


def check_database_url(url: str) -> None:
    """Raises Invalid for a URL that does not name PostgreSQL."""
    try:
        is_right = url.startswith(("postgresql://", "postgresql+psycopg://")) and bool(make_url(url).database)
    except (ArgumentError, ValueError):
        is_right = False
    if not is_right:
        raise Invalid(
            "The database's URL has to name PostgreSQL, e.g. postgresql://user@host/leaseline.",
            code="database_url_invalid",
        )


def _refuse_before_anything_is_made(home: Path, name: str, listings_url: str) -> None:
    try:
        there = set(os.listdir(home))
    except FileNotFoundError:
        there = set()
    except OSError as error:
        raise Conflict(
            f"{home} cannot be a home ({error.strerror}).", code="home_impossible", home=str(home)
        ) from error
    if SETTINGS in there:
        raise Conflict(f"There is already a Leaseline home at {home}.", code="home_exists", home=str(home))
    folders = {folder.name for folder in Config(home=home).folders}
    if foreign := {entry for entry in there - _OURS - folders if not entry.startswith(_OUR_DATABASE)}:
        raise Conflict(f"{home} contains something else ({min(foreign)!a}).", code="home_holds_other", home=str(home))
    directory.check_office(name, listings_url)


def _known_region(raw: str) -> str:
    region = raw.upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid(
            f"{raw[:20]!a} is not a country: write its two letters (ISO 3166), such as US.", code="country_invalid"
        )
    return region
