"""`leaseline demo call`, in an office that is no demo."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, select

from ari_app.demo import call as story
from crm.config import Config
from crm.domain.errors import Invalid
from crm.domain.tours import TourKind
from crm.services.system.directory import DEMO_TRUNK
from crm.services.tours import times
from crm.store.models import Tour, Trunk
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def no_demo(system: System) -> Config:
    """The settings of an office without a demo trunk, with ports of their own for the demo's phones."""
    with system.store.writing() as session:
        session.execute(delete(Trunk).where(Trunk.slug == DEMO_TRUNK))
    ports = system.config.ports
    return replace(system.config, ports=replace(ports, demo=ports.voice + 30))


async def test_a_tour_is_booked_by_key_through_a_trunk_that_is_gone_after_the_call(system: System) -> None:
    config = await no_demo(system)
    await system.store.run(
        times.set_hours, system.by, "elm", ["mon-sun 09:00-18:00"], kind=TourKind.SELF_GUIDED, minutes=30
    )
    told = await story.call(config, story.Options(press=("3", "1"), caller=system.new_number()))
    with system.store.reading() as session:
        assert session.scalars(select(Trunk)).all() == []
        [tour] = session.scalars(select(Tour)).all()
    assert told.outcome == "booked"
    assert told.tour.startswith(f"tour {tour.id} of Elm Street Apartments")
    heard = [moment.text for moment in told.moments if moment.kind == "heard"]
    assert any("Here are the next tour times for Elm Street Apartments." in one for one in heard)
    assert any("Your tour is booked for" in one for one in heard)
    assert not any("press 3" in one for one in heard), "times are not taken for the menu"


async def test_a_demo_trunk_that_takes_no_calls_is_not_called_through(system: System) -> None:
    config = await no_demo(system)
    with system.store.writing() as session:
        session.add(Trunk(slug=DEMO_TRUNK, host="127.0.0.1", auth="digest", enabled=False))
    told = await story.call(config, story.Options(press=("1",), caller=system.new_number()))
    assert told.outcome == "got_link"


async def test_no_phone_takes_the_place_of_the_offices_own(system: System) -> None:
    config = await no_demo(system)
    with pytest.raises(Invalid, match="its own phones ring"):
        await story.call(config, story.Options(press=("2",), answer="alice"))
    with system.store.reading() as session:
        assert session.scalars(select(Trunk)).all() == []
