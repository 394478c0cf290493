"""Web Push: short messages to browsers that are closed, through the services of their makers (RFC 8030).

A message is encrypted for one browser (RFC 8291), so that the service between cannot read it, and signed with the
office's own key (RFC 8292), by which the service knows that it comes from whom the browser asked. The address to send
to comes from the browser, which may be anybody's: only hosts of known services are sent to, at public addresses.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from crm.edge.delivery import DeliveryError
from crm.edge.networks import Allowed
from crm.edge.push_target import PushTarget
from crm.edge.webhooks import WebhookClient, WebhookError

RECORD_SIZE = 4096
SIGNED_SECONDS = 12 * 3600
"""For how long a signature is good; services refuse those for more than a day."""
GONE = frozenset({404, 410})
_CURVE = ec.SECP256R1()
# The number of points on the curve (FIPS 186, P-256): a private key is a number from 1 to this, less one.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class PushError(DeliveryError):
    """The message was not taken."""

    def __init__(self, message: str, *, is_gone: bool = False, retryable: bool = True) -> None:
        super().__init__(message, retryable=retryable and not is_gone)
        self.is_gone = is_gone
        """Whether the browser is no longer there: it was uninstalled, or nobody wants its messages any more."""


class OfficeKey:
    """The key that signs messages, made of a secret of the office."""

    def __init__(self, secret: str) -> None:
        number = int.from_bytes(hashlib.sha512(b"web push:" + secret.encode()).digest())
        self._private = ec.derive_private_key(number % (_ORDER - 1) + 1, _CURVE)

    @property
    def public(self) -> str:
        """As a browser wants it when it subscribes: in base64url."""
        return encoded(_point(self._private.public_key()))

    def authorization(self, endpoint: str, contact: str, now: float) -> str:
        """The value of the header for a service. `contact` is where its people find us, `mailto:` or `https:`."""
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now) + SIGNED_SECONDS, "sub": contact}
        head = {"typ": "JWT", "alg": "ES256"}
        text = ".".join(encoded(json.dumps(one, separators=(",", ":")).encode()) for one in (head, claims))
        signed = self._private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signed)
        return f"vapid t={text}.{encoded(r.to_bytes(32) + s.to_bytes(32))}, k={self.public}"


def problem(target: PushTarget, hosts: Iterable[str]) -> str:
    """Why nothing can be sent to this browser, as the end of a sentence; empty: it can. Of `hosts`, one that begins
    with `*.` stands for all below it."""
    try:
        parts = urlsplit(target.endpoint)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "its address is none"
    if not any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts):
        return "its service is not in console.push_hosts"
    try:
        _public(target.public_key)
        if len(decoded(target.auth)) != 16:
            return "its secret is none"
    except ValueError:
        return "its key is none"
    return ""


def encrypt(
    text: bytes, target: PushTarget, *, salt: bytes = b"", own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a request (RFC 8188, aes128gcm, one record). `salt` and `own` are new ones unless given."""
    salt, own = salt or os.urandom(16), own or ec.generate_private_key(_CURVE)
    theirs, sender = decoded(target.public_key), _point(own.public_key())
    shared = own.exchange(ec.ECDH(), _public(target.public_key))
    info = b"WebPush: info\0" + theirs + sender
    material = HKDF(hashes.SHA256(), 32, decoded(target.auth), info).derive(shared)
    extracted = HKDF.extract(hashes.SHA256(), salt, material)
    key = HKDFExpand(hashes.SHA256(), 16, b"Content-Encoding: aes128gcm\0").derive(extracted)
    nonce = HKDFExpand(hashes.SHA256(), 12, b"Content-Encoding: nonce\0").derive(extracted)
    # The byte behind the text says that this is the last record.
    sealed = AESGCM(key).encrypt(nonce, text + b"\2", None)
    return salt + RECORD_SIZE.to_bytes(4) + bytes([len(sender)]) + sender + sealed


class PushClient:
    """Sends messages over kept-alive connections. An async context manager."""

    def __init__(
        self,
        key: OfficeKey,
        contact: str,
        hosts: Iterable[str],
        allowed: Allowed,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._key, self._contact, self._hosts = key, contact, tuple(hosts)
        self._client = WebhookClient(allowed, tls)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(
        self, target: PushTarget, text: bytes, now: float, *, seconds: int, is_urgent: bool, topic: str = ""
    ) -> None:
        """`seconds`: how long the service keeps it for a browser that is away. A later message with the same `topic`
        (letters, digits, - and _, up to 32) takes the place of one that is still kept. Raises PushError."""
        if found := problem(target, self._hosts):
            raise PushError(f"Nothing is sent to this browser: {found}.", retryable=False)
        headers = {
            "TTL": str(seconds),
            "Urgency": "high" if is_urgent else "normal",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": self._key.authorization(target.endpoint, self._contact, now),
            **({"Topic": topic} if topic else {}),
        }
        try:
            await self._client.post(target.endpoint, encrypt(text, target), headers)
        except WebhookError as error:
            is_lasting = error.status is not None and 400 <= error.status < 500 and error.status not in (408, 429)
            raise PushError(str(error), is_gone=error.status in GONE, retryable=not is_lasting) from error


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _public(text: str) -> ec.EllipticCurvePublicKey:
    """Raises ValueError for what is no point on the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, decoded(text))
