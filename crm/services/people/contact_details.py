"""Which numbers and email addresses may be on a person's card: their own, but none that belong to the office or a
portal.

Everything that stores them checks here. Colleagues are told why something is refused; what strangers sent is dropped
silently, so that they cannot find out whose number it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, relays
from crm.domain.errors import Conflict, Invalid
from crm.edge import numbers
from crm.services.office import numbering
from crm.services.people.identity import who_is
from crm.store.models import Agent, Device, LeadSource, Line


def read_number(session: Session, config: Config, raw: str) -> str:
    """A person's number as it is stored (E.164). Raises Invalid, and Conflict for a colleague's."""
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise Invalid("That is not a phone number: write one like (512) 555-0100.", code="number_invalid")
    known = who_is(session, number)
    if known.is_line:
        raise Invalid("That is one of our own lines: name somebody else.", code="number_is_ours")
    if known.colleague:
        raise Conflict(f"That is the mobile of {known.colleague}, who works here.", code="number_is_colleagues")
    return number


def read_address(session: Session, config: Config, raw: str) -> str:
    """A person's email address as written; empty for none. Raises Invalid."""
    address = fields.email(raw)
    if is_relay(config, address):
        raise Invalid(
            "That is a portal's address, which only passes mail on: write the person's own.", code="address_is_relay"
        )
    if is_ours(session, config, address):
        raise Invalid("That is an email address of the office: write the person's own.", code="address_is_ours")
    return address


def own_number(session: Session, number: str | None) -> str | None:
    """A number (E.164), unless it is one of our lines or a colleague's mobile."""
    known = who_is(session, number)
    return None if known.is_line or known.colleague else known.number


def is_relay(config: Config, address: str) -> bool:
    """Whether an address is a portal's relay: it can be answered, but is not the person's own."""
    return relays.is_relay(address, config.mail.relay_domains)


def is_ours(session: Session, config: Config, address: str) -> bool:
    """Whether an email address is the office's own: one that we send from or read, an agent's, or that of a lead
    source."""
    return bool(ours(session, config, [address]))


def ours(session: Session, config: Config, addresses: Iterable[str]) -> set[str]:
    """Returns those of the addresses that are the office's own, in lower case."""
    asked = {address.lower() for address in addresses} - {""}
    if not asked:
        return set()
    found = our_mailboxes(config, asked)
    for ours in our_addresses(asked):
        found |= {one for one in session.scalars(ours) if one}
    return found


def our_mailboxes(config: Config, asked: Iterable[str]) -> set[str]:
    """Returns those of the addresses (lower case) that we send from or read."""
    mail = {config.mail.from_address.lower(), config.mail.incoming.address.lower()}
    return {one for one in asked if one and _without_tag(one) in mail}


def our_addresses(asked: Collection[str]) -> Iterator[Select[Any]]:
    """Selects those of the addresses (lower case) that are an agent's or a lead source's."""
    agents = func.lower(Agent.email)
    yield select(agents).where(agents.in_(asked))
    yield select(LeadSource.address).where(LeadSource.address.in_(asked))


def our_numbers(asked: Collection[str]) -> Iterator[Select[Any]]:
    """Selects those of the numbers (E.164) that are our lines or colleagues' mobiles."""
    yield select(Line.number).where(Line.number.in_(asked))
    yield select(Device.number).where(Device.number.in_(asked))


def _without_tag(address: str) -> str:
    """Replies go to leads+TOKEN@, which is the mailbox leads@."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"
