"""What an agent hears before taking a call on their mobile: what it is about, and who is calling. Pure."""

from __future__ import annotations

_LONGEST = 60
"""Characters of a name or source that are spoken; a longer one is cut, so that the caller does not wait for it."""
_LONGEST_GIST = 160


def whisper(
    *,
    property_name: str,
    source: str,
    is_known: bool,
    name: str,
    number: str,
    kind: str = "prospect",
    desk: str = "",
    gist: str = "",
) -> str:
    """One text for the voice, in English as agents hear it.

    `source` is where the caller saw the number, `name` the lead's or the contact's, both empty when nobody knows;
    `number` is what the voice is to read, digit by digit, empty when it is withheld. `kind` is who calls
    (route_inputs.CallerKind), `desk` which destination beside leasing it is for (DeskKind). `gist` is what the
    voice agent has found out, as a sentence.
    """
    about = _sayable(property_name)
    sentences = [f"Call for {about}." if about else "Call for the leasing office."]
    if desk in _URGENT:
        sentences.append(_URGENT[desk])
    elif kind == "prospect" and (seen := _sayable(source)):
        sentences.append(f"Source: {seen}.")
    lead = kind.capitalize() if kind != "prospect" else "Known lead" if is_known else "New lead"
    known_as = _sayable(name)
    sentences.append(f"{lead}, {known_as}." if known_as else f"{lead}.")
    if gist:
        sentences.append(_sayable(gist, _LONGEST_GIST, " '-&,$") + ".")
    sentences.append(f"Number: {number}." if number else "The number is withheld.")
    return " ".join(sentences)


_URGENT = {"maintenance": "An emergency in a home.", "concern": "A complaint or concern."}


def _sayable(text: str, longest: int = _LONGEST, between: str = " '-&") -> str:
    """Letters, digits and what stands between words; whoever wrote a name may have written anything."""
    kept = "".join(letter if letter.isalnum() or letter in between else " " for letter in text[: 4 * longest])
    return " ".join(kept.split())[:longest].strip()
