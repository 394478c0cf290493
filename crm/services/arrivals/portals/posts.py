"""What portals and websites post: forms and JSON, by the names of their fields.

HotPads and Zillow post a form with listingId, name, email, phone, movingDate (yyyyMMdd), numBedroomsSought,
numBathroomsSought, message, listingStreet, listingUnit, listingCity, listingPostalCode, listingState and
listingContactEmail, which is the office's (hotpads.com/pages/partners/leadCallback.htm). Others use names of their
own, and JSON inside of JSON; what is known by the last part of its name is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crm.services.arrivals.portals.inquiry import Inquiry, field_of, from_fields

NAME, VERSION = "post", 2
MOST_FIELDS = 500
DEEPEST = 8

_OTHERS = re.compile(r"agent|office|owner|landlord|manager|broker|account|listing_?contact", re.IGNORECASE)
"""Parts of a post about somebody other than the person who asks."""
_THINGS = re.compile(r"property|listing|building|community|unit|source", re.IGNORECASE)
"""Parts about something whose name is not the person's."""


def inquiry(posted: object) -> Inquiry:
    """What a form (its values by name) or JSON says."""
    found: dict[str, str] = {}
    for count, (name, value) in enumerate(_leaves(posted, "", 0)):
        if count == MOST_FIELDS:
            break
        if (field := field_of(name)) and value.strip():
            found.setdefault(field, value)
    one = from_fields(found)
    return replace(
        one, wishes=tuple((wish, _date(value) if wish == "move-in" else value) for wish, value in one.wishes)
    )


def _leaves(posted: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Values with their names; the name of a thing as, for instance, `property name`."""
    if depth > DEEPEST:
        return
    if isinstance(posted, dict):
        for key, value in posted.items():
            if isinstance(value, dict | list) and _OTHERS.search(str(key)):
                continue
            is_things_name = field_of(str(key)) == "name" and _THINGS.search(name)
            yield from _leaves(value, f"{name} {key}" if is_things_name else str(key), depth + 1)
    elif isinstance(posted, list):
        for one in posted:
            yield from _leaves(one, name, depth + 1)
    elif isinstance(posted, str | int | float) and not isinstance(posted, bool):
        yield name, str(posted)


def _date(raw: str) -> str:
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", raw, re.ASCII)
    return "-".join(found.groups()) if found else raw
