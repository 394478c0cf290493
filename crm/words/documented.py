"""What is written under the fields of a record: the text that docs/cli.md, docs/settings.md and the API's description
of itself show."""

from __future__ import annotations

import ast
import inspect


def documented(schema: type) -> dict[str, str]:
    """The text under each field, in the class and those it builds on."""
    found: dict[str, str] = {}
    for kind in reversed(schema.__mro__):
        if kind.__module__ in ("builtins", "typing", "msgspec", "msgspec._core"):
            continue
        body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            is_field = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if is_field and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[field.target.id] = " ".join(str(text.value.value).split())  # type: ignore[attr-defined]
    return found
