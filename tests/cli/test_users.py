"""`leaseline user`: those who sign in to the console."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_somebody_is_added_shown_changed_and_disabled(leaseline: Leaseline) -> None:
    leaseline.ok("property", "add", "elm", "--name", "Elm Street")
    leaseline.ok("agent", "add", "alice", "--name", "Alice")
    link = leaseline.ok(
        "user", "add", "alice", "--full-name", "Alice Brown", "--role", "agent", "--agent", "alice", "--property", "elm"
    )
    assert re.fullmatch(r"http://localhost:\d+/welcome/[A-Za-z0-9_-]{32}\n", link)
    [alice] = leaseline.json("user", "list")
    assert (alice["role"], alice["agent"], alice["state"]) == ("agent", "alice", "invited")
    assert (alice["whole_office"], alice["properties"], alice["passkeys"]) == (False, ["elm"], 0)
    assert link.strip().rpartition("/")[2] not in str(leaseline.rows("SELECT * FROM account_link"))
    leaseline.ok("user", "edit", "alice", "--role", "manager", "--all", "--agent", "")
    [alice] = leaseline.json("user", "list")
    assert (alice["role"], alice["agent"], alice["whole_office"]) == ("manager", None, True)
    leaseline.ok("user", "disable", "alice")
    assert "disabled" in leaseline.ok("user", "list")
    assert leaseline.rows("SELECT * FROM account_link") == []
    assert "enable it first" in leaseline.refused("user", "invite", "alice")
    leaseline.ok("user", "enable", "alice")
    assert leaseline.ok("user", "invite", "alice") != link


def test_links_lead_to_where_browsers_reach_the_console(leaseline: Leaseline) -> None:
    leaseline.ok("config", "set", "console.public_url", "https://desk.example.com/")
    link = leaseline.ok("user", "add", "dana", "--full-name", "Dana Reyes", "--role", "admin")
    assert link.startswith("https://desk.example.com/welcome/")


def test_sessions_are_listed_and_ended(leaseline: Leaseline) -> None:
    leaseline.ok("user", "add", "dana", "--full-name", "Dana Reyes", "--role", "admin")
    assert "not signed in anywhere" in leaseline.ok("user", "sessions", "dana")
    for number in (1, 2, 3):
        leaseline.write(
            "INSERT INTO account_session"
            " (account_id, digest, made_at, used_at, idle_until, expires_at, address, browser)"
            f" SELECT id, 'digest{number}', made_at, made_at, '2999-01-01', '2999-01-01', '192.0.2.{number}', 'Firefox'"
            " FROM account"
        )
    found = leaseline.json("user", "sessions", "dana")
    assert {one["address"] for one in found} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert "digest" not in json.dumps(found)
    leaseline.ok("user", "sign-out", "dana", "--session", str(found[0]["id"]))
    assert len(leaseline.json("user", "sessions", "dana")) == 2
    leaseline.refused("user", "sign-out", "dana", "--session", str(found[0]["id"]))
    assert "2 sessions" in leaseline.ok("user", "sign-out", "dana")
    assert leaseline.json("user", "sessions", "dana") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Da Na", "--full-name", "Dana", "--role", "admin"), "short name"),
        (("add", "dana", "--full-name", "Dana", "--role", "agent", "--agent", "nobody"), "nobody"),
        (("add", "dana", "--full-name", "Dana", "--role", "agent", "--property", "elm"), "no property elm"),
        (("disable", "nobody"), "no account 'nobody'"),
        (("edit", "nobody", "--role", "admin"), "no account 'nobody'"),
        (("sessions", "nobody"), "no account 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(leaseline: Leaseline, arguments: tuple[str, ...], said: str) -> None:
    assert said in leaseline.refused("user", *arguments)


def test_the_doctor_says_that_nobody_can_sign_in_and_that_http_is_read_on_the_way(leaseline: Leaseline) -> None:
    def found(check: str) -> dict[str, str]:
        [one] = [one for one in json.loads(leaseline("doctor", "--json").stdout) if one["check"] == check]
        return dict(one, facts="")

    assert (found("users")["level"], found("users")["code"]) == ("WARN", "console_admin_missing")
    assert "leaseline up" in found("users")["fix"]
    leaseline.ok("user", "add", "dana", "--full-name", "Dana Reyes", "--role", "admin")
    # Whoever was invited has no password yet.
    assert found("users")["level"] == "WARN"
    leaseline.write("UPDATE account SET password = 'kept'")
    assert found("users")["level"] == "OK"
    leaseline.ok("config", "set", "console.public_url", "http://desk.example.com")
    assert (found("console")["level"], found("console")["code"]) == ("WARN", "console_plain")
