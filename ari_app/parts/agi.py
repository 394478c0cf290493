"""What the dialplan asks."""

from __future__ import annotations

from agi import extension, feature_code
from agi.server import AgiServer
from ari_app.parts.shared import Part, Shared


def agi(shared: Shared) -> list[Part]:
    config, store, secrets = shared.config, shared.store, shared.secrets
    scripts = {"extension": extension.script(store), "feature_code": feature_code.script(config, store, secrets)}
    return [AgiServer(config.ports.agi, secrets.ensure("agi"), scripts).run]
