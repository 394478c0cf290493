"""MITS 4.0 Lead Management, the multifamily industry's XML: attached to a mail, in its words, or posted.

    LeadManagement / Prospects / Prospect
        Customers / Customer (Type): Identification (IDType, IDValue), Name, Phone (PhoneNumber), Email
        CustomerPreferences: TargetMoveInDate, DesiredNumBedrooms (Exact), DesiredRent, DesiredUnit, Comment ...
        Events / Event (EventType, EventDate): Source, Comments

Element names are read without their namespace, and in any order, because vendors differ in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from crm.services.arrivals.portals.inquiry import LONGEST_MESSAGE, Inquiry, Several, from_fields

NAME, VERSION = "mits", 2
MOST_PROSPECTS = 100
"""In one document."""
DEEPEST = 50
MOST_ELEMENTS = 50_000


class Unreadable(Exception):
    """No such document, or one that is made to harm: with a document type, with entities, or too deep."""


@dataclass
class Element:
    """An element, with names in lower case."""

    name: str
    attributes: dict[str, str]
    parts: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *path: str) -> list[Element]:
        """Elements further down, by their names from here on; `*` is any."""
        found = [self]
        for name in path:
            found = [part for one in found for part in one.parts if name in ("*", part.name)]
        return found

    def first(self, *path: str) -> str:
        """The text of the first such element that has one; empty: there is none."""
        return next((text for one in self.all(*path) if (text := one.text.strip())), "")


def may_be(document: bytes) -> bool:
    """Whether it is worth reading, also in UTF-16."""
    return b"LeadManagement" in document.replace(b"\0", b"")


def inquiries(document: bytes | str) -> Several:
    """What each prospect asks, as far as the document is well-formed. Raises Unreadable."""
    root, is_whole = read(document)
    prospects = _below(root, "prospect")
    if root.name != "leadmanagement" and not prospects:
        raise Unreadable("it is not a LeadManagement document")
    some = tuple(_inquiry(one) for one in prospects[:MOST_PROSPECTS])
    return Several(some, is_whole and len(some) == len(prospects))


def read(document: bytes | str) -> tuple[Element, bool]:
    """The root element, and whether it is whole: what was too large has no end. Raises Unreadable if not even the first
    element in the root begins."""
    root, is_whole = _parsed(document)
    if not is_whole and (escaped := _escaped(document)) != document:
        as_meant = _parsed(escaped)
        root, is_whole = as_meant if as_meant[1] else (root, is_whole)
    if not root.parts or not (is_whole or root.parts[0].parts):
        raise Unreadable("it is not well-formed")
    return root.parts[0], is_whole


_BARE = r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)"


def _escaped(document: bytes | str) -> bytes | str:
    """The document with the ampersands escaped that some portals leave as people wrote them."""
    if isinstance(document, str):
        return re.sub(_BARE, "&amp;", document)
    return re.sub(_BARE.encode(), b"&amp;", document)


def _parsed(document: bytes | str) -> tuple[Element, bool]:
    """The elements, as parts of one without a name, and whether the document is well-formed to its end. Raises
    Unreadable for one that is made to harm."""
    root = Element("", {})
    open_: list[Element] = [root]
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_) > DEEPEST or count > MOST_ELEMENTS:
            raise Unreadable("it has too many elements, or they are nested too deeply")
        plain = {_plain(key): value for key, value in attributes.items()}
        element = Element(_plain(name), plain)
        open_[-1].parts.append(element)
        open_.append(element)

    def end(name: str) -> None:
        open_.pop()

    def text(words: str) -> None:
        if len(open_[-1].text) < 2 * LONGEST_MESSAGE:
            open_[-1].text += words

    def refuse(*about: object) -> None:
        raise Unreadable("it declares a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, text
    # Entities, which small documents become huge by, and files of ours that they name, need a document type.
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, UnicodeError, LookupError):
        return root, False
    return root, True


def _plain(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _below(root: Element, name: str) -> list[Element]:
    found, waiting = [], [root]
    while waiting:
        one = waiting.pop(0)
        if one.name == name:
            found.append(one)
        else:
            waiting += one.parts
    return found


def _inquiry(prospect: Element) -> Inquiry:
    customers = prospect.all("customers", "customer")
    main = next((one for one in customers if one.attributes.get("type", "").lower() == "prospect"), None)
    person = main or (customers[0] if customers else prospect)
    wishes = (prospect.all("customerpreferences") or [Element("", {})])[0]
    event = (prospect.all("events", "event") or [Element("", {})])[0]
    named = {
        one.attributes.get("idtype", "").lower(): one.attributes.get("idvalue", "") or one.first("idvalue")
        for holder in (prospect, *customers)
        for one in holder.all("identification")
    }
    desired = (wishes.all("desiredunit") or [Element("", {})])[0]
    said = [*wishes.all("comment"), *wishes.all("comments"), *event.all("comments"), *event.all("comment")]
    return from_fields(
        {
            "first name": person.first("name", "firstname"),
            "last name": person.first("name", "lastname"),
            "email": person.first("email"),
            "phone": person.first("phone", "phonenumber"),
            "message": "\n".join(dict.fromkeys(filter(None, (one.text.strip() for one in said)))),
            "source": event.first("source") or event.first("transactionsource") or named.get("leadsource", ""),
            "property_name": named.get("propertyname", "") or named.get("property name", ""),
            "unit": desired.attributes.get("marketingname", "") or desired.first("marketingname"),
            "move-in": wishes.first("targetmoveindate")[:10],
            "bedrooms": _amount(wishes, "desirednumbedrooms"),
            "bathrooms": _amount(wishes, "desirednumbathrooms"),
            "budget": _amount(wishes, "desiredrent"),
            "lease term": wishes.first("desiredleaseterms"),
            "people": wishes.first("numberofoccupants"),
            "pets": wishes.first("pets") or wishes.first("pets", "*"),
        }
    )


def _amount(wishes: Element, name: str) -> str:
    """A wish such as `<DesiredRent Exact="1500"/>`, or with Min and Max."""
    one = (wishes.all(name) or [Element("", {})])[0]
    if exact := one.attributes.get("exact") or one.text.strip():
        return exact
    low, high = one.attributes.get("min", ""), one.attributes.get("max", "")
    return f"{low} to {high}" if low and high and low != high else low or high
