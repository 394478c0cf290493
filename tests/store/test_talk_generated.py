"""A thousand talks of random sentences: only rows are spoken from, and nobody's rights are stepped on."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import grounds, policy
from crm.domain.conversation import (
    ActResult,
    BookTour,
    Did,
    SendLink,
    Speak,
    StopTexts,
    Transfer,
    TransferReason,
    UpdateLead,
    Utterance,
)
from crm.domain.dialogue import folded
from crm.domain.grounds import Ground
from crm.domain.talk import Facts, TalkState
from crm.domain.understanding import Mind
from crm.services.talks import facts, minds
from crm.services.talks.facts import TalkOf
from crm.store import snapshot
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import CALLER, ELM_LINE, NOW, OFFICE_LINE, TalkOffice, talk_office

pytestmark = pytest.mark.store

TALKS = 1000
SEED = 20260302
ORDINARY = (
    """
do you have a two bedroom|anything under fifteen hundred|how much is the rent|what about the one bedroom at elm|is there parking
are utilities included|what's the security deposit|when is it available|how big is it|is there laundry|do you allow dogs|i have a cat
what's the pet deposit|what's the application fee|how do i apply|text me the application|send me your listings|send it again
can i come see it saturday morning|tomorrow at three|the first one|yes|no|yes please|no thanks|that's right|no that's wrong
what are your hours|what's the address|how long is the lease|any specials|is there a pool|can i smoke inside|hello|thank you
my name is anna nguyen|n g u y e n|my email is a dot b at gmail dot com|512 555 0199|my number is five one two five five five zero one nine nine
i need it by the first of april|my budget is 2000|a studio near maple court|birchwood|maple court|elm|riverside|twelve elm street
two bedrooms for may|can you repeat that|hold on a second|are you a robot|is unit 204 available|unit 999|what else do you have
hola tienen apartamentos de dos recamaras|cuanto es la renta en elm court|aceptan perros|hay estacionamiento|quiero ver el apartamento
si|no gracias|cuanto es el deposito|manden la lista por mensaje|five|seventeen thousand|one two three|a|the the the|uh
""".strip()
    .replace("\n", "|")
    .split("|")
)
NONSENSE = [
    "fribble",
    "wobbet",
    "zang",
    "snorgle",
    "4000",
    "99",
    "elm",
    "$",
    "court",
    "deposit",
    "maple",
    "two",
    "rent",
    "seven",
    "pool",
    "dog",
    "no",
    "yes",
    "1",
    "?",
    "!",
    "12:30",
    "march",
    "40",
]
SENSITIVE = (
    """
what kind of people live there|is it safe|do you take section 8|how are the schools|i have a service dog|is it a white neighborhood
are there lots of kids|do you rent to muslims|is there a church nearby|i use a wheelchair|do you accept vouchers|are there many immigrants
hay muchos mexicanos ahi|aceptan seccion 8|es seguro el barrio|tengo un perro de apoyo|is it a family building|do you rent to gay couples
are there a lot of asians in the complex|would a black couple feel comfortable there|is anybody there from pakistan|i'm on a work visa
is it a bunch of college kids|are the tenants pretty quiet|what are folks like in that complex|who's living next door
do people get robbed around there|is the neighborhood any good|what's the area like at night|do you get a lot of cops coming around
my rent is paid by the va|my caseworker pays part of my rent|i live off my pension|can i use my disability checks for the rent
i have a seizure alert dog|she's an esa not a pet|i've got a dog that helps with my ptsd|do you charge for emotional support animals
i use a walker are there steps|i'm hard of hearing|do you have any ada apartments|mi mama no puede subir escaleras
can my two boys share a room|would kids be a problem|es solo para adultos|mi perro es de servicio|mi doctor me receto un perro
soy de honduras me rentan|que gente vive en el edificio|es tranquila la zona|roban mucho por ahi|me pagan en efectivo
""".strip()
    .replace("\n", "|")
    .split("|")
)
OPT_OUTS = [
    "stop texting me",
    "take me off your list",
    "unsubscribe",
    "don't text me again",
    "ya no me manden mensajes",
    "no more messages",
    "turn off the text alerts",
    "you keep texting me and i want it to stop",
    "can you quit blowing up my phone with texts",
    "get me off this text list",
    "please quit messaging me",
    "i no longer want to receive texts",
    "no quiero mas textos",
    "quitenme de su lista",
]
EMERGENCIES = (
    """
