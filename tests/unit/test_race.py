"""Several things are waited for at once: who wins, and what becomes of the others."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ari_app.call.race import end_all, first_found, race, until_done
from ari_app.edge.errors import HungUp

pytestmark = pytest.mark.unit


class Runner:
    """Runs until it is told to, and keeps how it ended."""

    def __init__(self, fails: Exception | None = None, stumbles: Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.ended = ""
        self._fails, self._stumbles = fails, stumbles

    async def run(self, name: str) -> str:
        self.has_begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            # It takes a moment, as a request to Asterisk would.
            await asyncio.sleep(0)
            self.ended = "cancelled"
            if self._stumbles:
                raise self._stumbles from None
            raise
        self.ended = "failed" if self._fails else "ran"
        if self._fails:
            raise self._fails
        return name


async def test_the_first_to_end_wins_and_the_others_have_ended_by_then() -> None:
    a, b, c = Runner(), Runner(), Runner()
    b.go.set()
    assert await race(a.run("a"), b.run("b"), c.run("c")) == "b"
    assert (a.ended, b.ended, c.ended) == ("cancelled", "ran", "cancelled")


async def test_when_two_end_in_the_same_moment_then_the_one_named_first_counts() -> None:
    a, b = Runner(), Runner()
    a.go.set()
    b.go.set()
    assert await race(b.run("b"), a.run("a")) == "b"
    assert (a.ended, b.ended) == ("ran", "ran")


async def test_when_the_winner_raises_then_so_does_the_race() -> None:
    a, b = Runner(), Runner(fails=HungUp("hung up"))
    b.go.set()
    with pytest.raises(HungUp, match="hung up"):
        await race(a.run("a"), b.run("b"))
    assert a.ended == "cancelled"


@pytest.mark.parametrize("in_the_same_moment", [False, True])
async def test_when_a_loser_fails_then_the_winner_counts_and_the_error_is_logged(
    caplog: pytest.LogCaptureFixture, in_the_same_moment: bool
) -> None:
    broken = ValueError("broken")
    a, b = Runner(), Runner(fails=broken, stumbles=broken)
    a.go.set()
    if in_the_same_moment:
        b.go.set()
    assert await race(a.run("a"), b.run("b")) == "a"
    assert b.ended == ("failed" if in_the_same_moment else "cancelled")
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [broken]


async def test_when_a_loser_hangs_up_then_that_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Runner(), Runner(fails=HungUp("hung up"))
    a.go.set()
    b.go.set()
    with caplog.at_level(logging.INFO):
        assert await race(a.run("a"), b.run("b")) == "a"
    assert [(record.levelname, record.getMessage().endswith("hung up")) for record in caplog.records] == [
        ("INFO", True)
    ]


async def test_when_a_race_is_cancelled_then_all_end_and_an_error_on_the_way_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    a, b = Runner(), Runner(stumbles=ValueError("broken"))
    running = asyncio.create_task(race(a.run("a"), b.run("b")))
    await asyncio.gather(a.has_begun.wait(), b.has_begun.wait())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (a.ended, b.ended) == ("cancelled", "cancelled")
    assert len(caplog.records) == 1


async def test_what_goes_on_whoever_wins_is_not_cancelled() -> None:
    lasting, a = Runner(), Runner()
    task = asyncio.create_task(lasting.run("lasting"))
    a.go.set()
    assert await race(a.run("a"), until_done(task)) == "a"
    assert not task.done()
    lasting.go.set()
    won = await race(Runner().run("b"), until_done(task))
    assert won is task
    assert task.result() == "lasting"
    await end_all([task])


class TestFirstFound:
    async def test_what_comes_to_nothing_is_passed_over_and_the_rest_is_cancelled(self) -> None:
        async def nothing() -> None: ...

        quick, slow = Runner(), Runner()
        quick.go.set()
        assert await first_found([nothing(), quick.run("quick"), slow.run("slow")]) == "quick"
        assert slow.ended == "cancelled"

    async def test_none_when_nothing_brings_anything(self) -> None:
        async def nothing() -> None: ...

        assert await first_found([nothing(), nothing()]) is None
        assert await first_found([]) is None

    async def test_what_fails_first_is_raised(self) -> None:
        failing, slow = Runner(fails=HungUp("gone")), Runner()
        failing.go.set()
        with pytest.raises(HungUp):
            await first_found([failing.run("failing"), slow.run("slow")])
        assert slow.ended == "cancelled"
