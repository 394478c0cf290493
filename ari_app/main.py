"""`leaseline serve`: builds the app with its parts, starts it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any

from agi import extension as extension_script
from agi import feature_code
from agi.server import AgiServer
from ari_app import draining, signs
from ari_app import log as log_to
from ari_app.app import App, now
from ari_app.workers import lamps
from ari_app.workers.refused_calls import RefusedCalls
from crm.config import Config
from crm.domain.calls import Fact, MessageLeft
from crm.domain.errors import CrmError, Unavailable
from crm.edge import holidays, http_carrier, processes
from crm.edge.mail import Mailer
from crm.edge.sip_message import SipCarriers
from crm.secrets import Secrets
from crm.services import follow_ups, reports, tasks
from crm.services.calls import ledger
from crm.services.calls.journal import Journal
from crm.services.office import hours
from crm.services.outbox import carriers, delivery, mails, texts
from crm.services.phones import guard, publish
from crm.services.phones.emergencies import Desk
from crm.services.system import copies, disk
from crm.services.texts.inbox import Inbox
from crm.services.voicemail import retention, transcripts
from crm.store import revision
from crm.store.session import Store
from crm.web import app as web
from crm.web.routes.texts import Webhooks

log = logging.getLogger(__name__)

PARTS = ("calls", "agi", "texts", "mail", "web")
"""What `serve --only` can run alone."""
PART_SECONDS = 1.0
"""Pause before a part that failed is begun again."""
SCHEMA_SECONDS = 2.0
"""How often a database that cannot be used is looked at again."""
NOT_LOOKED_AT = "The database has not answered since the app was started: look after its server, or the disk."
PUBLISH_SECONDS = 3600.0
"""Opening hours are rendered ahead for the time without the app; once an hour is enough to keep them fresh."""


async def serve(config: Config, only: Collection[str] = (), *, take_over: bool = False) -> None:
    """Runs the app until SIGTERM or SIGINT, which leave the calls to the app that comes next; or after SIGUSR1 until
    there are none any more. `only` names some of PARTS; empty runs all of them. `take_over`: an app that runs ends when
    this one has its place.

    Whatever is wrong with disk, journal or database, it runs: calls that need an answer go to the last resort.
    """
    log_to.to_file(config.log_folder / "app.log")
    parts = set(only or PARTS)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    async with _running(config, parts, stop, take_over=take_over):
        await stop.wait()


Part = Callable[[], Coroutine[Any, Any, None]]


async def _keep(part: Part) -> None:
    """A part that fails is begun again, and takes nothing else with it, least of all the calls."""
    while True:
        try:
            await part()
        except (CrmError, OSError) as error:
            log.error("a part of the app is begun again", extra={"error": str(error)})
        except Exception:
            log.exception("a part of the app is begun again")
        await asyncio.sleep(PART_SECONDS)


@contextlib.asynccontextmanager
async def _running(config: Config, parts: set[str], stop: asyncio.Event, *, take_over: bool) -> AsyncIterator[None]:
    secrets = Secrets(config.secrets_file)
    store = Store(config.database_url)
    store.refusal = NOT_LOOKED_AT
    texts_due, mails_due, to_transcribe = asyncio.Event(), asyncio.Event(), asyncio.Event()
    on_message: list[Callable[[], None]] = [to_transcribe.set]

    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, now())
        texts_due.set()
        mails_due.set()
        if any(isinstance(fact, MessageLeft) for fact in facts):
            for tell in on_message:
                tell()

    def on_texts() -> None:
        texts_due.set()
        mails_due.set()

    async with contextlib.AsyncExitStack() as stack:
        stack.callback(store.close)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SCHEMA_SECONDS):
                await _look_at_schema(store)
        work: list[Part] = [partial(_watch_schema, store)]
        held = copies.Watch(config).is_held
        inbox = Inbox(store, config, now, on_texts)
        if "calls" in parts:
            journal = await stack.enter_async_context(Journal(config.journal_folder, apply, takes_over=take_over))
            desk = Desk(store, config, now, on_texts)
            app = App(config, store, journal, secrets, inbox, desk, held)
            await stack.enter_async_context(app.client)
            loop, leaving = asyncio.get_running_loop(), asyncio.create_task(_leave(app, stop))
            stack.callback(leaving.cancel)
            loop.add_signal_handler(signal.SIGUSR1, app.to_drain.set)
            loop.add_signal_handler(signal.SIGUSR2, app.client.yields.set)
            if take_over:
                processes.ask_to_yield(config)
            stack.push_async_callback(app.stop)
            work.append(partial(signs.beat, app.office, lambda: app.plain_phones.troubles))
            work += [app.client.run, partial(signs.renew, app.office, app.chore)]
            work += [app.reconciler.watch, app.place_orders, desk.run]
            work += [partial(_republish, config, store, secrets), partial(lamps.keep, app.client, store, now)]
            work += [app.lamps.run, app.escalations.run, app.turns.run, app.lost_lines.run]
            work += [partial(disk.keep, config), partial(disk.run, store, config, on_texts, now)]
            work.append(partial(guard.run, store, config, secrets, now))
            work.append(RefusedCalls(config, store, journal, secrets.ensure("hep"), now).run)
            on_message.append(app.on_messages)
        if "texts" in parts:
            sip = SipCarriers()
            stack.callback(sip.close)
            carrier_for = texts.over_sip(config, secrets, sip)
            if config.texts.carrier != "sip":
                http = await stack.enter_async_context(http_carrier.client())
                carrier_for = carriers.over_http(config, secrets, http)
            wake = texts_due.set
            work += [partial(_send_texts, store, config, carrier_for, texts_due, held), inbox.run]
            work.append(partial(follow_ups.run, store, config, wake, now, held))
            work += [partial(tasks.run, store, config, wake, now), partial(reports.run, store, config, wake, now)]
        if "mail" in parts:
            mailer = Mailer(mails.server_of(config, secrets))
            stack.push_async_callback(mailer.close)
            attach = transcripts.attachments(store, config)
            work += [
                partial(mails.run, store, config, mailer, attach, mails_due, now, held),
                partial(transcripts.run, store, config, to_transcribe, mails_due.set, now),
                partial(retention.run, store, config, now),
            ]
        if "agi" in parts:
            scripts = {
                "extension": extension_script.script(store),
                "feature_code": feature_code.script(config, store, secrets),
            }
            work.append(AgiServer(config.ports.agi, secrets.ensure("agi"), scripts).run)
        if "web" in parts:
            webhooks = Webhooks(config, store, secrets, inbox, now)
            work.append(partial(web.keep_serving, config, web.build(webhooks)))
            work.append(partial(web.keep_serving, config, web.build_webhooks(webhooks), "webhooks"))
        running = [asyncio.create_task(_keep(part)) for part in work]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _leave(app: App, stop: asyncio.Event) -> None:
    """Ends the app when another one has its place, or when it was told to drain and nobody is on the line any more."""
    replaced = asyncio.create_task(app.client.replaced.wait())
    drained = asyncio.create_task(_drained(app))
    try:
        await asyncio.wait([replaced, drained], return_when=asyncio.FIRST_COMPLETED)
    finally:
        replaced.cancel()
        drained.cancel()
    stop.set()


async def _drained(app: App) -> None:
    await app.to_drain.wait()
    try:
        await draining.drain(app.office)
    except Exception:  # A door: who stops Leaseline must not wait for ever.
        log.exception("calls could not be let end")


async def _look_at_schema(store: Store) -> None:
    """Nothing is written into tables of another version: a fact that they refuse would be put aside for good."""
    try:
        store.refusal = revision.problem(await asyncio.to_thread(store.revision))
    except Unavailable as error:
        store.refusal = str(error)


async def _watch_schema(store: Store) -> None:
    while store.refusal:
        await _look_at_schema(store)
        await asyncio.sleep(SCHEMA_SECONDS)
    await asyncio.Event().wait()


async def _send_texts(
    store: Store, config: Config, carrier_for: texts.CarrierFor, texts_due: asyncio.Event, held: Callable[[], bool]
) -> None:
    # Right after a start there are calls to take up. What follows keeps the processor busy for a moment.
    while not await texts.has_work(store):
        texts_due.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delivery.POLL_SECONDS):
                await texts_due.wait()
    await texts.run(store, config, carrier_for, texts_due, now, held)


async def _republish(config: Config, store: Store, secrets: Secrets) -> None:
    while True:
        try:
            if await store.read(hours.holiday_regions):
                # Calls, too, ask whether today is a holiday, and must not wait for it.
                await asyncio.to_thread(holidays.load)
        except CrmError as error:
            log.warning("holidays are loaded later: %s", error)
        await asyncio.sleep(PUBLISH_SECONDS)
        try:
            await publish.publish(config, store, secrets, now())
        except CrmError as error:
            log.warning("Asterisk's last resort is not renewed: %s", error)
