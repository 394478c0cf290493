"""A few of the calls that the voice agent has to get right, spoken by telephone and heard by a real recognizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.voice.speaking import MODELS, Listener
from bench.voice_accents import PLAIN, QUESTIONS, compared
from bench.voice_scenarios import NAMES, SCENARIOS, Call
from crm.config import Config
from crm.services.talks import minds
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import NOW, talk_office
from tests.store.talking import Talk

pytestmark = [
    pytest.mark.store,
    pytest.mark.skipif(not MODELS.is_dir(), reason="`script/setup voice-demo` has put no models there"),
]


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener(names=NAMES, keeps=False)
    yield listener
    listener.close()


@pytest.mark.parametrize("number", [1, 20, 33])
def test_it_goes_right_when_it_is_spoken(
    shared: Shared, store: Store, config: Config, listener: Listener, number: int
) -> None:
    scenario = next(one for one in SCENARIOS if one.number == number)
    office = talk_office(shared, config)
    begun = office.call(scenario.line, scenario.caller)
    talk = Talk(office.store, office.config, begun.call, NOW, minds.shipped()).begin()
    scenario.plays(Call(office, talk, listener, "piper"), scenario.wordings[0])


@pytest.mark.parametrize("accent", ["piper-high", "espeak-en-gb-x-rp"])
def test_who_is_heard_right_is_answered_the_same_in_every_accent(
    shared: Shared, store: Store, config: Config, listener: Listener, accent: str
) -> None:
    office = talk_office(shared, config)
    plain = {one: listener.hears(one, PLAIN, "en") for one in QUESTIONS[:8]}
    found = compared(office, minds.shipped(), listener, plain, accent)
    assert found.both > 0
    assert found.same == found.both
