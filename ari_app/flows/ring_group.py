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
from crm.domain import routing
from crm.domain.calls import Routed, Step
from crm.domain.routing import DeviceRef, RoutePlan, Stage, Strategy
from crm.services import reception


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
    plan = await _plan(call)
    adopted = [await forward.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    winner, failure = await _ring_all(call, plan, adopted)
    if failure and plan.rule is routing.Rule.OFFICE_FORWARD:
        plan = await _plan(call, forward_failed=failure)
        winner, _ = await _ring_all(call, plan, [])
    call.is_closed = plan.rule is routing.Rule.CLOSED
    if winner is None:
        return Step.VOICEMAIL
    # Before the talk begins: from then on the dead man's switch looks for the peer.
    await call.person.set_variables(LL_PEER=winner.channel.name)
    call.peer_leg = winner.channel.id
    return Step.TALK


async def _plan(call: Call, forward_failed: str = "") -> RoutePlan:
    """Asks the CRM who there is, and the domain whom to ring; the decision is put on record."""
    office = call.office
    async with asyncio.timeout(office.config.survival.store_seconds):
        agents = await reception.availability(office.store)
        schedule = await reception.schedule(office.store, office.config)
        forward_to = await reception.office_forward(office.store)
    plan = routing.decide(
        call.known.routing_inputs(
            is_open=schedule.is_open(office.now()), everyone=tuple(agent.slug for agent in agents),
            ring=office.config.ring, forward=forward_to, forward_failed=forward_failed,
        )
    )  # fmt: skip
    stages = tuple(stage.name.value for stage in plan.stages)
    once = "routed-again" if forward_failed else "routed"
    call.note(Routed, once=once, rule=plan.rule.value, reasons=plan.reasons, stages=stages)
    return plan


async def _ring_all(call: Call, plan: RoutePlan, adopted: list[Leg]) -> tuple[Leg | None, str]:
    """Rings the stages of a plan: who answered, and why the number that all calls go to could not even be rung."""
    if plan.stages:
        await call.person.start_ringback()
    names = [stage.name.value for stage in plan.stages]
    first = names.index(call.first_stage) if call.first_stage in names else 0
    spared = Spared()
    legs: list[Leg] = []
    for stage in plan.stages[first:]:
        await call.person.set_variables(LL_STAGE=stage.name.value)
        winner, legs = await _ring_stage(call, stage, adopted, spared)
        adopted = []
        if winner:
            await call.person.stop_ringback()
            return winner, ""
    await stop(call, adopted)
    if plan.stages:
        await call.person.stop_ringback()
    return None, next((leg.failure for leg in legs if isinstance(leg, Forwarded) and leg.failure), "")


async def _ring_stage(call: Call, stage: Stage, adopted: list[Leg], spared: Spared) -> tuple[Leg | None, list[Leg]]:
    """Rings one stage's phones in batches; a stage with nobody reachable is over at once.

    Returns who answered, and all that rang.
    """
    agents = await availability(call.office)
    batches = routing.who_to_ring(stage, agents, call.office.now(), call.caller)
    config = call.office.config.ring
    ringing = {leg.device for leg in adopted}
    rang = list(adopted)
    until = asyncio.get_running_loop().time() + stage.seconds
    for batch in batches or ([[]] if adopted else []):
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        wanted = [ref for ref in batch if ref.device not in ringing and spared.allows(ref)]
        if stage.forward and adopted:
            wanted = []
        if not wanted and not adopted:
            continue
        seconds = min(left, config.each_seconds) if stage.strategy is Strategy.ROUND_ROBIN else left
        seconds = routing.ringing_seconds(wanted, seconds, config.mobile_seconds)
        legs = [*adopted, *await _ring_batch(call, stage, wanted, seconds)]
        adopted = []
        rang += legs
        winner = await first_answer(call, legs, seconds)
        for leg in legs:
            spared.learn(leg)
        if winner:
            await stop_other_calls(call, winner, agents)
            return winner, rang
    return None, rang


async def _ring_batch(call: Call, stage: Stage, batch: list[DeviceRef], seconds: float) -> list[Leg]:
    if any(ref.confirm for ref in batch):
        whisper.prepare(call)
        # The others ring on while somebody hears who calls.
        seconds += call.office.config.ring.confirm_seconds
    phones = [ref for ref in batch if not ref.number]
    caller_id = shown(call.known.property_name, call.caller)
    legs = await ring_phones(call, stage.name.value, phones, seconds, caller_id)
    return [*legs, *(Forwarded(call, stage.name.value, ref) for ref in batch if ref.number)]
