"""What the parts of the app have in common: the store, and how one tells another that there is something to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from crm.context import Crm
from crm.services.texts.inbox import Inbox

Part = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled; begun again when it fails."""


@dataclass
class Shared:
    crm: Crm
    stack: contextlib.AsyncExitStack
    """What a part has opened is closed with the app."""
    held: Callable[[], bool]
    """Whether this home may be a copy (`crm.services.system.copies`)."""
    texts_due: asyncio.Event = field(default_factory=asyncio.Event)
    mails_due: asyncio.Event = field(default_factory=asyncio.Event)
    to_transcribe: asyncio.Event = field(default_factory=asyncio.Event)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.crm, self.on_texts)

    def on_texts(self) -> None:
        """There may be texts and mails to send."""
        self.texts_due.set()
        self.mails_due.set()
