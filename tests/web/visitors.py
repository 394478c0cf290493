"""A visitor of the public site, as a browser without JavaScript, and what every page has to be."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
from PIL import Image
from sqlalchemy import select

from crm.config import Config, Site
from crm.context import Crm
from crm.domain.tours import TourKind
from crm.edge import pictures
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.services.listings import pictures as shown
from crm.services.tours import times
from crm.store.models import (
    Agent,
    Line,
    Organization,
    Property,
    Subteam,
)
from crm.store.session import Store
from crm.web.site.app import build
from tests.web.filled import fill

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("alice", NOW)
PUBLIC = "https://homes.example.com"
SITE = Site(public_url=PUBLIC, quickest_form_seconds=0)
"""Tests fill forms in more quickly than people."""
PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone)",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
}
"""Headers with which a person's browser opens a link."""


@dataclass
class Visitor:
    """A browser, and what it finds."""

    crm: Crm
    http: httpx.AsyncClient

    async def open(self, path: str, status: int = 200, **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(self, path: str, status: int = 200, *, key: str | None = None, **fields: str) -> str:
        """Opens a form, fills it in, and sends it."""
        if key is None:
            key = self.key(await self.open(path))
        answer = await self.http.post(path, data={"key": key, **fields}, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == status, answer.text
        return answer.text

    @staticmethod
    def key(page: str) -> str:
        return re.findall('name="key" value="([^"]+)"', page)[0]

    def rows(self, of: type) -> list:
        with self.crm.store.reading() as session:
            return list(session.scalars(select(of).order_by(of.id)).all())


class Wellformed(HTMLParser):
    """Complains about tags that are not closed in order, and collects ids and labels."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: set[str] = set()
        self.images_without_alt = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "radio", "checkbox"):
            self.fields.add(str(given.get("id")))
        if tag == "img" and not given.get("alt"):
            self.images_without_alt += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def check(page: str, language: str = "en") -> None:
    """What every page has to be."""
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.fields <= found.labelled, "every field has a label"
    assert found.images_without_alt == 0
    assert f'<html lang="{language}">' in page
    assert page.count("<h1") <= 1
    assert "<script" not in page.replace('<script type="application/ld+json">', "")
    assert " style=" not in page
    assert len(page.encode()) < 30_000


@contextlib.asynccontextmanager
async def visiting(tmp_path: Path, migrated: Path, site: Site = SITE) -> AsyncIterator[Visitor]:
    """Of an office with a property and two homes that are public."""
    config = Config(tmp_path / "home", site=site, timezone="America/Chicago")
    fill(config, migrated, public_homes)
    crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(crm)), base_url="http://127.0.0.1") as http:
        yield Visitor(crm, http)
    crm.store.close()


def public_homes(config: Config) -> None:
    store = Store(config.database_url)
    picture = config.home / "kitchen.jpg"
    Image.new("RGB", (1200, 900), (120, 160, 140)).save(picture)
    taken = pictures.take_in(picture, config.pictures_folder)
    picture.unlink()
    with store.writing() as session:
        alice = Agent(slug="alice", name="Alice", email="alice@example.com")
        team = Subteam(slug="north", name="North", members=[alice])
        elm = Property(slug="elm", name="Elm <Street>", subteam=team)
        session.add_all(
            [Organization(name="Maple & Sons"), elm, Line(number="+15125550100", label="Elm", property=elm)]
        )
        session.flush()
        cells = {"rent": "1450", "deposit": "500", "bedrooms": "2", "bathrooms": "1.5", "available_on": "2026-04-01"}
        more = {
            "headline_en": 'Bright <corner> "home"',
            "text_en": "By the park.\n</script><b>",
            "pets": "2 cats, monthly 25",
            "fees": "application 50 per applicant",
        }
        homes.add(session, BY, "elm", "204B", {**cells, **more})
        homes.add(session, BY, "elm", "9", {**cells, "rent": "990", "bedrooms": "0", "bathrooms": "1"})
        shown.recorded(session, BY, taken)
        homes.set_pictures(session, BY, 1, shown.added(taken, {"en": "Kitchen"}), taken)
        profiles.change(
            session, BY, "elm", {"street": "1 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"}
        )
        profiles.publish(session, BY, "elm")
        homes.publish(session, config, BY, [1, 2])
        times.set_hours(session, BY, "elm", ["mon-fri 09:00-12:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    store.close()
