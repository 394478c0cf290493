"""The templates of all texts that leave by themselves, in each language, and what an office may write in their place.
Pure.

The Spanish keeps to the letters that texts are counted in most cheaply (`crm.domain.segments`) where that reads well:
á, í, ó and ú are not among them, é and ñ are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crm.domain.errors import Invalid, NotFound

LONGEST_TEMPLATE = 600
FIRST_LANGUAGE = "en"
Words = Mapping[str, str]
"""Templates by name, in one language."""


@dataclass(frozen=True)
class TextTemplate:
    """One of the texts, whatever its language."""

    name: str
    when: str
    """When it is sent."""
    has_to_hold: tuple[str, ...]
    """Without these placeholders it would not say what it is for."""
    may_hold: tuple[str, ...] = ()

    @property
    def placeholders(self) -> tuple[str, ...]:
        return (*self.has_to_hold, *self.may_hold)


FIRST = "first"
TEMPLATES = {
    one.name: one
    for one in (
        TextTemplate(FIRST, "after the first text to a person, which has to say who writes", ("office",)),
        TextTemplate("listings", "a caller asked for the homes", ("url",), ("name",)),
        TextTemplate("link_tours", "a caller asked the voice agent for tour times", ("url",), ("name",)),
        TextTemplate("link_application", "a caller asked the voice agent for the application", ("url",), ("name",)),
        TextTemplate("link_home", "a caller asked the voice agent for one home", ("url",), ("name",)),
        TextTemplate("missed_new", "nobody talked with a new caller", (), ("name", "url")),
        TextTemplate("missed_known", "nobody talked with somebody who had called before", (), ("name",)),
        TextTemplate("tour_booked", "a tour was booked", ("when",), ("name",)),
        TextTemplate("tour_moved", "a tour was moved", ("when",), ("name",)),
        TextTemplate("tour_cancelled", "a tour was canceled", ("when",), ("name",)),
        TextTemplate("tour_reminder", "before a tour", ("when",), ("name",)),
        TextTemplate("tour_change", "at the end of these, with a link to change it", ("url",)),
        TextTemplate("tour_reply", "at the end of these, without a link", ()),
        TextTemplate("application", "the link to an application they have begun", ("url",), ("name",)),
        TextTemplate("callback", "an agent pressed 3 instead of taking the call", ("minutes",), ("agent", "name")),
        TextTemplate("queued", "a caller keeps their place in line and hung up", (), ("name",)),
        TextTemplate("stop", "the one answer to STOP", ("name",)),
        TextTemplate("start", "the answer to START", ("name",)),
        TextTemplate("help", "the answer to HELP", ("name", "number")),
    )
}
FOLLOW_UP = ("name", "url")
"""Placeholders of a step of a follow-up sequence."""
SAYS_STOP = frozenset({FIRST, "start", "help"})
"""Templates that have to say how to stop."""

STANDARD: Mapping[str, Words] = {
    "en": {
        FIRST: "{office}: reply STOP to get no more texts.",
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
        "tour_change": "To change or cancel: {url}",
        "tour_reply": "To change or cancel, reply to this text or call us.",
        "application": "{name}: to continue your application: {url} This link is yours alone.",
        "callback": "{agent} from {name}: I can't talk right now, but I will call you in {minutes} minutes.",
        "queued": "{name}: we are holding your place in line, and we will call you back as soon as it is your turn.",
        "stop": "{name}: you are unsubscribed and will get no more texts from us. Reply START to get them again.",
        "start": "{name}: you will get our texts again. Reply STOP to end them, HELP for help.",
        "help": "{name} leasing office: for help call {number}. Reply STOP to get no more texts. Data rates may apply.",
    },
    "es": {
        FIRST: "{office}: responda STOP para no recibir textos.",
        "listings": "Gracias por llamar a {name}. Las viviendas disponibles: {url}",
        "link_tours": "{name}: elija la hora de su visita: {url}",
        "link_application": "{name}: para hacer su solicitud: {url}",
        "link_home": "{name}: la vivienda por la que nos ha preguntado: {url}",
        "missed_new": "Sentimos no haber atendido su llamada a {name}. Le llamaremos. Viviendas disponibles: {url}",
        "missed_known": "Sentimos no haber atendido su llamada sobre {name}. Le llamaremos pronto.",
        "tour_booked": "Su visita a {name} queda reservada para el {when}.",
        "tour_moved": "Su visita a {name} es ahora el {when}.",
        "tour_cancelled": "Su visita a {name} del {when} fue cancelada. Responda o llame para otra hora.",
        "tour_reminder": "Recordatorio: su visita a {name} es el {when}.",
        "tour_change": "Para cambiarla o cancelarla: {url}",
        "tour_reply": "Para cambiarla o cancelarla, responda a este mensaje o llame.",
        "application": "{name}: para continuar su solicitud: {url} Este enlace es solo para usted.",
        "callback": "{agent} de {name}: no puedo hablar ahora y le llamaré en {minutes} minutos.",
        "queued": "{name}: usted conserva su lugar en la fila y le llamaremos en cuanto sea su turno.",
        "stop": "{name}: ya no recibe textos nuestros. Responda START para volver a recibirlos.",
        "start": "{name}: de nuevo recibe nuestros textos. Responda STOP para cancelarlos, HELP para ayuda.",
        "help": "{name}: para ayuda llame al {number}. Responda STOP para no recibir textos.",
    },
}
LANGUAGES = tuple(STANDARD)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_STOP = re.compile(r"\bSTOP\b")


def code(language: str) -> str:
    """The language without its region: es of es-MX."""
    return language.lower().partition("-")[0]


def read_language(raw: str) -> str:
    """Raises Invalid for a language that there are no texts in."""
    language = code(raw)
    if language not in LANGUAGES:
        spoken = " or ".join(LANGUAGES)
        raise Invalid(f"{raw[:20]!a} is not a language of texts: use {spoken}.", code="language_unknown")
    return language


def standard(language: str, templates: Mapping[str, Words] = STANDARD) -> Words:
    """The templates that come with Leaseline; English for a language that there are none in."""
    return templates.get(code(language), templates[FIRST_LANGUAGE])


def in_force(own: Mapping[tuple[str, str], str], language: str, templates: Mapping[str, Words] = STANDARD) -> Words:
    """The templates in a language: the office's own (by name and language) where it wrote some, else the standard ones,
    of texts unless others are given. In a language that there are no standard ones in, English ones stand in for what
    the office has not written."""
    spoken = code(language)
    order = (spoken,) if spoken in templates else (FIRST_LANGUAGE, spoken)
    written = {name: body for one in order for (name, of), body in own.items() if of == one}
    return {**standard(spoken, templates), **written}


def filled(template: str, **values: object) -> str:
    """A template with the values of its placeholders. What a value holds is not read again."""
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]) if found[1] in values else found[0], template)


def checked(template: TextTemplate, body: str) -> str:
    """What an office wrote in a template's place. Raises Invalid, which says what it may hold."""
    body = " ".join(body.split())
    check_writing(body, "A text", LONGEST_TEMPLATE)
    check_placeholders(template.name, body, template.has_to_hold, template.placeholders)
    if template.name in SAYS_STOP and not says_stop(body):
        raise Invalid(f"{template.name} has to say how to stop, with the word STOP.", code="text_template_without_stop")
    return body


