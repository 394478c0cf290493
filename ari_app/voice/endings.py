"""Whether somebody who pauses has finished: from the words so far."""

from __future__ import annotations

import re

from ari_app.voice.turns import Ending

_TRAILING = {
    "en": """a an the and or but so because if when while that which who is are was were be am been i i'm i'd i'll
        we they my your our their his her its to of for in on at by with from about around between under over up until
        like um uh er hmm well also plus maybe it's what's how's can could would should do does did do have has had not
        very two-bedroom one-bedroom number email""",
    "es": """un una unos unas el la los las y o pero porque si cuando que quien es son era soy estoy yo tú usted mi mis
        su sus a al de del para por en con sin sobre desde hasta como eh este pues también más puede puedo quiero tengo
        hay no muy número correo""",
}
_GREETINGS = {"hi", "hello", "hey", "yes", "yeah", "okay", "ok", "good", "hola", "sí", "bueno", "buenas"}
_ANSWERS = {"yes", "yeah", "okay", "ok", "sí", "bueno"}
"""Short answers that are whole, although more may follow."""
_DIGITS = {
    *("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
}
_TELEPHONE_DIGITS = 10
_DOMAIN = re.compile(r"(?:\.|\bdot |\bpunto )(?:com|org|net|edu|us|es|mx)\b\W*$", re.IGNORECASE)
_WORD = re.compile(r"\d{1,3}(?:,\d{3})+|[^\W_]+(?:['’-][^\W_]+)*|[.…,@-]", re.UNICODE)


def ending_of(text: str, language: str, expects: str = "") -> Ending:
    """How `text`, as transcribed, ends. With NO_WORDS, nothing was said. `expects` is what they were asked for, as in
    protocol.Play."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    plain = [word for word in words if word[0].isalnum()]
    if not plain:
        return Ending.NO_WORDS
    count = sum(_digits_in(word) for word in plain)
    # "I don't have one" is no digit.
    if expects == "digits" and (count > 1 or (count == 1 and len(plain) <= 2)):
        return Ending.COMPLETE if count >= _TELEPHONE_DIGITS else Ending.DIGITS
    if expects == "letters" and len(plain) > 1 and not _DOMAIN.search(text):
        return Ending.OPEN
    digits = _last_digits(plain)
    if digits is not None:
        return Ending.COMPLETE if digits >= _TELEPHONE_DIGITS else Ending.DIGITS
    last = plain[-1]
    if text.rstrip().endswith(("...", "…", ",", "-", "@")):
        return Ending.OPEN
    if (len(last) == 1 and last.isalpha() and last not in "aioyeu") or _is_spelled(plain):
        return Ending.OPEN
    if last in _TRAILING.get(language, _TRAILING["en"]).split():
        return Ending.OPEN
    if len(plain) <= 2 and set(plain) <= _GREETINGS and not set(plain) <= _ANSWERS:
        return Ending.OPEN
    if ("at" in plain[-4:] or "arroba" in plain[-4:]) and last in (
        "gmail",
        "yahoo",
        "hotmail",
        "outlook",
        "icloud",
        "dot",
    ):
        return Ending.OPEN
    return Ending.COMPLETE


def _digits_in(word: str) -> int:
    return sum(piece in _DIGITS or sum(map(str.isdigit, piece)) for piece in word.split("-"))


def _is_spelled(plain: list[str]) -> bool:
    """Whether the last words are letters, as in S M I T H or S-M-I."""
    letters = plain[-1].split("-")
    if len(letters) > 1:
        return all(len(letter) == 1 for letter in letters)
    return len(plain) >= 2 and all(len(word) == 1 and word.isalpha() for word in plain[-2:])


def _last_digits(plain: list[str]) -> int | None:
    """How many digits a number that is being dictated has so far; None if the words end otherwise.

    Rents, years, counts and unit numbers are said at once.
    """
    count, tokens = 0, 0
    for word in reversed(plain):
        pieces = word.split("-")
        if all(piece.replace(",", "").isdigit() for piece in pieces):
            count += sum(len(piece) for piece in pieces)
        elif all(piece in _DIGITS for piece in pieces):
            count += len(pieces)
        else:
            break
        tokens += 1
    if not tokens or (tokens == 1 and _is_amount(plain[-1])):
        return None
    return count


def _is_amount(word: str) -> bool:
    if word in _DIGITS or "," in word:
        return True
    if not word.isdigit():
        return False
    return len(word) <= 2 or word[-2:] in ("00", "50", "25", "75", "95", "99") or (len(word) == 4 and word[:3] == "202")
