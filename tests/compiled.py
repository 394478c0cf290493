"""Statements are compiled once for a whole run, though many databases are opened one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from crm.store import session

KEPT = 4_000
"""Statements that are kept compiled for one kind of database. All tests have more than the 500 of one system."""


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Each engine compiles statements anew; here it uses what the first ones have compiled."""
    open_engine = session.create_engine
    first: dict[tuple[str, Any], Engine] = {}

    def open_another(*arguments: Any, **options: Any) -> Engine:
        engine = open_engine(*arguments, **options)
        # Those that write JSON in another way have other statements.
        kind = engine.dialect.name, options.get("json_serializer")
        shared = first.get(kind)
        if shared is None or shared.dialect.server_version_info is None:
            # One that never connected knows nothing of its server, which what shares it would then never ask.
            first[kind] = engine
            engine._compiled_cache = LRUCache(KEPT)
            return engine
        engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_engine", open_another)
        yield
