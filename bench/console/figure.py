"""What each part of the bench of the console finds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    what: str
    values: Sequence[float]
    goal: float
    unit: str = "ms"
    of: str = "p99"
    """Which of `values` is held to the goal: p99, median, most, or sum."""
    control: Sequence[float] = ()
    """The same without what is measured, in the same run."""
    is_ratio: bool = False
    """Whether the goal is for what it is beside the control."""

    @property
    def found(self) -> float:
        own = _of(self.values, self.of)
        return own / _of(self.control, self.of) if self.is_ratio else own

    @property
    def text(self) -> str:
        if self.of == "sum":
            return f"{self.found:g} {self.unit}"
        shown = ", ".join(f"{name} {_of(self.values, name):.1f}" for name in ("median", "p99", "most"))
        text = f"{shown} {self.unit} of {len(self.values)}"
        if self.control:
            control = _of(self.control, self.of)
            text += (
                f"; control {_of(self.control, 'median'):.1f}, {control:.1f}: {_of(self.values, self.of) / control:.2f}"
            )
        return text

    @property
    def is_reached(self) -> bool:
        return self.found <= self.goal


def _of(values: Sequence[float], what: str) -> float:
    match what:
        case "median":
            return statistics.median(values)
        case "p99":
            return sorted(values)[min(len(values) - 1, math.ceil(len(values) * 0.99) - 1)]
        case "sum":
            return sum(values)
        case _:
            return max(values)
