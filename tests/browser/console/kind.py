"""A kind of page."""

from __future__ import annotations

from dataclasses import dataclass

from crm.domain.access import Role


@dataclass(frozen=True)
class Kind:
    """A page of the console, as somebody sees it."""

    name: str
    path: str
    """With the names that a module's `fill` returned in braces."""
    role: Role = Role.ADMIN
    status: int = 200
