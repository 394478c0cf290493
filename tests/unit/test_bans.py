"""Whose SIP is dropped, for how long, and whose never; and what fail2ban reads out of Asterisk's log."""

from __future__ import annotations

import configparser
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ari_app.edge.security import Attempt, AttemptKind, attempt
from crm.domain import bans

pytestmark = pytest.mark.unit

AT = datetime(2026, 3, 2, 16, tzinfo=UTC)
GUESSER, HOME = "203.0.113.9", "198.51.100.7"


def seconds(number: int) -> datetime:
    return AT + timedelta(seconds=number)


def test_the_third_failure_within_a_minute_bans_and_the_count_begins_anew() -> None:
    failures = bans.Failures(3, timedelta(minutes=1))
    assert [failures.failed(GUESSER, seconds(at)) for at in (0, 50, 70, 100, 101, 102, 103)] == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_an_address_where_somebody_knows_the_password_is_spared_for_two_hours() -> None:
    failures = bans.Failures(1, timedelta(minutes=1))
    failures.succeeded(HOME, AT)
    assert not failures.failed(HOME, AT + timedelta(hours=1))
    assert failures.failed(HOME, AT + timedelta(hours=3))
    assert not bans.Failures(0, timedelta(minutes=1)).failed(GUESSER, AT)


def test_however_many_addresses_fail_memory_is_bounded() -> None:
    failures = bans.Failures(2, timedelta(minutes=1))
    failures.failed(GUESSER, AT)
    for number in range(bans.MOST_ADDRESSES):
        failures.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", AT)
    assert not failures.failed(GUESSER, AT), "forgotten"


def test_each_ban_is_longer_than_the_one_before_up_to_the_longest() -> None:
    first, longest = timedelta(minutes=2), timedelta(hours=24)
    lengths = [bans.length(times, first, longest) for times in (0, 1, 2, 3, 4, 500)]
    assert [int(one.total_seconds() // 60) for one in lengths] == [2, 12, 72, 432, 1440, 1440]


@pytest.mark.parametrize(
    ("network", "spared"),
    [
        ("203.0.113.9", False),
        ("198.51.100.7", True),
        ("198.51.100.0/24", True),
        ("192.168.1.4", True),
        ("127.0.0.1", True),
        ("127.6.0.1", False),
        ("0.0.0.0/8", False),
    ],
)
def test_a_trunk_and_the_office_are_spared(network: str, spared: bool) -> None:
    assert bans.is_spared(network, ["198.51.100.0/29", "198.51.100.9"]) is spared


def test_of_too_many_bans_those_that_end_first_are_given_up() -> None:
    ends = [(None, "for good"), (seconds(5), "soon"), (seconds(50), "later")]
    assert bans.ends_first(ends, 2) == ["soon"]
    assert bans.ends_first(ends, 1) == ["soon", "later"]
    assert bans.ends_first(ends, 3) == []


EVENT = {"Event": "ChallengeResponseFailed", "Service": "PJSIP", "RemoteAddress": "IPV4/UDP/203.0.113.9/5060"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, Attempt(AttemptKind.FAILED, GUESSER)),
        ({"SessionID": 'x",RemoteAddress="IPV4/UDP/198.51.100.7/5060'}, Attempt(AttemptKind.FAILED, GUESSER)),
        ({"Event": "SuccessfulAuth", "UsingPassword": "1"}, Attempt(AttemptKind.SUCCEEDED, GUESSER)),
        ({"Event": "SuccessfulAuth", "UsingPassword": "0"}, None),
        ({"Service": "AMI"}, None),
        ({"RemoteAddress": "IPV4/WS/127.0.0.1/5060"}, None),
        ({"RemoteAddress": ""}, None),
    ],
)
def test_what_an_event_says(changes: dict[str, str], found: Attempt | None) -> None:
    assert attempt({**EVENT, **changes}) == found


FILTER = Path(__file__).parents[2] / "docs" / "fail2ban" / "filter-leaseline.conf"
HEAD = "[2026-11-27 03:06:51] NOTICE[8015] res_pjsip/pjsip_distributor.c: Request"
ACL = "[2026-11-27 03:06:51] WARNING[16770] res_pjsip_acl.c: Incoming SIP message"
FAILED, NOBODY = "Failed to authenticate", "No matching endpoint found after 5 tries in 2.1 ms"
FORGED = "' failed for '198.51.100.7:5' (callid: 1) - x"


def banned_by_fail2ban(line: str) -> str | None:
    """As fail2ban does it: the time is cut out, and <HOST> stands for an address."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(FILTER.read_text())
    line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", line, count=1)
    for rule in parser["Definition"]["failregex"].splitlines():
        if found := re.search(rule.replace("<HOST>", r"(?P<host>\d+\.\d+\.\d+\.\d+)"), line):
            return found["host"]
    return None


@pytest.mark.parametrize(
    ("line", "host"),
    [
        (f"{HEAD} 'REGISTER' from '<sip:a@x>' failed for '{GUESSER}:39100' (callid: 10-9@x) - {FAILED}", GUESSER),
        (f"{HEAD} 'INVITE' from '<sip:a@x>' failed for '{GUESSER}:5060' (callid: 1) - {NOBODY}", GUESSER),
        (f"{HEAD} 'REGISTER' from '<sip:a'@x>' failed for '{GUESSER}:5' (callid: {FORGED}) - {FAILED}", GUESSER),
        (f"{ACL} from {GUESSER}:5061 did not pass ACL test", GUESSER),
        ("[2026-11-27 03:06:51] NOTICE[8015] x.c: Endpoint alice-desk is now reachable at 198.51.100.7:5060", None),
    ],
)
def test_the_fail2ban_filter_reads_the_sender_and_nothing_that_the_sender_wrote(line: str, host: str | None) -> None:
    assert banned_by_fail2ban(line) == host
