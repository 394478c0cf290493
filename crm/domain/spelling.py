"""Names, email addresses and numbers as people spell and correct them, and as they are read back. Pure."""

from __future__ import annotations

import re

from crm.domain.dialogue import folded, listed

_ALPHABET = listed(
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
)
_LETTERS = {
    **{word: word[0] for word in _ALPHABET},
    # As a transcriber writes the names of letters.
    "bee": "b",
    "be": "b",
    "cee": "c",
    "see": "c",
    "sea": "c",
    "dee": "d",
    "ee": "e",
    "eff": "f",
    "ef": "f",
    "gee": "g",
    "aitch": "h",
    "jay": "j",
    "kay": "k",
    "el": "l",
    "ell": "l",
    "em": "m",
    "en": "n",
    "oh": "o",
    "pee": "p",
    "cue": "q",
    "queue": "q",
    "are": "r",
    "ar": "r",
    "ess": "s",
    "tee": "t",
    "tea": "t",
    "you": "u",
    "vee": "v",
    "ex": "x",
    "why": "y",
    "wye": "y",
    "zee": "z",
    "zed": "z",
    "eye": "i",
    "ay": "a",
    # Spanish
    "ce": "c",
    "de": "d",
    "efe": "f",
    "ge": "g",
    "hache": "h",
    "jota": "j",
    "ka": "k",
    "ele": "l",
    "eme": "m",
    "ene": "n",
    "pe": "p",
    "cu": "q",
    "erre": "r",
    "ere": "r",
    "ese": "s",
    "te": "t",
    "uve": "v",
    "ve": "v",
    "equis": "x",
    "ye": "y",
    "zeta": "z",
    "ache": "h",
    "che": "ch",
    "doble u": "w",
    "double u": "w",
    "i griega": "y",
    "double you": "w",
}
_WEAK = frozenset(
    listed("a i be see sea are you oh el de te ve che ge ye ce pe en es why eye mike john mary paul peter tom sam")
)
"""Words of their own: letters only among letters."""
_DIGITS = {
    **{word: str(n) for n, word in enumerate(listed("zero one two three four five six seven eight nine"))},
    **{word: str(n) for n, word in enumerate(listed("cero uno dos tres cuatro cinco seis siete ocho nueve"))},
    "oh": "0",
    "o": "0",
    "won": "1",
    "to": "2",
    "too": "2",
    "tu": "2",
    "tree": "3",
    "for_": "4",
    "fore": "4",
    "ate": "8",
    "una": "1",
    "for": "4",
}
_DIGITS.pop("for_")
_TEENS = {
    **{
        word: n
        for n, word in enumerate(
            listed("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
            10,
        )
    },
    **{word: n for n, word in enumerate(listed("diez once doce trece catorce quince"), 10)},
}
_TENS = {
    **{
        word: n
        for n, word in zip(
            range(20, 100, 10),
            listed("twenty thirty forty fifty sixty seventy eighty ninety"),
            strict=True,
        )
    },
    **{
        word: n
        for n, word in zip(
            range(20, 100, 10),
            listed("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
            strict=True,
        )
    },
}
_SKIPPED = frozenset(
    listed(
        "area code and its is the number my y es el de area codigo dash guion hyphen space uh um please thats yes yeah"
    )
)


def letters(text: str) -> str:
    """The word that was spelled, in small letters: "N-G-U-Y-E-N", "n as in Nancy, g", "en, ge". "" where fewer than
    two letters in a row were."""
    plain = re.sub(r"\b(\w) as in \w+", r"\1", folded(text))
    plain = re.sub(r"\b(\w) (?:for|like|de|como) (?=\w{3,})\w+", r"\1", plain)
    for said, letter in _LETTERS.items():
        if " " in said:
            plain = plain.replace(said, letter)
    runs: list[str] = []
    run, sure, twice = "", 0, False
    for word in [*plain.split(), ""]:
        letter = word if len(word) == 1 and word.isalpha() else _LETTERS.get(word, "")
        if word in ("double", "doble"):
            twice = True
            continue
        if letter:
            run += letter * (2 if twice else 1)
            sure += word not in _WEAK
            twice = False
            continue
        if len(run) > 1 and sure > 0:
            runs.append(run)
        run, sure, twice = "", 0, False
    return max(runs, key=len, default="")


_EXAMPLE = re.compile(r"(?:\w+ ){1,3}(?P<first>[a-z])[a-z]{2,}")


def by_examples(text: str) -> str:
    """The word of which each letter was told by a word: "N as in Nancy, G as in golf", whatever a transcriber made of
    what stands before those ("enners a Nancy, G.S. and golf"). "" for fewer than three."""
    pieces = [folded(piece.replace(".", " ")) for piece in re.split(r"[,;]|[.!?]\s+(?=\w{2})", text)]
    found = [_EXAMPLE.fullmatch(piece) for piece in pieces if piece]
    return "".join(one["first"] for one in found if one) if len(found) > 2 and all(found) else ""


def digits(text: str) -> str:
    """All digits that were said, in figures or words, singly, in pairs or as double: "five one two, fifty five"."""
    found, twice, tens = "", False, ""
    said = 0
    for word in folded(text.replace("-", " ")).split():
        piece = word if word.isdigit() else _DIGITS.get(word, "")
        if word in ("for", "to", "too", "tu", "won", "ate", "tree", "fore", "o", "oh", "una") and not said:
            continue
        if word in ("double", "doble", "triple"):
            twice = True
            continue
        if word in _TENS:
            found += tens
            tens = str(_TENS[word])
            said += 1
            continue
        if word in _TEENS:
            found, tens = found + tens + str(_TEENS[word]), ""
            said += 1
            continue
        if word in ("hundred",) and found:
            found += "00"
            continue
        if piece:
            if tens and len(piece) == 1 and piece != "0":
                found, tens = found + tens[0] + piece, ""
            else:
                found, tens = found + tens + piece * (2 if twice else 1), ""
            twice = False
            said += 1
        elif word not in _SKIPPED and tens:
            found, tens = found + tens, ""
    return found + tens


def number(text: str) -> str:
    """A telephone number of ten digits (a leading 1 is left out); "" for none."""
    found = digits(text)
    if len(found) == 11 and found[0] == "1":
        found = found[1:]
    return found if len(found) == 10 and found[0] not in "01" else ""


def corrected(known: str, text: str) -> str:
    """The number with what was said put right: a whole number, or its last digits; "" for nothing usable."""
    if whole := number(text):
        return whole
    part = digits(
        re.sub(r"(?i)\b(?:last|first|[uú]ltimos|primeros) (?:one|two|three|four|dos|tres|cuatro)\b", " ", text)
    )
    if len(part) == 1 and re.search(r"\b(?:ends?|last|termina)\b", folded(text)):
        return known[:-1] + part
    if len(part) in (2, 3, 4) and known:
        first = re.search(r"\b(?:area|begins?|starts?|first|codigo|empieza)\b", folded(text))
        return part + known[len(part) :] if first and len(part) == 3 else known[: -len(part)] + part
    return part + known[-7:] if len(part) == 3 and known else ""


_AT = re.compile(r"\s*(?:@|(?<!\w)(?:at sign|at|arroba)(?!\w))\s*", re.IGNORECASE)
_DOT = re.compile(r"\s*(?:\.|(?<!\w)(?:dot|period|point|punto)(?!\w))\s*", re.IGNORECASE)
_SIGNS = ((r"(?:underscore|guion bajo)", "_"), (r"(?:dash|hyphen|minus|guion)", "-"), (r"(?:plus|mas)", "+"))
_HOSTS = {"gmail", "yahoo", "hotmail", "outlook", "icloud", "aol", "live", "msn", "proton", "protonmail", "comcast"}
_LEAD = re.compile(
    r"^.*?\b(?:e-?mail(?: address)?(?: is|'s)?|it's|it is|that's|address is|es|correo(?: electr[oó]nico)?(?: es)?)\b[\s:,]*",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[a-z0-9._+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}")


def email(text: str) -> str:
    """An email address that was spelled or dictated: "j o h n dot smith at gmail dot com"; "" for none."""
    said = text.strip().rstrip(".!?")
    if re.search(_AT, said) is None:
        return ""
    parts = _AT.split(said)
    local, domain = _LEAD.sub("", parts[-2]) or parts[-2], parts[-1]
    domain = re.sub(
        r"[^a-z0-9.-]", "", _DOT.sub(".", domain.lower().replace("g mail", "gmail").replace(" ", " "))
    ).strip(".-")
    if domain in _HOSTS:
        domain += ".com"
    local = _DOT.sub(".", local)
    for pattern, sign in _SIGNS:
        local = re.sub(rf"\s*(?<!\w){pattern}(?!\w)\s*", sign, local, flags=re.IGNORECASE)
    words = [_spoken_piece(word) for word in re.split(r"[\s,]+", local.lower()) if word]
    found = f"{''.join(words)}@{domain}"
    return found if _EMAIL.fullmatch(found) and ".." not in found else ""


def _spoken_piece(word: str) -> str:
    plain = re.sub(r"(?<=\w)-(?=\w\b)", "", word)
    return _DIGITS.get(plain, plain) if plain not in ("to", "for", "o", "oh", "tu", "too") else plain


def read_letters(word: str) -> str:
    """As it is read back: "N, G, U, Y, E, N"."""
    return ", ".join(one.upper() for one in word if one.isalnum())


def read_number(number: str) -> str:
    """As it is read back: "5 1 2, 5 5 5, 0 1 0 0"; of E.164 without the country."""
    national = re.sub(r"^\+?1(?=\d{10}$)", "", number).lstrip("+")
    groups = [national[:3], national[3:6], national[6:]] if len(national) == 10 else [national]
    return ", ".join(" ".join(group) for group in groups if group)


def read_email(address: str, language: str) -> tuple[str, str]:
    """What stands before the at sign, in pieces, and the domain, in words that are no web address."""
    words = {"en": (" dot ", " underscore ", " dash ", " plus "), "es": (" punto ", " guion bajo ", " guion ", " más ")}
    dot, under, dash, plus = words.get(language, words["en"])
    local, _, domain = address.partition("@")
    pieces = []
    for piece in re.split(r"([._+-])", local):
        sign = {".": dot, "_": under, "-": dash, "+": plus}.get(piece)
        pieces.append(sign.strip() if sign else read_letters(piece))
    return ", ".join(pieces), domain.replace(".", dot).replace("-", dash)
