"""What an application asks, how answers are read, and where an application may go."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.applications import (
    FIELDS,
    NEXT,
    STAGE_AFTER,
    UNFINISHED,
    ApplicationStatus,
    FieldKind,
    Step,
    after,
    day,
    month,
    next_step,
    problems,
    read,
)
from crm.domain.errors import Invalid
from crm.words.applications import WORDS

pytestmark = pytest.mark.unit


def is_phone(raw: str) -> bool:
    return raw == "555"


@pytest.mark.parametrize(
    ("raw", "found"),
    [("2026-04-01", date(2026, 4, 1)), ("4/1/2026", date(2026, 4, 1)), ("04.30.2026", date(2026, 4, 30))],
)
def test_dates_are_read_as_browsers_and_people_write_them(raw: str, found: date) -> None:
    assert day(raw) == found


@pytest.mark.parametrize("raw", ["", "soon", "2026-02-30", "13/1/2026", "4/1/26", "٤/1/2026", "0-0-0"])
def test_what_is_no_date_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        day(raw)


@pytest.mark.parametrize("raw", ["04/2024", "4/2024", "2024-04", "4-2024"])
def test_months_are_read_as_people_write_them(raw: str) -> None:
    assert month(raw) == (2024, 4)


@pytest.mark.parametrize("raw", ["", "13/2024", "0/2024", "04/24", "April 2024", "04/0024"])
def test_what_is_no_month_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        month(raw)


def test_answers_are_cut_to_their_fields_and_empty_sets_are_left_out() -> None:
    form = {
        "people": " 2 ",
        "adults-1-name": "",
        "adults-2-name": " Sam\x00\n Lee ",
        "adults-7-name": "one too many",
        "pets-1-kind": "x" * 500,
        "ssn": "123-45-6789",
    }
    found = read(Step.HOUSEHOLD, form)
    assert found["people"] == "2"
    assert found["adults"] == [{"name": "Sam Lee", "email": ""}]
    assert len(found["pets"][0]["kind"]) == 200
    assert "ssn" not in found
    assert read(Step.INCOME, {"more": "one \r\ntwo\x07"})["more"] == "one\ntwo"


def test_what_is_missing_or_wrong_is_named_by_its_field() -> None:
    given = {"name": "", "email": "pat@", "phone": "1", "move_in": "soon", "lease_months": "0"}
    assert problems(Step.YOU, given, is_phone) == {
        "name": "answer_missing",
        "email": "email_wrong",
        "phone": "phone_wrong",
        "move_in": "day_wrong",
        "lease_months": "count_wrong",
    }
    homes = {"homes": [{"street": "5 Oak", "city": "Austin", "since": "1/2020"}, {"rent": "much"}]}
    assert problems(Step.HOMES, homes, is_phone) == {
        "homes-2-street": "answer_missing",
        "homes-2-city": "answer_missing",
        "homes-2-since": "answer_missing",
        "homes-2-rent": "money_wrong",
    }
    assert set(problems(Step.HOMES, {}, is_phone)) == {"homes-1-street", "homes-1-city", "homes-1-since"}
    assert problems(Step.HOUSEHOLD, {"people": "1"}, is_phone) == {}, "nobody has to have a pet"


@given(st.sampled_from(Step), st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=8))
def test_whatever_a_form_holds_it_is_read_and_checked(step: Step, form: dict[str, str]) -> None:
    names = [field.name for field in FIELDS[step].fields]
    names += [f"{group.name}-1-{field.name}" for group in FIELDS[step].groups for field in group.fields]
    filled = {**form, **dict(zip(names, form.values(), strict=False))}
    problems(step, read(step, filled), is_phone)


def test_somebody_who_comes_back_goes_on_with_the_first_step_that_was_never_saved() -> None:
    assert next_step({}) is Step.YOU
    assert next_step({"you": {}, "homes": {}}) is Step.HOUSEHOLD
    assert next_step(dict.fromkeys(Step, "")) is Step.REVIEW
    assert after(Step.YOU) is Step.HOUSEHOLD
    assert after(Step.REVIEW) is Step.REVIEW


def test_every_status_has_a_stage_and_a_way_on_and_none_leads_back_to_the_applicant() -> None:
    assert set(NEXT) == set(STAGE_AFTER) == set(ApplicationStatus)
    for status, following in NEXT.items():
        assert status not in following
        assert not set(following) & {*UNFINISHED, ApplicationStatus.SUBMITTED}
    assert all(ApplicationStatus.APPROVED not in NEXT[status] for status in UNFINISHED)


def test_every_field_has_words_and_nothing_is_asked_that_must_not_be() -> None:
    forbidden = ("social", "ssn", "birth", "marital", "religio", "national", "citizen", "disab", "child", "arrest")
    for step, asked in FIELDS.items():
        for language, words in WORDS.items():
            labels = [f"{step}_{field.name}" for field in asked.fields]
            labels += [f"{group.name}_{field.name}" for group in asked.groups for field in group.fields]
            for label in labels:
                said = words[f"ask_{label}"].lower()
                assert language != "en" or not any(word in said for word in forbidden), label
        for field in (*asked.fields, *(field for group in asked.groups for field in group.fields)):
            assert field.kind is not FieldKind.CHOICE or field.choices
