"""The position where a page of a list ends, as an opaque text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from crm.domain.errors import Invalid
from crm.web.api.routes import LARGEST_ID, ListPage, Paged

Value = TypeVar("Value")
Key = TypeVar("Key")


def page(
    query: Paged,
    key: type[Key],
    key_of: Callable[[Value], Key],
    read: Callable[[Key | None, int], list[Value]],
) -> ListPage[Value]:
    """Returns one page of a list: `read` returns its entries in order, after a key and up to a limit.

    `key` is the type of the sort key, and `key_of` returns that of an entry. Raises Invalid.
    """
    after = None if query.after is None else _read(query.after, key)
    found = read(after, query.limit + 1)
    items = found[: query.limit]
    return ListPage(items=items, next=_written(key_of(items[-1])) if len(found) > query.limit else None)


def _written(key: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read(raw: str, key: type[Key]) -> Key:
    try:
        padded = raw.encode("ascii") + b"=" * (-len(raw) % 4)
        found = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=key)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        found = None
    if found is None or not _is_bounded(found):
        raise Invalid("`after` is not valid: pass on `next` of the previous page unchanged.", code="cursor_invalid")
    return found


def _is_bounded(key: Any) -> bool:
    """Whether the database can compare the key."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(not isinstance(part, int) or 0 <= part <= LARGEST_ID for part in parts) and "\x00" not in str(key)
