"""Ringing the team in stages: the lead's agent, the property's subteam, everyone. The first answer wins, never two."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from ari_app.edge import events
from ari_app.edge.channel import ANSWERED_ELSEWHERE, BUSY, NORMAL, Handle
from ari_app.edge.errors import AsteriskRefused, CallEnded, ChannelGone
from ari_app.flows.call import Call
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain import routing
from crm.domain.calls import DialStatus, LegEnded, LegRang, Routed, Step
from crm.domain.routing import DeviceRef, Stage, Strategy
from crm.services import reception

log = logging.getLogger(__name__)

RINGING = ("Down", "Ringing")
"""States of a channel on its way to a phone that nobody has answered yet."""
LEG_MARK = "-leg-"
"""In an agent's channel's id, between the call's id and the rest: a leg tells whose it is when the app comes back."""
LAST_EVENT_SECONDS = 1.0
"""A channel's last event comes over another connection than the answer that it is gone, perhaps a little later; for a
channel that left before we subscribed it never comes."""


async def ring(call: Call) -> Step:
    """Rings stage after stage until somebody answers, and goes on to the talk, else to the mailbox."""
    plan = await _plan(call)
    call.is_closed = plan.rule is routing.Rule.CLOSED
    adopted = [Leg.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    if plan.stages:
        await call.channel.start_ringback()
    names = [stage.name.value for stage in plan.stages]
    first = names.index(call.first_stage) if call.first_stage in names else 0
    for stage in plan.stages[first:]:
        await call.channel.set_variables(LL_STAGE=stage.name.value)
        winner = await _ring_stage(call, stage, adopted)
        adopted = []
        if winner:
            await call.channel.stop_ringback()
            # Before the talk begins: from then on the dead man's switch looks for the peer.
            await call.channel.set_variables(LL_PEER=winner.channel.name)
            call.peer_leg = winner.channel.id
            return Step.TALK
    await _stop(call, adopted)
    if plan.stages:
        await call.channel.stop_ringback()
    return Step.VOICEMAIL


async def _plan(call: Call) -> routing.RoutePlan:
    """Asks the CRM who there is, and the domain whom to ring; the decision is put on record."""
    office = call.office
    async with asyncio.timeout(office.config.survival.store_seconds):
        agents = await reception.availability(office.store)
        schedule = await reception.schedule(office.store, office.config)
    everyone = tuple(agent.slug for agent in agents)
    is_open = schedule.is_open(office.now())
    plan = routing.decide(call.known.routing_inputs(is_open=is_open, everyone=everyone, ring=office.config.ring))
    stages = tuple(stage.name.value for stage in plan.stages)
    call.note(Routed, once="routed", rule=plan.rule.value, reasons=plan.reasons, stages=stages)
    return plan


async def _ring_stage(call: Call, stage: Stage, adopted: list[Leg]) -> Leg | None:
    """Rings one stage's phones in batches; a stage with nobody reachable is over at once."""
    agents = await _availability(call)
    batches = routing.who_to_ring(stage, agents, call.office.now())
    ringing = {leg.device for leg in adopted}
    until = asyncio.get_running_loop().time() + stage.seconds
    for batch in batches or ([[]] if adopted else []):
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        seconds = min(left, call.office.config.ring.each_seconds) if stage.strategy is Strategy.ROUND_ROBIN else left
        legs = [*adopted, *await _originate(call, stage, [ref for ref in batch if ref.device not in ringing], seconds)]
        adopted = []
        if winner := await _first_answer(call, legs, seconds):
            await _stop_other_calls(call, winner, agents)
            return winner
    return None


async def _stop_other_calls(call: Call, winner: Leg, agents: list[routing.AgentAvailability]) -> None:
    """Other callers may ring the phones of whoever has just answered; nobody is rung while they talk."""
    owners = [{device.slug for device in agent.devices} for agent in agents]
    phones = next((devices for devices in owners if winner.device in devices), {winner.device})
    for channel in await call.office.client.channels():
        is_leg = LEG_MARK in channel.id and not channel.id.startswith(f"{call.id}{LEG_MARK}")
        if is_leg and channel.endpoint in phones and channel.state in RINGING:
            # By request and not as a Handle: the channel belongs to the other call's flow, which hears of it.
            with contextlib.suppress(ChannelGone):
                await call.office.client.delete(f"/channels/{quote(channel.id, safe='')}", reason_code=BUSY)


async def _availability(call: Call) -> list[routing.AgentAvailability]:
    """Duty and DND as the store has them, reachability and calls as Asterisk sees them in this moment."""
    office = call.office
    endpoints = await office.client.get("/endpoints/PJSIP")
    online = {endpoint["resource"] for endpoint in endpoints if endpoint["state"] == "online"}
    # A phone that rings is on no call yet: two callers may ring the same team, and two agents take one each.
    on_call = {channel.endpoint for channel in await office.client.channels() if channel.state not in RINGING}
    async with asyncio.timeout(office.config.survival.store_seconds):
        return await reception.availability(office.store, online, on_call)


@dataclass
class Leg:
    """One phone that rings for a call."""

    channel: Handle
    device: str
    answer: asyncio.Task[DialStatus] = field(init=False)
    """Ends when the phone was answered, or stopped ringing by itself."""

    def __post_init__(self) -> None:
        self.answer = asyncio.create_task(self._wait())

    @classmethod
    def adopt(cls, call: Call, leg_id: str) -> Leg:
        """A phone that has been ringing since before the app was away; answered meanwhile or not."""
        return cls(Handle(call.office.client, leg_id), leg_id.rpartition(LEG_MARK)[2].rpartition("-")[0])

    async def _wait(self) -> DialStatus:
        patience: float | None = None
        try:
            try:
                if await self._is_in_app():
                    return DialStatus.ANSWER
            except ChannelGone:
                # The phone declined at once; why stands in the channel's last event.
                patience = LAST_EVENT_SECONDS
            while True:
                match await self.channel.next_event(patience):
                    case events.StasisStart(channel=channel):
                        self.channel.name = channel.name
                        return DialStatus.ANSWER
                    case None:
                        return DialStatus.NOANSWER
        except CallEnded as ended:
            return dial_status(ended.cause)

    async def _is_in_app(self) -> bool:
        """Only an answered leg is in the app. Asked once, after subscribing: an earlier answer is not told again."""
        channel = await self.channel.client.get(self.channel.path)
        self.channel.name = channel["name"]
        return bool(channel["dialplan"].get("app_name") == "Stasis")

    def leave(self) -> None:
        """Lets the phone ring on, for whoever takes the call up again."""
        self.answer.cancel()
        self.channel.release()

    async def stop(self, cause: str) -> None:
        """Stops the ringing; the phone shows a call that a colleague took, or a missed one, by the cause."""
        await self.channel.hang_up(cause)
        self.channel.release()


async def _originate(call: Call, stage: Stage, batch: list[DeviceRef], seconds: float) -> list[Leg]:
    """Rings a batch's phones; one that Asterisk can't call is left out, the others ring."""
    results = await asyncio.gather(*(_ring_one(call, stage, ref, seconds) for ref in batch), return_exceptions=True)
    legs = [leg for leg in results if isinstance(leg, Leg)]
    if failed := next((error for error in results if isinstance(error, BaseException)), None):
        for leg in legs:
            leg.leave()
        raise failed
    return legs


async def _ring_one(call: Call, stage: Stage, ref: DeviceRef, seconds: float) -> Leg | None:
    leg_id = f"{call.id}{LEG_MARK}{ref.device}-{uuid.uuid4().hex[:6]}"
    channel = Handle(call.office.client, leg_id)
    call.note(LegRang, leg_id=leg_id, device=ref.device, agent=ref.agent, stage=stage.name.value)
    try:
        await call.office.client.post(
            "/channels",
            {"variables": {"LL_CALL": call.id, "LL_CALLER": call.channel.name}},
            endpoint=f"PJSIP/{ref.device}", context="agent-leg", extension="s", priority="1", channelId=leg_id,
            originator=call.id, callerId=_caller_id(call),
            # The app ends the ringing itself; this is for the case that it is away by then.
            timeout=str(round(seconds) + RINGS_ON_SECONDS),
        )  # fmt: skip
    except AsteriskRefused as refused:
        log.warning("a phone could not be rung: %s", refused, extra={"device": ref.device})
        channel.release()
        call.note(LegEnded, once=f"leg-ended-{leg_id}", leg_id=leg_id, status=DialStatus.CHANUNAVAIL)
        return None
    return Leg(channel, ref.device)


def _caller_id(call: Call) -> str:
    """What the agent's phone shows: the property's name and the number, both of our own making."""
    name = "".join(letter for letter in call.known.property_name if letter.isalnum() or letter in " .-")[:40]
    return f'"{name}" <{call.caller or "anonymous"}>'


async def _first_answer(call: Call, legs: list[Leg], seconds: float) -> Leg | None:
    """Waits for the first answer; the other phones stop with "answered elsewhere". Raises CallEnded on hangup."""
    caller = asyncio.create_task(_hang_up_of(call.channel))
    winner: Leg | None = None
    ringing = list(legs)
    try:
        async with asyncio.timeout(seconds):
            while ringing and winner is None:
                await asyncio.wait([caller, *(leg.answer for leg in ringing)], return_when=asyncio.FIRST_COMPLETED)
                if caller.done():
                    caller.result()
                for leg in [leg for leg in ringing if leg.answer.done()]:
                    if winner is None and leg.answer.result() is DialStatus.ANSWER:
                        winner = leg
                    elif leg.answer.result() is not DialStatus.ANSWER:
                        ringing.remove(leg)
                        await _over(call, leg, leg.answer.result())
    except TimeoutError:
        pass
    except CallEnded:
        await _stop(call, ringing, DialStatus.CANCEL, NORMAL)
        raise
    finally:
        caller.cancel()
        for leg in legs:
            # Without a hangup: when the app stops, phones go on ringing for the app that comes after it.
            leg.leave()
    losers = [leg for leg in ringing if leg is not winner]
    if winner:
        await _stop(call, losers, DialStatus.CANCEL, ANSWERED_ELSEWHERE)
    else:
        await _stop(call, losers, DialStatus.NOANSWER, NORMAL)
    return winner


async def _hang_up_of(channel: Handle) -> None:
    while True:
        await channel.next_event()


async def _stop(
    call: Call, legs: list[Leg], status: DialStatus = DialStatus.CANCEL, cause: str = NORMAL
) -> None:
    async def stop(leg: Leg) -> None:
        await leg.stop(cause)
        await _over(call, leg, status)

    await asyncio.gather(*(stop(leg) for leg in legs))


async def _over(call: Call, leg: Leg, status: DialStatus) -> None:
    leg.channel.release()
    call.note(LegEnded, once=f"leg-ended-{leg.channel.id}", leg_id=leg.channel.id, status=status)


def dial_status(cause: int) -> DialStatus:
    """Why a phone stopped ringing, from the Q.850 cause Asterisk gives (include/asterisk/causes.h)."""
    match cause:
        case 17 | 21:  # user busy; call rejected, which is what a phone's own DND or its decline key sends
            return DialStatus.BUSY
        case 1 | 3 | 20 | 27:  # no such number, no route, subscriber absent, out of order
            return DialStatus.CHANUNAVAIL
        case 34 | 38 | 41 | 42 | 44:
            return DialStatus.CONGESTION
    return DialStatus.NOANSWER
