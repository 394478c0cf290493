"""Whether a sentence may be spoken: everything in it that could be wrong stands in the facts of this turn. Pure.

It is asked of a language model's sentences before they are spoken, and of our own in the tests. Every number, date,
name and address has to be a value of the facts; amounts have to be of the kind that they are called; no web address;
no words that a fair-housing law may object to; two sentences at most. What it cannot judge, it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from crm.domain import fair_housing, slots
from crm.domain.conversation import Cite
from crm.domain.dialogue import MOST_SENTENCES, URL, folded, listed, split_sentences
from crm.domain.hours import clock_minutes
from crm.domain.listings import Terms, in_language
from crm.domain.talk import Facts, HomeFact, PropertyFact, TalkState


@dataclass
class Ground:
    """What may be said: values with the rows that they come from."""

    numbers: dict[Decimal, set[Cite]] = field(default_factory=dict)
    money: dict[str, dict[Decimal, set[Cite]]] = field(default_factory=dict)
    """By what it is: rent, deposit, fee, pet; "" is all of them."""
    dates: dict[tuple[int, int], set[Cite]] = field(default_factory=dict)
    """Month and day."""
    words: dict[str, set[Cite]] = field(default_factory=dict)
    """Folded words of names, streets and texts."""

    def number(self, value: Decimal | int, cites: Iterable[Cite] = ()) -> None:
        self.numbers.setdefault(Decimal(value), set()).update(cites)

    def amount(self, kind: str, value: Decimal | None, cites: Iterable[Cite] = ()) -> None:
        if value is not None:
            for one in (kind, ""):
                self.money.setdefault(one, {}).setdefault(value, set()).update(cites)

    def text(self, said: str, cites: Iterable[Cite] = ()) -> None:
        for word in folded(said).split():
            self.words.setdefault(word, set()).update(cites)
        for figure in re.findall(r"\d+", said):
            self.number(Decimal(figure), cites)
        for amount in re.findall(r"\$\s?(\d[\d,]*(?:\.\d\d)?)", said):
            self.amount("own", Decimal(amount.replace(",", "")), cites)


def ground_of(facts: Facts, state: TalkState, language: str) -> Ground:
    """All values of a turn: the rows' and what the caller said themselves."""
    return with_said(ground_of_rows(facts, language), facts, state)


def ground_of_rows(facts: Facts, language: str) -> Ground:
    found = Ground()
    found.text(facts.office)
    found.text(facts.caller.name)
    places: dict[int, PropertyFact] = {one.id: one for one in facts.properties}
    for home in (*facts.homes, *((facts.focus,) if facts.focus else ())):
        _home(found, home, language)
        places[home.place.id] = home.place
    if facts.place:
        places[facts.place.id] = facts.place
    for place in places.values():
        _place(found, place)
    for answer in facts.answers:
        found.text(answer.text, answer.cites)
    if facts.hours:
        for _, opens, closes in facts.hours.week:
            _clock(found, opens, facts.hours.cites)
            _clock(found, closes, facts.hours.cites)
        for opens, closes in facts.hours.today:
            _clock(found, opens, facts.hours.cites)
            _clock(found, closes, facts.hours.cites)
    for slot in facts.tours:
        at = slot.starts_at.astimezone(facts.tz)
        cites = (Cite("tour_times", facts.place.id, 0),) if facts.place else ()
        _clock(found, f"{at:%H:%M}", cites)
        found.dates.setdefault((at.month, at.day), set()).update(cites)
        found.number(at.year)
    found.number(facts.homes_total)
    found.number(max(facts.homes_total - 1, 0))
    found.number(max(facts.homes_total - 2, 0))
    return found


def with_said(rows: Ground, facts: Facts, state: TalkState) -> Ground:
    """What the caller said may be read back to them."""
    money = {kind: dict(amounts) for kind, amounts in rows.money.items()}
    found = Ground(dict(rows.numbers), money, dict(rows.dates), dict(rows.words))
    for key, value in {**state.wishes, **state.kept}.items():
        if key == "move_in":
            year, month, day = map(int, value.split("-"))
            found.dates.setdefault((month, day), set())
            found.number(year)
        elif key == "budget":
            found.amount("budget", Decimal(value))
        else:
            found.text(value)
    found.text(state.value)
    for one in re.findall(r"\d", state.value):
        found.number(int(one))
    found.dates.setdefault((facts.today.month, facts.today.day), set())
    return found


