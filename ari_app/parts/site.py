"""The public site, on a listener of its own, so that crowds of visitors do not keep the carriers' webhooks away."""

from __future__ import annotations

from ari_app.parts.listening import listener
from ari_app.parts.shared import Part, Shared
from crm.web.site.app import build


async def site(shared: Shared) -> list[Part]:
    return [listener(shared, build(shared.crm), "site")]
