"""Sets of ids, kept small: blocks of bits, one for each id. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SIZE = 1024
"""Ids in a block: 128 bytes."""


_NOBODY = bytes(SIZE // 8)


class Members:
    """A set of ids that grows; a million of them take some 128 kB."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self.count = 0

    def add(self, id: int) -> None:
        self.add_all((id,))

    def add_all(self, ids: Iterable[int]) -> None:
        number, block = -1, bytearray()
        for id in ids:
            if id // SIZE != number:
                number = id // SIZE
                block = self._blocks.setdefault(number, bytearray(SIZE // 8))
            byte, bit = id % SIZE // 8, 1 << id % 8
            if not block[byte] & bit:
                block[byte] |= bit
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
