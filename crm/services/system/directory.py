"""The office as a whole: the company that this system serves, and a demo office and portfolio to try it with."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.access import Role
from crm.domain.errors import Conflict, NotFound
from crm.domain.imports import ListKind
from crm.domain.tours import TourKind
from crm.secrets import Secrets, of_trunk
from crm.services import audit
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.phones import answering, devices, trunks
from crm.services.system import imports
from crm.services.tours import times
from crm.store.models import Agent, Device, Hours, Line, Location, Organization, Property, Subteam, Trunk

ADMIN = "admin"
"""The agent who owns everything that has no other owner, until another one is named with `leaseline agent set SLUG
--admin`."""

SYSTEM_SECRETS = ("ari", "ami", "ami_watch", "agi")
"""Passwords between the app and Asterisk."""

DEMO_PORTFOLIO = Path(__file__).parents[2] / "demo" / "portfolio"
"""Lists as in any import: properties of two portfolios in two time zones, with units, people and lines."""
DEMO_LINES = ("+15125550100", "+15125550101")
DEMO_AGENTS = ("alice", "bob", "carol")
DEMO_NAME = "Demo Leasing Office"
DEMO_TRUNK = "demo"
DEMO_USER = trunks.endpoint(DEMO_TRUNK)
"""Digest user of the demo trunk. Asterisk finds the peer of an authenticated call by the endpoint with that name."""


def check_office(name: str, listings_url: str) -> tuple[str, str]:
    """Both as stored. Raises Invalid."""
    return fields.text(name, "name", 200, required=True), fields.url(listings_url, "listings URL")


def create_office(session: Session, by: By, name: str, listings_url: str = "") -> None:
    """Creates the company and its admin agent, who is not on duty. Does nothing if there is an office already."""
    name, listings_url = check_office(name, listings_url)
    if session.scalar(select(Organization)):
        return
    admin = session.scalar(select(Agent).where(Agent.slug == ADMIN))
    if admin is None:
        admin = Agent(slug=ADMIN, name="Office admin", on_duty=False)
        session.add(admin)
        session.flush()
    session.add(Organization(name=name, listings_url=listings_url, admin_agent_id=admin.id))
    audit.record(session, by, f"office {name} created")


def change_office(
    session: Session,
    config: Config,
    by: By,
    *,
    name: str | None = None,
    listings_url: str | None = None,
    answering_service: str | None = None,
    manages_for_owners: bool | None = None,
) -> None:
    """Changes what is given; an answering service of "" removes it. Raises NotFound if there is no office yet, Invalid,
    and DialRefused for a number that may not be dialed."""
    office = session.scalar(select(Organization))
    if office is None:
        raise NotFound("This home has no office yet.", code="office_missing")
    office.name, office.listings_url = check_office(
        office.name if name is None else name, office.listings_url if listings_url is None else listings_url
    )
    if answering_service is not None:
        office.answering_service = answering.checked(session, config, answering_service)
    if manages_for_owners is not None:
        office.manages_for_owners = manages_for_owners
    audit.record(session, by, f"office {office.name} changed")


def organization(session: Session) -> Organization | None:
    return session.scalar(select(Organization))


def load_demo(session: Session, config: Config, secrets: Secrets, by: By) -> None:
    """Loads the demo office, all or nothing. Loading it again changes only a trunk whose port is different now.

    The office is open at all times, so that it can be tried at night, too. All numbers are fictional (+1 512 555 01xx).
    Raises Conflict for an office that has lines or devices of its own.
    """
    trunk = session.scalar(select(Trunk).where(Trunk.slug == DEMO_TRUNK))
    if trunk is not None:
        trunk.port = config.ports.demo
    else:
        if session.scalar(select(Line)) or session.scalar(select(Device)):
            raise Conflict("This office has lines or devices of its own.", code="demo_office_in_use")
        office = session.scalar(select(Organization))
        if office is None:
            office = Organization(name="")
            session.add(office)
        office.name, office.listings_url = DEMO_NAME, "https://demo.example/homes"

        admin = session.scalar(select(Agent).where(Agent.slug == ADMIN))
        admin = admin or Agent(slug=ADMIN, name="Office admin", on_duty=False)
        alice = Agent(slug="alice", name="Alice", extension="101", on_duty=True)
        bob = Agent(slug="bob", name="Bob", extension="102", on_duty=True)
        carol = Agent(slug="carol", name="Carol", extension="103", on_duty=True)
        property = Location(
            slug="office",
            address="100 Elm Street, Austin, TX 78701 (not a real one)",
            callback_number="+15125550100",
        )
        for agent, slug, kind in (
            (alice, "alice-desk", "desk"),
            (bob, "bob-desk", "desk"),
            (carol, "carol-soft", "softphone"),
        ):
            agent.devices.append(Device(slug=slug, kind=kind, location=property))

        north = Subteam(slug="north", name="North team", strategy="ring_all", members=[alice, bob])
        south = Subteam(slug="south", name="South team", strategy="round_robin", members=[carol])
        elm = Property(
            slug="elm", name="Elm Street Apartments", subteam=north, listings_url="https://demo.example/elm-street"
        )
        lakeside = Property(
            slug="lakeside", name="Lakeside Homes", subteam=south, listings_url="https://demo.example/lakeside"
        )
        session.add_all((admin, alice, bob, carol, north, south, elm, lakeside))
        session.add_all(
            (
                Line(number=DEMO_LINES[0], label="Elm Street sign", source="sign", property=elm),
                Line(number=DEMO_LINES[1], label="Lakeside website", source="website", property=lakeside),
            )
        )
        if not session.scalar(select(Hours)):
            session.add_all(Hours(weekday=day, opens="00:00", closes="24:00") for day in range(7))
        session.add(
            Trunk(
                slug=DEMO_TRUNK,
                host="127.0.0.1",
                port=config.ports.demo,
                transport="udp",
                auth="digest",
                addresses=[],
                username=DEMO_USER,
                register=False,
                enabled=True,
            )
        )
        session.flush()
        office.admin_agent_id = office.admin_agent_id or admin.id
        audit.record(session, by, "demo office loaded")
    secrets.ensure(of_trunk(DEMO_TRUNK))
    for slug in session.scalars(select(Device.slug)):
        secrets.ensure(devices.secret_name(slug))


def add_demo_accounts(session: Session, by: By) -> None:
    """Lets the demo office's agents sign in to the console, once somebody makes links for them. Accounts that are there
    stay as they are."""
    there = Agent.slug.in_(DEMO_AGENTS), Agent.retired_at.is_(None)
    for slug in session.scalars(select(Agent.slug).where(*there).order_by(Agent.slug)).all():
        if accounts.find(session, slug) is None and not accounts.has_agent(session, slug):
            accounts.add(session, by, slug, slug.title(), Role.AGENT, agent=slug)


def offer_demo_tours(session: Session, by: By) -> None:
    """Lets callers of the demo office book tours."""
    for slug in ("elm", "lakeside"):
        times.set_hours(session, by, slug, ["mon-sun 09:00-18:00"], kind=TourKind.SELF_GUIDED, minutes=30)


def load_portfolio(
    session: Session, config: Config, secrets: Secrets, by: By, progress: imports.Progress | None = None
) -> list[imports.Imported]:
    """Imports the demo portfolio, all or nothing; doing so again changes nothing. All numbers are fictional (555 01xx).

    Raises Conflict for an office with lines of its own.
    """
    lists = imports.read(DEMO_PORTFOLIO)
    ours = {row.values["number"] for row in lists.rows[ListKind.LINES]}
    numbers = set(session.scalars(select(Line.number)))
    if session.scalar(select(Trunk).where(Trunk.slug == DEMO_TRUNK)):
        ours |= set(DEMO_LINES)
    if numbers - ours:
        raise Conflict(
            "This office has lines of its own: load the demo portfolio into another home.", code="demo_lines_in_use"
        )
    return imports.write(session, config, secrets, by, lists, progress=progress)
