"""Ringing the team in stages: the lead's agent, the property's subteam, everyone. The first answer wins, never two."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ari_app.flows import forward, whisper
from ari_app.flows.call import Call
from ari_app.flows.confirm import Choice
from ari_app.flows.forward import Forwarded
from ari_app.flows.inbound import ask
from ari_app.flows.legs import Leg, availability, first_answer, ring_phones, shown, stop, stop_other_calls
from ari_app.flows.plan import STEPS, may_queue, otherwise, plan, to_carry_out
from crm.domain import ringing
from crm.domain.calls import Step
from crm.domain.choosing import Answer, Question
from crm.domain.ringing import DeviceRef, Stage, Strategy
from crm.domain.routing import TEAM, TO_DESK, RoutePlan, Rule


@dataclass
class Spared:
    """Who is not rung again in this call: agents who passed, and phones on which a machine answered."""

    agents: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)

    def learn(self, leg: Leg) -> None:
        if leg.choice in (Choice.PASS, Choice.LATER):
            self.agents.add(leg.agent)
        elif leg.hears:
            self.devices.add(leg.device)

    def allows(self, ref: DeviceRef) -> bool:
        return ref.agent not in self.agents and ref.device not in self.devices


async def ring(call: Call) -> Step:
    """Rings stage after stage until somebody answers, and goes on to the talk, else to the mailbox."""
    if call.reception is None:
        await ask(call)  # A call of ours, whose agent has left the person.
    if not call.answers:
        # It came here without the menu.
        call.answers += [Answer(Question.MENU, TEAM), Answer(Question.URGENT, TO_DESK)]
    decided = await to_carry_out(call)
    adopted = [await forward.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    winner, failure = await _ring_all(call, decided, adopted)
    if failure and decided.rule is Rule.OFFICE_FORWARD:
        decided = await plan(call, forward_failed=failure)
        winner, _ = await _ring_all(call, decided, [])
    if winner is None:
        following = otherwise(decided) if decided.stages else STEPS.get(decided.path, Step.VOICEMAIL)
        if following is Step.VOICEMAIL and await may_queue(call):
            return Step.QUEUE
        return following
    # Before the talk begins: from then on the dead man's switch looks for the peer.
    await call.person.set_variables(LL_PEER=winner.channel.name)
    call.peer_leg = winner.channel.id
    return Step.TALK


async def _ring_all(call: Call, decided: RoutePlan, adopted: list[Leg]) -> tuple[Leg | None, str]:
    """Rings the stages of a plan: who answered, and why the number that all calls go to could not even be rung."""
    if decided.stages:
        await call.person.start_ringback()
    names = [stage.name.value for stage in decided.stages]
    first = names.index(call.first_stage) if call.first_stage in names else 0
    spared = Spared()
    legs: list[Leg] = []
    for stage in decided.stages[first:]:
        await call.person.set_variables(LL_STAGE=stage.name.value)
        winner, legs = await _ring_stage(call, stage, adopted, spared)
        adopted = []
        if winner:
            await call.person.stop_ringback()
            return winner, ""
    await stop(call, adopted)
    if decided.stages:
        await call.person.stop_ringback()
    return None, next((leg.failure for leg in legs if isinstance(leg, Forwarded) and leg.failure), "")


async def _ring_stage(call: Call, stage: Stage, adopted: list[Leg], spared: Spared) -> tuple[Leg | None, list[Leg]]:
    """Rings one stage's phones in batches; a stage with nobody reachable is over at once.

    Returns who answered, and all that rang.
    """
    agents = await availability(call.office, stage.agents)
    batches = ringing.who_to_ring(stage, agents, call.office.now(), call.caller)
    config = call.office.config.ring
    # Who is being rung for somebody who has waited is not for whoever has only just called.
    reserved = call.office.calls.reserved
    rings_already = {leg.device for leg in adopted}
    rang = list(adopted)
    until = asyncio.get_running_loop().time() + stage.seconds
    for batch in batches or ([[]] if adopted else []):
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        wanted = [ref for ref in batch if ref.device not in rings_already and spared.allows(ref)]
        wanted = [ref for ref in wanted if ref.agent not in reserved]
        if stage.forward and adopted:
            wanted = []
        if not wanted and not adopted:
            continue
        seconds = min(left, config.each_seconds) if stage.strategy is Strategy.ROUND_ROBIN else left
        seconds = ringing.ringing_seconds(wanted, seconds, config.mobile_seconds)
        legs = [*adopted, *await ring_batch(call, stage, wanted, seconds)]
        adopted = []
        rang += legs
        winner = await first_answer(call, legs, seconds)
        for leg in legs:
            spared.learn(leg)
        if winner:
            await stop_other_calls(call, winner, agents)
            return winner, rang
    return None, rang


async def ring_batch(call: Call, stage: Stage, batch: list[DeviceRef], seconds: float) -> list[Leg]:
    """Begins to ring these phones, at home and outside."""
    call.ringing.update(ref.agent for ref in batch if ref.agent)
    if any(ref.confirm for ref in batch):
        whisper.prepare(call)
        # The others ring on while somebody hears who calls.
        seconds += call.office.config.ring.confirm_seconds
    phones = [ref for ref in batch if not ref.number]
    desk = call.decided.desk if call.decided else None
    title = f"{desk.capitalize()} - {call.known.property_name}" if desk else call.known.property_name
    caller_id = shown(title, call.shown)
    legs = await ring_phones(call, stage.name.value, phones, seconds, caller_id)
    return [*legs, *(Forwarded(call, stage.name.value, ref) for ref in batch if ref.number)]
