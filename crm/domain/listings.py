"""What is offered for rent, in versions: homes, and the properties they are in.

Terms are typed, so that nobody has to guess from a sentence what a second dog costs. Pets, fees and other types that
people write on one line are parsed by a function here, and written in the same notation by its `..._as_text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from crm.domain import fields
from crm.domain.errors import Invalid

LANGUAGES = ("en", "es")
"""Languages of texts; where a text is missing in one, the first language is shown."""
LONGEST_TEXT = 4000
LONGEST_LINE = 200
MOST_PICTURES = 40
MOST_FEES = 20
MOST_PETS = 10


class Per(StrEnum):
    """How often a fee is due."""

    ONCE = "once"
    MONTH = "monthly"
    APPLICANT = "per applicant"


class Utility(StrEnum):
    WATER = "water"
    SEWER = "sewer"
    TRASH = "trash"
    GAS = "gas"
    ELECTRICITY = "electricity"
    HEAT = "heat"
    HOT_WATER = "hot-water"
    AIR_CONDITIONING = "air-conditioning"
    INTERNET = "internet"
    CABLE = "cable"
    PEST_CONTROL = "pest-control"


class ParkingKind(StrEnum):
    NONE = "none"
    STREET = "street"
    LOT = "lot"
    DRIVEWAY = "driveway"
    COVERED = "covered"
    GARAGE = "garage"


class Laundry(StrEnum):
    NONE = "none"
    IN_HOME = "in-home"
    HOOKUPS = "hookups"
    ON_SITE = "on-site"


class Access(StrEnum):
    """A feature that makes a home usable with a disability."""

    STEP_FREE = "step-free"
    ELEVATOR = "elevator"
    WIDE_DOORS = "wide-doors"
    GRAB_BARS = "grab-bars"
    ROLL_IN_SHOWER = "roll-in-shower"
    LOW_COUNTERS = "low-counters"
    VISUAL_ALARMS = "visual-alarms"
    ACCESSIBLE_PARKING = "accessible-parking"


@dataclass(frozen=True)
class Pets:
    """One kind of pet that is allowed."""

    kind: str
    """In the plural: cats, dogs, birds, ..."""
    most: int | None = None
    """The number of them per home; None: no separate limit."""
    pounds: int | None = None
    """Weight limit for each; None: no limit."""
    deposit: Decimal | None = None
    """Refundable deposit for each; None: no deposit."""
    monthly: Decimal | None = None
    """Added to the rent for each; None: nothing."""


@dataclass(frozen=True)
class PetPolicy:
    """The pets allowed in a home. Assistance animals are not pets: none of this applies to them."""

    allowed: tuple[Pets, ...] = ()
    """Empty, and without a note: no pets."""
    note: str = ""
    """Anything that the types cannot express, such as breeds."""

    def allows(self, kind: str) -> bool | None:
        """Returns None if only the note says so."""
        if any(pets.kind == kind for pets in self.allowed):
            return True
        return None if self.note and not self.allowed else False


@dataclass(frozen=True)
class Fee:
    name: str
    """Such as application, admin, parking."""
    amount: Decimal
    per: Per = Per.ONCE
    purpose: str = ""
    """What it is charged for; empty if the name says it."""


def application_fee(fees: Iterable[Fee]) -> str:
    """What applying costs, such as `50 per applicant`; empty: nothing is said about it."""
    found = [fee for fee in fees if fee.name.lower().removesuffix(" fee") == "application"]
    return ", ".join(f"{plain(fee.amount)} {fee.per}" for fee in found)


@dataclass(frozen=True)
class Picture:
    """One picture of a listing; the order of the list is the order they are shown in."""

    hash: str
    """Names the picture's files (crm/edge/pictures.py)."""
    alt: dict[str, str] = field(default_factory=dict)
    """What the picture shows, by language, for people who cannot see it."""


