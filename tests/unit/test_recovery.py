"""What becomes of each call after the app was away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.call.call import PEER
from ari_app.call.kept import VARIABLES
from ari_app.edge.events import CallerID, Channel, DialplanCEP
from ari_app.flows.plan import answers_from, kept
from ari_app.recovery import Recovery, call_of, in_app, may_succeed, present, recover
from asterisk_conf.render import OfficeSetup
from crm.domain.calls import CallStep
from crm.domain.choosing import KeyedAnswer, Question
from tests.unit.test_render import rendered

pytestmark = pytest.mark.unit

CALL = "ll123456-1795000000.1"
LEG = f"{CALL}-leg-alice-desk-0a1b2c"
OTHER_LEG = f"{CALL}-leg-bob-desk-0a1b2d"
ALICE = "PJSIP/alice-desk-00000002"


def channel(id: str, name: str, state: str = "Up", app: str = "Stasis") -> Channel:
    return Channel(id, name, state, CallerID("", ""), DialplanCEP("arrival", "s", 1, app))


def caller(app: str = "Stasis", id: str = CALL) -> Channel:
    return channel(id, "PJSIP/trunk-demo-00000001", app=app)


def leg(id: str = LEG, state: str = "Ringing", name: str = ALICE) -> Channel:
    return channel(id, name, state, app="AppDial2" if state == "Ringing" else "Stasis")


def decide(*channels: Channel, **variables: str) -> Recovery:
    return recover(channels, {CALL: variables})


@pytest.mark.parametrize(
    ("kept", "step"),
    [
        ("", CallStep.ARRIVED),
        ("menu", CallStep.MENU),
        ("text_offer", CallStep.TEXT_OFFER),
        ("voicemail", CallStep.VOICEMAIL),
        ("unknown_line", CallStep.UNKNOWN_LINE),
        ("last_resort", CallStep.ARRIVED),
        ("a step of a newer version", CallStep.ARRIVED),
    ],
)
def test_a_caller_is_taken_up_in_the_step_asterisk_has_kept(kept: str, step: CallStep) -> None:
    [resumed] = decide(caller(), LL_STEP=kept).resumed
    assert (resumed.channel.id, resumed.step, resumed.legs, resumed.peer) == (CALL, step, (), None)


def test_a_caller_whom_nobody_has_answered_has_not_arrived_yet() -> None:
    unanswered = channel(CALL, "PJSIP/trunk-demo-00000001", state="Ring")
    [resumed] = decide(unanswered, LL_STEP="menu").resumed
    assert resumed.step is CallStep.ARRIVED


def test_ringing_phones_are_taken_over_answered_or_not() -> None:
    answered = leg(OTHER_LEG, "Up", "PJSIP/bob-desk-00000003")
    recovery = decide(caller(), leg(), answered, LL_STEP="ring", LL_STAGE="subteam")
    [resumed] = recovery.resumed
    assert (resumed.step, resumed.stage, set(resumed.legs)) == (CallStep.RING, "subteam", {LEG, OTHER_LEG})
    assert recovery.orphans == ()


def test_a_talk_keeps_its_agent_and_no_other_phone() -> None:
    ringing = leg(OTHER_LEG, name="PJSIP/bob-desk-00000003")
    recovery = decide(caller(), leg(state="Up"), ringing, LL_STEP="talk", LL_PEER=ALICE)
    [resumed] = recovery.resumed
    assert (resumed.step, resumed.peer) == (CallStep.TALK, LEG)
    assert recovery.orphans == (OTHER_LEG,)


def test_a_talk_whose_agent_is_gone_has_no_peer() -> None:
    [resumed] = decide(caller(), LL_STEP="talk", LL_PEER=ALICE).resumed
    assert (resumed.step, resumed.peer) == (CallStep.TALK, None)


def test_phones_of_a_caller_in_another_step_are_stopped() -> None:
    assert decide(caller(), leg(), LL_STEP="voicemail").orphans == (LEG,)


def test_phones_whose_caller_is_gone_are_stopped() -> None:
    assert recover([leg(), leg(OTHER_LEG, "Up")], {}).orphans == (LEG, OTHER_LEG)


def test_phones_of_a_caller_with_a_flow_are_the_flow_s() -> None:
    recovery = recover([caller(), leg(), leg(OTHER_LEG, "Up")], {}, flows=[CALL])
    assert (recovery.resumed, recovery.orphans) == ((), ())


def test_a_caller_in_the_dialplan_keeps_the_phone_they_talk_with_and_no_ringing_one() -> None:
    recovery = recover([caller(app=""), leg(state="Up"), leg(OTHER_LEG)], {})
    assert recovery.resumed == ()
    assert recovery.orphans == (OTHER_LEG,)


def test_whose_a_channel_is_is_told_by_its_id() -> None:
    assert [one.id for one in in_app([caller(app="Dial"), leg(state="Up"), leg(OTHER_LEG)])] == [LEG]
    assert call_of(LEG) == call_of(CALL) == CALL
    others = [leg(id="gone-leg-alice-desk-1"), leg(id="talks-leg-bob-desk-1", state="Up")]
    assert present([caller(app="Dial"), *others]) == {CALL, "talks"}


DESK = "ll123456-1795000000.2"
OUTSIDE = f"{DESK}-leg-demo-0a1b2e"


def desk() -> Channel:
    """A phone of ours that dialed."""
    return channel(DESK, "PJSIP/bob-desk-00000005")


def outside(state: str = "Up") -> Channel:
    """The person whom it reached."""
    return channel(OUTSIDE, "PJSIP/trunk-demo-00000006", state)


def test_a_colleague_who_dialled_takes_over_the_phones_that_ring() -> None:
    ringing = leg(f"{DESK}-leg-alice-desk-0a1b2c")
    recovery = recover([desk(), ringing], {DESK: {"LL_CALL": DESK, "LL_STEP": "dialling", "LL_STAGE": "101"}})
    [resumed] = recovery.resumed
    assert (resumed.call_id, resumed.step, resumed.stage, resumed.legs) == (
        DESK,
        CallStep.DIALLING,
        "101",
        (ringing.id,),
    )
    assert recovery.orphans == ()


def test_a_call_to_somebody_outside_is_kept_with_their_channel() -> None:
    person = {"LL_CALL": DESK, "LL_STEP": "talk", "LL_PEER": desk().name}
    [resumed] = recover([desk(), outside()], {DESK: {"LL_CALL": DESK, "LL_STEP": PEER}, OUTSIDE: person}).resumed
    assert (resumed.channel.id, resumed.call_id, resumed.step, resumed.peer) == (OUTSIDE, DESK, CallStep.TALK, DESK)


def test_killed_while_the_call_passes_to_the_person_reached_it_is_one_call() -> None:
    person = {"LL_CALL": DESK, "LL_STEP": "talk", "LL_PEER": desk().name}
    former = {"LL_CALL": DESK, "LL_STEP": "dialling", "LL_STAGE": "+15125550177"}
    recovery = recover([desk(), outside()], {DESK: former, OUTSIDE: person})
    assert [(entry.channel.id, entry.peer) for entry in recovery.resumed] == [(OUTSIDE, DESK)]
    assert recovery.orphans == ()


def test_the_agent_s_channel_alone_is_stopped_when_the_person_is_gone() -> None:
    recovery = recover([desk()], {DESK: {"LL_CALL": DESK, "LL_STEP": PEER}})
    assert (recovery.resumed, recovery.orphans) == ((), (DESK,))


def test_whoever_has_the_place_of_a_phone_is_not_cut_off_from_a_caller_in_the_dialplan() -> None:
    successor = channel("ll123456-1795000000.9", "PJSIP/bob-desk-00000007")
    known = {successor.id: {"LL_CALL": CALL, "LL_STEP": PEER}}
    assert recover([caller(app="Bridge"), successor], known).orphans == ()
    assert recover([caller(app="Bridge", id="ll123456-1795000000.4"), successor], known).orphans == (successor.id,)


@pytest.mark.parametrize(
    ("name", "former", "may"),
    [
        ("bob-desk", "alice-desk", True),
        ("trunk-demo", "trunk-demo", True),
        ("trunk-other", "trunk-demo", False),
        ("trunk-demo", "alice-desk", False),
        ("alice-desk", "trunk-demo", False),
    ],
)
def test_who_may_take_whose_place(name: str, former: str, may: bool) -> None:
    assert may_succeed(channel("new", f"PJSIP/{name}-00000001"), channel("old", f"PJSIP/{former}-00000002")) is may


STATES = st.sampled_from(["Up", "Ringing", "Down"])


@given(
    in_app=st.dictionaries(st.sampled_from("abcd"), st.booleans()),
    known=st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "menu", "ring", "talk", "voicemail"])),
    phones=st.lists(st.tuples(st.sampled_from("abcde"), STATES), max_size=6),
)
def test_every_caller_and_every_phone_is_seen_to(
    in_app: Mapping[str, bool], known: Mapping[str, str], phones: list[tuple[str, str]]
) -> None:
    people = [caller("Stasis" if app else "Dial", id) for id, app in in_app.items()]
    rung = [leg(f"{id}-leg-x-{number}", state, f"PJSIP/x-{number}") for number, (id, state) in enumerate(phones)]
    variables = {id: {"LL_STEP": step, "LL_PEER": "PJSIP/x-0"} for id, step in known.items() if in_app.get(id)}
    recovery = recover([*people, *rung], variables)
    resumed = {entry.channel.id: entry for entry in recovery.resumed}
    assert set(resumed) == {id for id, app in in_app.items() if app and id in known}
    taken = {leg_id for entry in resumed.values() for leg_id in (*entry.legs, *([entry.peer] if entry.peer else []))}
    assert not taken & set(recovery.orphans)
    for phone in rung:
        if phone.id not in taken and call_of(phone.id) not in in_app:
            assert phone.id in recovery.orphans


@pytest.mark.parametrize("step", ["transfer", "consult", "parked"])
def test_who_is_passed_on_keeps_the_agent_and_the_phones_that_ring(step: str) -> None:
    """The agent may have hung up; their phone is known all the same."""
    ringing = leg(OTHER_LEG, name="PJSIP/bob-desk-00000003")
    recovery = decide(caller(), leg(state="Up"), ringing, LL_STEP=step, LL_PEER=ALICE, LL_STAGE="102")
    [resumed] = recovery.resumed
    assert (resumed.step.value, resumed.stage, resumed.peer, resumed.legs) == (step, "102", LEG, (OTHER_LEG,))
    assert recovery.orphans == ()
    [alone] = decide(caller(), ringing, LL_STEP=step, LL_PEER=ALICE, LL_STAGE="102").resumed
    assert (alone.peer, alone.peer_name) == (None, ALICE)


def test_a_phone_that_came_from_another_call_is_kept_as_the_peer() -> None:
    """Joined by a transfer, its id names the call that it was made for."""
    moved = leg("another-leg-bob-desk-0a1b2c", "Up", "PJSIP/bob-desk-00000003")
    variables = {
        CALL: {"LL_CALL": CALL, "LL_STEP": "talk", "LL_PEER": moved.name},
        moved.id: {"LL_CALL": CALL, "LL_STEP": PEER},
    }
    recovery = recover([caller(), moved], variables)
    assert [entry.peer for entry in recovery.resumed] == [moved.id]
    assert recovery.orphans == ()
    assert recover([caller(), moved], {}, flows=[CALL], held=[moved.id]).orphans == ()


@pytest.mark.parametrize("context", ["arrival", "dialled", "feature-codes", "agent-leg"])
def test_what_the_app_keeps_is_set_on_every_channel_because_asterisk_tells_nothing_if_one_is_not(
    tmp_path: Path, context: str
) -> None:
    text = rendered(tmp_path, OfficeSetup())["extensions.conf"].partition(f"\n[{context}]\n")[2].partition("\n[")[0]
    (kept,) = [line for line in text.splitlines() if "LL_STAGE=" in line]
    for name in VARIABLES:
        assert name == "LL_CALL" or re.search(rf'[,(]{name}="?\${{{name}}}"?[,)]', kept), name


def test_what_a_caller_keyed_is_read_again_and_what_cannot_be_read_is_left_out() -> None:
    stored = "menu=9,menu=2,same=,letters=2*5,of a newer version=1,=,letters"
    assert answers_from(stored) == [
        KeyedAnswer(Question.MENU, "9"),
        KeyedAnswer(Question.MENU, "2"),
        KeyedAnswer(Question.SAME, ""),
        KeyedAnswer(Question.LETTERS, "2*5"),
        KeyedAnswer(Question.LETTERS, ""),
    ]
    assert answers_from("") == []
    answers = [KeyedAnswer(Question.AREA, "2", "North, by the lake: 1=2"), KeyedAnswer(Question.PROPERTY, "1", "elm")]
    assert answers_from(kept(answers)) == answers
