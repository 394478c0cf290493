"""What of a browser's SIP reaches Asterisk, and how it is signed on the way."""

from __future__ import annotations

import hashlib

import pytest

from crm.edge import digest, sip_door
from crm.edge.sip_door import BURST, DoorAccount, NoPhone, Pace

pytestmark = pytest.mark.unit

ALICE = DoorAccount("alice-web", "the-device's-own", "the-session's")
URI = "sip:leaseline.invalid"
CHALLENGES = [
    {"realm": "leaseline", "nonce": "n1", "qop": "auth", "opaque": "o1", "algorithm": "MD5"},
    {"realm": "leaseline", "nonce": "n1"},
    {"realm": "leaseline", "nonce": "n1", "qop": "auth", "algorithm": "SHA-256"},
]


def message(credentials: str, method: str = "REGISTER", body: str = "") -> str:
    return (
        f"{method} {URI} SIP/2.0\r\nFrom: <sip:alice-web@leaseline.invalid>;tag=1\r\n"
        f"Authorization: {credentials}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def response_in(text: str) -> str:
    return text.partition('response="')[2].partition('"')[0]


@pytest.mark.parametrize("challenge", CHALLENGES)
def test_what_the_session_signed_is_signed_by_the_device_and_nothing_else_is_changed(challenge: dict[str, str]) -> None:
    sent = message(digest.answer(challenge, ALICE.device, ALICE.known, "REGISTER", URI))
    passed = sip_door.passed_on(sent, ALICE)
    theirs, ours = response_in(sent), response_in(passed)
    assert theirs != ours
    assert passed == sent.replace(theirs, ours)
    fields = dict(part.partition("=")[::2] for part in passed.partition("Digest ")[2].partition("\r\n")[0].split(", "))
    name = "sha256" if challenge.get("algorithm") == "SHA-256" else "md5"

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode()).hexdigest()

    rest = ["n1", fields["nc"], fields["cnonce"].strip('"'), "auth"] if "qop" in challenge else ["n1"]
    secret = hashed(ALICE.device, "leaseline", ALICE.password)
    assert ours == hashed(secret, *rest, hashed("REGISTER", URI))
    assert ALICE.password not in passed


@pytest.mark.parametrize(
    ("user", "password", "method"),
    [
        ("alice-web", "guessed", "REGISTER"),
        ("bob-web", ALICE.known, "REGISTER"),
        ("alice-web", ALICE.known, "INVITE"),
    ],
)
def test_what_the_session_has_not_signed_goes_on_as_it_is_and_asterisk_refuses_it(
    user: str, password: str, method: str
) -> None:
    sent = message(digest.answer(CHALLENGES[0], user, password, method, URI))
    assert sip_door.passed_on(sent, ALICE) == sent


def test_credentials_in_the_body_are_left_alone() -> None:
    signed = digest.answer(CHALLENGES[0], ALICE.device, ALICE.known, "INVITE", URI)
    sent = f"INVITE {URI} SIP/2.0\r\nContent-Length: 9\r\n\r\nAuthorization: {signed}\r\n"
    assert sip_door.passed_on(sent, ALICE) == sent


@pytest.mark.parametrize(
    "sent",
    [
        "GET / HTTP/1.1\r\n\r\n",
        f"MESSAGE {URI} SIP/2.0\r\n\r\n",
        f"SUBSCRIBE {URI} SIP/2.0\r\n\r\n",
        f"INVITE {URI} SIP/2.0\r\nX: {'x' * sip_door.LONGEST}\r\n\r\n",
        "nonsense",
    ],
)
def test_what_no_phone_sends_is_refused(sent: str) -> None:
    with pytest.raises(NoPhone):
        sip_door.passed_on(sent, ALICE)


@pytest.mark.parametrize("sent", ["\r\n\r\n", "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n"])
def test_answers_and_signs_of_life_pass(sent: str) -> None:
    assert sip_door.passed_on(sent, ALICE) == sent


def test_a_flood_is_refused_and_a_phone_is_not() -> None:
    pace = Pace()
    for number in range(2000):
        pace.take(number / 10)
    for _ in range(int(BURST)):
        pace.take(200.0)
    with pytest.raises(NoPhone):
        pace.take(200.0)
