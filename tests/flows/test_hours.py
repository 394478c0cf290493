"""Who is open, and whose phones ring while it is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.services.office import holidays, hours
from crm.store.models import RoutingDecision
from tests.asterisk import LAKESIDE, Seam

pytestmark = pytest.mark.flows

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def in_days(system: Seam, days: int) -> str:
    """The day of the week that it is then."""
    return DAYS[(system.now().astimezone(system.config.tz) + timedelta(days=days)).weekday()]


async def test_when_the_office_is_closed_then_no_phone_rings_and_the_message_is_due_in_the_next_opening(
    system: Seam,
) -> None:
    # Open two days from now only, so that the test holds at any time of any day.
    await system.store.run(hours.replace, system.by, [f"{in_days(system, 2)} 09:00-18:00"])
    message = system.spoken("I would like to see a home on Saturday, please call me back.")
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await system.hears(caller, system.prompt("closed"))
        await system.recording(caller.user)
        await caller.say(message)
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        heard = {one.name: one.nearly_whole for one in system.heard(caller)}
        assert alice.count("CALL_INCOMING") == 0
    assert heard["closed"]
    assert heard["message_thanks"]
    assert call.legs == []
    assert call.outcome == "left_voicemail"
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("listen", "alice")
    assert call.ended_at
    opens = (await system.store.read(hours.schedule, system.config)).next_open(call.ended_at)
    assert opens > call.ended_at
    assert task.due_at == opens + timedelta(minutes=system.config.tasks.due_minutes)


async def test_when_one_property_has_a_day_off_then_only_its_callers_hear_so_and_the_other_ones_ring(
    system: Seam,
) -> None:
    # Tomorrow, too, for a test that runs at midnight.
    today = system.now().astimezone(system.config.tz).date()
    for day in (today, today + timedelta(days=1)):
        await system.store.run(holidays.add, system.by, day, name="Founders Day", property_slug="elm")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as for_elm,
        system.caller() as for_lakeside,
    ):
        await system.to_team(for_elm)
        await system.hears(for_elm, system.prompt("closed"))
        await system.recording(for_elm.user)
        await for_elm.hang_up()
        closed = await system.ended_call(for_elm.user)
        assert (alice.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (0, 0)
        await system.to_team(for_lakeside, LAKESIDE)
        await carol.wait_for("CALL_INCOMING")
        await for_lakeside.hang_up()
        rang = await system.ended_call(for_lakeside.user)
    assert closed.legs == []
    [routed] = await system.all(select(RoutingDecision).where(RoutingDecision.call_id == closed.id))
    assert routed.rule == "holiday"
    assert "Closed: Founders Day." in routed.reasons
    assert [leg.device for leg in rang.legs] == ["carol-soft"]
