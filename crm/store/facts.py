"""Facts as JSON: as a line of the journal and as a row of call_event.

Rows leave out values that are a kind's defaults, and have a mark wherever an id contains that of the call: the ids of
facts, legs and recordings begin with it. The ids of facts about a leg end with the leg's, for which they have another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

import msgspec

from crm.domain.calls import KINDS, CallbackQueued, Fact, VoicemailLeft
from crm.domain.errors import Invalid
from crm.store.models import CallEvent

_FORMER: dict[str, type[Fact]] = {"MessageLeft": VoicemailLeft, "PlaceKept": CallbackQueued}
"""Names that older versions gave to facts; journals and call_event still contain them."""
_KINDS = _FORMER | {kind.__name__: kind for kind in KINDS}
_IN_COLUMNS = ("id", "call_id", "at")
_IDS = ("leg_id", "recording_id")
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


def to_values(fact: Fact, number: int) -> dict[str, Any]:
    """The values of a row's columns, for bulk inserts; `number` is how many facts of the call were recorded before."""
    values, kind = msgspec.to_builtins(fact), type(fact).__name__
    elsewhere, defaults = (*_IN_COLUMNS, *_ELSEWHERE.get(kind, ())), _defaults(kind)
    data = {
        name: value
        for name, value in values.items()
        if name not in elsewhere and not (name in defaults and value == defaults[name])
    }
    leg_id = data.get("leg_id") or ""
    data |= {name: _marked(fact.call_id, data[name]) for name in _IDS if name in data}
    if leg_id and fact.id.endswith(leg_id):
        id = _marked(fact.call_id, fact.id.removesuffix(leg_id)) + "~^"
    else:
        id = _marked(fact.call_id, fact.id)
    return {"call_id": fact.call_id, "number": number, "id": id, "at": fact.at, "kind": kind, "data": data}


def id_of(row: CallEvent) -> str:
    """The id of the fact."""
    return _unmarked(row.call_id, row.id, _named(row.call_id, row.data).get("leg_id") or "")


def whole(call_id: str, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a row with the values that are left out."""
    elsewhere = _ELSEWHERE.get(kind, ())
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in _defaults(kind).items()}
    return {**{name: value for name, value in lists.items() if name not in elsewhere}, **_named(call_id, data)}


def _named(call_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, **{name: _unmarked(call_id, data[name]) for name in _IDS if name in data}}


def _marked(call_id: str, id: str) -> str:
    parts = id.split(call_id) if call_id else [id]
    return "~.".join(part.replace("~", "~~") for part in parts)


def _unmarked(call_id: str, id: str, leg_id: str = "") -> str:
    meant = {"~": "~", ".": call_id, "^": leg_id}
    return re.sub("~([~.^])", lambda found: meant[found[1]], id) if "~" in id else id


@cache
def _defaults(kind: str) -> dict[str, Any]:
    """By field, as JSON has them; none of a kind that is unknown."""
    known = fields(_KINDS[kind]) if kind in _KINDS else ()
    plain = {one.name: one.default for one in known if one.default is not MISSING}
    made = {one.name: one.default_factory() for one in known if one.default_factory is not MISSING}
    values: dict[str, Any] = msgspec.to_builtins(plain | made)
    return values


def from_row(row: CallEvent) -> Fact:
    ours = {"id": id_of(row), "call_id": row.call_id, "at": row.at}
    return _from_values(row.kind, {**ours, **_named(row.call_id, row.data)})


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
