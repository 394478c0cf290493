"""What callers can send that no caller should: it is answered, recorded, and reaches nothing raw."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.store.models import Call
from tests.scripted_phone import NO_UTF_8, raw_calls
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CALLERS = {
    "quotes": '"Jo \\"the caller\\" $(touch gotcha)" <sip:jo\'x@127.0.0.1>',
    "a variable": '"${GLOBAL(LL_PROMPTS)}" <sip:$%7BGLOBAL(LL_BEEP)%7D@127.0.0.1>',
    "a dial string": "<sip:PJSIP/alice-desk&PJSIP/bob-desk@127.0.0.1>",
    "line ends": '"x" <sip:gotcha%0D%0AINFO%20gotcha@127.0.0.1>',
    "300 digits": f"<sip:{'9' * 300}@127.0.0.1>",
    "a withheld number": '"Anonymous" <sip:anonymous@anonymous.invalid>',
    "non-ASCII": '"\u017b\u00f3\u0142\u0107" <sip:%C5%BC%C3%B3@127.0.0.1>',
    "no UTF-8": '"' + NO_UTF_8 + '" <sip:%FF%FE@127.0.0.1>',
}

NUMBERS = {
    "nobody's": "sip:+15125559999@{sip}",
    "a variable": "sip:$%7BGLOBAL(LL_BEEP)%7D@{sip}",
    "300 digits": "sip:" + "7" * 300 + "@{sip}",
    "one digit": "sip:5@{sip}",
    "commas and a dial string": "sip:a,b&PJSIP/alice-desk@{sip}",
    "no UTF-8": "sip:%FF+15125559999@{sip}",
    "empty": "sip:{sip}",
}

MARKS = ("gotcha", "GLOBAL(", "alice-desk&", "9" * 40, "7" * 40)


def nothing_raw(system: System) -> None:
    """No log line and no file name holds what a caller sent."""
    home = system.config.home
    for path in home.rglob("*"):
        assert not any(mark in path.name for mark in MARKS), path
    logs = [*system.config.log_folder.glob("*"), *(system.config.asterisk_folder / "log").glob("messages*")]
    for log in logs:
        text = log.read_text(errors="replace")
        assert not any(mark in text for mark in MARKS), log


@pytest.mark.parametrize("name", CALLERS)
async def test_when_the_caller_id_is_odd_then_the_call_is_one_like_any_other(system: System, name: str) -> None:
    async with system.phone("alice-desk") as alice:
        await raw_calls(system, [(CALLERS[name], f"sip:{ELM}@{system.sip}")])
        call = await system.ended_call(None)
        assert call.outcome == "gave_up"
        assert call.caller is None
        assert call.unreachable, "there is no number that anybody could call"
        assert await system.tasks_of(call) == []
        assert alice.count("CALL_INCOMING") == 0
    nothing_raw(system)


@pytest.mark.parametrize("name", NUMBERS)
async def test_when_the_number_dialled_is_no_line_then_it_is_said_and_the_admin_has_a_task(
    system: System, name: str
) -> None:
    number = f"+1512557{list(NUMBERS).index(name):04d}"
    await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", NUMBERS[name].format(sip=system.sip))])
    call = await system.ended_call(number)
    assert call.outcome == "wrong_number"
    assert call.lead_id is None
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("unknown_did", "admin")
    assert await system.texts_of(number) == []
    nothing_raw(system)


async def test_when_the_number_is_nobodys_then_the_caller_hears_so(system: System) -> None:
    async with system.caller() as caller:
        await system.dial(caller, "+15125559999")
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        heard = [one.name for one in system.heard(caller) if one.nearly_whole]
    assert heard.count("unknown_number") == 2
    assert call.ended_by == "system"
    assert len(await system.all(select(Call).where(Call.caller == caller.user))) == 1


async def test_when_a_call_id_is_no_utf_8_then_the_call_is_refused_and_on_record(system: System) -> None:
    number = system.new_number()
    system.started = system.started.replace(microsecond=0)  # Asterisk logs times in whole seconds.
    line = (f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}", NO_UTF_8)
    await raw_calls(system, [line], scenario="unreadable_call")
    call = await system.ended_call(number)
    assert (call.did, call.outcome, call.legs) == (ELM, "gave_up", [])
    assert len(await system.tasks_of(call)) == 1
