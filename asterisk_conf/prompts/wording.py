"""Spells a sentence out the way a voice should say it: "1200 Elm St., $1,450/mo" becomes words.

Speech engines read rents, addresses, times and phone numbers wrongly or not at all. The rules below cover how leasing
offices write; num2words provides the numbers. English has the most rules, Spanish has its own for what differs, and in
any other language only numbers are spelled out, if num2words supports it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import cast

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def normalize(text: str, language: str) -> str:
    """One line of words and plain punctuation, ready for a speech engine. Accepts any text and never raises.

    No bracket, backslash, quotation mark or control character is left, so nothing in it means anything to an engine or
    a shell; nor is any digit, in a language that num2words supports. English is reduced to ASCII, because flite reads
    other letters byte by byte. Empty if there is nothing to say.
    """
    text = _one_line(text)
    base = language.split("-")[0].lower()
    if base == "en":
        text = _apply(_to_ascii(text), _ENGLISH)
    elif base == "es":
        text = _apply(text, _spanish_rules())
    text = _apply(text, _other_rules(base))
    return _tidy(text)


def _apply(text: str, rules: list[Rule]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


# --- clean text in, clean text out ---

_TYPOGRAPHIC = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "ʼ": "'",
        "“": " ",
        "”": " ",
        "–": "-",
        "—": ", ",
        "‑": "-",
        "−": "-",
        "…": "...",
        "•": ", ",
        "·": ", ",
    }
)
_FRACTIONS = {"¼": "a quarter", "½": "a half", "¾": "three quarters"}


def _one_line(text: str) -> str:
    # Before NFKC, which would turn "1½" into "11/2".
    for sign, words in _FRACTIONS.items():
        text = re.sub(rf"(?<=\d)\s?{sign}", f" and {words}", text).replace(sign, f" {words} ")
    text = re.sub(r"(?i)(?<![a-z])(?:ft|feet)²", "sq ft", text).replace("m²", "sq m")
    text = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHIC)
    # A line that ends without punctuation is a sentence of its own.
    text = re.sub(r"([^\s.,;:!?])[^\S\n]*[\r\n]+", r"\1. ", text)
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return re.sub(r" {2,}", " ", text).strip()


def _to_ascii(text: str) -> str:
    """Turns Café into Cafe, since flite reads only ASCII."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _tidy(text: str) -> str:
    kept = (
        char if char in " '.,;:!?-¿¡" or unicodedata.category(char)[0] in "LM" or char.isdecimal() else " "
        for char in text
    )
    text = "".join(kept)
    text = re.sub(r"(?<!\w)['-]+|['-]+(?!\w)", " ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([.,;:!?])", r"\1", text)
    text = re.sub(r"([.,;:!?])(?:\s*[.,;:])+(?=\s|$)", r"\1", text)
    text = text.strip().lstrip(".,;:!?- ")
    return text if any(char.isalnum() for char in text) else ""


# --- numbers ---


def _num2words(number: int, language: str, form: str) -> str:
    # Imported when first needed: it loads fifty languages, and most runs find all prompts made already.
    from num2words import num2words

    return cast(str, num2words(number, lang=language, to=form))


def cardinal(digits: str, language: str = "en") -> str:
    """The number in words; with more than nine digits or a leading zero, it is a code, and spelled digit by digit."""
    digits = digits.replace(",", "")
    if len(digits) > 9 or (len(digits) > 1 and digits[0] == "0"):
        return spelt(digits, language)
    try:
        words = _num2words(int(digits), language, "cardinal")
    except NotImplementedError:
        # Then the engine has to know digits itself; separated, they at least remain digits.
        return " ".join(digits)
    return words.replace(",", "").replace(" and ", " ") if language == "en" else words


def spelt(digits: str, language: str = "en") -> str:
    """Spells digits one by one."""
    return " ".join(cardinal(digit, language) for digit in digits)


