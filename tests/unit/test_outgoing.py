"""The outbox has one way in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.unit.sources import sources

pytestmark = pytest.mark.unit

THE_ONE_WAY_IN = "crm/services/outbox/outgoing.py"
MODELS = "crm.store.models"
ROWS = {"Message", "Mail"}


def rows_made(tree: ast.Module) -> Iterator[ast.Call]:
    """Where a row of a text or a mail is made, as an object or by an INSERT; what came in is none of ours."""
    names = {
        one.asname or one.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(MODELS)
        for one in node.names
        if one.name in ROWS
    } | {f"models.{row}" for row in ROWS}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        made = [node.func]
        if "insert" in ast.unparse(node.func):
            made = list(node.args)
        if not any(ast.unparse(one) in names for one in made):
            continue
        directions = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "direction"]
        if directions not in (["TextDirection.IN"], ["'in'"]):
            yield node


def test_texts_and_mails_of_ours_are_made_in_one_file_alone() -> None:
    found = sources("cli.py", "crm", "ari_app", "agi", having=rf"\b(?:{'|'.join(ROWS)})\b")
    makers = {str(path): [node.lineno for node in rows_made(tree)] for path, tree in found}
    assert len(makers.pop(THE_ONE_WAY_IN)) == 2, "a text and a mail"
    assert {path: lines for path, lines in makers.items() if lines} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from crm.store.models import Message\nMessage(key='a')",
        "from crm.store.models import Mail as Row\nRow(key='a')",
        "from crm.store.models.texts import Message\nMessage(direction=TextDirection.OUT)",
        "from crm.store.models import Mail\nfrom sqlalchemy import insert\ninsert(Mail)",
        "from crm.store import models\nmodels.Message(key='a')",
    ],
)
def test_a_maker_elsewhere_is_noticed(code: str) -> None:
    assert [node.lineno for node in rows_made(ast.parse(code))] == [len(code.splitlines())]
