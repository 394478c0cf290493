"""Ports for test systems."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

FIRST_BLOCK, BLOCK, BLOCKS = 20000, 300, 40
"""Ports for tests, below the range from which the kernel assigns ports."""


@contextlib.contextmanager
def port_block() -> Iterator[int]:
    """Reserves a block of ports that no other test run on this machine uses meanwhile; yields the first."""
    folder = Path(tempfile.gettempdir()) / f"leaseline-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in range(BLOCKS):
        first = FIRST_BLOCK + number * BLOCK
        with (folder / str(first)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if all(_is_free(first + offset) for offset in range(25)):
                yield first
                return
    raise RuntimeError("no free block of ports for a test system")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
