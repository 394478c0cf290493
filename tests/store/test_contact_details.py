"""A colleague's mobile, our line, an address of the office or of a portal goes on nobody's card, whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config, MailIn, MailSettings, Site
from crm.context import Crm
from crm.domain.applications import Step
from crm.domain.errors import CrmError
from crm.domain.pasted import PastedAddress
from crm.services.applications import invitations, online
from crm.services.applications.invitations import InvitedHome
from crm.services.applications.links import ApplicationLink
from crm.services.applications.online import Beginning
from crm.services.arrivals import forms, posts
from crm.services.arrivals.forms import FormKind, SentForm
from crm.services.audit import By
from crm.services.people import intake, lead_lists, leads, suggestions
from crm.services.people.list_lookups import ListLine
from crm.store.models import Agent, ArrivalRecord, Device, Lead, LeadEmail, LeadPhone, LeadSource, Property, Suggestion
from crm.store.session import Store
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
MOBILE, LINE = "+15125550155", "+15125550101"
NUMBERS = (MOBILE, LINE)
STAFF, SENDER, TOKEN, PORTAL = (
    "Bob@oak.example.com",
    "office@oak.example.com",
    "leads+k3jx@oak.example.com",
    "zillow@leads.example.com",
)
ADDRESSES = (STAFF, SENDER, TOKEN, PORTAL)
RELAYS = ("a1@convo.zillow.com", "a2@mail.portal.example")
YOU = {"name": "Pat Smith", "email": "pat@example.com", "phone": "", "move_in": "2026-04-01", "lease_months": ""}


@pytest.fixture
def crm(store: Store, tmp_path: Path) -> Crm:
    mail = MailSettings(
        from_address=SENDER, relay_domains=("portal.example",), incoming=MailIn(address="leads@oak.example.com")
    )
    config = Config(tmp_path / "home", mail=mail, site=Site(public_url="https://homes.example.com"))
    config.home.mkdir()
    with store.writing() as session:
        bob = session.scalars(select(Agent).where(Agent.slug == "bob")).one()
        bob.email = STAFF
        bob.devices.append(Device(slug="bob-mobile", kind="mobile", number=MOBILE))
        session.add(LeadSource(slug="zillow", name="Zillow", token_hash="0" * 64, address=PORTAL, created_at=NOW))
    return crm_at(config, store)


@dataclass
class Card:
    """What the cards say."""

    numbers: set[str]
    addresses: set[str]
    relays: set[str]
    mail_goes_to: set[str]


def cards(store: Store) -> Card:
    with store.reading() as session:
        emails = session.execute(select(LeadEmail.address, LeadEmail.is_relay)).all()
        return Card(
            set(session.scalars(select(LeadPhone.number))),
            {address for address, is_relay in emails if not is_relay},
            {address for address, is_relay in emails if is_relay},
            set(session.scalars(select(Lead.email).where(Lead.email != ""))),
        )


def lead_of_pat(crm: Crm) -> int:
    lead, _ = crm.store.run_blocking(leads.add, crm.config, BY, name="Pat")
    return lead.id


# --- people are told ---


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("door", ["add", "change", "lead of", "suggestion"])
def test_a_number_of_the_office_is_refused_with_the_reason(crm: Crm, store: Store, number: str, door: str) -> None:
    run, config = crm.store.run_blocking, crm.config
    id = lead_of_pat(crm)
    acts: dict[str, Callable[[], object]] = {
        "add": lambda: run(leads.add, config, BY, name="Kim", phones=(number,)),
        "change": lambda: run(leads.change, config, BY, id, add_phone=number),
        "lead of": lambda: run(intake.lead_of, config, number, NOW),
        "suggestion": lambda: run(suggestions.take, config, BY, [suggested(store, id, number)]),
    }
    with pytest.raises(CrmError) as refused:
        acts[door]()
    assert refused.value.code in ("number_is_ours", "number_is_colleagues")
    assert cards(store).numbers == set()


def suggested(store: Store, lead_id: int, number: str) -> int:
    """As it was when the number was not the office's yet."""
    with store.writing() as session:
        one = Suggestion(
            key="c1:number",
            lead_id=lead_id,
            call_id=None,
            field="number",
            value=number,
            words="call me",
            second=1,
            state="open",
            created_at=NOW,
        )
        session.add(one)
        session.flush()
        return one.id


