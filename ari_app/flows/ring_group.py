"""Ringing the team in stages: the lead's agent, the property's subteam, everyone. Only the first answer is
connected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ari_app.call import forward, whisper
from ari_app.call.answering import first_answer, hang_up_of, has_vanished, stop, stop_other_calls, was_taken_away
from ari_app.call.available import availability
from ari_app.call.call import LiveCall
from ari_app.call.confirm import ConfirmChoice
from ari_app.call.forward import Forwarded
from ari_app.call.kept import RingsAt, written
from ari_app.call.legs import ring_phones, shown
from ari_app.call.race import race
from ari_app.call.ringing_leg import RingingLeg
from ari_app.call.sleepers import Sleepers, any_online, sign_of
from ari_app.flows.inbound import ask
from ari_app.flows.plan import STEPS, may_queue, otherwise, plan, ring_again, to_carry_out
from crm.domain import ringing
from crm.domain.calls import CallStep, DialStatus
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.ringing import Mobile, OutsideNumber, Phone, RingStage, StageName, Strategy
from crm.domain.routing import TEAM, TO_DESK, RoutePlan, Rule

RELOAD_SECONDS = 2.0
"""A page that is reloaded has registered again within this time."""


@dataclass
class Spared:
    """Agents who passed, and phones on which a machine answered: they are not rung again in this call."""

    agents: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    """Outside numbers on which somebody passed or a machine answered."""
    others_took: bool = False
    """Whether phones stopped ringing, or could not ring, because their owners took other calls."""

    def learn(self, call: LiveCall, legs: Iterable[RingingLeg]) -> None:
        """Adds those of these legs, which rang in vain, that are not to be rung again."""
        legs = list(legs)
        taken = {leg.agent for leg in legs if was_taken_away(call, leg)}
        self.others_took = self.others_took or bool(taken)
        # A mobile that did not get to ring has not been tried.
        call.tried |= {leg.agent for leg in legs if leg.agent and leg.has_channel} - taken
        for leg in legs:
            if isinstance(leg, Forwarded) and not isinstance(leg.to, Mobile):
                if leg.hears:
                    self.numbers.add(leg.to.number)
            elif leg.choice in (ConfirmChoice.PASS, ConfirmChoice.LATER):
                self.agents.add(leg.agent)
            elif leg.hears:
                self.devices.add(leg.device)

    def allows(self, one: Phone | OutsideNumber) -> bool:
        if isinstance(one, Phone | Mobile):
            return one.agent not in self.agents and one.device not in self.devices
        return one.number not in self.numbers

    def begin_again(self, call: LiveCall) -> None:
        """From now on, nobody who has been rung in vain is rung again."""
        self.others_took = False
        self.agents |= call.tried


async def ring(call: LiveCall) -> CallStep:
    """Rings stage after stage until somebody answers, and continues with the talk, or else with the plan's
    alternative."""
    if call.reception is None:
        await ask(call)  # A call out whose agent is gone.
    if not call.answers:
        # It got here without the menu.
        call.answers += [KeyedAnswer(Question.MENU, TEAM), KeyedAnswer(Question.URGENT, TO_DESK)]
    call.tried.clear()
    decided = await to_carry_out(call)
    if call.lost_agent:
        decided, call.lost_agent = _first(call, decided, call.lost_agent), ""
    adopted = [await forward.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    # A phone may fail once and be back; one that has failed twice is left alone.
    spared = Spared(devices={device for device, times in call.lost_devices.items() if times > 1})
    winner, failure = await _ring_all(call, decided, adopted, spared)
    if failure and decided.rule is Rule.OFFICE_FORWARD:
        decided = await plan(call, forward_failed=failure)
        winner, _ = await _ring_all(call, decided, [], spared)
    number = 0
    while winner is None and spared.others_took and (again := await ring_again(call, number := number + 1)):
        if isinstance(again, CallStep):
            return again
        decided, call.kept = again, None
        await call.tell(LL_STAGE=written(call.kept))
        spared.begin_again(call)
        winner, _ = await _ring_all(call, decided, [], spared)
    if winner is None:
        following = otherwise(decided) if decided.stages else STEPS.get(decided.path, CallStep.VOICEMAIL)
        if following is CallStep.VOICEMAIL and await may_queue(call):
            return CallStep.QUEUE
        return following
    # As soon as the step is the talk, the dead man's switch needs the peer.
    call.keep(LL_PEER=winner.channel.name)
    call.peer_leg = winner.channel.id
    return CallStep.TALK


def _first(call: LiveCall, decided: RoutePlan, agent: str) -> RoutePlan:
    """The plan with one agent's phones before the others."""
    stage = RingStage(StageName.AGENT, (agent,), call.context.config.ring.agent_seconds)
    return replace(decided, stages=(stage, *(other for other in decided.stages if other.agents != stage.agents)))