def house_number(digits: str) -> str:
    """As people say addresses: 1200 is twelve hundred, 1450 fourteen fifty, 205 two oh five, and 12345 digit by
    digit."""
    if len(digits) < 3 or len(digits) > 4 or digits[0] == "0":
        return cardinal(digits) if len(digits) < 3 else spelt(digits)
    if digits.endswith("000"):
        return cardinal(digits)
    front, back = digits[:-2], digits[-2:]
    if back == "00":
        return f"{cardinal(front)} hundred"
    return f"{cardinal(front)} oh {cardinal(back[1])}" if back[0] == "0" else f"{cardinal(front)} {cardinal(back)}"


def _decimal(match: re.Match[str], language: str, point: str) -> str:
    return f"{cardinal(match[1], language)} {point} {spelt(match[2], language)}"


# --- phone numbers, in every language ---

# \d matches digits of any script, and int() reads them all; [0-9] limits phone numbers to what keypads have.
_PHONE = re.compile(
    r"(?<![\w$.,/-])(?:\+?(?P<country>1)[-. ]?)?(?P<area>\([0-9]{3}\)|[0-9]{3})[-. ]?"
    r"(?P<office>[0-9]{3})[-. ]?(?P<line>[0-9]{4})(?![\w-])"
)
_PHONE_ABROAD = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){6,14}(?!\w)")
_PHONE_LOCAL = re.compile(r"(?<![\w$.,/-])([0-9]{3})[-.]([0-9]{4})(?![\w-])")


def _phone_rules(language: str) -> list[Rule]:
    def groups(parts: list[str]) -> str:
        return ", ".join(spelt(part, language) for part in parts)

    def domestic(match: re.Match[str]) -> str:
        return groups([part.strip("()") for part in match.groups() if part])

    def abroad(match: re.Match[str]) -> str:
        parts = re.findall(r"[0-9]+", match[0])
        return groups(parts if len(parts) > 1 else re.findall(r"[0-9]{1,3}", match[0]))

    return [(_PHONE, domestic), (_PHONE_ABROAD, abroad), (_PHONE_LOCAL, lambda match: groups([match[1], match[2]]))]


# --- English ---

_STREETS = {
    "ave": "Avenue",
    "av": "Avenue",
    "blvd": "Boulevard",
    "cir": "Circle",
    "ct": "Court",
    "dr": "Drive",
    "hwy": "Highway",
    "ln": "Lane",
    "pkwy": "Parkway",
    "pl": "Place",
    "rd": "Road",
    "sq": "Square",
    "st": "Street",
    "ter": "Terrace",
    "trl": "Trail",
}
_STREET_WORDS = {word.lower(): word for word in _STREETS.values()} | {
    "way": "Way",
    "loop": "Loop",
    "broadway": "Broadway",
}
_DIRECTIONS = {
    "N": "North",
    "S": "South",
    "E": "East",
    "W": "West",
    "NE": "Northeast",
    "NW": "Northwest",
    "SE": "Southeast",
    "SW": "Southwest",
}
_DIRECTION = r"(?:NE|NW|SE|SW|N|S|E|W)\b\.?"
_ADDRESS = re.compile(
    r"(?<![\w$.,#-])(?P<number>\d{1,6})(?P<letter>[A-Z]?) "
    rf"(?P<before>{_DIRECTION} )?"
    r"(?P<name>(?:[A-Z][\w'-]*\.? |\d{1,3}(?:st|nd|rd|th) ){1,4}?)"
    rf"(?i:(?P<street>{'|'.join([*_STREETS, *_STREET_WORDS])}))\b(?P<dot>\.?)"
    rf"(?P<after> {_DIRECTION})?"
)
_UNIT_FOLLOWS = re.compile(r"\.?,? ?(?:Apt|Apartment|Unit|Bldg|Building|Ste|Suite|#)")


