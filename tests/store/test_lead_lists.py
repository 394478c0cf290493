"""Lists of leads, out and in again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import lead_rows
from crm.domain.errors import Invalid
from crm.domain.leads import LeadFilter, LeasingStage
from crm.edge import text_files
from crm.services import tasks
from crm.services.audit import By
from crm.services.people import erasing, intake, lead_lists, leads, opt_outs
from crm.services.people.lead_lists import Rejected, SliceResult
from crm.services.people.list_lookups import ListLine
from crm.store.models import Activity, Lead, Line, OptOut, Organization, Property, Unit
from crm.store.session import Store
from crm.views import lead_export
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
HOUR = timedelta(hours=1)


def take(store: Store, config: Config, text: str, by: By = BY) -> SliceResult:
    _, lines = lead_lists.lines(io.StringIO(text))
    some = list(lines)
    broken = [one for one in some if isinstance(one, Rejected)]
    good = [one for one in some if isinstance(one, ListLine)]
    planned = store.read_blocking(lead_lists.plan, config, by, good, "fair")
    taken = store.run_blocking(lead_lists.take, config, by, good, planned, "fair")
    assert planned.result == taken
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
    csv.writer(out, lineterminator="\n").writerows(rows)
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


async def test_a_list_brings_owners_back_and_new_ones_only_where_the_office_manages_for_them(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        session.execute(update(Organization).values(manages_for_owners=True))
        leads.add(session, config, BY, name="Olive", phones=["5125550188"], kind="owner")
        session.execute(update(Organization).values(manages_for_owners=False))
    before = exported(store)
    assert take(store, config, as_text(before)) == SliceResult(0, 1, [])
    assert exported(store) == before
    [refused] = take(store, config, "phone,kind\n5125550189,Owner\n5125550190,tenant\n").rejected
    assert (refused.line.number, "does not manage homes for owners" in refused.why) == (2, True)


def lines_of(text: str) -> list[ListLine]:
    _, lines = lead_lists.lines(io.StringIO(text))
    return [one for one in lines if isinstance(one, ListLine)]


@pytest.mark.parametrize("is_known", [True, False])
async def test_whoever_has_no_source_gets_none_by_going_out_and_in(
    store: Store, config: Config, is_known: bool
) -> None:
    with store.writing() as session:
        leads.add(session, config, BY, email="pat@example.com")
    before = exported(store, without=("id",))
    text = as_text(exported(store))
    if not is_known:
        with store.writing() as session:
            session.execute(delete(Lead))
    assert take(store, config, text).rejected == []
    assert exported(store, without=("id",)) == before


async def test_what_is_planned_is_told_and_not_kept(store: Store, config: Config) -> None:
    some = lines_of("name,phone\nPat,512-555-0188\nSam,12\nPat,5125550188\nKim,\nKim,\n")
    planned = store.read_blocking(lead_lists.plan, config, BY, some, "fair").result
    assert (planned.added, planned.joined, len(planned.rejected)) == (3, 1, 1)
    with store.reading() as session:
        assert session.scalars(select(Lead.id)).all() == []


def comes_as_a_lead(session: Session) -> None:
    intake.by_number(session, "+15125550188", NOW)


def moves_out(session: Session) -> None:
    session.scalars(select(Property).where(Property.slug == "maple")).one().slug = "gone"


def opts_out(session: Session) -> None:
    opt_outs.enter(session, "+15125550188", source="keyword", evidence="STOP", now=NOW)


def becomes_a_line(session: Session) -> None:
    session.add(Line(number="+15125550188", label="new"))


@pytest.mark.each_database
@pytest.mark.parametrize(
    ("meanwhile", "added", "joined"),
    [(comes_as_a_lead, 0, 1), (moves_out, 0, 0), (opts_out, 1, 0), (becomes_a_line, 0, 0)],
)
async def test_what_happens_between_planning_and_writing_counts(
    store: Store, config: Config, meanwhile: Callable[[Session], None], added: int, joined: int
) -> None:
    some = lines_of("name,phone,property,opted_out\nPat,512-555-0188,maple,512-555-0188\n")
    planned = store.read_blocking(lead_lists.plan, config, BY, some, "fair")
    assert planned.result.added == 1
    store.run_blocking(meanwhile)
    taken = store.run_blocking(lead_lists.take, config, BY, some, planned, "fair")
    assert (taken.added, taken.joined, len(taken.rejected)) == (added, joined, 1 - added - joined)
    with store.reading() as session:
        assert session.scalar(select(func.count(Lead.id))) == added + joined
        assert session.scalar(select(func.count(OptOut.id))) == added + joined, "and once, if at all"


async def test_an_erasure_between_planning_and_writing_counts(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.by_number(session, "+15125550188", NOW).id
    some = lines_of("name,phone\nPat,512-555-0188\n")
    planned = store.read_blocking(lead_lists.plan, config, BY, some, "fair")
    mentions = await store.read(erasing.mentions, config, pat)
    await store.run(erasing.erase, config, BY, pat, "asked for it", mentions)
    taken = store.run_blocking(lead_lists.take, config, BY, some, planned, "fair")
    assert (taken.added, taken.joined) == (0, 0)
    assert "was erased on 2026-03-02" in taken.rejected[0].why


async def test_while_a_slice_is_written_only_one_statement_looks_things_up(store: Store, config: Config) -> None:
    """Others wait for the lock meanwhile, and every statement takes as long as a few rows."""
    text = "name,phone,email,property,agent\n" + "".join(
        f"Pat {n},512-555-{n:04d},pat{n}@example.com,maple,alice\n" for n in range(200, 220)
    )
    some = lines_of(text)
    planned = store.read_blocking(lead_lists.plan, config, BY, some, "fair")
    asked: list[str] = []
    with store.writing() as session:
        connection = session.connection()

        def note(*args: Any) -> None:
            asked.append(args[2])

        event.listen(connection, "before_cursor_execute", note)
        assert lead_lists.take(session, config, BY, some, planned, "fair").added == 20
    # Telling other processes is a SELECT, too, on PostgreSQL, and looks nothing up.
    asked = [one for one in asked if "pg_notify" not in one]
    assert len([one for one in asked if one.lstrip().upper().startswith("SELECT")]) == 1


async def test_a_line_with_more_details_than_a_statement_can_have_is_told(store: Store, config: Config) -> None:
    many = "; ".join(f"512-555-{n:04d}" for n in range(300, 345))
    taken = take(store, config, f"name,phone\nPat,{many}\nSam,512-555-0188\n")
    assert (taken.added, len(taken.rejected)) == (1, 1)
    assert "more than 40" in taken.rejected[0].why


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


@pytest.mark.parametrize("content", [b"\x7fELF\x90\x81", "name\r\nPat\r\n".encode("utf-16")[:-1]])
def test_what_is_no_text_is_known_before_anything_is_taken_from_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(UnicodeDecodeError):
        text_files.encoding_of(path)


def test_a_list_without_people_is_refused() -> None:
    for text in ("", "color,size\nred,1\n", "\n\n"):
        with pytest.raises(Invalid):
            lead_lists.lines(io.StringIO(text))
