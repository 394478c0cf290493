"""Generates the OpenAPI 3.1 document from the declared operations and their input and output structs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec

from crm.domain.access import Scope
from crm.web.api import problems
from crm.web.api.routes import Operation, Routes
from crm.words.documented import documented

VERSION = "1.0.0"
_REF = "#/components/schemas/{name}"
_SECURITY = "key"


def document(resources: Sequence[Routes], root: str, public_url: str) -> dict[str, Any]:
    """Returns the document for operations below `root`."""
    found = [(routes.tag, operation) for routes in resources for operation in routes.operations]
    types = list(_types(operation for _, operation in found))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    _describe(components, types)
    queries = {operation.query.__name__ for _, operation in found if operation.query}
    paths: dict[str, dict[str, Any]] = {}
    for tag, operation in found:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            tag, operation, schema_of, components
        )
    _link(paths, [operation for _, operation in found])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Leaseline", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": public_url.rstrip("/") + root}],
        "tags": [{"name": routes.tag} for routes in resources],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {_SECURITY: {"type": "http", "scheme": "bearer", "description": _KEYS}},
            "headers": _HEADERS,
        },
    }


def _link(paths: dict[str, dict[str, Any]], operations: Sequence[Operation]) -> None:
    """Adds links from operations that create something to all operations on its id, matched by the type they return."""
    shown = {
        repr(one.answers): name
        for one in operations
        if one.method == "GET"
        for name in one.of_path
        if one.path.endswith(f"{{{name}}}")
    }
    for made in operations:
        if 201 not in made.statuses or (parameter := shown.get(repr(made.answers))) is None:
            continue
        paths[made.path][made.method.lower()]["responses"]["201"]["links"] = {
            one.name: {"operationId": one.name, "parameters": {parameter: "$response.body#/id"}}
            for one in operations
            if list(one.of_path) == [parameter]
        }


_ABOUT = "Leads, calls, texts, tours and tasks of a leasing office. docs/guide/api.md has a guide with examples."
_KEYS = f"A key made with `leaseline api key add`. Scopes: {', '.join(Scope)}."
_HEADERS = {
    "ETag": {"description": "Identifies this state of the resource (RFC 9110).", "schema": {"type": "string"}},
    "Location": {"description": "URL of the created resource.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    "Idempotency-Replayed": {
        "description": "The same request was sent before; this is its response.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


def _types(operations: Iterable[Operation]) -> Iterator[Any]:
    seen: set[str] = set()
    for operation in operations:
        for kind in (operation.query, operation.body, operation.answers, *operation.of_path.values()):
            if kind not in (None, NoneType) and repr(kind) not in seen:
                seen.add(repr(kind))
                yield kind
    yield problems.ProblemDetails


def _operation(tag: str, operation: Operation, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    takes_name = operation.method == "POST"
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema_of[repr(kind)]}
        for name, kind in operation.of_path.items()
    ]
    if operation.query:
        parameters += _of_query(components[operation.query.__name__])
    if operation.method == "GET":
        parameters.append(_header("If-None-Match", "ETag of a response: if it is still current, the status is 304."))
    if operation.takes_match:
        parameters.append(_header("If-Match", "ETag of what you want to change: if it has changed, the status is 412."))
    if takes_name:
        text = "Identifies this request: if it is repeated within 24 hours, it gets the same response and does nothing."
        parameters.append(_header("Idempotency-Key", text, {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}))
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.summary,
        "security": [{_SECURITY: [str(operation.scope)]}],
        "parameters": parameters,
        "responses": _responses(operation, schema_of),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        content = {"application/json": {"schema": schema_of[repr(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _of_query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {key: value for key, value in of.items() if key != "description"},
            **({"description": of["description"]} if "description" in of else {}),
        }
        for name, of in ((name, _not_null(of)) for name, of in schema["properties"].items())
    ]


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Removes null from a query parameter's schema: instead of null, a parameter is left out."""
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return {**rest, **choices[0]} if len(choices) == 1 else {**rest, **({"anyOf": choices} if choices else {})}


def _header(name: str, text: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    schema = {"type": "string", **(more or {})}
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _responses(operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in operation.statuses:
        headers = ["ETag"] if operation.method in ("GET", "PATCH") else ["Idempotency-Replayed"]
        headers += ["Location"] if status == 201 else []
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
            "content": {"application/json": {"schema": schema_of[repr(operation.answers)]}},
        }
    wrong = {401, 403, 404, 422, 429, 500, 503}
    if operation.method == "GET":
        responses["304"] = {"description": "It has not changed."}
    else:
        wrong |= {409}
    if operation.body:
        wrong |= {400, 408, 413, 415}
    if operation.takes_match:
        wrong |= {412}
    for status in sorted(wrong):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {problems.MIME: {"schema": schema_of[repr(problems.ProblemDetails)]}},
        }
        if status in (429, 503):
            responses[str(status)]["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return responses


def _describe(components: dict[str, Any], types: Iterable[Any]) -> None:
    """Adds the docstrings of struct fields to their schemas as descriptions."""
    structs = {kind.__name__: kind for kind in _structs(types)}
    for name, schema in components.items():
        kind = structs.get(re.sub(r"_.*", "", name))
        if kind is None or "properties" not in schema:
            continue
        for field, text in documented(kind).items():
            if field in schema["properties"]:
                schema["properties"][field]["description"] = text


def _structs(kinds: Iterable[Any]) -> Iterator[type]:
    for kind in kinds:
        yield from _structs(get_args(kind))
        origin = getattr(kind, "__origin__", kind)
        if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
            yield origin
            yield from _structs(get_type_hints(origin, include_extras=True).values())
