"""How the site looks in one language: its templates, its words, and how money and times are written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup
from starlette.responses import HTMLResponse

from crm.config import Config
from crm.domain import applications
from crm.domain.applications import FieldKind
from crm.domain.errors import Invalid
from crm.domain.excerpts import excerpt
from crm.domain.tours import Slot
from crm.edge import numbers
from crm.services.tours import booking
from crm.views.listing_parts import AddressEntry, PictureEntry
from crm.views.public_listings import Card, Page
from crm.views.site import SiteOffice
from crm.words import site as words

FOLDER = Path(__file__).parents[1] / "templates" / "site"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "same-origin",
}
FIRST = next(iter(words.LANGUAGES))
LOCALES = {"en": "en_US", "es": "es_US"}
DAYS = {"en": "EEEE, MMMM d", "es": "EEEE, d 'de' MMMM"}
"""Formats of days within the next weeks, which need no year."""
MOST_CARDS = 10_000
"""Homes that are kept as they are written in lists, about 10 MB in each language."""


@dataclass(frozen=True)
class Style:
    """The style sheet; its name changes with its content, so that browsers can cache it."""

    text: str

    @property
    def path(self) -> str:
        return f"/style-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}.css"


STYLE = Style((FOLDER / "style.css").read_text(encoding="utf-8"))
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # They change with the program only; looking for that takes a call of the system for each template of each page.
    auto_reload=False,
)


# A list repeats the same few amounts and days, and formatting one takes a thirtieth of a millisecond.


@lru_cache(4096)
def _money(amount: Decimal, locale: str) -> str:
    whole = amount == amount.to_integral_value()
    pattern = "¤#,##0" if whole else None
    return str(format_currency(amount, "USD", pattern, locale=locale, currency_digits=not whole))


@lru_cache(4096)
def _number(value: Decimal | int, locale: str) -> str:
    return str(format_decimal(value, locale=locale))


@lru_cache(4096)
def _day(value: date, locale: str) -> str:
    return str(format_date(value, "long", locale=locale))


@lru_cache(4096)
def _clock(value: time, locale: str) -> str:
    return str(format_time(value, "short", locale=locale))


@dataclass(frozen=True, slots=True)
class _WrittenCard:
    home: Card
    """Kept with it, so that no other can take its place in memory, and be taken for it."""
    today: date
    markup: Markup


class Looks:
    def __init__(self, config: Config, language: str, prefix: str) -> None:
        self.language = language
        self.prefix = prefix
        """Prefix of paths in this language; empty for the first."""
        self._config = config
        self._locale = LOCALES[language]
        self._cards: dict[tuple[int, int], _WrittenCard] = {}

    def page(
        self, template: str, office: SiteOffice, status: int = 200, *, path: str, **values: object
    ) -> HTMLResponse:
        """Renders a template, e.g. `looks.page("list", office, path="/", cards=[])`."""
        base = self._config.site.public_url.rstrip("/")
        plain = path.removeprefix(self.prefix) or "/"
        others = [
            (one, name, (f"/{one}{plain if plain != '/' else ''}" if one != next(iter(words.LANGUAGES)) else plain))
            for one, name in words.LANGUAGES.items()
        ]
        text = _TEMPLATES.get_template(f"{template}.html.j2").render(
            looks=self, say=self.say, office=office, base=base, path=path, others=others, style=STYLE.path, **values
        )
        return HTMLResponse(text, status, headers=HEADERS)

    def card(self, home: Card, today: date, level: int) -> Markup:
        """A home in a list, `level` being that of its heading. The same homes are in many lists."""
        written = self._cards.get((home.id, level))
        if written is None or written.home is not home or written.today != today:
            if len(self._cards) >= MOST_CARDS:
                self._cards.clear()
            parts = _TEMPLATES.get_template("parts.html.j2").module
            markup = parts.card(self, self.say, home, today, level)  # type: ignore[attr-defined]
            written = self._cards[home.id, level] = _WrittenCard(home, today, markup)
        return written.markup

    def say(self, key: str, **values: object) -> str:
        return words.WORDS[self.language][key].format(**values)

    def term(self, value: str) -> str:
        return words.term(value, self.language)

    def terms(self, values: Sequence[str]) -> str:
        return ", ".join(self.term(value) for value in values)

    @staticmethod
    def sentence(words: str) -> str:
        """Capitalizes the first letter only."""
        return words[:1].upper() + words[1:]

    def other_language(self, language: str = FIRST) -> Markup:
        """The attribute that marks text in a language other than the page's; text that is only entered once is in the
        first language."""
        return Markup("" if language == self.language else f' lang="{language}"')

    def months(self, lengths: Sequence[int]) -> str:
        """Lease lengths to choose from: 6, 12 or 18 months."""
        if list(lengths) == [1]:
            return self.say("month_one")
        return self.say("months", n=format_list([str(one) for one in lengths], "or", locale=self._locale))

    def money(self, amount: Decimal) -> str:
        return _money(amount, self._locale)

    def fee(self, stated: str) -> str:
        """What applying costs, as `listings.application_fee` has it, e.g. $50 per applicant."""
        parts = [part.partition(" ") for part in stated.split(", ") if part]
        return ", ".join(f"{self.money(Decimal(amount))} {self.say(f'per_{per}')}" for amount, _, per in parts)

    def number(self, value: Decimal | int) -> str:
        return _number(value, self._locale)

    def size(self, count: int) -> str:
        """A file size: 340 kB, 1.2 MB."""
        if count < 1_000_000:
            return f"{self.number(max(1, count // 1000))} kB"
        return f"{self.number(Decimal(count // 100_000) / 10)} MB"

    def day(self, value: date) -> str:
        return _day(value, self._locale)

    def answer(self, kind: str, value: str) -> str:
        """An answer in an application, as readers see it."""
        if kind == FieldKind.CHOICE:
            return self.term(value).capitalize()
        if kind == FieldKind.DAY:
            with contextlib.suppress(Invalid):
                return self.day(applications.day(value))
        return value

    def moment(self, at: datetime, tz: ZoneInfo) -> str:
        return booking.in_words(at, tz, self.language)

    def days(self, slots: Sequence[tuple[str, Slot]], tz: ZoneInfo) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """Free times by day: the value that a form sends, the time, and the kind of the tour."""
        found = []
        for day, some in groupby(slots, key=lambda one: one[1].starts_at.astimezone(tz).date()):
            listed = [
                (
                    value,
                    _clock(slot.starts_at.astimezone(tz).time(), self._locale),
                    self.say(slot.kind.value),
                )
                for value, slot in some
            ]
            named = str(format_date(day, DAYS[self.language], locale=self._locale))
            found.append((self.sentence(named), listed))
        return found

    def phone(self, number: str) -> str:
        return numbers.display(number, self._config.region)

    def beds(self, count: int) -> str:
        if count == 0:
            return self.say("studio")
        return self.say("bed") if count == 1 else self.say("beds", n=count)

    def baths(self, count: Decimal) -> str:
        return self.say("bath") if count == 1 else self.say("baths", n=self.number(count.normalize()))

    def available(self, on: date | None, today: date) -> str:
        if on is None:
            return self.say("available_unknown")
        if on <= today:
            return self.say("available_now")
        return self.say("available", date=self.day(on))

    def map_link(self, address: AddressEntry) -> str:
        """A link to OpenStreetMap, to the exact position if it is known."""
        if address.latitude is None or address.longitude is None:
            return ""
        at = f"{address.latitude}/{address.longitude}"
        return f"https://www.openstreetmap.org/?mlat={address.latitude}&mlon={address.longitude}#map=17/{at}"

    def srcset(self, picture: PictureEntry) -> str:
        return ", ".join(f"/pictures/{picture.hash}-{width}.webp {width}w" for width in picture.widths)

    def schema(self, home: Page, base: str) -> Markup:
        """The home as schema.org describes it, for search engines."""
        pets = home.terms.pets
        described = {
            "@context": "https://schema.org",
            "@type": "Apartment",
            "name": f"{home.property_name} {home.unit}",
            "description": home.headline or excerpt(home.text, 300),
            "numberOfBedrooms": home.bedrooms,
            "numberOfBathroomsTotal": float(home.bathrooms),
            "address": {
                "@type": "PostalAddress",
                "streetAddress": home.address.street,
                "addressLocality": home.address.city,
                "addressRegion": home.address.state,
                "postalCode": home.address.postal_code,
            },
            "petsAllowed": bool(pets.allowed) if pets else None,
            "tourBookingPage": f"{base}{self.prefix}/homes/{home.id}/tour",
            "image": [f"{base}/pictures/{one.hash}-{one.widths[-1]}.webp" for one in home.pictures],
            "potentialAction": {
                "@type": "RentAction",
                "priceSpecification": {
                    "@type": "UnitPriceSpecification",
                    "price": str(home.rent),
                    "priceCurrency": "USD",
                    "unitCode": "MON",
                },
            },
        }
        found = {key: value for key, value in described.items() if value not in (None, "", [])}
        # Within a script element only "<" could end it.
        return Markup(msgspec.json.encode(found).decode().replace("<", "\\u003c"))
