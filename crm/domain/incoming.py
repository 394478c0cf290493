"""Whether more texts arrive than anybody can answer one by one. Pure.

Two rates. **A sender's**: what one number writes beyond it stays in their thread and under their one open task, but
nobody is told of each, and the timeline is spared. **A line's**, which only numbers that nobody knows are held to: what
comes beyond it is kept, and an opt-out in it counts, but it makes neither lead nor task; one task for the line says how
many there are and where they stand, so that a person finds the real ones among them.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

SENDER_WITHIN = timedelta(hours=1)
LINE_WITHIN = timedelta(minutes=1)


class Over(StrEnum):
    SENDER = "sender"
    LINE = "line"


def over(*, is_known: bool, from_sender: int, per_sender: int, to_line: int, per_line: int) -> Over | None:
    """Which rate a text is beyond, after so many from its sender and to its line; None for none. A rate of 0 is no
    limit."""
    if per_line and not is_known and to_line >= per_line:
        return Over.LINE
    if per_sender and from_sender >= per_sender:
        return Over.SENDER
    return None
