"""Facts as JSON and back."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import calls
from crm.domain.calls import KINDS, CallbackQueued, CallEnded, DialStatus, EndedBy, Fact, LegEnded, VoicemailLeft
from crm.domain.errors import Invalid
from crm.store import facts
from crm.store.models import CallEvent

pytestmark = pytest.mark.unit

MOMENTS = st.integers(946_684_800, 4_102_444_800).map(lambda epoch: datetime.fromtimestamp(epoch, UTC))


SECONDS = st.floats(0, 1e6)
"""JSON has no infinity."""


def every_kind() -> st.SearchStrategy[Fact]:
    def made(kind: type[Fact]) -> st.SearchStrategy[Fact]:
        return st.builds(kind, at=MOMENTS, **{each.name: SECONDS for each in fields(kind) if each.type == "float"})

    return st.one_of([made(kind) for kind in KINDS])


@given(every_kind())
def test_a_fact_comes_back_as_it_was(fact: Fact) -> None:
    line = facts.encode(fact)
    assert b"\n" not in line
    assert facts.decode(line) == fact
    assert facts.from_row(CallEvent(**facts.to_values(fact, 0))) == fact


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"kind": "CallEnded"}',
        b'{"kind": "CallForgotten", "id": "1"}',
        b'{"kind": "CallEnded", "id": "1", "call_id": "c", "at": "2026-03-02T16:00:00Z", "by": "ghost"}',
        b'{"kind": "CallEnded", "id": "1", "call_id": "c", "at": "2026-03-02T16:00:00", "by": "caller"}',
    ],
)
def test_what_is_no_fact_is_refused(line: bytes) -> None:
    with pytest.raises(Invalid):
        facts.decode(line)


def test_a_line_of_an_older_version_without_the_new_field_is_read() -> None:
    line = b'{"kind": "CallEnded", "id": "1", "call_id": "c", "at": "2026-03-02T16:00:00Z", "by": "caller"}'
    assert facts.decode(line) == CallEnded("1", "c", datetime(2026, 3, 2, 16, tzinfo=UTC), EndedBy.CALLER)


def test_every_kind_of_fact_is_listed() -> None:
    defined = {kind for kind in vars(calls).values() if isinstance(kind, type) and issubclass(kind, Fact)} - {Fact}
    assert set(KINDS) == defined
    assert all({"id", "call_id", "at"} <= {field.name for field in fields(kind)} for kind in KINDS)


def test_a_voicemail_that_an_older_version_wrote_is_read() -> None:
    line = b'{"kind":"MessageLeft","id":"c/m","call_id":"c","at":"2026-03-02T16:00:00Z","file":"c.wav","seconds":9}'
    assert facts.decode(line) == VoicemailLeft("c/m", "c", datetime(2026, 3, 2, 16, tzinfo=UTC), "c.wav", 9)


def test_a_queued_callback_that_an_older_version_wrote_is_read() -> None:
    line = b'{"kind":"PlaceKept","id":"c/k","call_id":"c","at":"2026-03-02T16:00:00Z","agents":["alice"]}'
    assert facts.decode(line) == CallbackQueued("c/k", "c", datetime(2026, 3, 2, 16, tzinfo=UTC), ("alice",))


def test_a_row_does_not_repeat_the_id_of_its_call() -> None:
    call, leg = "ll1-1795906171.85", "ll1-1795906171.85-leg-alice-desk-d83d5a"
    fact = LegEnded(f"{call}/leg-ended-{leg}", call, datetime(2026, 3, 2, 16, tzinfo=UTC), leg, DialStatus.BUSY)
    values = facts.to_values(fact, 7)
    assert call not in values["id"]
    assert call not in str(values["data"])
    assert "alice-desk" not in values["id"]
    assert facts.whole(call, values["kind"], values["data"])["leg_id"] == leg
    assert facts.id_of(CallEvent(**values)) == fact.id


@pytest.mark.parametrize("leg", ["c1-leg-a", "~c1-leg-a", "c1~", "~^", "^", "", "a"])
@pytest.mark.parametrize("before", ["c1/leg-ended-", "c1/~", "~~", "c1", "", "c1/~^"])
def test_an_id_that_ends_with_that_of_a_leg_comes_back_as_it_was(before: str, leg: str) -> None:
    fact = LegEnded(before + leg, "c1", datetime(2026, 3, 2, 16, tzinfo=UTC), leg, DialStatus.BUSY)
    assert facts.from_row(CallEvent(**facts.to_values(fact, 0))) == fact
