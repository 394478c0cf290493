"""Facts as JSON: as a line of the journal and as a row of call_event."""

from __future__ import annotations

from typing import Any

import msgspec

from crm.domain.calls import KINDS, CallbackQueued, Fact, VoicemailLeft
from crm.domain.errors import Invalid
from crm.store.models import CallEvent

_FORMER: dict[str, type[Fact]] = {"MessageLeft": VoicemailLeft, "PlaceKept": CallbackQueued}
"""Names that older versions gave to facts; journals and call_event still contain them."""
_KINDS = _FORMER | {kind.__name__: kind for kind in KINDS}
_IN_COLUMNS = ("id", "call_id", "at")
_ELSEWHERE = {"Routed": ("reasons", "inputs", "plan", "roster"), "VoiceTurnTaken": ("text", "confidence", "state")}
"""Fields stored only in a row of their own, not in call_event."""


def encode(fact: Fact) -> bytes:
    """One line, without the newline."""
    return msgspec.json.encode({"kind": type(fact).__name__, **msgspec.to_builtins(fact)})


def decode(line: bytes) -> Fact:
    """Raises Invalid."""
    try:
        values = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        raise Invalid(
            "A line of the journal is not JSON: it was cut off during writing.", code="fact_unreadable"
        ) from None
    return _from_values(values.pop("kind", ""), values)


def to_values(fact: Fact) -> dict[str, Any]:
    """The values of a row's columns, for bulk inserts."""
    values, kind = msgspec.to_builtins(fact), type(fact).__name__
    elsewhere = (*_IN_COLUMNS, *_ELSEWHERE.get(kind, ()))
    data = {name: value for name, value in values.items() if name not in elsewhere}
    return {"id": fact.id, "call_id": fact.call_id, "at": fact.at, "kind": kind, "data": data}


def from_row(row: CallEvent) -> Fact:
    return _from_values(row.kind, {"id": row.id, "call_id": row.call_id, "at": row.at, **row.data})


def _from_values(kind: str, values: dict[str, Any]) -> Fact:
    if kind not in _KINDS:
        raise Invalid(
            f"{kind!r} is an unknown kind of fact, written by a newer version: update Leaseline.",
            code="fact_kind_unknown",
            kind=kind,
        )
    try:
        fact = msgspec.convert(values, _KINDS[kind], strict=True)
    except msgspec.ValidationError as error:
        raise Invalid(f"A {kind} is malformed: {error}.", code="fact_invalid", kind=kind) from None
    if fact.at.tzinfo is None:
        raise Invalid(f"A {kind} has a time without time zone.", code="fact_without_zone", kind=kind)
    return fact
