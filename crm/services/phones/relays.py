"""STUN and TURN servers for phones in browsers: what a page is told of them, and the secret of a TURN server."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Invalid
from crm.edge import turn
from crm.edge.turn import IceServer
from crm.secrets import Secrets, unusable
from crm.services import audit
from crm.services.audit import By

SECRET = "turn"
"""Name of the entry in the secrets file."""
GOOD_FOR = timedelta(hours=12)
"""A page asks for another password when half of this has passed; a relay that is used is renewed with the one it began
with (RFC 8656, 7), so no talk may be longer."""
_REALM = re.compile(r"[A-Za-z0-9.-]{1,100}", re.ASCII)


def of_page(config: Config, secrets: Secrets, device: str, now: datetime) -> list[IceServer]:
    """What the page that is this device uses. Reads a file, if there is a TURN server. Raises SecretError."""
    urls = config.console.ice_servers
    secret = secrets.ensure(SECRET) if turn.relays(urls) else ""
    return turn.servers(urls, secret, device, now + GOOD_FOR)


def put_secret(session: Session, secrets: Secrets, by: By, value: str) -> None:
    """Stores the secret of a TURN server. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This secret cannot be used: {problem}.", code="secret_unusable")
    audit.record(session, by, "secret of the TURN server set")
    secrets.put(SECRET, value)


def coturn_config(config: Config, secrets: Secrets, realm: str) -> str:
    """A turnserver.conf with the secret. Raises Invalid."""
    if not _REALM.fullmatch(realm):
        raise Invalid("Write the realm as a domain, such as example.com.", code="turn_realm")
    ports = config.ports
    return f"""\
# coturn: for phones in browsers. This file has a secret: chmod 600, and let coturn's user own it.
realm={realm}
listening-port=3478
fingerprint
use-auth-secret
static-auth-secret={secrets.ensure(SECRET)}
no-cli
no-multicast-peers
# It passes sound on to this office's Asterisk alone, UDP {ports.rtp_first} to {ports.rtp_last}: put its address here.
denied-peer-ip=0.0.0.0-255.255.255.255
denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
allowed-peer-ip={config.sip.public_address or "ASTERISK-ADDRESS"}
user-quota=12
total-quota=1200
# With a certificate, also turns: on 5349.
# cert=/etc/turn/cert.pem
# pkey=/etc/turn/key.pem
"""
