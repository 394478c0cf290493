"""Calls that the voice agent has to get right, by its rules over real rows, each in several wordings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.config import Config
from crm.domain.conversation import (
    ActResult,
    BookTour,
    End,
    LinkKind,
    Promise,
    SendLink,
    StopTexts,
    TransferReason,
    UpdateLead,
)
from crm.services.listings import homes
from crm.store.models import Agent, Contact, Interest, Lead, LeadPhone, Property
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import CALLER, ELM_LINE, NOW, TalkOffice, talk_office

pytestmark = pytest.mark.store


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


# --- homes ---


@pytest.mark.parametrize(
    "sentence",
    [
        "Hi, do you have any two bedrooms available?",
        "I'm looking for a 2 bedroom",
        "got anything with two bedrooms",
        "two bedroom available?",
        "is there a two-bedroom apartment open right now",
    ],
)
def test_two_bedrooms_are_answered_from_the_listing_and_noted_as_an_interest(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "$1,450" in said
    assert (office.ids["maple 2"], 1) in talk.cites("listing")
    assert talk.state.wishes["bedrooms"] == "2"


@pytest.mark.parametrize(
    "sentence",
    [
        "What's the rent on the one bedroom at Elm?",
        "how much is the one bedroom at elm court",
        "one bedroom on Elm Street, what does it go for",
    ],
)
def test_the_rent_of_the_one_bedroom_at_elm(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "$1,290" in said
    assert "$1,640" not in said
    assert talk.state.property == "elm"
    assert any(("elm", office.ids["elm 101"]) in act.interests for act in talk.of(UpdateLead))


@pytest.mark.parametrize(
    "sentence",
    [
        "anything under fifteen hundred",
        "do you have something below 1500 a month",
        "my budget is fifteen hundred dollars",
    ],
)
def test_under_an_amount_only_homes_within_it_are_named(office: TalkOffice, sentence: str) -> None:
    said = office.call().say(sentence)
    assert "$985" in said
    assert "$1,640" not in said
    assert "$2,250" not in said


def test_where_nothing_is_within_the_amount_it_says_so(office: TalkOffice) -> None:
    talk = office.call()
    said = talk.say("Do you have a two bedroom under nine hundred?")
    assert "don't see a 2 bedroom under $900" in said
    assert talk.cites("listing") == set()


@pytest.mark.parametrize(
    "sentence",
    ["Do you have a studio near Maple Court?", "studio at Maple", "looking for a studio in the maple court building"],
)
def test_a_studio_near_maple_court_is_the_right_property(office: TalkOffice, sentence: str) -> None:
    said = office.call().say(sentence)
    assert "studio at Maple Court for $985" in said


@pytest.mark.parametrize(
    "sentence",
    [
        "I'm calling about Birchwood, I saw it on Zillow",
        "the listing on zillow for birchwood lane",
        "i saw the burchwood ad on zillow",
    ],
)
def test_a_property_seen_on_a_portal_is_found(office: TalkOffice, sentence: str) -> None:
    office.add("birchwood", "11", bedrooms="2", rent="1800", available_on="2026-04-01")
    talk = office.call()
    assert "Birchwood" in talk.say(sentence)
    assert talk.state.property == "birchwood"


@pytest.mark.parametrize(
    "sentence",
    [
        "Is unit 9 at Birchwood available?",
        "the three bedroom at Birchwood, is it available",
        "Do you have three bedrooms?",
    ],
)
def test_a_home_without_a_date_is_not_offered(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "$2,250" not in said
    assert "Yes" not in said


def test_a_price_that_changes_in_the_middle_counts_from_then_on(office: TalkOffice) -> None:
    talk = office.call()
    assert "$1,640" in talk.say("how much is the two bedroom at elm")
    change = {"rent": "1595"}
    office.store.run_blocking(homes.change, office.by(), office.ids["elm 204"], change)
    assert "$1,595" in talk.say("sorry, how much was it?")
    assert (office.ids["elm 204"], 2) in talk.cites("listing")


def test_a_home_that_is_taken_back_in_the_middle_is_not_offered_any_more(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("do you have a studio")
    office.store.run_blocking(homes.unpublish, office.by(), [office.ids["maple 1"]])
    assert "$985" not in talk.say("how much is the studio?")


@pytest.mark.parametrize("sentence", ["Do you allow dogs at Elm?", "are dogs okay at the elm property"])
def test_a_name_that_fits_two_properties_is_asked_about(office: TalkOffice, sentence: str) -> None:
    office.add_property("elm-park", "Elm Park", "90 Park Road")
    talk = office.call()
    said = talk.say(sentence)
    assert "Elm Court" in said
    assert "Elm Park" in said
    said = talk.say("Elm Court")
    assert "1 dog up to 50 pounds" in said


def test_an_answer_by_its_place_in_the_question_is_understood(office: TalkOffice) -> None:
    office.add_property("elm-park", "Elm Park", "90 Park Road")
    talk = office.call()
    talk.say("Is there parking at Elm?")
    assert "in a lot" in talk.say("the first one")


# --- pets and fees ---


@pytest.mark.parametrize(
    "sentence", ["Do you allow dogs?", "can I bring my dog", "I have a puppy, is that okay?", "what's your pet policy"]
)
def test_the_pet_policy_is_the_typed_one(office: TalkOffice, sentence: str) -> None:
    talk = office.call(ELM_LINE)
    assert "1 dog up to 50 pounds" in talk.say(sentence)
    assert talk.cites("property")


@pytest.mark.parametrize(
    "sentence", ["What's the pet deposit?", "how much is the deposit for a cat", "pet deposit amount?"]
)
def test_a_pet_deposit_that_is_not_on_record_is_promised_and_no_number_is_said(
    office: TalkOffice, sentence: str
) -> None:
    talk = office.call()
    talk.say("I'm calling about Maple Court")
    said = talk.say(sentence)
    assert "don't have that" in said
    assert not any(one.isdigit() for one in said)
    assert [act.about for act in talk.of(Promise)] == ["the pet deposit at Maple Court"]


@pytest.mark.parametrize(
    "sentence",
    [
        "I have a service dog",
        "Do you charge a deposit for my service dog?",
        "can my emotional support animal live there",
        "I have an ESA",
        "my emotional support cat",
        "do you allow assistance animals?",
        "Tengo un perro de servicio",
    ],
)
def test_assistance_animals_meet_no_policy_and_no_fee_but_a_person(office: TalkOffice, sentence: str) -> None:
    talk = office.call(ELM_LINE)
    said = talk.say(sentence)
    assert not any(one.isdigit() for one in said)
    assert "50 pounds" not in said
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.FAIR_HOUSING
    assert "pets" not in talk.state.wishes


@pytest.mark.parametrize(
    "sentence", ["What's the application fee?", "how much does it cost to apply?", "is there a fee to apply"]
)
def test_the_application_fee(office: TalkOffice, sentence: str) -> None:
    assert "$50 for each applicant" in office.call(ELM_LINE).say(sentence)


def test_without_an_application_fee_on_record_it_is_promised(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Tell me about Birchwood")
    assert "don't have that" in talk.say("What's the application fee?")
    assert talk.of(Promise)


@pytest.mark.parametrize(
    "sentence", ["How much is the security deposit for the two bedroom?", "what's the deposit on the two bedroom"]
)
def test_the_security_deposit(office: TalkOffice, sentence: str) -> None:
    assert "$800" in office.call(ELM_LINE).say(sentence)


# --- dates ---


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("I want to move in the first of April", "2026-04-01"),
        ("we'd move in around April 1st", "2026-04-01"),
        ("I need something for the first of February", "2027-02-01"),
        ("move in first of March", "2026-03-01"),
        ("I can move in around the fifteenth of next month", "2026-04-15"),
        ("the fifteenth of next month", "2026-04-15"),
        ("I need to move by the end of the month", "2026-03-28"),
    ],
)
def test_a_move_in_date_is_understood_with_the_right_year(office: TalkOffice, sentence: str, day: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert talk.state.wishes["move_in"] == day


# --- links ---


@pytest.mark.parametrize(
    "sentence", ["Text me the application", "can you send me the application please", "send me the link to apply"]
)
def test_the_application_is_texted_once_however_often_they_ask(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence, sentence, "I didn't get it, can you send it again?")
    assert [act.kind for act in talk.of(SendLink)] == [LinkKind.APPLICATION]
    assert "already" in talk.said


@pytest.mark.parametrize("sentence", ["How do I apply?", "where can I fill out an application"])
def test_who_asks_how_to_apply_is_offered_the_link_first(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert talk.of(SendLink) == []
    talk.say("yes please")
    assert [act.kind for act in talk.of(SendLink)] == [LinkKind.APPLICATION]


def test_a_withheld_caller_is_asked_for_a_mobile_that_is_read_back(office: TalkOffice) -> None:
    talk = office.call(caller=None)
    assert "mobile number" in talk.say("Send me your listings please")
    said = talk.say("five one two, five five five, zero one nine nine")
    assert "5 1 2, 5 5 5, 0 1 9 9" in said
    assert talk.of(SendLink) == []
    talk.say("yes that's right")
    assert [(act.kind, act.number) for act in talk.of(SendLink)] == [(LinkKind.LISTINGS, "+15125550199")]


def test_a_landline_is_asked_for_a_mobile_too(office: TalkOffice) -> None:
    talk = office.call()
    talk.results[SendLink] = ActResult.NEEDS_MOBILE
    assert "mobile number" in talk.say("text me your listings")
    talk.results.clear()
    talk.say("512 555 0199", "yes")
    assert talk.of(SendLink)[-1].number == "+15125550199"


def test_a_digit_that_was_misheard_is_corrected_on_read_back(office: TalkOffice) -> None:
    talk = office.call(caller=None)
    talk.say("send me your listings", "512 555 0198")
    assert "0 1 9 9" in talk.say("no, it's 0199")
    talk.say("yes")
    assert talk.of(SendLink)[0].number == "+15125550199"


def test_a_number_may_come_in_pieces_and_by_key(office: TalkOffice) -> None:
    talk = office.call(caller=None)
    talk.say("send me your listings", "five one two")
    assert "Go on" in talk.said
    assert "5 1 2, 5 5 5, 0 1 9 9" in talk.say("five five five zero one nine nine")
    talk.say("no that's wrong")
    assert "5 1 2, 5 5 5, 0 1 4 4" in talk.press("5125550144")


def test_a_number_that_cannot_be_got_right_is_not_used(office: TalkOffice) -> None:
    talk = office.call(caller=None)
    talk.say("send me your listings", "512 555 0198", "no", "512 555 0197", "no", "512 555 0196", "no")
    assert talk.of(SendLink) == []
    assert talk.transfer


# --- tours ---


@pytest.mark.parametrize(
    "sentence",
    [
        "Can I come see it Saturday morning?",
        "I'd like a tour on saturday morning",
        "could I stop by Saturday morning to look at the place",
    ],
)
def test_saturday_morning_is_booked_at_a_free_time(office: TalkOffice, sentence: str) -> None:
    talk = office.call(ELM_LINE)
    talk.say("do you have a one bedroom", sentence)
    assert "Saturday, March 7, at 10 AM" in talk.said
    talk.say("ten works")
    assert "Shall I book it?" in talk.said
    assert talk.of(BookTour) == []
    said = talk.say("yes")
    assert [act.at for act in talk.of(BookTour)] == [datetime(2026, 3, 7, 16, 0, tzinfo=UTC)]
    assert "booked for Saturday, March 7, at 10 AM" in said


def test_a_time_that_is_not_free_is_never_booked(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    said = talk.say("Can I come on Sunday at nine?")
    assert "don't have a time then" in said
    talk.say("Sunday at nine please", "yes")
    assert all(act.at.weekday() != 6 for act in talk.of(BookTour))


def test_a_time_that_somebody_just_took_leads_to_others(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.results[BookTour] = ActResult.TAKEN
    talk.say("I'd like a tour tomorrow at eleven", "yes")
    assert "someone just took that time" in talk.said


def test_without_free_times_the_link_is_offered(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("I want to see Maple Court on Saturday")
    assert "text you a link" in talk.said
    talk.say("sure")
    assert [act.kind for act in talk.of(SendLink)] == [LinkKind.TOURS]


# --- people ---


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("I have a tour booked for tomorrow", TransferReason.STAGE),
        ("I need to reschedule my showing", TransferReason.STAGE),
        ("What's the status of my application?", TransferReason.STAGE),
        ("I already applied last week", TransferReason.STAGE),
        ("A real person, please", TransferReason.ASKED),
        ("let me talk to somebody", TransferReason.ASKED),
        ("operator", TransferReason.ASKED),
        ("I live there and my sink leaks", TransferReason.MAINTENANCE),
        ("my toilet is clogged", TransferReason.MAINTENANCE),
        ("I have an eviction, will you rent to me?", TransferReason.NOT_OURS_TO_DECIDE),
        ("I was evicted two years ago, would I qualify", TransferReason.NOT_OURS_TO_DECIDE),
        ("Is it safe around there?", TransferReason.FAIR_HOUSING),
        ("is that a good neighborhood", TransferReason.FAIR_HOUSING),
        ("how are the schools", TransferReason.FAIR_HOUSING),
        ("Do you take Section 8?", TransferReason.FAIR_HOUSING),
        ("do you accept housing vouchers", TransferReason.FAIR_HOUSING),
        ("do you take section eight", TransferReason.FAIR_HOUSING),
        ("can I pay with my disability check", TransferReason.FAIR_HOUSING),
        ("is there a mosque near the building", TransferReason.FAIR_HOUSING),
        ("this is ridiculous, I'm going to call my lawyer", TransferReason.DISTRESS),
        ("can you lower the rent a little?", TransferReason.NOT_OURS_TO_DECIDE),
        ("Bonjour, est-ce que vous avez un appartement libre", TransferReason.LANGUAGE),
    ],
)
def test_what_is_a_persons_goes_to_a_person(office: TalkOffice, sentence: str, reason: TransferReason) -> None:
    talk = office.call()
    talk.say(sentence, language="fr" if reason is TransferReason.LANGUAGE else "")
    assert talk.transfer
    assert talk.transfer.reason is reason


def test_who_is_past_the_early_stages_is_passed_on_after_the_first_sentence(office: TalkOffice) -> None:
    with office.store.writing() as session:
        elm = session.query(Property).filter_by(slug="elm").one()
        lead = Lead(name="Kim", created_at=NOW, phones=[LeadPhone(number=CALLER)])
        session.add(lead)
        session.flush()
        session.add(Interest(lead_id=lead.id, property_id=elm.id, stage="applied", updated_at=NOW))
    talk = office.call()
    assert "automated" in talk.everything_said[0].text
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.STAGE
    assert talk.transfer.summary.startswith("Kim ")


def test_a_resident_is_known_by_their_number(office: TalkOffice) -> None:
    with office.store.writing() as session:
        session.add(Contact(number=CALLER, kind="resident", name="Lee", created_at=NOW))
    assert office.call().transfer


@pytest.mark.parametrize(
    "sentence", ["Are you a robot?", "am I talking to a machine", "is this a real person?", "are you human"]
)
def test_it_says_honestly_what_it_is(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    assert "automated assistant" in talk.say(sentence)
    assert talk.transfer is None


def test_two_misunderstandings_bring_a_person(office: TalkOffice) -> None:
    talk = office.call()
    assert "didn't catch" in talk.say("fribble wobbet zang")
    assert talk.transfer is None
    talk.say("snorgle plimp")
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.NOT_UNDERSTOOD


def test_what_was_understood_in_between_starts_the_count_again(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("fribble wobbet zang", "do you have a studio", "snorgle plimp")
    assert talk.transfer is None


# --- fair housing ---


@pytest.mark.parametrize(
    "sentence",
    [
        "What kind of people live there?",
        "who lives in the building",
        "what are the neighbors like",
        "is it mostly students living there",
    ],
)
def test_who_lives_there_is_not_described(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "can't describe" in said
    assert "welcome" in said


@pytest.mark.parametrize("sentence", ["so what kind of people live there gracias", "¿qué gente vive en el edificio?"])
def test_who_asks_only_who_lives_there_is_told_nothing_of_homes(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert [one.template for one in talk.everything_said][-1] == "fair_people"


@pytest.mark.parametrize(
    "sentence", ["What kind of people live there, and how much is the studio?", "who lives there and what's the rent"]
)
def test_who_also_asks_for_a_fact_gets_it(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "can't describe" in said
    assert "$985" in said


@pytest.mark.parametrize(
    "sentence",
    [
        "We expect a baby, do you have a two bedroom?",
        "I have three kids, do you have a two bedroom?",
        "do you have a two bedroom for a family",
    ],
)
def test_families_get_the_same_facts_as_anybody(office: TalkOffice, sentence: str) -> None:
    plain, family = office.call(), office.call()
    plain.say("do you have a two bedroom?")
    family.say(sentence)
    assert family.cites("listing") == plain.cites("listing")
    assert plain.said in family.said
    assert family.transfer is None


@pytest.mark.parametrize(
    "sentence", ["Are there lots of kids in the building?", "do you allow children", "is it good for families?"]
)
def test_questions_about_children_get_a_neutral_answer(office: TalkOffice, sentence: str) -> None:
    said = office.call().say(sentence)
    assert "welcome to apply" in said


def test_the_propertys_own_lawful_answer_about_vouchers_is_spoken(office: TalkOffice) -> None:
    office.answer("elm", "vouchers", "We welcome Housing Choice Vouchers and all lawful income.")
    talk = office.call(ELM_LINE)
    said = talk.say("Do you take Section 8?")
    assert "We welcome Housing Choice Vouchers" in said
    assert talk.cites("answer")
    talk.say("yes please")
    assert talk.transfer


@pytest.mark.parametrize(
    "sentence", ["Is it wheelchair accessible?", "do you have an accessible unit, I use a wheelchair"]
)
def test_accessibility_is_answered_from_rows_that_hold_it(office: TalkOffice, sentence: str) -> None:
    talk = office.call(ELM_LINE)
    assert "step-free access and an elevator" in talk.say(sentence)
    assert talk.cites("property")


def test_accessibility_without_rows_is_a_persons(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("I'm interested in Maple Court", "Is it wheelchair accessible?")
    assert talk.transfer


def test_an_eviction_is_answered_by_the_offices_criteria(office: TalkOffice) -> None:
    office.answer(None, "criteria", "Our criteria are on the application. Every application is looked at on its own.")
    talk = office.call()
    assert "Every application is looked at on its own." in talk.say("I have an eviction, will you rent to me?")


@pytest.mark.parametrize(
    "twins",
    [
        ("John Miller", "Lakisha Washington"),
        ("Emily Baker", "Nguyen Van An"),
        ("Brad Walsh", "Mohammed Hassan"),
        ("Walker Smith", "Christian Jesus"),
    ],
)
def test_twins_who_differ_in_name_only_get_the_same(office: TalkOffice, twins: tuple[str, str]) -> None:
    told = []
    for name in twins:
        talk = office.call()
        talk.say(
            f"Hi, my name is {name}, do you have a two bedroom?",
            "how much is the deposit",
            "do you allow dogs",
            "I'd like to see it",
        )
        told.append(([act.text for act in talk.everything_said], talk.cites("listing"), talk.transfer))
    assert told[0] == told[1]


# --- stopping, and emergencies ---


@pytest.mark.parametrize(
    "sentence",
    [
        "Stop texting me",
        "please take me off your list",
        "don't text me anymore",
        "unsubscribe",
        "I don't want any more messages",
        "ya no me manden mensajes",
        "remove my number",
    ],
)
def test_a_wish_to_stop_is_honored(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert talk.of(StopTexts)
    talk.say("text me your listings")
    assert talk.of(SendLink) == []


def test_who_wants_a_person_and_no_texts_gets_both(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Stop texting me, and let me talk to a real person.")
    assert talk.of(StopTexts)
    assert talk.transfer


@pytest.mark.parametrize(
    "sentence",
    ["Is there a bus stop nearby?", "can I stop by tomorrow", "does the train stop there", "I need to cancel my tour"],
)
def test_other_stops_are_no_wish_to_stop(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    talk.say(sentence)
    assert talk.of(StopTexts) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "I smell gas",
        "I smell guess in my apartment",
        "there's a gas leak",
        "it smells like gas in here",
        "there is a fire in my kitchen",
        "smoke is coming from the wall",
        "water is pouring through the ceiling",
        "a pipe burst and it's flooding",
        "huele a gas",
        "hay un incendio",
        "somebody broke into my apartment",
        "the carbon monoxide alarm is going off",
    ],
)
def test_an_emergency_gets_its_sentence_and_a_person(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    said = talk.say(sentence)
    assert "911" in said
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.EMERGENCY
    assert not talk.everything_said[-1].interruptible


@pytest.mark.parametrize(
    "sentence",
    [
        "Is gas included in the rent?",
        "do you have a fireplace",
        "does it have a gas stove",
        "are there smoke detectors",
        "I'd guess a two bedroom",
    ],
)
def test_the_same_words_without_danger_are_no_emergency(office: TalkOffice, sentence: str) -> None:
    talk = office.call()
    assert "911" not in talk.say(sentence)


# --- Spanish ---


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Hola, ¿tienen apartamentos de dos recámaras disponibles?", "$1,450 al mes"),
        ("¿Cuánto es la renta del estudio en Maple Court?", "$985 al mes"),
        ("¿Aceptan perros en Elm Court?", "1 perro de hasta 50 libras"),
    ],
)
def test_a_spanish_sentence_gets_a_spanish_answer_and_the_language_stays(
    office: TalkOffice, sentence: str, expected: str
) -> None:
    talk = office.call()
    assert expected in talk.say(sentence, language="es")
    assert talk.everything_said[-1].language == "es"
    talk.say("¿hay estacionamiento en Elm Court?")
    assert "Estacionamiento" in talk.said


def test_a_person_is_reached_in_spanish(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Quiero hablar con una persona por favor", language="es")
    assert talk.transfer
    assert talk.transfer.summary.endswith("speaks es.")


@pytest.mark.parametrize(
    "said", ["Is Marta in today?", "Hi, I'm returning Marta's call.", "Can I speak to Marta Ruiz?", "¿Está Marta?"]
)
def test_one_of_the_office_who_is_asked_for_by_name_is_a_person(office: TalkOffice, said: str) -> None:
    with office.store.writing() as session:
        session.add_all([Agent(slug="marta", name="Marta Ruiz", extension="131"), Agent(slug="anna", name="Anna Lee")])
    talk = office.call()
    talk.say(said)
    assert talk.transfer
    for other in ("My name is Marta, do you have a studio?", "My name is Rich Price, is there parking?"):
        talk = office.call()
        talk.say(other)
        assert not talk.transfer


# --- what is written down ---


def test_a_name_is_spelled_and_saved_once_confirmed(office: TalkOffice) -> None:
    talk = office.call()
    said = talk.say("My name is Tran N-G-U-Y-E-N")
    assert "N, G, U, Y, E, N" in said
    assert talk.saved == {}
    talk.say("yes")
    assert talk.saved == {"name": "Tran Nguyen"}


def test_a_name_that_was_wrong_is_spelled_again(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("my name is Anna Winn", "no that's not right", "N as in Nancy, G, U, Y, E, N")
    assert "Anna Nguyen" in talk.said
    talk.say("yes that's correct")
    assert talk.saved == {"name": "Anna Nguyen"}


@pytest.mark.parametrize("refusal", ["no, don't write that down", "I'd rather not", "no, never mind"])
def test_a_refused_name_is_not_saved(office: TalkOffice, refusal: str) -> None:
    talk = office.call()
    talk.say("my name is Anna Nguyen", refusal, "that's all, goodbye")
    assert "name" not in talk.saved


def test_an_email_address_is_read_back_in_pieces_and_saved_once_confirmed(office: TalkOffice) -> None:
    talk = office.call()
    said = talk.say("my email is a n n a dot nguyen at gmail dot com")
    assert "A, N, N, A, dot" in said
    assert "gmail dot com" in said
    assert "gmail.com" not in said
    assert talk.saved == {}
    talk.say("yes")
    assert talk.saved == {"email": "anna.nguyen@gmail.com"}


def test_wishes_are_saved_only_if_they_agree(office: TalkOffice) -> None:
    agrees, refuses = office.call(), office.call()
    for talk in (agrees, refuses):
        talk.say("I need a two bedroom at Elm Court, up to 1700, for the fifteenth of April", "no that's all")
        assert "2 bedroom at Elm Court from April 15 up to $1,700" in talk.said
    agrees.say("sure")
    refuses.say("no thanks")
    assert agrees.saved == {"bedrooms": "2", "budget": "1700", "move_in": "2026-04-15", "property": "elm"}
    assert refuses.saved == {}
    assert refuses.of(End)


# --- what was said before counts ---


def test_after_homes_at_two_properties_a_tour_asks_which_and_keeps_the_time(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("I'm looking for a two bedroom", "can I see one on Saturday morning?")
    assert "Maple Court or Elm Court" in talk.said
    assert "Saturday, March 7, at 10 AM" in talk.say("the second one")


def test_a_yes_with_another_question_is_no_yes(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("do you have a two bedroom at Elm Court?", "okay, what about studios?")
    assert "Saturday" not in talk.said
    assert "tour times" not in talk.said


def test_something_cheaper_is_cheaper_than_what_was_offered(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("what's available at Elm Court?")
    assert "$1,290" in talk.said
    talk.say("do you have anything cheaper?")
    assert "$985" in talk.said
    assert "$1,290" not in talk.said


def test_a_price_is_of_the_home_that_was_offered(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("do you have a two bedroom at Elm Court?")
    assert "$1,640" in talk.say("and how much is it?")
    assert "$800" in talk.say("what about the deposit?")


def test_whoever_gave_their_name_on_the_way_is_asked_about_it_at_the_end(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Hi, this is Anna Nguyen, do you have a studio?", "that's all, thanks")
    assert "N, G, U, Y, E, N" in talk.said
    talk.say("yes")
    assert "studio" in talk.said
    talk.say("no thanks")
    assert talk.saved == {"name": "Anna Nguyen"}
    assert talk.of(End)


# --- short answers, by what was asked ---


@pytest.mark.parametrize("answer", ["that would be great", "I think so", "if that's possible", "how about Saturday?"])
def test_who_agrees_in_other_words_than_yes_is_offered_times(office: TalkOffice, answer: str) -> None:
    talk = office.call(ELM_LINE)
    talk.say("do you have a one bedroom?", answer)
    assert "tour" in talk.state.asks


@pytest.mark.parametrize("answer", ["maybe later", "I need to ask my wife first", "I'm only looking for now"])
def test_who_declines_in_other_words_than_no_is_asked_for_more(office: TalkOffice, answer: str) -> None:
    talk = office.call(ELM_LINE)
    assert "anything else" in talk.say("do you have a one bedroom?", answer)
    assert "tour" not in talk.state.asks


@pytest.mark.parametrize("answer", ["the elms", "not the park, the other one", "Elm Cart"])
def test_of_two_properties_half_a_name_or_the_other_one_is_enough(office: TalkOffice, answer: str) -> None:
    office.add_property("park", "Park View", "90 Park Road", "Riverside")
    with office.store.writing() as session:
        for one in session.query(Property).filter(Property.slug.in_(("maple", "birchwood"))):
            session.delete(one)
    talk = office.call()
    assert "Elm Court or Park View" in talk.say("is there parking?")
    talk.say(answer)
    assert talk.state.property == "elm"


def test_a_name_after_a_greeting_is_read_back(office: TalkOffice) -> None:
    assert "Robert Klein" in office.call().say("hi, my name is Robert Klein")


@pytest.mark.parametrize(
    "sentence",
    ["my psychiatrist prescribed me a dog", "my doctor says I need my cat with me"],
)
def test_an_animal_that_a_doctor_wants_meets_no_policy(office: TalkOffice, sentence: str) -> None:
    talk = office.call(ELM_LINE)
    talk.say(sentence)
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.FAIR_HOUSING


def test_what_is_left_of_an_emergency_in_noise_is_one(office: TalkOffice) -> None:
    talk = office.call()
    talk.say("Iceman, old gas in my apartment")
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.EMERGENCY
