"""The app's modules, loaded once for many starts: this process forks an app for each start that tests ask it for.

Most of what a start of the app takes is spent on loading modules. What it does from there on is the same.

It reads requests from the socket whose number is its first argument, one JSON object in a line, and answers each with a
number in a line. The second argument is room for the command lines of apps (see `_show`).
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.orm import configure_mappers

from ari_app.parts import GROUPS
from cli import main
from crm.commands import late
from tests.hurried import sentences_hurried


def _load() -> None:
    late.bind(late.commands("serve").serve.callback)
    for part in GROUPS["app"]:
        importlib.import_module(f"ari_app.parts.{part}")
    configure_mappers()
    gc.collect()
    gc.freeze()


def _serve(connection: socket.socket) -> dict[str, Any] | None:
    """Returns what is to be run, in a process of its own; None once nobody asks any more."""
    with connection.makefile("rwb", buffering=0) as requests:
        while line := requests.readline():
            request: dict[str, Any] = json.loads(line)
            if pid := request.get("ended"):
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            else:
                answer = os.fork()
                if not answer:
                    return request
            requests.write(b"%d\n" % answer)
    return None


def _become(command: list[str], environment: dict[str, str], log: str) -> None:
    """What `Child` has a new process be."""
    os.setsid()
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(environment)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        output = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    if environment.get("PYTHONFAULTHANDLER"):
        faulthandler.enable()
    _show(command)
    sys.argv = command[1:]


def _show(command: list[str]) -> None:
    """Writes a command line over this process's own, for who looks for a home's processes (proc_pid_cmdline(5))."""
    fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    line = b"".join(os.fsencode(word) + b"\0" for word in command)
    assert len(line) < end - start, f"there is no room for {command}"
    ctypes.memmove(start, line.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        wanted = _serve(connection)
    if wanted:
        _become(wanted["command"], wanted["environment"], wanted["log"])
        with sentences_hurried():
            main()
