"""An office that the voice agent can talk about: three properties with homes, terms, tours and answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from crm.config import Config
from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.listings import answers, homes, profiles
from crm.services.office import properties
from crm.services.talks.facts import TalkOf
from crm.services.tours import times
from crm.store.models import Line, Organization, Property
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talking import Talk

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
OFFICE_LINE, ELM_LINE = "+15125550100", "+15125550101"
CALLER = "+15125550123"
TERMS = {
    "city": "Austin",
    "state": "tx",
    "postal_code": "78701",
    "fees": "application 50 per applicant; admin 150",
    "utilities": "water, trash",
    "parking": "lot, covered",
    "laundry": "on-site",
    "lease_months": "6, 12",
}


@dataclass
class TalkOffice:
    store: Store
    config: Config
    ids: dict[str, int]
    """Of listings, by property and unit."""

    def by(self, at: datetime = NOW) -> By:
        return By("alice", at)

    def call(self, line: str = OFFICE_LINE, caller: str | None = CALLER, **more: object) -> Talk:
        """A talk that has begun."""
        call = msgspec.convert({"did": line, "caller": caller, **more}, TalkOf)
        return Talk(self.store, self.config, call, NOW).begin()

    def answer(self, slug: str | None, topic: str, text: str, language: str = "en") -> None:
        self.store.run_blocking(answers.give, self.by(), slug, topic, text, language, despite="the owner's words")

    def add(self, slug: str, unit: str, **cells: str) -> int:
        made = self.store.run_blocking(homes.add, self.by(), slug, unit, {"bathrooms": "1", **cells})
        self.store.run_blocking(homes.publish, self.config, self.by(), [made.id])
        self.ids[f"{slug} {unit}"] = made.id
        return made.id

    def add_property(self, slug: str, name: str, street: str, area: str = "", **cells: str) -> None:
        self.store.run_blocking(properties.add, self.by(), slug, name=name)
        self.describe(slug, street, area, **cells)

    def describe(self, slug: str, street: str, area: str = "", **cells: str) -> None:
        self.store.run_blocking(profiles.change, self.by(), slug, {**TERMS, "street": street, **cells})
        self.store.run_blocking(profiles.publish, self.by(), slug)


def talk_office(shared: Shared, config: Config) -> TalkOffice:
    """In the store, which the test asks for, too."""
    return TalkOffice(shared.store, with_site(config), dict(shared.fill(three_properties)))


def with_site(config: Config) -> Config:
    return msgspec.structs.replace(
        config, site=msgspec.structs.replace(config.site, public_url="https://homes.example.com")
    )


def three_properties(store: Store) -> dict[str, int]:
    """Returns the ids of listings, by property and unit."""
    with store.writing() as session:
        session.add(Organization(name="Oak Homes", listings_url="https://oak.example.com"))
        elm = Property(slug="elm", name="Elm Court", area="Riverside")
        maple = Property(slug="maple", name="Maple Court", area="Riverside")
        birchwood = Property(slug="birchwood", name="Birchwood", area="Northside")
        session.add_all([elm, maple, birchwood])
        session.flush()
        session.add_all(
            [
                Line(number=OFFICE_LINE, label="Office", source="website"),
                Line(number=ELM_LINE, label="Elm sign", source="sign", property=elm),
            ]
        )
    # Nothing is written to its home.
    office = TalkOffice(store, with_site(Config(Path("nowhere"))), {})
    dogs = "2 cats, monthly 25; 1 dogs, up to 50 lb, deposit 300, monthly 35"
    office.describe("elm", "12 Elm Street", pets=dogs, accessibility="step-free, elevator")
    office.describe("maple", "30 Maple Avenue", pets="2 cats")
    office.describe("birchwood", "7 Birchwood Lane", pets="none", fees="", laundry="in-home")
    office.add("elm", "101", bedrooms="1", rent="1290", deposit="600", available_on="2026-03-01", square_feet="640")
    office.add("elm", "204", bedrooms="2", rent="1640", deposit="800", available_on="2026-04-15", square_feet="910")
    office.add("maple", "1", bedrooms="0", rent="985", deposit="500", available_on="2026-03-10")
    office.add("maple", "2", bedrooms="2", rent="1450", available_on="2026-03-10")
    office.add("birchwood", "9", bedrooms="3", rent="2250", deposit="1200")
    store.run_blocking(
        times.set_hours, office.by(), "elm", ["mon-sat 10:00-16:00"], kind=TourKind.ACCOMPANIED, minutes=30
    )
    return office.ids
