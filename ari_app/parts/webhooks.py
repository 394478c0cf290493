"""What the carriers post, and the tours that texts link to: texts wait for nothing but this."""

from __future__ import annotations

from ari_app.parts.listening import listener
from ari_app.parts.shared import Part, Shared
from crm.web import app as server
from crm.web.routes.texts import Webhooks


async def webhooks(shared: Shared) -> list[Part]:
    posted = Webhooks(shared.crm, shared.inbox)
    return [
        listener(shared, server.build(posted), "web"),
        listener(shared, server.build_webhooks(posted), "webhooks"),
    ]
