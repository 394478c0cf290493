"""The web server's listeners."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from ari_app.parts.shared import Part, Shared
from crm.edge import own_certificate
from crm.web import app as server
from crm.web.console.app import build as build_console
from crm.web.console.app import looks_of
from crm.web.console.board import Board
from crm.web.routes.texts import Webhooks
from crm.web.site.app import build as build_site

log = logging.getLogger(__name__)


def webhooks(shared: Shared) -> list[Part]:
    """What the carriers post, and the tours that texts link to: texts wait for nothing but this."""
    config, posted = shared.crm.config, Webhooks(shared.crm, shared.inbox)
    return [
        partial(server.keep_serving, config, server.build(posted), shared.troubles),
        partial(server.keep_serving, config, server.build_webhooks(posted), shared.troubles, "webhooks"),
    ]


def site(shared: Shared) -> list[Part]:
    """The public site, on a listener of its own, so that crowds of visitors do not keep the carriers' webhooks away."""
    return [partial(server.keep_serving, shared.crm.config, build_site(shared.crm), shared.troubles, "site")]


def console(shared: Shared) -> list[Part]:
    """The pages and the phone with which people in the office work."""
    crm = shared.crm
    if refusal := crm.config.console.refusal:
        log.error("the console is not served", extra={"reason": refusal})
        return [partial(_refuse, shared, refusal)]
    board = Board(crm, looks_of(crm))
    certificate = own_certificate.OwnCertificate(crm.config) if crm.config.console.has_certificate else None
    parts: list[Part] = [
        partial(server.keep_serving, crm.config, build_console(crm, board), shared.troubles, "console", certificate),
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
