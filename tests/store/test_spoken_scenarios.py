"""A few of the calls that the voice agent has to get right, spoken by telephone and heard by a real recognizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.voice.speaking import MODELS, Listener
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
