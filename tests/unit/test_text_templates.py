"""The templates of texts: what an office may write, and how the first text to a person says who writes."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import text_templates as templates
from crm.domain import tongues
from crm.domain.errors import Invalid
from crm.domain.follow_ups import parse, reworded
from crm.domain.leads import LeasingStage
from crm.domain.segments import segments
from crm.domain.text_templates import FOLLOW_UP, SAYS_STOP, STANDARD, TEMPLATES
from crm.services.follow_ups import DEFAULT

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("language", STANDARD)
def test_every_text_is_written_in_every_language_and_holds_what_it_may(language: str) -> None:
    assert set(STANDARD[language]) == set(TEMPLATES)
    for name, body in STANDARD[language].items():
        assert templates.checked(TEMPLATES[name], body) == body
        assert set(re.findall(r"\{(\w+)\}", body)) == set(TEMPLATES[name].placeholders)


def test_the_spanish_of_ours_takes_no_more_room_than_english() -> None:
    steps = [
        step["text_es"]
        for stage in tomllib.loads(DEFAULT.read_text()).values()
        if isinstance(stage, dict)
        for step in stage["steps"]
    ]
    for body in [*STANDARD["es"].values(), *steps]:
        assert segments(body).encoding == "GSM-7", body


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("listings", "See {url} at {nmae}.", "listings can have no {nmae}: its placeholders are {url} and {name}."),
        ("listings", "See {url} {", "listings can have no single braces: its placeholders are {url} and {name}."),
        ("listings", "Thank you for calling.", "listings has to have {url}: its placeholders are {url} and {name}."),
        ("tour_reply", "Call {name}.", "tour_reply can have no {name}: it has no placeholders."),
        ("help", "{name}: call {number}.", "help has to say how to stop, with the word STOP."),
        ("listings", "", "A text has to have 1 to 600 characters, and this one has 0."),
        ("listings", "{url}" + "x" * 600, "A text has to have 1 to 600 characters, and this one has 605."),
        ("listings", "{url} \x07", "A text cannot hold control characters: write it without them."),
        ("listings", "{url.__class__}", "listings can have no {url.__class__}: its placeholders are {url} and {name}."),
    ],
)
def test_what_cannot_be_sent_is_refused_in_one_sentence(name: str, body: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        templates.checked(TEMPLATES[name], body)
    assert str(refused.value) == said


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_a_value_holds_is_not_read_again(name: str, url: str) -> None:
    assert templates.filled("{name}|{url}|{other}", name=name, url=url) == f"{name}|{url}|{{other}}"


@pytest.mark.parametrize("language", STANDARD)
@pytest.mark.parametrize("name", TEMPLATES)
def test_as_the_first_to_a_person_each_names_the_office_and_says_how_to_stop_once(language: str, name: str) -> None:
    words = STANDARD[language]
    once = templates.introduced(words[name], "Oak Homes", words)
    assert "Oak Homes" in once
    assert templates.says_stop(once)
    assert templates.introduced(once, "Oak Homes", words) == once
    if name not in SAYS_STOP:
        assert once.count("STOP") == 1


def test_a_step_is_in_the_language_of_the_person_and_in_english_where_there_is_none() -> None:
    rules = parse('[contacted]\nsteps = [{wait = "1h", text = "Hi", text_es = "Hola"}, {wait = "1h", text = "Bye"}]')
    first, second = rules.sequences[LeasingStage.CONTACTED].steps
    assert [first.text_in(one) for one in ("en", "es", "es-MX", "fr", "")] == ["Hi", "Hola", "Hola", "Hi", "Hi"]
    assert second.text_in("es") == "Bye"
    own = reworded(rules, {("followup.contacted.2", "es"): "Adiós", ("followup.still_deciding.1", "en"): "x"})
    assert [step.text_in("es") for step in own.sequences[LeasingStage.CONTACTED].steps] == ["Hola", "Adiós"]


@pytest.mark.parametrize("step", ['text_es = "x"', 'text = "x", text_esp = "x"', 'text = "x", texts = "x"'])
def test_a_step_with_other_keys_is_refused(step: str) -> None:
    with pytest.raises(Invalid, match="text_es"):
        parse(f'[contacted]\nsteps = [{{wait = "1h", {step}}}]')


def test_the_steps_of_ours_hold_what_steps_may() -> None:
    for sequence in parse(DEFAULT.read_text()).sequences.values():
        for step in sequence.steps:
            assert set(step.texts) == {"en", "es"}
            for body in step.texts.values():
                templates.check_placeholders("it", body, (), FOLLOW_UP)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hola, quiero saber si tienen un departamento de dos recámaras", "es"),
        ("Buenas tardes, ¿cuánto cuesta la renta y aceptan perro?", "es"),
        ("Do you have a two bedroom at La Casa del Sol?", ""),
        ("Is the one with the view on El Camino Real there?", "en"),
        ("ok", ""),
        ("si", ""),
        ("STOP", ""),
        ("Мне нужна квартира", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_text_is_told_only_where_it_is_clear(text: str, language: str) -> None:
    assert tongues.written_in(text) == language
