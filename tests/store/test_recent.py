"""Recent contacts on real databases: in one order, within reach, and without reading tables through."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import Conflict, NotFound
from crm.services.audit import By
from crm.services.people import callers
from crm.services.people.callers import CallerDetails
from crm.store.models import (
    Activity,
    Agent,
    ArrivalRecord,
    Call,
    Contact,
    Interest,
    Lead,
    LeadPhone,
    Leg,
    Mail,
    Message,
    Property,
)
from crm.store.session import Store
from crm.views import recent
from crm.views.recent import RecentCursor, RecentFilter, RecentPage
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
PAT, SAM = "+15125550188", "+15125550189"
MAPLE = "+15125550100"
EVERYTHING = RecentFilter()
MINUTE = timedelta(minutes=1)


def property_id(store: Store, slug: str = "maple") -> int:
    with store.reading() as session:
        return session.scalars(select(Property.id).where(Property.slug == slug)).one()


def put(store: Store, *rows: object) -> None:
    with store.writing() as session:
        session.add_all(rows)


def call(id: str, minutes: int = 0, **more: Any) -> Call:
    values = {"direction": "in", "did": MAPLE, "caller": PAT, "outcome": "gave_up", **more}
    return Call(id=id, started_at=NOW - minutes * MINUTE, ended_at=NOW, **values)


def text(key: str, minutes: int = 0, **more: Any) -> Message:
    values = {"direction": "in", "purpose": "inbound", "state": "received", **more}
    return Message(key=key, created_at=NOW - minutes * MINUTE, from_number=PAT, to_number=MAPLE, body=key, **values)


def mail(key: str, lead: int, minutes: int = 0, **more: Any) -> Mail:
    values = {"direction": "in", "purpose": "inbound", "state": "received", "subject": key, **more}
    return Mail(key=key, created_at=NOW - minutes * MINUTE, to_address="o@example.com", body="", lead_id=lead, **values)


def form(key: str, lead: int | None, minutes: int = 0) -> ArrivalRecord:
    return ArrivalRecord(
        key=key,
        channel="form:question",
        raw={},
        parser="form",
        parser_version=1,
        received_at=NOW - minutes * MINUTE,
        lead_id=lead,
    )


def lead(store: Store, number: str, *properties: int) -> int:
    with store.writing() as session:
        found = Lead(created_at=NOW, phones=[LeadPhone(number=number)], emails=[])
        found.interests = [Interest(property_id=one, updated_at=NOW) for one in properties]
        session.add(found)
        session.flush()
        return found.id


def page(store: Store, asked: RecentFilter = EVERYTHING, **more: Any) -> RecentPage:
    with store.reading() as session:
        return recent.page(session, asked, **more)


def walked(store: Store, asked: RecentFilter = EVERYTHING, **more: Any) -> list[tuple[str, str]]:
    """All that there is, page by page."""
    found, after = [], None
    while True:
        one = page(store, asked, after=after, **more)
        found += [(entry.way, entry.id) for entry in one.entries]
        if one.next is None:
            return found
        after = one.next


def test_all_ways_at_the_same_moments_come_once_and_in_order(store: Store) -> None:
    id = lead(store, PAT)
    for number in range(12):
        put(
            store,
            call(f"c{number:02}.1", number // 4),
            text(f"t{number}", number // 4),
            mail(f"m{number}", id, number // 4),
            form(f"f{number}", id, number // 4),
        )
    whole = page(store, limit=100)
    assert len(whole.entries) == 48
    assert [one.at for one in whole.entries] == sorted((one.at for one in whole.entries), reverse=True)
    wanted = [(one.way, one.id) for one in whole.entries]
    for limit in (1, 3, 7, 48):
        assert walked(store, limit=limit) == wanted


def test_notices_colleagues_and_emails_that_came_as_arrivals_are_left_out(store: Store) -> None:
    id = lead(store, PAT)
    arrival = form("m", id)
    put(store, arrival, form("nobody", None), text("s", direction="out", purpose="staff"))
    with store.reading() as session:
        arrival_id = session.scalars(select(ArrivalRecord.id).where(ArrivalRecord.key == "m")).one()
    put(
        store,
        mail("m", id, arrival_id=arrival_id),
        mail("n", id, direction="out", purpose="notice"),
        call("c1.1", direction="internal", caller=None),
    )
    assert [way for way, _ in walked(store)] == ["mail"]


def test_a_narrow_reach_lets_through_what_is_about_its_properties_or_their_people(store: Store) -> None:
    maple, other = property_id(store), Property(slug="far", name="Far")
    put(store, other)
    far = property_id(store, "far")
    pat, sam = lead(store, PAT, maple), lead(store, SAM, far)
    put(
        store,
        call("c1.1", property_id=maple),
        call("c2.1", property_id=far, lead_id=pat),
        call("c3.1", property_id=None, lead_id=pat),
        call("c4.1", property_id=None, lead_id=sam),
        call("c5.1", property_id=None),
        text("t1", property_id=far, lead_id=pat),
        text("t2", lead_id=pat),
        text("t3"),
        mail("m1", pat),
        mail("m2", sam),
        form("f1", pat),
        form("f2", sam),
    )
    reach = Reach(frozenset({maple}))
    with store.reading() as session:
        names = {("text", str(one.id)): one.key for one in session.scalars(select(Message))}
        names |= {("mail", str(one.id)): one.key for one in session.scalars(select(Mail))}
        names |= {("form", str(one.id)): one.key for one in session.scalars(select(ArrivalRecord))}
        for id, is_near in (("c1.1", True), ("c2.1", False), ("c3.1", True), ("c5.1", False)):
            assert recent.within(session, [id], reach) == ({id} if is_near else set())
            if not is_near:
                with pytest.raises(NotFound):
                    recent.call(session, id, reach)
    found = {names.get(one, one[1]) for one in walked(store, reach=reach)}
    assert found == {"c1.1", "c3.1", "t2", "m1", "f1"}
    assert len(walked(store, reach=WHOLE_OFFICE)) == 12
    with pytest.raises(NotFound):
        page(store, RecentFilter(property="far"), reach=reach)
    by_property = {names.get(one, one[1]) for one in walked(store, RecentFilter(property="maple"))}
    assert by_property == {"c1.1", "m1", "f1"}


def test_a_page_looks_at_so_many_rows_and_says_how_far_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "LOOKED_AT", 10)
    put(store, *(call(f"c{number:02}.1", number) for number in range(35)), call("o1.1", 33, direction="out"))
    out = RecentFilter(direction="out")
    first = page(store, out)
    assert first.entries == []
    assert first.looked_back_to == NOW - 9 * MINUTE
    assert first.next == RecentCursor(NOW - 9 * MINUTE)
    assert walked(store, out) == [("call", "o1.1")]
    assert len(walked(store)) == 36


def test_by_agent_comes_what_they_answered_placed_or_wrote(store: Store) -> None:
    with store.reading() as session:
        alice = session.scalars(select(Agent.id).where(Agent.slug == "alice")).one()
    put(
        store,
        call("c1.1", 1, legs=[Leg(id="l1", device="alice-desk", agent_id=alice, stage="agent", started_at=NOW)]),
        call(
            "c2.1",
            2,
            legs=[Leg(id="l2", device="alice-desk", agent_id=alice, stage="agent", started_at=NOW, answered_at=NOW)],
        ),
        call("c3.1", 3, direction="out", agent_id=alice),
        text("t1", 4, direction="out", purpose="agent", agent_id=alice),
        text("t2", 5),
    )
    assert [way for way, _ in walked(store, RecentFilter(agent="alice"))] == ["call", "call", "text"]
    [answered] = [one for one in page(store, RecentFilter(agent="alice")).entries if one.id == "c2.1"]
    assert answered.who == "Alice"


def test_no_table_is_read_through_for_a_page(store: Store) -> None:
    maple = property_id(store)
    id = lead(store, PAT, maple)
    for number in range(40):
        put(store, call(f"c{number:02}.1", number), text(f"t{number}"), mail(f"m{number}", id), form(f"f{number}", id))
    reach = Reach(frozenset({maple}))
    after = RecentCursor(NOW, "text", "5")
    filters = (EVERYTHING, RecentFilter(property="maple"), RecentFilter(direction="in"), RecentFilter(agent="alice"))
    for asked in filters:
        for within in (WHOLE_OFFICE, reach):
            with store.reading() as session:
                for statement, step in plans(session, asked, after, within):
                    assert not READ_THROUGH.search(step), statement


READ_THROUGH = re.compile(
    r"(?:^SCAN|Seq Scan on) (?:call|message|mail|arrival|lead|interest|activity|leg|contact)\b(?!.*USING)"
)
"""The office's own tables are small."""


