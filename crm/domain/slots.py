"""What one sentence says in values: homes, prices, dates, times, pets, and yes or no. English and Spanish. Pure.

`crm.domain.heard` reads a whole message once; this reads each sentence of a talk, and what a question is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from crm.domain import heard, places, spelling
from crm.domain.dialogue import folded, listed
from crm.domain.heard import CardField, Phrase
from crm.domain.places import PlaceFound, Places


@dataclass(frozen=True, slots=True)
class DayTime:
    """When somebody wants to come, as far as they said."""

    day: date | None = None
    weekend: bool = False
    from_minute: int = 0
    """Since midnight."""
    to_minute: int = 24 * 60
    at_minute: int | None = None
    """A time that was named."""
    later: bool = False
    """Other times than those offered, or later ones."""

    @property
    def says_something(self) -> bool:
        return self != DayTime()

    def fits(self, at: datetime) -> bool:
        """`at` on the property's clock."""
        minute = at.hour * 60 + at.minute
        if self.day is not None and at.date() != self.day:
            return False
        if self.weekend and at.weekday() < 5:
            return False
        if self.at_minute is not None:
            return minute == self.at_minute
        return self.from_minute <= minute < self.to_minute


@dataclass(frozen=True)
class Slots:
    """Values in one sentence; None or "" where nothing was said."""

    answer: bool | None = None
    """Yes or no."""
    bedrooms: int | None = None
    budget: Decimal | None = None
    move_in: date | None = None
    pets: str = ""
    """As CardField.PETS."""
    place: PlaceFound | None = None
    unit: str = ""
    name: str = ""
    letters: str = ""
    """What was spelled."""
    email: str = ""
    number: str = ""
    """Ten digits."""
    digits: str = ""
    when: DayTime = DayTime()
    others: bool = False
    """Something else than what was offered."""
    cheaper: bool = False
    """Something that costs less than what was offered."""
    hour: int | None = None
    """An hour that was said alone, from 1 to 12: "ten works"."""
    ordinal: int | None = None
    """The first or the second of what was offered, from 1; -1 is the last."""

    @property
    def pet_kind(self) -> str:
        """cats or dogs; "" for neither, or both."""
        return kind_of_pet(self.pets)


def kind_of_pet(pets: str) -> str:
    """cats or dogs, by CardField.PETS; "" for neither, or both."""
    has_cat, has_dog = "cat" in pets, "dog" in pets
    return "" if has_cat == has_dog else "cats" if has_cat else "dogs"


def read(text: str, known: Places, today: date) -> Slots:
    said = {one.field: one.value for one in heard.understood([Phrase(text, 0.0, 0.0)], (), today)}
    plain = folded(text)
    number = spelling.number(text)
    bedrooms = said.get(CardField.BEDROOMS) or _bedrooms(plain)
    budget = said.get(CardField.BUDGET) if not number else None
    move_in = said.get(CardField.MOVE_IN)
    return Slots(
        answer=yes_or_no(plain),
        bedrooms=int(bedrooms) if bedrooms else None,
        budget=Decimal(budget or 0) if budget else _budget(plain),
        move_in=date.fromisoformat(move_in) if move_in else None,
        pets=said.get(CardField.PETS, "") or _pets(plain),
        place=known.find(text),
        unit=places.unit(text),
        name=said.get(CardField.NAME, "") or _name(text),
        letters=spelling.letters(text),
        email=spelling.email(text),
        number=number,
        digits=spelling.digits(text),
        when=day_time(_POLITE.sub(" ", plain), today),
        others=bool(re.search(r"(?<!\w)(?:else|other|others|another|different|otr[oa]s?)(?!\w)", plain)),
        cheaper=bool(_CHEAPER.search(plain)),
        hour=_lone_hour(plain),
        ordinal=_ordinal(plain),
    )


_POLITE = re.compile(
    r"(?<!\w)(?:good (?:morning|afternoon|evening)|buen(?:os)? dias?|buenas (?:tardes|noches)"
    r"|(?:how (?:are|re) (?:you|ya)|hows it going|como (?:esta|estas|estan))(?: doing| feeling)?"
    r"(?: (?:today|this (?:morning|afternoon|evening)|hoy))?)(?!\w)"
)
"""Words of a time of day that name none: "Good morning, how are you doing today?"."""

# --- yes and no ---

