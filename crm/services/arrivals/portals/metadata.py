"""Lead metadata in the HTML of a mail: `<meta name="lead_...">` (leadmetadata.org, version 1.0), wherever it is placed.

Fields: lead_source, lead_type, lead_name, lead_email, lead_phone, lead_message, lead_property_address and others of the
property, and what portals add to them.
"""

from __future__ import annotations

import html
import re

from crm.services.arrivals.portals.inquiry import LONGEST_MESSAGE, Inquiry, field_of, from_fields

NAME, VERSION = "metadata", 1
MOST_TAGS = 200

_TAG = re.compile(r"<meta\s", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s*([A-Za-z][\w-]{0,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>/]+))""")
_NAMES = {
    "lead_first_name": "first name",
    "lead_last_name": "last name",
    "lead_property_mls_number": "",
    "lead_property_name": "property_name",
    "lead_property_unit": "unit",
    "lead_property_bedrooms": "bedrooms",
    "lead_property_bathrooms": "bathrooms",
    "lead_move_in_date": "move-in",
}


def inquiry(markup: str) -> Inquiry | None:
    """What the metadata says; None: there is none."""
    found: dict[str, str] = {}
    is_there = False
    for tag in list(_TAG.finditer(markup))[:MOST_TAGS]:
        attributes = _attributes(markup[tag.end() - 1 : tag.end() + 2 * LONGEST_MESSAGE])
        name = attributes.get("name", "").strip().lower()
        if not name.startswith("lead_"):
            continue
        is_there = True
        field = _NAMES[name] if name in _NAMES else field_of(name) or field_of(name.removeprefix("lead_"))
        value = attributes.get("content", "").strip()
        # Templates leave these words in fields without a value.
        if field and value.lower() not in ("", "n/a", "none", "null", "undefined"):
            found.setdefault(field, value)
    return from_fields(found) if is_there else None


def _attributes(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while attribute := _ATTRIBUTE.match(written, at):
        value = next(one for one in attribute.groups()[1:] if one is not None)
        found.setdefault(attribute[1].lower(), html.unescape(value))
        at = attribute.end()
    return found