async def _ring_all(
    call: LiveCall, decided: RoutePlan, adopted: list[RingingLeg], spared: Spared
) -> tuple[RingingLeg | None, str]:
    """Rings the stages of a plan. Returns who answered, and why the number that all calls go to could not even be
    rung."""
    if decided.stages:
        await call.person.start_ringback()
    names = [stage.name.value for stage in decided.stages]
    first = names.index(call.kept.stage) if isinstance(call.kept, RingsAt) and call.kept.stage in names else 0
    legs: list[RingingLeg] = []
    for number, stage in enumerate(decided.stages[first:]):
        if number:  # The step began with the first of these, or was resumed in it.
            await call.tell(LL_STAGE=written(RingsAt(stage.name.value)))
        winner, legs = await _ring_stage(call, stage, adopted, spared)
        adopted = []
        if winner:
            await call.person.stop_ringback()
            return winner, ""
    await stop(call, adopted)
    await _give_up_deaf(call)
    if decided.stages:
        await call.person.stop_ringback()
    return None, next((leg.failure for leg in legs if isinstance(leg, Forwarded) and leg.failure), "")


async def _give_up_deaf(call: LiveCall) -> None:
    deaf, call.deaf = call.deaf, []
    await stop(call, deaf, DialStatus.NOANSWER)


async def _ring_stage(
    call: LiveCall, stage: RingStage, adopted: list[RingingLeg], spared: Spared
) -> tuple[RingingLeg | None, list[RingingLeg]]:
    """Rings one stage's phones in batches; a stage with nobody reachable is over at once. If other callers take the
    agents who are being rung, others who are free ring for the rest of the stage's time.

    Returns who answered, and all legs that rang.
    """
    rang: list[RingingLeg] = []
    until = asyncio.get_running_loop().time() + stage.seconds

    async def ring_late(devices: frozenset[str]) -> list[RingingLeg]:
        agents = await availability(call.context, stage.agents)
        phones = [one for turn in ringing.whose_turn(stage, agents, call.context.now(), call.caller) for one in turn]
        reserved = call.context.calls.reserved - call.ringing
        late = [one for one in phones if one.device in devices and spared.allows(one) and one.agent not in reserved]
        left = until - asyncio.get_running_loop().time()
        return await ring_batch(call, stage, late, left) if late and left > 0 else []

    async with Sleepers(call, set(stage.agents) - spared.agents, sign_of(call), ring_late) as sleepers:
        while True:
            winner, legs = await _ring_free(call, stage, adopted, spared, until, rang, sleepers)
            rang += legs
            adopted = []
            if winner:
                return winner, rang
            if any(was_taken_away(call, leg) for leg in legs) or await _are_back(call, legs, until):
                continue
            return None, rang


async def _are_back(call: LiveCall, legs: Iterable[RingingLeg], until: float) -> bool:
    """Whether a browser that was reloaded while it rang is back, and can be rung once more in this stage. One that was
    closed is not waited for any longer than a page takes to load. Raises HungUp if the person hangs up meanwhile."""
    present = call.context.client.present
    gone = {leg.device for leg in legs if has_vanished(call, leg)}
    if not gone:
        return False
    try:
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + RELOAD_SECONDS)):
            await race(hang_up_of(call.person), any_online(present, gone))
    except TimeoutError:
        return False
    return True