_YES = re.compile(
    r"^(?:oh |um+ |uh |ok |okay |well |ah |pues |ay )*(?:yes|yeah|yep|yup|ya|sure|correct|right|exactly|absolutely|definitely|of course|please|please do"
    r"|ok|okay|alright|all right|sounds good|that works|works for me|go ahead|do it|book it|perfect|great|uh huh|mm ?hmm?|thats (?:right|correct|it|good|fine|great|perfect|the one)"
    r"|that is (?:right|correct)|that would be (?:great|good|nice|perfect)|id like that|i would|i do|you got it|you can|that one|it is|si|claro|correcto|exacto|por favor|esta bien|de acuerdo|asi es|bueno|dale|perfecto|eso es|como no|muy bien)(?!\w)"
)
_NO = re.compile(
    r"^(?:oh |um+ |uh |ok |okay |well |ah |pues |ay )*(?:no|nope|nah|not (?:really|right|quite|correct|now|yet|today|that|at all)|wrong|incorrect|thats (?:not|wrong|incorrect)|that is (?:not|wrong)"
    r"|that isnt|that wasnt|i dont|dont|do not|never mind|nevermind|neither|none|rather not|id rather not|please dont|isnt right|actually no|mal|incorrecto|equivocado|no gracias|para nada|ninguno|tampoco)(?!\w)"
)


def yes_or_no(plain: str) -> bool | None:
    """Whether folded text begins as a yes or a no; None: as neither."""
    if _NO.search(plain):
        # "No problem", and "no, that's right".
        return bool(
            re.match(r"no (?:problem|worries)", plain)
            or re.search(r"^no (?:thats|that is|its) (?:right|correct|fine|good)", plain)
        )
    if _YES.search(plain):
        return not re.search(
            r"^(?:yes|yeah|ok|okay|si) (?:but )?(?:no\b|thats wrong|that is wrong|its wrong|not quite)", plain
        )
    return None


# --- homes ---

_COUNTS = {
    **{word: n for n, word in enumerate(listed("zero one two three four five six"))},
    **{word: n for n, word in enumerate(listed("cero uno dos tres cuatro cinco seis"))},
    "un": 1, "una": 1, "single": 1, "double": 2, "tube": 2, "too": 2, "to": 2, "tu": 2, "tree": 3, "free": 3, "won": 1,
}  # fmt: skip
_BEDS = re.compile(
    # "Tube bedroom" is what transcribers hear of two of them.
    r"(?<!\w)(?P<n>tube|too|to|tu|tree|free|won|one|two|three|four|five|six|single|un|uno|una|dos|tres|cuatro|cinco|\d)\s?"
    r"(?:bed(?:room)?s?|b r|br|bd|bdrm|bed room|recamaras?|habitacion(?:es)?|dormitorios?|cuartos?|alcobas?|piezas?)(?!\w)"
)
_LOOSE_BEDS = re.compile(
    r"(?<!\w)(?:a|the|any|your|for|for a|on the|un|el|una|la)?\s?(?P<n>one|two|three|four)\s(?:and a|and one|bath)(?!\w)"
    r"|(?<!\w)(?P<m>one|two|three|four|1|2|3|4) by (?:one|two|three|\d)(?!\w)"
)


def _bedrooms(plain: str) -> str:
    if re.search(r"(?<!\w)(?:studios?|estudios?|efficiency|monoambiente)(?!\w)", plain):
        return "0"
    match = _BEDS.search(plain) or _LOOSE_BEDS.search(plain)
    if not match:
        return ""
    groups = match.groupdict()
    word = groups.get("n") or groups.get("m") or ""
    return word if word.isdigit() else str(_COUNTS[word])


_LONE = re.compile(r"(?<!\w)(?P<n>one|two|three|four|five|six|uno|una|dos|tres|cuatro|cinco|seis|[0-6])(?!\w)")


def lone_count(plain: str) -> int | None:
    """How many bedrooms, of a sentence that answers just that: the last number in it, since people correct themselves;
    None: it says none."""
    said = list(_LONE.finditer(re.sub(r"(?<!\w)(?:this|that|which|any|no) one(?!\w)", " ", plain)))
    if not said:
        return None
    word = said[-1]["n"]
    return int(word) if word.isdigit() else _COUNTS[word]