def _address(match: re.Match[str]) -> str:
    number = house_number(match["number"]) + (f" {match['letter']}" if match["letter"] else "")
    words = [number, _direction(match["before"]), match["name"].strip()]
    street = match["street"].lower()
    words.append(_STREETS.get(street) or _STREET_WORDS[street])
    words.append(_direction(match["after"]))
    rest = match.string[match.end() :]
    if _UNIT_FOLLOWS.match(rest):
        end = ","
    else:
        end = _sentence_end((match["after"] or match["dot"])[-1:], rest)
    return " ".join(word for word in words if word) + end


def _direction(written: str | None) -> str:
    return _DIRECTIONS[written.strip(" .")] if written else ""


def _sentence_end(dot: str, rest: str) -> str:
    """An abbreviation's period also ends the sentence if the text ends or a new sentence begins."""
    return "." if dot == "." and re.match(r"\s*$| [A-Z]", rest) else ""


# Words that begin a sentence with a capital letter, or come before a saint, and are not the name of a street.
_NOT_STREETS = {
    "the",
    "at",
    "in",
    "to",
    "visit",
    "welcome",
    "call",
    "from",
    "near",
    "and",
    "of",
    "on",
    "by",
    "is",
    "hello",
    "for",
    "with",
    "our",
}


def _named_after(street: str, title: str) -> Callable[[re.Match[str]], str]:
    """St. is Street after a name, and Saint before one; Dr. likewise is Drive or Doctor."""

    def choose(match: re.Match[str]) -> str:
        before, rest = match[1] or "", match.string[match.end() :]
        is_name = before[:1].isupper() or re.fullmatch(r"\d+(?:st|nd|rd|th)", before)
        if is_name and before.lower() not in _NOT_STREETS:
            return f"{before} {street}{_sentence_end(match[2], rest)}"
        word = title if re.match(r" [A-Z]", rest) else street
        return f"{before} {word}".strip()

    return choose


STATES = {
    "AL": "Alabama",
    "AK": "Alaska",
    "AZ": "Arizona",
    "AR": "Arkansas",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DE": "Delaware",
    "DC": "D C",
    "FL": "Florida",
    "GA": "Georgia",
    "HI": "Hawaii",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "IA": "Iowa",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "ME": "Maine",
    "MD": "Maryland",
    "MA": "Massachusetts",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MS": "Mississippi",
    "MO": "Missouri",
    "MT": "Montana",
    "NE": "Nebraska",
    "NV": "Nevada",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NY": "New York",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PA": "Pennsylvania",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VT": "Vermont",
    "VA": "Virginia",
    "WA": "Washington",
    "WV": "West Virginia",
    "WI": "Wisconsin",
    "WY": "Wyoming",
}


def _state(match: re.Match[str]) -> str:
    postcode = f", {spelt(match[2])}" if match[2] else ""
    return f", {STATES[match[1]]}{postcode}"


_PERIODS = {
    "mo": "month",
    "month": "month",
    "wk": "week",
    "week": "week",
    "yr": "year",
    "year": "year",
    "day": "day",
    "night": "night",
}
_PER = r"(?:\s?(?:/|\bper\b|\ba\b)\s?(?P<per>month|mo|week|wk|year|yr|day|night)\b)?"


def _money(match: re.Match[str]) -> str:
    amount = cardinal(match["amount"])
    if match["up_to"]:
        words = f"{amount} to {cardinal(match['up_to'])} dollars"
    else:
        words = f"{amount} {'dollar' if amount == 'one' else 'dollars'}"
        if (cents := match["cents"]) and cents != "00":
            words += f" and {cardinal(cents.lstrip('0'))} {'cent' if cents == '01' else 'cents'}"
    return words + (f" a {_PERIODS[match['per'].lower()]}" if match["per"] else "")


