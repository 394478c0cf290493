"""Health."""

from __future__ import annotations

from tests.browser.console.kind import Kind

KINDS = (Kind("health", "/health"),)
