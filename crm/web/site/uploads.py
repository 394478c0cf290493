"""Uploaded files, written to disk as they arrive: only one piece is in memory at a time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from crm.edge import documents

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

SECONDS = 55.0
"""How long an upload may take; the connection itself ends after a minute (crm/web/guard.py)."""
LONGEST_FIELD = 1000
"""Bytes of a field that is not the file."""
MOST_FIELDS = 10
AROUND = 64 * 1024
"""Bytes of a form besides its file."""
MOST_READ = 4
"""The connection is dropped after this many times the largest size."""
PIECE = 256 * 1024
"""Bytes per write."""


@dataclass
class SentFile:
    """A form with one file, and where the file is. The caller keeps or deletes it."""

    fields: dict[str, str] = field(default_factory=dict)
    name: str = ""
    """The file name on the sender's machine."""
    size: int = 0
    """Bytes."""
    head: bytes = b""
    """The first bytes of the file."""
    sha256: str = ""
    """Of the file, in hexadecimal."""
    file: str = ""
    """Its name in the folder; empty: no file was sent."""
    is_too_large: bool = False
    """It exceeded the limit and was dropped."""


async def receive(request: Request, folder: Path, file_field: str, largest: int) -> SentFile:
    """Reads a form with a file of at most `largest` bytes. Raises HTTPException, in which case nothing is left on the
    disk."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(400, "no form")
    reader = _FormReader(file_field)
    reading = _FileWriter(folder, reader.sent)
    try:
        parser = MultipartParser(options[b"boundary"], reader.callbacks, max_header_count=8)
        received = 0
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                received += len(chunk)
                if received > largest * MOST_READ:
                    break
                # A browser only shows the response once it has sent everything, so the rest is read and discarded.
                if reader.sent.is_too_large:
                    continue
                parser.write(chunk)
                await reading.take(reader.piece)
                reader.sent.is_too_large = reader.sent.size > largest or received > largest + AROUND
        if not reader.sent.is_too_large:
            parser.finalize()
            if not reader.is_complete:
                raise HTTPException(400, "the form ends early")
        await reading.end(is_kept=not reader.sent.is_too_large)
    except BaseException as error:
        await reading.end(is_kept=False)
        if isinstance(error, FormParserError):
            raise HTTPException(400, "no form") from None
        if isinstance(error, TimeoutError):
            raise HTTPException(408, "too slow") from None
        raise
    return reader.sent


class _FormReader:
    """Callbacks of the parser: keeps fields, and collects the file's bytes for writing."""

    def __init__(self, file_field: str) -> None:
        self.sent = SentFile()
        self.piece = bytearray()
        self.is_complete = False
        self._file_field = file_field.encode()
        self._count = 0
        self._name, self._value = bytearray(), bytearray()
        self._field: bytes | None = None
        self._is_file = False
        self._text = bytearray()
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise HTTPException(413, "too many fields")
        self._field, self._is_file = None, False
        self._text.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._field = options.get(b"name", b"")
            named = options.get(b"filename")
            self._is_file = named is not None and self._field == self._file_field and not self.sent.file
            if self._is_file:
                assert named is not None
                self.sent.name = named.decode("utf-8", "replace")
        self._name.clear()
        self._value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.piece += data[start:end]
            self.sent.size += end - start
            if len(self.sent.head) < documents.HEAD:
                self.sent.head += data[start : min(end, start + documents.HEAD - len(self.sent.head))]
        elif len(self._text) + end - start > LONGEST_FIELD:
            raise HTTPException(413, "too long")
        else:
            self._text += data[start:end]

    def _end(self) -> None:
        if self._field and not self._is_file:
            self.sent.fields[self._field.decode("utf-8", "replace")] = self._text.decode("utf-8", "replace")

    def _finish(self) -> None:
        self.is_complete = True


class _FileWriter:
    """Writes in a thread, because a disk may be slow."""

    def __init__(self, folder: Path, sent: SentFile) -> None:
        self._folder, self._sent = folder, sent
        self._file: BinaryIO | None = None
        self._waiting = bytearray()
        self._digest = hashlib.sha256()

    async def take(self, piece: bytearray) -> None:
        self._waiting += piece
        piece.clear()
        if len(self._waiting) >= PIECE:
            await self._write()

    async def _write(self) -> None:
        if not self._waiting:
            return
        part, self._waiting = bytes(self._waiting), bytearray()
        file = self._file or await self._open()
        await asyncio.to_thread(file.write, part)
        self._digest.update(part)

    async def _open(self) -> BinaryIO:
        self._sent.file, file = await asyncio.to_thread(documents.new, self._folder)
        self._file = file
        return file

    async def end(self, *, is_kept: bool) -> None:
        """Ends the writing; afterwards the file is either on the disk or deleted."""
        if is_kept:
            await self._write()
            self._sent.sha256 = self._digest.hexdigest()
        if self._file is not None:
            file, self._file = self._file, None
            await asyncio.to_thread(_close, file)
        if not is_kept and self._sent.file:
            documents.delete(self._folder, self._sent.file)
            self._sent.file = ""


def _close(file: BinaryIO) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())
