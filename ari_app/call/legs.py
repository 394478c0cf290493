"""Phones that ring for a call: originate them, wait for the first who takes it, stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ari_app.call import whisper
from ari_app.call.call import LEG_MARK, AppContext, LiveCall, Taker
from ari_app.call.confirm import ConfirmChoice
from ari_app.call.race import some_done
from ari_app.edge import dial, events
from ari_app.edge.channel import ANSWERED_ELSEWHERE, BUSY, NORMAL, Handle, LeftTheApp, path_of
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp, MediaLost, PhoneError
from ari_app.edge.media import hush, play
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain import ringing
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.errors import CrmError
from crm.domain.ringing import Phone
from crm.services.phones import extensions
from crm.services.routing import reception

log = logging.getLogger(__name__)

RINGING = ("Down", "Ringing")
"""States of a channel on its way to a phone that nobody has answered yet."""
REDIRECTIONS = range(300, 400)
"""SIP answers that name another address to call (RFC 3261, 21.3): a phone's own forwarding, a carrier's routing."""
LAST_EVENT_SECONDS = 1.0
"""A channel's last event comes over another connection than the answer that it is gone, perhaps a little later; for a
channel that left before we subscribed it never comes."""


class NotRung(PhoneError):
    """A phone could not be rung, or refused the call at once."""

    def __init__(self, refused: AsteriskRefused | HungUp) -> None:
        super().__init__(str(refused))
        self.status = dial_status(refused) if isinstance(refused, HungUp) else DialStatus.CHANUNAVAIL
        self.forwards = isinstance(refused, HungUp) and refused.sip_status in REDIRECTIONS
        """It wanted the call sent elsewhere."""


Confirmation = Callable[[Handle], Awaitable[ConfirmChoice]]
"""Tells whoever answered on a channel what the call is about, and asks whether they take it."""


class RingingLeg:
    """One phone that rings for a call, until somebody takes the call there."""

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
        """Of one that may have been answered, or have ended, before we listened."""
        self.device = device
        self.agent = agent
        """Slugs; empty for a phone that is nobody's."""
        self._confirmation = confirmation
        """None connects whoever answers at once."""
        self.hears = False
        """Somebody, or a machine, has answered and hears what the call is about: that is no answer yet."""
        self.choice = ConfirmChoice.NOTHING
        """Theirs."""
        self.forwards = False
        """The phone wanted the call sent elsewhere, which counts as declined."""
        self.answer = asyncio.create_task(self._until_taken())
        """Ends when the call was taken, or the phone stopped ringing by itself."""

    @classmethod
    def adopt(
        cls, call: LiveCall, leg_id: str, agent: str = "", confirmation: Confirmation | None = None
    ) -> RingingLeg:
        """A phone that has been ringing since before the app was away; answered meanwhile or not."""
        return cls(Handle(call.office.client, leg_id), device_of(leg_id), agent, confirmation, adopting=call.office)

    @property
    def channel(self) -> Handle:
        """Of a leg that rings or was answered; a number outside has none before."""
        assert self._channel is not None
        return self._channel

    @property
    def has_channel(self) -> bool:
        return self._channel is not None

    @property
    def status(self) -> DialStatus | None:
        """How the ringing ended; None while it rings, or when it was stopped by us."""
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
                # Why it is gone stands in the channel's last event, if that is still to come.
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
        """Told of the phones that ring, itself among them: one that waits for others may find that there are none."""

    def leave(self) -> None:
        """Lets the phone ring on, for whoever takes the call up again."""
        self.answer.cancel()
        self.channel.release()

    async def stop(self, cause: str, told: str = "") -> None:
        """Stops the ringing; the phone shows a call that a colleague took, or a missed one, by the cause.

        Whoever was hearing what it is about is told by a prompt why it ends, if there is one; Asterisk plays it alone.
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
    call: LiveCall, stage: str, batch: Iterable[Phone], seconds: float, caller_id: str
) -> list[RingingLeg]:
    """Rings phones together; one that Asterisk can't call is left out, the others ring."""
    work = (_ring_one(call, stage, phone, seconds, caller_id) for phone in batch)
    results = await asyncio.gather(*work, return_exceptions=True)
    legs = [leg for leg in results if isinstance(leg, RingingLeg)]
    if failed := next((error for error in results if isinstance(error, BaseException)), None):
        for leg in legs:
            leg.leave()
        raise failed
    return legs


