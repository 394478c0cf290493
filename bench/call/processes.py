"""CPU time of processes with all their descendants, and memory."""

from __future__ import annotations

import contextlib

import psutil


def cpu_seconds(pid: int) -> float:
    """Returns utime + stime of a process, of its living descendants, and of those it has waited for."""
    root = psutil.Process(pid)
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent


def memory(pid: int) -> int:
    """Returns the resident bytes of the process itself."""
    return int(psutil.Process(pid).memory_info().rss)
