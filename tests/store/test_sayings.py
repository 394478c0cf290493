"""What the voice agent would say about homes is known before anybody asks: the very sentences that callers hear."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from crm.config import Config
from crm.services.listings import homes
from crm.services.phones import lines
from crm.services.talks import minds, sayings
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import ELM_LINE, NOW, OFFICE_LINE, TalkOffice, talk_office

pytestmark = pytest.mark.store


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


def answers(office: TalkOffice, line: str) -> None:
    office.store.run_blocking(lines.change, office.by(), "US", line, ai_answers="always")


def said(office: TalkOffice) -> Collection[str]:
    found = office.store.read_blocking(sayings.homes, office.config, NOW)
    mind = minds.shipped()
    return {
        text
        for home in found
        for text, _ in office.store.read_blocking(sayings.of_home, office.config, mind, home, NOW)
    }


def test_where_it_answers_nobody_nothing_is_said(office: TalkOffice) -> None:
    assert office.store.read_blocking(sayings.homes, office.config, NOW) == []


def test_callers_hear_sentences_that_were_known_before(office: TalkOffice) -> None:
    answers(office, ELM_LINE)
    known = said(office)
    talk = office.call(ELM_LINE)
    for sentence in (
        "do you have a two bedroom",
        "how much is it",
        "what's the deposit",
        "when is it available",
        "how many square feet is it",
        "is there parking",
        "what is the application fee",
    ):
        talk.say(sentence)
    heard = [act.text for act in talk.everything_said if any(one.kind == "listing" for one in act.cites)]
    assert len(heard) >= 5
    assert set(heard) <= set(known)


def test_only_homes_of_properties_that_it_answers_for(office: TalkOffice) -> None:
    answers(office, ELM_LINE)
    assert {one.property for one in office.store.read_blocking(sayings.homes, office.config, NOW)} == {"elm"}
    answers(office, OFFICE_LINE)
    found = office.store.read_blocking(sayings.homes, office.config, NOW)
    # The home at Birchwood has no date, and so is not offered.
    assert {one.property for one in found} == {"elm", "maple"}


def test_after_a_change_the_new_version_is_what_is_said(office: TalkOffice) -> None:
    answers(office, ELM_LINE)
    assert any("$1,640" in text for text in said(office))
    office.store.run_blocking(homes.change, office.by(), office.ids["elm 204"], {"rent": "1595"})
    known = said(office)
    assert any("$1,595" in text for text in known)
    assert not any("$1,640" in text for text in known)


def test_a_spanish_line_says_it_in_spanish(office: TalkOffice) -> None:
    office.store.run_blocking(lines.change, office.by(), "US", ELM_LINE, ai_answers="always", language="es")
    assert any("$1,640 al mes" in text for text in said(office))
