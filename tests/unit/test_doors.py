"""What is made in one place only, so that its rules stand in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("record", "door"),
    [
        ("Activity", "crm/services/people/timeline.py"),
        ("Lead", "crm/services/people/intake.py"),
        ("LeadPhone", "crm/services/people/intake.py"),
        ("LeadEmail", "crm/services/people/intake.py"),
        ("Interest", "crm/services/people/intake.py"),
        ("Contact", "crm/services/people/contacts.py"),
    ],
)
def test_a_persons_records_have_one_door(record: str, door: str) -> None:
    assert _makers(record) == {door}


def test_nobody_who_can_wait_holds_a_session() -> None:
    """So no transaction is open while a phone rings or a carrier answers; and nothing blocks the event loop."""
    held = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("ari_app", "crm")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncFunctionDef) and _holds_a_session(node)
    }
    assert held == set()


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
        called & {"reading", "writing", "read_blocking", "run_blocking"}
    )


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What runs in the function itself, and not in one that it defines."""
    for inner in ast.iter_child_nodes(node):
        yield inner
        if not isinstance(inner, ast.FunctionDef | ast.Lambda):
            yield from _own(inner)


def _makers(record: str) -> set[str]:
    """Files of the program that call a model, or insert into its table."""
    return {
        str(path.relative_to(ROOT))
        for folder in ("agi", "ari_app", "crm")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _makes(node, record)
    }


def _makes(call: ast.Call, record: str) -> bool:
    how = ast.unparse(call.func)
    inserts = how.rpartition(".")[2] == "insert" and bool(call.args) and ast.unparse(call.args[0]) == record
    return how == record or how.endswith(f"models.{record}") or inserts
