"""Calls that take the same course on an Asterisk of tests as on the real one: whatever they show, both have to show.

`tests/calls/test_alike.py` and `tests/flows/test_alike.py` make them. Each ends with what is left of it: the facts in
order, the legs, the outcome, tasks and texts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from ari_app.demo.softphone import Softphone
from tests.mobile import forward, picks_up
from tests.system.records import Records
from tests.talks import hear_each_other

Mobile = Callable[[Any], AbstractAsyncContextManager[Softphone]]
"""`tests.mobile.mobile`, or what stands for it."""


async def left(system: Records, number: str) -> dict[str, Any]:
    """What is on record of the caller's latest call, without times and ids."""
    call = await system.ended_call(number)
    return {
        "facts": [event.kind for event in sorted(call.events, key=lambda event: (event.at, event.id))],
        "legs": sorted((leg.stage, leg.device, leg.status) for leg in call.legs),
        "call": (call.outcome, call.ended_by, call.step),
        "tasks": [task.kind for task in await system.tasks_of(call)],
        "texts": [text.purpose for text in await system.texts_of(number)],
        "lead": call.lead.status if call.lead else None,
    }


async def a_link_then_the_team_then_a_transfer(system: Any, _: Mobile) -> dict[str, Any]:
    """1 for the link, 2 for the team; one declines, the other answers and passes the caller on to the first."""
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        await system.hears(caller, system.prompt("link_sent"))
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_INCOMING")
        await bob.hang_up()
        await bob.wait_for("CALL_CLOSED")
        await alice.answer()
        await system.step(caller.user, "talk")
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING", 2)
        await system.hears_music(caller)
        await bob.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        return await left(system, caller.user)


async def a_mobile_passes_then_a_message(system: Any, mobile: Mobile) -> dict[str, Any]:
    """Whoever is called on the mobile hears who calls and presses 2, and the caller leaves a message, ended by #."""
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await system.hears(cell, system.prompt("whisper_keys"))
        await cell.press("2")
        await cell.wait_for("CALL_CLOSED")
        await system.recording(caller.user)
        await system.speak(caller, system.spoken("I would like to see a home on Saturday, please call me back."))
        await caller.press("#")
        await caller.wait_for("CALL_CLOSED")
        return await left(system, caller.user)


async def a_colleague_is_busy(system: Any, _: Mobile) -> dict[str, Any]:
    """The phone that dialled shows busy, and a caller who hangs up while phones ring is missed."""
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await alice.hang_up()
        assert "486" in (await bob.wait_for("CALL_CLOSED")).param
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING", 2)
        await bob.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED", 2)
        await bob.wait_for("CALL_CLOSED", 2)
        return await left(system, caller.user)


Course = Callable[[Any, Mobile], Awaitable[dict[str, Any]]]

COURSES: dict[Course, dict[str, Any]] = {
    a_link_then_the_team_then_a_transfer: {
        "facts": [
            *("CallArrived", "StepTaken", "StepTaken", "KeyPressed", "Routed", "StepTaken", "LinkRequested"),
            *("KeyPressed", "Routed", "StepTaken", "LegRang", "LegRang", "LegEnded", "StepTaken", "TalkStarted"),
            *("StepTaken", "LegRang", "Transferred", "TalkEnded", "LegEnded", "StepTaken", "TalkStarted"),
            *("TalkEnded", "LegEnded", "CallEnded"),
        ],
        "legs": [
            ("subteam", "alice-desk", "ANSWER"),
            ("subteam", "bob-desk", "BUSY"),
            ("transfer", "bob-desk", "ANSWER"),
        ],
        "call": ("talked", "agent", "talk"),
        "tasks": [],
        "texts": ["listings_link"],
        "lead": "in_progress",
    },
    a_mobile_passes_then_a_message: {
        "facts": [
            *("CallArrived", "StepTaken", "StepTaken", "KeyPressed", "Routed", "StepTaken", "LegRang", "LegEnded"),
            *("StepTaken", "VoicemailLeft", "CallEnded"),
        ],
        "legs": [("subteam", "alice-mobile", "NOANSWER")],
        "call": ("left_voicemail", "system", "voicemail"),
        "tasks": ["listen"],
        "texts": ["missed_call"],
        "lead": "new",
    },
    a_colleague_is_busy: {
        "facts": [
            *("CallArrived", "StepTaken", "StepTaken", "KeyPressed", "Routed", "StepTaken", "LegRang", "LegRang"),
            *("LegEnded", "LegEnded", "CallEnded"),
        ],
        "legs": [("subteam", "alice-desk", "CANCEL"), ("subteam", "bob-desk", "CANCEL")],
        "call": ("gave_up", "caller", "ring"),
        "tasks": ["call_back"],
        "texts": ["missed_call"],
        "lead": "new",
    },
}
"""Each with what is left of it."""