i smell gas|i smell guess in here|i can hear the gas hissing|there's gas coming from my stove|my carbon monoxide alarm is going off
my apartment's on fire|there's smoke coming out of the wall|the outlet is sparking|a pipe burst and there's water everywhere
water is gushing out of the wall|my ceiling just collapsed|somebody is trying to break into my apartment|my roommate's unconscious
huele a gas|esta saliendo humo de la pared|esta cayendo agua del techo|se esta metiendo alguien a mi casa|se esta quemando mi cocina
""".strip()
    .replace("\n", "|")
    .split("|")
)
TERMS = ("$", "pounds", " not allowed", "don't accept", "no aceptamos")
GOES_ON = ("happy to tell you about the homes", "con gusto le hablo de las viviendas")
BEFORE = ("", "", "so ", "hi um ", "and ", "quick question ", "before i forget ", "oye ", "oh and ")
AFTER = ("", "", "", " please", " by the way", " right now", " gracias")
"""What callers put around what they say."""


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    office = talk_office(shared, config)
    office.answer("elm", "vouchers", "We welcome Housing Choice Vouchers and all lawful income.")
    office.answer(None, "smoking", "Smoking is not allowed indoors. See https://oak.example.com for all rules.")
    return office


def sentences(dice: random.Random) -> Iterator[str]:
    if dice.random() < 0.15:
        yield from ("can i come see elm court saturday morning", dice.choice(("the first one", "ten works")), "yes")
    for _ in range(dice.randint(2, 7)):
        kind = dice.random()
        if kind < 0.72:
            yield dice.choice(ORDINARY)
        elif kind < 0.84:
            yield " ".join(dice.choices(NONSENSE, k=dice.randint(1, 7)))
        elif kind < 0.94:
            yield dice.choice(BEFORE) + dice.choice(SENSITIVE) + dice.choice(AFTER)
        elif kind < 0.97:
            yield f"{dice.choice(ORDINARY)} and {dice.choice(ORDINARY)}"
        elif kind < 0.99:
            yield dice.choice(BEFORE) + dice.choice(OPT_OUTS) + dice.choice(AFTER)
        else:
            yield dice.choice(BEFORE) + dice.choice(EMERGENCIES) + dice.choice(AFTER)


def test_a_thousand_random_talks_speak_from_rows_alone(office: TalkOffice) -> None:
    mind = minds.shipped()
    own = {
        folded(word)
        for one in mind.dialogues.values()
        for text in (*one.words.values(), *one.sentences.values())
        for word in text.split()
    }
    read: dict[object, tuple[Facts, Ground]] = {}
    wrong: list[str] = []
    counted = dict.fromkeys(("sentences", "amounts", "sensitive", "opt_outs", "emergencies", "transfers", "tours"), 0)
    with office.store.reading() as session:
        for number in range(TALKS):
            dice = random.Random(SEED + number)
            call = TalkOf(dice.choice((OFFICE_LINE, ELM_LINE)), dice.choice((CALLER, CALLER, None)))
            _walk(session, office, mind, call, dice, own, read, wrong, counted)
    assert not wrong, "\n".join(sorted(set(wrong)))
    # The walks have gone everywhere.
    assert all(count > 20 for count in counted.values()), counted


def test_what_callers_put_around_a_fair_housing_question_changes_nothing_of_its_answer(office: TalkOffice) -> None:
    office.answer("elm", "vouchers", "Aceptamos vales de vivienda y todo ingreso legal.", "es")
    dice = random.Random(SEED)
    changed: list[str] = []
    for question in SENSITIVE:
        plain = office.call(ELM_LINE)
        plain.say(question)
        for before, after in dice.sample(sorted(itertools.product(set(BEFORE), set(AFTER))), 6):
            talk = office.call(ELM_LINE)
            talk.say(f"{before}{question}{after}")
            if [one.template for one in talk.everything_said] != [one.template for one in plain.everything_said]:
                changed.append(f"{before}{question}{after}: {talk.said}")
    assert changed == []


def _walk(
    session: Session,
    office: TalkOffice,
    mind: Mind,
    call: TalkOf,
    dice: random.Random,
    own: set[str],
    read: dict[object, tuple[Facts, Ground]],
    wrong: list[str],
    counted: dict[str, int],
) -> None:
    state, stopped = TalkState(language="en"), False
    for sentence in sentences(dice):
        happenings: list[Utterance | Did] = [Utterance(sentence, "", 0.9, 0, 1)]
        while happenings:
            happening = happenings.pop(0)
            heard = facts.hear(session, office.config, mind, state, happening, call, NOW, snapshot.now(session))
            wanted = facts.wanted_for(session, state, heard, call, snapshot.now(session))
            # Nothing changes meanwhile, so rows that were read before are the same.
            if (key := (wanted, heard.language, call)) not in read:
                known = facts.facts_for(
                    session, office.config, wanted, heard.language, call, NOW, snapshot.now(session)
                )
                read[key] = known, grounds.ground_of_rows(known, heard.language)
            known, rows = read[key]
            before, turn = state, policy.turn(mind, state, heard, known)
            state = turn.state
            ground = grounds.with_said(rows, known, state)
            for act in turn.acts:
                if isinstance(act, Speak):
                    counted["sentences"] += 1
                    counted["amounts"] += "$" in act.text
                    if act.template != "repeat":
                        wrong += [f"{sentence!r} -> {act.text!r}: {one}" for one in _troubles(act, ground, before, own)]
                elif isinstance(act, (SendLink, BookTour, UpdateLead)):
                    counted["tours"] += isinstance(act, BookTour)
                    if isinstance(act, SendLink) and stopped:
                        wrong.append(f"{sentence!r}: a link was texted after a wish to stop")
                    happenings.append(Did(act, dice.choice((ActResult.DONE, ActResult.DONE, ActResult.FAILED))))
                counted["transfers"] += isinstance(act, Transfer)
            if isinstance(happening, Utterance) and not before.over:
                wrong += _rights(sentence, turn.acts, counted)
                stopped = stopped or any(isinstance(act, StopTexts) for act in turn.acts)
        if state.over:
            return


def _troubles(act: Speak, ground: Ground, before: TalkState, own: set[str]) -> list[str]:
    # Numbers that the caller dictated are read back, and they may have been put right.
    if act.template in ("mobile_is", "number_is", "name_is", "email_is", "name_kept"):
        return ["a web address"] if re.search(r"://|www|\.\w", act.text) else []
    return list(grounds.troubles(act.text, ground, own_words=own))


def _rights(sentence: str, acts: tuple[object, ...], counted: dict[str, int]) -> Iterator[str]:
    said = " ".join(act.text for act in acts if isinstance(act, Speak)).lower()
    if _says(sentence, EMERGENCIES):
        counted["emergencies"] += 1
        if not any(isinstance(act, Transfer) and act.reason is TransferReason.EMERGENCY for act in acts):
            yield f"no emergency: {sentence!r}"
    if _says(sentence, OPT_OUTS):
        counted["opt_outs"] += 1
        if not any(isinstance(act, StopTexts) for act in acts):
            yield f"missed: {sentence!r}"
    if _says(sentence, SENSITIVE):
        counted["sensitive"] += 1
        is_persons = any(isinstance(act, Transfer) for act in acts)
        is_neutral = any(
            words in said for words in ("welcome", "cualquiera puede", "person", "persona", "according to our records")
        )
        if not (is_persons or is_neutral):
            yield f"{sentence!r} was answered with {said!r}"
        # Who lives there, or will, changes none of the facts, which may follow.
        terms = (" not allowed", "don't accept", "no aceptamos") if any(words in said for words in GOES_ON) else TERMS
        if any(word in said for word in terms):
            yield f"{sentence!r} was answered with terms: {said!r}"


def _says(sentence: str, ones: Sequence[str]) -> bool:
    return any(sentence.endswith((one, *(one + after for after in AFTER))) and one in sentence for one in ones)
