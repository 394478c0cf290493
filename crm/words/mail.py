"""What emails to people outside say around what somebody wrote, in each language."""

from __future__ import annotations

_UNSUBSCRIBE = {
    "en": (
        "You get this because you asked {office} about a home. To get no more news, answer with the word unsubscribe."
    ),
    "es": (
        "Recibe este mensaje porque preguntó a {office} por una vivienda. Para no recibir más novedades, responda con "
        "la palabra unsubscribe."
    ),
}


_UNSUBSCRIBE_LINK = {
    "en": "You get this because you asked {office} about a home. To get no more news: {link}",
    "es": "Recibe este mensaje porque preguntó a {office} por una vivienda. Para no recibir más novedades: {link}",
}


_TOUR = {"en": "Tour: {name}", "es": "Visita: {name}"}


def tour(name: str, language: str) -> str:
    """The entry in the calendar of somebody who comes to see a property."""
    return _TOUR.get(language[:2], _TOUR["en"]).format(name=name)


def unsubscribe(office: str, postal_address: str, language: str, link: str = "") -> str:
    """How to get no more news, and whose news it is (15 USC 7704(a)(5)); without a link they answer."""
    words = _UNSUBSCRIBE_LINK if link else _UNSUBSCRIBE
    sentence = words.get(language[:2], words["en"]).format(office=office, link=link)
    return f"{sentence}\n{office}, {postal_address}"
