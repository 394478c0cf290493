"""Lists are checked whole, and what is wrong is told with line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import listings
from crm.domain.imports import NEEDED, ListKind, read_csv, read_toml
from crm.edge import numbers

pytestmark = pytest.mark.unit

UNITS = "property,name,bedrooms,bathrooms,rent,available_on\n"


def problems(text: str, kind: ListKind = ListKind.UNITS) -> list[str]:
    return [str(problem) for problem in read_csv(text, kind).problems]


def test_a_good_list_is_read() -> None:
    heads = "\ufeffProperty,Name,Bedrooms,Bathrooms,Rent,Available on\n"
    lists = read_csv(heads + 'elm,204B,2,1.5,"$1,450",2026-04-01\n\n', ListKind.UNITS)
    [row] = lists.rows[ListKind.UNITS]
    assert row.values == {
        "property": "elm",
        "name": "204B",
        "bedrooms": "2",
        "bathrooms": "1.5",
        "rent": "$1,450",
        "available_on": "2026-04-01",
    }


def test_semicolons_between_cells_are_read() -> None:
    [row] = read_csv("slug;name\nelm;Elm Street, the old one\n", ListKind.PORTFOLIOS).rows[ListKind.PORTFOLIOS]
    assert row.values == {"slug": "elm", "name": "Elm Street, the old one"}


def test_every_problem_is_told_with_its_place() -> None:
    told = problems(UNITS + "elm,1,two,1,1450,\nelm,2,1,1,free,2026-02-30\nElm!,,1,1,1,\n")
    assert told == [
        "line 2, column 3 (bedrooms): 'two' is not a number from 0 to 20.",
        "line 3, column 5 (rent): 'free' is not an amount: write one like 1450 or 1,450.00.",
        "line 3, column 6 (available_on): '2026-02-30' is not a date: write one like 2026-03-01 or 3/1/2026.",
        "line 4, column 1 (property): 'Elm!' is not a short name: "
        "use 1 to 40 characters from a-z, 0-9 and -, beginning with a letter.",
        "line 4, column 2 (name): is empty: write something.",
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1"),
        ("property,name\n", "line 1"),
        (UNITS.replace("rent", "price"), "line 1, column 5"),
        (UNITS.replace("\n", ",rent\n"), "line 1, column 7"),
        (UNITS + "elm,1,1,1\n", "line 2"),
        (UNITS + 'elm,"1,1,1,1,\n', "line"),
        (UNITS + "elm,1,1,1,1,\nelm,2,1,1,1,\nelm,1,2,1,1,\n", "line 4, column 1 (property)"),
        (UNITS + 'elm,"two\nlines",1,1,1,\nelm,3,x,1,1,\n', "line 2, column 2 (name)"),
    ],
)
def test_a_list_that_cannot_be_is_refused(text: str, where: str) -> None:
    assert problems(text)[0].startswith(where)


def test_lines_are_counted_right_behind_a_cell_of_several_lines() -> None:
    told = problems('number,greeting,label\n5125550100,"one\ntwo",x\n5125550101,hi,"a\tb"\n', ListKind.LINES)
    assert told[0].startswith("line 2, column 2")
    assert told[1].startswith("line 4, column 3")


def test_toml_holds_several_lists() -> None:
    lists = read_toml(
        '[[properties]]\nslug = "elm"\n'
        '[[units]]\nproperty = "elm"\nname = "1"\nbedrooms = 1\nbathrooms = 1\nrent = 900\n'
        '[[hours]]\nopenings = ["mon-fri 09:00-18:00", "sat 10:00-14:00"]\n'
    )
    assert set(lists.rows) == {ListKind.PROPERTIES, ListKind.UNITS, ListKind.HOURS}
    assert lists.rows[ListKind.HOURS][0].values["openings"] == ("mon-fri 09:00-18:00", "sat 10:00-14:00")


@pytest.mark.parametrize(
    "text",
    [
        "[[properties",
        "[[cars]]\nslug = 'x'",
        "properties = 5",
        "properties = [5]",
        "[[properties]]\nname = 'no slug'",
        "[[properties]]\nslug = 'elm'\nrent = 5",
        "[[units]]\nproperty = 'elm'\nname = '1'\nbedrooms = -1\nbathrooms = 1\nrent = 900",
    ],
)
def test_toml_that_cannot_be_is_refused(text: str) -> None:
    assert read_toml(text).problems


@given(st.text(), st.sampled_from(ListKind))
def test_any_text_is_read_or_refused(text: str, kind: ListKind) -> None:
    for read in (lambda: read_csv(text, kind), lambda: read_toml(text)):
        lists = read()
        for one, rows in lists.rows.items():
            for row in rows:
                assert lists.problems or not row.unread
                assert not (tried := row.rehearsed(one)) or NEEDED[one] & row.locations.keys() <= tried.values.keys()


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", "\ufeffsep=;\r\n"])
def test_a_line_that_names_the_separator_is_no_heading(first: str) -> None:
    text = first + "number;kind;name;property\n+15125550201;resident;Zoë Nuñez;elm\n"
    [row] = read_csv(text, ListKind.CONTACTS).rows[ListKind.CONTACTS]
    assert row.values["name"] == "Zoë Nuñez"
    assert row.locations["name"] == "line 3, column 3 (name)"


def test_tabs_between_cells_are_read() -> None:
    text = "number\tkind\tname\n+15125550201\tresident\tAnn, Bo; Cy\n"
    [row] = read_csv(text, ListKind.CONTACTS).rows[ListKind.CONTACTS]
    assert row.values["name"] == "Ann, Bo; Cy"


def test_empty_columns_at_the_end_are_not_there() -> None:
    text = "number,kind,name,,\n+15125550201,resident,Ann,,\n,,,,\n"
    assert len(read_csv(text, ListKind.CONTACTS).rows[ListKind.CONTACTS]) == 1
    [told] = problems("number,kind,name,,\n+15125550201,resident,Ann,,x\n", ListKind.CONTACTS)
    assert told.startswith("line 2: the line has 5 columns and the first line 3")


def test_invisible_marks_are_not_part_of_a_cell() -> None:
    text = "number,kind,name\n\u202a(512)\u00a0555‑0205\u202c,resident,Ann\u00a0B\u200bell\n"
    [row] = read_csv(text, ListKind.CONTACTS).rows[ListKind.CONTACTS]
    assert row.values["name"] == "Ann Bell"
    assert numbers.parse(row.values["number"], "US") == "+15125550205"


def test_decimal_commas_are_read_or_refused() -> None:
    heads = "property;name;bedrooms;bathrooms;rent;deposit\n"
    rows = read_csv(heads + "elm;A1;2;1,5;1450,50;1.450,00\n", ListKind.UNITS).rows[ListKind.UNITS]
    home = listings.read_home(
        {column: rows[0].values[column] for column in ("bedrooms", "bathrooms", "rent", "deposit")}, None
    )
    assert (str(home.rent), str(home.deposit), str(home.bathrooms)) == ("1450.50", "1450.00", "1.5")
    assert problems(heads + "elm;A1;2;1;1.450;0\n")


def test_rows_whose_names_cannot_be_read_are_not_the_same() -> None:
    told = problems("slug,name\nElm!,a\nOak!,b\n", ListKind.PROPERTIES)
    assert [one.partition(":")[0] for one in told] == ["line 2, column 1 (slug)", "line 3, column 1 (slug)"]


def test_a_line_with_too_many_cells_keeps_its_name() -> None:
    lists = read_csv("slug,name\nelm,Elm, the old one\n", ListKind.PROPERTIES)
    [row] = lists.rows[ListKind.PROPERTIES]
    assert (row.values, row.unread >= {"name"}, len(lists.problems)) == ({"slug": "elm"}, True, 1)
