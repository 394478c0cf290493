"""Which callers are blocked, and which never are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from crm.domain import attestation as stir


class BlockKind(StrEnum):
    """What an entry of the block list names."""

    NUMBER = "number"
    PREFIX = "prefix"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class BlockListEntry:
    """An entry of the block list."""

    kind: BlockKind
    value: str
    """E.164, or its beginning; empty for withheld."""
    is_silent: bool = False
    """Hung up at once instead of being told."""
    why: str = ""

    @property
    def text(self) -> str:
        name = {BlockKind.NUMBER: self.value, BlockKind.PREFIX: f"{self.value}*", BlockKind.WITHHELD: "withheld"}[
            self.kind
        ]
        return f"{name}: {self.why}" if self.why else name


@dataclass(frozen=True)
class Known:
    """The office's history with a caller."""

    was_called: bool = False
    """By somebody in the office."""
    was_texted: bool = False
    """By an agent."""
    in_progress: bool = False
    """Their lead is."""
    open_task: bool = False
    """Something is promised to them or scheduled with them, such as a tour."""
    emergency: bool = False
    """Somebody in the office has just called the emergency service, which may call back from any number."""


@dataclass(frozen=True)
class BlockDecision:
    """Whether a caller gets through, and why."""

    entry: str = ""
    """Why they are unwanted: the entry of the list; empty for everybody else."""
    spared: str = ""
    """Why they get through nonetheless; empty: they do not."""
    is_silent: bool = False

    @property
    def is_blocked(self) -> bool:
        return bool(self.entry) and not self.spared


NOBODY = BlockDecision()
EMERGENCY = "somebody has just called emergency services, which may be calling back"
"""Why whoever may be the emergency service is never blocked."""


def decide(
    *,
    caller: str | None,
    is_withheld: bool,
    attestation: str,
    entries: Iterable[BlockListEntry],
    known: Known,
    refuse_failed: bool,
) -> BlockDecision:
    """`caller` is E.164 or None. The narrowest entry counts: a number, then the longest prefix.

    `refuse_failed`: whoever shows a number that the carrier found to be false counts as unwanted.
    """
    if entry := _matching(caller, is_withheld, entries):
        return BlockDecision(entry.text, spared_because(known), entry.is_silent)
    if refuse_failed and stir.is_failed(attestation):
        return BlockDecision(f"the caller's number is false: {attestation}", spared_because(known))
    return NOBODY


def spared_because(known: Known) -> str:
    """Why somebody is never blocked; "" when they may be."""
    if known.emergency:
        return EMERGENCY
    if known.was_called:
        return "the office itself has called this number"
    if known.was_texted:
        return "an agent has texted this number"
    if known.in_progress:
        return "their lead is in progress"
    return "a task is open for them" if known.open_task else ""


def _matching(caller: str | None, is_withheld: bool, entries: Iterable[BlockListEntry]) -> BlockListEntry | None:
    number = caller or ""
    matching = [
        entry
        for entry in entries
        if (entry.kind is BlockKind.NUMBER and entry.value == number)
        or (entry.kind is BlockKind.PREFIX and number.startswith(entry.value))
        or (entry.kind is BlockKind.WITHHELD and is_withheld)
    ]
    return max(matching, key=lambda entry: (entry.kind is BlockKind.NUMBER, len(entry.value)), default=None)