async def _ring_free(
    call: LiveCall,
    stage: RingStage,
    adopted: list[RingingLeg],
    spared: Spared,
    until: float,
    rang_before: list[RingingLeg],
    sleepers: Sleepers,
) -> tuple[RingingLeg | None, list[RingingLeg]]:
    """Rings those of a stage who are free now and have not been rung in it yet, until a time on the loop's clock."""
    known, call.to_ring = call.to_ring, None
    agents = await availability(call.context, stage.agents, known)
    batches = ringing.who_to_ring(stage, agents, call.context.now(), call.caller)
    config = call.context.config.ring
    # Agents who are being rung for somebody who has waited are not available to a caller who has just arrived.
    reserved = call.context.calls.reserved
    had_their_turn = {leg.device for leg in rang_before if not (was_taken_away(call, leg) or has_vanished(call, leg))}
    not_now = had_their_turn | {leg.device for leg in (*adopted, *call.deaf)}
    rang: list[RingingLeg] = []
    for batch in batches or ([[]] if adopted else []):
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        wanted = [one for one in batch if spared.allows(one) and not (stage.forward and adopted)]
        wanted = [
            one
            for one in wanted
            if not isinstance(one, Phone | Mobile)
            or (one.device not in not_now and (one.agent not in reserved or one == stage.phone))
        ]
        if not wanted and not adopted:
            continue
        seconds = min(left, config.each_seconds) if stage.strategy is Strategy.ROUND_ROBIN else left
        seconds = ringing.ringing_seconds(wanted, seconds, config.mobile_seconds)
        legs = [*adopted, *await ring_batch(call, stage, wanted, seconds)]
        adopted = []
        if winner := await _first_answer(call, legs, seconds, spared, sleepers, rang):
            await stop_other_calls(call, winner, agents)
            return winner, rang
    left = until - asyncio.get_running_loop().time()
    # Nobody can be rung: those who are woken are waited for.
    is_left = not rang and not rang_before and left > 0
    if is_left and (winner := await _first_answer(call, [], left, spared, sleepers, rang)):
        await stop_other_calls(call, winner)
        return winner, rang
    if not rang and any(agent.is_on_call or agent.slug in reserved for agent in agents):
        spared.others_took = True
    return None, rang


async def _first_answer(
    call: LiveCall,
    legs: list[RingingLeg],
    seconds: float,
    spared: Spared,
    sleepers: Sleepers,
    rang: list[RingingLeg],
) -> RingingLeg | None:
    """Adds to `rang` what has rung by the end."""
    deaf = list(call.deaf)
    legs += deaf
    winner = await first_answer(call, legs, seconds, keep_deaf=True, sleepers=sleepers)
    rang += [leg for leg in legs if leg not in deaf]
    spared.learn(call, (leg for leg in legs if leg is not winner))
    return winner


async def ring_batch(
    call: LiveCall, stage: RingStage, batch: Sequence[Phone | OutsideNumber], seconds: float
) -> list[RingingLeg]:
    """Starts ringing these phones, ours and outside ones."""
    call.ringing.update(one.agent for one in batch if isinstance(one, Phone | Mobile))
    if any(one.confirm for one in batch):
        whisper.prepare(call)
        # The other phones keep ringing while somebody hears who is calling.
        seconds += call.context.config.ring.confirm_seconds
    phones = [one for one in batch if isinstance(one, Phone)]
    desk = call.decided.desk if call.decided else None
    title = f"{desk.capitalize()} - {call.known.property_name}" if desk else call.known.property_name
    if stage.name is StageName.EMERGENCY:
        title = "Emergency callback"
    elif call.brief:
        title = f"{call.brief} - {title}"
    caller_id = shown(title, call.shown)
    legs = await ring_phones(call, stage.name.value, phones, seconds, caller_id)
    return [*legs, *(Forwarded(call, stage.name.value, one) for one in batch if isinstance(one, OutsideNumber))]
