"""The calls, with the workers for them, for phones and for the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from functools import partial

from ari_app import draining, reconcile, signs
from ari_app.app import App
from ari_app.call.race import race
from ari_app.call.waking import PushBell
from ari_app.live.acts import LiveActs
from ari_app.live.server import LiveServer
from ari_app.live.state import LiveState
from ari_app.parts.shared import Part, Shared
from ari_app.workers import nodes, warm_sentences
from ari_app.workers.nodes import Nodes
from ari_app.workers.orders import Orders
from ari_app.workers.refused_calls import RefusedCalls
from ari_app.workers.warm_sentences import WarmSentences
from crm.context import Crm
from crm.domain.calls import Fact
from crm.domain.errors import Unavailable
from crm.edge import holidays, live_state, processes
from crm.services.calls import ledger
from crm.services.calls.journal import Journal
from crm.services.office import hours
from crm.services.outbox.pushes import push_client
from crm.services.phones import emergencies, publish
from crm.services.phones.emergencies import EmergencyNotifier
from crm.services.phones.guard import LOOK_SECONDS, Guard
from crm.services.routing import welcome
from crm.services.system import disk
from crm.services.system.checks import voice_agent

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 3600.0
"""Opening hours are rendered in advance for when the app is away; once an hour is enough to keep them current."""


async def calls(shared: Shared) -> list[Part]:
    crm, config, stack = shared.crm, shared.crm.config, shared.stack

    record = ledger.Ledger(config).record

    async def apply(facts: Sequence[Fact]) -> None:
        await crm.store.run(record, facts, crm.now())

    journal = await stack.enter_async_context(Journal(config.journal_folder, apply, takes_over=shared.take_over))
    notifier = EmergencyNotifier(crm)
    bell = PushBell(crm, await stack.enter_async_context(push_client(config, crm.secrets)))
    bell.open()
    stack.push_async_callback(bell.close)
    app = App(crm, journal, shared.inbox, notifier, shared.held, bell)
    if await _has_voice_agent(crm):
        app.context.load_mind()
    await stack.enter_async_context(app.client)
    loop, leaving = asyncio.get_running_loop(), asyncio.create_task(_leave(app, shared.stop))
    stack.callback(leaving.cancel)
    loop.add_signal_handler(signal.SIGUSR1, app.to_drain.set)
    loop.add_signal_handler(signal.SIGUSR2, app.client.yields.set)
    if shared.take_over:
        # As long as the other app answers, nobody waits for what this one does for the first time.
        with contextlib.suppress(Unavailable):
            await crm.store.read(welcome.rehearse, config, crm.now())
        processes.ask_to_yield(config)
    stack.push_async_callback(app.stop)
    live = await _live(shared, app)
    guard = Guard(crm, app.client.connected.is_set)
    stack.callback(guard.close)
    return [
        partial(signs.beat, app.context, lambda: app.plain_phones.troubles),
        app.client.run,
        live.run,
        partial(signs.renew, app.context, app.chore),
        shared.every(reconcile.LOOK_SECONDS, "calls", app.reconciler.look, app.reconciler.look_now),
        shared.keep(Orders(app.context, app.begin_order)),
        shared.every(emergencies.LOOK_SECONDS, "emergency calls", notifier.import_all, notifier.look_now),
        shared.every(PUBLISH_SECONDS, "holidays", partial(_load_holidays, crm)),
        partial(_republish, shared),
        *[shared.keep(lamps) for lamps in app.lamps],
        shared.keep(app.escalations),
        partial(app.queue_dispatcher.run, shared.troubles),
        app.lost_lines.run,
        shared.every(disk.LOOK_SECONDS, "reserve on the disk", partial(disk.look_after, config)),
        shared.every(disk.WARN_SECONDS, "room on the disk", lambda: disk.warn(crm)),
        shared.every(nodes.BEAT_SECONDS, "other nodes", Nodes(crm, journal).look),
        shared.every(LOOK_SECONDS, "passwords tried", guard.look),
        partial(RefusedCalls(crm, journal).run, shared.troubles),
        shared.every(warm_sentences.LOOK_SECONDS, "sentences of the voice agent", WarmSentences(app.context).look),
    ]


async def _has_voice_agent(crm: Crm) -> bool:
    """Whether a call may need what leads the voice agent's talks. What is turned on later has it loaded by the worker
    that renders its sentences."""
    try:
        return bool(await crm.store.read(voice_agent.answers, crm.config))
    except Unavailable:
        return True


async def _live(shared: Shared, app: App) -> LiveServer:
    """What the console is told of the calls, and what it can do with them."""
    acts = LiveActs(app.context)
    state = LiveState(app.context)
    server = LiveServer(
        shared.crm.config.ports.live, shared.crm.secrets.ensure(live_state.SECRET), state, acts, shared.troubles
    )
    state.on_stray = acts.end_stray
    shared.stack.callback(state.close)
    shared.stack.push_async_callback(acts.close)
    return server


async def _leave(app: App, stop: asyncio.Event) -> None:
    """Ends the app when another one has taken its place, or when it was told to drain and no calls are left."""
    await race(app.client.replaced.wait(), _drained(app))
    stop.set()


async def _drained(app: App) -> None:
    await app.to_drain.wait()
    try:
        await draining.drain(app.context)
    except Exception:  # A door: who stops Leaseline must not wait for ever.
        log.exception("calls could not be let end")


async def _load_holidays(crm: Crm) -> None:
    if await crm.store.read(hours.holiday_regions):
        # Calls also ask whether today is a holiday, and must not wait for this.
        await asyncio.to_thread(holidays.load)


async def _republish(shared: Shared) -> None:
    # Nothing to publish yet: Asterisk has only just been started.
    await asyncio.sleep(PUBLISH_SECONDS)
    await shared.every(PUBLISH_SECONDS, "Asterisk's last resort", partial(publish.publish, shared.crm))()
