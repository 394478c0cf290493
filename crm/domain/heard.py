"""What somebody who speaks says of themselves and of the home they look for: name, number, bedrooms, date, pets.

Pure, and by rules: a person decides whether what was understood is right. English and Spanish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import SequenceMatcher
from enum import StrEnum

from crm.domain import guards
from crm.domain.dialogue import folded


class CardField(StrEnum):
    """A field of a lead's guest card that can be understood from speech."""

    NAME = "name"
    NUMBER = "number"
    """Where to call back; the value is its digits, 7 to 11 of them."""
    PROPERTY = "property"
    """The value is its short name."""
    BEDROOMS = "bedrooms"
    """0 is a studio."""
    MOVE_IN = "move_in"
    """The value is a date, such as 2026-05-01."""
    BUDGET = "budget"
    """Dollars a month at most."""
    PETS = "pets"
    """Such as "dog", "2 cats" or "none". Assistance animals are no pets, and are not noted."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Some words in a row, as a transcriber heard them."""

    text: str
    start: float
    """Seconds from the beginning of the recording."""
    end: float


@dataclass(frozen=True, slots=True)
class NamedProperty:
    slug: str
    names: tuple[str, ...]
    """What people call it: its name, its street."""


@dataclass(frozen=True, slots=True)
class Understood:
    field: CardField
    value: str
    words: str
    """The words that it comes from, as they were heard."""
    second: float
    """When they begin in the recording, to about a second."""


def _numbered(words: str, first: int = 0, step: int = 1) -> dict[str, int]:
    return {word: first + step * place for place, word in enumerate(words.split())}


