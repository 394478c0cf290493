"""The texts callers get, word by word, in the language of the line they called. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum


class TextPurpose(StrEnum):
    LISTINGS_LINK = "listings_link"
    """The caller asked for it."""
    MISSED_CALL = "missed_call"
    """Nobody talked to the caller."""
    CALLBACK = "callback"
    """An agent who could not talk promised to call back."""
    AGENT = "agent"
    """An agent wrote it."""
    FOLLOW_UP = "follow_up"
    """A step of a sequence."""
    TOUR = "tour"
    """A tour was booked, moved or cancelled."""
    TOUR_REMINDER = "tour_reminder"
    APPLICATION = "application"
    """The link to an application that they have begun."""
    STOP_CONFIRMED = "stop_confirmed"
    START_CONFIRMED = "start_confirmed"
    HELP = "help"
    """Answers to the three keywords."""
    STAFF = "staff"
    """A notice to somebody in the office, on their own mobile."""
    INBOUND = "inbound"
    """The person wrote it."""


LIFETIMES: dict[TextPurpose, timedelta] = {
    TextPurpose.LISTINGS_LINK: timedelta(days=1),
    TextPurpose.MISSED_CALL: timedelta(hours=2),
    TextPurpose.CALLBACK: timedelta(minutes=30),
    TextPurpose.AGENT: timedelta(days=3),
    TextPurpose.FOLLOW_UP: timedelta(days=3),
    TextPurpose.TOUR: timedelta(days=1),
    TextPurpose.TOUR_REMINDER: timedelta(hours=12),
    TextPurpose.APPLICATION: timedelta(days=1),
    # 47 CFR 64.1200(a)(12): within five minutes, or not at all.
    TextPurpose.STOP_CONFIRMED: timedelta(minutes=5),
    TextPurpose.START_CONFIRMED: timedelta(hours=1),
    TextPurpose.HELP: timedelta(hours=1),
    TextPurpose.STAFF: timedelta(days=1),
}
"""How long a text is useful, and retried, after it was written. Quiet hours are included: from Saturday evening to
Monday morning is a day and a half. What has an end of its own, such as a reminder, ends with that (`expires_at`)."""


def of_use_until(purpose: TextPurpose, created_at: datetime, expires_at: datetime | None = None) -> datetime:
    return expires_at or created_at + LIFETIMES[purpose]


def of_use_again(purpose: TextPurpose, expires_at: datetime | None, now: datetime) -> datetime | None:
    """`expires_at` of a text that a person has sent once more; a reminder, and what answers a keyword, get no more."""
    if purpose in (
        TextPurpose.STOP_CONFIRMED,
        TextPurpose.START_CONFIRMED,
        TextPurpose.HELP,
        TextPurpose.TOUR_REMINDER,
    ):
        return expires_at
    return now + LIFETIMES[purpose]


class TextDirection(StrEnum):
    IN = "in"
    OUT = "out"


_WORDS = {
    "en": {
        "listings": "Thank you for calling {name}. See our available homes: {url}",
        "link_tours": "{name}: choose a time for your tour: {url}",
        "link_application": "{name}: to apply: {url}",
        "link_home": "{name}: the home you asked about: {url}",
        "missed_new": "Sorry we missed your call to {name}. We will call you back. Our available homes: {url}",
        "missed_known": "Sorry we missed your call about {name}. Someone from our leasing team will call you back.",
        "tour_booked": "Your tour of {name} is booked for {when}.",
        "tour_moved": "Your tour of {name} was moved to {when}.",
        "tour_cancelled": "Your tour of {name} on {when} was canceled. Reply or call us for another time.",
        "tour_reminder": "Reminder: your tour of {name} is {when}.",
        "tour_change": " To change or cancel: {url}",
        "tour_reply": " To change or cancel, reply to this text or call us.",
        "application": "{name}: to continue your application: {url} This link is yours alone.",
        "callback": "{agent} from {name}: I can't talk right now, but I will call you in {minutes} minutes.",
        "queued": "{name}: we are holding your place in line, and we will call you back as soon as it is your turn.",
        "stop": "{name}: you are unsubscribed and will get no more texts from us. Reply START to get them again.",
        "start": "{name}: you will get our texts again. Reply STOP to end them, HELP for help.",
        "help": "{name} leasing office: for help call {number}. Reply STOP to get no more texts. Data rates may apply.",
    },
    "es": {
        "listings": "Gracias por llamar a {name}. Las viviendas disponibles: {url}",
        "link_tours": "{name}: elija la hora de su visita: {url}",
        "link_application": "{name}: para hacer su solicitud: {url}",
        "link_home": "{name}: la vivienda por la que preguntó: {url}",
        "missed_new": "Sentimos no haber atendido su llamada a {name}. Le llamaremos. Viviendas disponibles: {url}",
        "missed_known": "Sentimos no haber atendido su llamada sobre {name}. Le llamaremos pronto.",
        "tour_booked": "Su visita a {name} está reservada para el {when}.",
        "tour_moved": "Su visita a {name} cambió al {when}.",
        "tour_cancelled": "Su visita a {name} del {when} fue cancelada. Responda o llámenos para otra hora.",
        "tour_reminder": "Recordatorio: su visita a {name} es el {when}.",
        "tour_change": " Para cambiarla o cancelarla: {url}",
        "tour_reply": " Para cambiarla o cancelarla, responda a este mensaje o llámenos.",
        "application": "{name}: para continuar su solicitud: {url} Este enlace es solo para usted.",
        "callback": "{agent} de {name}: no puedo hablar ahora y le llamaré en {minutes} minutos.",
        "queued": "{name}: usted conserva su lugar en la fila y le llamaremos en cuanto sea su turno.",
        "stop": "{name}: ya no recibirá más mensajes nuestros. Responda START para volver a recibirlos.",
        "start": "{name}: volverá a recibir nuestros mensajes. Responda STOP para cancelarlos, HELP para ayuda.",
        "help": "{name}: para ayuda llame al {number}. Responda STOP para no recibir más mensajes.",
    },
}


def listings_link(name: str, url: str, language: str) -> str:
    """The listings, because the caller asked for them. `name` is the property's, or the company's."""
    return _words(language)["listings"].format(name=name, url=url)


def link(kind: str, name: str, url: str, language: str) -> str:
    """A link that the caller asked the voice agent for: `kind` is tours, application, listings or home; `name` the
    property's, or the company's."""
    words = _words(language)
    return words["listings" if kind == "listings" else f"link_{kind}"].format(name=name, url=url)


def missed_call(name: str, url: str, language: str, *, is_active: bool) -> str:
    """For a caller nobody talked to: the listings when they are new, else about the property they know already."""
    words = _words(language)
    # Without a link there is nothing to send to somebody new, either.
    if is_active or not url:
        return words["missed_known"].format(name=name)
    return words["missed_new"].format(name=name, url=url)


def tour(what: str, name: str, when: str, language: str, url: str = "") -> str:
    """About a tour: `what` is booked, moved, cancelled or reminder; `when` the time as people of that language say it.

    `url` is where they may change it; without one they are asked to reply.
    """
    words = _words(language)
    text = words[f"tour_{what}"].format(name=name, when=when)
    if what == "cancelled":
        return text
    return text + (words["tour_change"].format(url=url) if url else words["tour_reply"])


def application(name: str, url: str, language: str) -> str:
    """The link to an application that the person has begun at this property."""
    return _words(language)["application"].format(name=name, url=url)


def callback_promised(agent: str, name: str, minutes: int, language: str) -> str:
    """The agent who was rung cannot talk now. `name` is the property's, or the company's."""
    return _words(language)["callback"].format(agent=agent, name=name, minutes=minutes)


def callback_queued(name: str, language: str) -> str:
    """The caller has hung up instead of waiting. `name` is the property's, or the company's."""
    return _words(language)["queued"].format(name=name)


def stop_confirmed(name: str, language: str) -> str:
    """The one answer to a STOP. It names us, says that it is done, and offers nothing."""
    return _words(language)["stop"].format(name=name)


def start_confirmed(name: str, language: str) -> str:
    return _words(language)["start"].format(name=name)


def help_answer(name: str, number: str, language: str) -> str:
    """`number` is the line, as people read it."""
    return _words(language)["help"].format(name=name, number=number)


def _words(language: str) -> dict[str, str]:
    return _WORDS.get(language.lower().partition("-")[0], _WORDS["en"])
