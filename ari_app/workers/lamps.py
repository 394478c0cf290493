"""Do not disturb on the colleagues' busy lamps: Asterisk knows who talks, and we tell it who is not to be rung."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import quote

from ari_app.edge.client import AriClient
from ari_app.edge.errors import PhoneError
from crm.context import Crm
from crm.domain.errors import CrmError
from crm.services.phones import extensions

LOOK_SECONDS = 2.0
"""Nothing tells when a DND is set elsewhere or ends by itself."""

log = logging.getLogger(__name__)


async def keep(crm: Crm, client: AriClient) -> None:
    """Keeps each extension's DND state (`Stasis:dnd-<extension>`, see the context lamps) as the database has it."""
    told: dict[str, bool] = {}
    connection = 0
    while True:
        await client.connected.wait()
        if client.connections != connection:
            # Perhaps another Asterisk.
            told, connection = {}, client.connections
        try:
            for extension, dnd in (await crm.store.read(extensions.with_dnd, crm.now())).items():
                if told.get(extension) != dnd:
                    # INVALID counts least beside the phones' own states, so that an idle lamp is theirs.
                    state = "BUSY" if dnd else "INVALID"
                    await client.put(f"/deviceStates/{quote(f'Stasis:dnd-{extension}', safe='')}", deviceState=state)
                    told[extension] = dnd
        except (PhoneError, CrmError) as error:
            log.warning("busy lamps are not renewed: %s", error)
        await asyncio.sleep(LOOK_SECONDS)
