"""In how many segments a text is sent and billed (3GPP TS 23.038 alphabet, TS 23.040 concatenation). Pure."""

from __future__ import annotations

from dataclasses import dataclass

# The GSM 7-bit default alphabet, TS 23.038 6.2.1, without its escape (0x1B), which is not a character.
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Its extension table, 6.2.1.1: each character is sent as the escape and one more septet.
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")

# Units in a single segment, and in each of several, whose headers take 6 octets: 7 septets, or 3 UCS-2 units.
GSM_7_ALONE, GSM_7_PART = 160, 153
UCS_2_ALONE, UCS_2_PART = 70, 67


@dataclass(frozen=True)
class Segments:
    encoding: str
    """GSM-7 or UCS-2: one character outside the GSM alphabet makes the whole text UCS-2."""
    units: int
    """Septets, or UTF-16 units."""
    count: int
    """Number of segments; 0 for an empty text."""


def segments(body: str) -> Segments:
    """Counts as carriers do: no character is split, so a pair at the end of a segment moves to the next."""
    if all(character in GSM_7 or character in GSM_7_EXTENSION for character in body):
        widths = [2 if character in GSM_7_EXTENSION else 1 for character in body]
        return Segments("GSM-7", sum(widths), _pieces(widths, GSM_7_ALONE, GSM_7_PART))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in body]
    return Segments("UCS-2", sum(widths), _pieces(widths, UCS_2_ALONE, UCS_2_PART))


def costly(body: str) -> str:
    """The characters, each once, for which the whole text is sent as UCS-2; "" when there are none."""
    return "".join(dict.fromkeys(one for one in body if one not in GSM_7 and one not in GSM_7_EXTENSION))


def _pieces(widths: list[int], alone: int, part: int) -> int:
    if sum(widths) <= alone:
        return 1 if widths else 0
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count
