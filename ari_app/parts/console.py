"""The pages and the phone with which people in the office work."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from ari_app.parts.listening import listener
from ari_app.parts.shared import Part, Shared
from crm.edge import own_certificate
from crm.web.console.app import build, looks_of
from crm.web.console.board import Board

log = logging.getLogger(__name__)


async def console(shared: Shared) -> list[Part]:
    crm = shared.crm
    if refusal := crm.config.console.refusal:
        log.error("the console is not served", extra={"reason": refusal})
        return [partial(_refuse, shared, refusal)]
    board = Board(crm, looks_of(crm))
    certificate = own_certificate.OwnCertificate(crm.config) if crm.config.console.has_certificate else None
    parts: list[Part] = [
        listener(shared, build(crm, board), "console", certificate),
        board.run,
    ]
    if certificate:

        async def look() -> None:
            if certificate.look():
                log.info("the console's certificate was read")

        parts.append(shared.every(own_certificate.LOOK_SECONDS, "certificate of the console", look))
    return parts


async def _refuse(shared: Shared, why: str) -> None:
    shared.troubles.failed("listener console", OSError(why))
    await asyncio.Event().wait()
