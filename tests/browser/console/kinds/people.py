"""People who may sign in, and the own account."""

from __future__ import annotations

from tests.browser.console.kind import Kind

KINDS = (
    Kind("people", "/people"),
    Kind("person", "/people/admin-en"),
    Kind("account", "/account"),
)
