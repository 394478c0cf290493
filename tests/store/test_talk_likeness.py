"""What likens sentences, where the patterns say nothing: a scripted one, and a real model where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from asterisk_conf.install import cache_folder
from crm.config import Config
from crm.domain.conversation import TransferReason
from crm.domain.understanding import Mind
from crm.edge.likeness import NoSuchModel, SentenceLikeness
from crm.services.system.checks import voice_agent
from crm.services.talks import minds
from crm.store.session import Store
from crm.words import dialogue
from tests.store.talk_office import ELM_LINE, TalkOffice, talk_office

pytestmark = pytest.mark.store

MODEL = cache_folder() / "voice-demo" / "minilm"


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(store: Store, config: Config) -> TalkOffice:
    return talk_office(store, config)


class Likened:
    """Says the same of everything."""

    def __init__(self, *scores: tuple[str, float]) -> None:
        self._scores = scores

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        return self._scores


def test_what_is_much_like_an_example_is_answered(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.7), ("rent", 0.3)))
    assert "in a lot" in talk.say("wherever would one stow the old jalopy")


def test_what_is_as_much_like_another_is_asked_once_and_then_a_persons(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.61), ("rent", 0.60)))
    assert "didn't catch" in talk.say("wherever would one stow it")
    talk.say("wherever would one stow it")
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.NOT_UNDERSTOOD


def test_what_is_like_nothing_is_not_understood(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.2)))
    assert "didn't catch" in talk.say("wherever would one stow it")


def test_a_folder_without_a_model_leaves_the_rules_alone(tmp_path: Path) -> None:
    with pytest.raises(NoSuchModel, match="has no"):
        SentenceLikeness(tmp_path, {})
    assert minds.likeness(tmp_path, dialogue.load()) is None


def test_a_broken_model_is_told_apart(tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NoSuchModel, match="no model that can be loaded"):
        SentenceLikeness(tmp_path, {})


@pytest.mark.skipif(not MODEL.is_dir(), reason="`script/setup voice-demo` has put no sentence model there")
@pytest.mark.parametrize(
    ("sentence", "expected"),
    [("is there somewhere to leave my automobile", "in a lot"), ("what about doing my washing", "on site")],
)
def test_a_real_model_understands_what_no_pattern_does(office: TalkOffice, sentence: str, expected: str) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(talk.mind.dialogues, minds.likeness(MODEL, talk.mind.dialogues))
    assert expected in talk.say(sentence)


def test_the_doctor_tells_what_of_the_offices_own_is_left_out(office: TalkOffice) -> None:
    folder = minds.own_dialogue(office.config)
    folder.mkdir()
    (folder / "en.toml").write_text('[sentences]\ngreting = "Hi."\n')
    ai = msgspec.structs.replace(office.config.ai, answers="always", sentence_model="nowhere")
    config = msgspec.structs.replace(office.config, ai=ai)
    findings = office.store.read_blocking(lambda session: list(voice_agent.examine(session, config)))
    assert [one.code for one in findings][-2:] == ["dialogue_wrong", "sentence_model_missing"]
    assert "greting" in findings[-2].text
