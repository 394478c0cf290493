"""The file of a backup: a tar archive with gzip, encrypted on request, written and read as a stream.

leaseline.json                what it is: version, revision of the tables, when, how much
home/<path>                   files of the home
manifest.json                 size and SHA-256 of each file
database/<table>/<n>.jsonl    rows (crm/store/dump.py)
database.json                 rows and checksum of each table; a backup without it was cut off
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from crm.domain.errors import Conflict
from crm.edge import age
from crm.store.dump import Chunk, Sum

Part = TypeVar("Part")
FORMAT = 1
HEADER, SUMS, MANIFEST = "leaseline.json", "database.json", "manifest.json"
LONGEST_PART = 64 << 20
"""Bytes of a member that is read into memory."""
_CHUNK_BYTES = 4 << 20
_LONGEST_NAME = 64 << 10
_PIECE = 1 << 20
_TABLE = re.compile(r"database/([a-z][a-z0-9_]{0,62})/[0-9]{6,9}\.jsonl", re.ASCII)


class Header(msgspec.Struct, frozen=True):
    """What an archive begins with."""

    format: int
    version: str
    """Leaseline's."""
    revision: str
    """The tables'."""
    created_at: str
    """UTC, ISO 8601."""
    rows: int
    files: int
    bytes: int
    """Of all files together."""


class Sums(msgspec.Struct, frozen=True):
    tables: dict[str, Sum]
    sequences: dict[str, int]


class File(msgspec.Struct, frozen=True):
    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    files: list[File]


class Writer:
    """Adds the parts of a backup one after the other."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar, self._parts = tar, 0
        self.files: list[File] = []

    def part(self, name: str, content: object) -> None:
        self._bytes(name, msgspec.json.encode(content))

    def rows(self, chunk: Chunk) -> None:
        table, columns, lines = chunk
        head = msgspec.json.encode(columns)
        part, size = [head], 0
        for line in lines:
            if size > _CHUNK_BYTES:
                self._rows(table, part)
                part, size = [head], 0
            part.append(line)
            size += len(line)
        self._rows(table, part)

    def file(self, path: str, source: Path) -> int:
        """Adds a file as long as it is now, whatever is appended meanwhile, and returns its size."""
        with source.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            info = tarfile.TarInfo(f"home/{path}")
            info.size, info.mode = size, 0o600
            read = _Hashing(file)
            self._tar.addfile(info, read)
        self.files.append(File(path, size, read.digest.hexdigest()))
        return size

    def _rows(self, table: str, lines: list[bytes]) -> None:
        self._parts += 1
        self._bytes(f"database/{table}/{self._parts:06d}.jsonl", b"\n".join(lines))

    def _bytes(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        self._tar.addfile(info, io.BytesIO(content))


class Reader:
    """Hands out the parts of a backup in their order, and believes none of them. Raises Conflict."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._member = self._following()
        self.header = self._decoded(HEADER, Header)
        if self.header.format != FORMAT:
            raise Conflict(
                f"The backup was written by a newer version of Leaseline ({self.header.version[:20]}).",
                code="backup_newer",
            )

    def chunks(self) -> Iterator[Chunk]:
        while self._member and (found := _TABLE.fullmatch(self._member.name)):
            columns, *lines = self._content().split(b"\n")
            yield found[1], msgspec.json.decode(columns, type=list[str]), lines

    def sums(self) -> Sums:
        found = self._decoded(SUMS, Sums)
        if self._member is not None:
            raise Conflict("The backup holds more than its list says.", code="backup_damaged")
        return found

    def files(self) -> Iterator[tuple[str, int, IO[bytes]]]:
        """Path, size and content of each file; the path stays inside of the home."""
        while (member := self._member) and member.name.startswith("home/"):
            path = member.name.removeprefix("home/")
            parts = path.split("/")
            if not all(parts) or {".", ".."} & set(parts) or "\0" in path or len(path) > 1000 or not member.isreg():
                raise Conflict("The backup holds a file that does not belong into one.", code="backup_hostile")
            content = self._tar.extractfile(member)
            assert content is not None
            yield path, member.size, content
            self._member = self._following()

    def manifest(self) -> Manifest:
        return self._decoded(MANIFEST, Manifest)

    def _decoded(self, name: str, kind: type[Part]) -> Part:
        if self._member is None or self._member.name != name:
            raise Conflict("The backup is damaged or incomplete.", code="backup_damaged")
        return msgspec.json.decode(self._content(), type=kind)

    def _content(self) -> bytes:
        member = self._member
        if member is None or not member.isreg() or member.size > LONGEST_PART:
            raise Conflict("The backup is damaged.", code="backup_damaged")
        content = self._tar.extractfile(member)
        assert content is not None
        read = content.read()
        self._member = self._following()
        return read

    def _following(self) -> tarfile.TarInfo | None:
        member = self._tar.next()
        # A list of all members is of no use in a stream.
        self._tar.members = []  # type: ignore[attr-defined]
        return member


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self.digest.update(found)
        return found


class _ShortHeaders(tarfile.TarInfo):
    """Refuses names of gigabytes, which would be read into memory."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isreg() and self.size > _LONGEST_NAME:
            raise tarfile.ReadError("a header is too long")
        return super()._proc_member(tar)  # type: ignore[misc, no-any-return]


@contextmanager
def writing(out: IO[bytes], lock: age.Lock | None, own: age.FileKey | None = None) -> Iterator[Writer]:
    """Encrypted with `lock`, if there is one; `own` opens the file, too."""
    sealed = age.Sealed(out, lock, own) if lock else None
    with (
        gzip.GzipFile("", "wb", 1, sealed or out, 0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield Writer(tar)
    if sealed:
        sealed.close()


@contextmanager
def reading(path: Path, key: age.Key | None) -> Iterator[Reader]:
    """Raises Conflict for whatever is wrong with the file. What fails elsewhere meanwhile, such as a disk that is full,
    is passed on."""
    try:
        opened = path.open("rb")
    except FileNotFoundError as error:
        raise Conflict(f"There is no file {path}.", code="backup_missing") from error
    except OSError as error:
        raise Conflict(f"{path} cannot be read ({error.strerror}).", code="backup_unreadable") from error
    try:
        with opened as file:
            plain: IO[bytes] = io.BufferedReader(age.Opened(file, key)) if is_encrypted(path) else file
            with (
                gzip.GzipFile(fileobj=plain, mode="rb") as packed,
                tarfile.open(fileobj=packed, mode="r|", tarinfo=_ShortHeaders) as tar,
            ):
                yield Reader(tar)
    except age.NotDecrypted as error:
        what = "key is not the one the backup was encrypted for"
        if not is_for_key(path):
            what = "passphrase is not the one the backup was encrypted with"
        raise Conflict(f"The {what}, or the backup is damaged.", code="backup_passphrase_wrong") from error
    except (RecursionError, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError) as error:
        raise Conflict(
            f"{path.name} is not a backup, or it is damaged or incomplete.", code="backup_damaged"
        ) from error


def is_encrypted(path: Path) -> bool:
    """Whether the backup needs a passphrase or a key; False if it cannot be read at all."""
    try:
        with path.open("rb") as file:
            return file.read(len(age.MAGIC)) == age.MAGIC
    except OSError:
        return False


def is_for_key(path: Path) -> bool:
    """Whether an encrypted backup needs the private key of the one it was encrypted for, and no passphrase."""
    try:
        with path.open("rb") as file:
            return age.is_for_key(file)
    except (OSError, age.NotDecrypted):
        return False
