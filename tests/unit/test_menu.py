"""The menu, when what it says cannot be played."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.edge.errors import MediaLost
from ari_app.flows import menu
from crm.config import Config
from crm.domain.choosing import Ask, Question, Say

pytestmark = pytest.mark.unit

ASK = Ask(Question.MENU, (Say("menu"),), ("1", "2"))


def caller(tmp_path: Path) -> Any:
    """As much of a call as a question needs."""
    config = Config(tmp_path)
    return SimpleNamespace(
        office=SimpleNamespace(config=config),
        person=None,
        language="en",
        did="+15125550100",
        known=SimpleNamespace(language="en"),
        note=lambda fact: None,
        stamp=lambda once="": (f"call/{once}", "call", datetime.now(UTC)),
        sounds=lambda *names: [config.prompts_folder / "en" / f"{name}.wav" for name in names],
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
    assert await menu._put(caller(tmp_path), ASK, (), greets=True) == keys
    assert played == [["welcome", "menu"], ["menu"]]
