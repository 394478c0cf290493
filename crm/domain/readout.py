"""What an agent hears about a voicemail, sentence by sentence, in English and Spanish. Pure."""

from __future__ import annotations

from datetime import datetime

_WORDS = {
    "en": {
        "none": "You have no messages.",
        "new": "You have {count} new messages.",
        "one": "You have one new message.",
        "old": "You have no new messages and {count} saved messages.",
        "message": "Message {number}. {when}, {for_property}from {caller}.",
        "for_property": "for {name}, ",
        "withheld": "a withheld number",
        "today": "Today at {clock}",
        "yesterday": "Yesterday at {clock}",
        "earlier": "On {month} {day} at {clock}",
        "call": "New message for {property} from {caller}. To take it, press 1. To pass, press 2.",
        "office": "the office",
        "box": "For {name}, press {key}.",
        "own": "your own mailbox",
    },
    "es": {
        "none": "No tiene mensajes.",
        "new": "Tiene {count} mensajes nuevos.",
        "one": "Tiene un mensaje nuevo.",
        "old": "No tiene mensajes nuevos, y {count} que ya escuchó.",
        "message": "Mensaje {number}. {when}, {for_property}de {caller}.",
        "for_property": "para {name}, ",
        "withheld": "un número oculto",
        "today": "Hoy a las {clock}",
        "yesterday": "Ayer a las {clock}",
        "earlier": "El {day} de {month} a las {clock}",
        "call": "Mensaje nuevo para {property} de {caller}. Para atenderlo, oprima 1. Para pasarlo, oprima 2.",
        "office": "la oficina",
        "box": "Para {name}, oprima {key}.",
        "own": "su propio buzón",
    },
}
_MONTHS = {
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    "es": (
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ),
}


def how_many(new: int, heard: int, language: str) -> str:
    words = _words(language)
    if new == 1:
        return words["one"]
    if new:
        return words["new"].format(count=new)
    return words["old"].format(count=heard) if heard else words["none"]


def about(number: int, left_at: datetime, now: datetime, property_name: str, caller: str, language: str) -> str:
    """Introduces a voicemail. Both times are on the office's clock; `caller` is a number as it is read, "" withheld;
    `property_name` is "" for none."""
    words = _words(language)
    return words["message"].format(
        number=number,
        when=_when(left_at, now, language),
        caller=caller or words["withheld"],
        for_property=words["for_property"].format(name=property_name) if property_name else "",
    )


def escalation(property_name: str, caller: str, language: str) -> str:
    """To whoever answers a call about a voicemail."""
    words = _words(language)
    return words["call"].format(property=property_name or words["office"], caller=caller or words["withheld"])


def choice_of_boxes(names: list[str], language: str) -> str:
    """Keys for mailboxes, from 1 on; an empty name is one's own."""
    words = _words(language)
    return " ".join(
        words["box"].format(name=name or words["own"], key=key) for key, name in enumerate(names[:9], start=1)
    )


def _when(at: datetime, now: datetime, language: str) -> str:
    words = _words(language)
    spanish = words is _WORDS["es"]
    clock = f"{at:%H:%M}" if spanish else f"{at:%I:%M %p}".lstrip("0")
    days = (now.date() - at.date()).days
    if days <= 1:
        return words["today" if days <= 0 else "yesterday"].format(clock=clock)
    month = _MONTHS["es" if spanish else "en"][at.month - 1]
    return words["earlier"].format(month=month, day=at.day, clock=clock)


def _words(language: str) -> dict[str, str]:
    return _WORDS.get(language.lower().partition("-")[0], _WORDS["en"])
