"""Questions put by phone: what is said again, which keys are answers, and what if nothing can be played."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.edge.errors import MediaLost
from ari_app.flows import menu
from crm.config import Config
from crm.domain.choosing import KeyPrompt, Question, Say
from crm.domain.menu import LINK_OFFER, LINK_SENT, MenuDialogue

pytestmark = pytest.mark.unit

ASK = KeyPrompt(Question.MENU, (Say("menu"),), ("1", "2"))


async def _nothing() -> None: ...


def caller(tmp_path: Path) -> Any:
    """As much of a call as a question needs."""
    config = Config(tmp_path)
    return SimpleNamespace(
        context=SimpleNamespace(config=config),
        person=None,
        language="en",
        did="+15125550100",
        known=SimpleNamespace(language="en"),
        emit=lambda fact: None,
        stamp=lambda once="": (f"call/{once}", "call", datetime.now(UTC)),
        tell=_nothing,
        sounds=lambda *names: [config.prompt(name, "en") for name in names],
    )


@pytest.mark.parametrize(("tries", "keys"), [([MediaLost("gone"), "2"], "2"), ([MediaLost("gone")] * 2, "")])
async def test_when_a_question_cannot_be_played_then_it_comes_again_alone_and_nobody_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: list[str | MediaLost], keys: str
) -> None:
    played: list[list[str]] = []

    async def prompt(channel: object, sounds: list[Path], seconds: float) -> str:
        played.append([sound.stem for sound in sounds])
        answer = tries[len(played) - 1]
        if isinstance(answer, MediaLost):
            raise answer
        return answer

    monkeypatch.setattr(menu, "prompt", prompt)
    assert await menu._put(caller(tmp_path), MenuDialogue(tries=2), ASK, ()) == keys
    assert played == [["welcome", "menu"], ["menu"]]


LETTERS = KeyPrompt(Question.LETTERS, (Say("letters"),), (), 3)


def said(dialogue: MenuDialogue) -> list[str]:
    return [say.prompt for say in dialogue.says()]


def test_a_question_comes_after_the_greeting_and_again_alone_after_silence() -> None:
    dialogue = MenuDialogue(tries=2)
    dialogue.put(ASK, (Say("closed_now"),))
    assert said(dialogue) == ["welcome", "closed_now", "menu"]
    assert dialogue.hears("") is None
    assert said(dialogue) == ["menu"]
    assert dialogue.hears("2") == "2"


def test_a_wrong_key_is_told_and_the_last_try_goes_on_without_an_answer() -> None:
    dialogue = MenuDialogue(tries=2, greets=False)
    dialogue.put(ASK)
    assert dialogue.hears("7") is None
    assert said(dialogue) == ["not_a_choice", "menu"]
    assert dialogue.hears("8") == ""
    dialogue.put(ASK)
    assert said(dialogue) == ["menu"], "each question has tries of its own, and begins anew"
    assert dialogue.hears("") is None


def test_after_another_language_the_greeting_comes_again_but_not_for_that_key_elsewhere() -> None:
    menu = KeyPrompt(Question.MENU, (Say("menu"),), ("1", "9"))
    listed = KeyPrompt(Question.PROPERTY, (Say("choose"),), ("1", "9"))
    dialogue = MenuDialogue(tries=2)
    dialogue.put(listed)
    assert dialogue.hears("9") == "9"
    dialogue.put(menu)
    assert said(dialogue) == ["menu"]
    assert dialogue.hears("9") == "9"
    dialogue.put(menu)
    assert said(dialogue) == ["welcome", "menu"]


def test_several_keys_end_with_the_pound_key_or_when_there_are_enough() -> None:
    dialogue = MenuDialogue(tries=2, greets=False)
    dialogue.put(LETTERS)
    assert [dialogue.wants_more(keys) for keys in ("5", "52", "523", "5#")] == [True, True, False, False]
    assert dialogue.hears("52#") == "52"
    assert dialogue.hears("#") is None, "nothing was keyed"


@pytest.mark.parametrize("key", ["5", "*", "#"])
def test_whatever_is_pressed_after_the_link_means_the_team(key: str) -> None:
    dialogue = MenuDialogue(tries=2, greets=False)
    dialogue.put(LINK_OFFER, (LINK_SENT,))
    assert said(dialogue) == ["link_sent", "text_offer"]
    assert not dialogue.wants_more(key)
    assert dialogue.hears(key) == key