_FIRSTS = "first second third fourth fifth sixth seventh eighth ninth"
_SMALL = {
    **_numbered("zero one two three four five six seven eight nine ten eleven twelve"),
    **_numbered("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 13),
    **_numbered("cero uno dos tres cuatro cinco seis siete ocho nueve diez"),
    "a": 1,
    "an": 1,
    "un": 1,
    "una": 1,
    "oh": 0,
    "o": 0,
}
_TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_ORDINALS = {
    **_numbered(f"{_FIRSTS} tenth eleventh twelfth thirteenth fourteenth fifteenth", 1),
    **_numbered("sixteenth seventeenth eighteenth nineteenth twentieth", 16),
    **{f"twenty{gap}{word}": 20 + n for word, n in _numbered(_FIRSTS, 1).items() for gap in " -"},
    "thirtieth": 30,
    "thirty first": 31,
    "thirty-first": 31,
    "primero": 1,
}
_MONTHS = {
    **_numbered("january february march april may june july august september october november december", 1),
    **_numbered("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", 1),
}

_COUNT = "|".join(sorted({word for word, n in _SMALL.items() if 0 < n < 10}, key=len, reverse=True)) + r"|\d"
_MONTH = "|".join(_MONTHS)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?|" + "|".join(sorted(_ORDINALS, key=len, reverse=True))

_NAME = re.compile(
    r"\b(?:[Mm]y name(?:'s| is)|[Mm]y name,|[Nn]ame is|[Mm]e llamo|[Mm]i nombre es|(?P<also>[Tt]his is|[Ii]t's|I'm|I am|[Ss]oy|[Hh]abla))\s+"
    r"(?P<name>[A-ZÁÉÍÓÚÑ][\w'’-]*(?:\s+(?:[A-Z]\.|[A-ZÁÉÍÓÚÑ][\w'’-]+)){0,3})(?P<number>\s+(?:8|[Ee]ight|[Oo]cho)\b)?"
)
"""What follows `also` may be something else than a name."""
_NAMED = re.compile(
    r"(?P<name>[A-ZÁÉÍÓÚÑ][\w'’-]+(?:\s+[A-ZÁÉÍÓÚÑ][\w'’-]+){0,2}) (?:is my name|here|is calling|es mi nombre)\b"
)
_SPEAKING = re.compile(
    r"(?:^|[.,!?]\s+)(?P<name>[A-ZÁÉÍÓÚÑ][\w'’-]+(?:\s+[A-ZÁÉÍÓÚÑ][\w'’-]+){0,2}) (?:speaking|al habla)(?=[.,!?]|$)"
)
_GIVEN = {"christian", "cristian", "temple"}
"""Given names that are words of faith as well."""
_NOT_NAMES = {
    *_numbered("i the just not calling looking interested hi hello your yes no about regarding here there"),
    *_numbered("spanish english español inglés"),
}
_NOT_FIRST = {*_NOT_NAMES, *_numbered("a an in on at")}
"""Nguyen Van An is somebody's name."""
DAYS = {*_MONTHS, *_numbered("monday tuesday wednesday thursday friday saturday sunday")}
_STUDIO = re.compile(r"\b(?:studio|estudio|efficiency)\b", re.IGNORECASE)
_BEDROOMS = re.compile(
    rf"\b({_COUNT})[\s-]*(?:bed(?:room)?s?\b|br\b|bd\b|rec[áa]maras?|habitaci[óo]n(?:es)?|dormitorios?|cuartos?)",
    re.IGNORECASE,
)
_DATES = (
    re.compile(rf"\b(?P<month>{_MONTH})\s+(?:the\s+)?(?P<day>{_DAY})\b(?!\s*(?:bed|br\b))", re.IGNORECASE),
    re.compile(rf"\b(?:the\s+|el\s+)?(?P<day>{_DAY})\s+(?:of|de)\s+(?P<month>{_MONTH})\b", re.IGNORECASE),
    re.compile(
        r"\b(?:in|by|for|of|around|early|mid|late|until|en|para|de|a finales de)[\s-]+"
        rf"(?P<month>{_MONTH})\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:the\s+|el\s+)?(?P<day>{_DAY})\s+(?:of|de|del)\s+(?P<which>next month|this month|the month|(?:el\s+)?pr[óo]ximo mes|mes que viene|este mes)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?P<part>beginning|start|middle|mid|end|principios|mediados|finales|fines)\s+(?:of|de|del)\s+(?P<which>next month|this month|the month|(?:el\s+)?pr[óo]ximo mes|mes que viene|este mes|(?:el\s+)?mes)\b",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<week>next week|la pr[óo]xima semana|la semana que viene)\b", re.IGNORECASE),
    re.compile(r"\b(?P<next>next month|(?:el\s+)?(?:pr[óo]ximo mes|mes que viene))\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:in|en)\s+(?P<count>{_COUNT}|a couple of)\s+(?P<unit>week|month|semana|mes)(?:e?s)?\b", re.IGNORECASE
    ),
    re.compile(
        r"\b(?P<now>as soon as possible|right away|immediately|a\.?s\.?a\.?p\.?|lo antes posible|de inmediato)(?!\w)",
        re.IGNORECASE,
    ),
)
_NOT_MOVING = re.compile(
    r"\b(?:tour|visit|see it|viewing|appointment|call me|call back|come by|open house|visita|cita|ll[áa]me)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\$\s?(?P<dollars>\d[\d,]*)(?:\.\d\d)?\b"
    r"|\b(?P<plain>\d[\d,]{2,})\s*(?:dollars|bucks|a month|per month|monthly|d[óo]lares|al mes)"
    r"|\b(?:budget|afford|under|below|up to|max(?:imum)?(?: of)?|at most|no more than|presupuesto|hasta|menos de)\b"
    r"[^.?!\d$]{0,25}?(?P<after>\d[\d,]{2,})\b"
    rf"|\b(?P<hundreds>(?:{'|'.join(_TENS)})[\s-]+(?:{_COUNT})|{'|'.join(word for word, n in _SMALL.items() if 9 < n < 20)}|{_COUNT})"
    r"\s+hundred\b(?!\s+(?:and\s+)?square)"
    rf"|\b(?P<thousands>{_COUNT})\s+(?:thousand|mil)\b",
    re.IGNORECASE,
)
LEAST_RENT, MOST_RENT = 200, 20_000
"""Dollars a month; what is below or above is said about something else."""
_PETS = re.compile(
    rf"\b(?:(?P<count>{_COUNT})\s+)?(?:(?!service|support|assistance|guide|servicio|gu[íi]a)[a-z]+\s+)?"
    r"(?P<kind>dogs?|pupp(?:y|ies)|cats?|kittens?|perr[oa]s?|gat[oa]s?)\b",
    re.IGNORECASE,
)
_NO_PETS = re.compile(
    r"\b(?:no pets|don't have (?:any )?pets|without pets|sin mascotas|no tengo mascotas)\b", re.IGNORECASE
)
_ASSISTANCE = re.compile(r"\b(?:service|support|assistance|guide|seeing.eye|servicio|apoyo|gu[íi]a)\b", re.IGNORECASE)
_ANIMALS = {"dog": ("dog", "pup", "perr"), "cat": ("cat", "kitten", "gat")}
_GENERIC = {"apartments", "apartment", "homes", "house", "houses", "the", "at", "community", "residences", "llc"}


def understood(phrases: Sequence[Phrase], properties: Sequence[NamedProperty], today: date) -> list[Understood]:
    """What was said, at most once per field: the first name, and the last of everything else, since people correct
    themselves as they speak."""
    text, starts = _joined(phrases)
    found: dict[CardField, Understood] = {}
    for field, value, begin, end in _all(text, properties, today):
        if field is CardField.NAME and field in found:
            continue
        found[field] = Understood(field, value, text[begin:end], _second(phrases, starts, begin))
    return [found[field] for field in CardField if field in found]


def in_words(found: Sequence[Understood]) -> str:
    """As a line for whoever calls back, such as "2 bedrooms, from 2026-05-01, up to $1500, dog"; "" for nothing."""
    said = {one.field: one.value for one in found}
    parts = []
    if CardField.NAME in said:
        parts.append(said[CardField.NAME])
    if (bedrooms := said.get(CardField.BEDROOMS)) is not None:
        parts.append("a studio" if bedrooms == "0" else f"{bedrooms} bedroom{'' if bedrooms == '1' else 's'}")
    if CardField.PROPERTY in said:
        parts.append(f"at {said[CardField.PROPERTY]}")
    if CardField.MOVE_IN in said:
        parts.append(f"from {said[CardField.MOVE_IN]}")
    if CardField.BUDGET in said:
        parts.append(f"up to ${said[CardField.BUDGET]}")
    if CardField.PETS in said:
        parts.append("no pets" if said[CardField.PETS] == "none" else said[CardField.PETS])
    if CardField.NUMBER in said:
        parts.append(f"call back at {said[CardField.NUMBER]}")
    return ", ".join(parts)


_Match = tuple[CardField, str, int, int]


def _all(text: str, properties: Sequence[NamedProperty], today: date) -> Iterator[_Match]:
    yield from _names(text)
    yield from _numbers(text)
    yield from _properties(text, properties)
    for match in _STUDIO.finditer(text):
        yield CardField.BEDROOMS, "0", *match.span()
    for match in _BEDROOMS.finditer(text):
        yield CardField.BEDROOMS, str(_count(match[1])), *match.span()
    yield from _move_ins(text, today)
    yield from _budgets(text)
    yield from _animals(text)


def _names(text: str) -> Iterator[_Match]:
    for match in (*_NAME.finditer(text), *_NAMED.finditer(text), *_SPEAKING.finditer(text)):
        words = match["name"].split()
        if words[0].lower() not in _NOT_FIRST and not _is_a_day(match) and not _says_what_they_are(match):
            kept = [word for word in words if word.lower() not in _NOT_NAMES]
            yield CardField.NAME, " ".join(kept), match.start(), match.end("name")


def _is_a_day(match: re.Match[str]) -> bool:
    """Whether "it's April" or "it's April First" tells no name. "I'm April" and "this is April Jones" do."""
    first, *more = folded(match["name"]).split()
    return (
        first in DAYS
        and (match.groupdict().get("also") or "").lower() in ("it's", "this is")
        and (not more or more[0] in _ORDINALS or more[0] in _SMALL)
    )


def _says_what_they_are(match: re.Match[str]) -> bool:
    """Whether "I'm Deaf", "soy Mexicana" or "it's Section 8" tells no name. "I'm Sandy Gay" does."""
    announced = match.groupdict().get("also")
    if not announced:
        return False
    first, *more = folded(match["name"]).split() or [""]
    if guards.touches(f"{folded(announced)} {first}"):
        return first not in _GIVEN
    whole = folded(match[0])
    return guards.touches(whole) and not any(map(guards.touches, more))


def _numbers(text: str) -> Iterator[_Match]:
    """Runs of digits, as figures or one word each, that are as long as a telephone number."""
    digits, begin, end, twice = "", 0, 0, False
    for token in re.finditer(r"[\w]+|[.?!]\s", text + ". "):
        word = token[0].lower()
        if word.isdigit():
            piece = word
        elif word in _SMALL and _SMALL[word] < 10 and word not in ("a", "an", "un", "una"):
            piece = str(_SMALL[word])
        elif digits and word in ("double", "doble"):
            twice = True
            continue
        elif digits and word.strip() in (".", "area", "code", "and"):
            continue
        else:
            if len(digits) in (7, 10) or (len(digits) == 11 and digits[0] == "1"):
                yield CardField.NUMBER, digits, begin, end
            digits, twice = "", False
            continue
        begin = begin if digits else token.start()
        digits, end, twice = digits + piece * (2 if twice else 1), token.end(), False
    if len(digits) in (7, 10) or (len(digits) == 11 and digits[0] == "1"):
        yield CardField.NUMBER, digits, begin, end


def _properties(text: str, properties: Sequence[NamedProperty]) -> Iterator[_Match]:
    """The property whose name was said most clearly, whatever a transcriber made of it."""
    spoken = [(token[0].lower(), token.start(), token.end()) for token in re.finditer(r"[\w']+", text)]
    # By likeness, and of names that are alike the longer one: "Maple Court" is not the house that is called Maple.
    best: tuple[tuple[float, int], _Match] | None = None
    for property in properties:
        for name in property.names:
            words = [word for word in re.findall(r"[\w']+", name.lower()) if word not in _GENERIC]
            if len(words) > 1 and (joined := next((one for one in spoken if one[0] == "".join(words)), None)):
                best = (1.0, len(joined[0])), (CardField.PROPERTY, property.slug, joined[1], joined[2])
            for at in range(len(spoken) - len(words) + 1 if words else 0):
                near = spoken[at : at + len(words)]
                likeness = min(_alike(word, heard[0]) for word, heard in zip(words, near, strict=True))
                clearness = likeness, sum(map(len, words))
                # One short word alone is too easily another.
                if likeness >= 0.75 and clearness[1] >= 4 and (best is None or clearness > best[0]):
                    best = clearness, (CardField.PROPERTY, property.slug, near[0][1], near[-1][2])
    if best:
        yield best[1]


def _alike(word: str, heard: str) -> float:
    if word == heard:
        return 1.0
    return SequenceMatcher(None, word, heard).ratio() if len(word) > 3 and word[0] == heard[0] else 0.0


def _move_ins(text: str, today: date) -> Iterator[_Match]:
    found = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            sentence = text[max(text.rfind(mark, 0, match.start()) for mark in ".?!") + 1 : match.end()]
            if not _NOT_MOVING.search(sentence) and (day := _date(match.groupdict(), today)):
                found.append((match.start(), match.end(), day))
    # "in May" lies within "the first of May".
    for begin, end, day in sorted(found):
        if not any(b <= begin and end <= e and (b, e) != (begin, end) for b, e, _ in found):
            yield CardField.MOVE_IN, day.isoformat(), begin, end


def _date(said: dict[str, str | None], today: date) -> date | None:
    if said.get("now"):
        return today
    if said.get("week"):
        return today + timedelta(days=7 - today.weekday())
    if which := said.get("which"):
        first = today.replace(day=1)
        if which.lower().startswith(("next", "el pr", "pr", "mes que")):
            first = (first + timedelta(days=32)).replace(day=1)
        return _in_month(first, said)
    if said.get("next"):
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    if unit := said.get("unit"):
        count = _count(said["count"] or "") or 2
        return today + timedelta(days=count * (7 if unit.lower() in ("week", "semana") else 30))
    month = _MONTHS[(said["month"] or "").lower()]
    day = _day(said.get("day") or "1")
    for year in (today.year, today.year + 1):
        try:
            then = date(year, month, day)
        except ValueError:
            continue
        # "In May", said on the tenth of May, is now and not next year.
        if then >= today.replace(day=1):
            return then
    return None


def _in_month(first: date, said: dict[str, str | None]) -> date | None:
    """A day, the beginning, the middle or the end of the month that begins with `first`."""
    if raw := said.get("day"):
        day = _day(raw)
    else:
        part = (said.get("part") or "").lower()
        day = 15 if part in ("middle", "mid", "mediados") else 28 if part in ("end", "finales", "fines") else 1
    try:
        return first.replace(day=day)
    except ValueError:
        return None


def _day(raw: str) -> int:
    day = _ORDINALS.get(raw.lower()) or int(re.sub(r"\D", "", raw) or 1)
    # No month has a fiftieth: it was the fifteenth, misheard.
    return 10 + day // 10 if day > 31 and day % 10 == 0 else day


def day_of_month(day: int, today: date) -> date | None:
    """The next date with this day of the month; None for one that no month has."""
    for month in (0, 32, 63):
        first = (today.replace(day=1) + timedelta(days=month)).replace(day=1)
        try:
            then = first.replace(day=day)
        except ValueError:
            continue
        if then >= today:
            return then
    return None


def _budgets(text: str) -> Iterator[_Match]:
    for match in _AMOUNT.finditer(text):
        said = match.groupdict()
        if figures := said["dollars"] or said["plain"] or said["after"]:
            amount = int(figures.replace(",", ""))
        elif hundreds := said["hundreds"]:
            amount = 100 * sum(_TENS.get(word) or _count(word) for word in re.split(r"[\s-]+", hundreds.lower()))
        else:
            amount = 1000 * _count(said["thousands"] or "")
        if LEAST_RENT <= amount <= MOST_RENT:
            yield CardField.BUDGET, str(amount), *match.span()


def _animals(text: str) -> Iterator[_Match]:
    for match in _NO_PETS.finditer(text):
        yield CardField.PETS, "none", *match.span()
    counts: dict[str, int] = {}
    begin = end = 0
    for match in _PETS.finditer(text):
        if _ASSISTANCE.search(text[max(0, match.start() - 30) : match.end() + 12]):
            continue
        kind = next(name for name, stems in _ANIMALS.items() if match["kind"].lower().startswith(stems))
        begin, end = begin if counts else match.start(), match.end()
        counts[kind] = max(counts.get(kind, 1), _count(match["count"] or "1"))
    if counts:
        value = ", ".join(kind if count == 1 else f"{count} {kind}s" for kind, count in counts.items())
        yield CardField.PETS, value, begin, end


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _SMALL.get(word.lower(), 0)


def _joined(phrases: Sequence[Phrase]) -> tuple[str, list[int]]:
    """All phrases as one text, and where each begins in it."""
    starts, text = [], ""
    for phrase in phrases:
        text += " " if text else ""
        starts.append(len(text))
        text += phrase.text.strip()
    return text, starts


def _second(phrases: Sequence[Phrase], starts: Sequence[int], place: int) -> float:
    """When the character at `place` is spoken, if a phrase is spoken evenly."""
    index = max(n for n, start in enumerate(starts) if start <= place)
    phrase = phrases[index]
    share = (place - starts[index]) / max(len(phrase.text.strip()), 1)
    return round(phrase.start + share * (phrase.end - phrase.start), 1)
