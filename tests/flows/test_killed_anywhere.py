"""The app dies at any of the requests with which it moves a call along: the caller gets what they would have got, and
the record is that of one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from ari_app.demo.softphone import Softphone
from ari_app.edge.http import AriAnswer, Http
from tests.asterisk import ELM, Seam
from tests.asterisk.model import Channel
from tests.voicemails import WORDS

pytestmark = pytest.mark.flows

MOST_ACTS = 40
"""More than a call has."""


class LastAct:
    """The request at which the app dies: before it is sent, or before its answer is read."""

    def __init__(self, number: int, *, is_sent: bool) -> None:
        self._left, self._is_sent = number, is_sent
        self.is_over = asyncio.Event()
        self.target = ""

    async def request(self, http: Http, method: str, target: str, body: bytes = b"") -> AriAnswer:
        if self.is_over.is_set():
            raise ConnectionResetError
        # A lamp is another call's as well, and is set anew by the next app.
        moves = method != "GET" and "message-lamp" not in target
        self._left -= moves
        if self._left or not moves:
            return await _request(http, method, target, body)
        self.target = f"{method} {target}"
        if self._is_sent:
            await _request(http, method, target, body)
        self.is_over.set()
        return await asyncio.get_running_loop().create_future()


_request = Http.request


async def _talks(system: Seam, caller: Softphone, alice: Softphone) -> None:
    """Presses 2 when asked, lets Alice answer, and hangs up once the two talk."""
    while True:
        channel = await _next_moment(system, caller)
        if _step(channel) == "talk" and alice.count("CALL_ESTABLISHED") == 1 and channel.bridge:
            await caller.hang_up()
            return await alice.wait_for("CALL_CLOSED")
        if alice.count("CALL_INCOMING") > alice.count("CALL_CLOSED") and not alice.count("CALL_ESTABLISHED"):
            await alice.answer()


async def _leaves_voicemail(system: Seam, caller: Softphone, alice: Softphone) -> None:
    """Presses 2 when asked, and speaks when Alice has not answered."""
    while True:
        channel = await _next_moment(system, caller)
        if any(one.target is channel for one in system.pbx.recordings.values()):
            await caller.say(system.spoken(WORDS))
            await system.pass_time(3)
            return await caller.hang_up()


async def _next_moment(system: Seam, caller: Softphone) -> Channel:
    await system.pass_time(0.5)
    [channel] = [one for one in system.pbx.channels.values() if one.endpoint == "trunk-demo"]
    if _step(channel) == "menu" and channel.state == "Up":
        await caller.press("2")
    return channel


def _step(channel: Channel) -> str:
    return channel.variables.get("LL_STEP", "")


Story = Callable[[Seam, Softphone, Softphone], Awaitable[object]]


@pytest.mark.parametrize("is_sent", [False, True], ids=["before it is sent", "before its answer is read"])
@pytest.mark.parametrize(
    ("story", "outcome", "tasks"), [(_talks, "talked", []), (_leaves_voicemail, "left_voicemail", ["listen"])]
)
async def test_when_the_app_dies_at_any_request_then_the_call_goes_on_and_is_on_record_once(
    system: Seam, monkeypatch: pytest.MonkeyPatch, story: Story, outcome: str, tasks: Sequence[str], is_sent: bool
) -> None:
    for number in range(1, MOST_ACTS):
        act = LastAct(number, is_sent=is_sent)
        monkeypatch.setattr(Http, "request", lambda *given, act=act: act.request(*given))
        async with system.phone("alice-desk") as alice, system.caller() as caller:

            async def whole() -> None:
                await caller.dial(f"sip:{ELM}@{system.sip}")
                async with asyncio.timeout(90):
                    await story(system, caller, alice)
                await system.until(system.is_quiet, "nothing is left")

            calling, dying = asyncio.create_task(whole()), asyncio.create_task(act.is_over.wait())
            await asyncio.wait([calling, dying], return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            if act.is_over.is_set():
                monkeypatch.setattr(Http, "request", _request)
                await system.stop_app()
                await system.start_app()
            await calling
            call = await system.ended_call(caller.user)
            assert len(await system.calls_from(caller.user)) == 1, act.target
            assert (call.outcome, call.without_app) == (outcome, False), act.target
            assert [task.kind for task in await system.tasks_of(call)] == tasks, act.target
        if not act.is_over.is_set():
            break
    else:
        pytest.fail("a call has more requests than that")
