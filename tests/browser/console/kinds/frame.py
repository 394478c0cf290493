"""Pages that no noun has."""

from __future__ import annotations

from crm.domain.access import Role
from tests.browser.console.kind import Kind

KINDS = (
    Kind("no such page", "/nothing", status=404),
    Kind("not allowed", "/reports", Role.AGENT, status=403),
)
