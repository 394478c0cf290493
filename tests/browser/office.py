"""The demo office's public site on loopback, with homes that are hard to lay out beside its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from crm.config import Config, Ports
from crm.config import Site as SiteSettings
from crm.context import Crm
from crm.domain import applications as rules
from crm.domain.applications import Step
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services.applications import links, online
from crm.services.applications.online import Beginning, Signed
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.services.people import short_links
from crm.services.system import demo_listings, directory
from crm.services.tours import booking, times
from crm.services.tours import links as tour_links
from crm.store import migrate
from crm.store.models import Activity, Lead, LeadPhone, Property
from crm.store.session import Store
from crm.web.app import serving
from crm.web.site.app import build

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("test", NOW)
LONG = "The Residences at Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
UNITS = 20
"""Of the property that fills a page of the list, so that there is a second one."""

ANSWERS = {
    Step.HOUSEHOLD: {"people": "2", "adults-1-name": "Sam Lee", "pets-1-kind": "Cat", "pets-1-pounds": "9"},
    Step.HOMES: {"homes-1-street": "5 Oak Lane", "homes-1-city": "Austin", "homes-1-since": "04/2023"},
    Step.INCOME: {"sources-1-kind": "housing-voucher", "sources-1-monthly": "$1,400"},
}
APPLICATIONS: tuple[tuple[str, dict[Step, dict[str, str]]], ...] = (
    ("begun", {}),
    ("ready", ANSWERS),
    ("submitted", ANSWERS),
)


@dataclass
class Site:
    crm: Crm
    url: str
    """Without a slash at its end."""
    paths: dict[str, str]
    """The ends of links to applications: one just begun, one that is ready, one that was submitted; to a tour."""

    def invited(self, number: str) -> tuple[int, str]:
        """A lead, and the link to Elm Street that a text to them would hold."""
        with self.crm.store.writing() as session:
            lead = Lead(name="", created_at=NOW, phones=[LeadPhone(number=number)])
            session.add(lead)
            session.flush()
            elm = session.scalars(select(Property).where(Property.slug == "elm")).one()
            return lead.id, short_links.to_listings(session, self.crm.config, elm, lead.id, f"text:{number}", NOW)

    def timeline(self, lead_id: int) -> list[tuple[str, str]]:
        """Kind and text of each entry, as they were made."""
        with self.crm.store.reading() as session:
            found = select(Activity.kind, Activity.text).where(Activity.lead_id == lead_id).order_by(Activity.id)
            return [(kind, text) for kind, text in session.execute(found)]

    def at(self, offered: str) -> str:
        """A time as the office reads it, from what a form sends when it is chosen."""
        begins = datetime.fromisoformat(offered.partition("/")[0])
        return booking.in_words(begins, self.crm.config.tz, "en")


@contextlib.asynccontextmanager
async def running_site(folder: Path) -> AsyncIterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    # All visitors come from one address, and are faster than people.
    settings = SiteSettings(
        public_url=url,
        requests_per_minute=100_000,
        forms_per_hour=10_000,
        unflagged_per_hour=10_000,
        quickest_form_seconds=0,
    )
    config = Config(folder / "home", site=settings, ports=Ports(site=port), timezone="America/Chicago")
    for made in config.folders:
        made.mkdir(parents=True)
    migrate.upgrade(config.database_url)
    store, secrets = Store(config.database_url), Secrets(config.secrets_file)
    crm = Crm(config, store, secrets, lambda: NOW)
    _fill(crm)
    begun, ready, submitted = (_application(crm, name, steps) for name, steps in APPLICATIONS)
    paths = {"begun": begun, "ready": ready, "submitted": submitted, "tour": _tour(crm)}
    with store.writing() as session:
        online.submit(session, config, BY, links.read(secrets, submitted, NOW), Signed("Pat Smith", "Yes.", "1", ""))
    async with serving(config, build(crm), "site"):
        yield Site(crm, url, paths)
    store.close()


def _fill(crm: Crm) -> None:
    drawn = demo_listings.draw(crm.config)
    with crm.store.writing() as session:
        directory.load_demo(session, crm.config, crm.secrets, BY)
        demo_listings.load(session, crm.config, crm.secrets, BY, drawn)
        for elm in session.scalars(select(Property)):
            elm.listings_url = ""
        times.set_hours(session, BY, "elm", ["mon-fri 10:00-12:00"], kind=TourKind.ACCOMPANIED, minutes=60)
        times.set_hours(session, BY, "elm", ["sat 10:00-11:00"], kind=TourKind.REMOTE, minutes=60)
        session.add(Property(slug="long", name=LONG))
        session.flush()
        # What little there can be of a home, and what much there can be of its name.
        bare = {"rent": "2395.50", "deposit": "0", "bedrooms": "4", "bathrooms": "2.5"}
        address = {"street": "1 Long Way", "city": "Austin", "state": "TX", "postal_code": "78702"}
        profiles.change(session, BY, "long", address)
        profiles.publish(session, BY, "long")
        found = [homes.add(session, BY, "long", "Penthouse-Northwest-Corner-1200B", bare).id]
        for number in range(UNITS):
            unit = {"rent": str(2600 + number), "deposit": "0", "bedrooms": "2", "bathrooms": "1"}
            found.append(homes.add(session, BY, "long", str(number + 1), unit).id)
        homes.publish(session, crm.config, BY, found)


def _tour(crm: Crm) -> str:
    """The end of the link to a tour that is booked."""
    with crm.store.writing() as session:
        at = times.free(session, crm.config, "elm", NOW, kind=TourKind.ACCOMPANIED, limit=8)[-1].starts_at
        booked = booking.book(
            session, crm.config, crm.secrets, BY, person="+15125550179", property_slug="elm", at=at, key="browser"
        )
        return tour_links.path(crm.secrets, booked.tour.id, booked.tour.version, at).rpartition("/")[2]


def _application(crm: Crm, name: str, steps: dict[Step, dict[str, str]]) -> str:
    """The end of the link to an application in which these steps are filled in."""
    you = {"name": "Pat Smith", "email": f"{name}@example.com", "phone": "", "move_in": "2026-04-01"}
    with crm.store.writing() as session:
        beginning = Beginning(key=name, answers=rules.read(Step.YOU, you), listing_id=2, fee="50 per applicant")
        id = online.begin(session, crm.config, crm.secrets, BY, beginning)
        token = links.token(crm.config, crm.secrets, id, NOW, is_sent=True)
        link = links.read(crm.secrets, token, NOW)
        for step, answers in steps.items():
            saved = online.save(session, crm.config, BY, link, step, rules.read(step, answers), language="en")
            assert saved.problems == {}
    return token
