"""An agent picks up a call that is ringing elsewhere."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ari_app.call.call import LiveCall
from ari_app.flows.parking import take_over
from asterisk_conf.prompts.speech import SpeechError
from crm.domain.calls import CallDirection, CallStep
from crm.services.phones import extensions
from crm.services.phones.extensions import Colleague
from crm.services.phones.spoken import spoken

log = logging.getLogger(__name__)

STAGE = "pickup"
RINGING = (CallStep.RING, CallStep.DIALLING)


async def pickup(call: LiveCall, extension: str) -> None:
    """Takes the call that is ringing at the extension; without one, the oldest one ringing for the agent's subteams,
    else for anybody. The other phones stop as answered elsewhere, and this one shows who calls.

    While a sentence was spoken, the caller would wait: one only says that there is nothing to pick up, and at whose
    phones.
    """
    context = call.context
    await context.calls.returned(*RINGING)
    async with asyncio.timeout(context.config.survival.store_seconds):
        agent = await context.store.read(extensions.owner_of, call.channel.endpoint)
        callee = await context.store.read(extensions.agent_at, extension) if extension else None
        mates = await context.store.read(extensions.subteams_of, agent.slug) if agent and not extension else ()
    ringing = [one for one in context.calls if one is not call and one.is_waiting and one.step in RINGING]
    if extension:
        wanted = [one for one in ringing if callee and callee.slug in one.ringing]
    else:
        callers = [one for one in ringing if one.direction is CallDirection.IN]
        own = [one for one in callers if one.reception and one.reception.subteam in mates]
        wanted = own or callers
    nobody = call.sounds("nothing_rings")
    if extension and not wanted:
        nobody = await _says_whose(call, callee)
    await take_over(call, wanted[0] if wanted else None, STAGE, nobody)


async def _says_whose(call: LiveCall, callee: Colleague | None) -> list[Path]:
    """That there is nothing to pick up, with the name of whoever has the extension."""
    if callee is None:
        return call.sounds("extension_unavailable")
    try:
        return [await spoken(call.context.config, f"No call is ringing for {callee.name}.")]
    except SpeechError as error:
        log.warning("a sentence could not be spoken: %s", error)
        return call.sounds("nothing_rings")
