"""An inquiry as a portal or a person wrote it, and email addresses that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from crm.domain import fields
from crm.domain.errors import Invalid

LONGEST_VALUE = 300
LONGEST_MESSAGE = 8000


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What somebody asked, as they or a portal wrote it. Each text is one line except the message; empty: not given."""

    name: str = ""
    email: str = ""
    phone: str = ""
    message: str = ""
    source: str = ""
    """The portal, by its own account."""
    listing: str = ""
    """The listing's number with us."""
    property_name: str = ""
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    wishes: tuple[tuple[str, str], ...] = ()
    """What they are looking for, such as ("bedrooms", "2"), as the timeline shows it."""

    @property
    def names_somebody(self) -> bool:
        return bool(self.email or self.phone)

    @property
    def says_something(self) -> bool:
        return bool(self.names_somebody or self.name or self.message)


@dataclass(frozen=True)
class Several:
    """What one arrival says, an inquiry for each person."""

    inquiries: tuple[Inquiry, ...]
    is_whole: bool = True
    """False: it has more than these, because it breaks off, or has more than are read."""


def with_defaults(one: Inquiry, other: Inquiry) -> Inquiry:
    """`one`, completed by `other`."""
    missing = {name: getattr(other, name) for name in TEXTS if not getattr(one, name)}
    return replace(one, **missing, wishes=one.wishes or other.wishes)


TEXTS = tuple(name for name in Inquiry.__dataclass_fields__ if name != "wishes")
WISHES = ("bedrooms", "bathrooms", "move-in", "budget", "lease term", "people", "pets")


def from_fields(found: Mapping[str, str]) -> Inquiry:
    """The inquiry made of values by field, as `field_of` names them."""
    values = {
        field: value[:LONGEST_MESSAGE].strip() if field == "message" else " ".join(value[:LONGEST_VALUE].split())
        for field, value in found.items()
    }
    full = " ".join(filter(None, (values.pop("first name", ""), values.pop("last name", ""))))
    return Inquiry(
        **{field: value for field, value in values.items() if field in TEXTS and field != "name"},
        name=values.get("name") or full,
        wishes=tuple((wish, values[wish]) for wish in WISHES if values.get(wish)),
    )


def field_of(label: str) -> str:
    """What a label or a key of a form means: a field of Inquiry, one of WISHES, `first name` or `last name`; empty:
    nothing that is known. Capitals, camel case and marks do not matter."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label[:60])
    return _FIELDS.get(" ".join(re.findall(r"\w+", spaced.casefold().replace("_", " "))), "")


_LABELS: dict[str, tuple[str, ...]] = {
    "name": (
        "name",
        "full name",
        "your name",
        "contact name",
        "lead name",
        "renter",
        "renter name",
        "prospect",
        "prospect name",
        "nombre",
        "nombre completo",
    ),
    "first name": ("first name", "firstname", "first", "given name"),
    "last name": ("last name", "lastname", "last", "surname", "family name", "apellido", "apellidos"),
    "email": (
        "email",
        "e mail",
        "mail",
        "email address",
        "your email",
        "contact email",
        "lead email",
        "from email",
        "correo",
        "correo electrónico",
    ),
    "phone": (
        "phone",
        "phone number",
        "your phone",
        "telephone",
        "tel",
        "cell",
        "cell phone",
        "mobile",
        "mobile phone",
        "home phone",
        "contact phone",
        "lead phone",
        "teléfono",
        "celular",
    ),
    "message": (
        "message",
        "your message",
        "lead message",
        "comments",
        "comment",
        "question",
        "questions",
        "inquiry",
        "notes",
        "mensaje",
        "comentarios",
        "pregunta",
    ),
    "source": ("source", "lead source", "origin", "portal"),
    "listing": ("listing", "listing id", "listing number"),
    "property_name": (
        "property",
        "property name",
        "community",
        "community name",
        "apartment community",
        "building",
        "building name",
        "propiedad",
        "edificio",
    ),
    "street": (
        "address",
        "property address",
        "lead property address",
        "listing street",
        "listing address",
        "street",
        "street address",
        "location",
        "dirección",
    ),
    "unit": ("unit", "unit number", "listing unit", "apartment", "apt", "unidad", "apartamento"),
    "city": ("city", "listing city", "property city", "lead property city", "ciudad"),
    "state": ("state", "listing state", "property state", "lead property state"),
    "postal_code": ("zip", "zip code", "postal code", "listing postal code", "property zip", "lead property zip"),
    "bedrooms": ("bedrooms", "beds", "number of bedrooms", "num bedrooms sought", "bedrooms sought", "habitaciones"),
    "bathrooms": ("bathrooms", "baths", "number of bathrooms", "num bathrooms sought", "baños"),
    "move-in": (
        "move in",
        "move in date",
        "moving date",
        "desired move in",
        "desired move in date",
        "target move in date",
        "lead time frame",
        "fecha de mudanza",
    ),
    "budget": ("budget", "max rent", "max price", "price range", "desired rent", "lead max price", "presupuesto"),
    "lease term": ("lease length", "lease term", "desired lease terms"),
    "people": ("occupants", "number of occupants"),
    "pets": ("pets", "mascotas"),
}
_FIELDS = {label: field for field, labels in _LABELS.items() for label in labels}


# --- addresses ---

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'=-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}")
_NOBODY = re.compile(
    r"(no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|notifications?|alerts?|bounces?)([+._-].*)?@",
    re.IGNORECASE,
)


def usable(raw: str) -> str:
    """The first address in a value that a person reads, in lower case; empty: none."""
    found = _ADDRESS.search(raw[:LONGEST_VALUE])
    try:
        address = fields.email(found[0].lower()) if found else ""
    except Invalid:
        return ""
    return "" if _NOBODY.match(address) else address