def plans(session: Session, asked: RecentFilter, after: RecentCursor, reach: Reach) -> list[tuple[str, str]]:
    """Each statement of a page with each step of how it is carried out."""
    told: list[tuple[str, Any]] = []
    connection = session.connection()

    def note(*said: Any) -> None:
        told.append((said[2], said[3]))

    event.listen(connection, "before_cursor_execute", note)
    recent.page(session, asked, after=after, reach=reach)
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name != "sqlite":
        explain = "EXPLAIN"
        # Tables of a few rows are read through unless that is made dear.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [
        (statement, str(row[-1]))
        for statement, values in told
        for row in connection.exec_driver_sql(f"{explain} {statement}", values)
    ]


def test_a_caller_is_named_once_and_the_call_becomes_theirs(store: Store, config: Config) -> None:
    put(store, call("c1.1"), call("c2.1", caller=None, withheld=True))
    with store.writing() as session:
        made = callers.introduce(session, config, BY, "c1.1", CallerDetails("Pat Doe", "pat@example.com", "maple"))
        assert (made.name, made.email, made.phones[0].number) == ("Pat Doe", "pat@example.com", PAT)
        again = callers.introduce(session, config, BY, "c1.1", CallerDetails("Pat Doe", "pat@work.example"))
        assert again.id == made.id
        assert (again.email, len(again.emails), len(again.interests)) == ("pat@example.com", 2, 1)
        withheld = callers.introduce(session, config, BY, "c2.1", CallerDetails("Sam"))
        assert (withheld.name, withheld.phones) == ("Sam", [])
        told = session.scalars(select(Activity.text).where(Activity.call_id == "c1.1").order_by(Activity.id)).all()
        assert told[0] == "Pat Doe called, as alice wrote after the call. They are interested in Maple Court."
    for details in (CallerDetails("Somebody Else"), CallerDetails("Pat Doe", property="nowhere")):
        with store.writing() as session, pytest.raises((Conflict, NotFound)):
            callers.introduce(session, config, BY, "c1.1", details)
    put(store, Contact(number=SAM, kind="resident", name="Sue", created_at=NOW))
    with store.reading() as session:
        sue = session.scalars(select(Contact.id)).one()
    put(store, call("c3.1", caller=SAM, contact_id=sue))
    with store.writing() as session, pytest.raises(Conflict):
        callers.introduce(session, config, BY, "c3.1", CallerDetails("Sam"))
