"""What talks between people were about."""

from __future__ import annotations

from datetime import date

import pytest

from crm.domain import talk_gist
from crm.domain.heard import NamedProperty
from crm.words import dialogue

pytestmark = pytest.mark.unit

PROPERTIES = [NamedProperty("elm", ("Elm Court",))]
TALK = (
    "Elm Court, this is Alice. Hi Alice, my name is Dana, do you allow dogs? Yes, one dog. And is there a pet deposit? "
    "It is three hundred dollars. Can I see the two bedroom on Saturday? Sure. I would move in on the first of May."
)


def test_it_names_what_was_talked_about_and_the_values_that_came_up() -> None:
    said = talk_gist.gist(dialogue.shipped("en"), TALK, PROPERTIES, date(2026, 3, 2))
    assert said.startswith("about ")
    for part in ("pets", "pet fees", "a tour", "2 bedrooms", "elm", "2026-05-01"):
        assert part in said
    assert "Dana" not in said, "it may be the agent's name"


def test_in_spanish_too() -> None:
    said = talk_gist.gist(
        dialogue.shipped("es"), "Hola. ¿Aceptan mascotas? Sí. ¿Y cuánto es el depósito?", [], date(2026, 3, 2)
    )
    assert said == "about pets and the deposit"


@pytest.mark.parametrize("text", ["", "Okay. Bye.", "Mm hm."])
def test_of_nothing_there_is_nothing_to_say(text: str) -> None:
    assert talk_gist.gist(dialogue.shipped("en"), text, PROPERTIES, date(2026, 3, 2)) == ""
