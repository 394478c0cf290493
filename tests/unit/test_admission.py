"""Who is admitted to a talk goes by how long the recognizer has taken lately, and by how many wait for it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from ari_app.voice.client import Door, look
from ari_app.voice.server import VoiceServer
from ari_app.voice.stt import WhisperStt
from ari_app.voice.tts import Tts

pytestmark = pytest.mark.unit

TAKES = 0.65
"""Seconds for each answer, more than is taken for granted of a recognizer that has not answered yet."""
PROGRAM = """
import sys, time
from ari_app.voice.pipes import Parent
parent = Parent()
parent.answer({"ready": True})
for question in parent.questions():
    time.sleep(float(sys.argv[1]))
    parent.answer({"text": "yes", "language": "en", "confidence": 0.9, "no_speech": 0.0})
"""


async def test_nobody_is_admitted_while_so_many_wait_that_an_answer_would_be_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_process.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    stt, door = WhisperStt(str(TAKES), "", 1, "slow_process"), Door(unused_port(), "secret")
    server = VoiceServer(door.port, 0, door.secret, stt, Tts({}, tmp_path / "cache", tmp_path / "recorded"))
    async with server.running():
        await stt.workers[0].up()
        await stt.hear(b"", "en", "")
        assert not (await look(door)).refuses
        heard = [asyncio.create_task(stt.hear(b"", "en", "")) for _ in range(2)]
        await asyncio.sleep(0)
        refused = re.search(r"would come after (.*) s", (await look(door)).refuses)
        assert refused
        assert float(refused[1]) >= 2 * TAKES
        await asyncio.gather(*heard)
        assert not (await look(door)).refuses
