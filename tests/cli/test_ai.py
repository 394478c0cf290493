"""`leaseline ai`: talking with the voice agent in writing, and checking what the office changed of its dialogue."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Leaseline
from tests.cli.test_listings import offered

pytestmark = pytest.mark.cli


def test_a_rehearsal_answers_from_rows_and_does_nothing(office: Leaseline) -> None:
    offered(office, "--deposit", "500")
    office.ok("property", "set", "elm", "--listings-url", "https://elm.example.com")
    before = office.contents()
    said = office.ok(
        "ai",
        "rehearse",
        "--property",
        "elm",
        "Do you have a two bedroom?",
        "Can I bring my cat?",
        "Text me the listings",
    )
    assert "Caller: Do you have a two bedroom?" in said
    assert "$1,450 a month, available now" in said
    assert "[listing 1 v1, property 1 v1]" in said
    assert "up to 2 cats" in said
    assert "texts the link: listings" in said
    assert office.contents() == before


def test_a_rehearsal_in_json_names_the_rows(office: Leaseline) -> None:
    offered(office)
    first, second = office.json("ai", "rehearse", "do you have a two bedroom")
    assert first["caller"] == "(answered)"
    assert "automated" in first["said"][0]["text"]
    assert {"kind": "listing", "id": 1, "version": 1} in second["said"][0]["cites"]


def test_without_sentences_it_asks_for_them_until_the_talk_is_over(office: Leaseline) -> None:
    offered(office)
    said = office.ok("ai", "rehearse", input="is there anything available?\nI want to talk to a person\n")
    assert "$1,450" in said
    assert "passes the call on (asked)" in said


def test_keys_and_silence_can_be_rehearsed(office: Leaseline) -> None:
    said = office.ok("ai", "rehearse", "...", "#0")
    assert "Are you still there?" in said
    assert "passes the call on (key)" in said


def test_wrong_numbers_and_properties_are_refused_in_one_sentence(office: Leaseline) -> None:
    assert "phone number" in office.refused("ai", "rehearse", "--from", "12", "hello")
    assert "nowhere" in office.refused("ai", "rehearse", "--property", "nowhere", "hello")
    assert office.refused("ai", "rehearse", "--line", "512-555-0999", "hello")


def test_a_sentence_of_the_offices_own_is_spoken(office: Leaseline) -> None:
    folder = office.home / "dialogue"
    folder.mkdir()
    (folder / "en.toml").write_text('[sentences]\nhow_can_i_help = "What can I do for you?"\n')
    assert "en.toml can be used." in office.ok("ai", "check")
    assert "What can I do for you?" in office.ok("ai", "rehearse", "hello")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[sentences]\ngreeting = "Hi from {ofice}."', "{ofice}, which nothing fills in"),
        ('[sentences]\ngreting = "Hi."', "no sentence named greting"),
        ('[sentences]\ngreeting = "See www.oak.example.com."', "web address"),
        ('[sentences]\nrent_is = "It is 1450 dollars."', "numbers come from listings"),
        ('[sentences]\ngreeting = "Hi. We are nice. Ask away."', "longer than 2 sentences"),
        ('[sentences]\nfollow_up = "It is perfect for families."', "familial"),
        ('[sentences]\ngreeting = "Hi {office"', "brace"),
        ("[sentences]\ngreeting = 5", "quotation marks"),
        ('[intents.rent]\npatterns = ["(rent"]', "pattern of the intent rent is wrong"),
        ('[intents.dance]\nexamples = ["shall we dance"]', "no intent named dance"),
        ("[sentences", "not valid TOML"),
        ('[sentence]\ngreeting = "Hi."', "[sentence] is none of"),
    ],
)
def test_a_change_that_cannot_be_used_is_told_in_one_sentence_and_left_out(
    office: Leaseline, written: str, told: str
) -> None:
    folder = office.home / "dialogue"
    folder.mkdir()
    (folder / "en.toml").write_text(written)
    result = office("ai", "check", "--json")
    assert result.exit_code == 1
    assert told in " ".join(json.loads(result.stdout)["wrong"])
    assert "automated assistant" in office.ok("ai", "rehearse", "hello")


def test_a_language_that_there_is_no_dialogue_in_is_told(office: Leaseline) -> None:
    folder = office.home / "dialogue"
    folder.mkdir()
    (folder / "fr.toml").write_text("[sentences]\n")
    assert "fr.toml" in office("ai", "check").output


def test_the_key_of_the_language_model_is_kept_among_the_secrets(office: Leaseline) -> None:
    office.ok("ai", "secret", "--file", "-", input="sk-test-123\n")
    assert "sk-test-123" not in office.ok("config", "show")
    assert office.refused("ai", "secret", "--file", "-", input="two words\n\n\x07")
