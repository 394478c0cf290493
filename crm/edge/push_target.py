"""Browsers that messages can be pushed to, as they have told us; what is sent there is in `web_push`."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 3000
"""Bytes of a message before it is encrypted; services take 4,096 of what comes out."""


@dataclass(frozen=True)
class PushTarget:
    """A browser that takes messages, as it has told us."""

    endpoint: str
    """Where to send to."""
    public_key: str
    """Of the browser: a point on P-256, uncompressed, in base64url."""
    auth: str
    """A secret of 16 bytes, in base64url."""
