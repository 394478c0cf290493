"""Ringing the team in stages: the lead's agent, the property's subteam, everyone. The first answer wins, never two."""

from __future__ import annotations

import asyncio

from ari_app.flows.call import Call
from ari_app.flows.legs import Leg, availability, first_answer, ring_phones, shown, stop, stop_other_calls
from crm.domain import routing
from crm.domain.calls import Routed, Step
from crm.domain.routing import Stage, Strategy
from crm.services import reception


async def ring(call: Call) -> Step:
    """Rings stage after stage until somebody answers, and goes on to the talk, else to the mailbox."""
    plan = await _plan(call)
    call.is_closed = plan.rule is routing.Rule.CLOSED
    adopted = [Leg.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    if plan.stages:
        await call.person.start_ringback()
    names = [stage.name.value for stage in plan.stages]
    first = names.index(call.first_stage) if call.first_stage in names else 0
    for stage in plan.stages[first:]:
        await call.person.set_variables(LL_STAGE=stage.name.value)
        winner = await _ring_stage(call, stage, adopted)
        adopted = []
        if winner:
            await call.person.stop_ringback()
            # Before the talk begins: from then on the dead man's switch looks for the peer.
            await call.person.set_variables(LL_PEER=winner.channel.name)
            call.peer_leg = winner.channel.id
            return Step.TALK
    await stop(call, adopted)
    if plan.stages:
        await call.person.stop_ringback()
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
    agents = await availability(call.office)
    batches = routing.who_to_ring(stage, agents, call.office.now())
    ringing = {leg.device for leg in adopted}
    until = asyncio.get_running_loop().time() + stage.seconds
    for batch in batches or ([[]] if adopted else []):
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        seconds = min(left, call.office.config.ring.each_seconds) if stage.strategy is Strategy.ROUND_ROBIN else left
        wanted = [ref for ref in batch if ref.device not in ringing]
        caller_id = shown(call.known.property_name, call.caller)
        legs = [*adopted, *await ring_phones(call, stage.name.value, wanted, seconds, caller_id)]
        adopted = []
        if winner := await first_answer(call, legs, seconds):
            await stop_other_calls(call, winner, agents)
            return winner
    return None
