"""Lists of leads as files: exported page by page, imported slice by slice."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import msgspec

from crm.commands.command import WrongInput
from crm.context import Crm
from crm.domain import lead_rows
from crm.domain.leads import LeadFilter
from crm.services.audit import By
from crm.services.people import lead_lists
from crm.services.people.lead_lists import ListLine, ListTotal, Rejected, SliceResult
from crm.store import statistics
from crm.store.session import Store
from crm.views import lead_export

FORMATS = ("csv", "jsonl")
SHOWN = 20
"""How many rejected lines are shown."""


def write(
    store: Store,
    path: Path,
    now: datetime,
    wanted: LeadFilter,
    format_: str,
    raw: bool,
    progress: Callable[[int], None],
) -> int:
    """Exports the leads that match; returns how many. Raises WrongInput if the file cannot be written."""
    count = 0
    with _opened(path) as file:
        table = csv.writer(file, lineterminator="\n")
        if format_ == "csv":
            table.writerow(lead_rows.COLUMNS)
        after: int | None = 0
        while after is not None:
            with store.reading() as session:
                rows, after = lead_export.page(session, now, wanted, after)
            if format_ == "csv":
                table.writerows(lead_rows.write_row(row, raw=raw) for row in rows)
            else:
                file.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
            count += len(rows)
            progress(count)
    return count


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if str(path) == "-":
        yield sys.stdout
        return
    part = path.with_name(f".{path.name}.part")
    try:
        # Under a temporary name first, so that nobody finds half a list and an older one stays until this one is
        # complete.
        with part.open("x", encoding="utf-8", newline="") as file:
            part.chmod(0o600)
            yield file
        part.replace(path)
    except OSError as error:
        raise WrongInput(f"{path} cannot be written ({error.strerror}): choose another file.") from None
    finally:
        part.unlink(missing_ok=True)


def read(
    crm: Crm,
    by: By,
    path: Path,
    source: str,
    *,
    rejects: Path | None,
    dry_run: bool,
    progress: Callable[[int, int], None],
) -> ListTotal:
    """Imports a list, each slice in a transaction of its own. Raises Invalid, and WrongInput if a file cannot be
    opened."""
    done = ListTotal()
    try:
        encoding, total = lead_lists.encoding_of(path), path.stat().st_size
        with path.open("rb") as raw, open(raw.fileno(), encoding=encoding, newline="", closefd=False) as file:
            heads, lines = lead_lists.lines(file)
            with _rejects(rejects, heads) as note:
                for some in _slices(lines):
                    crm.store.make_room()
                    taken = _take(crm, by, some, source, dry_run)
                    done.added += taken.added
                    done.joined += taken.joined
                    for one in taken.rejected:
                        done.rejected += 1
                        if done.rejected <= SHOWN:
                            done.first_rejects.append(f"Line {one.line.number}: {one.why}")
                        note(one)
                    progress(min(raw.tell(), total), total)
    except OSError as error:
        raise WrongInput(f"{error.filename or path} cannot be opened ({error.strerror}).") from None
    if not dry_run:
        crm.store.run_blocking(statistics.renew)
    return done


def _take(crm: Crm, by: By, some: list[ListLine | Rejected], source: str, dry_run: bool) -> SliceResult:
    lines = [one for one in some if isinstance(one, ListLine)]
    if dry_run:
        taken = crm.store.read_blocking(lead_lists.take, crm.config, by, lines, source)
    else:
        taken = crm.store.run_blocking(lead_lists.take, crm.config, by, lines, source)
    taken.rejected = sorted(
        [*taken.rejected, *(one for one in some if isinstance(one, Rejected))], key=lambda one: one.line.number
    )
    return taken


def _slices(lines: Iterator[ListLine | Rejected]) -> Iterator[list[ListLine | Rejected]]:
    while some := list(itertools.islice(lines, lead_lists.SLICE)):
        yield some


@contextmanager
def _rejects(path: Path | None, heads: list[str]) -> Iterator[Callable[[Rejected], None]]:
    """Opens a file with the same columns for the lines that are rejected, and the reason as the last one."""
    if path is None:
        yield lambda one: None
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        path.chmod(0o600)
        table = csv.writer(out, lineterminator="\n")
        table.writerow([*heads, "why it was rejected"])
        yield lambda one: table.writerow([*one.line.cells, one.why])
