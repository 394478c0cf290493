"""The command line on real homes: each test gets a copy of one that `leaseline init` made, with its SQLite database."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import cli


@dataclass(frozen=True)
class Leaseline:
    """Runs commands on one home."""

    home: Path

    def __call__(self, *arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["--home", str(self.home), *arguments], input=input, prog_name="leaseline")

    def ok(self, *arguments: str, input: str | None = None) -> str:
        """Runs what has to succeed and gives its output."""
        result = self(*arguments, input=input)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str, input: str | None = None) -> str:
        """Runs what has to be refused; exit 2, one sentence, and nothing changed. Gives the sentence."""
        before = self.contents()
        result = self(*arguments, input=input)
        assert result.exit_code == 2, result.output
        assert result.stdout == "" or input is not None
        assert self.contents() == before
        sentence = result.stderr.strip().splitlines()[-1]
        assert sentence.startswith("Error: ")
        assert sentence.isprintable()
        assert len(sentence) < 400
        return sentence

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.home / "leaseline.db")
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    def write(self, statement: str) -> None:
        """Changes the database past the commands."""
        database = sqlite3.connect(self.home / "leaseline.db")
        try:
            with database:
                database.execute(statement)
        finally:
            database.close()

    def contents(self) -> dict[str, str]:
        """All there is, as checksums: the database (what is not in its file yet stands in -wal) and the passwords."""
        files = [*self.home.glob("leaseline.db*"), self.home / "secrets.json"]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def free_ports() -> int:
    """Where a block of ports begins that nobody listens in."""
    for _ in range(100):
        first = random.randrange(30_000, 60_000, 300)
        try:
            for port in (first, first + 1, first + 2, first + 3, first + 10):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "home"
    Leaseline(home).ok("init", "--name", "Maple Leasing", "--ports-from", str(free_ports()))
    return home


def copied(home: Path, to: Path) -> Path:
    """A copy that does not know that it is one."""
    return Path(shutil.copytree(home, to, ignore=shutil.ignore_patterns("home.json")))


@pytest.fixture(scope="session")
def made_office(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "office"
    copied(made_home, home)
    office = Leaseline(home)
    office.ok("agent", "add", "alice", "--name", "Alice", "--extension", "101")
    office.ok("agent", "add", "bob")
    office.ok("subteam", "add", "north")
    office.ok("subteam", "members", "add", "north", "alice", "bob")
    office.ok("property", "add", "elm", "--name", "Elm Street Apartments", "--subteam", "north")
    office.ok("line", "add", "(512) 555-0100", "--property", "elm", "--source", "sign")
    office.ok("device", "add", "alice-desk", "--agent", "alice")
    office.ok("trunk", "add", "acme", "--host", "sip.acme.example", "--auth", "address", "--address", "203.0.113.0/24")
    return home


@pytest.fixture
def leaseline(made_home: Path, tmp_path: Path) -> Leaseline:
    """A new office: an admin, and nothing else."""
    return Leaseline(copied(made_home, tmp_path / "home"))


@pytest.fixture
def office(made_office: Path, tmp_path: Path) -> Leaseline:
    """An office with two agents, a subteam, a property, a line, a device and a trunk."""
    return Leaseline(copied(made_office, tmp_path / "office"))


@pytest.fixture
def untouched(made_office: Path) -> Leaseline:
    """That office itself, for what is refused: `Leaseline.refused` sees to it that it stays as it is."""
    return Leaseline(made_office)
