"""Tables from elsewhere: a quote that is not closed costs its own line, and is told where it opens."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import tables
from crm.domain.imports import ListKind, read_csv
from crm.domain.reviews import read_answers
from crm.domain.tables import TableRecord

pytestmark = pytest.mark.unit

HEADS = "name,email,note\n"


def records(text: str) -> list[TableRecord]:
    lines = io.StringIO(text)
    separator, first, start = tables.begin(lines)
    return list(tables.records(lines, separator, first, start))[1:]


@pytest.mark.parametrize(
    ("text", "read", "told"),
    [
        ('Ann,a@x.com,"hi\nBob,b@x.com,\nCid,c@x.com,5" pipe\n', [3, 4], {2: "column 3 is not closed"}),
        ('Ann,a@x.com,"hi\nBob,b@x.com,"fine"\n', [3], {2: "column 3 is not closed"}),
        ('"Ann "x" y",a@x.com,z\nCid,c@x.com,ok\n', [3], {2: "within the quotes of column 1"}),
        ('Ann,,"a\nb"\nBob,"b, ""c""","d\nDan,d@x.com,"e\n', [2, 5], {4: "column 3", 5: "column 3"}),
        ('Ann,,"she said "hi" to\nme\nand left",\nCid,,ok\n', [5], {2: "write it twice", 3: "line 2", 4: "line 2"}),
    ],
)
def test_lines_after_an_open_quote_are_read(text: str, read: list[int], told: dict[int, str]) -> None:
    found = records(HEADS + text)
    assert [one.line for one in found if not one.problem] == [line for line in read if line not in told]
    assert {one.line for one in found if one.problem} == set(told)
    assert all(told[one.line] in one.problem for one in found if one.problem)


def test_an_open_quote_at_the_top_of_a_long_list_costs_one_line() -> None:
    found = records(HEADS + 'Ann,,"hi\n' + "Bob,b@x.com,a note of some length\n" * 20_000)
    assert (len(found), [one.line for one in found if one.problem]) == (20_001, [2])
    [long] = records(HEADS + f"Ann,{'x' * 100_000},\n")
    assert "more than 80,000 characters" in long.problem


ROWS = st.lists(st.lists(st.text('ab",\n', max_size=4), min_size=3, max_size=3).filter(any), max_size=5)


@given(ROWS)
def test_a_good_table_is_read_as_it_was_written(rows: list[list[str]]) -> None:
    out = io.StringIO(HEADS)
    out.seek(0, io.SEEK_END)
    csv.writer(out, lineterminator="\n").writerows(rows)
    assert [(one.cells, one.problem) for one in records(out.getvalue())] == [(row, "") for row in rows]


@given(st.text('ab",\n', max_size=60))
def test_no_letter_of_any_table_is_lost(text: str) -> None:
    found = records(HEADS + text)
    for letter in "ab":
        assert sum(cell.count(letter) for one in found for cell in one.cells) == text.count(letter)
    assert sorted(one.line for one in found) == [one.line for one in found]


def test_lists_and_sheets_tell_where_the_quote_opens_and_what_else_is_wrong() -> None:
    text = 'number,name,kind\n5125550101,"Roof Co,vendor\n5125550102,Pipes,plumber\n5125550103,Gas Co,vendor\n'
    lists = read_csv(text, ListKind.CONTACTS)
    assert [str(one)[:30] for one in lists.problems] == [
        "line 2: the quote that opens i",
        "line 3, column 3 (kind): 'plum",
    ]
    assert (len(lists.rows[ListKind.CONTACTS]), lists.unread) == (2, {ListKind.CONTACTS})
    sheet = read_answers('call,routed_right\nc1,"yes\nc2,perhaps\nc3,no\n')
    assert [str(one)[:6] for one in sheet.problems] == ["line 2", "line 3"]
    assert [one.call for one in sheet.answers][-1] == "c3"
