"""Recognizers that die: what the caller was saying meanwhile is heard all the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ari_app.voice.stt import SttFailed, WhisperStt

pytestmark = pytest.mark.unit

PROGRAM = """
import sys
from pathlib import Path
from ari_app.voice.pipes import Parent
lives = Path(sys.argv[1])
parent = Parent()
parent.answer({"ready": True})
for question in parent.questions():
    left = int(lives.read_text())
    lives.write_text(str(left - 1))
    if left:
        sys.exit(1)
    parent.answer({"text": "yes", "language": "en", "confidence": 0.9, "no_speech": 0.0})
"""


@pytest.fixture
def deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with how often the recognizer dies over a question before it answers one."""
    (tmp_path / "mortal_process.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    return tmp_path / "deaths"


async def test_words_over_which_a_recognizer_dies_are_heard_once_it_is_up_again(deaths: Path) -> None:
    deaths.write_text("1")
    stt = WhisperStt(str(deaths), "", 1, "mortal_process")
    assert (await stt.hear(b"", "en", "")).text == "yes"
    await stt.stop()


async def test_words_that_kill_every_recognizer_are_given_up(deaths: Path) -> None:
    deaths.write_text("9")
    stt = WhisperStt(str(deaths), "", 1, "mortal_process")
    with pytest.raises(SttFailed):
        await stt.hear(b"", "en", "")
    assert int(deaths.read_text()) == 7
    await stt.stop()


async def test_one_that_was_killed_a_moment_ago_is_asked_as_if_it_had_not_been(deaths: Path) -> None:
    deaths.write_text("0")
    stt = WhisperStt(str(deaths), "", 1, "mortal_process")
    await stt.workers[0].up()
    assert stt.workers[0].pid
    os.kill(stt.workers[0].pid, signal.SIGKILL)
    assert (await stt.hear(b"", "en", "")).text == "yes"
    await stt.stop()
