"""What a browser needs to use a TURN server, through which its sound goes where the network lets nothing else through.

The user name says until when it is good, and the password is made of both with a secret that only we and the server
have: "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00), which coturn follows with
`use-auth-secret`. So a page never has a password that lasts, and the server needs no list of people.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import msgspec


class IceServer(msgspec.Struct, frozen=True, omit_defaults=True):
    """As RTCPeerConnection wants it (RTCIceServer)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


def relays(urls: Sequence[str]) -> tuple[str, ...]:
    """Those of them that are TURN servers."""
    return tuple(url for url in urls if url.startswith("turn"))


def credential(secret: str, username: str) -> str:
    """The password of a user name: HMAC-SHA-1 of it, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def servers(urls: Sequence[str], secret: str, name: str, until: datetime) -> list[IceServer]:
    """The servers at these addresses, with a password for TURN that is good until then. `name` is what the TURN server
    writes into its log."""
    turn = relays(urls)
    stun = tuple(url for url in urls if url not in turn)
    found = [IceServer(stun)] if stun else []
    if turn:
        username = f"{int(until.timestamp())}:{name}"
        found.append(IceServer(turn, username, credential(secret, username)))
    return found
