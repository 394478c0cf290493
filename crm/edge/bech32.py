"""Bech32 (BIP 173): bytes as text with a checksum, as age writes keys. The package of that name had its last release in
2020, and this is all that keys need of it."""

from __future__ import annotations

from collections.abc import Iterable

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6
"""Letters of the checksum."""


def encode(prefix: str, data: bytes) -> str:
    """In small letters."""
    values = _regrouped(data, 8, 5, fill=True)
    check = _checksum([*_spread(prefix), *values, *[0] * _CHECK]) ^ 1
    values += [check >> 5 * (_CHECK - 1 - place) & 31 for place in range(_CHECK)]
    return f"{prefix}1{''.join(_LETTERS[value] for value in values)}"


def decode(prefix: str, text: str) -> bytes:
    """Raises ValueError for any other prefix, a wrong letter, mixed case and a wrong checksum."""
    if text not in (text.lower(), text.upper()):
        raise ValueError("small and capital letters are mixed")
    start, _, rest = text.lower().rpartition("1")
    values = [_LETTERS.index(letter) for letter in rest]
    if start != prefix or len(values) < _CHECK or _checksum([*_spread(start), *values]) != 1:
        raise ValueError("the checksum is wrong")
    return bytes(_regrouped(values[:-_CHECK], 5, 8, fill=False))


def _spread(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _checksum(values: Iterable[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_STEPS):
            found ^= step if top >> bit & 1 else 0
    return found


def _regrouped(values: Iterable[int], width: int, to: int, *, fill: bool) -> list[int]:
    held, bits, groups = 0, 0, []
    for value in values:
        held, bits = held << width | value, bits + width
        while bits >= to:
            bits -= to
            groups.append(held >> bits & (1 << to) - 1)
        held &= (1 << bits) - 1
    if fill and bits:
        groups.append(held << to - bits & (1 << to) - 1)
    elif bits >= width or held:
        raise ValueError("bits are left over")
    return groups
