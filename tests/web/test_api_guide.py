"""docs/guide/api.md: its requests are sent, and its way to recognize a delivery is tried."""

from __future__ import annotations

import re
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from crm.domain import webhooks
from crm.domain.access import Scope
from crm.domain.tours import TourKind
from crm.domain.webhooks import WebhookEvent
from crm.services.audit import By
from crm.services.tours import times
from crm.services.webhooks import subscriptions
from tests.web.api import NOW, Office

pytestmark = pytest.mark.web

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def requests() -> list[list[str]]:
    """The words of each curl command."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


async def test_every_request_of_the_guide_does_what_it_says(office: Office) -> None:
    with office.crm.store.writing() as session:
        times.set_hours(session, By("dana", NOW), "elm", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    scopes = re.findall(r"--scope (\S+)", GUIDE)[0]
    known = {"$KEY": office.key("website", scopes, property_slugs=["elm"]).key, "$ETAG": ""}
    sent = 0
    for words in requests():
        method, url, body, headers = "", "", None, {}
        rest = iter(words[1:])
        for word in rest:
            if word == "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = re.sub(r"\$\w+", lambda found: known[found[0]], value)
            elif word == "-d":
                body = next(rest)
            elif word == "-X":
                method = next(rest)
            else:
                url = word
        if "If-Match" in headers:
            shown = await send(office, "GET", url, {"Authorization": headers["Authorization"]}, None)
            headers["If-Match"] = shown.headers["ETag"]
        answer = await send(office, method or ("POST" if body else "GET"), url, headers, body)
        assert answer.status_code in (200, 201), (words, answer.text)
        sent += 1
    assert sent >= 9


async def send(office: Office, method: str, url: str, headers: dict[str, str], body: str | None) -> httpx.Response:
    path = url.removeprefix("http://127.0.0.1:8093")
    assert path != url
    return await office.http.request(method, path, headers=headers, content=body)


def test_a_delivery_is_recognized_as_the_guide_says() -> None:
    found: dict[str, object] = {}
    [code] = blocks("python")
    exec(code, found)
    verify = found["verify"]
    assert callable(verify)
    secret, body = webhooks.new_secret(), b'{"type": "lead.created"}'
    headers = subscriptions.headers_of(secret, "msg_1", datetime.now(UTC), body)
    assert verify(secret, headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(webhooks.new_secret(), headers, body)
    assert not verify(secret, {**headers, "webhook-id": "msg_2"}, body)
    late = subscriptions.headers_of(secret, "msg_1", datetime.fromtimestamp(time.time() - 400, UTC), body)
    assert not verify(secret, late, body)


def test_the_guide_names_every_scope_and_every_event() -> None:
    for word in (*Scope, *WebhookEvent):
        assert f"`{word}`" in GUIDE
