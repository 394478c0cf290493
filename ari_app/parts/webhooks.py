"""What the carriers post, and the tours that texts link to: texts wait for nothing but this."""

from __future__ import annotations

from functools import partial

from ari_app.parts.shared import Part, Shared
from crm.web import app as server
from crm.web.routes.texts import Webhooks


async def webhooks(shared: Shared) -> list[Part]:
    config, posted = shared.crm.config, Webhooks(shared.crm, shared.inbox)
    return [
        partial(server.keep_serving, config, server.build(posted), shared.troubles),
        partial(server.keep_serving, config, server.build_webhooks(posted), shared.troubles, "webhooks"),
    ]