@pytest.mark.parametrize("address", [*ADDRESSES, *RELAYS])
@pytest.mark.parametrize("door", ["add", "change", "lead of", "invite"])
def test_an_address_of_the_office_or_a_portal_is_refused_with_the_reason(
    crm: Crm, store: Store, address: str, door: str
) -> None:
    run, config = crm.store.run_blocking, crm.config
    id = lead_of_pat(crm)
    people = [PastedAddress(address, "", address.lower())]
    acts: dict[str, Callable[[], object]] = {
        "add": lambda: run(leads.add, config, BY, name="Kim", email=address),
        "change": lambda: run(leads.change, config, BY, id, email=address),
        "lead of": lambda: run(intake.lead_of, config, address, NOW),
        "invite": lambda: invitations.invite_all(crm, BY, people, InvitedHome(property="maple")),
    }
    with pytest.raises(CrmError) as refused:
        acts[door]()
    assert refused.value.code in ("address_is_ours", "address_is_relay", "invitations_wrong")
    card = cards(store)
    assert (card.addresses, card.mail_goes_to) == (set(), set())


@pytest.mark.parametrize("address", [*ADDRESSES, *RELAYS])
def test_of_a_list_a_portals_address_is_kept_as_such_and_a_line_with_ours_is_named(
    crm: Crm, store: Store, address: str
) -> None:
    line = ListLine(2, [], {"name": "Kim", "emails": address})
    planned = crm.store.read_blocking(lead_lists.plan, crm.config, BY, [line], "list.csv")
    taken = crm.store.run_blocking(lead_lists.take, crm.config, BY, [line], planned, "list.csv")
    is_relay = address in RELAYS
    assert (len(taken.rejected), taken.added) == ((0, 1) if is_relay else (1, 0))
    assert cards(store) == Card(set(), set(), {address} if is_relay else set(), set())


# --- strangers are not ---


def form(crm: Crm, **who: str) -> None:
    sent = SentForm(kind=FormKind.QUESTION, key=f"f{who}"[:60], name="Pat", message="Is it free?", **who)  # type: ignore[arg-type]
    crm.store.run_blocking(forms.accept, crm.config, crm.secrets, BY, sent)


def application(crm: Crm, **who: str) -> None:
    def begin(session, config: Config) -> int:  # type: ignore[no-untyped-def]
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
        sent = Beginning(key=f"a{who}"[:60], answers={**YOU, **who}, property_id=maple, fee="")
        return online.begin(session, config, crm.secrets, BY, sent)

    crm.store.run_blocking(begin, crm.config)


def later_step(crm: Crm, **who: str) -> None:
    """The number is given later than at the first step."""

    def begin(session, config: Config) -> None:  # type: ignore[no-untyped-def]
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
        id = online.begin(session, config, crm.secrets, BY, Beginning(key="late", answers=YOU, property_id=maple))
        browser = ApplicationLink(id, False, 2**40)
        online.save(session, config, BY, browser, Step.YOU, {**YOU, "phone": who["phone"]})
        application = online.opened(session, browser)
        online._complete_lead(session, config, application)

    crm.store.run_blocking(begin, crm.config)


def post(crm: Crm, **who: str) -> None:
    raw = {"kind": "application/json", "body": msgspec.json.encode({"name": "Pat", "message": "Hi", **who}).decode()}

    def receive(session, config: Config) -> None:  # type: ignore[no-untyped-def]
        record = ArrivalRecord(
            key=f"p{who}"[:60], channel="post", raw=raw, parser="", parser_version=0, received_at=NOW, problem=""
        )
        session.add(record)
        session.flush()
        posts.receive(session, config, record, posts.opened(config, raw), NOW)

    crm.store.run_blocking(receive, crm.config)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("door", [form, application, later_step, post])
def test_a_number_of_the_office_that_a_stranger_writes_is_left_out(
    crm: Crm, store: Store, number: str, door: Callable[..., None]
) -> None:
    if door in (form, post):
        door(crm, phone=number, email="pat@example.com")
    else:
        door(crm, phone=number)
    assert cards(store) == Card(set(), {"pat@example.com"}, set(), {"pat@example.com"})


@pytest.mark.parametrize("address", [*ADDRESSES, *RELAYS])
@pytest.mark.parametrize("door", [form, application, post])
def test_an_address_of_the_office_that_a_stranger_writes_is_left_out_and_a_portals_is_a_way_to_answer(
    crm: Crm, store: Store, address: str, door: Callable[..., None]
) -> None:
    door(crm, phone="(512) 555-0188", email=address)
    relays = {address} if address in RELAYS else set()
    assert cards(store) == Card({"+15125550188"}, set(), relays, set())
