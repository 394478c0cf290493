"""Follow-up sequences on real databases, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, Select, TextClause, event, inspect, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeasingStage
from crm.domain.texts import TextPurpose
from crm.services import follow_ups, text_templates
from crm.services.audit import By
from crm.services.office import portfolios
from crm.services.outbox import gatekeeper
from crm.services.people import leads as lead_acts
from crm.services.texts import messages
from crm.store.models import Call, FollowUp, FollowUpLook, Interest, Lead, LeadPhone, Message, Portfolio, Property, Task
from crm.store.session import Store
from crm.views import follow_ups as views
from tests.store.conftest import crm_at
from tests.store.test_messages import text
from tests.store.test_outbox import FakeCarrier, trunk, working

__all__ = ["trunk"]

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BEGIN = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERSON = "+15125550177"
BY = By("tests", BEGIN)


async def interested(store: Store, number: str | None = PERSON, stage: LeasingStage = LeasingStage.CONTACTED) -> int:
    with store.writing() as session:
        return _interested(session, number, stage)


async def many_interested(store: Store, count: int) -> set[int]:
    with store.writing() as session:
        return {_interested(session, f"+1512555{3000 + number}", LeasingStage.CONTACTED) for number in range(count)}


def _interested(session: Session, number: str | None, stage: LeasingStage) -> int:
    property = session.scalars(select(Property).where(Property.slug == "maple")).one()
    phones = [LeadPhone(number=number)] if number else []
    interest = Interest(property_id=property.id, stage=stage, updated_at=BEGIN)
    lead = Lead(status="new", created_at=BEGIN, phones=phones, interests=[interest])
    session.add(lead)
    session.flush()
    return lead.id


async def rows(store: Store, of: type, *where: object) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).where(*where).order_by(*inspect(of).primary_key)).all())


async def sent(store: Store) -> list[float]:
    """When follow-ups were put into the outbox, in hours since the beginning."""
    texts = await rows(store, Message, Message.purpose == TextPurpose.FOLLOW_UP)
    return [(one.created_at - BEGIN) / HOUR for one in texts]


async def pass_time(store: Store, config: Config, until: float, since: float = 0, step: float = 1) -> None:
    hours = since
    while hours <= until:
        await follow_ups.tick(crm_at(config, store, BEGIN + hours * HOUR))
        hours += step


async def test_who_never_answers_gets_the_sequence_and_is_then_left_alone(store: Store, config: Config) -> None:
    await interested(store)
    await pass_time(store, config, 140, step=2)
    assert await sent(store) == [6, 26, 50, 98]
    [interest] = await rows(store, Interest)
    assert interest.stage == LeasingStage.UNRESPONSIVE
    assert (interest.stage_since - BEGIN) / HOUR == 122
    [first, *_] = await rows(store, Message)
    assert first.body.startswith("Hi, this is Maple Court.")
    assert "https://maple.example.com" in first.body
    assert first.property_id == interest.property_id
    await pass_time(store, config, 400, since=142, step=24)
    assert len(await sent(store)) == 4


async def test_an_answer_pauses_it_until_somebody_has_answered(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await pass_time(store, config, 8, step=2)
    await store.run(messages.receive, config, text("Yes, two bedrooms?", at=BEGIN + 9 * HOUR), BEGIN + 9 * HOUR)
    await pass_time(store, config, 80, since=10, step=10)
    assert await sent(store) == [6]
    [_, waiting] = await rows(store, FollowUp)
    assert waiting.state == "paused"
    await store.run(messages.send, config, By("tests", BEGIN + 81 * HOUR), str(lead_id), "We have two.", agent="alice")
    await pass_time(store, config, 110, since=82)
    assert await sent(store) == [6, 101]


async def test_a_stage_that_changes_begins_another_sequence(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await pass_time(store, config, 10, step=2)
    at = By("tests", BEGIN + 10 * HOUR)
    await store.run(follow_ups.set_stage, at, lead_id, "maple", LeasingStage.STILL_DECIDING)
    await pass_time(store, config, 60, since=11)
    assert await sent(store) == [6, 58]
    states = [(row.stage, row.state) for row in await rows(store, FollowUp)]
    assert states == [
        ("contacted", "sent"),
        ("contacted", "cancelled"),
        ("still_deciding", "sent"),
        ("still_deciding", "planned"),
    ]


@pytest.mark.both_databases
async def test_two_workers_send_each_step_once(store: Store, config: Config) -> None:
    for number in range(20):
        await interested(store, f"+1512555{3000 + number}")
    for hours in (0, 7):
        await asyncio.gather(*(follow_ups.tick(crm_at(config, store, BEGIN + hours * HOUR)) for _ in range(3)))
    assert await sent(store) == [7] * 20


async def test_a_step_can_be_changed_and_cancelled(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await follow_ups.tick(crm_at(config, store, BEGIN))
    [step] = await store.read(views.listed, states=("planned", "paused"))
    assert (step.due_at - BEGIN) / HOUR == 6
    await store.run(follow_ups.change, BY, step.id, due_at=BEGIN + 3 * HOUR, text="Hello from {name}.")
    await pass_time(store, config, 4, since=1)
    [message] = await rows(store, Message)
    assert (message.body, (message.created_at - BEGIN) / HOUR) == ("Hello from Maple Court.", 3)
    with pytest.raises(Conflict):
        await store.run(follow_ups.cancel, BY, step.id)
    await follow_ups.tick(crm_at(config, store, BEGIN + 5 * HOUR))
    [planned] = await store.read(views.listed, states=("planned", "paused"))
    await store.run(follow_ups.cancel, By("tests", BEGIN + 6 * HOUR), planned.id)
    await pass_time(store, config, 29, since=7)
    # The third step waits its 24 hours from when the second one was left out.
    assert [row.state for row in await store.read(views.listed, lead_id=lead_id)] == [
        "sent",
        "cancelled",
        "planned",
    ]
    assert await sent(store) == [3]
    await pass_time(store, config, 31, since=30)
    assert await sent(store) == [3, 30]
    with pytest.raises(NotFound):
        await store.run(follow_ups.change, BY, 999, text="x")


async def test_nothing_is_sent_to_a_closed_lead_or_without_a_number(store: Store, config: Config) -> None:
    await interested(store, None)
    closed = await interested(store)
    with store.writing() as session:
        lead = session.get(Lead, closed)
        assert lead is not None
        lead.status = "closed"
    await pass_time(store, config, 100, step=10)
    assert await sent(store) == []


async def test_a_step_long_past_expires_into_one_task_and_is_never_sent(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await pass_time(store, config, 200, since=31, step=24)
    assert await sent(store) == []
    [step] = await rows(store, FollowUp)
    assert step.state == "expired"
    [task] = await rows(store, Task)
    assert (task.kind, task.lead_id, task.person) == ("follow_up", lead_id, f"lead:{lead_id}")
    at = BEGIN + 201 * HOUR
    await store.run(messages.send, config, By("tests", at), str(lead_id), "Still looking?", agent="alice")
    await pass_time(store, config, 224, since=202)
    assert await sent(store) == [221]


async def test_a_step_up_to_a_day_late_is_sent(store: Store, config: Config) -> None:
    await interested(store)
    await follow_ups.tick(crm_at(config, store, BEGIN + 30 * HOUR))
    assert await sent(store) == [30]
    assert await rows(store, Task) == []


async def test_a_tick_in_which_nothing_changes_does_not_write(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        await interested(store, f"+1512555{3000 + number}")
    await follow_ups.tick(crm_at(config, store, BEGIN))
    assert len(await rows(store, FollowUp)) == 120
    written: list[object] = []
    real = store.run

    async def counted(act, *args, **named):  # type: ignore[no-untyped-def]
        written.append(act)
        return await real(act, *args, **named)

    monkeypatch.setattr(store, "run", counted)
    await follow_ups.tick(crm_at(config, store, BEGIN + HOUR))
    assert written == []
    await follow_ups.tick(crm_at(config, store, BEGIN + 7 * HOUR))
    assert len(written) >= 120 // follow_ups.MOST_BATCH, "in several transactions, between which others write"
    assert await sent(store) == [7] * 120


async def test_a_tick_reads_no_more_for_ten_times_the_leads(store: Store, config: Config) -> None:
    """What is asked of the database while nothing changes, and when one person is touched."""
    asked: list[str] = []

    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    counts = []
    for many in (12, 120):
        for number in range(many):
            await interested(store, f"+1512555{3000 + many + number}")
        await follow_ups.tick(crm_at(config, store, BEGIN))
        event.listen(Engine, "before_cursor_execute", count)
        try:
            await follow_ups.tick(crm_at(config, store, BEGIN + HOUR))
            quiet = [one for one in asked if "BEGIN" not in one and "office_mark" not in one]
            with store.writing() as session:
                session.execute(update(Interest).where(Interest.id == 1).values(updated_at=BEGIN + HOUR))
            asked.clear()
            await follow_ups.tick(crm_at(config, store, BEGIN + 2 * HOUR))
            counts.append((len(quiet), len(asked)))
        finally:
            event.remove(Engine, "before_cursor_execute", count)
            asked.clear()
    assert counts[0] == counts[1]
    assert counts[0][0] == 3, "the office's own texts, the rules it has planned by, and whether anybody is due"


async def test_what_is_planned_for_many_people_is_written_at_once(store: Store, config: Config) -> None:
    people = await many_interested(store, 12)
    written: list[int] = []

    def note(connection: object, cursor: object, statement: str, values: Sequence[object], *_: object) -> None:
        if statement.startswith("INSERT INTO follow_up "):
            written.append(len(values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await follow_ups.tick(crm_at(config, store, BEGIN))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert {step.lead_id for step in await rows(store, FollowUp)} == people
    assert written == [12]


TOUCHES = {
    "a text comes in": "INSERT INTO message (key, direction, purpose, to_number, from_number, body, media, lead_id,"
    " state, decision, error, created_at, attempts) SELECT 'x', 'in', 'inbound', '', '', '', '[]', lead.id, 'received',"
    " '', '', '2026-03-02 17:00:00', 0 FROM lead",
    "a stage changes": "UPDATE interest SET stage = 'leased', stage_since = '2026-03-02 17:00:00'",
    "a closed lead is opened again": "UPDATE lead SET status = 'in_progress'",
    "an interest is gone": "DELETE FROM interest",
    "a step is edited": "UPDATE follow_up SET due_at = '2026-03-02 17:30:00'",
}


@pytest.mark.parametrize("what", TOUCHES)
async def test_whatever_changes_a_plan_has_the_lead_looked_at(store: Store, config: Config, what: str) -> None:
    """Also when it is written in a database shell."""
    await interested(store)
    await follow_ups.tick(crm_at(config, store, BEGIN))
    [look] = await rows(store, FollowUpLook)
    assert (look.look_at - BEGIN) / HOUR == 6
    with store.writing() as session:
        session.execute(TextClause(TOUCHES[what]))
    [look] = await rows(store, FollowUpLook)
    assert look.look_at < BEGIN


async def test_a_call_and_a_property_that_joins_a_portfolio_have_the_lead_looked_at(
    store: Store, config: Config
) -> None:
    lead_id = await interested(store)

    async def looked_at() -> bool:
        await follow_ups.tick(crm_at(config, store, BEGIN))
        return [look.look_at > BEGIN for look in await rows(store, FollowUpLook)] == [True]

    assert await looked_at()
    with store.writing() as session:
        session.add(Call(id="c1", did="+15125550100", direction="in", lead_id=lead_id, started_at=BEGIN - HOUR))
    assert [look.look_at < BEGIN for look in await rows(store, FollowUpLook)] == [True]
    assert await looked_at()
    with store.writing() as session:
        property = session.scalars(select(Property).where(Property.slug == "maple")).one()
        property.portfolio = Portfolio(slug="west", name="West")
    assert [look.look_at < BEGIN for look in await rows(store, FollowUpLook)] == [True]


async def test_when_an_interest_goes_to_another_lead_both_are_looked_at_and_a_deleted_lead_is_not(
    store: Store, config: Config
) -> None:
    ids = [await interested(store, f"+1512555{3000 + number}") for number in range(2)]
    with store.writing() as session:
        property = Property(slug="lake", name="Lake")
        session.add(property)
        session.flush()
        session.execute(update(Interest).where(Interest.lead_id == ids[0]).values(property_id=property.id))
    await follow_ups.tick(crm_at(config, store, BEGIN))
    assert {(look.look_at - BEGIN) / HOUR for look in await rows(store, FollowUpLook)} == {6}
    with store.writing() as session:
        session.execute(update(Interest).where(Interest.lead_id == ids[0]).values(lead_id=ids[1]))
    assert {look.look_at < BEGIN for look in await rows(store, FollowUpLook)} == {True}
    with store.writing() as session:
        session.delete(session.get_one(Lead, ids[1]))
    assert [look.lead_id for look in await rows(store, FollowUpLook)] == [ids[0]]


async def test_other_sequences_have_everybody_looked_at_once(store: Store, config: Config) -> None:
    for number in range(3):
        await interested(store, f"+1512555{3000 + number}")
    await follow_ups.tick(crm_at(config, store, BEGIN))
    folder = config.home / "follow_ups"
    folder.mkdir()
    (folder / "default.toml").write_text('[contacted]\nsteps = [{wait = "2h", text = "Hello from {name}."}]\n')
    await follow_ups.tick(crm_at(config, store, BEGIN + HOUR))
    assert {(row.due_at - BEGIN) / HOUR for row in await rows(store, FollowUp)} == {2}
    (folder / "default.toml").write_text("[contacted\n")
    with pytest.raises(Invalid):
        await follow_ups.tick(crm_at(config, store, BEGIN + 2 * HOUR))
    assert await sent(store) == []
    (folder / "default.toml").write_text('[contacted]\nsteps = [{wait = "3h", text = "Hello from {name}."}]\n')
    await follow_ups.tick(crm_at(config, store, BEGIN + 2 * HOUR))
    await follow_ups.tick(crm_at(config, store, BEGIN + 3 * HOUR))
    assert await sent(store) == [3] * 3


@pytest.mark.usefixtures("trunk")
async def test_many_that_are_due_at_once_leave_at_the_pace_of_the_office(store: Store, config: Config) -> None:
    config = replace(config, texts=replace(config.texts, per_hour=20, automatic_percent=100, per_day=0, spike_texts=0))
    await many_interested(store, 120)
    await follow_ups.tick(crm_at(config, store, BEGIN))
    carrier = FakeCarrier()
    left: list[datetime] = []
    for hours in range(7, 32):
        now = BEGIN + hours * HOUR
        if hours == 7:
            assert await follow_ups.tick(crm_at(config, store, now)) == 120, "all of them in one look"
        is_due = (Message.state == DeliveryState.QUEUED) & (Message.next_attempt_at <= now)
        due = select(Message.id).where(is_due | (Message.state == DeliveryState.SENDING))
        async with working(store, config, carrier) as worker, asyncio.timeout(60):
            worker.clock.now = now
            while await rows_left(store, due):  # noqa: ASYNC110 - another process could be sending
                await asyncio.sleep(0.01)
        assert len(carrier.given) - len(left) <= 20
        left += [now] * (len(carrier.given) - len(left))
    assert len({text.to_number for text in carrier.given}) == len(carrier.given) == 120, "each of them once"
    assert max(left) - min(left) > 5 * HOUR


@pytest.mark.usefixtures("trunk")
async def test_of_those_that_the_limits_never_let_through_nobody_is_lost(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, texts=replace(config.texts, per_hour=2, automatic_percent=100, per_day=5, spike_texts=0))
    leads = await many_interested(store, 40)
    await follow_ups.tick(crm_at(config, store, BEGIN))
    carrier, asked = FakeCarrier(), 0
    decide = gatekeeper.decide

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return decide(*arguments)

    monkeypatch.setattr(gatekeeper, "decide", counted)
    for hours in range(7, 7 + 24 * 4):
        now = BEGIN + hours * HOUR
        await follow_ups.tick(crm_at(config, store, now))
        is_due = (Message.state == DeliveryState.QUEUED) & (Message.next_attempt_at <= now)
        due = select(Message.id).where(is_due | (Message.state == DeliveryState.SENDING))
        before = len(carrier.given)
        async with working(store, config, carrier) as worker, asyncio.timeout(60):
            worker.clock.now = now
            while await rows_left(store, due):  # noqa: ASYNC110 - another process could be sending
                await asyncio.sleep(0.01)
        assert len(carrier.given) - before <= 2
    await follow_ups.tick(crm_at(config, store, BEGIN + 7 * HOUR + timedelta(days=4)))
    reached = {text.to_number for text in carrier.given}
    numbers = {phone.number: phone.lead_id for phone in await rows(store, LeadPhone)}
    waiting = {task.lead_id for task in await rows(store, Task)}
    assert 10 <= len(reached) <= 20
    assert {numbers[number] for number in reached} | waiting == leads, "each has got a text, or is somebody's task"
    assert {row.state for row in await rows(store, FollowUp)} >= {"sent", "expired"}
    assert asked < 40 * 10, "each is asked about when its turn comes, and not whenever another one may leave"


async def rows_left(store: Store, found: Select[Any]) -> int:
    with store.reading() as session:
        return len(session.execute(found).all())


async def test_a_portfolio_may_have_its_own_sequences(store: Store, config: Config) -> None:
    await store.run(portfolios.add, BY, "east", name="East side")
    await store.run(portfolios.assign, BY, "maple", "east")
    folder = config.home / "follow_ups"
    folder.mkdir()
    (folder / "east.toml").write_text('[contacted]\nsteps = [{wait = "1h", text = "Only this, {name}."}]')
    await interested(store)
    await pass_time(store, config, 200, step=5)
    assert await sent(store) == [5]
    (folder / "east.toml").write_text("[contacted")
    with pytest.raises(Invalid) as refused:
        await follow_ups.tick(crm_at(config, store, BEGIN))
    assert "east.toml" in str(refused.value)


def test_our_own_sequences_can_be_read(tmp_path: Path) -> None:
    rules = follow_ups.sequences(Config(home=tmp_path))
    assert set(rules.sequences) >= {LeasingStage.CONTACTED, LeasingStage.SHOWING_DESIRED, LeasingStage.SHOWING_MISSED}


async def test_whose_language_is_spanish_gets_the_sequence_in_spanish(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await pass_time(store, config, 1)
    [planned] = await rows(store, FollowUp)
    assert planned.text.startswith("Hi, this is")
    await store.run(lead_acts.change, config, BY, str(lead_id), language="es")
    await pass_time(store, config, 1)
    [planned] = await rows(store, FollowUp)
    assert planned.text.startswith("Hola, le escribe")
    await pass_time(store, config, 6, since=2)
    [first] = await rows(store, Message)
    assert first.body.startswith("Hola, le escribe Maple Court. ¿Sigue buscando vivienda?")


async def test_a_file_of_the_offices_without_spanish_is_sent_in_english(store: Store, config: Config) -> None:
    lead_id = await interested(store)
    await store.run(lead_acts.change, config, BY, str(lead_id), language="es")
    own = config.home / "follow_ups" / "default.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[contacted]\nsteps = [{wait = "1h", text = "Hi from {name}."}]\n')
    await pass_time(store, config, 1)
    [first] = await rows(store, Message)
    assert first.body == "Hi from Maple Court."


async def test_what_the_office_writes_in_place_of_a_step_is_planned_anew_and_sent(store: Store, config: Config) -> None:
    await interested(store)
    await pass_time(store, config, 1)
    await store.run(text_templates.put, config, BY, "followup.contacted.1", "en", "Hello from {name}!")
    await pass_time(store, config, 1)
    [planned] = await rows(store, FollowUp)
    assert planned.text == "Hello from {name}!"
    await store.run(text_templates.reset, config, BY, "followup.contacted.1")
    await pass_time(store, config, 6, since=2)
    [first] = await rows(store, Message)
    assert first.body.startswith("Hi, this is Maple Court.")
