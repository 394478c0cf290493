"""Lists of leads as files: exported page by page, imported slice by slice."""

from __future__ import annotations

import csv
import io
import itertools
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec

from crm.commands.command import WrongInput
from crm.config import Config
from crm.context import Crm
from crm.domain import lead_rows
from crm.domain.blocks import Members
from crm.domain.leads import LeadFilter
from crm.edge import documents, mail_files, text_files
from crm.services.audit import By
from crm.services.people import exports, lead_lists
from crm.services.people.lead_lists import ListTotal, Rejected, SliceResult
from crm.services.people.list_lookups import ListLine
from crm.services.people.records import PersonRecord
from crm.store import slices, statistics
from crm.store.session import Store
from crm.store.slices import SliceSize
from crm.views import lead_export, leads
from crm.views.leads import LeadCard

FORMATS = ("csv", "jsonl")
SHOWN = 20
"""How many rejected lines are shown."""


def write(
    store: Store,
    path: Path,
    by: By,
    wanted: LeadFilter,
    format_: str,
    raw: bool,
    progress: Callable[[int], None],
) -> int:
    """Exports the leads that match, and puts that on record; returns how many. Raises WrongInput if the file cannot be
    written."""
    members = Members()
    try:
        with _opened(path) as file:
            table = csv.writer(file, lineterminator="\n")
            if format_ == "csv":
                table.writerow(lead_rows.COLUMNS)
            after: int | None = 0
            while after is not None:
                with store.reading() as session:
                    rows, after = lead_export.page(session, by.now, wanted, after)
                if format_ == "csv":
                    table.writerows(lead_rows.write_rows(rows, raw=raw))
                else:
                    file.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
                members.add_all(row.id or 0 for row in rows)
                progress(members.count)
    finally:
        # Also of one that was cut short: what went into a pipe is out.
        if members.count:
            store.run_blocking(exports.record, by, "CSV" if format_ == "csv" else "JSON lines", members)
    return members.count


def write_vcard(store: Store, by: By, card: LeadCard, path: Path) -> None:
    """Writes one lead as a vCard, and puts that on record. Raises WrongInput if the file cannot be written."""
    with _opened(path) as file:
        file.write(leads.vcard_of(card))
    store.run_blocking(exports.record_one, by, "vCard", card.id)


def write_record(config: Config, record: PersonRecord, path: Path, *, with_files: bool) -> list[str]:
    """Writes everything that is known of a person to a file: JSON, or with the files themselves a ZIP archive. Returns
    the names of files that are not here. Raises WrongInput if it cannot be written."""
    data = msgspec.json.format(msgspec.json.encode(record.data))
    if not with_files:
        with _opened(path) as file:
            file.write(data.decode() + "\n")
        return []
    missing = []
    with _opened_binary(path) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("record.json", data)
        for folder, name, source in _files(config, record):
            if source is not None and source.is_file():
                archive.write(source, f"{folder}/{name}")
            else:
                missing.append(name)
    return missing


def _files(config: Config, record: PersonRecord) -> Iterator[tuple[str, str, Path | None]]:
    for name in record.audio:
        yield "audio", Path(name).name, config.recordings_folder / Path(name).name
    for name in record.mails:
        with suppress(FileNotFoundError):
            path = mail_files.file_of(config.mails_folder, name)
            yield "emails", path.name, path
    for name in record.documents:
        yield "documents", name, documents.path_of(config.documents_folder, name)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if str(path) == "-":
        yield sys.stdout
        return
    with _opened_binary(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _opened_binary(path: Path) -> Iterator[BinaryIO]:
    part = path.with_name(f".{path.name}.part")
    try:
        # Under a temporary name first, so that nobody finds half a file and an older one stays until this one is
        # complete.
        with part.open("xb") as file:
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
    opened or is no text."""
    done = ListTotal()
    try:
        encoding, total = text_files.encoding_of(path), path.stat().st_size
        with path.open("rb") as raw, open(raw.fileno(), encoding=encoding, newline="", closefd=False) as file:
            heads, lines = lead_lists.lines(file)
            with _rejects(rejects, heads) as note:
                slices.begin()
                size = SliceSize(lead_lists.FIRST_SLICE, lead_lists.LARGEST_SLICE)
                while some := list(itertools.islice(lines, size.rows)):
                    crm.store.make_room()
                    taken = _take(crm, by, some, source, dry_run, size)
                    done.added += taken.added
                    done.joined += taken.joined
                    for one in taken.rejected:
                        done.rejected += 1
                        if done.rejected <= SHOWN:
                            done.first_rejects.append(f"Line {one.line.number}: {one.why}")
                        note(one)
                    progress(min(raw.tell(), total), total)
    except UnicodeDecodeError:
        raise WrongInput(f"{path} is not text: save it as CSV UTF-8.") from None
    except OSError as error:
        raise WrongInput(f"{error.filename or path} cannot be opened ({error.strerror}).") from None
    if not dry_run:
        crm.store.run_blocking(statistics.renew)
    return done


def _take(
    crm: Crm, by: By, some: list[ListLine | Rejected], source: str, dry_run: bool, size: SliceSize
) -> SliceResult:
    lines = [one for one in some if isinstance(one, ListLine)]
    planned = crm.store.read_blocking(lead_lists.plan, crm.config, by, lines, source)
    taken = planned.result
    if not dry_run:
        taken = crm.store.run_blocking(size.timed(lead_lists.take), crm.config, by, lines, planned, source)
        size.done(len(lines))
    taken.rejected = sorted(
        [*taken.rejected, *(one for one in some if isinstance(one, Rejected))], key=lambda one: one.line.number
    )
    return taken


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

        def note(one: Rejected) -> None:
            cells = one.line.cells
            missing = [""] * (len(heads) - len(cells))
            table.writerow([*cells[: len(heads)], *missing, one.why, *cells[len(heads) :]])

        yield note
