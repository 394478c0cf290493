"""Processes at the other end of pipes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ari_app.voice.pipes import PipedProcess, WorkerLost

pytestmark = pytest.mark.unit

PROGRAM = """
import sys, time
from ari_app.voice.pipes import Parent
parent = Parent()
print("noise of a library")
parent.answer({"ready": True} if "broken" not in sys.argv else {"error": "it is broken"})
for question in parent.questions():
    if question == "die": sys.exit(1)
    if question == "hang": time.sleep(3600)
    if question == "pieces":
        parent.answer({"n": 1, "last": False})
        parent.answer({"n": 2, "last": False})
    parent.answer({"heard": question, "last": True})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "echo_process.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    return "echo_process"


async def test_questions_are_answered_in_order(module: str) -> None:
    process = PipedProcess(module, [], start_seconds=20)
    answers = await asyncio.gather(*(process.ask(number, 10) for number in range(5)))
    assert [answer["heard"] for answer in answers] == list(range(5))
    assert [answer.get("n") async for answer in process.stream("pieces", 10)] == [1, 2, None]
    await process.stop()
    assert process.pid is None


@pytest.mark.parametrize("question", ["die", "hang"])
async def test_one_that_dies_or_hangs_is_lost_and_started_again(module: str, question: str) -> None:
    process = PipedProcess(module, [], start_seconds=20)
    await process.up()
    first = process.pid
    with pytest.raises(WorkerLost):
        await process.ask(question, 0.5)
    assert (await process.ask("again", 10))["heard"] == "again"
    assert process.pid != first
    await process.stop()


async def test_one_that_cannot_start_says_why(module: str) -> None:
    process = PipedProcess(module, ["broken"], start_seconds=20)
    with pytest.raises(WorkerLost, match="it is broken"):
        await process.ask("hello", 10)
    assert not process.is_up
    await process.stop()


async def test_who_no_longer_wants_an_answer_neither_gets_one_nor_ends_the_process(module: str) -> None:
    process = PipedProcess(module, [], start_seconds=20)
    await process.up()
    pid = process.pid
    first, second = (asyncio.create_task(process.ask(name, 10)) for name in ("first", "second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for one in (first, second):
        one.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert (await process.ask("third", 10))["heard"] == "third"
    assert process.pid == pid
    assert process.waiting == 0
    await process.stop()
