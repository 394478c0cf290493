"""How the console looks in one language: its templates, and how times, numbers and amounts are written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from crm.config import Config
from crm.domain.calls import CallStep
from crm.domain.counting import Count
from crm.edge import numbers
from crm.views import counts
from crm.words.codes import in_words
from crm.words.console import Words, frame, phone, sentences

FOLDER = Path(__file__).parents[1] / "templates" / "console"
WITHOUT_YEAR = timedelta(days=180)
"""So near, the day and the month say which year it is."""
LOCALES = {"en": "en_US", "es": "es_US"}
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
KEYS = {
    "board": "b",
    "recent": "r",
    "inbox": "i",
    "leads": "l",
    "tasks": "t",
    "tours": "o",
    "voicemail": "v",
    "missed": "m",
    "listings": "h",
    "reports": "p",
    "routing": "u",
    "settings": "s",
    "health": "d",
    "people": "e",
}
"""The letter that opens a section after g, in every language."""
_TEMPLATES.globals["section_keys"] = KEYS
_TEMPLATES.globals["most_counted"] = counts.MOST
_TEMPLATES.globals["phone_words"] = phone.of_page


@lru_cache(1)
def style() -> tuple[str, bytes]:
    """The style sheet's file name, which changes with its content so that browsers can keep it, and its content."""
    content = (FOLDER / "style.css").read_bytes()
    return f"style-{hashlib.sha256(content).hexdigest()[:12]}.css", content


@lru_cache(8192)
def _moment(at: datetime, pattern: str, locale: str) -> str:
    """`at` is the time on the wall, without its zone: in two zones, one moment is equal to itself."""
    return str(format_datetime(at, pattern, locale=locale))


class ConsoleLooks:
    """What templates get as `looks`."""

    def __init__(self, config: Config, language: str, now: Callable[[], datetime]) -> None:
        self.language = language
        self._locale = LOCALES[language]
        self._region = config.region
        self._now = now
        self.tz: ZoneInfo = config.tz
        """The office's. Pages that are about one property pass that property's."""

    def say(self, words: Words, key: str, **values: object) -> str:
        """A page's text, or else one that all pages share. Whole numbers choose between words, as `Count` says."""
        texts = words[self.language] if words else {}
        text = texts[key] if key in texts else frame.WORDS[self.language][key]
        return text.format(**{name: Count(one) if type(one) is int else one for name, one in values.items()})

    def render(self, template: str, **values: object) -> str:
        return _TEMPLATES.get_template(f"{template}.html.j2").render(looks=self, **values)

    def render_macro(self, template: str, macro: str, *args: object) -> str:
        """One part of a page by itself, such as a row that has changed."""
        return str(getattr(_TEMPLATES.get_template(f"{template}.html.j2").module, macro)(self, *args))

    def code(self, kind: type[StrEnum], value: str | None) -> str:
        """The words for a code, such as a task's kind; in English where there are none in this language."""
        return in_words(kind, value, self.language)

    def told(self, sentence: str) -> str:
        """A sentence of the routing decision or the gate, which are on record in English, in this language."""
        return sentences.told(sentence, self.language)

    def in_short(self, text: str) -> str:
        """What a talk was about."""
        return sentences.in_short(text, self.language)

    def record(self, text: str) -> str:
        """What stands on a task or in a timeline, which are on record in English, in this language."""
        return sentences.record(text, self.language)

    def step(self, value: str) -> str:
        """Where a call is; the first step of one that has just come."""
        return self.code(CallStep, value or CallStep.ARRIVED)

    def day(self, value: date) -> str:
        return str(format_date(value, "medium", locale=self._locale))

    def weekday(self, value: date) -> str:
        return str(format_date(value, "EEE, MMM d" if self.language == "en" else "EEE d MMM", locale=self._locale))

    def time(self, at: datetime, tz: ZoneInfo | None = None) -> str:
        return str(format_time(at.astimezone(tz or self.tz), "short", locale=self._locale))

    def moment(self, at: datetime | None, tz: ZoneInfo | None = None) -> str:
        """Day and time, with the year where the day alone may be that of another; empty for None."""
        if at is None:
            return ""
        year = ", y" if self.language == "en" else " y"
        year = year if abs(self._now() - at) > WITHOUT_YEAR else ""
        pattern = f"MMM d{year}, h:mm a" if self.language == "en" else f"d MMM{year}, h:mm a"
        # A list has many times of one minute, and writing one takes longer than all else in its row.
        return _moment(
            at.astimezone(tz or self.tz).replace(tzinfo=None, second=0, microsecond=0), pattern, self._locale
        )

    @staticmethod
    def iso(at: datetime) -> str:
        """For the `datetime` of a time element."""
        return at.isoformat(timespec="seconds")

    def phone(self, number: str | None) -> str:
        return numbers.display(number, self._region) if number else ""

    def tel(self, number: str | None) -> Markup:
        """A phone number that keeps to one line; not for attributes."""
        return Markup('<span class="tel">{}</span>').format(self.phone(number)) if number else Markup()

    def money(self, amount: Decimal) -> str:
        whole = amount == amount.to_integral_value()
        pattern = "¤#,##0" if whole else None
        return str(format_currency(amount, "USD", pattern, locale=self._locale, currency_digits=not whole))

    def number(self, value: Decimal | int | float) -> str:
        return str(format_decimal(value, locale=self._locale))

    @staticmethod
    def length(seconds: float) -> str:
        """A duration: 0:07, 12:30, 1:02:03."""
        minutes, rest = divmod(int(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
