"""`leaseline api key` and `leaseline webhook`."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_a_key_is_shown_once_listed_without_it_and_revoked(leaseline: Leaseline) -> None:
    leaseline.ok("subteam", "add", "north", "--name", "North")
    leaseline.ok("property", "add", "elm", "--name", "Elm Street", "--subteam", "north")
    made = leaseline.ok("api", "key", "add", "site", "--scope", "leads:read,leads:write", "--property", "elm").strip()
    assert re.fullmatch(r"llk_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", made)
    leaseline.ok("api", "key", "add", "reports", "--scope", "calls:read", "--expires", "90d")
    assert made not in leaseline.ok("api", "key", "list", "--json")
    reports, site = leaseline.json("api", "key", "list")
    assert (site["name"], site["scopes"], site["properties"]) == ("site", ["leads:read", "leads:write"], ["elm"])
    assert (site["begins"], site["whole_office"], site["used_at"]) == (made[:12], False, None)
    assert (reports["whole_office"], reports["expires_at"] is not None) == (True, True)
    leaseline.ok("api", "key", "revoke", "site")
    assert [one["name"] for one in leaseline.json("api", "key", "list")] == ["reports"]
    assert [one["state"] for one in leaseline.json("api", "key", "list", "--all")] == ["active", "revoked"]
    assert "already" in leaseline.refused("api", "key", "revoke", "site")
    assert "another name" in leaseline.refused("api", "key", "add", "site", "--scope", "leads:read")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("site", "--scope", "everything"), "is not a scope"),
        (("site", "--scope", ","), "can do nothing"),
        (("The Site", "--scope", "leads:read"), "short name"),
        (("site", "--scope", "leads:read", "--property", "elm"), "no property elm"),
        (("site", "--scope", "leads:read", "--subteam", "north"), "no subteam north"),
        (("site", "--scope", "leads:read", "--expires", "2020-01-01"), "in the future"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(leaseline: Leaseline, arguments: tuple[str, ...], said: str) -> None:
    assert said in leaseline.refused("api", "key", "add", *arguments)


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_added_tried_and_removed(leaseline: Leaseline) -> None:
    toml = leaseline.home / "leaseline.toml"
    toml.write_text(f'{toml.read_text()}\n[api]\nwebhook_networks = ["127.0.0.0/8"]\n')
    with receiver(204) as (url, got):
        secret = leaseline.ok("webhook", "add", url, "--events", "lead.created,call.ended").strip()
        assert secret.startswith("whsec_")
        [entry] = leaseline.json("webhook", "list")
        assert (entry["id"], entry["url"], entry["state"]) == (1, url, "active")
        assert entry["events"] == ["lead.created", "call.ended"]
        assert "accepted the event (204)" in leaseline.ok("webhook", "test", "1")
    [(headers, body)] = got
    assert json.loads(body)["type"] == "webhook.test"
    assert headers["webhook-signature"].startswith("v1,")
    with receiver(500) as (url, _):
        leaseline.ok("webhook", "add", url, "--events", "lead.created")
        failed = leaseline("webhook", "test", "2")
        assert (failed.exit_code, failed.stderr) == (1, "Error: The event was not accepted. It answered 500.\n")
    assert leaseline.json("webhook", "deliveries") == []
    assert "0 deliveries" in leaseline.ok("webhook", "replay", "1", "--failed")
    leaseline.ok("webhook", "remove", "1")
    assert "no webhook 1" in leaseline.refused("webhook", "remove", "1")
    assert [one["id"] for one in leaseline.json("webhook", "list")] == [2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("https://127.0.0.1/", "--events", "lead.created"), "not in a public network"),
        (("http://example.com/", "--events", "lead.created"), "has to begin with https://"),
        (("hooks", "--events", "lead.created"), "not a web address"),
        (("https://example.com/", "--events", "everything"), "is not an event"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(leaseline: Leaseline, arguments: tuple[str, ...], said: str) -> None:
    assert said in leaseline.refused("webhook", "add", *arguments)


def test_status_and_doctor_name_a_receiver_that_takes_nothing(leaseline: Leaseline) -> None:
    leaseline.ok("webhook", "add", "https://example.com/hooks", "--events", "lead.created")
    with closing(sqlite3.connect(leaseline.home / "leaseline.db")) as database, database:
        database.execute("UPDATE webhook SET failing_since = '2026-01-01 00:00:00'")
    text = "Webhook 1 to example.com has accepted nothing since 2025-12-31 18:00."
    assert text in leaseline("doctor").output
    assert text in leaseline("status").output
