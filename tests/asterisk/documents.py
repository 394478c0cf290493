"""Asterisk's own description of its responses and events: the api-docs of the installed version."""

from __future__ import annotations

import functools
import json
from typing import Any

from asterisk_conf import programs

OF_BASE = ("asterisk_id", "application", "timestamp", "type")
"""Fields that every event has."""
_SIMPLE = {
    "string": str,
    "Date": str,
    "int": int,
    "long": int,
    "boolean": bool,
    "double": (int, float),
    "object": dict,
}


@functools.cache
def models() -> dict[str, dict[str, Any]]:
    """Returns the fields of every model, by name of the model."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((programs.asterisk_dirs().data / "rest-api").glob("*.json")):
        for name, model in json.loads(path.read_text()).get("models", {}).items():
            found[name] = model["properties"]
    return found


_right: set[tuple[str, frozenset[str]]] = set()


def check(model: str, body: Any) -> None:
    """Fails if a body differs from the documentation. Bodies with the same fields are only checked once."""
    shape = (model, _fields(body))
    if shape not in _right:
        _check(model, body, model)
        _right.add(shape)


def _fields(body: Any) -> frozenset[str]:
    """Returns all fields, including nested ones."""
    if isinstance(body, dict):
        return frozenset(f"{key}.{inner}" for key, value in body.items() for inner in (_fields(value) or {""}))
    if isinstance(body, list):
        return frozenset(inner for one in body[:1] for inner in _fields(one))
    return frozenset()


def _check(model: str, body: Any, where: str) -> None:
    if model.startswith("List["):
        assert isinstance(body, list), f"{where} is no list"
        for one in body[:1]:
            _check(model[5:-1], one, where)
        return
    if model in _SIMPLE:
        assert isinstance(body, _SIMPLE[model]), f"{where} is no {model}"
        return
    properties = models()[model]
    for name, value in body.items():
        if name in OF_BASE and name not in properties:
            continue
        assert name in properties, f"{where}.{name} is not documented"
        _check(properties[name]["type"], value, f"{where}.{name}")
    missing = {name for name, field in properties.items() if field.get("required")} - body.keys()
    assert not missing, f"{where} lacks {missing}"