async def _ring_one(call: LiveCall, stage: str, phone: Phone, seconds: float, caller_id: str) -> RingingLeg | None:
    leg_id = new_leg(call.id, phone.device)
    call.note(LegRang(*call.stamp(), leg_id=leg_id, device=phone.device, agent=phone.agent, stage=stage))
    call.ringing.add(phone.agent)
    try:
        return await ring_phone(
            call.office,
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
            },
            confirmation=confirmation(call, phone.agent) if phone.confirm else None,
        )
    except NotRung as refused:
        call.note(
            LegEnded(
                *call.stamp(f"leg-ended-{leg_id}"), leg_id=leg_id, status=refused.status, forwards=refused.forwards
            )
        )
        return None


def new_leg(call_id: str, device: str) -> str:
    """An id for a channel that is dialed for a call; `device_of` and the call's id can be read from it."""
    return f"{call_id}{LEG_MARK}{device}-{uuid.uuid4().hex[:6]}"


async def ring_phone(
    office: AppContext,
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
    """Lets one of our phones ring, as the channel `leg_id`; answered, it enters the dialplan context `then`.

    Whoever works with the leg ends the ringing; `seconds` is when Asterisk does, for the case that the app is away by
    then. Raises NotRung.
    """
    channel = Handle(office.client, leg_id)
    try:
        await dial.dial(
            channel,
            office.ami,
            f"PJSIP/{phone.device}",
            then=then,
            caller_id=caller_id,
            originator=originator,
            seconds=round(seconds),
            variables=variables,
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
    """Channel variables that tell the dialplan, and the app that comes after a crash, what makes an answer."""
    return {"LL_CONFIRM": "1" if confirm else "0", "LL_AGENT": agent}


def shown(name: str, number: str | None) -> str:
    """What a phone shows of who calls; both of our own making."""
    safe = "".join(letter for letter in name if letter.isalnum() or letter in " .-")[:40]
    return f'"{safe}" <{number or "anonymous"}>'


async def first_answer(
    call: LiveCall, legs: list[RingingLeg], seconds: float, *, listen: bool = True
) -> RingingLeg | None:
    """Waits for the first answer; the other phones stop with "answered elsewhere".

    Raises HungUp when the person hangs up, unless somebody else listens to them. A colleague who picks the person up
    (`LiveCall.offer`) comes before any answer.
    """
    person = call.person
    listening = asyncio.create_task(hang_up_of(person) if listen else _never())
    is_telling = False
    winner: RingingLeg | None = None
    ringing = list(legs)
    taken = call.open_to_offers()
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    try:
        while (ringing or is_telling) and winner is None and not taken.done():
            for leg in ringing:
                leg.hurry(ringing)
            # Who is hearing what it is about still rings, and gets to say what they want.
            is_heard = is_telling or any(leg.hears for leg in ringing)
            grace = call.office.config.ring.confirm_seconds if is_heard else 0
            if (left := until + grace - clock()) <= 0:
                break
            watched: list[asyncio.Future[Any]] = [listening, taken, *(leg.answer for leg in ringing)]
            await some_done(watched, left)
            if listening.done():
                listening.result()
                listening, is_telling = asyncio.create_task(hang_up_of(person)), False
            for leg in [leg for leg in ringing if leg.answer.done() and not taken.done()]:
                if leg.answer.result() is DialStatus.ANSWER:
                    winner = winner or leg
                    continue
                ringing.remove(leg)
                await end(call, leg)
                if leg.choice is ConfirmChoice.LATER and not is_telling:
                    listening.cancel()
                    listening, is_telling = asyncio.create_task(_tell_of_callback(call, person)), True
    except LeftTheApp:
        # Perhaps because whoever answered one of these has the person now, without us (agent-leg).
        peer = await peer_of(person)
        await stop(call, [leg for leg in ringing if not (leg.has_channel and leg.channel.name == peer)])
        raise
    except HungUp:
        await stop(call, ringing, DialStatus.CANCEL, NORMAL, told="caller_hung_up")
        raise
    except BaseException:
        for leg in ringing:
            # Without a hangup: when the app stops, phones go on ringing for the app that comes after it.
            leg.leave()
        raise
    finally:
        listening.cancel()
        call.close_to_offers()
        call.ringing.clear()
    if is_telling:
        await hush(person)
    if taken.done() and not taken.cancelled():
        winner = taker_leg(call, taken.result())
    losers = [leg for leg in ringing if leg is not winner]
    if winner:
        if winner in legs:
            winner.leave()
        await stop(call, losers, DialStatus.CANCEL, ANSWERED_ELSEWHERE, told="colleague_was_quicker")
    else:
        await stop(call, losers, DialStatus.NOANSWER, NORMAL)
    return winner


async def _tell_of_callback(call: LiveCall, person: Handle) -> None:
    """Tells the person that they will be called back, and lets them hear the ringing again: others may answer.

    Raises HungUp when they hang up, for which they now have a reason.
    """
    try:
        await person.stop_ringback()
        await play(person, call.sounds("callback_promised"))
        await person.start_ringback()
    except MediaLost as error:
        log.error("a promise could not be told: %s", error)


async def peer_of(person: Handle) -> str:
    """Name of the channel that the person talks with, as the dialplan keeps it."""
    try:
        return (await person.variables("LL_PEER")).get("LL_PEER", "")
    except HungUp:
        return ""


async def _never() -> None:
    await asyncio.Event().wait()


def taker_leg(call: LiveCall, taker: Taker) -> RingingLeg:
    """The phone of whoever picked the person up, as if it had rung and been answered."""
    leg_id = call.leg_of(taker.channel.id, taker.device)
    call.note(
        LegRang(*call.stamp(f"leg-{leg_id}"), leg_id=leg_id, device=taker.device, agent=taker.agent, stage=taker.stage)
    )
    leg = RingingLeg(taker.channel, taker.device, taker.agent)
    leg.answer.cancel()
    return leg


async def hang_up_of(channel: Handle) -> NoReturn:
    """Reads a channel's events until it raises HungUp."""
    while True:
        await channel.next_event()


async def stop(
    call: LiveCall, legs: list[RingingLeg], status: DialStatus = DialStatus.CANCEL, cause: str = NORMAL, told: str = ""
) -> None:
    """Stops phones that ring, and notes how it ended for each; `told` is the prompt for whoever was hearing more."""

    async def stop_one(leg: RingingLeg) -> None:
        await leg.stop(cause, told)
        if leg.has_channel:
            over(call, leg, status)

    await asyncio.gather(*(stop_one(leg) for leg in legs))


async def end(call: LiveCall, leg: RingingLeg) -> None:
    """A phone has stopped ringing by itself, or whoever answered did not take the call."""
    if not leg.has_channel:
        return
    if leg.hears:
        await leg.stop(NORMAL, "callback_noted" if leg.choice is ConfirmChoice.LATER else "")
    leg.channel.release()
    over(call, leg, leg.answer.result())


def was_taken_away(call: LiveCall, leg: RingingLeg) -> bool:
    """Whether a phone stopped ringing because its owner took another call: they have neither declined nor missed this
    one."""
    return leg.has_channel and leg.channel.id in call.taken_away


def over(call: LiveCall, leg: RingingLeg, status: DialStatus) -> None:
    """Notes that a phone rings no longer."""
    leg_id = leg.channel.id
    call.note(LegEnded(*call.stamp(f"leg-ended-{leg_id}"), leg_id=leg_id, status=status, forwards=leg.forwards))


async def stop_other_calls(
    call: LiveCall, winner: RingingLeg, agents: Iterable[ringing.AgentAvailability] = ()
) -> None:
    """Other callers may ring the phones of whoever has just answered; nobody is rung while they talk.

    `agents` are those whose phones are known already; else they are asked for, if anything rings at all.
    """
    client = call.office.client
    own = f"{call.id}{LEG_MARK}"
    others = [id for id in (await client.seen()).channels if LEG_MARK in id and not id.startswith(own)]
    if not others:
        return
    phones = _phones_beside(winner, agents) or await _ask_for_phones(call.office, winner)
    for channel_id in others:
        if device_of(channel_id) in phones:
            # By request and not as a Handle: the channel belongs to the other call's flow, which hears of it.
            path = path_of(channel_id)
            with contextlib.suppress(ChannelGone):
                if (await client.get(path))["state"] in RINGING:
                    if other := call.office.calls.get(channel_id.partition(LEG_MARK)[0]):
                        other.taken_away.add(channel_id)
                    await client.delete(path, reason_code=BUSY)


def _phones_beside(winner: RingingLeg, agents: Iterable[ringing.AgentAvailability]) -> set[str]:
    """All phones of whose phone it is; none when it is nobody's of these."""
    owners = ({device.slug for device in agent.devices} for agent in agents)
    return next((devices for devices in owners if winner.device in devices), set())


async def _ask_for_phones(office: AppContext, winner: RingingLeg) -> set[str]:
    try:
        known = await availability(office, [winner.agent] if winner.agent else [])
    except (CrmError, TimeoutError):
        known = []
    return _phones_beside(winner, known) or {winner.device}


@dataclass(frozen=True)
class RingingPhones:
    """Slugs of devices, as Asterisk sees them in this moment."""

    online: set[str]
    on_call: set[str]


async def phones(office: AppContext) -> RingingPhones:
    present = await office.client.seen()
    # A phone that rings is on no call yet: two callers may ring the same team, and two agents take one each.
    busy = [channel for channel in present.channels.values() if channel.state not in RINGING]
    # A mobile's channel is a trunk's; whose it is stands in its id.
    return RingingPhones(
        set(present.online), {channel.endpoint for channel in busy} | {device_of(channel.id) for channel in busy}
    )


async def availability(office: AppContext, agents: Collection[str]) -> list[ringing.AgentAvailability]:
    """Of agents by slug: duty and DND as the store has them, reachability and calls as Asterisk sees them now."""
    if not agents:
        return []
    seen = await phones(office)
    async with asyncio.timeout(office.config.survival.store_seconds):
        return await office.store.read(reception.availability, office.config, seen.online, seen.on_call, of=agents)


async def owner_of(office: AppContext, device: str) -> str:
    """Slug of the agent whose phone it is; empty for nobody's, and while the database is away."""
    try:
        async with asyncio.timeout(office.config.survival.store_seconds):
            owner = await office.store.read(extensions.owner_of, device)
    except (CrmError, TimeoutError) as error:
        log.warning("whose phone it is could not be looked up: %s", error, extra={"device": device})
        return ""
    return owner.slug if owner else ""


def device_of(leg_id: str) -> str:
    """The device that a channel of ours was dialed for, told by its id; "" for a channel that was not."""
    return leg_id.rpartition(LEG_MARK)[2].rpartition("-")[0] if LEG_MARK in leg_id else ""


def is_outsider(leg_id: str) -> bool:
    """Whether the channel was dialed to a number that is nobody's of ours; an agent's mobile has its device's name."""
    return device_of(leg_id).startswith("trunk-")


def dial_status(ended: HungUp) -> DialStatus:
    """Why a phone stopped ringing, from the Q.850 cause Asterisk gives (include/asterisk/causes.h)."""
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
