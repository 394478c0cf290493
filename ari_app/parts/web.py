"""The web server's two listeners."""

from __future__ import annotations

from functools import partial

from ari_app.parts.shared import Part, Shared
from crm.web import app as server
from crm.web.routes.texts import Webhooks


def web(shared: Shared) -> list[Part]:
    config, webhooks = shared.crm.config, Webhooks(shared.crm, shared.inbox)
    return [
        partial(server.keep_serving, config, server.build(webhooks), shared.troubles),
        partial(server.keep_serving, config, server.build_webhooks(webhooks), shared.troubles, "webhooks"),
    ]
