"""Text files from elsewhere, whatever program wrote them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO


def encoding_of(path: Path) -> str:
    """Detects the encoding of a list: UTF-8, UTF-16, or else the one that Windows programs use. Reads the file before
    anything is made of it, so that it does not turn out halfway that it is no text. Raises UnicodeDecodeError for a
    file that is none."""
    with path.open("rb") as file:
        if file.read(4).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            _decode(file, "utf-16")
            return "utf-16"
        try:
            _decode(file, "utf-8-sig")
        except UnicodeDecodeError:
            _decode(file, "cp1252")
            return "cp1252"
    return "utf-8-sig"


def _decode(file: BinaryIO, encoding: str) -> None:
    """Raises UnicodeDecodeError."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while chunk := file.read(1 << 20):
        decoder.decode(chunk)
    decoder.decode(b"", final=True)
