"""Domains whose addresses are a portal's: mail to them is passed on to somebody for as long as the portal likes. Pure.

They are a way to answer, and never the person's own address. A domain is here only if the portal says so, or mail that
it sends shows it; the office adds others (mail.relay_domains). Addresses that people make for themselves, such as
those of iCloud's Hide My Email, are their own: they hold until the person ends them, and reach nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable

RELAYS = {
    "convo.zillow.com": "Zillow: each renter's conversation with a listing has an address, and renters answer from it",
    "hous.craigslist.org": "Craigslist: the address of a housing posting (craigslist.org/about/anonymize)",
    "reply.craigslist.org": "Craigslist: the address of whoever answers a posting (craigslist.org/about/anonymize)",
}


def is_relay(address: str, further: Iterable[str] = ()) -> bool:
    """Whether mail to an address is passed on by a portal; `further` are domains besides `RELAYS`."""
    domain = address.rpartition("@")[2].lower()
    known = (*RELAYS, *(one.lower().strip().lstrip("@.") for one in further))
    return any(domain == relay or domain.endswith(f".{relay}") for relay in known if relay)
