"""`leaseline serve`: builds the app with its parts, starts it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import signal
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial
from types import ModuleType

from ari_app import log as log_to
from ari_app.parts import GROUPS, LOADED_LATER, PARTS, VOICE
from ari_app.parts.shared import Part, Shared
from crm import context, in_force
from crm.config import Config
from crm.context import Crm
from crm.domain.errors import CrmError, Unavailable
from crm.edge import spool_folder
from crm.edge.handed_sockets import APP, PAGES, HandedSockets
from crm.secrets import Secrets
from crm.services.system import copies
from crm.store import revision
from crm.store.session import Store
from crm.worker import RETRY_SECONDS

log = logging.getLogger(__name__)

PART_SECONDS = 1.0
"""Pause before a part that failed is restarted."""
SCHEMA_SECONDS = 2.0
"""How often a database that cannot be used is checked again."""
SETTLED_SECONDS = 10.0
"""When most of what the app keeps for good has been built."""
NOT_LOOKED_AT = "The database has not answered since the app started: check its server, or the disk."


async def serve(config: Config, only: Collection[str] = (), *, take_over: bool = False) -> None:
    """Runs the app until SIGTERM or SIGINT, which leave the calls to the next app, or after SIGUSR1 until no call is
    left. `only` names some of PARTS and GROUPS; empty: all of them. `take_over`: a running app ends once this one has
    taken its place.

    It runs whatever is wrong with the disk, journal or database; calls that it cannot answer go to the last resort.
    """
    if VOICE in only:
        await _serve_voice(config)
        return
    parts = {part for name in only or PARTS for part in GROUPS.get(name, (name,))}
    log_to.to_file(config.log_folder / ("web.log" if parts <= set(GROUPS["web"]) else "app.log"))
    if "calls" in parts:
        # Without the record, only the list of what has changed is missing.
        with contextlib.suppress(OSError):
            in_force.started_app(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    # No look at what is being built finds anything, and each takes time: `_settle` turns it on.
    gc.disable()
    # What this process does not run it does not load; what it runs is loaded before the first call comes.
    loaded = {name: importlib.import_module(f"ari_app.parts.{name}") for name in PARTS if name in parts}
    handed_sockets = _handed(config, parts, take_over=take_over)
    async with _running(config, loaded, stop, take_over=take_over, handed_sockets=handed_sockets):
        await stop.wait()


def _handed(config: Config, parts: Collection[str], *, take_over: bool) -> HandedSockets | None:
    """Each part alone has no place of its own that another could take."""
    if parts == set(GROUPS["web"]):
        return HandedSockets(config, PAGES, replaces=take_over)
    if "calls" not in parts:
        return None
    try:
        return HandedSockets(config, APP, replaces=take_over, ends_former=False)
    except OSError as error:
        # Calls do not wait for it: the ports are opened once the former app has left them.
        log.warning("the former app does not hand its listeners on", extra={"reason": str(error)})
        return HandedSockets(config, APP)


async def _serve_voice(config: Config) -> None:
    from ari_app.voice import server  # What it needs is no part of the app.

    log_to.to_file(config.log_folder / "voice.log")
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await server.serve(config, Secrets(config.secrets_file), stop)


async def _keep(part: Part) -> None:
    """Restarts a part that fails, which affects nothing else, least of all the calls."""
    while True:
        try:
            await part()
        except (CrmError, OSError) as error:
            log.error("a part of the app is begun again", extra={"error": str(error)})
        except Exception:
            log.exception("a part of the app is begun again")
        await asyncio.sleep(PART_SECONDS)


@contextlib.asynccontextmanager
async def _running(
    config: Config,
    parts: Mapping[str, ModuleType],
    stop: asyncio.Event,
    *,
    take_over: bool,
    handed_sockets: HandedSockets | None,
) -> AsyncIterator[None]:
    crm = context.opened(config)
    store = crm.store
    store.refusal = NOT_LOOKED_AT
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(store.close)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SCHEMA_SECONDS):
                await _look_at_schema(store)
        shared = Shared(crm, stack, copies.CopyWatch(config).is_held, stop, take_over, handed_sockets)
        # Whoever has just connected is still answered when all else has ended: the next app waits for the calls alone.
        stack.push_async_callback(_ended, listening := [])
        work: list[Part] = [
            partial(_watch_schema, store),
            partial(_hear, shared),
            partial(_settle, [module for name in parts for module in LOADED_LATER.get(name, ())]),
            shared.every(spool_folder.PRUNED_EVERY_SECONDS, "what was taken in long ago", partial(_prune, crm)),
        ]
        for name, module in parts.items():
            work += await getattr(module, name)(shared)
        if handed_sockets:
            work.append(handed_sockets.run)
        running = {part: asyncio.create_task(_keep(part)) for part in work}
        listening += [running[part] for part in shared.listeners]
        try:
            yield
        finally:
            for task in running.values():
                task.cancel()
            await _ended([task for task in running.values() if task not in listening])


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def _hear(shared: Shared) -> None:
    """Wakes everything that waits for what other processes commit."""
    name = "changes in the database"
    while True:
        try:
            await shared.crm.store.changes.listen(lambda: shared.troubles.well(name))
        except Unavailable as error:
            shared.troubles.failed(name, error)
            await asyncio.sleep(RETRY_SECONDS)


async def _settle(later: Sequence[str]) -> None:
    """Loads these modules, and then spares the garbage collector what stays: each look at all of it holds up everybody
    for tens of milliseconds."""
    await asyncio.sleep(SETTLED_SECONDS)
    for module in later:
        await asyncio.to_thread(importlib.import_module, module)
    gc.collect()
    gc.freeze()
    gc.enable()
    await asyncio.Event().wait()


async def _prune(crm: Crm) -> None:
    await asyncio.to_thread(spool_folder.prune, crm.config, crm.now())


async def _look_at_schema(store: Store) -> None:
    """Checks that the tables are those of this version. Otherwise nothing is written: a fact that they refuse would be
    rejected for good."""
    try:
        problem = revision.problem(await asyncio.to_thread(store.revision))
        store.refusal = str(problem) if problem else ""
    except Unavailable as error:
        store.refusal = str(error)


async def _watch_schema(store: Store) -> None:
    while store.refusal:
        await _look_at_schema(store)
        await asyncio.sleep(SCHEMA_SECONDS)
    await asyncio.Event().wait()
