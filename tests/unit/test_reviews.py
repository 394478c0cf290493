"""Answers to the weekly review, as they come back from a spreadsheet."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.imports import Wrong
from crm.domain.reviews import ReviewAnswer, note, read_answers

pytestmark = pytest.mark.unit

HEADS = "call,outcome,routed_right,note\n"


def problems(text: str) -> list[str]:
    try:
        return [str(one) for one in read_answers(text).problems]
    except Wrong as wrong:
        return [str(one) for one in wrong.problems]


def test_calls_with_an_answer_are_read_and_the_others_left_out() -> None:
    found = read_answers(
        f'\ufeff{HEADS}c1,talked,yes,\nc2,talked,,not sure\n\nc3,gave_up,No,"Wanted Lakeside, not Elm"\n'
    ).answers
    assert [(one.call, one.routed_right, one.note) for one in found] == [
        ("c1", True, ""),
        ("c3", False, "Wanted Lakeside, not Elm"),
    ]
    assert found[1].location == "line 5, column 1 (call)"


def test_semicolons_and_other_ways_to_write_yes_are_understood() -> None:
    assert read_answers("Call;Routed_Right\nc1;TRUE\nc2;n\n").answers == [
        ReviewAnswer("c1", True, "", "line 2, column 1 (call)"),
        ReviewAnswer("c2", False, "", "line 3, column 1 (call)"),
    ]


def test_everything_that_is_amiss_is_told_with_its_line_and_column() -> None:
    text = f"c1,talked,maybe,\nc2,talked,yes,{'x' * 301}\nc3,talked,no,\nc3,talked,yes,\n,talked,yes,\nc5,talked\n"
    found = problems(HEADS + text)
    assert [one.partition(":")[0] for one in found] == [
        "line 2, column 3 (routed_right)",
        "line 3, column 4 (note)",
        "line 5, column 1 (call)",
        "line 6, column 1 (call)",
        "line 7",
    ]
    assert "write yes or no" in found[0]
    assert "twice" in found[2]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "call,routed_right,call\n", f'{HEADS}c1,"talked,yes,\n'])
def test_what_is_no_sheet_is_refused(text: str) -> None:
    assert len(problems(text)) == 1


def test_the_mark_against_formulas_is_taken_off_again() -> None:
    assert note("'=2+2") == "=2+2"
    assert note("'tis fine") == "'tis fine"


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Wrong):
        assert all(one.call for one in read_answers(HEADS + text).answers)
