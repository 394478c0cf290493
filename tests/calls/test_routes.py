"""The decision that is kept with a real call, and what the call then left behind."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from cli import cli
from crm.domain.routing import decide
from crm.services.routing import replays
from crm.store import decisions
from crm.store.models import Roster, RoutingDecision
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_caller_hangs_up_unanswered_then_the_explanation_names_the_tasks_owner(system: System) -> None:
    await system.talked_last(alice=5, bob=90)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    command = ["--home", str(system.config.home), "route", "explain", call.id, "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, cli, command)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    [decision] = told["decisions"]
    assert decision["keyed"] == [{"question": "menu", "keys": "2"}]
    plan = decision["plan"]
    assert (plan["path"], plan["rule"], plan["property"]) == ("live", "subteam", "elm")
    assert {"rings", "task"} <= {reason["about"] for reason in plan["reasons"]}
    assert {leg["agent"] for leg in told["legs"]} == {"alice"}
    [task] = await system.tasks_of(call)
    assert plan["owner"] == task.owner.slug == "bob", "who of the subteam has waited longest"
    assert told["tasks"][0]["owner"] == "bob"
    [row] = await system.all(select(RoutingDecision).where(RoutingDecision.call_id == call.id))
    roster = await system.all(select(Roster))
    again = replays.from_stored(decisions.inputs_of(row, {one.id: one.agents for one in roster}))
    assert again
    assert [reason.text for reason in decide(again).reasons] == [one["text"] for one in plan["reasons"]]
