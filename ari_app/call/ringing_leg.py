"""One phone that rings for a call, until somebody takes the call there or the ringing is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from ari_app.call.confirm import ConfirmChoice
from ari_app.edge import dial, events
from ari_app.edge.ami import AmiConnection
from ari_app.edge.channel import Handle
from ari_app.edge.errors import HungUp
from ari_app.edge.media import hush
from crm.domain.calls import DialStatus

REDIRECTIONS = range(300, 400)
"""SIP answers that name another address to call (RFC 3261, 21.3): a phone's own forwarding, or a carrier's routing."""
LAST_EVENT_SECONDS = 1.0
"""A channel's last event comes over another connection than the answer that the channel is gone, and so perhaps a
little later; for a channel that left before we subscribed, it never comes."""
Confirmation = Callable[[Handle], Awaitable[ConfirmChoice]]
"""Tells whoever answered on a channel what the call is about, and asks whether they take it."""


class RingingLeg:
    """A phone that rings for a call, until somebody takes the call there."""

    def __init__(
        self,
        channel: Handle | None,
        device: str,
        agent: str = "",
        confirmation: Confirmation | None = None,
        *,
        adopting: AmiConnection | None = None,
    ) -> None:
        self._channel = channel
        self._adopting = adopting
        """Given for a leg that may have been answered, or have ended, before we listened."""
        self.device = device
        self.agent = agent
        """Slugs of device and agent; "" for a phone without an owner."""
        self._confirmation = confirmation
        """None: whoever answers is connected at once."""
        self.hears = False
        """Whether a person, or a machine, has picked up and is hearing what the call is about: this is not an answer
        yet."""
        self.choice = ConfirmChoice.NOTHING
        """Their choice."""
        self.is_deaf = False
        """Whether it is a browser that has not said that it rings, and is not waited for (`hear_of`)."""
        self.forwards = False
        """Whether the phone wanted the call sent elsewhere, which counts as declined."""
        self.answer = asyncio.create_task(self._until_taken())
        """Ends when the call was taken, or the phone stopped ringing by itself."""

    @property
    def channel(self) -> Handle:
        """The channel of a leg that rings or was answered; an outside number has none until it is answered."""
        assert self._channel is not None
        return self._channel

    @property
    def has_channel(self) -> bool:
        return self._channel is not None

    @property
    def status(self) -> DialStatus | None:
        """How the ringing ended; None while it rings, and if we stopped it."""
        return self.answer.result() if self.answer.done() and not self.answer.cancelled() else None

    async def _until_taken(self) -> DialStatus:
        status = await self._wait()
        if status is not DialStatus.ANSWER or self._confirmation is None:
            return status
        self.hears = True
        self.choice = await self._confirmation(self.channel)
        return DialStatus.ANSWER if self.choice is ConfirmChoice.CONNECT else DialStatus.NOANSWER

    async def _wait(self) -> DialStatus:
        patience: float | None = None
        try:
            try:
                if self._adopting and await dial.is_answered(self.channel, self._adopting):
                    return DialStatus.ANSWER
            except HungUp:
                # The channel's last event says why it is gone, if it is still to come.
                patience = LAST_EVENT_SECONDS
            while True:
                match await self.channel.next_event(patience):
                    case events.StasisStart(channel=channel):
                        self.channel.name = channel.name
                        return DialStatus.ANSWER
                    case None:
                        return DialStatus.NOANSWER
        except HungUp as ended:
            self.forwards = ended.sip_status in REDIRECTIONS
            return dial_status(ended)

    def hurry(self, ringing: Iterable[RingingLeg]) -> None:
        """Called with all phones that ring, including this one: one that waits for others may find that there are
        none."""

    def leave(self) -> None:
        """Lets the phone go on ringing, for whoever takes the call up again."""
        self.answer.cancel()
        self.channel.release()

    async def stop(self, cause: str, told: str = "") -> None:
        """Stops the ringing; depending on the cause, the phone shows a call that a colleague took, or a missed one.

        If somebody was already hearing what the call is about, the prompt `told` (if any) tells them why it ends;
        Asterisk plays it without the app.
        """
        self.answer.cancel()
        await asyncio.gather(self.answer, return_exceptions=True)
        if self.hears and told:
            with contextlib.suppress(HungUp):
                await hush(self.channel)
                await self.channel.go_on_in_dialplan("leg-told", told)
        else:
            await self.channel.hang_up(cause)
        self.channel.release()


def dial_status(ended: HungUp) -> DialStatus:
    """Why a phone stopped ringing, from the Q.850 cause that Asterisk gives (include/asterisk/causes.h)."""
    if ended.sip_status in REDIRECTIONS:
        return DialStatus.BUSY
    match ended.cause:
        case 17 | 21:  # user busy; call rejected, which is what a phone's own DND or its decline key sends
            return DialStatus.BUSY
        case 1 | 3 | 20 | 27:  # no such number, no route, subscriber absent, out of order
            return DialStatus.CHANUNAVAIL
        case 34 | 38 | 41 | 42 | 44:
            return DialStatus.CONGESTION
    return DialStatus.NOANSWER
