"""The rows of a call as a minimal CRM would keep them, in plain sqlite3; written by the controls."""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE lead (id INTEGER PRIMARY KEY, phone TEXT UNIQUE, at REAL, status TEXT, owner TEXT);
CREATE TABLE call (id TEXT PRIMARY KEY, did TEXT, caller TEXT, lead INTEGER, at REAL, ended REAL, outcome TEXT,
    step TEXT);
CREATE TABLE event (id INTEGER PRIMARY KEY, call TEXT, at REAL, what TEXT);
CREATE INDEX event_call ON event (call);
CREATE TABLE leg (id TEXT PRIMARY KEY, call TEXT, device TEXT, started REAL, ended REAL, status TEXT);
CREATE TABLE task (id INTEGER PRIMARY KEY, lead INTEGER, call TEXT, due REAL, why TEXT);
CREATE TABLE line (did TEXT PRIMARY KEY, agent TEXT);
"""


def create(path: Path, agents: list[str]) -> None:
    """Adds a line for each agent, identified by its last four digits."""
    database = connect(path)
    database.executescript(TABLES)
    database.executemany("INSERT INTO line VALUES (?, ?)", [(agent[-4:], agent) for agent in agents])
    database.close()


def connect(path: str | Path) -> sqlite3.Connection:
    """Opens the database with the same durability as Leaseline's own."""
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database
