"""Browsers that did not ring when they were called last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime


class DeafBrowsers:
    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self.on_change: Callable[[str], None] = lambda device: None
        """Called with the slug of a browser that has become deaf, or is so no longer."""

    def add(self, device: str, at: datetime) -> None:
        if device not in self._since:
            self._since[device] = at
            self.on_change(device)

    def discard(self, device: str) -> None:
        if self._since.pop(device, None):
            self.on_change(device)

    def __contains__(self, device: object) -> bool:
        return device in self._since

    def __iter__(self) -> Iterator[tuple[str, datetime]]:
        """Slugs, each with the time since when."""
        return iter(self._since.items())
