"""Follow-up sequences: what comes next for every history, and what a file of sequences may say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.errors import Invalid
from crm.domain.follow_ups import FollowUpAct, FollowUpRules, History, Next, next_step, parse
from crm.domain.leads import LeasingStage

pytestmark = pytest.mark.unit

RULES = parse(Path("crm/follow_ups/default.toml").read_text())
BEGIN = datetime(2026, 3, 2, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def play(stage: LeasingStage, rules: FollowUpRules = RULES) -> list[tuple[float, str]]:
    """What happens to somebody who never answers: hours since the beginning, and what."""
    told: list[tuple[float, str]] = []
    history = History(stage, BEGIN)
    while len(told) < 20:
        found = next_step(rules, history)
        if found.at is None:
            return told
        hours = (found.at - BEGIN) / HOUR
        if found.act is FollowUpAct.SEND:
            told.append((hours, f"step {found.step + 1}"))
            history = History(stage, BEGIN, (*history.sent, found.at))
        else:
            assert found.stage is not None
            return [*told, (hours, found.stage.value)]
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        (
            LeasingStage.CONTACTED,
            [(6, "step 1"), (26, "step 2"), (50, "step 3"), (98, "step 4"), (122, "unresponsive")],
        ),
        (LeasingStage.SHOWING_DESIRED, [(20, "step 1"), (44, "step 2"), (92, "step 3"), (164, "unresponsive")]),
        (LeasingStage.STILL_DECIDING, [(48, "step 1"), (88, "step 2"), (136, "step 3"), (208, "unresponsive")]),
        (LeasingStage.APPLICATION_SENT, [(24, "step 1"), (72, "step 2"), (120, "step 3"), (192, "unresponsive")]),
        (LeasingStage.SHOWING_MISSED, [(4, "step 1"), (4, "showing_desired")]),
        (LeasingStage.LEASED, []),
        (LeasingStage.UNRESPONSIVE, []),
    ],
)
def test_who_never_answers_gets_the_whole_sequence(stage: LeasingStage, told: list[tuple[float, str]]) -> None:
    assert play(stage) == told


def test_who_has_begun_an_application_is_not_asked_whether_they_got_it() -> None:
    invited = next_step(RULES, History(LeasingStage.APPLICATION_SENT, BEGIN))
    begun = next_step(RULES, History(LeasingStage.APPLICATION_SENT, BEGIN, has_begun=True))
    assert (invited.act, begun.act) == (FollowUpAct.SEND, FollowUpAct.REST)
    assert next_step(RULES, History(LeasingStage.CONTACTED, BEGIN, has_begun=True)).act is FollowUpAct.SEND


def test_an_answer_pauses_until_a_person_has_answered() -> None:
    sent = (BEGIN + 6 * HOUR,)
    heard = BEGIN + 10 * HOUR
    paused = next_step(RULES, History(LeasingStage.CONTACTED, BEGIN, sent, heard_at=heard))
    assert (paused.act, paused.at) == (FollowUpAct.PAUSE, None)
    answered = heard + 2 * HOUR
    going_on = next_step(RULES, History(LeasingStage.CONTACTED, BEGIN, sent, heard, answered))
    assert (going_on.act, going_on.step, going_on.at) == (FollowUpAct.SEND, 1, answered + 20 * HOUR)


def test_an_answer_of_days_later_pauses_as_well() -> None:
    sent = (BEGIN + 6 * HOUR,)
    late = next_step(RULES, History(LeasingStage.CONTACTED, BEGIN, sent, heard_at=BEGIN + 60 * HOUR))
    assert late.act is FollowUpAct.PAUSE


def test_who_has_answered_in_this_stage_is_never_called_unresponsive() -> None:
    sent = tuple(BEGIN + hours * HOUR for hours in (20, 44, 92))
    heard, answered = BEGIN + 30 * HOUR, BEGIN + 31 * HOUR
    rested = next_step(RULES, History(LeasingStage.SHOWING_DESIRED, BEGIN, sent, heard, answered))
    assert rested.act is FollowUpAct.REST


MOMENTS = st.integers(0, 400).map(lambda hours: BEGIN + hours * HOUR)


@given(
    st.sampled_from(LeasingStage),
    st.lists(MOMENTS, max_size=8).map(sorted).map(tuple),
    st.none() | MOMENTS,
    st.none() | MOMENTS,
)
def test_every_history_has_one_next_thing(
    stage: LeasingStage, sent: tuple[datetime, ...], heard: datetime | None, answered: datetime | None
) -> None:
    found = next_step(RULES, History(stage, BEGIN, sent, heard, answered))
    assert isinstance(found, Next)
    assert found.why
    assert (found.at is None) == (found.act in (FollowUpAct.PAUSE, FollowUpAct.REST))
    if found.act is FollowUpAct.SEND:
        assert found.at is not None
        assert found.at > max((BEGIN, *sent))
        waits = heard is not None and heard > max((BEGIN, *sent)) and (answered is None or answered < heard)
        assert not waits, "a text of ours would cross with an answer that nobody has read"


@pytest.mark.parametrize(
    "text",
    [
        "[contacted",
        "[somewhen]\nsteps = []",
        '[contacted]\nsteps = "none"',
        '[contacted]\nsteps = [{wait = "6h"}]',
        '[contacted]\nsteps = [{wait = "soon", text = "Hi"}]',
        '[contacted]\nsteps = [{wait = "6h", text = ""}]',
        '[contacted]\nsteps = [{wait = "6h", text = "Hi {first_name}"}]',
        '[contacted]\nsteps = [{wait = "6h", text = "Hi \\u0007"}]',
        '[contacted]\nthen = "married"',
        '[contacted]\nafter = "6h"',
        "silent_steps = -1",
        'silent_steps = "three"',
        'silence = "long"',
    ],
)
def test_wrong_sequences_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert str(refused.value).endswith(".")
