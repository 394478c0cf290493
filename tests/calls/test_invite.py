"""What carriers write into an INVITE: who calls, who withholds it, and which number was dialed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from crm.services.audit import By
from crm.services.phones import trunks
from crm.store.models import BlockedCaller
from tests.scripted_phone import raw_calls
from tests.system import ELM, LAKESIDE, System
from tests.talks import nowhere_in

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_number_is_withheld_then_it_is_nowhere_and_the_block_list_knows_it_as_such(system: System) -> None:
    number = system.new_number()
    with system.store.writing() as session:
        session.add(BlockedCaller(kind="withheld", value="", why="nobody", created_at=datetime.now(UTC)))
    identity = f"P-Asserted-Identity: <sip:{number}@127.0.0.1>"
    called = (f"sip:{ELM}@{system.sip}", f"<sip:{ELM}@{system.sip}>")
    await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", *called, identity, "Privacy: id")], scenario="told_call")
    call = await system.ended_call(None)
    assert (call.outcome, call.withheld) == ("blocked", True)
    await nowhere_in(system, number)


async def test_when_no_codec_of_a_call_is_ours_then_it_is_on_record_with_somebody_to_call_back(system: System) -> None:
    number, withheld = system.new_number(), system.new_number()
    called = (f"sip:{ELM}@{system.sip}", f"<sip:{ELM}@{system.sip}>")
    identity = f"P-Asserted-Identity: <sip:{withheld}@127.0.0.1>"
    await raw_calls(
        system,
        [
            (f"<sip:{number}@127.0.0.1>", *called, "X-Nothing: 1", "X-Nothing: 2"),
            (f"<sip:{withheld}@127.0.0.1>", *called, identity, "Privacy: id"),
        ],
        scenario="refused_call",
    )
    await system.until(partial(_is_on_record, system, None), "the withheld call is on record", seconds=30)
    [call] = await system.calls_from(number)
    assert (call.did, call.trunk, call.outcome, call.ended_by) == (ELM, "demo", "gave_up", "system")
    [task] = await system.tasks_of(call)
    assert task.owner is not None
    assert "no codec that the phone system supports (SIP 488)" in task.why
    [anonymous] = await system.calls_from(None)
    assert (anonymous.did, anonymous.withheld, anonymous.outcome) == (ELM, True, "gave_up")
    await nowhere_in(system, withheld)


async def _is_on_record(system: System, number: str | None) -> bool:
    return bool(await system.calls_from(number))


async def test_when_an_account_is_called_then_the_line_is_the_number_dialled(system: System) -> None:
    """The carrier's identity comes with names and extensions in front of the number, and the caller is the number."""
    number = system.new_number()
    identity = f'P-Asserted-Identity: "Elm, office" <sip:office@127.0.0.1>, <tel:{number}>'
    account = f"sip:123456_leasing@{system.sip}"
    await raw_calls(
        system,
        [
            ("<sip:office@127.0.0.1>", account, f"<sip:{LAKESIDE}@{system.sip}>", identity, "X-Nothing: 1"),
            ("<sip:office@127.0.0.1>", account, f"<{account}>", identity, f"Diversion: <sip:{ELM}@127.0.0.1>"),
            ("<sip:office@127.0.0.1>", account, f"<{account}>", identity, f"P-Called-Party-ID: <sip:{ELM}@127.0.0.1>"),
        ],
        scenario="told_call",
    )
    await system.ended_call(number)
    calls = await system.calls_from(number)
    assert sorted(call.did for call in calls) == [ELM, ELM, LAKESIDE]
    assert {call.outcome for call in calls} == {"gave_up"}


async def test_when_a_number_cannot_be_read_then_its_digits_are_kept_until_the_trunk_says_how_it_gives_them(
    system: System,
) -> None:
    number, by = system.new_number(), By("tests", datetime.now(UTC))
    called = (f"sip:{ELM}@{system.sip}", f"<sip:{ELM}@{system.sip}>")
    dialed = f"99{number.removeprefix('+')}"  # As to be dialed on a phone system that has a 99 for an outside line.
    sender = (f"<sip:{dialed}@127.0.0.1>", *called, "X-Nothing: 1", "X-Nothing: 2")
    await raw_calls(system, [sender], scenario="told_call")
    call = await system.ended_call(None)
    assert (call.caller_digits, call.withheld) == (dialed, False)
    assert dialed in (await system.tasks_of(call))[0].why
    await system.store.run(trunks.change, system.secrets, by, "demo", caller_format="99national")
    await system.publish()
    await raw_calls(system, [sender], scenario="told_call")
    assert (await system.ended_call(number)).caller_digits == ""


async def test_when_callers_hang_up_at_once_then_each_is_on_record_with_somebody_to_call_back(system: System) -> None:
    """CANCEL comes before the dialplan's second step, or in the middle of the app's first."""
    system.started = system.started.replace(microsecond=0)  # Asterisk logs times in whole seconds.
    numbers = [system.new_number() for _ in range(8)]
    calls = [(f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}") for number in numbers]
    await raw_calls(system, calls, scenario="cancel_call")
    for number in numbers:
        call = await system.ended_call(number)
        assert (call.did, call.outcome, len(await system.tasks_of(call))) == (ELM, "gave_up", 1)
        assert len(await system.calls_from(number)) == 1
