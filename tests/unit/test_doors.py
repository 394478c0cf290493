"""What is made in one place only, so that its rules stand in one place."""

from __future__ import annotations

import ast
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
        ("Interest", "crm/services/people/intake.py"),
    ],
)
def test_a_persons_records_have_one_door(record: str, door: str) -> None:
    assert _makers(record) == {door}


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
