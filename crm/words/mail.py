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


def unsubscribe(office: str, postal_address: str, language: str) -> str:
    """How to get no more news, and whose news it is (15 USC 7704(a)(5))."""
    sentence = _UNSUBSCRIBE.get(language[:2], _UNSUBSCRIBE["en"]).format(office=office)
    return f"{sentence}\n{office}, {postal_address}"
