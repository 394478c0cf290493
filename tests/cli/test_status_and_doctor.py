"""status and doctor, with a stand-in for Asterisk's HTTP server and a sign of life as the app writes it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from asterisk_conf.prompts import speech
from crm import config as settings
from crm.domain.calls import CallArrived, CallbackQueued, CallEnded, CallStep, EndedBy, Fact, Queued, StepTaken
from crm.services.access import accounts, passwords
from crm.services.calls import ledger
from crm.services.system import workers
from crm.store import revision
from crm.store.models import Call
from crm.store.session import Store
from crm.worker import Troubles
from tests.cli.conftest import Leaseline, free_ports

pytestmark = pytest.mark.cli

CALL = "1772467200.7"


@pytest.fixture
def office(office: Leaseline) -> Leaseline:
    """The office on ports of its own, because tests beside this one have a stand-in for Asterisk as well."""
    (office.home / "leaseline.toml").write_text(settings.template(free_ports(), "US", "America/Chicago"))
    return office


@contextmanager
def asterisk(
    office: Leaseline, endpoints: dict[str, str], calls: tuple[str, ...] = (), refused: str = ""
) -> Iterator[None]:
    password = json.loads((office.home / "secrets.json").read_text())["ari"]
    expected = "Basic " + base64.b64encode(f"leaseline:{password}".encode()).decode()
    channels = [
        {
            "id": call,
            "name": f"PJSIP/trunk-acme-{number:08}",
            "state": "Up",
            "caller": {"name": "", "number": "5125550123"},
            "connected": {"name": "", "number": ""},
            "dialplan": {"context": "from-trunk", "exten": "s", "priority": 1, "app_name": "Stasis", "app_data": ""},
        }
        for number, call in enumerate(calls)
    ]
    answers: dict[str, Any] = {
        "/ari/asterisk/variable?variable=LL_REFUSED": {"value": refused},
        "/ari/channels": channels,
        "/ari/endpoints": [
            {"technology": "PJSIP", "resource": name, "state": state, "channel_ids": []}
            for name, state in endpoints.items()
        ],
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = self.path in answers and self.headers["Authorization"] == expected
            body = json.dumps(answers[self.path] if known else {"message": "no"}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", settings.load(office.home).ports.http), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def app_lives(
    office: Leaseline, *, calls: tuple[str, ...] = (), age: timedelta = timedelta(), pid: int | None = None
) -> None:
    beat = {
        "at": (datetime.now(UTC) - age).isoformat(),
        "pid": pid or os.getpid(),
        "calls": list(calls),
        "connected": True,
        "events_unknown": 0,
        "reconnects": 1,
    }
    (office.home / "run" / "app.json").write_text(json.dumps(beat))


UP = {"trunk-acme": "online", "alice-desk": "online"}


def status(office: Leaseline, exit_code: int) -> Any:
    result = office("status", "--json")
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def findings(office: Leaseline) -> dict[str, list[tuple[str, str]]]:
    result = office("doctor", "--json")
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(result.stdout):
        found.setdefault(one["check"], []).append((one["level"], one["text"]))
        assert bool(one["fix"]) == (one["level"] != "OK")
    assert result.exit_code == any(level == "ERROR" for entries in found.values() for level, _ in entries)
    return found


def test_nothing_runs(office: Leaseline) -> None:
    found = status(office, 1)
    assert found["asterisk"]["up"] is found["app"]["up"] is False
    assert found["database"] == {
        "up": True,
        "current": True,
        "revision": found["database"]["revision"],
        "detail": "",
        "code": "",
    }
    assert found["trunks"] == [{"trunk": "acme", "enabled": True, "state": "unknown", "up": False}]
    assert found["calls"] == []
    assert office("status").stdout.count("DOWN") == 2


def test_all_is_up_and_a_call_is_in_progress(office: Leaseline) -> None:
    app_lives(office, calls=(CALL,))
    with asterisk(office, UP, (CALL, "1772467200.8")):
        found = status(office, 0)
        assert "alice-desk" in office.ok("status")
    assert found["at"].endswith("Z")
    assert found["asterisk"] == {"up": True, "detail": ""}
    assert (found["app"]["up"], found["app"]["connected"], found["app"]["reconnects"]) == (True, True, 1)
    assert found["trunks"][0]["up"] is True
    assert [(one["device"], one["agent"], one["up"], one["dnd"]) for one in found["devices"]] == [
        ("alice-desk", "alice", True, False)
    ]
    assert [(call["id"], call["with_app"], call["caller"]) for call in found["calls"]] == [
        (CALL, True, "+15125550123"),
        ("1772467200.8", False, "+15125550123"),
    ]


def test_a_call_that_has_ended_since_the_app_spoke_of_itself_is_not_in_progress(office: Leaseline) -> None:
    app_lives(office, calls=(CALL,))
    with asterisk(office, UP):
        assert status(office, 0)["calls"] == []


def test_a_browser_that_did_not_ring_is_told(office: Leaseline) -> None:
    app_lives(office)
    beat = office.home / "run" / "app.json"
    at = datetime.now(UTC).isoformat()
    beat.write_text(json.dumps(json.loads(beat.read_text()) | {"deaf": {"alice-desk": at}}))
    with asterisk(office, UP):
        [device] = status(office, 0)["devices"]
        said = office("status").stdout
        found = findings(office)["devices"]
    assert device["up"]
    assert datetime.fromisoformat(device["deaf_since"]) == datetime.fromisoformat(at)
    assert "online, did not ring" in said
    assert ("WARN", "Registered, but did not ring when last called: alice-desk.") in found


def test_callers_who_were_refused_and_a_limit_that_is_near_are_told(office: Leaseline) -> None:
    toml = office.home / "leaseline.toml"
    toml.write_text(toml.read_text() + "\n[limits]\ncalls = 2\n")
    app_lives(office)
    now = int(datetime.now(UTC).timestamp())
    with asterisk(office, UP, (CALL, "1772467200.8"), refused=f"7/{now}/trunk_calls/trunk-acme"):
        limits = status(office, 0)["limits"]
        said = office("status").stdout
        found = findings(office)["limits"]
    assert (limits["callers"], limits["callers_limit"], limits["refused"]) == (2, 2, 7)
    assert (limits["refused_by"], limits["refused_trunk"]) == ("trunk_calls", "acme")
    assert "Near the limit: 2 of 2 callers" in said
    assert "7 callers were refused since Asterisk started, the last at" in said
    with asterisk(office, UP, (CALL, "1772467200.8"), refused=f"1/{now}/trunk_calls/trunk-acme"):
        assert "1 caller was refused since Asterisk started, at" in office("status").stdout
    assert [level for level, _ in found] == ["WARN", "WARN"]


async def callers_in_line(office: Leaseline) -> None:
    """One has waited for four minutes, one for two; one keeps the place."""
    config, now = settings.load(office.home), datetime.now(UTC)
    store = Store(config.database_url)
    try:
        for call, minutes in (("first", 4), ("second", 2), ("kept", 3)):
            at = now - timedelta(minutes=minutes)
            facts: list[Fact] = [
                CallArrived(f"{call}/a", call, at - timedelta(minutes=1), "+15125550100", f"+1512555019{minutes}"),
                StepTaken(f"{call}/s", call, at, CallStep.QUEUE),
                Queued(f"{call}/q", call, at, position=1),
            ]
            if call == "kept":
                facts += [CallbackQueued("kept/k", call, at, ("alice",)), CallEnded("kept/e", call, at, EndedBy.SYSTEM)]
            for fact in facts:
                await store.run(ledger.record, config, fact, now)
    finally:
        store.close()


def test_who_waits_in_line_is_told_with_the_longest_wait(office: Leaseline) -> None:
    assert status(office, 1)["line"] == {"waiting": 0, "longest_seconds": None, "to_call_back": 0}
    assert "Waiting in line" not in office("status").stdout
    asyncio.run(callers_in_line(office))
    line = status(office, 1)["line"]
    assert (line["waiting"], line["longest_seconds"] // 60, line["to_call_back"]) == (2, 4, 1)
    assert "2, the longest for 4 min" in office("status").stdout


@pytest.mark.parametrize("old", [{"age": timedelta(seconds=30)}, {"age": timedelta(seconds=-30)}, {"pid": 2**22 + 1}])
def test_an_app_without_a_fresh_sign_of_life_is_down(office: Leaseline, old: dict[str, Any]) -> None:
    app_lives(office, **old)
    with asterisk(office, UP):
        assert status(office, 1)["app"]["up"] is False


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"at": "2026-03-01T12:00:00", "pid": 1, "connected": true, "calls": []}']
)
def test_a_damaged_sign_of_life_is_none(office: Leaseline, text: str) -> None:
    (office.home / "run" / "app.json").write_text(text)
    assert status(office, 1)["app"]["up"] is False


def test_a_wrong_password_is_told(office: Leaseline) -> None:
    with asterisk(office, UP):
        secrets = office.home / "secrets.json"
        secrets.write_text(json.dumps({**json.loads(secrets.read_text()), "ari": "other"}))
        assert "401" in status(office, 1)["asterisk"]["detail"]


def test_a_database_that_is_gone_or_old_is_told(office: Leaseline) -> None:
    office.ok("db", "downgrade", revision.known()[-3], "--yes")
    found = status(office, 1)
    assert (found["database"]["up"], found["database"]["current"], found["devices"]) == (True, False, [])
    assert findings(office)["database"][0][0] == "ERROR"
    for path in office.home.glob("leaseline.db*"):
        path.unlink()
    (office.home / "leaseline.db").write_bytes(b"this is no database" * 100)
    assert status(office, 1)["database"]["up"] is False
    assert findings(office)["database"][0][0] == "ERROR"


def test_a_trunk_whose_numbers_cannot_be_read_is_named_with_what_to_do(office: Leaseline) -> None:
    """Extensions are no reason to say so, nor is what is long ago."""
    now = datetime.now(UTC)
    store = Store(settings.load(office.home).database_url)
    shown = (("919876543210", now), ("6001", now), ("929876543210", now - timedelta(days=8)))
    with store.writing() as session:
        for number, (digits, at) in enumerate(shown):
            call = Call(id=f"c{number}", did="", trunk="acme", caller_digits=digits, started_at=at, outcome="gave_up")
            session.add(call)
    store.close()
    [(level, text)] = [one for one in findings(office)["trunks"] if "cannot be read" in one[1]]
    assert level == "WARN"
    assert "acme gives callers' numbers that cannot be read, such as 919876543210." in text
    assert "trunk set acme --number-format" in office("doctor").stdout
    assert "919876543210" in office.ok("call", "list")
    assert "919876543210 (not a phone number)" in office.ok("call", "show", "c0")


def test_a_healthy_office_has_no_findings(office: Leaseline) -> None:
    folder = office.home / "prompts" / "en"
    folder.mkdir()
    for name in speech.Prompt:
        (folder / f"{name}.wav").touch()
    office.ok("property", "set", "elm", "--listings-url", "https://maple.example/elm")
    office.ok("line", "add", "(512) 555-0111", "--label", "Emergency callback")
    office.ok("location", "add", "office", "--address", "100 Elm Street", "--callback", "(512) 555-0111")
    office.ok("device", "set", "alice-desk", "--location", "office")
    office.ok("agent", "set", "alice", "--email", "alice@example.com")
    office.ok("report", "schedule", "remove", "1")  # The weekly figures, for which there is no mail server.
    link = office.ok("user", "add", "dana", "--full-name", "Dana", "--role", "admin").strip()
    with Store(settings.load(office.home).database_url).writing() as session:
        now = datetime.now(UTC)
        accounts.accept(session, now, link.rpartition("/")[2], passwords.hashed("seven green teapots"))
    app_lives(office)
    with asterisk(office, UP):
        found = findings(office)
        said = office("doctor").stdout
    found.pop("programs")  # Whether Asterisk is installed is up to the machine.
    found.pop("disk")
    unwell = [(check, text) for check, entries in found.items() for level, text in entries if level not in ("OK", "?")]
    assert not unwell
    unseen = {check: text for check, entries in found.items() for level, text in entries if level == "?"}
    assert unseen.keys() == {"emergency", "lines", "texts"}, "what only somebody who tries it knows"
    assert "All that can be seen from here is well." in said
    assert "alice-desk" in said


def test_what_a_worker_cannot_do_shows_until_it_works_again(office: Leaseline) -> None:
    began = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    config = settings.load(office.home)
    troubles = Troubles(lambda: began, partial(workers.show, config))
    folder = office.home / "run" / "workers"
    troubles.failed("transcripts", OSError("The model cannot be read."))
    shown = {"worker": "transcripts", "trouble": "The model cannot be read.", "since": "2026-03-02T16:00:00Z"}
    assert status(office, 1)["workers"] == [shown]
    assert "transcripts, since 2026-03-02 10:00:00: The model cannot be read." in office("status").stdout
    assert findings(office)["workers"] == [("WARN", "transcripts, since 2026-03-02 10:00: The model cannot be read.")]
    (own,) = folder.iterdir()
    # A process that was killed leaves its file; another may have its number by now.
    left = json.loads(own.read_text()) | {"process": {"pid": os.getpid(), "started": "1"}}
    (folder / "1.json").write_text(json.dumps(left))
    assert status(office, 1)["workers"] == [shown]
    troubles.well("transcripts")
    assert status(office, 1)["workers"] == []
    assert list(folder.iterdir()) == []


def test_doctor_finds_what_is_wrong(office: Leaseline) -> None:
    office.ok("dnd", "on", "alice-desk", "--yes")
    office.ok("agent", "set", "bob", "--off-duty")
    home = office.home
    home.chmod(0o755)
    (home / "secrets.json").chmod(0o644)
    (home / "journal" / "rejected.jsonl").write_text("{}\n{}\n")
    old = datetime.now(UTC).timestamp() - 3600
    for path in (home / "journal" / "facts.jsonl", home / "spool" / "1.call"):
        path.write_text("{}\n")
        os.utime(path, (old, old))
    toml = home / "leaseline.toml"
    toml.write_text(toml.read_text() + '\n[texts]\ntrunk = "other"\n\n[menu]\nlanguages = ["xx"]\n')
    database = sqlite3.connect(home / "leaseline.db")
    with database:
        database.execute(
            "INSERT INTO message (key, purpose, to_number, from_number, body, state, attempts, error, created_at)"
            " VALUES ('k', 'missed_call', '+1', '+1', '', 'failed', 6, '', ?)",
            (datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),),
        )
        database.execute(
            "INSERT INTO task (key, kind, owner_id, why, due_at, created_at, result)"
            " VALUES ('k', 'call_back', 1, '', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', '')"
        )
        # As another setting allowed it.
        database.execute("UPDATE organization SET answering_service = '+19005550150'")
    database.close()
    app_lives(office)
    with asterisk(office, {"trunk-acme": "offline", "alice-desk": "offline"}):
        found = findings(office)
    expected = {
        "home": "755",
        "passwords": "read by other users",
        "prompts": "missing",
        "listings": "elm",
        "texts": "1 failed",
        "tasks": "1 is overdue",
        "journal": "1 fact about",
        "rejected": "2 facts",
        "spool": "1 call that",
        "answering service": "premium-rate",
        "languages": "xx.toml lacks",
    }
    for check, text in expected.items():
        assert [level for level, said in found[check] if text in said] not in ([], ["OK"]), (check, found[check])
    assert len([level for level, _ in found["trunks"] if level != "OK"]) == 1
    assert len([level for level, _ in found["devices"] if level != "OK"]) == 2


def test_a_port_that_somebody_else_has_is_named(office: Leaseline) -> None:
    with asterisk(office, UP):
        secrets = office.home / "secrets.json"
        secrets.write_text(json.dumps({**json.loads(secrets.read_text()), "ari": "other"}))
        assert (
            "ERROR",
            f"Port {settings.load(office.home).ports.http} (http) is in use by another program, or not allowed here.",
        ) in (findings(office)["ports"])


def test_an_empty_office_is_told_what_is_missing(leaseline: Leaseline) -> None:
    found = findings(leaseline)
    for check in ("lines", "trunks", "Asterisk", "app"):
        assert found[check][0][0] == "ERROR"
    assert found["agents"][0][0] == "WARN", "callers get voicemail, and somebody owns it"


def test_a_phone_that_has_to_encrypt_and_registers_without_tls_is_told(office: Leaseline) -> None:
    office.ok("device", "set", "alice-desk", "--encrypted")
    folder = office.home / "asterisk" / "var"
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / "astdb.sqlite3")
    with database:
        database.execute("CREATE TABLE astdb (key TEXT PRIMARY KEY, value TEXT)")
    app_lives(office)
    with asterisk(office, UP):
        for uri, said in (("sip:alice-desk@198.51.100.7:5060", True), ("sip:a@198.51.100.7:5061;transport=TLS", False)):
            contact = json.dumps({"endpoint": "alice-desk", "uri": uri})
            with database:
                database.execute("REPLACE INTO astdb VALUES ('/registrar/contact/alice-desk;@1', ?)", (contact,))
            texts = [text for _, text in findings(office)["devices"]]
            assert any("without TLS" in text and "alice-desk" in text for text in texts) is said
    database.close()


def test_doctor_knows_the_agent_whom_a_setting_names(office: Leaseline) -> None:
    office.ok("config", "set", "tasks.manager", "alice")
    assert "manager" not in {one["check"] for one in json.loads(office("doctor", "--json").stdout)}
    office.ok("config", "set", "tasks.manager", "alise")
    [found] = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "manager"]
    assert (found["level"], found["code"]) == ("WARN", "manager_unknown")
    assert "tasks.manager" in found["fix"]


def test_doctor_wants_a_turn_server_where_people_work_from_outside(office: Leaseline) -> None:
    toml = office.home / "leaseline.toml"
    toml.write_text(toml.read_text() + "\n[console]\nworks_outside = true\n")
    assert "without a TURN server" in office("doctor").output
    toml.write_text(toml.read_text() + 'ice_servers = ["turn:127.0.0.1:1?transport=tcp"]\n')
    assert "There is no secret yet" in office("doctor").output
    office.ok("turn", "secret", input="0123456789abcdef0123456789abcdef")
    [found] = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "relays"]
    assert (found["level"], found["code"]) == ("WARN", "relay_silent")
    assert "turn:127.0.0.1:1?transport=tcp does not answer: " in found["text"]
    assert str(toml) in found["fix"]


def test_doctor_says_in_a_sentence_why_the_console_is_not_served(office: Leaseline) -> None:
    def console() -> dict[str, str]:
        [found] = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "console"]
        return dict(found, facts="")

    assert console()["level"] == "OK"
    office.ok("config", "set", "console.bind", "0.0.0.0")
    assert (console()["code"], "without a certificate" in console()["text"]) == ("console_refused", True)
    toml = office.home / "leaseline.toml"
    toml.write_text(
        toml.read_text().replace(
            'bind = "0.0.0.0"',
            'bind = "0.0.0.0"\npublic_url = "https://desk.example.com"\ntls_certificate = "a.pem"\ntls_key = "a.key"',
        )
    )
    found = console()
    assert (found["level"], found["code"]) == ("WARN", "console_certificate")
    assert "a.pem and its key" in found["text"]
    assert "leaseline.toml" in found["fix"]


def test_the_doctor_waits_for_no_call_to_a_retired_line(office: Leaseline) -> None:
    office.ok("line", "add", "512-555-0144")
    assert "+15125550144" in office("doctor").output
    office.ok("line", "remove", "512-555-0144", "--yes")
    assert "+15125550144" not in office("doctor").output