def _home(found: Ground, one: HomeFact, language: str) -> None:
    home, cites = one.home, one.cites
    found.number(home.bedrooms, cites)
    found.number(home.bathrooms, cites)
    if home.square_feet is not None:
        found.number(home.square_feet, cites)
    found.amount("rent", home.rent, cites)
    if home.deposit:
        found.amount("deposit", home.deposit, cites)
    if home.available_on:
        found.dates.setdefault((home.available_on.month, home.available_on.day), set()).update(cites)
        found.number(home.available_on.year, cites)
    found.text(one.unit, cites)
    _terms(found, home, cites)
    words = in_language(home.words, language)
    found.text(words.concession, cites)


def _place(found: Ground, place: PropertyFact) -> None:
    found.text(place.name, place.cites)
    found.text(place.area, place.cites)
    content = place.content
    for said in (content.street, content.city, content.state, content.postal_code):
        found.text(said, place.cites)
    _terms(found, content, place.cites)


def _terms(found: Ground, terms: Terms, cites: Iterable[Cite]) -> None:
    cites = tuple(cites)
    for fee in terms.fees or ():
        found.amount("fee", fee.amount, cites)
        found.text(fee.name, cites)
    for pets in terms.pets.allowed if terms.pets else ():
        found.amount("pet", pets.deposit, cites)
        found.amount("pet", pets.monthly, cites)
        found.text(pets.kind, cites)
        for count in (pets.most, pets.pounds):
            if count is not None:
                found.number(count, cites)
    for months in terms.lease_months or ():
        found.number(months, cites)
    for name in ("utilities", "parking", "laundry", "accessibility"):
        for value in getattr(terms, name) or ():
            found.text(str(value), cites)


def _clock(found: Ground, clock: str, cites: Iterable[Cite]) -> None:
    hour, minute = divmod(clock_minutes(clock), 60)
    found.number(hour % 12 or 12, cites)
    if minute:
        found.number(minute, cites)


# --- what stands in a sentence ---

