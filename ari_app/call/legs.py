"""A phone that rings for a call, until somebody takes the call there or the ringing is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType

from ari_app.call import whisper
from ari_app.call.call import LEG_MARK, AppContext, LiveCall
from ari_app.call.confirm import ConfirmChoice
from ari_app.edge import dial, events
from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskRefused, HungUp, PhoneError
from ari_app.edge.media import hush
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.ringing import Phone

log = logging.getLogger(__name__)

CALL_HEADER = "PJSIP_HEADER(add,X-Leaseline-Call)"
"""Set when our phones are rung: in a browser, the phone and the pages know a call by the same id."""
REJOIN_HEADER = "PJSIP_HEADER(add,X-Leaseline-Rejoin)"
"""Set when a browser is rung that was in this talk until a moment ago: it may answer by itself. The value is a new one
each time."""

REDIRECTIONS = range(300, 400)
"""SIP answers that name another address to call (RFC 3261, 21.3): a phone's own forwarding, or a carrier's routing."""
LAST_EVENT_SECONDS = 1.0
"""A channel's last event comes over another connection than the answer that the channel is gone, and so perhaps a
little later; for a channel that left before we subscribed, it never comes."""


class NotRung(PhoneError):
    """A phone could not be rung, or refused the call at once."""

    def __init__(self, refused: AsteriskRefused | HungUp) -> None:
        super().__init__(str(refused))
        self.status = dial_status(refused) if isinstance(refused, HungUp) else DialStatus.CHANUNAVAIL
        self.forwards = isinstance(refused, HungUp) and refused.sip_status in REDIRECTIONS
        """Whether it wanted the call sent elsewhere."""


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
        adopting: AppContext | None = None,
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

    @classmethod
    def adopt(
        cls, call: LiveCall, leg_id: str, agent: str = "", confirmation: Confirmation | None = None
    ) -> RingingLeg:
        """A phone that has been ringing since before the app was away, whether or not it was answered meanwhile."""
        return cls(Handle(call.context.client, leg_id), device_of(leg_id), agent, confirmation, adopting=call.context)

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
                if self._adopting and await dial.is_answered(self.channel, self._adopting.ami):
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


async def ring_phones(
    call: LiveCall,
    stage: str,
    batch: Iterable[Phone],
    seconds: float,
    caller_id: str,
    *,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> list[RingingLeg]:
    """Rings several phones together; one that Asterisk cannot call is left out. `variables` are set on each channel."""
    work = (_ring_one(call, stage, phone, seconds, caller_id, variables) for phone in batch)
    results = await asyncio.gather(*work, return_exceptions=True)
    legs = [leg for leg in results if isinstance(leg, RingingLeg)]
    if failed := next((error for error in results if isinstance(error, BaseException)), None):
        for leg in legs:
            leg.leave()
        raise failed
    return legs


async def _ring_one(
    call: LiveCall, stage: str, phone: Phone, seconds: float, caller_id: str, variables: Mapping[str, str]
) -> RingingLeg | None:
    leg_id = new_leg(call.id, phone.device)
    call.emit(LegRang(*call.stamp(), leg_id=leg_id, device=phone.device, agent=phone.agent, stage=stage))
    call.ringing.add(phone.agent)
    try:
        return await ring_phone(
            call.context,
            leg_id,
            phone,
            then="agent-leg",
            caller_id=caller_id,
            originator=call.person.id,
            seconds=seconds + RINGS_ON_SECONDS,
            variables={
                "LL_CALL": call.id,
                "LL_CALLER": call.person.name,
                **confirmed_by(phone.agent, confirm=phone.confirm),
                **variables,
            },
            confirmation=confirmation(call, phone.agent) if phone.confirm else None,
        )
    except NotRung as refused:
        call.emit(
            LegEnded(
                *call.stamp(f"leg-ended-{leg_id}"), leg_id=leg_id, status=refused.status, forwards=refused.forwards
            )
        )
        return None


def new_leg(call_id: str, device: str) -> str:
    """An id for a channel that is dialed for a call; the device (`device_of`) and the call's id can be read from it."""
    return f"{call_id}{LEG_MARK}{device}-{uuid.uuid4().hex[:6]}"


async def ring_phone(
    context: AppContext,
    leg_id: str,
    phone: Phone,
    *,
    then: str,
    caller_id: str,
    seconds: float,
    variables: Mapping[str, str],
    originator: str = "",
    confirmation: Confirmation | None = None,
) -> RingingLeg:
    """Rings one of our phones on channel `leg_id`; once answered, the channel enters the dialplan context `then`.

    The caller of this function ends the ringing; Asterisk does after `seconds`, in case the app is away by then. Raises
    NotRung.
    """
    channel = Handle(context.client, leg_id)
    try:
        await dial.dial(
            channel,
            context.ami,
            f"PJSIP/{phone.device}",
            then=then,
            caller_id=caller_id,
            originator=originator,
            seconds=round(seconds),
            variables={CALL_HEADER: leg_id.partition(LEG_MARK)[0], **variables},
        )
    except (AsteriskRefused, HungUp) as refused:
        log.warning("a phone could not be rung: %s", refused, extra={"device": phone.device})
        channel.release()
        raise NotRung(refused) from refused
    except BaseException:
        channel.release()
        raise
    return RingingLeg(channel, phone.device, phone.agent, confirmation)


def confirmation(call: LiveCall, agent: str) -> Confirmation:
    return functools.partial(whisper.ask, call, agent=agent)


def confirmed_by(agent: str, *, confirm: bool) -> dict[str, str]:
    """Channel variables that tell the dialplan, and an app that starts after a crash, what counts as an answer."""
    return {"LL_CONFIRM": "1" if confirm else "0", "LL_AGENT": agent}


def shown(name: str, number: str | None) -> str:
    """The caller ID that a phone shows; both parts are made by us."""
    safe = "".join(letter for letter in name if letter.isalnum() or letter in " .-")[:40]
    return f'"{safe}" <{number or "anonymous"}>'


def device_of(leg_id: str) -> str:
    """The device that one of our channels was dialed for, read from its id; "" for any other channel."""
    return leg_id.rpartition(LEG_MARK)[2].rpartition("-")[0] if LEG_MARK in leg_id else ""


def is_outsider(leg_id: str) -> bool:
    """Whether the channel was dialed to an outside number other than an agent's mobile, which has its device's name."""
    return device_of(leg_id).startswith("trunk-")


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
