"""Declares resources: the annotations of one function describe its input and output, for the server and for the OpenAPI
document.

    @routes.get("/leads/{lead}", Scope.LEADS_READ)
    def show_lead(ask: Ask, lead: Id) -> LeadCard:
        '''Show a lead.'''

Its parameters are `ask`, those of the path, and optionally `query` (a struct for the query string) and `body` (a struct
for the JSON). A function runs in one transaction, which only writes if the method is not GET, and may raise what
services raise (`crm.domain.errors`).
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.access import Reach, Scope
from crm.secrets import Secrets
from crm.services.access.keys import KnownKey
from crm.services.audit import By

LARGEST_ID = 2**31 - 1
Id = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]
"""The id of a record; integers in the database go up to LARGEST_ID."""
PAGE = 50
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
"""Entries on a page."""
Slug = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,39}$")]
"""The slug of a property, a subteam or an agent."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its offset (RFC 3339)."""

Act = TypeVar("Act", bound=Callable[..., Any])
Value = TypeVar("Value")


class ListPage(msgspec.Struct, Generic[Value], kw_only=True):
    """A page of a list."""

    items: list[Value]
    next: str | None
    """Value of `after` for the next page; null on the last page."""


class Query(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base class for query strings."""


class Paged(Query, kw_only=True):
    """Selects a page of a list."""

    limit: Limit = PAGE
    """Most entries to return."""
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """`next` of the previous page."""


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base class for request bodies."""


@dataclass(frozen=True)
class Reply(Generic[Value]):
    """A created record, if the status depends on the outcome."""

    value: Value
    status: int
    location: str
    """Path of the record, below the root of the API."""


class Stale(Exception):
    """The record has changed since the program read it (If-Match)."""


@dataclass(frozen=True)
class Ask:
    """One request, as the functions of resources see it."""

    session: Session
    crm: Crm
    key: KnownKey
    now: datetime
    match: str | None = None
    """ETags of If-Match; None if it was not sent."""

    @property
    def config(self) -> Config:
        return self.crm.config

    @property
    def secrets(self) -> Secrets:
        return self.crm.secrets

    @property
    def reach(self) -> Reach:
        return self.key.reach

    @property
    def by(self) -> By:
        return By(f"api:{self.key.name}", self.now)

    def check_unchanged(self, current: msgspec.Struct) -> None:
        """Raises Stale if the record differs from what the program read. Lock the row first."""
        if self.match is not None and not matches(self.match, etag(encode(current)), weak=False):
            raise Stale


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    scope: Scope
    statuses: tuple[int, ...]
    takes_match: bool
    act: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.act.__name__

    @cached_property
    def hints(self) -> dict[str, Any]:
        return get_type_hints(self.act, include_extras=True)

    @cached_property
    def of_path(self) -> dict[str, Any]:
        """Types of the parameters in the path."""
        return {name: self.hints[name] for name in re.findall(r"{(\w+)}", self.path)}

    @cached_property
    def query(self) -> type[Query] | None:
        return self.hints.get("query")

    @cached_property
    def body(self) -> type[Body] | None:
        return self.hints.get("body")

    @property
    def answers(self) -> Any:
        """Type of the response; NoneType for an empty one."""
        found = self.hints["return"]
        return get_args(found)[0] if get_origin(found) is Reply else found

    @property
    def summary(self) -> str:
        return inspect.getdoc(self.act).partition("\n")[0]  # type: ignore[union-attr]

    @property
    def description(self) -> str:
        return " ".join(inspect.getdoc(self.act).partition("\n")[2].split())  # type: ignore[union-attr]


@dataclass
class Routes:
    """The operations of one kind of resource."""

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, scope: Scope) -> Callable[[Act], Act]:
        return self._declared("GET", path, scope, (200,))

    def post(self, path: str, scope: Scope, *statuses: int) -> Callable[[Act], Act]:
        """Declares a POST with the statuses of its responses, 200 if none is given."""
        return self._declared("POST", path, scope, statuses or (200,))

    def patch(self, path: str, scope: Scope) -> Callable[[Act], Act]:
        """Declares a PATCH; its function has to call `ask.check_unchanged`."""
        return self._declared("PATCH", path, scope, (200,), takes_match=True)

    def _declared(
        self, method: str, path: str, scope: Scope, statuses: tuple[int, ...], *, takes_match: bool = False
    ) -> Callable[[Act], Act]:
        def keep(act: Act) -> Act:
            self.operations.append(Operation(method, path, scope, statuses, takes_match, act))
            return act

        return keep


def given(changes: Body) -> dict[str, Any]:
    """Returns the fields that were sent."""
    found = {name: getattr(changes, name) for name in changes.__struct_fields__}
    return {name: value for name, value in found.items() if value is not msgspec.UNSET}


_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    return _encoder.encode(value)


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(header: str, tag: str, *, weak: bool) -> bool:
    """Whether a list of ETags, or *, includes this one (RFC 9110, 8.8.3.2)."""
    if header.strip() == "*":
        return True
    tags = [one.strip() for one in header.split(",")]
    return tag in ([one.removeprefix("W/") for one in tags] if weak else tags)


def converted(raw: str, wanted: Any) -> Any:
    """Converts a part of the path to its declared type. Raises msgspec.ValidationError."""
    found = msgspec.convert(raw, wanted, strict=False)
    # msgspec also reads 1e5 as a whole number.
    if isinstance(found, int) and not (raw.isascii() and raw.isdigit()):
        raise msgspec.ValidationError("Expected `int`")
    return found


def query_of(raw: Mapping[str, str], wanted: type[Query]) -> Query:
    """Converts the query string to its struct. Raises msgspec.ValidationError."""
    found = msgspec.convert(raw, wanted, strict=False)
    for name in raw:
        # msgspec converts the word null to None; in a URL, a parameter without a value is left out.
        if getattr(found, name) is None:
            raise msgspec.ValidationError(f"Expected a value - at `$.{name}`")
    return found
