"""Callers whom SIP itself refuses: who is put on record, and who has got through after all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from ari_app.edge.hep import GIVEN_UP, InviteAnswer, MessagePath
from ari_app.workers.refused_calls import PATIENCE, RefusedCalls
from crm.config import Config, Ports
from crm.domain.calls import CallArrived, Fact
from crm.services.audit import By
from crm.services.calls import ledger, refusals
from crm.services.calls.journal import Journal
from crm.services.people import blocking
from crm.store.models import Agent, Call, Mail, Task, Trunk
from crm.store.session import Store
from crm.worker import Troubles
from tests.store.conftest import crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE, CALLER = "+15125550100", "+15125550123"
CARRIER, OTHER, STRANGER = "192.0.2.7", "192.0.2.99", "198.51.100.1"


def answer(
    status: int = 488,
    call: str = "one",
    *,
    caller: str = CALLER,
    source: str = CARRIER,
    user: str = "",
    way: MessagePath | None = None,
    **headers: str,
) -> InviteAnswer:
    """To an INVITE that came to this machine."""
    said = {"from": f"<sip:{caller}@carrier>;tag=1", "to": f"<sip:{MAPLE}@us>", "call-id": call, **headers}
    if user:
        said["authorization"] = f'Digest username="{user}", realm="sip"'
    values = {name: (value,) for name, value in said.items()}
    return InviteAnswer(status, way or MessagePath(source, 5060, "127.0.0.1"), f"sip:{MAPLE}@us", values)


class Office:
    def __init__(self, config: Config, store: Store, journal: Journal) -> None:
        self.config, self.store, self.journal = config, store, journal
        self.refused = RefusedCalls(crm_at(config, store), journal)

    async def after(self, *answers: InviteAnswer, wait: timedelta = PATIENCE) -> Sequence[Call]:
        """The calls on record when these answers were given, and nobody waits any longer."""
        for one in answers:
            self.refused.heard(one)
        await self.refused.look(NOW + wait)
        await self.journal.drained()
        with self.store.reading() as session:
            return session.scalars(select(Call).order_by(Call.id)).all()


@pytest.fixture
async def office_of_two(store: Store, config: Config, tmp_path: Path) -> AsyncIterator[Office]:
    """One trunk is known by its addresses, the other by its password."""
    with store.writing() as session:
        session.add_all(
            [
                Trunk(
                    slug="acme",
                    host="acme.example.com",
                    port=5060,
                    transport="udp",
                    auth="address",
                    enabled=True,
                    addresses=["192.0.2.0/28"],
                    username="",
                    register=False,
                    emergency=False,
                    did_from="",
                ),
                Trunk(
                    slug="pbx",
                    host="pbx.example.com",
                    port=5060,
                    transport="udp",
                    auth="digest",
                    enabled=True,
                    addresses=[],
                    username="us",
                    register=False,
                    emergency=False,
                    did_from="",
                ),
            ]
        )

    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, NOW)

    async with Journal(tmp_path / "journal", apply) as journal:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        yield Office(msgspec.structs.replace(config, ports=Ports(hep=port)), store, journal)


async def test_who_is_refused_has_a_record_and_somebody_who_calls_back(office_of_two: Office) -> None:
    [call] = await office_of_two.after(answer(), answer())
    assert (call.did, call.caller, call.trunk, call.started_at) == (MAPLE, CALLER, "acme", NOW)
    assert (call.outcome, call.ended_at, call.ended_by) == ("gave_up", NOW, "system")
    with office_of_two.store.reading() as session:
        [task] = session.scalars(select(Task)).all()
        assert (task.kind, task.owner_id is not None) == ("call_back", True)
        assert task.why == (
            "Called Maple Court and did not get through: their carrier offered no codec that the phone system supports "
            "(SIP 488)."
        )


@pytest.mark.parametrize("is_through", [False, True], ids=["lost", "through another way"])
async def test_who_is_ignored_has_a_record_unless_they_have_called_since(
    office_of_two: Office, monkeypatch: pytest.MonkeyPatch, is_through: bool
) -> None:
    """Asterisk ignores INVITEs while it is overloaded; some carriers then send another one."""
    ignored = [answer(408)]
    monkeypatch.setattr(office_of_two.refused._invites, "unanswered", lambda: ignored)
    if is_through:
        arrived = CallArrived("c/1", "c", NOW - timedelta(seconds=20), MAPLE, CALLER, "acme")
        await office_of_two.store.run(ledger.record, office_of_two.config, arrived, NOW)
    found = await office_of_two.after(wait=timedelta(0))
    assert [(call.trunk, call.outcome, call.started_at) for call in found if call.id != "c"] == (
        [] if is_through else [("acme", "gave_up", NOW - GIVEN_UP)]
    )


async def test_a_trunk_with_a_password_is_known_by_it(office_of_two: Office) -> None:
    [call] = await office_of_two.after(answer(420, source=OTHER, user="trunk-pbx"))
    assert call.trunk == "pbx"


@pytest.mark.parametrize(
    "one",
    [
        answer(source=STRANGER),
        answer(source=STRANGER, user="us"),
        answer(user="alice-desk"),
        answer(way=MessagePath("127.0.0.1", 5060, CARRIER), user="trunk-pbx"),
        answer(486),
        answer(401),
    ],
)
async def test_phones_strangers_our_own_calls_and_other_answers_are_none_of_it(
    office_of_two: Office, one: InviteAnswer
) -> None:
    assert await office_of_two.after(one) == []


@pytest.mark.parametrize(
    "through",
    [
        answer(180),
        answer(200, source=OTHER),
        answer(180, "two"),
        answer(180, "two", caller="office", **{"p-asserted-identity": f"<tel:{CALLER}>"}),
    ],
)
async def test_who_gets_through_in_time_needs_nothing(office_of_two: Office, through: InviteAnswer) -> None:
    assert await office_of_two.after(answer(422), through) == []


@pytest.mark.parametrize("other", [answer(180, "two", caller="+15125550177"), answer(420)])
async def test_another_caller_and_another_refusal_help_nobody(office_of_two: Office, other: InviteAnswer) -> None:
    assert len(await office_of_two.after(answer(422), other)) == 1


async def test_a_carrier_has_time_to_try_again(office_of_two: Office) -> None:
    assert await office_of_two.after(answer(), wait=PATIENCE - timedelta(seconds=1)) == []
    assert len(await office_of_two.after()) == 1


async def test_a_withheld_number_stays_withheld(office_of_two: Office) -> None:
    [call] = await office_of_two.after(answer(privacy="id", **{"p-asserted-identity": f"<tel:{CALLER}>"}))
    assert (call.caller, call.withheld, call.did) == (None, True, MAPLE)
    other = answer(180, "two", caller="anonymous", privacy="id")
    assert len(await office_of_two.after(answer(call="three", privacy="id"), other)) == 2


async def test_an_unwanted_caller_leaves_nothing_to_do(office_of_two: Office) -> None:
    await office_of_two.store.run(blocking.add, office_of_two.config, By("tests", NOW), CALLER)
    [call] = await office_of_two.after(answer())
    assert call.outcome == "blocked"
    with office_of_two.store.reading() as session:
        assert session.scalars(select(Task)).all() == []


async def test_of_very_many_ten_are_on_record_and_the_admin_is_told_once(office_of_two: Office) -> None:
    with office_of_two.store.writing() as session:
        dana = session.scalars(select(Agent).where(Agent.slug == "dana")).one()
        dana.email = "dana@example.com"
    many = [answer(call=f"call-{number}", caller=f"+1512555{1000 + number}") for number in range(700)]
    assert len(await office_of_two.after(*many)) == refusals.PER_MINUTE
    assert len(await office_of_two.after(*many)) == refusals.PER_MINUTE
    assert len(await office_of_two.after(answer(source=OTHER, user="trunk-pbx"))) == refusals.PER_MINUTE + 1
    with office_of_two.store.reading() as session:
        [mail] = session.scalars(select(Mail).where(Mail.subject.contains("do not get through"))).all()
        assert "on trunk acme: their carrier offered no codec" in mail.body


async def test_a_taken_port_ends_nothing_and_who_still_waits_at_the_end_is_put_on_record(office_of_two: Office) -> None:
    def is_free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", office_of_two.config.ports.hep))
            except OSError:
                return False
            return True

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", office_of_two.config.ports.hep))
        troubles = Troubles(lambda: NOW)
        running = asyncio.create_task(office_of_two.refused.run(troubles))
        async with asyncio.timeout(60):
            while "callers whom SIP refuses" not in troubles.found:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    async with asyncio.timeout(60):
        while is_free():  # noqa: ASYNC110 - the system tells nobody when a port is taken
            await asyncio.sleep(0.02)
    office_of_two.refused.heard(answer())
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert len(await office_of_two.after()) == 1


async def test_while_the_database_is_away_known_trunks_are_put_on_record(office_of_two: Office) -> None:
    await office_of_two.after()
    office_of_two.refused.heard(answer(source=STRANGER))
    await office_of_two.refused.look(NOW + PATIENCE)
    office_of_two.store.refusal = "away"
    office_of_two.refused.heard(answer())
    await office_of_two.refused.look(NOW + PATIENCE)
    office_of_two.store.refusal = ""
    assert len(await office_of_two.after()) == 1
