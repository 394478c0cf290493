"""A line without a property: letters are keyed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.services.office import portfolios, properties
from crm.services.phones import lines
from crm.store.models import Call, Property
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CENTRAL = "+15125550150"
TREES = ("Alder", "Ash", "Beech", "Birch", "Cedar", "Cherry", "Fir", "Hazel", "Linden", "Maple")


async def about(system: System, call: Call) -> list[str]:
    """Slugs of the property that a call is about."""
    return [one.slug for one in await system.all(select(Property).where(Property.id == call.property_id))]


async def test_when_there_are_many_then_letters_are_keyed_and_the_property_s_link_is_texted(system: System) -> None:
    await system.store.run(portfolios.add, system.by, "trees")
    for name in TREES:
        await system.store.run(
            properties.add,
            system.by,
            name.lower(),
            name=f"{name} Court",
            subteam="south",
            listings_url=f"https://demo.example/{name.lower()}",
        )
        await system.store.run(portfolios.assign, system.by, name.lower(), "trees")
    await system.store.run(lines.add, system.by, system.config, CENTRAL, portfolio="trees")
    async with system.caller() as caller:
        await system.dial(caller, CENTRAL)
        await system.step(caller.user, "menu")
        # No name begins with the first letters; the second are those of Beech and of Cedar.
        await caller.press("1999#23#")
        await system.hears(caller, await system.phrase("property_choice", name="Cedar Court", key="2"))
        await caller.press("2")
        body = await system.carrier.text_to(caller.user)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (await about(system, call), call.outcome) == (["cedar"], "got_link")
    assert "https://demo.example/cedar" in body
    assert [task.owner.slug for task in await system.tasks_of(call)] == ["carol"]