@dataclass(frozen=True)
class Words:
    """The texts in one language. Only properties have policies, and only homes a headline and a concession."""

    headline: str = ""
    text: str = ""
    policies: str = ""
    concession: str = ""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a property sets for all its homes, and a home for itself. None: not set."""

    pets: PetPolicy | None = None
    fees: tuple[Fee, ...] | None = None
    utilities: tuple[Utility, ...] | None = None
    """Those included in the rent."""
    parking: tuple[ParkingKind, ...] | None = None
    laundry: tuple[Laundry, ...] | None = None
    lease_months: tuple[int, ...] | None = None
    accessibility: tuple[Access, ...] | None = None
    words: dict[str, Words] = field(default_factory=dict)
    """By language."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PropertyContent(Terms):
    """A property as it is offered."""

    street: str = ""
    city: str = ""
    state: str = ""
    """Two letters, as in postal addresses."""
    postal_code: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Home(Terms):
    """A home as it is offered."""

    bedrooms: int
    """0 is a studio."""
    bathrooms: Decimal
    square_feet: int | None = None
    rent: Decimal
    """Per month."""
    deposit: Decimal = Decimal("0.00")
    available_on: date | None = None
    """None: not known yet."""


class ListingState(StrEnum):
    """Whether the public sees a listing."""

    DRAFT = "draft"
    """It was never published, or has been withdrawn."""
    PUBLISHED = "published"
    CHANGED = "changed"
    """It is published, and has a later version that is not."""
    EXPIRED = "expired"
    """It was published until a date in the past."""


@dataclass(frozen=True)
class ListingFilter:
    """Selects listings; every field that is given narrows the selection."""

    property: str | None = None
    """Slug."""
    state: str | None = None
    """A ListingState; published includes changed."""
    bedrooms: int | None = None
    rent_from: Decimal | None = None
    rent_to: Decimal | None = None
    available_by: date | None = None
    pets: str | None = None
    """cats or dogs: only homes where they are allowed."""


SEARCHABLE_PETS = ("cats", "dogs")

_TERMS = ("pets", "fees", "utilities", "parking", "laundry", "lease_months", "accessibility")
Kind = TypeVar("Kind", bound=Terms)


def with_terms_of(home: Home, content: PropertyContent) -> Home:
    """Returns the home with the terms of its property wherever it has none of its own."""
    missing = {name: getattr(content, name) for name in _TERMS if getattr(home, name) is None}
    return replace(home, **missing)


def in_language(words: Mapping[str, Words], language: str) -> Words:
    """Returns the texts in a language; each part that is missing is taken from the first language."""
    wanted, first = words.get(language, Words()), words.get(LANGUAGES[0], Words())
    return Words(
        headline=wanted.headline or first.headline,
        text=wanted.text or first.text,
        policies=wanted.policies or first.policies,
        concession=wanted.concession or first.concession,
    )


