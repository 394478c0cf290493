"""What can be found in the words of a mail: lines such as "Phone: 512-555-0188", in English and Spanish."""

from __future__ import annotations

import re

from crm.services.arrivals.portals.inquiry import Inquiry

NAME, VERSION = "plain", 1
LONGEST_LABEL = 40
LONGEST_VALUE = 300
LONGEST_MESSAGE = 8000
MOST_LINES = 2000

_LABELS = {
    "name": "name",
    "full name": "name",
    "contact name": "name",
    "renter": "name",
    "prospect": "name",
    "nombre": "name",
    "nombre completo": "name",
    "first name": "first",
    "last name": "last",
    "apellido": "last",
    "apellidos": "last",
    "email": "email",
    "e-mail": "email",
    "email address": "email",
    "contact email": "email",
    "correo": "email",
    "correo electrónico": "email",
    "phone": "phone",
    "phone number": "phone",
    "telephone": "phone",
    "tel": "phone",
    "cell": "phone",
    "cell phone": "phone",
    "mobile": "phone",
    "contact phone": "phone",
    "teléfono": "phone",
    "celular": "phone",
    "message": "message",
    "comments": "message",
    "comment": "message",
    "question": "message",
    "questions": "message",
    "inquiry": "message",
    "notes": "message",
    "mensaje": "message",
    "comentarios": "message",
    "pregunta": "message",
    "source": "source",
    "lead source": "source",
    "property": "property",
    "property name": "property",
    "community": "property",
    "apartment community": "property",
    "building": "property",
    "propiedad": "property",
    "edificio": "property",
    "address": "street",
    "property address": "street",
    "street": "street",
    "location": "street",
    "dirección": "street",
    "unit": "unit",
    "unit number": "unit",
    "apartment": "unit",
    "apt": "unit",
    "unidad": "unit",
    "apartamento": "unit",
    "city": "city",
    "state": "state",
    "zip": "postal_code",
    "zip code": "postal_code",
    "postal code": "postal_code",
    "listing": "listing",
    "listing id": "listing",
    "bedrooms": "bedrooms",
    "beds": "bedrooms",
    "number of bedrooms": "bedrooms",
    "habitaciones": "bedrooms",
    "bathrooms": "bathrooms",
    "baths": "bathrooms",
    "move in date": "move in",
    "move-in date": "move in",
    "moving date": "move in",
    "desired move in": "move in",
    "desired move-in": "move in",
    "desired move in date": "move in",
    "desired move-in date": "move in",
    "move in": "move in",
    "move-in": "move in",
    "fecha de mudanza": "move in",
    "budget": "budget",
    "max rent": "budget",
    "price range": "budget",
    "presupuesto": "budget",
    "pets": "pets",
    "mascotas": "pets",
    "occupants": "people",
    "number of occupants": "people",
    "lease length": "lease term",
    "lease term": "lease term",
}
_WISHES = ("bedrooms", "bathrooms", "move in", "budget", "pets", "people", "lease term")
_MARKS = " *_•·>|-–\t"


def inquiry(text: str) -> Inquiry:
    """What labelled lines say. Of a label that comes twice the first counts; a message goes on to the next label."""
    found: dict[str, str] = {}
    message: list[str] | None = None
    waiting = ""
    for line in text.splitlines()[:MOST_LINES]:
        field, value = _labelled(line)
        if field:
            message, waiting = (None, "") if message is None or field != "message" else (message, "")
            if field == "message" and "message" not in found:
                found["message"] = ""
                message = [value] if value else []
            elif field != "message" and field not in found:
                if value:
                    found[field] = value[:LONGEST_VALUE]
                else:
                    waiting = field
        elif waiting and line.strip():
            # The value stands on the line below, as in a table.
            found[waiting], waiting = line.strip(_MARKS)[:LONGEST_VALUE], ""
        elif message is not None:
            message.append(line)
        if message is not None:
            found["message"] = "\n".join(message).strip()[:LONGEST_MESSAGE]
    name = found.get("name", "") or " ".join(filter(None, (found.get("first", ""), found.get("last", ""))))
    return Inquiry(
        name=name,
        email=_address(found.get("email", "")),
        phone=found.get("phone", "")[:40],
        message=found.get("message", ""),
        source=found.get("source", ""),
        listing=found.get("listing", ""),
        property_name=found.get("property", ""),
        street=found.get("street", ""),
        unit=found.get("unit", ""),
        city=found.get("city", ""),
        state=found.get("state", ""),
        postal_code=found.get("postal_code", ""),
        about=tuple((wish, found[wish]) for wish in _WISHES if found.get(wish)),
    )


_CALL_ME = re.compile(
    r"\b(?:call|text|reach|phone|cell|mobile|number|tel|llam\w{2,8}|celular|tel[eé]fono|n[uú]mero)\b[^\d+(\n]{0,30}"
    r"(\+?[\d(][\d() .\-]{6,18}\d)",
    re.IGNORECASE,
)


def own_number(text: str) -> str:
    """The number that somebody gives as their own in a sentence, such as "call me at 512-555-0188"; empty: none."""
    found = _CALL_ME.search(text[:20_000])
    return found[1] if found else ""


def _labelled(line: str) -> tuple[str, str]:
    """Field and value of a line; no field: it has no label that we know."""
    line = line.strip(_MARKS)[: LONGEST_VALUE + LONGEST_LABEL]
    # In a table the value stands in the next cell.
    label, separator, value = line.partition("\t" if "\t" in line[:LONGEST_LABEL] else ":")
    if not separator or len(label) > LONGEST_LABEL:
        return "", ""
    return _LABELS.get(label.strip(f"{_MARKS}:").casefold(), ""), value.strip(_MARKS)


_ADDRESS = re.compile(r"[A-Za-z0-9._%+'=-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}")


def _address(raw: str) -> str:
    """The first address in a value, which may carry a link or a name around it."""
    found = _ADDRESS.search(raw)
    return found[0] if found else ""