_MONTHS: Mapping[str, int] = {
    **{
        word: n
        for n, word in enumerate(
            listed("january february march april may june july august september october november december"),
            1,
        )
    },
    **{
        word: n
        for n, word in enumerate(
            listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
            1,
        )
    },
}
_DATE = re.compile(
    rf"\b(?P<m1>{'|'.join(_MONTHS)})\s+(?:the\s+)?(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b|\b(?P<d2>\d{{1,2}})\s+de\s+(?P<m2>{'|'.join(_MONTHS)})\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\$\s?(?P<sign>\d[\d,]*(?:\.\d\d)?)|(?<![\w$])(?P<word>\d[\d,]*(?:\.\d\d)?)\s+(?:dollars|bucks|d[óo]lares)",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_KINDS = (
    # What an amount is called, in the words around it; the nearest word before or after counts.
    ("pet", r"pets?|dogs?|cats?|animals?|mascotas?|perros?|gatos?"),
    ("fee", r"fees?|application|admin|charges?|solicitud|cargos?|cuotas?"),
    ("deposit", r"deposits?|dep[óo]sitos?"),
    ("rent", r"rents?|rental|a month|per month|monthly|rentas?|al mes|mensual\w*"),
)
_NUMBER_WORDS = listed(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos mil"
)
_WORD_NUMBER = re.compile(
    rf"(?<!\w)(?:(?:one|a|un|una)\s+(?=hundred|thousand|bed|bath|month|mil\b|rec|hab|ba[ñn]o|mes))?(?:(?:{'|'.join(_NUMBER_WORDS)})[\s-]*(?:and\s+|y\s+)?)+(?!\w)"
    r"|(?<!\w)one(?=[\s-]+(?:bed|bath|month|dog|cat|pet|block|mile|minute))",
    re.IGNORECASE,
)


def troubles(text: str, ground: Ground, *, own_words: Collection[str] = ()) -> Iterator[str]:
    """Why a sentence must not be spoken, each reason as one sentence; none: it may. `own_words` are folded words that
    need no row, such as those of the dialogue itself."""
    if URL.search(text):
        yield "It holds a web address."
    if len(split_sentences(text)) > MOST_SENTENCES:
        yield f"It has more than {MOST_SENTENCES} sentences."
    for found in fair_housing.check_text("en", "sentence", text):
        yield f"It says “{found.words}” ({found.protected})."
    rest = text
    for match in _DATE.finditer(text):
        month = _MONTHS[(match["m1"] or match["m2"]).lower()]
        if (month, int(match["d1"] or match["d2"])) not in ground.dates:
            yield f"The date {match[0]} is in no row."
        rest = _blanked(rest, match)
    for match in _AMOUNT.finditer(rest):
        amount = Decimal((match["sign"] or match["word"]).replace(",", ""))
        kinds = _kinds(text, match.start(), match.end())
        known = ground.money.get("", {})
        if amount not in known:
            yield f"The amount {match[0]} is in no row."
        elif kinds and not any(amount in ground.money.get(one, {}) for one in (*kinds, "budget", "own")):
            yield f"The amount {match[0]} is no {' or '.join(sorted(kinds))} in any row."
        rest = _blanked(rest, match)
    for match in _WORD_NUMBER.finditer(rest):
        value = Decimal(slots.amount_in(folded(match[0])))
        if value and value not in ground.numbers and value not in ground.money.get("", {}):
            yield f"The number “{match[0].strip()}” is in no row."
    for match in _FIGURE.finditer(rest):
        value = Decimal(match[0].replace(",", "").rstrip("."))
        if value not in ground.numbers and value != 911:
            yield f"The number {match[0]} is in no row."
    yield from _unknown_names(text, ground, own_words)


def _blanked(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]


def _kinds(text: str, start: int, end: int) -> set[str]:
    """What an amount may be: by the nearest telling word of its clause, and of pets where they are named there."""
    clause_start = max(text.rfind(mark, 0, start) for mark in (". ", "? ", "! ", "; ")) + 1
    clause_end = min(
        (at for at in (text.find(mark, end) for mark in (". ", "? ", "! ", "; ")) if at >= 0), default=len(text)
    )
    clause = text[clause_start:clause_end]
    at = start - clause_start
    best: tuple[int, str] | None = None
    found: set[str] = set()
    for kind, pattern in _KINDS:
        for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", clause, re.IGNORECASE):
            distance = at - match.end() if match.end() <= at else match.start() - at
            if kind == "pet":
                found.add(kind)
            elif best is None or distance < best[0]:
                best = distance, kind
    return found | ({best[1]} if best and not (found and best[1] == "deposit") else set())


_CAPITALIZED = re.compile(r"(?<![.!?¿¡]\s)(?<!^)(?<![\w'’])([A-ZÁÉÍÓÚÑ][\w'’]+)")
_ALWAYS = frozenset(
    listed(
        "i im ill ive id am pm ok okay yes no sure thanks thank our we the january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday"
    )
)


def _unknown_names(text: str, ground: Ground, own: Collection[str]) -> Iterator[str]:
    """Capitalized words within sentences are names, and names come from rows."""
    for match in _CAPITALIZED.finditer(text):
        plain = folded(match[1])
        if plain not in ground.words and plain not in own and plain not in _ALWAYS and not plain.isdigit():
            yield f"The name {match[1]} is in no row."


def cited(text: str, ground: Ground) -> tuple[Cite, ...]:
    """The rows that a sentence which may be spoken rests on, by the values in it."""
    found: set[Cite] = set()
    for match in _DATE.finditer(text):
        month = _MONTHS[(match["m1"] or match["m2"]).lower()]
        found |= ground.dates.get((month, int(match["d1"] or match["d2"])), set())
    for match in _AMOUNT.finditer(text):
        found |= ground.money.get("", {}).get(Decimal((match["sign"] or match["word"]).replace(",", "")), set())
    for match in _CAPITALIZED.finditer(text):
        found |= ground.words.get(folded(match[1]), set())
    return tuple(sorted(found, key=lambda one: (one.kind, one.id, one.version)))


CLAIMS = re.compile(
    r"(?<!\w)(?:pools?|gyms?|fitness|parking|garages?|laundry|washers?|dryers?|utilit\w+|includ\w+|furnished|elevators?|balcon\w+|patios?"
    r"|yards?|air conditioning|dishwashers?|pets?|dogs?|cats?|animals?|allow\w*|welcome|accept\w*|approv\w+|qualif\w+|guarante\w+|refund\w*|waiv\w+"
    r"|discounts?|specials?|free|smok\w+|accessible|available|hold|reserve\w*|promise\w*|safe|quiet|booked|sent|texted|scheduled|confirmed"
    r"|piscina|alberca|gimnasio|estacionamiento|lavander\w+|incluy\w+|amueblad\w+|mascotas?|perros?|gatos?|acept\w+|permit\w+|gratis|descuento|disponib\w+|segur\w+|reservad\w+|enviad\w+)(?!\w)",
    re.IGNORECASE,
)
"""What a model may not claim in words of its own, since no number gives it away when it is wrong: rows and acts do."""