def texts(terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yields every text with its language and part, for checks of the wording."""
    for language, words in sorted(terms.words.items()):
        for part in ("headline", "text", "policies", "concession"):
            if said := getattr(words, part):
                yield language, part, said
    for number, picture in enumerate(terms.pictures, start=1):
        for language, alt in sorted(picture.alt.items()):
            yield language, f"picture {number}", alt
    first = LANGUAGES[0]
    if terms.pets and terms.pets.note:
        yield first, "pets", terms.pets.note
    for fee in terms.fees or ():
        yield first, "fees", f"{fee.name}: {fee.purpose}" if fee.purpose else fee.name


def with_words(terms: Kind, language: str, **parts: str | None) -> Kind:
    """Returns the terms with parts of their texts replaced in one language; None keeps a part, "" removes it."""
    language = check_language(language)
    known = terms.words.get(language, Words())
    given = {
        part: paragraphs(text, part) if part in ("text", "policies") else fields.text(text, part, LONGEST_LINE)
        for part, text in parts.items()
        if text is not None
    }
    changed = replace(known, **given)
    words = {key: value for key, value in terms.words.items() if key != language}
    if changed != Words():
        words[language] = changed
    return replace(terms, words=dict(sorted(words.items())))


# --- parsing what people write ---


def check_language(raw: str) -> str:
    if raw not in LANGUAGES:
        raise Invalid(
            f"{raw[:20]!a} is not a language of listings: use {' or '.join(LANGUAGES)}.", code="listing_language"
        )
    return raw


def paragraphs(raw: str, what: str) -> str:
    """Cleans text of several lines: no spaces at the ends of lines, no empty lines around it. Raises Invalid."""
    text = "\n".join(line.strip() for line in raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip("\n")
    text = re.sub(r"\n{3,}", "\n\n", text)
    if len(text) > LONGEST_TEXT:
        raise Invalid(
            f"The {what} has {len(text)} characters: at most {LONGEST_TEXT} are kept, so shorten it.",
            code="listing_text_too_long",
        )
    if not text.replace("\n", "").isprintable():
        raise Invalid(
            f"The {what} has tabs or control characters: write it without them.", code="listing_text_unprintable"
        )
    return text


_MONEY = re.compile(r"(?:US)?\$?\s*([\d.,\s]*\d)\s*(?:USD|\$)?", re.ASCII | re.IGNORECASE)
_THOUSANDS = r"\d{{1,3}}(?:[{0}]\d{{3}})+"
_AMOUNTS = (
    (re.compile(r"\d+(?:\.\d{1,2})?"), ""),
    (re.compile(rf"{_THOUSANDS.format(', ')}(?:\.\d{{1,2}})?"), ", "),
    # As it is written where the decimal separator is a comma.
    (re.compile(rf"(?:\d+|{_THOUSANDS.format('. ')}),\d{{1,2}}"), ". "),
)


def money(raw: str) -> Decimal:
    """Parses an amount with at most two decimals, as people write it: 1450, $1,450.00, 1450,50 or 1.450,00. Raises
    Invalid, also for what may be two amounts, such as 1.450."""
    wanted = _MONEY.fullmatch(raw.strip())
    text = " ".join(wanted[1].split()) if wanted else ""
    for form, thousands in _AMOUNTS:
        if form.fullmatch(text):
            plain = text.translate(str.maketrans("", "", thousands)).replace(",", ".")
            if len(plain) <= 10 and Decimal(plain) < 10_000_000:
                return Decimal(plain).quantize(Decimal("0.01"))
    raise Invalid(f"{raw[:40]!a} is not an amount: write one like 1450 or 1,450.00.", code="amount_invalid")


def whole(raw: str, lowest: int, highest: int) -> int:
    text = raw.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", raw, re.ASCII) else raw
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or not lowest <= int(text) <= highest:
        raise Invalid(f"{raw[:40]!a} is not a number from {lowest} to {highest}.", code="listing_number_invalid")
    return int(text)


def bathrooms(raw: str) -> Decimal:
    if not re.fullmatch(r"\d{1,2}([.,][05])?", raw, re.ASCII):
        raise Invalid(f"{raw[:40]!a} is not a number of bathrooms: write one like 1 or 1.5.", code="bathrooms_invalid")
    return Decimal(raw.replace(",", "."))


def state(raw: str) -> str:
    value = raw.strip().upper()
    if value and not re.fullmatch(r"[A-Z]{2}", value, re.ASCII):
        raise Invalid(f"{raw[:20]!a} is not a state: write its two letters, like TX.", code="state_invalid")
    return value


def postal_code(raw: str) -> str:
    value = raw.strip().upper()
    if value and not re.fullmatch(r"\d{5}(-\d{4})?|[A-Z]\d[A-Z] ?\d[A-Z]\d", value, re.ASCII):
        raise Invalid(f"{raw[:20]!a} is not a postal code: write one like 78701.", code="postal_code_invalid")
    return value


def position(raw: str) -> tuple[Decimal | None, Decimal | None]:
    """Parses latitude and longitude as maps show them: '30.2672, -97.7431'; an empty text gives None for both."""
    if not raw.strip():
        return None, None
    found = re.fullmatch(r"\s*(-?\d{1,2}(?:\.\d{1,12})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*", raw, re.ASCII)
    if found:
        latitude, longitude = (Decimal(part).quantize(Decimal("0.000001")) for part in found.groups())
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return latitude, longitude
    raise Invalid(
        f"{raw[:40]!a} is not a position: write latitude and longitude like '30.2672, -97.7431'.",
        code="position_invalid",
    )


Choice = TypeVar("Choice", bound=StrEnum)


def choices(raw: str, known: type[Choice], what: str) -> tuple[Choice, ...]:
    """Parses several values of a closed set from 'water, trash'; 'none' for none of them. Returns them in the set's
    order."""
    words = [word.strip().lower() for word in re.split(r"[,;]", raw) if word.strip()]
    values = [one.value for one in known]
    if words == ["none"] and "none" not in values:
        return ()
    if unknown := [word for word in words if word not in values]:
        raise Invalid(
            f"{unknown[0][:40]!a} is not a kind of {what}: use {', '.join(values)}.", code="listing_choice_unknown"
        )
    if "none" in words and len(words) > 1:
        raise Invalid(f"None and another kind of {what} contradict each other.", code="listing_choice_contradicts")
    return tuple(one for one in known if one.value in words)


def months(raw: str) -> tuple[int, ...]:
    """Parses lease terms from '6, 12'; returns months, shortest first."""
    found = set()
    for part in re.split(r"[,;\s]+", raw.strip()):
        if not part.isascii() or not part.isdigit() or not 1 <= int(part) <= 60:
            raise Invalid(
                f"{part[:20]!a} is not the length of a lease: write months like '6, 12'.", code="lease_invalid"
            )
        found.add(int(part))
    return tuple(sorted(found))


_KIND = re.compile(r"[a-z][a-z-]{1,29}")
_COUNTED = re.compile(r"(?:(\d{1,2}) )?([a-z][a-z-]{1,29})(?: (\d{1,2}))?", re.ASCII)
_POUNDS = re.compile(r"(?:up to )?(\d{1,3}) ?(?:lb|lbs|pounds?)", re.ASCII)
_PRICED = re.compile(r"(deposit|monthly) \$?([\d,.]+)", re.ASCII)
_ONE_OF = {"cat": "cats", "dog": "dogs", "bird": "birds", "rabbit": "rabbits"}
_ONE = {many: one for one, many in _ONE_OF.items()}


def read_pets(raw: str) -> PetPolicy:
    """Parses pets from '2 cats, monthly 25; 1 dog, up to 50 lb, deposit 300, monthly 35', or 'none'; anything after
    'note:' is kept verbatim. Raises Invalid."""
    given, has_note, note = raw.partition("note:")
    note = fields.text(note, "note about pets", LONGEST_LINE)
    if has_note and not note:
        raise Invalid("The note about pets is empty: write one, or leave 'note:' out.", code="pet_note_empty")
    wanted = [part.strip().lower() for part in given.split(";") if part.strip()]
    if wanted == ["none"] and not note:
        return PetPolicy()
    if not wanted and not note:
        raise Invalid("Say which pets are allowed, such as '2 cats', or none.", code="pets_empty")
    allowed = tuple(_one_kind(part) for part in wanted)
    kinds = [pets.kind for pets in allowed]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise Invalid(f"{twice} are named twice: write all about them in one part.", code="pets_twice", kind=twice)
    if len(allowed) > MOST_PETS:
        raise Invalid(f"There are more than {MOST_PETS} kinds of pets.", code="pets_many")
    return PetPolicy(allowed, note)


def _one_kind(text: str) -> Pets:
    first, *rest = [" ".join(part.split()) for part in text.split(",")]
    found = _COUNTED.fullmatch(first)
    if found is None or found[2] in ("none", "no") or (found[1] and found[3]):
        raise _not_pets(first)
    count = found[1] or found[3]
    pets = Pets(_ONE_OF.get(found[2], found[2]), int(count) if count else None)
    if pets.most == 0:
        raise _not_pets(first)
    for part in _joined(rest):
        if (pounds := _POUNDS.fullmatch(part)) and pets.pounds is None and int(pounds[1]):
            pets = replace(pets, pounds=int(pounds[1]))
        elif (priced := _PRICED.fullmatch(part)) and getattr(pets, priced[1]) is None:
            amount: dict[str, Any] = {priced[1]: money(priced[2])}
            pets = replace(pets, **amount)
        else:
            raise _not_pets(part)
    return pets


def _joined(parts: Iterable[str]) -> list[str]:
    """Rejoins amounts with a comma in them, such as 1,200, that were split at it."""
    joined: list[str] = []
    for part in parts:
        if joined and re.fullmatch(r"\d{3}(\.\d\d)?", part, re.ASCII) and re.search(r"[\d]$", joined[-1]):
            joined[-1] += f",{part}"
        else:
            joined.append(part)
    return joined


def _not_pets(text: str) -> Invalid:
    return Invalid(
        f"{text[:40]!a} says nothing about pets that can be kept: write like '2 cats, monthly 25; "
        "1 dog, up to 50 lb, deposit 300', or none.",
        code="pets_invalid",
    )


def pets_or_note(raw: str) -> PetPolicy | None:
    """Like `read_pets`, for lists made for people: understands 'cats and dogs'; anything else becomes the note."""
    text = fields.text(raw, "pets", LONGEST_LINE)
    if not text:
        return None
    plain = text.lower().strip(" .").removesuffix(" allowed").removesuffix(" ok")
    if plain in ("no", "no pets", "not"):
        return PetPolicy()
    try:
        return read_pets(plain.replace(" and ", "; "))
    except Invalid:
        pass
    try:
        return read_pets(text)
    except Invalid:
        return PetPolicy(note=text)


_FEE = re.compile(r"(?P<name>[^:;\d$]{1,60}?) \$?(?P<amount>[\d,]+(?:\.\d{1,2})?)(?: (?P<per>[a-z ]+))?", re.ASCII)


def read_fees(raw: str) -> tuple[Fee, ...]:
    """Parses fees from 'application 50 per applicant: credit check; parking 40 monthly', or 'none'. Raises Invalid."""
    parts = [" ".join(part.split()) for part in raw.split(";") if part.strip()]
    if [part.lower() for part in parts] == ["none"]:
        return ()
    if not parts:
        raise Invalid("Say which fees there are, such as 'application 50', or none.", code="fees_empty")
    fees = tuple(_one_fee(part) for part in parts)
    names = [fee.name.lower() for fee in fees]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Invalid(f"There are two fees named {twice}.", code="fee_twice", fee=twice)
    if len(fees) > MOST_FEES:
        raise Invalid(f"There are more than {MOST_FEES} fees.", code="fees_many")
    return fees


def _one_fee(text: str) -> Fee:
    said, _, purpose = text.partition(":")
    found = _FEE.fullmatch(said.strip())
    per = " ".join(((found and found["per"]) or Per.ONCE).split())
    if found is None or per not in list(Per):
        raise Invalid(
            f"{text[:40]!a} is not a fee: write a name and an amount, like 'application 50 per applicant: credit check'"
            " or 'parking 40 monthly'.",
            code="fee_invalid",
        )
    return Fee(
        fields.text(found["name"], "name of a fee", 60, required=True),
        money(found["amount"]),
        Per(per),
        fields.text(purpose, "purpose of a fee", LONGEST_LINE),
    )


# --- writing it in the same notation ---


def plain(amount: Decimal) -> str:
    """Formats an amount as people write it: 50, 49.50."""
    return f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"


def pets_as_text(policy: PetPolicy | None) -> str:
    """Formats pets as `read_pets` parses them; "" for None."""
    if policy is None:
        return ""
    kinds = []
    for pets in policy.allowed:
        kind = _ONE.get(pets.kind, pets.kind) if pets.most == 1 else pets.kind
        parts = [f"{pets.most} {kind}" if pets.most is not None else kind]
        if pets.pounds is not None:
            parts.append(f"up to {pets.pounds} lb")
        if pets.deposit is not None:
            parts.append(f"deposit {plain(pets.deposit)}")
        if pets.monthly is not None:
            parts.append(f"monthly {plain(pets.monthly)}")
        kinds.append(", ".join(parts))
    if policy.note:
        kinds.append(f"note: {policy.note}")
    return "; ".join(kinds) or "none"


def fees_as_text(fees: tuple[Fee, ...] | None) -> str:
    """Formats fees as `read_fees` parses them; "" for None."""
    if fees is None:
        return ""
    return "; ".join(_fee_as_text(fee) for fee in fees) or "none"


def _fee_as_text(fee: Fee) -> str:
    text = f"{fee.name} {plain(fee.amount)}"
    if fee.per is not Per.ONCE:
        text += f" {fee.per}"
    return f"{text}: {fee.purpose}" if fee.purpose else text


def choices_as_text(chosen: Iterable[StrEnum] | None) -> str:
    """Formats values as `choices` parses them; "" for None."""
    return "" if chosen is None else ", ".join(one.value for one in chosen) or "none"


def months_as_text(lengths: Iterable[int] | None) -> str:
    return "" if lengths is None else ", ".join(str(length) for length in lengths)


# --- by column, for lists and options ---

REQUIRED = ("bedrooms", "bathrooms", "rent")
"""Columns that every home needs."""


def _in(name: str, read: Callable[[str], object], empty: object = None) -> Callable[[Kind, str], Kind]:
    def put(terms: Kind, raw: str) -> Kind:
        values: dict[str, Any] = {name: read(raw.strip()) if raw.strip() else empty}
        return replace(terms, **values)

    return put


def _said(part: str, language: str) -> Callable[[Kind, str], Kind]:
    return lambda terms, raw: with_words(terms, language, **{part: raw})


def _position(content: PropertyContent, raw: str) -> PropertyContent:
    latitude, longitude = position(raw)
    return replace(content, latitude=latitude, longitude=longitude)


def _terms_columns(*parts: str) -> dict[str, Callable[[Kind, str], Kind]]:
    return {
        "pets": _in("pets", read_pets),
        "fees": _in("fees", read_fees),
        "utilities": _in("utilities", lambda raw: choices(raw, Utility, "utility")),
        "parking": _in("parking", lambda raw: choices(raw, ParkingKind, "parking")),
        "laundry": _in("laundry", lambda raw: choices(raw, Laundry, "laundry")),
        "lease_months": _in("lease_months", months),
        "accessibility": _in("accessibility", lambda raw: choices(raw, Access, "accessibility")),
        **{f"{part}_{language}": _said(part, language) for part in parts for language in LANGUAGES},
    }


def _line(name: str, longest: int) -> Callable[[Kind, str], Kind]:
    return _in(name, lambda raw: fields.text(raw, name, longest), "")


HOME_COLUMNS: Mapping[str, Callable[[Home, str], Home]] = {
    "bedrooms": _in("bedrooms", lambda raw: whole(raw, 0, 20)),
    "bathrooms": _in("bathrooms", bathrooms),
    "square_feet": _in("square_feet", lambda raw: whole(raw, 1, 100_000)),
    "rent": _in("rent", money),
    "deposit": _in("deposit", money, Decimal("0.00")),
    "available_on": _in("available_on", fields.day),
    **_terms_columns("headline", "text", "concession"),
}
PROPERTY_COLUMNS: Mapping[str, Callable[[PropertyContent, str], PropertyContent]] = {
    "street": _line("street", LONGEST_LINE),
    "city": _line("city", 100),
    "state": _in("state", state, ""),
    "postal_code": _in("postal_code", postal_code, ""),
    "position": _position,
    **_terms_columns("text", "policies"),
}
"""How each column's text changes a home or a property; an empty text clears the field."""

UNSAID = Home(bedrooms=0, bathrooms=Decimal(0), rent=Decimal(0))
"""Where reading the columns of a new home starts."""


def read_home(cells: Mapping[str, str], known: Home | None = None) -> Home:
    """Returns a new home with these columns, or `known` with these columns changed. Raises Invalid."""
    home = known or UNSAID
    lacking = [
        name.replace("_", " ")
        for name in REQUIRED
        if (name in cells or known is None) and not cells.get(name, "").strip()
    ]
    if lacking:
        raise Invalid(f"A home needs {' and '.join(lacking)}.", code="home_incomplete", column=", ".join(lacking))
    for name, raw in cells.items():
        home = HOME_COLUMNS[name](home, raw)
    return home


def read_property(cells: Mapping[str, str], known: PropertyContent | None = None) -> PropertyContent:
    """Returns a new property with these columns, or `known` with these columns changed. Raises Invalid."""
    content = known or PropertyContent()
    for name, raw in cells.items():
        content = PROPERTY_COLUMNS[name](content, raw)
    return content


def home_cells(home: Home) -> dict[str, str]:
    """Returns the text of every column, as `read_home` parses it."""
    return {
        "bedrooms": str(home.bedrooms),
        "bathrooms": plain_count(home.bathrooms),
        "square_feet": "" if home.square_feet is None else str(home.square_feet),
        "rent": plain(home.rent),
        "deposit": plain(home.deposit),
        "available_on": home.available_on.isoformat() if home.available_on else "",
        **_terms_cells(home, "headline", "text", "concession"),
    }


def property_cells(content: PropertyContent) -> dict[str, str]:
    """Returns the text of every column, as `read_property` parses it."""
    return {
        "street": content.street,
        "city": content.city,
        "state": content.state,
        "postal_code": content.postal_code,
        "position": position_as_text(content),
        **_terms_cells(content, "text", "policies"),
    }


def _terms_cells(terms: Terms, *parts: str) -> dict[str, str]:
    return {
        "pets": pets_as_text(terms.pets),
        "fees": fees_as_text(terms.fees),
        "utilities": choices_as_text(terms.utilities),
        "parking": choices_as_text(terms.parking),
        "laundry": choices_as_text(terms.laundry),
        "lease_months": months_as_text(terms.lease_months),
        "accessibility": choices_as_text(terms.accessibility),
        **{
            f"{part}_{language}": getattr(terms.words.get(language, Words()), part)
            for part in parts
            for language in LANGUAGES
        },
    }


def position_as_text(content: PropertyContent) -> str:
    if content.latitude is None or content.longitude is None:
        return ""
    return f"{_short(content.latitude)}, {_short(content.longitude)}"


def _short(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".")


def plain_count(bathrooms: Decimal) -> str:
    """Formats a number of bathrooms: 1, 1.5."""
    return f"{bathrooms:.1f}".removesuffix(".0")


def checked_home(home: Home) -> Home:
    """Applies the rules for homes written by hand to one that was already parsed. Raises Invalid."""
    return replace(read_home(home_cells(home)), pictures=checked_pictures(home.pictures))


def checked_property(content: PropertyContent) -> PropertyContent:
    return replace(read_property(property_cells(content)), pictures=checked_pictures(content.pictures))


def checked_pictures(pictures: tuple[Picture, ...]) -> tuple[Picture, ...]:
    if len(pictures) > MOST_PICTURES:
        raise Invalid(f"There are more than {MOST_PICTURES} pictures.", code="pictures_many")
    return tuple(
        Picture(
            _checked_hash(picture.hash),
            {
                check_language(language): fields.text(alt, "alternative text", LONGEST_LINE)
                for language, alt in sorted(picture.alt.items())
                if alt.strip()
            },
        )
        for picture in pictures
    )


def _checked_hash(raw: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", raw):
        raise Invalid(f"{raw[:20]!a} is not a picture: its hash has 64 digits from 0-9 and a-f.", code="picture_hash")
    return raw
