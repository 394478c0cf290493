"""Imports of long lists: rehearsed first, then written in slices, and others write meanwhile."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.errors import Conflict
from crm.domain.imports import ListKind, Lists, Wrong, read_csv
from crm.domain.listings import Picture
from crm.edge.pictures import StoredPicture
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.office import properties
from crm.services.system import imports
from crm.services.system.imports import Imported
from crm.store.models import Contact, Lead, Listing, PictureFile, Property, Unit
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


def test_the_garbage_collector_does_not_go_through_the_list_while_slices_hold_the_lock(
    store: Store, config: Config
) -> None:
    lists, left_out = contacts(), gc.get_freeze_count()
    load(store, config, lists)
    assert gc.get_freeze_count() - left_out > MANY


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


def offered(*more: str, published: str = "yes") -> Lists:
    """A property with homes that are all to be public."""
    details = f"lake,Lake,1 Lake Road,Austin,TX,78701,{published}"
    property = read_csv(f"slug,name,street,city,state,postal_code,published\n{details}\n", ListKind.PROPERTIES)
    homes = [f"lake,{number},2,1,1500,600,yes" for number in range(MANY)]
    text = "\n".join(("property,name,bedrooms,bathrooms,rent,deposit,published", *homes, *more))
    units = read_csv(text, ListKind.UNITS)
    return Lists({**property.rows, **units.rows}, units.problems)


@pytest.mark.parametrize("is_there", [False, True], ids=["a property that the list adds", "one that it publishes"])
def test_homes_of_a_property_that_is_public_only_with_the_list_are_rehearsed(
    store: Store, config: Config, is_there: bool
) -> None:
    if is_there:
        load(store, config, Lists({ListKind.PROPERTIES: offered(published="no").rows[ListKind.PROPERTIES]}))
    before = count(store, Property)
    with pytest.raises(Wrong, match=f"line {MANY + 2}") as raised:
        load(store, config, offered("lake,late,2,1,,600,yes"))
    assert len(raised.value.problems) == 1
    assert (count(store, Unit), count(store, Property)) == (0, before)
    would = load(store, config, offered(), dry_run=True)
    assert count(store, Unit) == 0
    assert load(store, config, offered()) == would
    assert [(one.added, one.changed) for one in would] == [(0, 1) if is_there else (1, 0), (MANY, 0)]
    with store.reading() as session:
        assert session.scalar(select(func.count()).where(Listing.published.is_not(None))) == MANY


def test_homes_stay_private_whose_property_the_list_withdraws(store: Store, config: Config) -> None:
    load(store, config, offered())
    with pytest.raises(Wrong, match="line 2, column 7"):
        load(store, config, offered(published="no"))


def test_a_long_list_of_homes_lets_others_write_and_shows_its_pictures(store: Store, config: Config) -> None:
    taken = [StoredPicture(f"{number:064x}", 1200, 900, (480, 960)) for number in range(MANY)]
    lists = offered()
    rows = lists.rows[ListKind.UNITS]
    rows[-1] = replace(rows[-1], values={**rows[-1].values, "pictures": (Picture(taken[-1].hash, {}),)})
    rooms: list[int] = []
    store.make_room = lambda: rooms.append(count(store, Unit))  # type: ignore[method-assign]
    with pytest.raises(Wrong, match="is not in this home"):
        load(store, config, lists)
    assert set(rooms) == {0}
    load(store, config, lists, taken=taken)
    assert count(store, PictureFile) == MANY
    assert rooms[-1] == MANY
    assert len(set(rooms)) > 3, "slice by slice"
