"""Lists of leads, out and in again."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from crm.config import Config
from crm.domain import lead_rows
from crm.domain.errors import Invalid
from crm.domain.leads import LeadFilter, LeasingStage
from crm.edge import text_files
from crm.services import tasks
from crm.services.audit import By
from crm.services.people import intake, lead_lists, leads, opt_outs
from crm.services.people.lead_lists import ListLine, Rejected, SliceResult
from crm.store.models import Activity, Lead, OptOut, Property, Unit
from crm.store.session import Store
from crm.views import lead_export
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
HOUR = timedelta(hours=1)


def take(store: Store, config: Config, text: str, by: By = BY) -> SliceResult:
    _, lines = lead_lists.lines(io.StringIO(text))
    some = list(lines)
    broken = [one for one in some if isinstance(one, Rejected)]
    with store.writing() as session:
        taken = lead_lists.take(session, config, by, [one for one in some if isinstance(one, ListLine)], "fair")
    taken.rejected += broken
    return taken


def exported(store: Store, *, raw: bool = False, without: tuple[str, ...] = ()) -> list[list[str]]:
    rows, after = [], 0
    while after is not None:
        with store.reading() as session:
            page, after = lead_export.page(session, NOW, LeadFilter(), after)  # type: ignore[assignment]
        rows += page
    kept = [place for place, name in enumerate(lead_rows.COLUMNS) if name not in without]
    table = [lead_rows.COLUMNS, *lead_rows.write_rows(rows, raw=raw)]
    return [[cells[place] for place in kept] for cells in table]


def as_text(rows: list[list[str]]) -> str:
    out = io.StringIO()
    lead_rows.csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@pytest.fixture
async def people(store: Store, config: Config) -> None:
    with store.writing() as session:
        place = session.scalars(select(Property).where(Property.slug == "maple")).one()
        unit = Unit(property_id=place.id, name="204B", bedrooms=2, bathrooms=1)
        session.add(unit)
        session.flush()
        given = (
            {"phones": ["(512) 555-0188", "+49 30 901820"], "email": "Pat@Example.com"},
            {"email": "-x@example.com"},
        )
        for number, (name, more) in enumerate(zip(('=Pat, "the" Smith', "'Zoë; Å"), given, strict=True)):
            lead, _ = leads.add(session, config, BY, name=name, property_slug="maple", source="@sign", **more)  # type: ignore[arg-type]
            lead.created_at = NOW - (number + 1) * HOUR
            [interest] = lead.interests
            interest.unit_id, interest.stage = unit.id, LeasingStage.SHOWING_BOOKED
        leads.log(session, config, BY, "1", "meeting", "Met.", NOW - HOUR / 2)
        leads.change(session, config, BY, "2", status="closed", reason="+1 reason")
        opt_outs.add(session, config, BY, "(512) 555-0188", why="said so")


async def test_what_was_exported_and_imported_is_exported_the_same(store: Store, config: Config, people: None) -> None:
    before = exported(store)
    assert before[1][before[0].index("name")].startswith("'="), "no formula for a spreadsheet"
    assert before[1][before[0].index("phones")] == "'+15125550188; +4930901820"
    assert before[2][before[0].index("closed_because")] == "'+1 reason"
    again = take(store, config, as_text(before), By("alice", NOW + HOUR))
    assert (again.added, again.joined, again.rejected) == (0, 2, [])
    assert exported(store) == before, "whoever is there already stays as they are"
    with store.writing() as session:
        for table in (Activity, OptOut, Lead):
            session.execute(delete(table))
    fresh = take(store, config, as_text(before))
    assert (fresh.added, fresh.joined, fresh.rejected) == (2, 0, [])
    assert exported(store, without=("id",)) == [
        [cell for head, cell in zip(before[0], row, strict=True) if head != "id"] for row in before
    ]


async def test_what_is_rehearsed_is_told_and_not_kept(store: Store, config: Config) -> None:
    _, lines = lead_lists.lines(io.StringIO("name,phone\nPat,512-555-0188\nSam,12\n"))
    some = [one for one in lines if isinstance(one, ListLine)]
    taken = store.run_blocking(lead_lists.rehearse, config, BY, some, "fair")
    assert (taken.added, len(taken.rejected)) == (1, 1)
    with store.reading() as session:
        assert session.scalars(select(Lead.id)).all() == []


async def test_counts_and_the_next_action_are_told(store: Store, config: Config, people: None) -> None:
    with store.writing() as session:
        tasks.add(session, config, BY, "1", "Call back.", NOW + HOUR, "bob")
    heads, first, _ = exported(store)
    row = dict(zip(heads, first, strict=True))
    assert (row["next_action"], row["next_action_owner"]) == ("Call back.", "bob")
    assert (row["calls"], row["tours"], row["messages"]) == (0, 0, 0)
    assert row["opted_out"] == "'+15125550188"
    assert row["interests"] == "maple/204B=showing_booked"


async def test_suitecrm_10773_every_line_that_is_not_taken_is_told_with_its_reason(
    store: Store, config: Config
) -> None:
    taken = take(
        store,
        config,
        "Full Name,Phone,E-mail,Property,Status,Agent,Created at,Color\n"
        "Pat,(512) 555-0188,pat@example.com,Maple Court,,alice,2026-01-02,red\n"
        "Sam,12,,,,,,\n"
        ",,,,,,,\n"
        ",,,maple,,,,\n"
        "Kim,,kim at example,,,,,\n"
        "Lou,512-555-0190,,nowhere,,,,\n"
        "Max,512-555-0191,,,gone,,,\n"
        "Ned,512-555-0192,,,,zed,,\n"
        "Ora,512-555-0193,,,,,2099-01-01,\n"
        "Our,512-555-0100,,,,,,\n"
        "Pat again,512.555.0188,,,,,,\n"
        "Uma,512-555-0194,,,,,yesterday-ish,\n",
    )
    assert (taken.added, taken.joined) == (1, 1)
    assert [one.line.number for one in taken.rejected] == [3, 5, 6, 7, 8, 9, 10, 11, 13]
    assert all(one.why.endswith(".") for one in taken.rejected)
    with store.reading() as session:
        [lead] = session.scalars(select(Lead)).all()
        assert (lead.name, lead.source, lead.email) == ("Pat", "fair", "pat@example.com")
        assert session.scalar(select(func.count(Activity.id))) == 1


async def test_a_line_that_names_two_leads_joins_neither(store: Store, config: Config) -> None:
    with store.writing() as session:
        intake.by_number(session, "+15125550188", NOW)
        intake.by_address(session, "pat@example.com", NOW)
    taken = take(store, config, "name;phone;email\nPat;5125550188;pat@example.com\n")
    assert (taken.added, taken.joined, len(taken.rejected)) == (0, 0, 1)


@pytest.mark.parametrize(
    ("encoded", "encoding"),
    [
        ("name,phone\nZoë,5125550188\n".encode(), "utf-8-sig"),
        ("\ufeffname,phone\r\nZoë,5125550188\r\n".encode(), "utf-8-sig"),
        ("name\tphone\r\nZoë\t5125550188\r\n".encode("utf-16"), "utf-16"),
        ("sep=;\r\nname;phone\r\nZoë;5125550188\r\n".encode("cp1252"), "cp1252"),
    ],
)
async def test_what_spreadsheets_write_is_read(
    store: Store, config: Config, tmp_path: Path, encoded: bytes, encoding: str
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(encoded)
    assert text_files.encoding_of(path) == encoding
    with path.open(encoding=encoding, newline="") as file:
        assert take(store, config, file.read()).added == 1
    with store.reading() as session:
        assert session.scalars(select(Lead.name)).all() == ["Zoë"]


def test_a_list_without_people_is_refused() -> None:
    for text in ("", "color,size\nred,1\n", "\n\n"):
        with pytest.raises(Invalid):
            lead_lists.lines(io.StringIO(text))
