"""What is known of one person, and what is on record of leads that left the office."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from crm.config import Config
from crm.domain.blocks import Members
from crm.domain.errors import NotFound
from crm.domain.leads import Happened
from crm.services.arrivals import forms, retention
from crm.services.arrivals.forms import FormKind, SentForm
from crm.services.audit import By
from crm.services.people import exports, intake, merging, records, unmerging
from crm.services.people.references import REFERENCES, OnMerge
from crm.store.models import (
    ArrivalRecord,
    AuditEntry,
    Base,
    LeadExportPart,
    Leg,
    OptOut,
    Recording,
    Voicemail,
)
from crm.store.session import Store
from crm.views import leads as views
from tests.store import rows
from tests.store.conftest import NOW, crm_at
from tests.store.test_merging import with_everything

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
PAT, SAM = "+15125550188", "+15125550189"


@pytest.fixture
def pat(store: Store, config: Config) -> int:
    pat, _ = with_everything(store, config)
    with store.writing() as session:
        call_id = f"call{pat}"
        session.add_all(
            [
                Leg(id="leg", call_id=call_id, device="alice-desk", agent_id=2, stage="agent", started_at=NOW),
                Recording(id="talk", call_id=call_id, mode="announced", file="talk.wav", started_at=NOW),
                Voicemail(call_id=call_id, file="vm.wav", seconds=5, left_at=NOW, transcript="Call me."),
                OptOut(number=PAT, scope="texts", source="keyword", evidence="STOP", created_at=NOW),
                OptOut(number=SAM, scope="texts", source="keyword", evidence="STOP", created_at=NOW),
            ]
        )
    return pat


def test_a_record_holds_everything_about_a_person_and_nothing_about_others(store: Store, pat: int) -> None:
    with store.reading() as session:
        found = records.gather(session, pat, NOW)
    wanted = {reference.table.name for reference in REFERENCES if reference.on_merge is not OnMerge.DERIVED}
    assert wanted - {"lead_merge"} <= found.data.keys()
    for table in ("leg", "recording", "voicemail", "opt_out"):
        assert len(found.data[table]) == 1, table
    assert found.data["lead"]["name"] == "Pat Smith"
    assert found.data["leg"][0]["agent"] == "alice", "people and places have names"
    assert found.data["interest"][0]["property"] == "maple"
    assert found.audio == ["talk.wav", "vm.wav"]
    said = json.dumps(found.data)
    assert SAM not in said
    assert "sam@example.com" not in said


def test_a_record_is_complete_by_the_tables_themselves(store: Store, pat: int) -> None:
    """Whatever would go with a lead is in it."""
    parts = {"lead"}
    while (
        more := {
            table.name
            for table in Base.metadata.sorted_tables
            for key in table.foreign_keys
            if key.ondelete == "CASCADE" and key.column.table.name in parts
        }
        - parts
    ):
        parts |= more
    with store.reading() as session:
        found = records.gather(session, pat, NOW)
        there = {
            name
            for name in parts
            if session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) and name != "follow_up_look"
        }
    assert there <= found.data.keys()


def test_a_record_of_nobody_is_refused(store: Store) -> None:
    with pytest.raises(NotFound), store.reading() as session:
        records.gather(session, 99, NOW)


def test_that_a_record_was_exported_is_in_timeline_and_audit(store: Store, pat: int) -> None:
    with store.writing() as session:
        records.exported(session, BY, pat)
    with store.reading() as session:
        last = rows.timeline(session, pat)[-1]
        assert (last.kind, last.by) == (Happened.EXPORTED, "dana")
        assert session.scalars(select(AuditEntry.what)).all()[-1] == f"whole record of lead {pat} exported"


# --- lists ---


def export(store: Store, *leads: int, at: By = BY) -> None:
    members = Members()
    for lead in leads:
        members.add(lead)
    with store.writing() as session:
        exports.record(session, at, "CSV", members)


def exported(store: Store, lead: int) -> list[tuple[str, str]]:
    with store.reading() as session:
        return [(one.text, one.by) for one in views.timeline(session, lead) if one.kind == Happened.EXPORTED]


def test_timelines_show_the_lists_that_a_lead_was_in(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    export(store, pat, 70_000)
    export(store, sam)
    export(store, pat, sam)
    assert exported(store, pat) == [
        ("Was in a list of 2 leads that was exported as CSV.", "dana"),
        ("Was in a list of 2 leads that was exported as CSV.", "dana"),
    ]
    assert [text for text, _ in exported(store, sam)] == [
        "Was in a list of 1 lead that was exported as CSV.",
        "Was in a list of 2 leads that was exported as CSV.",
    ]
    with store.reading() as session:
        assert session.scalars(select(AuditEntry.what).order_by(AuditEntry.id)).all() == [
            "2 leads exported as CSV",
            "1 lead exported as CSV",
            "2 leads exported as CSV",
        ]
        entries = [one.at for one in views.timeline(session, pat)]
        assert entries == sorted(entries)


def test_lists_follow_a_merge_and_its_end(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    export(store, sam)
    with store.writing() as session:
        merging.merge(session, config, BY, str(pat), str(sam))
    export(store, pat)
    assert len(exported(store, pat)) == 2
    with store.writing() as session:
        unmerging.unmerge(session, config, BY, sam)
    assert (len(exported(store, pat)), len(exported(store, sam))) == (1, 1)


def test_a_list_of_100_000_leads_takes_a_hundred_rows_of_which_a_timeline_reads_one(store: Store) -> None:
    with store.writing() as session:
        lead = intake.by_number(session, PAT, NOW).id
    for _ in range(3):
        export(store, *range(1, 100_001))
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(LeadExportPart)) == 3 * 98
        read: list[int] = []

        @event.listens_for(LeadExportPart, "load")
        def on_load(*_: object) -> None:
            read.append(1)

        statements: list[str] = []
        event.listen(
            session.connection().engine,
            "before_cursor_execute",
            lambda conn, cursor, statement, *rest: statements.append(statement),
        )
        assert len(views.timeline(session, lead)) == 3
        assert len(statements) == 3, "entries, merges, exports"


# --- network addresses ---


def test_network_addresses_leave_after_the_time_that_the_office_sets(store: Store, config: Config) -> None:
    crm = crm_at(config, store)

    def sent(key: str, days: int) -> None:
        form = SentForm(
            kind=FormKind.QUESTION, key=key, name="Pat", phone="512-555-0188", message="Hi", came_from="203.0.113.9"
        )
        with store.writing() as session:
            forms.accept(session, config, crm.secrets, By("site", NOW - timedelta(days=days)), form)

    def addresses() -> dict[str, str]:
        with store.reading() as session:
            found = session.execute(select(ArrivalRecord.key, ArrivalRecord.came_from))
            return {key.removeprefix("form:"): address for key, address in found}

    sent("old", 31)
    sent("new", 29)
    with store.reading() as session:
        assert "came_from" not in session.scalars(select(ArrivalRecord.raw)).all()[0]
    assert addresses() == {"old": "203.0.113.9", "new": "203.0.113.9"}
    import asyncio

    assert asyncio.run(retention.look(crm)) == 1
    assert addresses() == {"old": "", "new": "203.0.113.9"}
    assert asyncio.run(retention.look(crm)) == 0
    with store.reading() as session:
        said = session.scalars(select(AuditEntry.what)).all()[-1]
        assert said == "network addresses of 1 arrival deleted by retention"
        assert session.scalars(select(ArrivalRecord.raw)).all()[0]["message"] == "Hi"
