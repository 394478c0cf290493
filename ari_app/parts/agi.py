"""The FastAGI server, which the dialplan asks."""

from __future__ import annotations

from agi import extension, feature_code
from agi.server import AgiServer
from ari_app.parts.shared import Part, Shared


async def agi(shared: Shared) -> list[Part]:
    crm = shared.crm
    scripts = {"extension": extension.script(crm), "feature_code": feature_code.script(crm)}
    return [AgiServer(crm.config.ports.agi, crm.secrets.ensure("agi"), scripts).run]
