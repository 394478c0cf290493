"""The public site, on a listener of its own, so that crowds of visitors do not keep the carriers' webhooks away."""

from __future__ import annotations

from functools import partial

from ari_app.parts.shared import Part, Shared
from crm.web import app as server
from crm.web.site.app import build


async def site(shared: Shared) -> list[Part]:
    return [
        partial(
            server.keep_serving,
            shared.crm.config,
            build(shared.crm),
            shared.troubles,
            "site",
            page_sockets=shared.page_sockets,
        )
    ]
