"""What processes take: processor time and memory of one with all below it."""

from __future__ import annotations

import contextlib

import psutil


def cpu_seconds(pid: int) -> float:
    """utime + stime of a process, of its children that live, and of those it has waited for."""
    root = psutil.Process(pid)
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent


def memory(pid: int) -> int:
    """Resident bytes of the process alone."""
    return int(psutil.Process(pid).memory_info().rss)
