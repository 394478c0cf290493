"""What a portal, or a person, tells when somebody asks about a home; and whose an email address can be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from crm.domain import fields
from crm.domain.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What was found. Everything is as it was written, in one line each but the message; empty: not said."""

    name: str = ""
    email: str = ""
    phone: str = ""
    message: str = ""
    source: str = ""
    """Where the portal says that it comes from."""
    listing: str = ""
    """Our own number of the listing, where a portal got it from us."""
    property_name: str = ""
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    about: tuple[tuple[str, str], ...] = ()
    """What else they wish, such as ("bedrooms", "2"), in the words of the timeline."""

    @property
    def names_somebody(self) -> bool:
        return bool(self.email or self.phone)


def with_defaults(one: Inquiry, other: Inquiry) -> Inquiry:
    """`one`, with what only `other` says."""
    missing = {name: getattr(other, name) for name in _TEXTS if not getattr(one, name)}
    return replace(one, **missing, about=one.about or other.about)


_TEXTS = tuple(name for name in Inquiry.__dataclass_fields__ if name != "about")

RELAYS = (
    "convo.zillow.com",
    "reply.craigslist.org",
    "hous.craigslist.org",
    "message.apartments.com",
    "messages.apartments.com",
    "messages.zumper.com",
    "reply.zumper.com",
    "reply.rent.com",
    "reply.hotpads.com",
    "reply.trulia.com",
    "reply.streeteasy.com",
    "reply.realtor.com",
    "privaterelay.appleid.com",
    "reply.facebook.com",
    "marketplace.facebook.com",
)
"""Domains of addresses that a portal passes on for as long as it likes: a way to answer, but nobody's own address."""


def is_relay(address: str) -> bool:
    """Whether an address is one that passes mail on."""
    domain = address.rpartition("@")[2].lower()
    return any(domain == relay or domain.endswith(f".{relay}") for relay in RELAYS)


_NOBODY = re.compile(
    r"(no[-_.]?reply|do[-_.]?not[-_.]?reply|donotreply|mailer-daemon|postmaster|notifications?|alerts?|bounces?)"
    r"([+._-].*)?@",
    re.IGNORECASE,
)


def is_nobody(address: str) -> bool:
    """Whether nobody reads mail to an address."""
    return bool(_NOBODY.match(address))


def usable(raw: str) -> str:
    """An address that can be kept, in lower case; empty for none."""
    try:
        address = fields.email(raw.strip().strip("<>").lower())
    except Invalid:
        return ""
    return "" if is_nobody(address) else address
