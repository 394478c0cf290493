"""Reports on real databases, from calls as the ledger records them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import metrics
from crm.domain.calls import CallArrived, CallEnded, EndedBy, LegRang, Outcome, TalkEnded, TalkStarted, Transferred
from crm.domain.tasks import task_after
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services import lost_callers
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.people import leads
from crm.services.tours import booking, times
from crm.store.models import Agent, Call, Contact, Device, Lead, Line, Mail, Property, Subteam, Task, TaskCall
from crm.store.models.calls import UNCOVERED
from crm.store.queries import agents, calls
from crm.store.session import Store
from crm.views import reports as views

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def called(store: Store, config: Config, id: str, caller: str, *, talk: bool, transfer: bool = False) -> None:
    """A call of a minute to Maple Court, with alice when she talks."""
    facts: list = [CallArrived(f"{id}/a", id, NOW, MAPLE, caller)]
    if talk:
        facts += [
            LegRang(f"{id}/r", id, after(2), f"{id}-leg", "alice-desk", "alice", "subteam"),
            TalkStarted(f"{id}/t", id, after(5), f"{id}-leg"),
        ]
    if transfer:
        facts.append(Transferred(f"{id}/x", id, after(20), f"{id}-leg", f"{id}-leg-2", "blind"))
    if talk:
        facts.append(TalkEnded(f"{id}/te", id, after(60), f"{id}-leg"))
    facts.append(CallEnded(f"{id}/e", id, after(60), EndedBy.CALLER))
    for fact in facts:
        await store.run(ledger.record, config, fact, after(61))


async def test_figures_of_recorded_calls(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    await called(store, config, "c2", "+15125550172", talk=True, transfer=True)
    await called(store, config, "c3", "+15125550173", talk=False)
    found = await store.read(views.calls, NOW - timedelta(days=1), NOW + timedelta(days=1))
    maple, all_ = metrics.figures(found, metrics.MetricGroup.PROPERTY, config.tz)
    assert maple.name == "maple"
    assert (all_.calls, all_.qualified, all_.first_pass, all_.transferred) == (3, 2, 1, 1)
    assert all_.answer_median_seconds == 5
    assert (all_.leads, all_.leads_complete) == (3, 0)
    assert {record.agent for record in found} == {"alice", ""}
    assert await store.read(views.calls, NOW + timedelta(days=1), NOW + timedelta(days=2)) == []


async def test_a_retired_agent_and_a_new_one_of_the_same_name_are_told_apart(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    found = await store.read(views.figures, config, NOW - timedelta(days=1), after(60), metrics.MetricGroup.AGENT)
    assert [(one.name, one.calls) for one in found] == [("alice", 1), ("all", 1)]

    def replace(session: Session) -> None:
        old = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        session.execute(update(Device).where(Device.agent_id == old.id).values(retired_at=after(120)))
        old.retired_at, old.extension = after(120), None
        session.flush()
        session.add(Agent(slug="alice", name="Another Alice"))

    await store.run(replace)
    found = await store.read(views.figures, config, NOW - timedelta(days=1), after(600), metrics.MetricGroup.AGENT)
    assert [(one.name, one.calls) for one in found] == [("alice (until 2026-03-02)", 1), ("all", 1)]


async def test_properties_and_subteams_that_had_one_name_after_another_are_told_apart(
    store: Store, config: Config
) -> None:
    """Two of them were retired on one day."""

    def succeed(session: Session) -> None:
        for number, retired_at in enumerate((after(3600), after(7200), after(30 * 3600), None), start=1):
            team = Subteam(slug="west", name=f"West {number}", retired_at=retired_at)
            elm = Property(slug="elm", name=f"Elm {number}", subteam=team, retired_at=retired_at)
            line = Line(number="+15125550109", label="Elm", property=elm, retired_at=retired_at)
            session.add_all([team, elm, line])
            # How many calls there are says which one it is.
            session.add_all(
                Call(id=f"{number}/{call}", did=line.number, line=line, started_at=NOW, outcome=Outcome.GAVE_UP)
                for call in range(number)
            )
            session.flush()

    await store.run(succeed)
    for group, name in ((metrics.MetricGroup.PROPERTY, "elm"), (metrics.MetricGroup.SUBTEAM, "west")):
        found = await store.read(views.figures, config, NOW - timedelta(days=1), after(60), group)
        assert {one.name: one.calls for one in found} == {
            f"{name} (until 2026-03-02)": 1,
            f"{name} (until 2026-03-02, no. 2)": 2,
            f"{name} (until 2026-03-03)": 3,
            name: 4,
            "all": 10,
        }


async def test_sources_count_what_they_brought(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    await called(store, config, "c2", "+15125550171", talk=True)
    by = By("alice", after(600))
    await store.run(times.set_hours, by, "maple", ["mon-sun 10:00-12:00"], kind=TourKind.REMOTE, minutes=30)
    [slot, *_] = await store.read(times.free, config, "maple", by.now)
    secrets = Secrets(config.secrets_file)
    await store.run(
        booking.book, config, secrets, by, person="+15125550171", property_slug="maple", at=slot.starts_at, key="t"
    )
    [sign] = await store.read(views.sources, config, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert (sign.name, sign.calls, sign.leads, sign.tours, sign.applications) == ("sign", 2, 1, 1, 0)


async def test_nobody_is_lost_and_if_somebody_were_the_admin_would_hear_of_it(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    await called(store, config, "c2", "+15125550172", talk=False)
    await store.run(ledger.record, config, CallArrived("c3/a", "c3", NOW, MAPLE, None), NOW)
    assert await store.read(views.lost, config, after(120)) == []
    assert await store.run(lost_callers.alarm, config, after(120)) == 0

    with store.writing() as session:
        session.execute(delete(Task).where(Task.call_id == "c2"))
        admin = agents.by_slug(session, "dana")
        assert admin is not None
        admin.email = "dana@example.com"
    later = NOW + timedelta(days=1)
    assert [(one.call, one.why) for one in await store.read(views.lost, config, later)] == [
        ("c3", "It has no outcome."),
        ("c2", 'It ended as "gave up", and nobody has a task.'),
    ]
    for _ in range(2):
        assert await store.run(lost_callers.alarm, config, later) == 2
    with store.reading() as session:
        mails = session.scalars(select(Mail.subject)).all()
        assert session.get(Call, "c2") is not None
    assert mails == ["A caller may be lost"] * 2


def test_whatever_has_to_leave_a_task_is_looked_at() -> None:
    """The index tells the outcomes by name."""
    need_task = {outcome for outcome in Outcome if task_after(outcome) is not None}
    assert {outcome for outcome in Outcome if f"'{outcome}'" not in UNCOVERED.partition("NOT IN")[2]} == need_task


async def test_a_call_that_is_taken_care_of_is_not_looked_at_again_until_its_task_goes(
    store: Store, config: Config
) -> None:
    for number in range(1, 7):
        await called(store, config, f"c{number}", f"+1512555017{number}", talk=False)
    assert await store.run(calls.mark_covered, 4) == 4
    assert await store.run(calls.mark_covered, 4) == 2
    assert await store.run(calls.mark_covered, 4) == 0
    # A list of the calls to look at: they are found by the index, and those with a mark do not stand in it.
    asked: list[tuple[str, Any]] = []
    with store.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        assert calls.lost(session, config.node, after(120)) == []
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name != "sqlite":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        statement, values = asked[1]
        plan = str(connection.exec_driver_sql(f"{explain} {statement}", values).all())
    assert "ix_call_uncovered" in plan

    async def lost() -> list[str]:
        return sorted(one.call for one in await store.read(views.lost, config, after(120)))

    with store.writing() as session:
        # One loses its task, one is taken off it; a task goes to another lead, and so does a call.
        session.execute(delete(Task).where(Task.call_id == "c1"))
        session.execute(delete(TaskCall).where(TaskCall.call_id == "c2"))
        session.execute(update(Task).where(Task.call_id == "c2").values(call_id="c6"))
        session.execute(update(Task).where(Task.call_id == "c3").values(lead_id=None))
        session.execute(update(Call).where(Call.id == "c4").values(lead_id=None))
        marked = session.scalars(select(Call.id).where(Call.covered).order_by(Call.id)).all()
    assert marked == ["c5", "c6"]
    assert await lost() == ["c1"], "the lead of c2 has a task, c3 and c4 have theirs"
    assert await store.run(calls.mark_covered, 9) == 3
    with store.writing() as session:
        session.execute(delete(Task).where(Task.call_id == "c6"))
    assert await lost() == ["c1", "c2", "c6"]


async def test_what_a_call_of_ours_was_about_is_asked_for_again_when_the_older_task_goes(
    store: Store, config: Config
) -> None:
    """Calls to a vendor, who is no lead: a task of theirs covers them."""
    with store.writing() as session:
        vendor = Contact(number="+15125550171", kind="vendor", name="Vee", created_at=NOW)
        session.add(vendor)
        session.flush()
        common = {"did": MAPLE, "caller": vendor.number, "contact_id": vendor.id, "started_at": NOW, "ended_at": NOW}
        session.add(Call(id="c1", outcome="gave_up", **common))
        session.add(Call(id="c2", direction="out", outcome="not_reached", **common))
        dana = agents.by_slug(session, "dana")
        assert dana is not None
        times = {"due_at": NOW, "created_at": NOW}
        session.add(Task(key="call:c1", kind="call_back", owner_id=dana.id, call_id="c1", why="", **times))
    assert await store.run(calls.mark_covered, 9) == 2
    with store.writing() as session:
        session.execute(delete(Task))
    assert {one.call for one in await store.read(views.lost, config, after(120))} == {"c1", "c2"}


async def test_a_record_is_complete_with_name_and_wish_unless_somebody_typed_it(store: Store, config: Config) -> None:
    async def complete() -> tuple[int, int]:
        found = await store.read(views.calls, NOW - timedelta(days=1), NOW + timedelta(days=1))
        [*_, all_] = metrics.figures(found, metrics.MetricGroup.PROPERTY, config.tz)
        return all_.leads, all_.leads_complete

    await called(store, config, "c1", "+15125550171", talk=True)
    await called(store, config, "c2", "+15125550172", talk=True)
    assert await complete() == (2, 0)
    with store.writing() as session:
        for lead in session.scalars(select(Lead)):
            lead.name = "Pat"
    assert await complete() == (2, 0)
    with store.writing() as session:
        one, other = session.scalars(select(Lead).order_by(Lead.id)).all()
        one.bedrooms, other.move_in_on = 0, NOW.date()
    assert await complete() == (2, 2)
    await store.run(leads.add, config, By("dana", NOW), phones=["+15125550172"])
    assert await complete() == (2, 1)
    with store.reading() as session:
        [*_, all_] = views.figures(session, config, NOW - timedelta(days=1), NOW + timedelta(days=1), None)
    shares = (all_.name_share, all_.number_share, all_.source_share, all_.property_share, all_.wish_share)
    assert shares == (0.5, 0.5, 0.5, 0.5, 0.5), "what was entered by hand counts for nothing"


async def test_what_somebody_corrects_on_a_card_counts_as_typed(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    with store.writing() as session:
        [lead] = session.scalars(select(Lead))
        lead.name, lead.bedrooms = "Pat", 2

    async def shares() -> list[float | None]:
        [*_, all_] = await store.read(views.figures, config, NOW - timedelta(days=1), NOW + timedelta(days=1), None)
        return [all_.name_share, all_.number_share, all_.source_share, all_.property_share, all_.wish_share]

    assert await shares() == [1, 1, 1, 1, 1]
    await store.run(leads.change, config, By("dana", NOW), lead.id, name="Pat Smith")
    assert await shares() == [0, 1, 1, 1, 1]
    await store.run(leads.change, config, By("dana", NOW), lead.id, move_in="2026-05-01", source="walk-in")
    assert await shares() == [0, 1, 0, 1, 0]
    await store.run(leads.change, config, By("dana", NOW), lead.id, pets="dog")
    assert await shares() == [0, 1, 0, 1, 0]
