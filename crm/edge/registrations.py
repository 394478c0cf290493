"""The addresses phones are registered from, read from Asterisk's own database (astdb, which outlives a restart)."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from dataclasses import dataclass

from crm.config import Config

_URI = re.compile(r"sips?:[^@]*@(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(.*)", re.ASCII | re.IGNORECASE)


class UnreadableRegistrations(Exception):
    """Asterisk has no database yet, or another process has locked it."""


@dataclass(frozen=True)
class Registration:
    device: str
    """Name of the endpoint."""
    address: str
    """IPv4 address its packets come from (rewrite_contact)."""
    is_encrypted: bool
    """Whether the registration came over TLS."""


def find_all(config: Config) -> list[Registration]:
    """Reads the file; blocks. Raises UnreadableRegistrations."""
    path = config.asterisk_folder / "var" / "astdb.sqlite3"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            rows = database.execute("SELECT value FROM astdb WHERE key LIKE '/registrar/contact/%'").fetchall()
    except sqlite3.Error as error:
        raise UnreadableRegistrations(str(error)) from error
    return [found for (contact,) in rows if (found := _read(str(contact)))]


def _read(contact: str) -> Registration | None:
    try:
        entry = json.loads(contact)
        device, uri = str(entry["endpoint"]), _URI.fullmatch(str(entry["uri"]))
    except (ValueError, KeyError, TypeError):
        return None
    return Registration(device, uri[1], is_over_tls(uri[0])) if uri else None


def is_over_tls(uri: str) -> bool:
    """Whether a contact came over TLS: Asterisk writes that into the URI (rewrite_contact), and nothing for UDP."""
    _, *parameters = uri.rpartition("@")[2].partition("?")[0].split(";")
    return any(parameter.lower() == "transport=tls" for parameter in parameters)