def _time(match: re.Match[str]) -> str:
    hour, minute, half = match[1], match[2], match[3]
    words = cardinal(hour.lstrip("0") or "0")
    if minute and minute != "00":
        words += f" oh {cardinal(minute[1])}" if minute[0] == "0" else f" {cardinal(minute)}"
    if half:
        # A single capital letter is read as a letter.
        return f"{words} {half.upper()} M" + _sentence_end(match[4], match.string[match.end() :])
    return words + (" o'clock" if minute == "00" else "")


_MONTHS = {
    "Jan": "January",
    "Feb": "February",
    "Mar": "March",
    "Apr": "April",
    "May": "May",
    "Jun": "June",
    "Jul": "July",
    "Aug": "August",
    "Sept": "September",
    "Sep": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
}
_DAYS = {
    "Mon": "Monday",
    "Tues": "Tuesday",
    "Tue": "Tuesday",
    "Wed": "Wednesday",
    "Thurs": "Thursday",
    "Thur": "Thursday",
    "Thu": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DAY = rf"(?:{'|'.join(_DAYS)})"
_ANY_DAY = rf"(?:{'|'.join([*_DAYS.values(), *_DAYS])})\b\.?"


def _date(match: re.Match[str]) -> str:
    words = f"{_MONTHS.get(match[1], match[1])} {_ordinal(match[2])}"
    return f"{words}, {_year(match[3])}" if match[3] else words


def _ordinal(digits: str) -> str:
    return _num2words(int(digits), "en", "ordinal") if len(digits) < 7 else cardinal(digits)


def _year(digits: str) -> str:
    return _num2words(int(digits), "en", "year").replace(" and ", " ")


def _bathrooms(match: re.Match[str]) -> str:
    half = " and a half" if match[2] else ""
    return f"{cardinal(match[1])}{half} {'bath' if match[3].upper() == 'BA' else match[3]}"


def _web_address(match: re.Match[str]) -> str:
    words = match[0].rstrip(".").removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    for sign, word in ((".", " dot "), ("/", " slash "), ("-", " dash "), ("_", " underscore "), ("@", " at ")):
        words = words.replace(sign, word)
    return words + ("." if match[0].endswith(".") else "")


def _word(pattern: str, word: str, *, flags: re.RegexFlag = re.NOFLAG) -> Rule:
    return re.compile(rf"(?<!\w){pattern}(?!\w)", flags), word


_I = re.IGNORECASE
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"

_DOORS = {"Apt": "apartment", "Bldg": "building", "Ste": "suite", "Rm": "room"}

# In this order: what has more signs around its digits comes first, plain numbers come last.
_ENGLISH: list[Rule] = [
    (
        re.compile(
            r"(?i)(?<![\w@.-])(?:https?://)?(?:[\w-]{1,64}@)?(?:[a-z0-9-]{1,63}\.){1,5}"
            r"(?:com|org|net|info|homes|us|io|co|rent|apartments)(?:/[\w/.-]*)?(?!\w)"
        ),
        _web_address,
    ),
    *_phone_rules("en"),
    (re.compile(r"(?i)(?<!\w)(?:ext\.?|x)\s?(\d{2,6})(?!\w)"), lambda m: f"extension {spelt(m[1])}"),
    (
        re.compile(
            rf"(?i)\$\s?(?P<amount>{_NUMBER})(?:\.(?P<cents>\d\d)(?!\d))?"
            rf"(?:\s?-\s?\$?\s?(?P<up_to>{_NUMBER}))?(?!\d){_PER}"
        ),
        _money,
    ),
    (_ADDRESS, _address),
    (re.compile(r"\b(?:Interstate |I-)(\d{1,3})\b"), lambda m: f"Interstate {house_number(m[1])}"),
    (re.compile(r"\b(?:Highway|Hwy\.?|Route|Rte\.?) (\d{1,4})\b"), lambda m: f"Highway {house_number(m[1])}"),
    (re.compile(r", ([A-Z]{2})\b(?:,? (\d{5})(?:-\d{4})?\b)?"), lambda m: _state(m) if m[1] in STATES else m[0]),
    # Apartment 1204 is said the way people read door signs: twelve oh four.
    (
        re.compile(r"\b(Apt|Apartment|Unit|Bldg|Building|Ste|Suite|Room|Rm)\b\.? ?#? ?(\d{1,6})(?:-?([A-Z])\b)?"),
        lambda m: f"{_DOORS.get(m[1], m[1])} {house_number(m[2])}{' ' + m[3] if m[3] else ''}",
    ),
    (re.compile(r"(?i)\b(press|key|dial|enter)( the)? ?\*"), r"\1\2 star"),
    (re.compile(r"(?i)\b(press|key|dial|enter)( the)? ?#(?!\d)"), r"\1\2 pound"),
    (re.compile(r"(?<![\w*])\*(?![\w*])"), "star"),
    (re.compile(r"(?<![\w#])#(?![\w#])"), "pound"),
    (re.compile(r"(?i)(?:#|\bNo\. ?)(\d{1,6})\b"), lambda m: f"number {house_number(m[1])}"),
    (re.compile(r"(?i)(?<![\w.])(\d{1,2})(\.5)? ?-?(BA|bath|baths|bathroom|bathrooms)\b"), _bathrooms),
    (
        re.compile(r"(?i)(?<![\w.])(\d{1,2}) ?-?(?:BR|BD|BDRMS?)\b(?: ?[/,] ?)?(?=(?P<more>\w)?)"),
        lambda m: f"{cardinal(m[1])} bedroom" + (", " if m["more"] else ""),
    ),
    (re.compile(r"(?i)(?<=\d)\s?(?:sq\.? ?ft\b\.?|sqft\b|s\.f\.|sf\b)"), " square feet"),
    (re.compile(r"(?i)\bsq\.? ?ft\b\.?"), "square feet"),
    (re.compile(r"(?i)\bsq\.? ?m\b"), "square meters"),
    (re.compile(r"(?<!\d)24/7(?!\d)"), "twenty-four seven"),
    # A range of hours: 9am-5pm, 9-5.
    (re.compile(r"(?i)(?<=\d)( ?[ap]\.?m\.?)? ?- ?(?=\d)"), lambda m: f"{m[1] or ''} to "),
    (re.compile(r"(?i)(?<![\w:.])(\d{1,2})(?::([0-5]\d))?\s?([ap])\.?m\b(\.?)"), _time),
    (re.compile(r"(?<![\w:.])(\d{1,2}):([0-5]\d)(?![\w:])()()"), _time),
    (re.compile(rf"\b({_ANY_DAY}) ?- ?({_ANY_DAY})"), r"\1 to \2"),
    *(
        (re.compile(rf"\b{short}\b(?:\.| (?=(?:to|and|or|\d|{_DAY})\b)|(?=,? {_DAY}\b)|(?=$))"), f"{day} ")
        for short, day in _DAYS.items()
    ),
    (re.compile(rf"(?<= (?:to|or) )({_DAY})\b\.?"), lambda m: _DAYS[m[1]]),
    (re.compile(rf"(?<= and )({_DAY})\b\.?"), lambda m: _DAYS[m[1]]),
    (
        re.compile(
            rf"\b({'|'.join([*_MONTHS.values(), *_MONTHS])})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)"
            r"(?:,? ((?:19|20)\d\d)\b)?"
        ),
        _date,
    ),
    (re.compile(rf"\b({'|'.join(_MONTHS)})\. "), lambda m: f"{_MONTHS[m[1]]} "),
    (
        re.compile(rf"(?i)\b((?:{'|'.join(_MONTHS.values())}|in|since|of|until|year),? )((?:19|20)\d\d)\b(?!,)"),
        lambda m: m[1] + _year(m[2]),
    ),
    (re.compile(r"(?:\b(\w{1,40}) )?\bSt\b(\.?)"), _named_after("Street", "Saint")),
    (re.compile(r"(?:\b(\w{1,40}) )?\bDr\b(\.?)"), _named_after("Drive", "Doctor")),
    *(
        (
            re.compile(rf"(?<= ){short.capitalize()}\b(\.?)"),
            lambda m, name=name: name + _sentence_end(m[1], m.string[m.end() :]),
        )
        for short, name in _STREETS.items()
        if short not in ("st", "dr", "sq", "av", "pl")
    ),
    (re.compile(r"(?<!\w)(\d+)(?:st|nd|rd|th)\b", _I), lambda m: _ordinal(m[1])),
    _word(r"Apts?\.", "apartments", flags=_I),
    _word("Apts", "apartments"),
    _word("Apt", "apartment"),
    _word(r"Bldgs?\b\.?", "building", flags=_I),
    _word(r"Ste\.", "suite"),
    _word(r"Mgmt\b\.?", "management", flags=_I),
    _word(r"Mgr\b\.?", "manager", flags=_I),
    _word(r"Mr\.?", "Mister"),
    _word(r"Mrs\.?", "Missus"),
    _word(r"Ms\.", "Miz"),
    _word(r"approx\.?", "approximately", flags=_I),
    _word(r"incl\.?", "including", flags=_I),
    _word(r"avail\.?", "available", flags=_I),
    _word(r"appts?\.?", "appointment", flags=_I),
    _word(r"dep\.", "deposit", flags=_I),
    _word(r"utils?\.?", "utilities", flags=_I),
    _word(r"bdrms?\.?", "bedroom", flags=_I),
    _word("BR", "bedroom"),
    _word(r"ext\.", "extension", flags=_I),
    _word("W/D", "washer and dryer", flags=_I),
    _word("A/C", "air conditioning", flags=_I),
    _word("w/o", "without", flags=_I),
    (re.compile(r"(?i)\bw/ ?(?=\w)"), "with "),
    _word("and/or", "or", flags=_I),
    (re.compile(r"(?i)\s?/\s?mo\b\.?"), " a month"),
    (re.compile(r"(?<=\d) ?[xX] ?(?=\d)"), " by "),
    (re.compile(r"(?<![\d.,])(\d{1,9})\.5 (?=bath|month|mile)"), lambda m: f"{cardinal(m[1])} and a half "),
    (re.compile(r"(?<![\d.,])(\d{1,9})\.(\d{1,6})(?![\d.])"), lambda m: _decimal(m, "en", "point")),
    (re.compile(r"(?<=\d) ?%"), " percent"),
    (re.compile(r"(?<=\w)\+"), " plus "),
    (re.compile(r" ?& ?"), " and "),
    (re.compile(r" ?@ ?"), " at "),
    (re.compile(r"(?<=\w) ?/ ?(?=\w)"), ", "),
]


# --- Spanish, as spoken in the United States ---


def _spanish_money(match: re.Match[str]) -> str:
    # num2words counts as one does without a noun; before a masculine noun, "uno" becomes "un".
    amount = re.sub(r"uno$", "un", cardinal(match["amount"], "es")).replace("veintiun", "veintiún")
    words = f"{amount} {'dólar' if amount == 'un' else 'dólares'}"
    if (cents := match["cents"]) and cents != "00":
        words += f" con {cardinal(cents.lstrip('0'), 'es')} centavos"
    return words + (" al mes" if match["per"] else "")


def _spanish_time(match: re.Match[str]) -> str:
    hour = "una" if match[1].lstrip("0") == "1" else cardinal(match[1].lstrip("0") or "0", "es")
    minute = match[2]
    words = f"{hour} y {cardinal(minute.lstrip('0'), 'es')}" if minute and minute != "00" else hour
    if not match[3]:
        return words
    morning = match[3].lower() == "a"
    afternoon = int(match[1]) in (12, 1, 2, 3, 4, 5, 6, 7)
    half = "de la mañana" if morning else "de la tarde" if afternoon else "de la noche"
    return f"{words} {half}" + _sentence_end(match[4], match.string[match.end() :])


def _spanish_rules() -> list[Rule]:
    return [
        (
            re.compile(
                r"(?i)(?<![\w@-])(?:https?://)?(?:www\.)?([a-z0-9-]{1,63})\.(com|org|net)(?:/([\w-]{1,99}))?(?!\w)"
            ),
            lambda m: f"{m[1]} punto {m[2]}" + (f" barra {m[3]}" if m[3] else ""),
        ),
        *_phone_rules("es"),
        (re.compile(r"(?i)(?<!\w)ext\.? ?(\d{2,6})(?!\w)"), lambda m: f"extensión {spelt(m[1], 'es')}"),
        (
            re.compile(
                rf"(?i)\$\s?(?P<amount>{_NUMBER})(?:\.(?P<cents>\d\d)(?!\d))?"
                r"(?:\s?(?:/|\bal\b|\bpor\b)\s?(?P<per>mes)\b)?"
            ),
            _spanish_money,
        ),
        (re.compile(r"(?i)(?<=\d)( ?[ap]\.? ?m\.?)? ?- ?(?=\d)"), lambda m: f"{m[1] or ''} a "),
        (re.compile(r"(?i)(?<![\w:.])(\d{1,2})(?::([0-5]\d))?\s?([ap])\.? ?m\b(\.?)"), _spanish_time),
        (re.compile(r"(?<![\w:.])(\d{1,2}):([0-5]\d)(?![\w:])()()"), _spanish_time),
        (re.compile(r"(?i)\bpies? ?(?:cuadrados|cuad\.|2)(?!\w)"), "pies cuadrados"),
        (re.compile(r"(?i)(?<=\d) ?(?:sq\.? ?ft\b\.?)"), " pies cuadrados"),
        (re.compile(r"(?i)(?<=\d) ?(?:rec|hab)\."), " recámaras"),
        _word(r"aptos?\.", "apartamento", flags=_I),
        _word(r"deptos?\.", "departamento", flags=_I),
        _word(r"edif\.", "edificio", flags=_I),
        _word(r"Avda?\.|Av\.|Ave\.?", "avenida", flags=_I),
        _word(r"c/", "calle", flags=_I),
        _word(r"Sra\.", "señora"),
        _word(r"Sr\.", "señor"),
        _word(r"tel\.", "teléfono", flags=_I),
        _word("St\\.?", "Street"),
        _word("Blvd\\.?", "bulevar", flags=_I),
        (re.compile(r"(?i)\bn(?:úm|ro|o)\. ?(?=\d)|#(?=\d)"), "número "),
        (re.compile(r"(?i)\b(oprima|presione|marque)( la tecla)? ?\*"), r"\1\2 asterisco"),
        (re.compile(r"(?i)\b(oprima|presione|marque)( la tecla)? ?#"), r"\1\2 numeral"),
        (re.compile(r"(?<![\d.,])(\d{1,9})\.(\d{1,6})(?![\d.])"), lambda m: _decimal(m, "es", "punto")),
        (re.compile(r"(?<=\d) ?%"), " por ciento"),
        (re.compile(r" ?& ?"), " y "),
        (re.compile(r" ?@ ?"), " arroba "),
        (re.compile(r"(?<=\w) ?/ ?(?=\w)"), ", "),
    ]


# --- every language: the numbers that are left ---


def _other_rules(language: str) -> list[Rule]:
    return [
        *(_phone_rules(language) if language not in ("en", "es") else []),
        (re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"), " "),
        (re.compile(r"(?<!\d)-(?=\d)|(?<=\d)\.(?=\d)"), " "),
        (re.compile(_NUMBER), lambda match: cardinal(_ascii_digits(match[0]), language)),
    ]


def _ascii_digits(digits: str) -> str:
    return "".join(char if char == "," else str(unicodedata.decimal(char)) for char in digits)
