"""The web server's listeners."""

from __future__ import annotations

from functools import partial

from ari_app.parts.shared import Part, Shared
from crm.web import app as server
from crm.web.routes.texts import Webhooks
from crm.web.site.app import build as build_site


def web(shared: Shared) -> list[Part]:
    config, webhooks = shared.crm.config, Webhooks(shared.crm, shared.inbox)
    return [
        partial(server.keep_serving, config, server.build(webhooks), shared.troubles),
        partial(server.keep_serving, config, server.build_webhooks(webhooks), shared.troubles, "webhooks"),
    ]


def site(shared: Shared) -> list[Part]:
    """The public site, on a listener of its own, so that crowds of visitors do not keep the carriers' webhooks away."""
    return [partial(server.keep_serving, shared.crm.config, build_site(shared.crm), shared.troubles, "site")]
