"""Wakes the closed browsers of agents for whom a call rings: a message comes to each, and its page opens and registers.
Who is woken for what, and how they ring then, is in `sleepers`.

Messages go out beside the call, which waits for none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from crm.context import Crm
from crm.domain.errors import CrmError
from crm.edge.web_push import PushClient, PushError
from crm.services.access import push
from crm.services.access.push import Browser, Sleeper

log = logging.getLogger(__name__)

WAIT_SECONDS = 12.0
"""So long a caller for whom no phone can ring waits for somebody who taps the message on theirs, and for the page."""
KEPT_SECONDS = 25
"""How long a push service keeps the message: by then, nobody is waiting any more."""
MOST_UNDER_WAY = 500
"""Messages; with more, a browser would wake up too late anyway."""


@dataclass(frozen=True)
class CallSign:
    """Who calls and what about, as a browser shows it."""

    call: str
    title: str
    text: str
    rings: bool = True
    """Whether the browser asks, before it makes a sound, if the call still rings; False: this is about another call."""


@dataclass(frozen=True)
class Woken:
    """An agent whose browsers were sent a message."""

    devices: tuple[str, ...]
    """Slugs of those that will be online once the page is open."""
    until: float
    """How long that is waited for, on the loop's clock."""

    def without(self, devices: Collection[str]) -> Woken:
        return replace(self, devices=tuple(one for one in self.devices if one not in devices))


@dataclass
class PushBell:
    crm: Crm
    sender: PushClient
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _are_any: bool | None = None
    """Whether any browser can be woken; None: that has to be looked up."""
    _changes: int = 0
    _told: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def open(self) -> None:
        """From now on it is told when browsers come or go. As long as there are none, only the first call asks."""
        self._told.enter_context(self.crm.store.changes.told(("push_subscription",), self._forget))

    def _forget(self) -> None:
        self._are_any = None
        self._changes += 1

    async def asleep(self, agents: Collection[str], online: Collection[str]) -> list[Sleeper]:
        """Those of these agents (slugs) whom a message can wake; whose page is open hears the call itself."""
        if not agents or self._are_any is False:
            return []
        async with asyncio.timeout(self.crm.config.survival.store_seconds):
            if self._are_any is None:
                before = self._changes
                are_any = await self.crm.store.read(push.are_any)
                if before == self._changes:
                    self._are_any = are_any
                if not are_any:
                    return []
            found = await self.crm.store.read(push.to_wake, self.crm.now(), agents)
        return [one for one in found if not set(one.devices) & set(online)]

    def wake(self, sign: CallSign, sleepers: Iterable[Sleeper]) -> dict[str, Woken]:
        """Sends to their browsers. Returns whose those are."""
        sleepers = list(sleepers)
        browsers = [browser for one in sleepers for browser in one.browsers]
        if len(self._under_way) + len(browsers) > MOST_UNDER_WAY:
            log.warning("browsers are not woken: too many messages are under way")
            return {}
        for browser in browsers:
            task = asyncio.create_task(self._send(sign, browser))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        until = asyncio.get_running_loop().time() + WAIT_SECONDS
        return {one.agent: Woken(one.devices, until) for one in sleepers}

    async def close(self) -> None:
        self._told.close()
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _send(self, sign: CallSign, browser: Browser) -> None:
        call = sign.call if sign.rings else ""
        text = push.message(sign.title, sign.text, path="/", tag=f"call-{sign.call}", call=call)
        now = self.crm.now()
        try:
            await self.sender.send(browser.target, text, now.timestamp(), seconds=KEPT_SECONDS, is_urgent=True)
            error = None
        except PushError as refused:
            error = refused
            log.info("a browser was not woken: %s", refused, extra={"subscription": browser.id})
        try:
            if error is None:
                await self.crm.store.run(push.taken, now, [browser.id])
            else:
                await self.crm.store.run(push.refused, now, browser.id, str(error), is_gone=error.is_gone)
        except CrmError as away:
            log.warning("what became of a message to a browser is not on record: %s", away)
