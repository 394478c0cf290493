"""JSON in few bytes: compressed with words that decisions are full of, which each would otherwise have to repeat."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import msgspec

_FIRST = b"\x01"
"""Begins what was packed with likely_1.txt. That file never changes: other words would need a file and a number of
their own."""
_RAW = -15
"""Neither header nor checksum: the row has what they say."""
_LEVEL, _MEMORY = 6, 5
"""More of either is slower and no smaller, since little is packed at a time."""
_LIKELY = (Path(__file__).parent / "likely_1.txt").read_bytes()


def packed(value: Any) -> bytes:
    json = msgspec.json.encode(value)
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, _MEMORY, zdict=_LIKELY)
    small = _FIRST + deflate.compress(json) + deflate.flush()
    return small if len(small) < len(json) else json


def unpacked(stored: bytes) -> Any:
    """What was packed; JSON that was not is read as it is."""
    return msgspec.json.decode(plain(stored))


def plain(stored: bytes) -> bytes:
    """As JSON."""
    if stored[:1] != _FIRST:
        return stored
    inflate = zlib.decompressobj(_RAW, zdict=_LIKELY)
    return inflate.decompress(stored[1:]) + inflate.flush()
