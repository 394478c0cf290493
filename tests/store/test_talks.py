"""What callers say to the voice agent's rules, and what follows, over real rows: the ordinary talk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from crm.config import Config
from crm.domain.conversation import End, LinkKind, Promise, SendLink, Transfer, TransferReason
from crm.secrets import Secrets
from crm.services.listings import homes
from crm.services.office import hours, properties
from crm.services.system import renaming
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import CALLER, ELM_LINE, NOW, OFFICE_LINE, TalkOffice, talk_office

pytestmark = pytest.mark.store


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


def test_the_first_sentence_says_that_it_is_automated_and_cannot_be_interrupted(office: TalkOffice) -> None:
    first = office.call().everything_said[0]
    assert "automated" in first.text
    assert "recorded" not in first.text
    assert not first.interruptible


def test_where_the_call_is_recorded_the_first_sentence_says_so(office: TalkOffice) -> None:
    assert "recorded" in office.call(recorded=True).everything_said[0].text


def test_a_question_with_two_wishes_gets_both_answers_from_rows(office: TalkOffice) -> None:
    talk = office.call()
    said = talk.say("Do you have a two bedroom, and can I bring my dog?")
    assert "$1,640" in said
    assert "1 dog up to 50 pounds" in said
    assert (office.ids["elm 204"], 1) in talk.cites("listing")


def test_a_link_is_texted_once(office: TalkOffice) -> None:
    talk = office.call()
    assert "text message" in talk.say("Can you text me the application?")
    assert "already" in talk.say("Could you send it again please?")
    assert [act.kind for act in talk.of(SendLink)] == [LinkKind.APPLICATION]


@pytest.mark.parametrize(
    "sentence", ["I'd like to talk to a real person", "Representative", "Let me speak with someone"]
)
def test_who_wants_a_person_gets_one_at_once(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.ASKED


def test_a_key_brings_a_person(office: TalkOffice) -> None:
    talk = office.call()
    talk.press("0")
    assert talk.transfer
    assert (talk.transfer.reason, talk.transfer.keys) == (TransferReason.KEY, "0")


def test_silence_is_asked_about_and_then_brings_a_person(office: TalkOffice) -> None:
    talk = office.call()
    assert "still there" in talk.silence(8)
    assert talk.silence(12) == ""
    talk.silence(20)
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.SILENCE


def test_after_the_talk_is_over_nothing_is_said(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("That's all, goodbye")
    assert talk.of(End)
    assert talk.say("Do you have a studio?") == ""


def test_the_summary_says_who_and_what_about(office: TalkOffice) -> None:
    talk = office.call(caller=CALLER)
    talk.say("Do you have a two bedroom at Elm Court?", "Can I talk to a person?")
    assert talk.transfer
    assert "2 bedrooms at Elm Court" in talk.transfer.summary


def test_of_many_homes_two_are_named_and_the_others_counted(office: TalkOffice) -> None:
    for number in range(12):
        office.add("maple", f"{number + 20}", bedrooms="1", rent=str(1100 + number), available_on="2026-03-01")
    talk = office.call()
    said = talk.say("what one bedrooms are there at Maple Court?")
    assert "$1,100" in said
    assert "$1,101" in said
    assert "There are 10 more." in said
    assert len(talk.cites("listing")) == 2


def test_a_filter_that_comes_from_before_is_named_where_nothing_fits(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("I have a dog")
    assert "that allows dogs" in talk.say("do you have a studio?")


def test_the_offices_own_answer_goes_before_the_rows_and_is_cut_to_two_sentences(office: TalkOffice) -> None:
    office.answer("elm", "parking", "Each home has one free space. A second one is 40 dollars. Guests park outside.")
    talk = office.call()
    said = talk.say("is there parking at Elm Court?")
    assert said == "Each home has one free space. A second one is 40 dollars."
    assert talk.cites("answer")


def test_an_answer_with_a_web_address_is_not_read_aloud(office: TalkOffice) -> None:
    office.answer(None, "smoking", "See https://oak.example.com for our rules on smoking.")
    said = office.call().say("Can I smoke inside?")
    assert "don't have that" in said
    assert "http" not in said


def test_opening_hours_are_said_by_days_that_are_alike(office: TalkOffice) -> None:
    week = ["mon-fri 09:00-18:00", "sat 10:00-16:00"]
    office.store.run_blocking(hours.replace, office.by(), week)
    talk = office.call()
    assert "Monday to Friday from 9 AM to 6 PM and Saturday from 10 AM to 4 PM" in talk.say("What are your hours?")
    assert "from 9 AM" not in talk.say("are you open today?")
    assert talk.said == "Today we are open 9 AM to 6 PM."


def test_a_home_is_found_by_the_number_that_it_had(office: TalkOffice) -> None:
    run, listing = office.store.run_blocking, office.ids["elm 204"]
    run(homes.rename, office.by(), listing, "B12")
    run(homes.rename, office.by(), office.ids["elm 101"], "A1")
    for line in (OFFICE_LINE, ELM_LINE):
        talk = office.call(line)
        assert "$1,640" in talk.say("Is unit 204 at Elm Court still free?")
        assert {id for id, _ in talk.cites("listing")} == {listing}
    other = office.add("elm", "204", bedrooms="3", rent="2110", available_on="2026-04-15")
    talk = office.call(ELM_LINE)
    assert "$2,110" in talk.say("Is unit 204 still free?"), "another home has the number now"
    assert {id for id, _ in talk.cites("listing")} == {other}


def test_of_homes_that_had_a_number_the_last_is_meant(office: TalkOffice) -> None:
    run = office.store.run_blocking
    for listing, at in ((office.ids["elm 101"], NOW), (office.ids["elm 204"], NOW + timedelta(days=1))):
        run(homes.rename, office.by(at), listing, "7C")
        run(homes.rename, office.by(at), listing, f"X{listing}")
    talk = office.call(ELM_LINE)
    talk.say("Is unit 7C still free?")
    assert {id for id, _ in talk.cites("listing")} == {office.ids["elm 204"]}


@pytest.mark.parametrize("said", ["Maple Court", "Maple", "Garden Row"])
def test_a_property_is_found_by_a_name_that_it_had(office: TalkOffice, said: str) -> None:
    run = office.store.run_blocking
    run(properties.change, office.by(), "maple", name="Garden Row")
    run(properties.change, office.by(), "maple", name="The Larches")
    talk = office.call()
    assert "$1,450" in talk.say(f"What two bedrooms do you have at {said}?")
    assert "The Larches" in talk.said
    if said == "Garden Row":
        office.add_property("garden", "Garden Row", "1 Main Street")
        office.add("garden", "5", bedrooms="2", rent="1810", available_on="2026-04-15")
        assert "$1,810" in office.call().say(f"What two bedrooms do you have at {said}?")


def test_a_property_is_found_by_a_short_name_that_it_had(office: TalkOffice, config: Config) -> None:
    run, secrets = office.store.run_blocking, Secrets(config.secrets_file)
    run(properties.change, office.by(), "maple", name="The Larches")
    for old, new in (("maple", "zephyr-row"), ("zephyr-row", "larches")):
        run(renaming.rename, config, secrets, office.by(), "property", old, new)
    talk = office.call()
    assert "$1,450" in talk.say("What two bedrooms do you have at Zephyr Row?")


@pytest.mark.parametrize("said", ["Hi, I lost my umbrella there", "Hola, se me perdió el paraguas rojo"])
def test_more_than_a_greeting_that_nobody_understands_is_asked_about(office: TalkOffice, said: str) -> None:
    talk = office.call()
    answer = talk.say(said)
    assert "didn't catch that" in answer or "no le entendí" in answer
    assert "can hear you" in office.call().say("Hello? Is anybody there?")


@pytest.mark.parametrize("said", ["Good morning, how are you doing today?", "Buenas tardes, ¿cómo está hoy?"])
def test_how_are_you_is_small_talk_and_no_time_for_a_tour(office: TalkOffice, said: str) -> None:
    talk = office.call(ELM_LINE)
    assert talk.say(said).startswith(("Thank you for asking", "Gracias por preguntar"))
    assert talk.state.intent != "tour"


@pytest.mark.parametrize("asked", ["Is unit 7C free?", "How much is apartment 7C?", "I'd like to see unit 7C"])
def test_for_a_home_that_there_is_not_no_other_one_is_offered(office: TalkOffice, asked: str) -> None:
    said = office.call(ELM_LINE).say(asked)
    assert said.startswith("I don't see that home at Elm Court")
    assert "$" not in said


def test_the_number_of_a_home_is_no_telephone_number(office: TalkOffice) -> None:
    assert "$1,640" in office.call(ELM_LINE).say("What about number 204?")


def test_is_it_taken_is_not_answered_by_a_yes(office: TalkOffice) -> None:
    said = office.call(ELM_LINE).say("Is unit 204 taken?")
    assert "$1,640" in said
    assert not said.startswith("Yes")


def test_one_more_home_is_counted_as_one(office: TalkOffice) -> None:
    for number in range(3):
        office.add("maple", f"{number + 20}", bedrooms="1", rent=str(1100 + number), available_on="2026-03-01")
    assert "There is one more." in office.call().say("what one bedrooms are there at Maple Court?")


@pytest.mark.parametrize("asked", ["How old do I have to be to rent?", "Hola, ¿qué edad hay que tener?"])
def test_how_old_one_has_to_be_is_for_a_person_to_say(office: TalkOffice, asked: str) -> None:
    talk = office.call(ELM_LINE)
    assert "$" not in talk.say(asked)
    assert talk.of(Transfer)


def test_no_sentence_is_said_twice_in_one_turn(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    for asked in ("Is there an elevator? My mother uses a wheelchair", "Do you allow emotional support animals?"):
        sentences = [one for one in re.split(r"(?<=[.?!]) ", talk.say(asked)) if one]
        assert len(sentences) == len(set(sentences)), talk.said


@pytest.mark.parametrize("asked", ["Do you accept pit bulls?", "Are there breed restrictions for dogs?"])
def test_of_breeds_nothing_is_said_but_that_somebody_will_answer(office: TalkOffice, asked: str) -> None:
    talk = office.call(ELM_LINE)
    said = talk.say(asked)
    assert "breeds" in said
    assert not said.startswith("Yes")
    assert talk.of(Promise)


@pytest.mark.parametrize("said", ["Oh sorry, wrong number", "Hola, perdón, número equivocado"])
def test_who_has_dialed_wrong_is_asked_nothing(office: TalkOffice, said: str) -> None:
    talk = office.call(ELM_LINE)
    assert "?" not in talk.say(said)
    assert talk.of(End)


def test_days_that_never_close_are_open_around_the_clock(office: TalkOffice) -> None:
    office.store.run_blocking(hours.replace, office.by(), ["mon-sun 00:00-24:00"])
    talk = office.call()
    assert talk.say("What are your hours?") == "Our office is open Monday to Sunday, around the clock."
    assert talk.say("Are you open today?") == "Today we are open around the clock."


def test_something_cheaper_is_looked_for_again(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Do you have a two bedroom at Elm Court?")
    assert "under $1,640" in talk.say("cheaper than that?")
