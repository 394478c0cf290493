"""When a call was over of whose end no event told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ari_app.witness import Witness

pytestmark = pytest.mark.unit

T0 = datetime(2026, 3, 2, 16, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_what_was_gone_before_we_heard_of_events_is_stated_of_calls_without_an_end() -> None:
    witness = Witness()
    witness.gone("c1-leg-alice-desk-1", at(10))
    witness.gone("c1", at(11))
    witness.gone("c2", at(12))
    witness.gone("c3", at(30))
    facts = list(witness.facts({"c1": T0, "c3": T0}, at(20)))
    assert [(fact.call_id, fact.id, fact.at) for fact in facts] == [
        ("c1", "c1/left-c1-leg-alice-desk-1", at(10)),
        ("c1", "c1/left-c1", at(11)),
    ]
    assert [fact.id for fact in witness.facts({"c2": T0, "c3": T0}, at(20))] == ["c2/left-c2"], "its facts came late"
    assert list(witness.facts({"c1": T0, "c2": T0, "c3": T0}, at(20))) == []


@pytest.mark.parametrize(
    ("seen", "died_at", "last_seen", "ended_at"),
    [
        (True, None, at(40), at(60)),
        (False, None, at(40), at(40)),
        (True, at(50), at(40), at(50)),
        (False, None, None, at(60)),
        (False, None, at(-10), at(60)),
        (False, None, at(90), at(60)),
    ],
    ids=["seen up", "the app was away", "Asterisk died", "nothing is known", "began after that", "clock put back"],
)
def test_without_an_entry_a_call_ended_when_something_of_it_was_known_last(
    seen: bool, died_at: datetime | None, last_seen: datetime | None, ended_at: datetime
) -> None:
    witness = Witness()
    witness.seen({"c1"} if seen else set(), {"c1"})
    assert witness.ended_at("c1", T0, at(60), died_at=died_at, last_seen=last_seen) == ended_at


@pytest.mark.parametrize(
    ("seen", "died_at", "ended_at"),
    [(False, None, at(45)), (True, None, at(60)), (False, at(40), at(45)), (False, at(50), at(50))],
    ids=["the app was away", "seen up since", "a last sign before that", "Asterisk died after that"],
)
def test_a_call_whose_channels_were_logged_as_gone_ended_with_the_last_of_them(
    seen: bool, died_at: datetime | None, ended_at: datetime
) -> None:
    witness = Witness()
    witness.gone("c1", at(45))
    witness.gone("c1-leg-alice-desk-1", at(44))
    assert len(list(witness.facts({"c1": T0}, at(55)))) == 2
    witness.seen({"c1"} if seen else set(), {"c1"})
    assert witness.ended_at("c1", T0, at(60), died_at=died_at, last_seen=at(40)) == ended_at


def test_a_call_that_is_over_and_on_record_is_not_remembered() -> None:
    witness = Witness()
    for number in range(10):
        witness.seen({f"c{number}", "long"}, {f"c{number}", "long"})
    assert witness._seen == {"c9", "long"}
    witness.seen(set(), None)
    assert witness._seen == {"c9", "long"}, "their facts are not on record yet"
    witness.seen(set(), {"long"})
    assert witness.ended_at("long", T0, at(60), died_at=None, last_seen=at(40)) == at(60)
    assert witness._seen == {"long"}
