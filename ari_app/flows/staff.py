"""One of our phones dialed something other than a feature code: a colleague, or an outside number."""

from __future__ import annotations

import asyncio
import re

from ari_app.call.call import LiveCall
from ari_app.edge.media import play
from ari_app.flows.colleague import colleague
from ari_app.flows.outbound import outbound
from ari_app.flows.parking import retrieve
from crm.domain.calls import CallStep, EndedBy
from crm.services.phones import extensions

_EXTENSION = re.compile(r"[0-9]{2,6}", re.ASCII)


async def staff(call: LiveCall, dialled: str) -> CallStep | EndedBy | None:
    """Decides what was dialed; None if it is not a call of its own, and leaves no record."""
    if dialled in call.context.config.parking.names:
        await retrieve(call, dialled)
        return None
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        caller = await call.context.store.read(extensions.owner_of, call.channel.endpoint)
        callee = await call.context.store.read(extensions.agent_at, dialled) if _EXTENSION.fullmatch(dialled) else None
    if callee:
        return await colleague(call, caller, dialled)
    if len(dialled) > extensions.LONGEST:
        return await outbound(call, dialled)
    await say(call, "extension_unavailable")
    await call.channel.hang_up()
    return None


async def say(call: LiveCall, *names: str) -> None:
    """Answers the phone that dialed, and plays prompts to it."""
    await call.channel.answer()
    await play(call.channel, call.sounds(*names))
