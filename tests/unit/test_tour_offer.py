"""Tours by keypad: when they are offered, to whom, and how their times are spoken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from asterisk_conf.prompts import speech
from crm.domain.calls import Outcome
from crm.domain.choosing import KeyedAnswer, PropertyChoice, Question, Say
from crm.domain.routing import (
    TEAM,
    TOUR,
    CallerFacts,
    OfficeFacts,
    OfficeState,
    Path,
    People,
    PropertyFacts,
    RoutingInputs,
    Rule,
    Rules,
    decide,
)
from crm.domain.tasks import TaskKind, task_after
from crm.domain.tours import TourKind
from crm.services.tours.dialogue import aloud

pytestmark = pytest.mark.unit

CHICAGO, DENVER = ZoneInfo("America/Chicago"), ZoneInfo("America/Denver")
PEOPLE = People(subteam=("alice",), everyone=("alice",), available=frozenset(("alice",)), owner="alice")
OPEN = RoutingInputs(
    now=datetime(2026, 3, 2, 16, tzinfo=UTC),
    line_known=True,
    caller=CallerFacts("+15125550123"),
    choice=PropertyChoice("The number dialed is for Maple Court.", "maple"),
    property=PropertyFacts("maple", "Maple Court", has_tours=True),
    people=PEOPLE,
    rules=Rules(subteam_seconds=20, everyone_seconds=15, queue=True),
)
CLOSED = replace(OPEN, office=OfficeFacts(OfficeState.CLOSED))


def keyed(*answers: tuple[Question, str]) -> tuple[KeyedAnswer, ...]:
    return tuple(KeyedAnswer(question, keys) for question, keys in answers)


def test_the_menu_has_key_3_only_where_there_are_times() -> None:
    ask = decide(OPEN).ask
    assert ask
    assert TOUR in ask.keys
    assert Say("menu_tour") in ask.says
    for without in (
        replace(OPEN, property=PropertyFacts("maple", "Maple Court")),
        replace(OPEN, property=None),
        replace(OPEN, caller=CallerFacts()),  # Nobody can be told about it, nor be found again.
    ):
        ask = decide(without).ask
        assert ask
        assert TOUR not in ask.keys
        assert Say("menu_tour") not in ask.says


def test_key_3_leads_to_times_and_then_to_the_team() -> None:
    plan = decide(replace(OPEN, answers=keyed((Question.MENU, TOUR))))
    assert (plan.path, plan.otherwise, plan.says) == (Path.TOUR, (Path.LIVE,), ())
    after = decide(replace(OPEN, answers=keyed((Question.MENU, TOUR), (Question.TOUR, ""))))
    assert (after.path, after.rule) == (Path.LIVE, Rule.SUBTEAM)


@pytest.mark.parametrize("key", [TEAM, "", TOUR])
@pytest.mark.parametrize("state", [OfficeState.CLOSED, OfficeState.HOLIDAY])
def test_while_closed_times_are_offered_and_then_a_message_is_taken(key: str, state: OfficeState) -> None:
    closed = replace(CLOSED, office=OfficeFacts(state))
    plan = decide(replace(closed, answers=keyed((Question.MENU, key))))
    assert (plan.path, plan.otherwise, plan.says) == (Path.TOUR, (Path.VOICEMAIL,), (Say("closed_now"),))
    after = decide(replace(closed, answers=keyed((Question.MENU, key), (Question.TOUR, "9"))))
    assert (after.path, after.otherwise, after.stages) == (Path.VOICEMAIL, (), ())


def test_while_closed_a_withheld_number_leaves_a_message() -> None:
    plan = decide(replace(CLOSED, caller=CallerFacts(), answers=keyed((Question.MENU, TEAM))))
    assert plan.path is Path.VOICEMAIL


def test_while_closed_whoever_works_at_this_hour_rings_before_times_are_offered() -> None:
    people = replace(PEOPLE, after_hours=frozenset(("alice",)))
    plan = decide(replace(CLOSED, people=people, answers=keyed((Question.MENU, TEAM))))
    assert (plan.path, plan.otherwise) == (Path.LIVE, (Path.TOUR, Path.VOICEMAIL))
    wants_one = decide(replace(CLOSED, people=people, answers=keyed((Question.MENU, TOUR))))
    assert (wants_one.path, wants_one.otherwise) == (Path.TOUR, (Path.LIVE,))


def test_the_property_is_confirmed_to_whoever_calls_while_it_is_closed() -> None:
    assert decide(CLOSED).says == (Say("reached", "Maple Court"),)
    assert decide(OPEN).says == ()
    assert decide(replace(CLOSED, property=None)).says == ()


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        (CHICAGO, "en", "Tuesday, November 24, at 10 in the morning"),
        (DENVER, "en", "Tuesday, November 24, at 9 in the morning"),
        (CHICAGO, "es", "martes 24 de noviembre, a las 10 de la mañana"),
        (DENVER, "es-US", "martes 24 de noviembre, a las 9 de la mañana"),
        (CHICAGO, "fr", "mardi 24 novembre, 10:00"),
        (CHICAGO, "xx", "Tuesday, November 24, at 10 in the morning"),
    ],
)
def test_a_time_is_spoken_on_the_propertys_clock_in_the_callers_language(
    zone: ZoneInfo, language: str, said: str
) -> None:
    assert aloud(datetime(2026, 11, 24, 16, tzinfo=UTC), zone, language) == said


@pytest.mark.parametrize(
    ("hour", "minute", "english", "spanish"),
    [
        (18, 30, "at twelve thirty in the afternoon", "a las doce y treinta de la tarde"),
        (19, 0, "at one in the afternoon", "a la una de la tarde"),
        (19, 15, "at one fifteen in the afternoon", "a la una y quince de la tarde"),
        (23, 45, "at five forty-five in the afternoon", "a las cinco y cuarenta y cinco de la tarde"),
    ],
)
def test_the_voice_gets_words(hour: int, minute: int, english: str, spanish: str) -> None:
    at = datetime(2026, 11, 24, hour, minute, tzinfo=UTC)
    for language, words in (("en", english), ("es", spanish)):
        phrase = speech.phrases(language)["tour_time_accompanied"].format(name=aloud(at, CHICAGO, language), key="1")
        assert words in speech.normalize(phrase, language)


def test_every_language_has_the_same_phrases_with_the_same_places() -> None:
    used = {"reached", "tour_times", "tour_booked", *(f"tour_time_{kind}" for kind in TourKind)}
    english = speech.phrases("en")
    assert used <= set(english)
    for language in speech.languages():
        assert set(speech.phrases(language)) == set(english)
        for name, text in speech.phrases(language).items():
            assert all((one in text) == (one in english[name]) for one in ("{name}", "{key}")), name
            assert text.format(name="Elm Street", key="1")


def test_who_booked_and_then_wanted_more_is_called_back() -> None:
    assert task_after(Outcome.BOOKED) is None
    assert task_after(Outcome.BOOKED, went_on=True) is TaskKind.CALL_BACK
    assert task_after(Outcome.BOOKED, went_on=True, voicemail_left=True) is TaskKind.LISTEN
    assert task_after(Outcome.TALKED, went_on=True) is None