def check_writing(words: str, what: str, longest: int) -> None:
    """Raises Invalid for what is empty, too long or not readable. `what` it is: a text."""
    if not 1 <= len(words) <= longest:
        raise Invalid(
            f"{what} has to have 1 to {longest:,} characters, and this one has {len(words):,}.",
            code="template_length",
            longest=longest,
        )
    if not words.replace("\n", " ").isprintable():
        raise Invalid(f"{what} cannot hold control characters: write it without them.", code="template_unprintable")


def check_placeholders(name: str, body: str, has_to_hold: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Raises Invalid for braces that are no placeholder of this text, and for one that it cannot do without."""
    held = _PLACEHOLDER.findall(body)
    strange = [f"{{{one[:20]}}}" for one in held if one not in known]
    if strange or set("{}") & set(_PLACEHOLDER.sub("", body)):
        what = f"no {strange[0]}" if strange else "no single braces"
        raise Invalid(
            f"{name} can have {what}: {_listed(known)}.", code="text_template_placeholders", known=", ".join(known)
        )
    if missing := [one for one in has_to_hold if one not in held]:
        raise Invalid(
            f"{name} has to have {{{missing[0]}}}: {_listed(known)}.",
            code="text_template_incomplete",
            known=", ".join(known),
        )


def _listed(known: tuple[str, ...]) -> str:
    if not known:
        return "it has no placeholders"
    names = [f"{{{one}}}" for one in known]
    return f"its {'placeholder is' if len(names) == 1 else 'placeholders are'} {' and '.join(names)}"


def says_stop(body: str) -> bool:
    return _STOP.search(body) is not None


def introduced(body: str, office: str, words: Words) -> str:
    """The first text to a person: it names the office and says how to stop, whatever its template does. The same again
    for one that does."""
    if says_stop(body) and office.casefold() in body.casefold():
        return body
    return f"{body} {filled(words[FIRST], office=office)}"


@dataclass(frozen=True)
class KnownTexts:
    """All templates of the office, and what they say in each language."""

    templates: Mapping[str, TextTemplate]
    standard: Mapping[str, Words]
    """By language, without what the office wrote in their place."""
    own: Mapping[tuple[str, str], str]
    """What it wrote, by name and language."""

    def body(self, name: str, language: str) -> str:
        """What is in force: in English where the language has no text. Raises NotFound."""
        for wanted in (language, FIRST_LANGUAGE):
            if found := self.own.get((name, wanted)) or self.standard.get(wanted, {}).get(name):
                return found
        raise _unknown(name)

    def named(self, name: str) -> TextTemplate:
        """Raises NotFound."""
        if name not in self.templates:
            raise _unknown(name)
        return self.templates[name]


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no text {name[:60]!a}.", code="text_template_unknown")


@dataclass(frozen=True)
class FilledText:
    """A template as a person gets it."""

    language: str
    body: str
    first: str
    """The same, if it is the first text to them."""
