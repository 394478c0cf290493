"""What the routing decision is taken from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.choosing import Answer, Question
from crm.domain.routing import TEAM, Path, Rule
from crm.services import routes
from crm.services.routes import Moment
from crm.store.models import Device, Organization
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"
PROSPECT = "+15125550123"
TO_TEAM = (Answer(Question.MENU, TEAM),)


async def test_a_new_caller_hears_the_menu_and_then_reaches_the_subteam(store: Store, config: Config) -> None:
    _, plan = await routes.plan(store, config, MAPLE, PROSPECT, (), Moment(NOW))
    assert plan.path is Path.ASK
    inputs, plan = await routes.plan(store, config, MAPLE, PROSPECT, TO_TEAM, Moment(NOW))
    assert (plan.path, plan.rule, plan.property) == (Path.LIVE, Rule.SUBTEAM, "maple")
    assert inputs.source == "sign"
    assert plan.stages[0].agents == ("alice", "bob")


async def test_who_has_dnd_is_not_planned_with(store: Store, config: Config) -> None:
    async with store.write() as session:
        desk = (await session.scalars(select(Device).where(Device.slug == "bob-desk"))).one()
        desk.dnd = True
    _, plan = await routes.plan(store, config, MAPLE, PROSPECT, TO_TEAM, Moment(NOW))
    assert plan.stages[0].agents == ("alice",)


async def test_all_calls_go_to_one_number(store: Store, config: Config) -> None:
    async with store.write() as session:
        office = (await session.scalars(select(Organization))).one()
        office.forward_to, office.forward_confirm = "+15125550190", False
    _, plan = await routes.plan(store, config, MAPLE, PROSPECT, TO_TEAM, Moment(NOW))
    [stage] = plan.stages
    assert (plan.rule, stage.seconds) == (Rule.OFFICE_FORWARD, config.ring.office_seconds)
