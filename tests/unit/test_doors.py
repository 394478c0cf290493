"""What is made in one place only, so that its rules stand in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.unit.sources import sources

pytestmark = pytest.mark.unit

DOORS = {
    "Activity": "crm/services/people/timeline.py",
    "Lead": "crm/services/people/intake.py",
    "LeadPhone": "crm/services/people/intake.py",
    "LeadEmail": "crm/services/people/intake.py",
    "Interest": "crm/services/people/intake.py",
    "Contact": "crm/services/people/contacts.py",
}


@pytest.mark.parametrize(("record", "door"), DOORS.items())
def test_a_persons_records_have_one_door(record: str, door: str) -> None:
    assert _makers(record) == {door}


def test_nobody_who_can_wait_holds_a_session() -> None:
    """So no transaction is open while a phone rings or a carrier answers; and nothing blocks the event loop."""
    held = {
        f"{path}:{node.lineno}"
        for path, tree in sources("ari_app", "crm", having=rf"(?s)async def.*\b(?:Session|{'|'.join(HOLDING)})\b")
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and _holds_a_session(node)
    }
    assert held == set()


def test_what_commands_print_is_defined_with_the_views() -> None:
    """So that the web and the API answer with the same. The one class of a command is what all of them work with."""
    found = {
        f"{path.name}:{node.name}"
        for path, tree in sources("crm/commands", having="Struct|NamedTuple|TypedDict|dataclass")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and _is_record(node)
    }
    assert found == {"command.py:System"}


def test_what_lists_and_pages_show_is_read_by_views() -> None:
    """Commands select nothing themselves."""
    found = {
        path.name
        for path, tree in sources("crm/commands", having=r"select\(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("select", "sqlalchemy.select")
    }
    assert found == set()


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("class Entry(msgspec.Struct, kw_only=True): ...", True),
        ("class Entry(Struct): ...", True),
        ("@dataclass(frozen=True)\nclass Entry: ...", True),
        ("@dataclasses.dataclass\nclass Entry: ...", True),
        ("class Entry(NamedTuple): ...", True),
        ("class Failure(click.ClickException): ...", False),
    ],
)
def test_a_record_is_known_by_how_it_is_made(code: str, is_one: bool) -> None:
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.ClassDef)
    assert _is_record(node) == is_one


def _is_record(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    made = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}
    return bool(bases & {"Struct", "NamedTuple", "TypedDict"}) or "dataclass" in made


@pytest.mark.parametrize(
    "code",
    [
        "async def act(session: Session): ...",
        "async def act(store):\n    with store.writing() as session: ...",
        "async def act(store):\n    store.read_blocking(find)",
    ],
)
def test_whoever_could_is_found(code: str) -> None:
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.AsyncFunctionDef)
    assert _holds_a_session(node)


def _holds_a_session(node: ast.AsyncFunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    called = {
        inner.func.attr for inner in _own(node) if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)
    }
    return any(one.annotation and ast.unparse(one.annotation) == "Session" for one in arguments) or bool(
        called & HOLDING
    )


HOLDING = {"reading", "writing", "read_blocking", "run_blocking"}
"""Of the store."""


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What runs in the function itself, and not in one that it defines."""
    for inner in ast.iter_child_nodes(node):
        yield inner
        if not isinstance(inner, ast.FunctionDef | ast.Lambda):
            yield from _own(inner)


def _makers(record: str) -> set[str]:
    """Files of the program that call a model, or insert into its table."""
    return {path for path, how, what in _calls() if _makes(how, what, record)}


@cache
def _calls() -> set[tuple[str, str, str]]:
    """All calls by name in files that may make a record: the file, what is called, and what `insert` is for, or ""."""
    return {
        (str(path), how, ast.unparse(node.args[0]) if _inserts(how) and node.args else "")
        for path, tree in sources("agi", "ari_app", "crm", having=rf"\b(?:insert|{'|'.join(DOORS)})\(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (how := _name(node.func))
    }


def _name(called: ast.expr) -> str:
    """`a.b` of `a.b(...)`, and of what stands behind anything else the last name alone."""
    if isinstance(called, ast.Attribute):
        return f"{_name(called.value)}.{called.attr}"
    return called.id if isinstance(called, ast.Name) else ""


def _inserts(how: str) -> bool:
    return how.rpartition(".")[2] == "insert"


def _makes(how: str, what: str, record: str) -> bool:
    return how == record or how.endswith(f"models.{record}") or (_inserts(how) and what == record)
