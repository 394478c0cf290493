"""A PostgreSQL server for tests."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from asterisk_conf.programs import postgres_bin
from tests import migrated
from tests.migrated import MIGRATED


class PostgresServer:
    """A PostgreSQL of our own in a temporary folder, on a Unix socket only, without fsync."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs, variables = postgres_bin()
        self._programs = programs
        self._environment = {**os.environ, **variables}
        # PostgreSQL refuses to run as root.
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user, -1)
        self._process: subprocess.Popen[bytes] | None = None
        self._connections: dict[str, psycopg.Connection] = {}

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    def initialize(self) -> None:
        self._run(
            *("initdb", "-D", str(self.cluster), "-U", "leaseline", "-A", "trust", "-E", "UTF8", "--no-sync"),
            # Most of a small cluster is its log, in files of 16 MB unless told otherwise.
            "--wal-segsize=1",
        )

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._programs / "postgres"), "-D", str(self.cluster), "-k", str(self.folder)),
                    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"),
                ],
                env=self._environment,
                user=self._user,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                log_text = (self.folder / "log").read_text(errors="replace")
                assert self._process.poll() is None, f"PostgreSQL ended: {log_text}"
                assert time.monotonic() < deadline, f"PostgreSQL did not start: {log_text}"
                time.sleep(0.02)

    def stop(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def run_sql(self, statements: str, database: str = "postgres") -> None:
        """Over a connection that is kept: a new one has to learn the tables first, which is most of the work."""
        self._connection(database).execute(statements.encode())

    def run_all(self, statements: Sequence[tuple[str, Any]], database: str) -> None:
        """Statements with their parameters, in one transaction over the same connection."""
        connection = self._connection(database)
        with connection.transaction():
            for statement, parameters in statements:
                connection.execute(statement.encode(), parameters)

    def _connection(self, database: str) -> psycopg.Connection:
        if database not in self._connections:
            self._connections[database] = psycopg.connect(self.dsn(database), autocommit=True)
        return self._connections[database]

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://leaseline@/{database}?host={self.folder}"

    def dsn(self, database: str) -> str:
        return f"host={self.folder} user=leaseline dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            env=self._environment,
            user=self._user,
            check=True,
            capture_output=True,
            cwd=self.folder,
        )


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    with _server() as server:
        # With its owner, who has to be the one it runs as.
        _copy(migrated_cluster(), server.cluster)
        server.start()
        yield server


@functools.cache
def migrated_cluster() -> Path:
    """Of a server with a migrated database; it is made once, and kept for later runs."""

    def make(path: Path) -> None:
        with _server() as server:
            server.initialize()
            server.start()
            server.run_sql(f"CREATE DATABASE {MIGRATED}")
            migrated.upgrade(server.url(MIGRATED))
            server.stop()
            _copy(server.cluster, path)

    return migrated.kept(".cluster", make, *(str(part) for part in postgres_bin()))


@contextlib.contextmanager
def _server() -> Iterator[PostgresServer]:
    # Not below pytest's own folder, which nobody else may enter; and a socket's path may have 107 characters only.
    # In memory where there is room: a new database has 300 files, most of whose cost is the disk's.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="leaseline-pg-", dir=memory))
    server = PostgresServer(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _copy(cluster: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", str(cluster), str(to)], check=True)
