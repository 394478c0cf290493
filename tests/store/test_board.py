"""What the board reads from the record: who the agents are, what has come in, whose sessions are alive, and since when
calls go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Role
from crm.domain.calls import CallArrived, CallEnded, CallStep, EndedBy, StepTaken
from crm.services import tasks
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.people import leads
from crm.services.phones import devices
from crm.store.models import ArrivalRecord, Mail
from crm.store.session import Store
from crm.views import board
from tests.store.conftest import NOW
from tests.store.test_one_task import missed

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)


async def test_the_office_is_read_again_only_when_it_has_changed(store: Store) -> None:
    first = await store.read(board.office, None)
    assert first.owners["alice-desk"] == "alice"
    assert await store.read(board.office, first) is first
    await store.run(devices.set_dnd, BY, ["alice-desk"], until=NOW + timedelta(hours=1))
    second = await store.read(board.office, first)
    [device] = [one for one in second.agents["alice"].devices if one.slug == "alice-desk"]
    assert (device.has_dnd(NOW), device.has_dnd(NOW + timedelta(hours=2))) == (True, False)


async def test_each_piece_of_news_is_found_once_with_the_properties_it_is_about(store: Store, config: Config) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, name="Pat", phones=["(512) 555-0188"], property_slug="maple")
    mark = await store.read(board.mark)
    with store.writing() as session:
        tasks.add(session, config, BY, lead.id, "Send the floor plan.", NOW + timedelta(hours=1), "alice")
    [one], after = await store.read(board.news, mark)
    assert (one.kind, one.name, one.owner, one.lead, len(one.properties)) == ("task", "Pat", "alice", lead.id, 1)
    assert await store.read(board.news, after) == ([], after)


async def test_emails_and_inquiries_are_news_once_they_have_been_read(store: Store, config: Config) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, name="Pat", phones=["(512) 555-0188"], property_slug="maple")
        id = lead.id
    mark = await store.read(board.mark)

    def arrives(key: str, **more: object) -> ArrivalRecord:
        usual = {"channel": "form:question", "raw": {}, "parser": "site", "parser_version": 1, "received_at": NOW}
        return ArrivalRecord(key=key, **(usual | more))

    with store.writing() as session:
        session.add(arrives("question", read_at=NOW, lead_id=id))
        session.add(arrives("unread"))
        email = arrives("email", read_at=NOW, lead_id=id)
        session.add(email)
        session.flush()
        usual = {"to_address": "office@example.com", "subject": "Hello", "body": "", "state": "received"}
        session.add(Mail(key="in", direction="in", lead_id=id, arrival_id=email.id, created_at=NOW, **usual))
    found, after = await store.read(board.news, mark)
    assert [(one.kind, one.lead, len(one.properties)) for one in found] == [("mail", id, 1), ("form", id, 1)]
    assert await store.read(board.news, after) == ([], after)
    with store.writing() as session:
        unread = session.scalars(select(ArrivalRecord).where(ArrivalRecord.key == "unread")).one()
        unread.read_at, unread.lead_id = NOW, id
    found, _ = await store.read(board.news, after)
    assert [(one.kind, one.lead) for one in found] == [("form", id)], "an email that came in is told as such"


async def test_a_call_that_joins_an_open_task_is_news_once(store: Store, config: Config) -> None:
    before = await store.read(board.mark)
    for minutes in (0, 5, 9):
        facts = missed(minutes)
        await store.run(ledger.record_all, config, facts, max(fact.at for fact in facts))
        found, after = await store.read(board.news, before)
        assert [(one.kind, one.id) for one in found] == [("missed", 1)], minutes
        assert await store.read(board.news, after) == ([], after)
        before = after


async def test_only_sessions_that_are_not_over_stand(store: Store, config: Config) -> None:
    found = []
    with store.writing() as session:
        for name, role in (("dana", Role.MANAGER), ("erin", Role.AGENT), ("finn", Role.AGENT)):
            account = accounts.add(session, BY, name, name.title(), role, agent="alice" if name == "erin" else None)
            token = sessions.begin(session, config, NOW, account.id, address="127.0.0.1", browser="test")
            signed_in = sessions.find(session, token, NOW)
            assert signed_in
            found.append(signed_in)
        accounts.disable(session, BY, "finn")
    standing = await store.read(sessions.standing, [one.session_id for one in found], NOW)
    assert standing == {one.session_id: sessions.SessionStanding.of(one) for one in found[:2]}
    assert standing[found[0].session_id].reach == WHOLE_OFFICE
    assert await store.read(sessions.standing, list(standing), NOW + timedelta(days=30)) == {}


async def test_since_when_calls_and_their_steps_go_on(store: Store, config: Config) -> None:
    later = NOW + timedelta(seconds=20)
    facts = [
        CallArrived("1/arrived", "1", NOW, "+15125550100", "+15125550188"),
        StepTaken("1/a", "1", NOW, CallStep.MENU),
        StepTaken("1/b", "1", later, CallStep.TALK),
        CallArrived("2/arrived", "2", later, "+15125550100", "+15125550189"),
        CallEnded("2/ended", "2", later, EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, later)
    assert await store.read(ledger.begun, ["1", "2", "3"]) == {
        "1": ledger.Begun(NOW, later, "talk"),
        "2": ledger.Begun(later, later),
    }
