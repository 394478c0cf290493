"""Imports of long lists: rehearsed first, then written in slices, and others write meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.errors import Conflict
from crm.domain.imports import ListKind, Lists, Wrong, read_csv
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.office import properties
from crm.services.system import imports
from crm.services.system.imports import Imported
from crm.store.models import Contact, Lead, Property, Unit
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("tests", datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
MANY = 3 * imports.SLICE + 50


def contacts(*more: str, count: int = MANY) -> Lists:
    rows = [f"+1301{2_000_000 + number},Person {number},resident,maple" for number in range(count)]
    return read_csv("\n".join(("number,name,kind,property", *rows, *more)), ListKind.CONTACTS)


def units(property_slug: str, count: int = MANY) -> Lists:
    rows = [f"{property_slug},{number},2,1,1500" for number in range(count)]
    return read_csv("\n".join(("property,name,bedrooms,bathrooms,rent", *rows)), ListKind.UNITS)


def count(store: Store, of: type) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(of)) or 0


def load(store: Store, config: Config, lists: Lists, **how: object) -> list[Imported]:
    return imports.load(store, config, Secrets(config.secrets_file), BY, lists, **how)  # type: ignore[arg-type]


def test_another_process_writes_while_a_long_list_is_written(store: Store, config: Config) -> None:
    with store.reading() as session:
        url = session.connection().engine.url.render_as_string(hide_password=False)
    other = Store(url)
    told: list[tuple[int, int, int]] = []

    def on_progress(done: int, total: int) -> None:
        with other.writing() as session:
            session.add(Lead(status="new", created_at=BY.now))
        told.append((done, total, count(other, Contact)))

    try:
        before = count(store, Contact)
        assert load(store, config, contacts(), progress=on_progress) == [Imported(ListKind.CONTACTS, MANY, 0)]
    finally:
        other.close()
    assert count(store, Lead) == len(told)
    assert told[-1] == (2 * MANY, 2 * MANY, before + MANY)
    assert {found for done, _, found in told if done <= MANY} == {before}, "rehearsed before anything is written"
    assert len({found for _, _, found in told}) > 3, "slice by slice"
    assert load(store, config, contacts()) == [Imported(ListKind.CONTACTS, 0, 0)], "nothing is different"


@pytest.mark.parametrize(
    "wrong",
    ["+13012999999,Late,resident,nowhere", "301-200-0001,Person 1,resident,maple", "+15125550100,Ours,vendor,maple"],
    ids=["a property that is not there", "a number written in another way", "a line of ours"],
)
def test_one_wrong_row_at_the_end_of_a_long_list_and_nothing_is_written(
    store: Store, config: Config, wrong: str
) -> None:
    before = count(store, Contact)
    with pytest.raises(Wrong, match=f"line {MANY + 2}") as raised:
        load(store, config, contacts(wrong))
    assert len(raised.value.problems) == 1
    assert count(store, Contact) == before


def test_a_dry_run_of_a_long_list_says_what_would_come_of_it(store: Store, config: Config) -> None:
    lists = Lists({**read_csv("slug,name\nlake,Lake\n", ListKind.PROPERTIES).rows, **units("lake").rows})
    would = load(store, config, lists, dry_run=True)
    assert count(store, Unit) == 0
    assert load(store, config, lists) == would
    assert [(one.kind, one.added, one.changed) for one in would] == [("properties", 1, 0), ("units", MANY, 0)]
    assert count(store, Unit) == MANY
    assert [(one.kind, one.added, one.changed) for one in load(store, config, lists)] == [
        ("properties", 0, 0),
        ("units", 0, 0),
    ]


def test_what_nobody_could_foresee_ends_it_and_the_same_list_goes_on_from_there(store: Store, config: Config) -> None:
    store.run_blocking(properties.add, BY, "lake", name="Lake")
    late = read_csv("number,name,kind,property\n+13012999999,Late,vendor,lake\n", ListKind.CONTACTS)
    # Sorted by property, so this one is written in the first slice.
    lists = Lists({ListKind.CONTACTS: [*late.rows[ListKind.CONTACTS], *contacts().rows[ListKind.CONTACTS]]})
    before = count(store, Contact)

    def remove_it(done: int, total: int) -> None:
        with store.writing() as session:
            for property in session.scalars(select(Property).where(Property.slug == "maple")):
                if session.scalar(select(func.count()).select_from(Contact)) == before + imports.SLICE:
                    property.slug = "gone"

    with pytest.raises(Conflict, match=f"Only {imports.SLICE} of {MANY + 1} rows were written.*there is no property"):
        load(store, config, lists, progress=remove_it)
    assert count(store, Contact) == before + imports.SLICE
    with store.writing() as session:
        session.scalars(select(Property).where(Property.slug == "gone")).one().slug = "maple"
    again = load(store, config, lists)
    assert [(one.added, one.changed) for one in again] == [(MANY + 1 - imports.SLICE, 0)]
