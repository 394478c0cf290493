"""Texts in and out, and the workers that send some by themselves."""

from __future__ import annotations

from datetime import datetime

from ari_app.parts.shared import Part, Shared
from crm.edge import http_carrier
from crm.edge.sip_message import SipCarriers
from crm.services import follow_ups, lost_callers, tasks
from crm.services.outbox import carriers
from crm.services.outbox.delivery import Outbox
from crm.services.outbox.texts import TextTransport
from crm.services.texts import inbox
from crm.worker import when_changed


async def texts(shared: Shared) -> list[Part]:
    crm, config = shared.crm, shared.crm.config
    sip = SipCarriers()
    shared.stack.callback(sip.close)
    carrier_for = carriers.over_sip(config, crm.secrets, sip)
    if config.texts.carrier != "sip":
        http = await shared.stack.enter_async_context(http_carrier.client())
        carrier_for = carriers.over_http(config, crm.secrets, http)

    async def follow_up() -> datetime | None:
        if shared.held():
            return None
        await follow_ups.tick(crm)
        return await crm.store.read(follow_ups.next_look)

    async def pass_on() -> datetime | None:
        due = await crm.store.read(tasks.next_tick, config)
        if due and due <= crm.now():
            await crm.store.run(tasks.tick, config, crm.now())
            due = await crm.store.read(tasks.next_tick, config)
        return due

    return [
        shared.keep(Outbox(crm, TextTransport(config, carrier_for), shared.held)),
        shared.every(inbox.LOOK_SECONDS, "incoming texts", shared.inbox.import_all, shared.inbox.look_now),
        shared.every(
            follow_ups.TICK_SECONDS,
            "follow-ups",
            when_changed(crm, follow_up, also=lambda: (shared.held(), follow_ups.files_as_written(config))),
        ),
        shared.every(tasks.TICK_SECONDS, "overdue tasks", when_changed(crm, pass_on)),
        shared.every(
            tasks.REMIND_SECONDS, "overdue follow-ups", lambda: crm.store.run(tasks.remind, config, crm.now())
        ),
        shared.every(lost_callers.LOOK_SECONDS, "lost callers", lambda: lost_callers.look(crm)),
    ]
