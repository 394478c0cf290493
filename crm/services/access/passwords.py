"""Passwords of people: what they have to be, and how they are kept.

NIST SP 800-63B, 3.1.1: long enough, not one that everybody uses, no rules about kinds of characters, no expiry. Kept as
argon2id with the parameters of RFC 9106's second choice, which take some 30 ms and 64 MB: never within a transaction.
"""

from __future__ import annotations

import itertools
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from crm.domain.errors import Invalid

SHORTEST = 12
LONGEST = 256
"""Characters."""
_USUAL = ("password", "passwort", "qwerty", "letmein", "welcome", "leaseline", "leasing", "apartment", "changeme")
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def check(password: str, name: str) -> None:
    """Raises Invalid for one that is too short, too long, or too easily guessed."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise Invalid(
            f"A password has {SHORTEST} to {LONGEST} characters: a few words that only you would put together are"
            " easily remembered.",
            code="password_length",
            shortest=SHORTEST,
            longest=LONGEST,
        )
    rest = plain.lower()
    for word in (*_USUAL, name.lower()):
        rest = rest.replace(word, "")
    if len(set(rest)) < 5 or _is_row(rest):
        raise Invalid("This password is too easily guessed: take other words.", code="password_weak")


def hashed(password: str) -> str:
    return _HASHER.hash(_normal(password))


def matches(kept: str, password: str) -> bool:
    """Whether it is the password. With nothing kept it takes as long and is not, so that the time tells nothing."""
    try:
        return _HASHER.verify(kept or _nobodys(), _normal(password[:LONGEST])) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with less than is asked for today, so that it is hashed anew when it is next shown."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this one")


def _normal(password: str) -> str:
    """The same characters, however a keyboard composes them (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _is_row(text: str) -> bool:
    """Whether each character follows the one before, as in 12345678 or hgfedcba."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return len(steps) <= 1
