"""The files that lists are read from."""

from __future__ import annotations

from pathlib import Path

from crm.domain import imports
from crm.domain.errors import Invalid
from crm.domain.imports import ListKind, Lists
from crm.edge import text_files

LONGEST_FILE = 100_000_000
"""Bytes."""


def read(path: Path, kind: str | None = None) -> Lists:
    """Reads the lists of a CSV or TOML file, or of all such files in a folder, with what is wrong in them. A CSV file's
    name says its kind, unless that is given.

    Raises Invalid.
    """
    if not path.is_dir():
        return _read_file(path, kind)
    whole = Lists()
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".toml"))
    if not files:
        raise Invalid(
            f"{path} has no CSV or TOML files in it: name another folder.", code="import_folder_empty", path=str(path)
        )
    for file in files:
        try:
            whole.add(file.name, _read_file(file, kind))
        except Invalid as invalid:
            named = kind or _named(file)
            whole.fail(file.name, str(invalid), [ListKind(named)] if named else ListKind)
    return whole


def _read_file(file: Path, kind: str | None) -> Lists:
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise Invalid(
                f"{file} is larger than {LONGEST_FILE // 1_000_000} MB: split it.",
                code="import_file_too_large",
                path=str(file),
            )
        text = file.read_text(encoding=text_files.encoding_of(file))
    except OSError as error:
        raise Invalid(
            f"{file} cannot be read ({error.strerror}): name another file.",
            code="import_file_unreadable",
            path=str(file),
        ) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Invalid(f"{file} is not text: save it as CSV UTF-8.", code="import_file_not_text", path=str(file))
    if file.suffix.lower() == ".toml":
        return imports.read_toml(text)
    named = kind or _named(file)
    if named is None:
        raise Invalid(f"{file.name} does not say what it lists.", code="import_kind_missing", path=file.name)
    return imports.read_csv(text, ListKind(named))


def _named(file: Path) -> ListKind | None:
    """The kind of list that a file's name says."""
    return next((one for one in ListKind if one.value == file.stem.lower()), None)
