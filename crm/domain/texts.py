"""The texts callers get, word by word, in the language of the line they called. Pure."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    LISTINGS_LINK = "listings_link"
    """The caller asked for it."""
    MISSED_CALL = "missed_call"
    """Nobody talked to the caller."""


class MessageState(StrEnum):
    """Where a text is in the outbox."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Handed to the carrier, whose answer never came: it may have arrived, so it is not sent again."""


_WORDS = {
    "en": {
        "listings": "Thank you for calling {name}. The homes available now: {url}",
        "missed_new": "Sorry we missed your call to {name}. We will call you back. The homes available now: {url}",
        "missed_known": "Sorry we missed your call about {name}. Somebody from the leasing team will call you back.",
    },
    "es": {
        "listings": "Gracias por llamar a {name}. Las viviendas disponibles: {url}",
        "missed_new": "Sentimos no haber atendido su llamada a {name}. Le llamaremos. Viviendas disponibles: {url}",
        "missed_known": "Sentimos no haber atendido su llamada sobre {name}. Le llamaremos pronto.",
    },
}


def listings_link(name: str, url: str, language: str) -> str:
    """The listings, because the caller asked for them. `name` is the property's, or the company's."""
    return _words(language)["listings"].format(name=name, url=url)


def missed_call(name: str, url: str, language: str, *, is_active: bool) -> str:
    """For a caller nobody talked to: the listings when they are new, else about the property they know already."""
    words = _words(language)
    # Without a link there is nothing to send to somebody new either.
    if is_active or not url:
        return words["missed_known"].format(name=name)
    return words["missed_new"].format(name=name, url=url)


def _words(language: str) -> dict[str, str]:
    return _WORDS.get(language.lower().partition("-")[0], _WORDS["en"])
