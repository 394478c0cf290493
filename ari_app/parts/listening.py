"""Parts that serve a port."""

from __future__ import annotations

from functools import partial

from starlette.types import ASGIApp

from ari_app.parts.shared import Part, Shared
from crm.edge.own_certificate import OwnCertificate
from crm.web import app as server


def listener(shared: Shared, app: ASGIApp, name: str, certificate: OwnCertificate | None = None) -> Part:
    """Serves the port that [ports] gives `name`, on the socket of the process that this one replaces, if any."""
    part = partial(
        server.keep_serving, shared.crm.config, app, shared.troubles, name, certificate, shared.handed_sockets
    )
    shared.listeners.append(part)
    return part
