"""Signs of life: renews callers' dead man's switches, and writes run/app.json."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ari_app import heartbeat
from ari_app.call.call import AppContext, LiveCall
from ari_app.edge.channel import Handle
from ari_app.flows.transfer import waiting_seconds
from crm.domain.beats import until_next
from crm.edge import processes

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
AT_ONCE = 10
"""Calls whose switches are renewed together: those of 200 took 10 ms of CPU."""


async def renew(context: AppContext, chore: Callable[[Any], None]) -> None:
    """Renews every caller's dead man's switch, several times within its length: a few calls after the others, spread
    over a quarter of it. A call that has come since is renewed in the round after that."""
    seconds = context.config.survival.deadman_seconds / 4
    while True:
        ids = context.calls.ids
        parts = [ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE)] or [[]]
        for part in parts:
            _renew(context, part, chore)
            await asyncio.sleep(seconds / len(parts))


def _renew(context: AppContext, ids: Iterable[str], chore: Callable[[Any], None]) -> None:
    for call in filter(None, map(context.calls.get, ids)):
        for whispered in call.whispered:
            chore(renew_one(context, whispered))
        if call.waiting:
            chore(renew_waiting(context, call, call.waiting))
        chore(renew_one(context, call.person))


async def renew_one(context: AppContext, channel: Handle) -> None:
    await context.ami.limit(channel.name, context.config.survival.deadman_seconds)


async def renew_waiting(context: AppContext, call: LiveCall, agent: Handle) -> None:
    try:
        await context.ami.limit(agent.name, waiting_seconds(context.config))
    finally:
        if call.waiting is not agent:
            # They may be talking by now, and no time limit may end that.
            await agent.set_variables(timeout="0")


async def beat(context: AppContext, troubles: Callable[[], Collection[str]]) -> None:
    """Writes run/app.json, by which `leaseline status` knows that the app is alive. Also at once when it is connected,
    since whoever starts it waits for that."""
    path = context.config.run_folder / "app.json"
    failed, me, loop = "", processes.me(), asyncio.get_running_loop()
    while True:
        state = {
            "at": context.now().isoformat(),
            "pid": me.pid,
            "started": me.started,
            "connected": context.client.connected.is_set(),
            "calls": context.calls.ids,
            "events_unknown": context.client.unknown.total(),
            "reconnects": max(0, context.client.connections - 1),
            "deaf": {device: at.isoformat() for device, at in context.deaf},
            "trouble": [*context.journal.troubles, *troubles()],
            "stopping": context.stopping.is_set(),
        }
        try:
            heartbeat.write(path, json.dumps(state).encode())
            failed = ""
        except OSError as error:
            if failed != (failed := str(error.strerror)):
                log.error("signs of life cannot be written: %s", error.strerror)
        if state["connected"]:
            await asyncio.sleep(until_next(HEARTBEAT_SECONDS, loop.time()))
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await context.client.connected.wait()
