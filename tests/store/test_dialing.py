"""The one check before a number is dialed outside: what it gathers, and what it keeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update

from crm.config import Config, Dialing
from crm.domain.dialing import Clearance, DialPurpose, DialRefused
from crm.domain.errors import NotFound
from crm.services.audit import By
from crm.services.people import opt_outs
from crm.services.phones import dialing
from crm.store.models import Agent, Call, Dialled, Lead, LeadPhone, Line, Trunk
from crm.store.session import Store
from tests.store.conftest import crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
PROSPECT = "+15125550123"


@dataclass
class Desk:
    """Asks the check, for Alice unless somebody else is named."""

    store: Store
    config: Config

    async def clear(
        self,
        number: str = PROSPECT,
        *,
        agent: str | None = "alice",
        purpose: DialPurpose = DialPurpose.DESK,
        live: int = 0,
        now: datetime = NOW,
    ) -> Clearance:
        return await dialing.clear(
            crm_at(self.config, self.store, now),
            number=number,
            purpose=purpose,
            agent=agent,
            call_id="c1",
            live=live,
        )

    async def kept(self) -> list[tuple[str, bool, str]]:
        with self.store.reading() as session:
            rows = session.scalars(select(Dialled).order_by(Dialled.id))
            return [(row.number, row.allowed, row.reason) for row in rows]

    def limited(self, **settings: int) -> Desk:
        return Desk(self.store, msgspec.structs.replace(self.config, dialing=Dialing(**settings)))  # type: ignore[arg-type]


@pytest.fixture
async def desk(store: Store, config: Config) -> Desk:
    with store.writing() as session:
        session.add_all(
            [
                Trunk(slug="second", host="10.0.0.2", auth="address", position=2, numbers="digits"),
                Trunk(slug="first", host="10.0.0.1", auth="address", position=1),
                Trunk(slug="pbx", host="10.0.0.3", auth="address", outbound=False),
                Trunk(slug="old", host="10.0.0.4", auth="address", enabled=False),
            ]
        )
    return Desk(store, config)


async def test_a_number_that_may_be_dialled_gets_its_routes_in_order_and_is_kept(desk: Desk) -> None:
    clearance = await desk.clear("(512) 555-0123")
    assert clearance.number == PROSPECT
    assert [route.endpoint for route in clearance.routes] == [
        "PJSIP/trunk-first/sip:+15125550123@10.0.0.1:5060",
        "PJSIP/trunk-second/sip:15125550123@10.0.0.2:5060",
    ]
    assert await desk.kept() == [(PROSPECT, True, "")]


@pytest.mark.parametrize(
    ("number", "why"), [("911", "Emergency"), ("+18765550123", "country"), ("+15125550100", "own lines")]
)
async def test_a_number_that_may_not_is_kept_with_the_reason(desk: Desk, number: str, why: str) -> None:
    with pytest.raises(DialRefused, match=why):
        await desk.clear(number)
    [(kept, allowed, reason)] = await desk.kept()
    assert (kept, allowed) == (number, False)
    assert why in reason


async def test_junk_of_any_length_is_refused_and_kept_short(desk: Desk) -> None:
    with pytest.raises(DialRefused, match="not a phone number"):
        await desk.clear("5" * 300 + "@evil\x00")
    [(kept, allowed, _)] = await desk.kept()
    assert (kept, allowed) == ("5" * 40, False)


async def test_who_may_not_dial_outside_is_refused_on_every_way(desk: Desk, store: Store) -> None:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "bob").values(dialing="none"))
    for purpose in (DialPurpose.DESK, DialPurpose.ORDER, DialPurpose.TRANSFER, DialPurpose.FORWARD):
        with pytest.raises(DialRefused, match="bob may not dial"):
            await desk.clear(agent="bob", purpose=purpose)
    await desk.clear(agent="alice")


async def test_an_agent_nobody_knows_is_told(desk: Desk) -> None:
    with pytest.raises(NotFound, match="zoe"):
        await desk.clear(agent="zoe")


async def test_the_limits_of_a_day_begin_anew_at_the_offices_midnight(desk: Desk) -> None:
    limited = desk.limited(per_agent_per_day=2, per_day=3)
    await limited.clear()
    await limited.clear()
    with pytest.raises(DialRefused, match=r"alice has reached .* 2 outside calls a day"):
        await limited.clear()
    await limited.clear(agent="bob")
    with pytest.raises(DialRefused, match="office has reached its limit of 3"):
        await limited.clear(agent="carol")
    # 16:00 UTC is 10:00 in Chicago: a day later by UTC is still today there.
    with pytest.raises(DialRefused):
        await limited.clear(agent="carol", now=NOW + timedelta(hours=13))
    await limited.clear(now=NOW + timedelta(hours=15))


async def test_refusals_do_not_use_up_a_limit(desk: Desk) -> None:
    limited = desk.limited(per_agent_per_day=1)
    with pytest.raises(DialRefused):
        await limited.clear("+18765550123")
    await limited.clear()


@pytest.mark.both_databases
async def test_two_who_ask_for_the_last_call_of_the_day_do_not_both_get_it(desk: Desk) -> None:
    limited = desk.limited(per_day=1)
    answers = await asyncio.gather(*(limited.clear() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(answer, Clearance) for answer in answers) == 1
    assert sum(isinstance(answer, DialRefused) for answer in answers) == 4


async def test_the_concurrent_limit_counts_what_is_up(desk: Desk) -> None:
    limited = desk.limited(live=3)
    await limited.clear(live=2)
    with pytest.raises(DialRefused, match="3 outside calls"):
        await limited.clear(live=3)


async def test_who_wants_no_calls_is_not_called_but_who_wants_no_texts_is(desk: Desk) -> None:
    by = By("tests", NOW)
    await desk.store.run(opt_outs.add, desk.config, by, PROSPECT, why="asked by phone")
    await desk.clear()
    await desk.store.run(opt_outs.add, desk.config, by, PROSPECT, why="asked by phone", scope="all")
    with pytest.raises(DialRefused, match="asked not to be called"):
        await desk.clear()
    await desk.clear(purpose=DialPurpose.FORWARD)


async def test_without_a_trunk_nothing_is_dialled(store: Store, config: Config) -> None:
    with pytest.raises(DialRefused, match="no trunk"):
        await Desk(store, config).clear()


async def test_the_line_shown_is_the_agents_propertys_then_the_leads_then_the_first(desk: Desk, store: Store) -> None:
    assert (await desk.clear(agent="alice")).caller_id == "+15125550100", "Maple Court, which her subteam leases"
    assert (await desk.clear(agent="carol")).caller_id == "+15125550100", "the first"
    with store.writing() as session:
        office = session.scalars(select(Line).where(Line.number == "+15125550101")).one()
        lead = Lead(created_at=NOW, phones=[LeadPhone(number=PROSPECT)], interests=[])
        session.add(lead)
        session.flush()
        session.add(Call(id="c0", did=office.number, line_id=office.id, lead_id=lead.id, started_at=NOW))
    assert (await desk.clear(agent="carol")).caller_id == "+15125550101", "the one the person called"
    assert (await desk.clear(agent="alice")).caller_id == "+15125550100"


async def test_a_number_is_checked_before_it_is_written_down_without_being_counted(desk: Desk) -> None:
    number = await desk.store.read(
        dialing.check, desk.config, number="512 555 0123", purpose=DialPurpose.FORWARD, agent="alice"
    )
    assert number == PROSPECT
    with pytest.raises(DialRefused):
        await desk.store.read(
            dialing.check, desk.config, number="900 555 0123", purpose=DialPurpose.FORWARD, agent="alice"
        )
    assert await desk.kept() == []


def test_late_at_night_where_the_person_is_gives_a_warning(config: Config) -> None:
    assert dialing.warning(config, PROSPECT, NOW) == ""
    assert "hours" in dialing.warning(config, PROSPECT, NOW + timedelta(hours=14))
