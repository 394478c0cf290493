"""The real web application on a real database (SQLite), with the carriers' documented signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from crm.config import Config, Survival, Texts, Web
from crm.context import Crm
from crm.edge import twilio
from crm.secrets import Secrets
from crm.services.texts.inbox import Inbox
from crm.store import migrate
from crm.store.models import Line
from crm.store.session import Store
from crm.web.app import build
from crm.web.routes.texts import Webhooks
from tests.web.api import Office, running_api
from tests.web.visitors import Visitor, visiting

PUBLIC = "https://phone.example.com"
TOKEN = "a-token-of-twilio"
MAPLE, PERSON = "+15125550100", "+15125550177"


@dataclass
class Site:
    """The application, and the carriers that call it."""

    webhooks: Webhooks
    key: Ed25519PrivateKey
    http: httpx.AsyncClient
    now: datetime = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)

    async def twilio(self, path: str = "/texts/twilio", *, signature: str | None = None, **form: str) -> httpx.Response:
        signed = twilio.signature(TOKEN, PUBLIC + path, list(form.items()))
        return await self.http.post(
            path,
            content=urlencode(form),
            headers={
                "X-Twilio-Signature": signed if signature is None else signature,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )

    async def telnyx(
        self, event: object, *, path: str = "/texts/telnyx", at: int | None = None, signature: str | None = None
    ) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        timestamp = str(int(self.now.timestamp()) if at is None else at)
        signed = base64.b64encode(self.key.sign(timestamp.encode() + b"|" + body)).decode()
        return await self.http.post(
            path,
            content=body,
            headers={
                "telnyx-timestamp": timestamp,
                "telnyx-signature-ed25519": signed if signature is None else signature,
            },
        )

    async def rows(self, of: type) -> list:
        with self.webhooks.crm.store.reading() as session:
            return list(session.scalars(select(of).order_by(of.id)).all())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "migrated.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def site(tmp_path: Path, migrated: Path) -> AsyncIterator[Site]:
    key = Ed25519PrivateKey.generate()
    public_key = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    config = Config(
        tmp_path / "home",
        web=Web(public_url=PUBLIC),
        texts=Texts(carrier="twilio", telnyx_public_key=public_key),
        # However busy the machine, what comes in waits on disk only where a test has it so.
        survival=Survival(store_seconds=60.0),
    )
    for folder in config.folders:
        folder.mkdir(parents=True)
    (config.home / "leaseline.db").write_bytes(migrated.read_bytes())
    store, secrets = Store(config.database_url), Secrets(config.secrets_file)
    secrets.put("texts/twilio", TOKEN)
    with store.writing() as session:
        session.add(Line(number=MAPLE, label="Maple"))

    def clock() -> datetime:
        return found.now

    crm = Crm(config, store, secrets, clock)
    webhooks = Webhooks(crm, Inbox(crm))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(webhooks)), base_url="http://127.0.0.1") as http:
        found = Site(webhooks, key, http)
        yield found
    store.close()


@pytest.fixture
async def office(tmp_path: Path, migrated: Path) -> AsyncIterator[Office]:
    async with running_api(tmp_path, migrated) as found:
        yield found


@pytest.fixture
async def visitor(tmp_path: Path, migrated: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path, migrated) as found:
        yield found
