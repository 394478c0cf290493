"""A person as a file for address books: vCard 3.0 (RFC 2426), which all of them can read."""

from __future__ import annotations

from collections.abc import Sequence

_APART = str.maketrans(";,\\", "   ")


def file(name: str, phones: Sequence[str], emails: Sequence[str]) -> str:
    """Returns the text of the file. A name is required, so it is the number or address if the real one is unknown."""
    # Not at the top: the import takes a seventh of a second.
    from icalendar import Component, vText
    from icalendar.prop import vN

    class VCard(Component):
        name = "VCARD"

    called = " ".join(name.split()) or next(iter([*phones, *emails]), "unknown")
    # Not all programs can read a semicolon within one of the five parts, escaped or not.
    *given, family = called.translate(_APART).split() or [""]
    card = VCard()
    card.add("version", vText("3.0"))
    card.add("n", vN((family, " ".join(given), "", "", "")))
    card.add("fn", vText(called))
    for number in phones:
        card.add("tel", vText(number), parameters={"TYPE": "VOICE"})
    for address in emails:
        card.add("email", vText(address), parameters={"TYPE": "INTERNET"})
    return str(card.to_ical(sorted=False).decode("utf-8"))
