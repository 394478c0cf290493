"""Tables of the command line: whole on a terminal of 80 columns, and plain in a pipe."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import click
import pytest

from crm.commands import output
from crm.commands.command import Command, many
from crm.views.calls import CallEntry
from tests.unit.sources import sources

pytestmark = pytest.mark.unit

CALL = "ll0a1b2c-1795859156.31204"
WIDTHS = {
    **dict.fromkeys(("call", "voicemail"), len(CALL)),
    **dict.fromkeys(("at", "since", "due", "from", "until", "left", "to", "expires", "erased", "written"), 16),
    **dict.fromkeys(("answered", "failing since", "next attempt", "last seen", "public from", "last used"), 16),
    **dict.fromkeys(("phone", "number", "caller", "line", "callback number", "number dialed"), 14),
    **dict.fromkeys(("phone or email", "email"), 24),
    **dict.fromkeys(("agent", "owner", "by", "how", "made by", "answered by"), 14),
    **dict.fromkeys(("property", "device", "location", "outcome", "event", "begins with", "step"), 14),
    **dict.fromkeys(("status", "state", "kind", "subteam", "source", "trunk", "portfolio", "area", "connects"), 11),
    **dict.fromkeys(("rent", "deposit", "available", "date", "day", "documents", "rule"), 10),
    **dict.fromkeys(("lead", "task", "tour", "id", "mail"), 6),
}
"""How wide the longest cell usually is, by the column's name; unnamed ones are texts, or as wide as their names."""
TEXTS = frozenset(
    """
    name|why|body|what|person|reason|problem|subject|value|words|meaning|fix|found|answer|with|address|hours|open
    decided|before|after|target|label|box|transcript|members|fact|said|where|shows|peer|next|headline|who|people
    the CRM got|still to be removed|unreachable because|not dialed because|interested in|said or done
    """.replace("\n", "|")
    .replace("  ", "")
    .strip("|")
    .split("|")
)


def tables() -> Iterator[tuple[str, list[str], list[str]]]:
    """Where each table is printed, its columns, and those that it leaves out first."""
    for path, tree in sources("crm/commands", having="print_table"):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "print_table" and isinstance(node.args[0], ast.Tuple):
                first = next((one.value for one in node.keywords if one.arg == "first_out"), None)
                yield f"{path.stem}:{node.lineno}", texts(node.args[0]), texts(first) if first else []


def texts(node: ast.expr) -> list[str]:
    assert isinstance(node, ast.Tuple)
    return [str(one.value) for one in node.elts if isinstance(one, ast.Constant)]


def test_every_table_fits_80_columns() -> None:
    seen = list(tables())
    assert len(seen) > 60
    for where, columns, first_out in seen:
        assert set(first_out) <= set(columns), where
        row = ["two words" * 9 if name in TEXTS else "x" * WIDTHS.get(name, len(name)) for name in columns]
        shown, _ = output._fitting(columns, [row], (*first_out, *output.LESSER), 80)
        width = sum(output._least(columns[at], [row[at]]) for at in shown) + output.GAP * (len(shown) - 1)
        assert width <= 80, f"{where} needs {width} columns for {[columns[at] for at in shown]}"


def test_lesser_columns_exist() -> None:
    names = {name for _, columns, _ in tables() for name in columns}
    assert set(output.LESSER) <= names | {"(90 %)"}


COLUMNS = ("call", "at", "kind", "line", "outcome", "why")
ROWS = [
    (
        CALL,
        "2026-11-28 14:02",
        "prospect",
        "(512) 555-0100",
        "gave up",
        "Called Elm Street Apartments and gave up in line.",
    ),
    ("leaseline-1795859157.11", "2026-11-28 14:05", "resident", None, "talked", ""),
]


def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, terminal: int = 0
) -> tuple[list[str], str]:
    monkeypatch.setattr(output, "is_terminal", lambda: terminal > 0)
    monkeypatch.setenv("COLUMNS", str(terminal or 80))

    @click.command(cls=Command, json=many(CallEntry))
    def show(as_json: bool) -> None:
        output.print_table(COLUMNS, ROWS, empty="")

    with show.make_context("show", list(arguments)) as context:
        show.invoke(context)
    told = capsys.readouterr()
    return told.out.splitlines(), told.err


def test_a_narrow_terminal_shows_less_and_breaks_no_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, hint = printed(monkeypatch, capsys, terminal=80)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert whole(text, CALL, "leaseline-1795859157.11", "2026-11-28 14:02", "gave up", "talked")
    assert "prospect" not in text
    assert hint == "Not shown: kind, line. --wide shows all.\n"
    assert "Called Elm" in text, "a text is folded between its words"
    assert "Apartments" in text


def test_a_wide_terminal_shows_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines, hint = printed(monkeypatch, capsys, terminal=160)
    assert lines[0].split() == list(COLUMNS)
    assert ROWS[0][5] in lines[2]
    assert hint == ""


@pytest.mark.parametrize("terminal", [0, 30])
def test_in_a_pipe_and_with_wide_every_row_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: int
) -> None:
    lines, hint = printed(monkeypatch, capsys, *(["--wide"] if terminal else []), terminal=terminal)
    assert len(lines) == 2 + len(ROWS)
    assert whole("\n".join(lines), *(str(cell) for cell in ROWS[0]))
    assert lines[3].endswith("talked"), "nothing is padded at the end"
    assert hint == ""


def whole(text: str, *words: str) -> bool:
    missing: Sequence[str] = [word for word in words if word not in text]
    assert not missing, text
    return True
