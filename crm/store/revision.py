"""Whether a database's tables are those of this version of the code; without Alembic, which is slow to load."""

from __future__ import annotations

import functools
from pathlib import Path

from crm.domain.errors import Unavailable

VERSIONS = Path(__file__).parents[2] / "alembic" / "versions"


@functools.cache
def known() -> tuple[str, ...]:
    """Every revision this version of the code knows, in order; their files begin with them."""
    return tuple(sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py")))


def problem(found: str | None) -> Unavailable | None:
    """Why this version cannot use tables at that revision; None when it can. `found` is None where
    there are none of ours."""
    needed = known()[-1]
    if found == needed:
        return None
    if found is None or found in known():
        text = f"The database is at {found or 'nothing'}, this version needs {needed}."
        return Unavailable(text, code="database_old", needed=needed)
    return Unavailable(f"The database is another version's ({found}).", code="database_foreign")
