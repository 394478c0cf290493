"""Text files from elsewhere, whatever program wrote them."""

from __future__ import annotations

import codecs
from pathlib import Path


def encoding_of(path: Path) -> str:
    """Detects the encoding of a list: UTF-8, UTF-16, or else the one that Windows programs use. Reads the file once."""
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            decoder.decode(start)
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
