"""STIR/SHAKEN: what a trunk says about a caller's number, read from the headers that carriers use. Pure."""

from __future__ import annotations

import re

from crm.domain.invite import Invite, uri_of

FAILED = "TN-Validation-Failed"

# ATIS-1000074: the parameter verstat of the number in P-Asserted-Identity or From. Twilio's X-Twilio-VerStat has the
# same words with the level of attestation behind them; P-Attestation-Indicator (ATIS-1000074, too) has the level alone.
_VERSTAT = re.compile(r"(TN-Validation-Passed|TN-Validation-Failed|No-TN-Validation)(?:-([ABC]))?(?![A-Za-z0-9])", re.I)
_LEVEL = re.compile(r"\s*([ABC])\s*", re.IGNORECASE)
_WORDS = {word.lower(): word for word in ("TN-Validation-Passed", FAILED, "No-TN-Validation")}


def read(invite: Invite) -> str:
    """The result in the carrier's words, such as TN-Validation-Passed-A; "" when the trunk says nothing.

    A display name is the caller's to write, so only the URI behind it counts.
    """
    numbers = (uri_of(element) for element in (*invite.identities, *invite.senders))
    in_numbers = (found[1] for part in numbers if (found := re.search(r";verstat=([A-Za-z0-9-]+)", part)))
    said = next((result for text in (invite.verstat, *in_numbers) if (result := _result(text))), ("", ""))
    alone = _LEVEL.fullmatch(invite.level)
    letter = said[1] or (alone[1].upper() if alone else "")
    if said[0]:
        return f"{said[0]}-{letter}" if letter else said[0]
    return f"attested-{letter}" if letter else ""


def is_failed(attestation: str) -> bool:
    """The carrier checked, and the number shown is not the caller's."""
    return attestation.startswith(FAILED)


def _result(text: str) -> tuple[str, str] | None:
    found = _VERSTAT.fullmatch(text.strip())
    return (_WORDS[found[1].lower()], (found[2] or "").upper()) if found else None
