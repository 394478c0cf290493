"""What all asynchronous users of the CRM share: workers, flows, AGI scripts, the web.

It knows no services: services are plain functions that get a session and only what they need from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from crm.config import Config
from crm.secrets import Secrets
from crm.store.session import Store


def utc_now() -> datetime:
    """The clock used everywhere except in tests."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Crm:
    """One system: its settings, database, passwords and clock."""

    config: Config
    store: Store
    secrets: Secrets
    now: Callable[[], datetime]
    """Aware, in UTC."""


def opened(config: Config, now: Callable[[], datetime] = utc_now) -> Crm:
    """Returns the system with these settings. Nothing is opened yet; the caller closes its store."""
    return Crm(config, Store(config.database_url), Secrets(config.secrets_file), now)
