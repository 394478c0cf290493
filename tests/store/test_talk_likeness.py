"""What likens sentences, where the patterns say nothing: a scripted one, and a real model where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from asterisk_conf.package_sets import cache_folder
from crm.config import Config
from crm.domain import intents
from crm.domain.conversation import TransferReason
from crm.domain.dialogue import folded
from crm.domain.understanding import Mind
from crm.edge.likeness import Likeness, NoSuchModel, SentenceModel
from crm.services.system.checks import voice_agent
from crm.services.talks import minds
from crm.store.session import Store
from crm.words import dialogue
from tests.store.conftest import Shared
from tests.store.talk_office import ELM_LINE, TalkOffice, talk_office

pytestmark = pytest.mark.store

MODEL = cache_folder() / "voice-demo" / "minilm"


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


class Likened:
    """Says the same of everything."""

    def __init__(self, *scores: tuple[str, float]) -> None:
        self._scores = scores

    def prepare(self) -> None:
        pass

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        return self._scores


def test_what_is_much_like_an_example_is_answered(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.7), ("rent", 0.3)))
    assert "in a lot" in talk.say("wherever would one stow the old jalopy")


def test_what_is_as_much_like_another_is_asked_once_and_then_a_persons(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.61), ("rent", 0.605)))
    assert "didn't catch" in talk.say("wherever would one stow it")
    talk.say("wherever would one stow it")
    assert talk.transfer
    assert talk.transfer.reason is TransferReason.NOT_UNDERSTOOD


def test_what_is_like_nothing_is_not_understood(office: TalkOffice) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(dialogue.load(), Likened(("parking", 0.1)))
    assert "didn't catch" in talk.say("wherever would one stow it")


def test_a_folder_without_a_model_leaves_the_rules_alone(tmp_path: Path) -> None:
    with pytest.raises(NoSuchModel, match="has no"):
        SentenceModel(tmp_path)
    assert minds.likeness(dialogue.load(), tmp_path).scores("is there parking", "en")[0][0] == "parking"


def test_a_broken_model_is_told_apart(tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NoSuchModel, match="no model that can be loaded"):
        SentenceModel(tmp_path)


@pytest.fixture(scope="module")
def by_meaning(tmp_path_factory: pytest.TempPathFactory) -> Likeness:
    """By a real model, which takes some seconds to learn the examples."""
    return minds.likeness(dialogue.load(), MODEL, tmp_path_factory.mktemp("model") / "kept.npz")


@pytest.mark.skipif(not MODEL.is_dir(), reason="`script/setup voice-demo` has put no sentence model there")
@pytest.mark.parametrize(
    ("sentence", "expected"),
    [("is there somewhere to leave my automobile", "in a lot"), ("what about doing my washing", "on site")],
)
def test_a_real_model_understands_what_no_pattern_does(
    office: TalkOffice, by_meaning: Likeness, sentence: str, expected: str
) -> None:
    talk = office.call(ELM_LINE)
    talk.mind = Mind(talk.mind.dialogues, by_meaning)
    assert expected in talk.say(sentence)


class CountingModel(SentenceModel):
    """Has no weights: each word is a direction of its own."""

    def __init__(self) -> None:
        self.mark, self.asked = "counting", 0

    def vectors(self, texts: Sequence[str]) -> Any:
        self.asked += len(texts)
        found = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in text.split():
                row[sum(word.encode()) % 64] += 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)


EXAMPLES = {"en": [("parking", "where can I park"), ("rent", "what does it cost"), ("pets", "do you take dogs")]}


def test_what_a_model_made_of_the_examples_is_kept_until_they_change(tmp_path: Path) -> None:
    for _ in range(2):
        model = CountingModel()
        likeness = Likeness(EXAMPLES, folded, {"en": model}, tmp_path / "kept.npz")
        assert likeness.scores("may I park", "en")[0][0] == "parking"
    assert model.asked == 1
    model = CountingModel()
    Likeness({"en": [*EXAMPLES["en"], ("rent", "how much")]}, folded, {"en": model}, tmp_path / "kept.npz").prepare()
    assert model.asked == 4


def test_a_file_that_is_no_such_copy_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "kept.npz").write_bytes(b"PK half of one")
    likeness = Likeness(EXAMPLES, folded, {"en": CountingModel()}, tmp_path / "kept.npz")
    assert likeness.scores("what does that cost", "en")[0][0] == "rent"


def test_words_that_a_transcriber_got_wrong_are_still_like_their_own(tmp_path: Path) -> None:
    likeness = minds.likeness(dialogue.load())
    for heard, meant in (("is there a parkin spot", "parking"), ("whats the depositt", "deposit")):
        assert likeness.scores(heard, "en")[0][0] == meant
    assert likeness.scores("¿se puede fumar ahí?", "es")[0][0] == "amenities"
    assert likeness.scores("hello", "fr") == []


def test_a_word_is_known_by_what_examples_say_of_its_kind() -> None:
    examples = {"en": [("parking", "my truck would need a place"), ("pets", "my poodle would need a place")]}
    kinds = {"en": {"truck": "vehicle", "moped": "vehicle", "poodle": "pet", "gecko": "pet"}}
    likeness = Likeness(examples, folded, kinds=kinds)
    for said, meant in (("what about a moped", "parking"), ("what about a gecko", "pets")):
        assert likeness.scores(said, "en")[0][0] == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("what's the rent and the deposit", {"rent", "deposit"}),
        ("how long is the lease and when could I move in", {"lease_term", "move_in"}),
        ("have the manager call me", {"callback"}),
        ("how much is the deposit", {"deposit"}),
    ],
)
def test_a_fact_hides_only_what_is_asked_in_its_own_part(said: str, meant: set[str]) -> None:
    mind = minds.shipped()
    assert {wish.intent for wish in intents.wishes(mind.dialogues["en"], said, mind.scorer)} == meant


def test_the_doctor_tells_what_of_the_offices_own_is_left_out(office: TalkOffice) -> None:
    folder = minds.own_dialogue(office.config)
    folder.mkdir()
    (folder / "en.toml").write_text('[sentences]\ngreting = "Hi."\n')
    ai = msgspec.structs.replace(office.config.ai, answers="always", sentence_model="nowhere")
    config = msgspec.structs.replace(office.config, ai=ai)
    findings = office.store.read_blocking(lambda session: list(voice_agent.examine(session, config)))
    assert [one.code for one in findings][-2:] == ["dialogue_wrong", "sentence_model_missing"]
    assert "greting" in findings[-2].text