_MONEY = re.compile(
    r"(?<!\w)(?:under|below|less than|at most|up to|max(?:imum)?(?: of)?|no more than|afford|budget(?: is| of)?|around|about|menos de|hasta|maximo|no mas de|presupuesto(?: es)?(?: de)?|bajo)"
    r"(?: of| is| de| like)? (?P<words>(?:\$? ?\d{3,5}|[a-z ]{3,40}))"
)
_HUNDREDS = {
    **{word: n for n, word in enumerate(listed("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"), 1)},
    **{word: n for n, word in zip(range(20, 100, 10), listed("twenty thirty forty fifty sixty seventy eighty ninety"), strict=True)},
    "a": 1,
}  # fmt: skip
_CIENTOS = {"cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
                "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900}  # fmt: skip


def _budget(plain: str) -> Decimal | None:
    match = _MONEY.search(plain)
    if not match:
        return None
    amount = amount_in(match["words"])
    return Decimal(amount) if amount and heard.LEAST_RENT <= amount <= heard.MOST_RENT else None


def amount_in(words: str) -> int:
    """The amount that words begin with, such as "fifteen hundred", "two thousand", "mil quinientos"; 0 for none."""
    if figures := re.match(r"\$? ?(\d{3,6})(?!\w)", words):
        return int(figures[1])
    total = current = 0
    seen = False
    for word in words.split():
        if word in ("hundred",):
            current = (current or 1) * 100
        elif word in ("thousand", "mil", "grand", "k"):
            total, current = total + (current or 1) * 1000, 0
        elif word in _CIENTOS:
            current += _CIENTOS[word]
        elif word in _HUNDREDS or word in _COUNTS:
            value = _HUNDREDS.get(word) or _COUNTS.get(word, 0)
            # "fourteen fifty" is 1450.
            current = (
                current * 100 + value
                if 10 <= current < 100 and 10 <= value < 100 and current % 10 + value >= 10 and not 20 <= current < 100
                else current + value
            )
        elif word in ("and", "y", "a") and seen:
            continue
        else:
            break
        seen = True
    return total + current if seen else 0


def _pets(plain: str) -> str:
    return "none" if re.search(r"(?<!\w)(?:no (?:pets|animals)|sin mascotas|no tengo mascotas)(?!\w)", plain) else ""


def _name(text: str) -> str:
    """A name that a transcriber wrote small, after the words that announce it for sure."""
    match = re.search(
        r"\b(?:my (?:full |first |last )?name(?:'s| is)|me llamo|mi nombre es)\s+((?:[a-záéíóúñ'’-]+\s?){1,3})",
        text,
        re.IGNORECASE,
    )
    if not match:
        return ""
    words = []
    for word in match[1].split():
        if word.lower() in _ENDS_A_NAME:
            break
        words.append(word)
    return " ".join(word.capitalize() for word in words if len(word) > 1 or len(words) > 1)


_ENDS_A_NAME = frozenset(
    listed("and i spelled with y from im calling it its thats but is looking con do can how what whats are when hi")
)


# --- when ---

_WEEKDAYS = {
    **{word: n for n, word in enumerate(listed("monday tuesday wednesday thursday friday saturday sunday"))},
    **{word: n for n, word in enumerate(listed("lunes martes miercoles jueves viernes sabado domingo"))},
}  # fmt: skip
_HOURS = {
    **{word: n for n, word in enumerate(listed("one two three four five six seven eight nine ten eleven twelve"), 1)},
    **{word: n for n, word in enumerate(listed("una dos tres cuatro cinco seis siete ocho nueve diez once doce"), 1)},
}  # fmt: skip
_MINUTES = {
    "thirty": 30,
    "fifteen": 15,
    "forty five": 45,
    "half": 30,
    "media": 30,
    "quince": 15,
    "cuarto": 15,
    "treinta": 30,
    "o clock": 0,
}
_CLOCK_FIGURES = frozenset(map(str, range(1, 13)))
_HOUR = "|".join(sorted(_HOURS, key=len, reverse=True)) + r"|1[0-2]|[1-9]"
_CLOCK = re.compile(
    rf"(?<!\w)(?:(?P<mark>at|around|by|say|about|a las|a la|las|la) )?(?P<hour>{_HOUR})(?: ?(?P<minute>[0-5]\d|{'|'.join(_MINUTES)}|y media|y cuarto|y quince))?"
    r" ?(?P<half>a ?m|p ?m|in the morning|in the afternoon|in the evening|de la manana|de la tarde|de la noche|o ?clock|en punto)?(?!\w)(?! ?(?:bed|br|bath|bd|rec|hab|dorm|people|cats?|dogs?|pets?|months?|hundred|thousand|mil|kids|weeks?|days?|of))"
)


def day_time(plain: str, today: date) -> DayTime:
    """When folded text says that somebody wants to come."""
    day, weekend = _day(plain, today)
    lowest, highest = _part_of_day(plain)
    at = _clock(plain)
    later = bool(
        re.search(
            r"(?<!\w)(?:later|another (?:time|day)|different (?:time|day)|other (?:times|days)|anything else|something else|mas tarde|otro dia|otra hora|otro horario)(?!\w)",
            plain,
        )
    )
    return DayTime(day, weekend, lowest, highest, at, later)


def _day(plain: str, today: date) -> tuple[date | None, bool]:
    if re.search(r"(?<!\w)(?:day after tomorrow|pasado manana)(?!\w)", plain):
        return today + timedelta(days=2), False
    if re.search(r"(?<!\w)(?:tomorrow|manana)(?!\w)(?<!la manana)", plain):
        return today + timedelta(days=1), False
    if re.search(r"(?<!\w)(?:today|tonight|this (?:morning|afternoon|evening)|hoy|esta tarde)(?!\w)", plain):
        return today, False
    if re.search(r"(?<!\w)(?:weekend|fin de semana)(?!\w)", plain):
        return None, True
    for word, weekday in _WEEKDAYS.items():
        if match := re.search(rf"(?<!\w)(?P<next>next )?(?:{word})s?(?!\w)(?P<after> (?:proximo|que viene))?", plain):
            ahead = (weekday - today.weekday()) % 7 or 7
            # "Next Saturday" said on a Monday is the one after this week's.
            if (match["next"]) and ahead + today.weekday() < 7 and weekday > today.weekday():
                ahead += 7
            return today + timedelta(days=ahead), False
    said = [
        one.value for one in heard.understood([Phrase(plain, 0.0, 0.0)], (), today) if one.field is CardField.MOVE_IN
    ]
    if said:
        return date.fromisoformat(said[0]), False
    if match := re.search(r"(?<!\w)(?:the|el(?: dia)?) (\d{1,2})(?:st|nd|rd|th)?(?!\w)", plain):
        return heard.day_of_month(int(match[1]), today), False
    return None, False


def _part_of_day(plain: str) -> tuple[int, int]:
    if re.search(r"(?<!\w)(?:mornings?|am|before noon|(?:por|en|de) la manana|en la manana)(?!\w)", plain):
        return 0, 12 * 60
    if re.search(r"(?<!\w)(?:afternoons?|after lunch|pm|por la tarde|en la tarde|de la tarde)(?!\w)", plain):
        return 12 * 60, 18 * 60
    if re.search(r"(?<!\w)(?:evenings?|after work|tonight|de la noche|por la noche)(?!\w)", plain):
        return 17 * 60, 24 * 60
    if re.search(r"(?<!\w)(?:noon|midday|mediodia)(?!\w)", plain):
        return 11 * 60, 14 * 60
    return 0, 24 * 60


def _clock(plain: str) -> int | None:
    for match in _CLOCK.finditer(plain):
        half, minute, mark = match["half"] or "", match["minute"] or "", match["mark"]
        if not (half or minute or mark) or (mark in ("la", "las") and not half and not minute):
            continue
        hour = _HOURS.get(match["hour"]) or int(match["hour"])
        past = int(minute) if minute.isdigit() else _MINUTES.get(minute.removeprefix("y "), 0)
        morning = half.startswith("a") or half.endswith(("morning", "manana"))
        evening = half.startswith("p") or half.endswith(("afternoon", "evening", "tarde", "noche"))
        if evening and hour < 12:
            hour += 12
        elif morning and hour == 12:
            hour = 0
        elif not (morning or evening) and hour < 8:
            hour += 12  # Nobody comes at three in the night.
        return hour * 60 + past
    return None


_CHEAPER = re.compile(
    r"(?<!\w)(?:cheaper|less expensive|more affordable|lower priced|lower rent|for less|mas barat[oa]s?|mas economic[oa]s?)(?!\w)"
)


def _lone_hour(plain: str) -> int | None:
    words = plain.split()
    found = [_HOURS.get(word) or (int(word) if word in _CLOCK_FIGURES else 0) for word in words if word != "one"]
    hours = [hour for hour in found if hour]
    return hours[0] if len(hours) == 1 and len(words) <= 6 else None


def _ordinal(plain: str) -> int | None:
    plain = re.sub(r"(?<!\w)(?:a|one|this|un) (?:second|segundo)(?!\w)", " ", plain)
    for position, words in enumerate(
        ("first|earlier|earliest|primer[oa]?", "second|later one|segund[oa]", "third|tercer[oa]?"), 1
    ):
        if re.search(
            rf"(?<!\w)(?:the |el |la )?(?:{words})(?: one| time| slot| option)?(?!\w)(?! of| de| month| floor)", plain
        ):
            return position
    return -1 if re.search(r"(?<!\w)(?:the last one|the latter|el ultimo|la ultima)(?!\w)", plain) else None
