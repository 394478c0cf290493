"""The console's scripts, as script/setup has made them. Pages work without any; the phone in the browser does not."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from crm.web.console.bundling import HTMX, MADE, MANIFEST, WORKER

PREFIX = "/static/"
MISSING = "The console's scripts are missing, so its pages work without the browser phone: run script/setup."


@dataclass(frozen=True)
class ScriptFiles:
    folder: Path
    scripts: dict[str, str] = field(default_factory=dict)
    """File names by the name of the island."""
    files: dict[str, list[str]] = field(default_factory=dict)
    """All file names, with those that each imports at once."""
    before: list[str] = field(default_factory=list)
    """Files of the time before, which pages that are still open may ask for."""


def read(folder: Path) -> ScriptFiles:
    """What there is in a folder; nothing if it was not made, or not to its end."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return ScriptFiles(folder, told["scripts"], told["files"], told["before"])
    except (OSError, ValueError, KeyError, TypeError):
        return ScriptFiles(folder)


@cache
def _here() -> ScriptFiles:
    return read(Path(sys.prefix) / MADE)


def are_made() -> bool:
    return bool(_here().scripts)


def path(name: str) -> str:
    """Where a page finds an island, e.g. `path("phone")`; empty as long as none were made."""
    found = _here().scripts
    return PREFIX + found[name] if found else ""


def paths() -> dict[str, str]:
    """Those that every page loads, in their order: htmx is there when the others start."""
    found = _here().scripts
    return {
        name: PREFIX + found[name] for name in sorted(found, key=lambda name: (name != HTMX, name)) if name != WORKER
    }


def chunks(name: str) -> list[str]:
    """What an island shares with others, which browsers may load beside it (`modulepreload`)."""
    found = _here()
    return [PREFIX + one for one in found.files.get(found.scripts.get(name, ""), ())]


def find(name: str) -> Path | None:
    """The file of a name that a browser asks for; None if it is none of ours."""
    found = _here()
    if name not in found.files and name not in found.before:
        return None
    file = found.folder / name
    return file if file.is_file() else None


def worker() -> Path | None:
    """The service worker's file."""
    return find(_here().scripts.get(WORKER, ""))
