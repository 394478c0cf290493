"""A call told from its facts, in whatever order they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.calls import (
    REFUSALS,
    CallArrived,
    CallbackPromised,
    CallDirection,
    CallEnded,
    CallPlaced,
    CallRefused,
    CallStep,
    ChannelLeft,
    Cut,
    DialStatus,
    EndedBy,
    Fact,
    HandedToDialplan,
    LegEnded,
    LegRang,
    LinkRequested,
    Outcome,
    RecordingAnnounced,
    RecordingEnded,
    RecordingStarted,
    StepTaken,
    TalkCut,
    TalkEnded,
    TalkStarted,
    Transferred,
    VoicemailLeft,
    outcome_of,
)
from crm.domain.story import how_it_went, how_ours_went, tell
from crm.domain.tasks import TaskKind, task_after

pytestmark = pytest.mark.unit

T0 = datetime(2026, 3, 2, 16, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


ARRIVED = CallArrived("c/arrived", "c", at(0), "+15125550100", "+15125550123", "carrier")
TALK: list[Fact] = [
    ARRIVED,
    StepTaken("c/1", "c", at(1), CallStep.MENU),
    StepTaken("c/2", "c", at(5), CallStep.RING),
    LegRang("c/3", "c", at(5), "leg-a", "alice-desk", "alice", "subteam"),
    LegRang("c/4", "c", at(5), "leg-b", "bob-desk", "bob", "subteam"),
    TalkStarted("c/5", "c", at(9), "leg-a"),
    LegEnded("c/6", "c", at(9), "leg-b", DialStatus.CANCEL),
    StepTaken("c/7", "c", at(9), CallStep.TALK),
    TalkEnded("c/8", "c", at(60), "leg-a"),
    LegEnded("c/9", "c", at(60), "leg-a", DialStatus.ANSWER),
    CallEnded("c/ended", "c", at(61), EndedBy.CALLER),
]


def test_a_talk() -> None:
    story = tell(TALK)
    assert (story.did, story.caller, story.trunk) == ("+15125550100", "+15125550123", "carrier")
    assert (story.started_at, story.talk_started_at, story.ended_at) == (at(0), at(9), at(61))
    assert story.talked
    assert story.step is CallStep.TALK
    assert story.ended_by is EndedBy.CALLER
    winner, loser = story.legs
    assert (winner.status, winner.answered_at, winner.ended_at) == (DialStatus.ANSWER, at(9), at(60))
    assert (loser.status, loser.answered_at, loser.ended_at) == (DialStatus.CANCEL, None, at(9))
    assert story.answered_by == winner


@given(st.permutations(TALK), st.lists(st.sampled_from(TALK)))
def test_order_and_repetition_change_nothing(facts: list[Fact], again: list[Fact]) -> None:
    assert tell([*facts, *again]) == tell(TALK)


@given(st.lists(st.sampled_from(TALK), min_size=1, unique=True))
def test_whatever_is_missing_there_is_a_story(facts: list[Fact]) -> None:
    story = tell(facts)
    assert story.started_at == (T0 if ARRIVED in facts else min(fact.at for fact in facts))
    assert story.did == (ARRIVED.did if ARRIVED in facts else "")
    assert (story.ended_at is not None) == (TALK[-1] in facts)


LOST_LINE = TalkCut("c/cut", "c", at(30), "leg-a", Cut.LINE_LOST)
UNSEEN = TalkCut("c/cut", "c", at(30), "", Cut.FAILED)


@pytest.mark.parametrize(
    ("facts", "cut", "leg"),
    [
        ([*TALK[:8], UNSEEN, CallEnded("c/ended", "c", at(30), EndedBy.SYSTEM)], Cut.FAILED, "leg-a"),
        ([*TALK, LOST_LINE], Cut.LINE_LOST, "leg-a"),
        ([*TALK[:3], UNSEEN, CallEnded("c/ended", "c", at(30), EndedBy.SYSTEM)], None, ""),
        ([*TALK, TalkCut("c/cut", "c", at(61), "", Cut.FAILED)], None, ""),
        ([*TALK, LOST_LINE, TalkStarted("c/again", "c", at(40), "leg-b")], None, ""),
        (
            [
                *TALK,
                LOST_LINE,
                TalkStarted("c/again", "c", at(40), "leg-b"),
                TalkCut("c/cut-2", "c", at(50), "", Cut.STOPPED),
            ],
            Cut.STOPPED,
            "leg-b",
        ),
    ],
    ids=["Asterisk died", "a line was lost", "nobody talked", "it was over", "somebody took over", "and was cut, too"],
)
def test_a_talk_that_was_cut_is_interrupted_unless_somebody_talked_with_them_after_that(
    facts: list[Fact], cut: Cut | None, leg: str
) -> None:
    story = tell(facts)
    assert (story.cut, story.cut_leg) == (cut, leg)
    outcome = outcome_of(
        known_line=True, talked=story.talked, voicemail_left=False, link_sent=False, interrupted=bool(story.cut)
    )
    assert (outcome is Outcome.INTERRUPTED) == bool(cut)


def test_what_asterisk_logged_of_channels_is_when_they_were_gone() -> None:
    """The app was away, and stated the ends when it was back."""
    left = [
        ChannelLeft("c/x", "c", at(30), "c"),
        ChannelLeft("c/y", "c", at(29), "leg-a"),
        ChannelLeft("c/z", "c", at(28), "leg-nobody-knows"),
    ]
    story = tell([*TALK, *left])
    assert story.ended_at == at(30)
    assert [(leg.id, leg.ended_at) for leg in story.legs] == [("leg-a", at(29)), ("leg-b", at(9))]


OURS: list[Fact] = [
    CallPlaced("o/0", "o", at(0), CallDirection.OUT, "alice", "alice-desk", "+15125550100", "+15125550123", order_id=7),
    LegRang("o/1", "o", at(0), "o", "alice-desk", "alice", "desk"),
    StepTaken("o/2", "o", at(0), CallStep.DIALLING),
    LegRang("o/3", "o", at(1), "leg-first", "trunk-first", "", "outside", "+15125550123"),
    LegEnded("o/4", "o", at(3), "leg-first", DialStatus.CONGESTION),
    LegRang("o/5", "o", at(3), "leg-next", "trunk-next", "", "outside", "+15125550123"),
    TalkStarted("o/6", "o", at(9), "leg-next"),
    TalkStarted("o/7", "o", at(9), "o"),
    StepTaken("o/8", "o", at(9), CallStep.TALK),
    TalkEnded("o/9", "o", at(134), "o"),
    LegEnded("o/a", "o", at(134), "o", DialStatus.ANSWER),
    CallEnded("o/ended", "o", at(134), EndedBy.AGENT),
]


@given(st.permutations(OURS), st.lists(st.sampled_from(OURS)))
def test_a_call_of_ours_is_the_same_in_any_order_and_however_often_it_is_told(
    facts: list[Fact], again: list[Fact]
) -> None:
    story = tell([*facts, *again])
    assert story == tell(OURS)
    assert (story.direction, story.caller, story.did) == (CallDirection.OUT, "+15125550123", "+15125550100")
    assert story.placed
    assert story.placed.order_id == 7
    assert [(leg.device, leg.number) for leg in story.legs if leg.number] == [
        ("trunk-first", "+15125550123"),
        ("trunk-next", "+15125550123"),
    ]
    assert how_ours_went(story, "Alice", Outcome.TALKED) == "Alice called and talked for 2 min 5 s."
    assert (
        how_ours_went(story, "Alice", Outcome.NOT_REACHED)
        == "Alice called and was cut off as soon as the phone was answered."
    )
    unanswered = tell([fact for fact in OURS if not isinstance(fact, TalkStarted | TalkEnded)])
    assert how_ours_went(unanswered, "Alice", Outcome.NOT_REACHED) == "Alice called and reached nobody."


@given(st.lists(st.sampled_from(OURS), min_size=1, unique=True))
def test_a_part_of_the_facts_of_a_call_of_ours_is_a_story_too(facts: list[Fact]) -> None:
    story = tell(facts)
    assert story.talk_seconds >= 0
    assert story.direction is (CallDirection.OUT if OURS[0] in facts else CallDirection.IN)


def test_of_several_promises_the_first_counts() -> None:
    promises: list[Fact] = [
        CallbackPromised("c/p2", "c", at(8), "leg-b", "bob", 10),
        CallbackPromised("c/p1", "c", at(7), "leg-a", "alice", 10),
    ]
    story = tell([*TALK, *promises])
    assert story.promised
    assert story.promised.agent == "alice"


def test_a_call_given_to_the_dialplan_ends_as_the_dialplan_says() -> None:
    handed = HandedToDialplan("c/handed", "c", at(20), "handed_over")
    by_app = CallEnded("c/ended", "c", at(21), EndedBy.SYSTEM)
    story = tell([ARRIVED, handed, by_app])
    assert story.step is CallStep.LAST_RESORT
    assert story.ended_at is None
    assert story.without_app
    by_dialplan = CallEnded("c/spool/ended", "c", at(50), EndedBy.CALLER, without_app=True)
    assert tell([ARRIVED, handed, by_app, by_dialplan]).ended_at == at(50)


def test_a_call_the_app_took_back_ends_as_the_app_says() -> None:
    handed = HandedToDialplan("c/handed", "c", at(20), "deadman")
    again = StepTaken("c/2", "c", at(25), CallStep.RING)
    ended = CallEnded("c/ended", "c", at(30), EndedBy.CALLER)
    assert tell([ARRIVED, handed, again, ended]).ended_at == at(30)


def test_the_app_knows_the_caller_better_than_the_dialplan() -> None:
    logged = CallArrived("c/spool/arrived", "c", at(0), "", None, without_app=True)
    story = tell([logged, ARRIVED])
    assert story.did == ARRIVED.did
    assert story.caller == ARRIVED.caller
    assert story.without_app


def test_the_end_of_a_talk_is_that_of_the_phone_in_it() -> None:
    started = TALK[:6]
    story = tell([*started, TalkEnded("c/spool/talk_ended", "c", at(90), "")])
    assert story.legs[0].ended_at == at(90)


def test_pain_8_who_talked_when_and_what_was_recorded_follow_the_transfer() -> None:
    passed_on: list[Fact] = [
        ARRIVED,
        LegRang("c/1", "c", at(5), "leg-a", "alice-desk", "alice", "subteam"),
        RecordingAnnounced("c/2", "c", at(8), "c"),
        RecordingAnnounced("c/3", "c", at(8), "leg-a"),
        TalkStarted("c/4", "c", at(9), "leg-a"),
        RecordingStarted("c/5", "c", at(9), "c-talk-1", "announced", "c-talk-1.wav"),
        LegRang("c/6", "c", at(30), "leg-b", "bob-desk", "bob", "transfer"),
        Transferred("c/7", "c", at(40), "leg-a", "leg-b", "blind"),
        TalkEnded("c/8", "c", at(40), "leg-a"),
        LegEnded("c/9", "c", at(40), "leg-a", DialStatus.ANSWER),
        RecordingAnnounced("c/10", "c", at(42), "leg-b"),
        TalkStarted("c/11", "c", at(43), "leg-b"),
        TalkEnded("c/12", "c", at(90), "leg-b"),
        RecordingEnded("c/13", "c", at(90), "c-talk-1", 81),
        CallEnded("c/ended", "c", at(90), EndedBy.CALLER),
    ]
    story = tell(passed_on)
    assert [(leg.device, leg.announced_at, leg.answered_at, leg.ended_at) for leg in story.legs] == [
        ("alice-desk", at(8), at(9), at(40)),
        ("bob-desk", at(42), at(43), at(90)),
    ]
    assert story.answered_by == story.legs[0]
    [recording] = story.recordings
    assert (recording.started_at, recording.ended_at, recording.seconds) == (at(9), at(90), 81)


def test_the_end_of_a_talk_alone_says_they_talked() -> None:
    story = tell([ARRIVED, TalkEnded("c/spool/talk_ended", "c", at(90), "")])
    assert story.talked
    assert story.legs == ()


def test_phones_nobody_saw_stopping_end_with_the_call() -> None:
    [leg] = tell([ARRIVED, TALK[3], TALK[-1]]).legs
    assert (leg.ended_at, leg.status) == (at(61), None)


@pytest.mark.parametrize("talked", [True, False])
@pytest.mark.parametrize("voicemail_left", [True, False])
@pytest.mark.parametrize("link_sent", [True, False])
@pytest.mark.parametrize("known_line", [True, False])
def test_of_callers_only_who_was_talked_to_leaves_no_task(
    talked: bool, voicemail_left: bool, link_sent: bool, known_line: bool
) -> None:
    outcome = outcome_of(talked=talked, voicemail_left=voicemail_left, link_sent=link_sent, known_line=known_line)
    assert (task_after(outcome) is None) == talked


def test_every_outcome_is_told_and_has_its_task() -> None:
    story = tell([ARRIVED, VoicemailLeft("c/m", "c", at(9), "c.wav", 14), LinkRequested("c/l", "c", at(3))])
    told = {outcome: how_it_went(story, outcome) for outcome in Outcome}
    assert told[Outcome.LEFT_VOICEMAIL] == "left a voicemail of 14 s"
    assert len(set(told.values())) == len(Outcome)
    assert {outcome for outcome in Outcome if task_after(outcome) is None} == {
        Outcome.TALKED,
        Outcome.BOOKED,
        Outcome.BLOCKED,
        Outcome.HANDED_OVER,
    }
    assert task_after(Outcome.GOT_LINK) is TaskKind.FOLLOW_UP


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (CallStep.MENU, "hung up in the menu"),
        (CallStep.RING, "hung up while phones rang"),
        (CallStep.VOICEMAIL, "left no voicemail when nobody answered"),
    ],
)
def test_who_gave_up_is_told_where(step: CallStep, words: str) -> None:
    assert how_it_went(tell([ARRIVED, StepTaken("c/1", "c", at(1), step)]), Outcome.GAVE_UP) == words


@pytest.mark.parametrize(("status", "why"), REFUSALS.items())
def test_a_call_that_asterisk_refused_by_itself_did_not_get_through(status: int, why: str) -> None:
    story = tell([ARRIVED, CallRefused("c/refused", "c", at(0), status), CallEnded("c/9", "c", at(0), EndedBy.SYSTEM)])
    assert how_it_went(story, Outcome.GAVE_UP) == f"did not get through: {why} (SIP {status})"
