"""What the words of a mail say: lines such as "Phone: 512-555-0188", in English or Spanish."""

from __future__ import annotations

import re

from crm.services.arrivals.portals.inquiry import LONGEST_MESSAGE, LONGEST_VALUE, Inquiry, field_of, from_fields

NAME, VERSION = "plain", 1
LONGEST_LABEL = 40
MOST_LINES = 2000

_MARKS = " *_•·>|-–\t"


def inquiry(text: str) -> Inquiry:
    """What labeled lines say. Of labels with the same meaning the first counts; a message ends at the next label."""
    found: dict[str, str] = {}
    message: list[str] | None = None
    waiting = ""
    for line in text[: LONGEST_MESSAGE * 10].splitlines()[:MOST_LINES]:
        field, value = _labeled(line)
        if field == "message":
            waiting = ""
            if message is None:
                message = [value] if value else []
        elif field:
            waiting = "" if value or field in found else field
            found.setdefault(field, value)
            if message is not None:
                found.setdefault("message", "\n".join(message))
        elif waiting and line.strip():
            # The value is on the line below, as in a narrow table.
            found[waiting], waiting = line.strip(_MARKS), ""
        elif message is not None and "message" not in found:
            message.append(line)
    if message is not None:
        found.setdefault("message", "\n".join(message))
    return from_fields(found)


_CALL_ME = re.compile(
    r"\b(?:call|text|reach|phone|cell|mobile|number|tel|ll[aá]m\w{2,8}|celular|tel[eé]fono|n[uú]mero)\b[^\d+(\n]{0,30}"
    r"(\+?[\d(][\d() .\-]{6,18}\d)",
    re.IGNORECASE,
)


def own_number(text: str) -> str:
    """The number that somebody gives as their own, as in "call me at 512-555-0188"; empty: none."""
    found = _CALL_ME.search(text[:20_000])
    return found[1] if found else ""


def _labeled(line: str) -> tuple[str, str]:
    """Field and value of a line; no field if it does not begin with a known label."""
    line = line.strip(_MARKS)[: LONGEST_VALUE + LONGEST_LABEL]
    # In a table the value is in the next cell.
    label, separator, value = line.partition("\t" if "\t" in line[:LONGEST_LABEL] else ":")
    if not separator or len(label) > LONGEST_LABEL:
        return "", ""
    return field_of(label), value.strip(_MARKS)
