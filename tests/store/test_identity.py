"""Who a number is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from crm.domain.blocking import BlockKind, BlockListEntry
from crm.domain.route_inputs import CallerKind
from crm.services.people import intake
from crm.services.people.identity import NOBODY, Identity, KnownContact, KnownLead, who_is
from crm.store.models import Agent, BlockedCaller, Contact, Device, Property
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

MAPLE, PERSON = "+15125550100", "+15125550177"

ONE_ROW = ("SCAN CONSTANT ROW", "SCAN asked")
"""What everything else is joined to."""


@pytest.fixture
def everything(store: Store, office: None) -> None:
    """One number that is all that a number can be, but a line."""
    with store.writing() as session:
        bob = session.scalars(select(Agent).where(Agent.slug == "bob")).one()
        property = session.scalars(select(Property).where(Property.slug == "maple")).one()
        lead = intake.by_number(session, PERSON, NOW)
        lead.name, lead.language, lead.assigned_agent = "Pat", "es", bob
        session.add_all(
            [
                Contact(number=PERSON, kind="resident", name="Patricia", property_id=property.id, created_at=NOW),
                Device(slug="bob-cell", kind="mobile", number=PERSON, agent_id=bob.id),
                Device(slug="bob-other", kind="mobile", number="+15125550178", agent_id=bob.id),
                BlockedCaller(kind="prefix", value="+1512", refusal="silent", why="area", created_at=NOW),
                BlockedCaller(kind="prefix", value="+151", refusal="spoken", why="wide", created_at=NOW),
                BlockedCaller(kind="prefix", value="+1513", refusal="spoken", why="another", created_at=NOW),
                BlockedCaller(kind="withheld", value="", refusal="spoken", why="", created_at=NOW),
            ]
        )


@pytest.mark.usefixtures("everything")
def test_a_number_may_be_several(store: Store) -> None:
    with store.reading() as session:
        found = who_is(session, PERSON)
        property_id = session.scalar(select(Property.id).where(Property.slug == "maple"))
    assert found.lead
    assert found.contact
    assert found.lead == KnownLead(found.lead.id, "Pat", "new", "es", "bob")
    assert found.contact == KnownContact(
        found.contact.id, CallerKind.RESIDENT, "Patricia", "", property_id, "maple", "Maple Court"
    )
    assert (found.colleague, found.is_line, found.may_become_lead) == ("bob", False, False)
    assert found.blocked == BlockListEntry(BlockKind.PREFIX, "+1512", is_silent=True, why="area")


@pytest.mark.usefixtures("everything")
def test_a_whole_number_on_the_block_list_comes_before_its_beginnings(store: Store) -> None:
    with store.writing() as session:
        session.add(BlockedCaller(kind="number", value=PERSON, refusal="spoken", why="him", created_at=NOW))
    with store.reading() as session:
        assert who_is(session, PERSON).blocked == BlockListEntry(BlockKind.NUMBER, PERSON, why="him")


@pytest.mark.usefixtures("everything")
def test_each_is_found_alone(store: Store) -> None:
    with store.reading() as session:
        assert who_is(session, "+13035550100") == Identity("+13035550100")
        assert who_is(session, "+13035550100").may_become_lead
        colleague = who_is(session, "+15125550178")
        assert (colleague.colleague, colleague.lead, colleague.contact) == ("bob", None, None)
        line = who_is(session, MAPLE)
        assert (line.is_line, line.may_become_lead) == (True, False)
        assert who_is(session, None) is who_is(session, "") is NOBODY


@pytest.mark.usefixtures("everything")
def test_who_calls_is_one_question(store: Store) -> None:
    asked: list[str] = []
    with store.reading() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        who_is(session, PERSON)
    assert len(asked) == 1


@pytest.mark.usefixtures("everything")
def test_no_table_is_read_through_for_a_caller(store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    with store.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        who_is(session, PERSON)
        [(statement, values)] = asked
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            read = [step for *_, step in plan if step.startswith("SCAN") and step not in ONE_ROW]
        else:
            # Tables of a few rows are read through unless that is made dear.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
            read = [step for (step,) in plan if "Seq Scan" in step]
    assert read == []
