"""Sets of ids, kept small: blocks of bits, one for each id. Pure."""

from __future__ import annotations

from collections.abc import Iterator

SIZE = 1024
"""Ids in a block: 128 bytes."""


_NOBODY = bytes(SIZE // 8)


class Members:
    """A set of ids that grows; a million of them take some 128 kB."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self.count = 0

    def add(self, id: int) -> None:
        block = self._blocks.setdefault(block_of(id), bytearray(SIZE // 8))
        if not has(block, id):
            block[id % SIZE // 8] |= 1 << id % 8
            self.count += 1

    def __contains__(self, id: object) -> bool:
        return isinstance(id, int) and id >= 0 and has(self._blocks.get(block_of(id), _NOBODY), id)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Number and bits of each block in which there is one."""
        for number in sorted(self._blocks):
            yield number, bytes(self._blocks[number])


def block_of(id: int) -> int:
    """The number of the block that an id is in."""
    return id // SIZE


def has(bits: bytes | bytearray, id: int) -> bool:
    """Whether an id is among those of its block."""
    return bool(bits[id % SIZE // 8] & 1 << id % 8)
