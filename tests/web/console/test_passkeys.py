"""What the console takes from authenticators: one of this test's own signs what it should, and what it should not."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import cbor2
import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from crm.domain.access import Role
from crm.services.access import passkeys
from crm.store.models import AccountPasskey, AccountSession
from crm.web.console.pages import sign_in
from tests.web.console.conftest import Clock
from tests.web.console.people import PASSWORD, ConsoleOffice, Person

pytestmark = pytest.mark.web

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of authenticator data (WebAuthn Level 3, 6.1)."""


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    sign_in._tries.storage.reset()


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Authenticator:
    """One with a single key, which signs whatever it is asked."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    signed: int = 0

    def make(self, asked: dict[str, Any], origin: str) -> str:
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(asked["rp"]["id"], PRESENT | VERIFIED | ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"], origin)
        return self._credential({"clientDataJSON": text(client), "attestationObject": text(statement)})

    def sign(self, asked: dict[str, Any], origin: str, *, flags: int = PRESENT | VERIFIED, host: str = "") -> str:
        self.signed += 1
        data = self._data(host or asked["rpId"], flags)
        client = self._client("webauthn.get", asked["challenge"], origin)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        shown = {"authenticatorData": text(data), "clientDataJSON": text(client), "signature": text(signature)}
        return self._credential(shown)

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.signed.to_bytes(4, "big")

    @staticmethod
    def _client(kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _credential(self, response: dict[str, str]) -> str:
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})


def named(office: ConsoleOffice) -> Person:
    """A browser that opened the console by a name."""
    person = office.browser()
    person.http.base_url = httpx.URL(f"http://localhost:{office.crm.config.ports.console}")
    return person


def origin(person: Person) -> str:
    return str(person.http.base_url).rstrip("/")


async def with_passkey(office: ConsoleOffice, key: Authenticator, name: str = "dana") -> Person:
    """Somebody who has signed in by their password and added a passkey."""
    office.with_password(name, Role.MANAGER)
    person = named(office)
    await person.send("/sign-in", csrf="", name=name, password=PASSWORD)
    begun = (await person.send("/account/passkeys/begin", 200, of="/account", old=PASSWORD)).json()
    await person.send(
        "/account/passkeys",
        of="/account",
        sealed=begun["sealed"],
        credential=key.make(begun["asked"], origin(person)),
        name="<b>key</b>",
    )
    return person


async def begun(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.send("/sign-in/passkey/begin", 200, csrf="")).json()
    return found


async def test_a_passkey_signs_in_once_for_each_time_it_is_asked(office: ConsoleOffice, clock: Clock) -> None:
    key = Authenticator()
    owner = await with_passkey(office, key)
    assert "&lt;b&gt;key&lt;/b&gt;" in await owner.open("/account")
    person = named(office)
    asked = await begun(person)
    assert "allowCredentials" not in asked["asked"]
    shown = {"sealed": asked["sealed"], "credential": key.sign(asked["asked"], origin(person))}
    clock.now += timedelta(seconds=2)
    answer = await person.send("/sign-in/passkey?to=/tasks", csrf="", **shown)
    assert answer.headers["location"] == "/tasks"
    await person.open("/tasks")
    # Whoever has read along comes too late.
    clock.now += timedelta(seconds=1)
    await named(office).send("/sign-in/passkey", 403, csrf="", **shown)
    assert len(office.rows(AccountSession)) == 2


async def test_what_is_not_signed_as_it_should_be_opens_nothing(office: ConsoleOffice, clock: Clock) -> None:
    key, stranger = Authenticator(), Authenticator()
    await with_passkey(office, key)
    [kept] = office.rows(AccountPasskey)
    stranger.id = kept.credential
    person = named(office)
    asked = await begun(person)
    other = await begun(person)
    here, of = origin(person), asked["asked"]
    refused = [
        key.sign(of, "https://evil.example"),
        key.sign(of, here, host="evil.example"),
        key.sign(of, here, flags=PRESENT),
        key.sign(of, here, flags=VERIFIED),
        key.sign(other["asked"], here),
        stranger.sign(of, here),
        Authenticator().sign(of, here),
        "",
        "[]",
    ]
    said = set()
    for credential in refused:
        sign_in._tries.storage.reset()
        answer = await person.send("/sign-in/passkey", 403, csrf="", sealed=asked["sealed"], credential=credential)
        said.add(answer.text.split("<main")[1])
    assert len(said) == 1
    good = key.sign(of, here)
    sign_in._tries.storage.reset()
    await person.send("/sign-in/passkey", 403, csrf="", sealed=asked["sealed"][:-1], credential=good)
    clock.now += passkeys.GOOD_FOR + timedelta(seconds=1)
    await person.send("/sign-in/passkey", 403, csrf="", sealed=asked["sealed"], credential=good)
    assert len(office.rows(AccountSession)) == 1


async def test_a_passkey_whose_count_goes_back_may_be_a_copy(office: ConsoleOffice, clock: Clock) -> None:
    key = Authenticator(signed=10)
    await with_passkey(office, key)
    for signed, status in ((10, 303), (5, 403)):
        key.signed = signed
        clock.now += timedelta(seconds=1)
        person = named(office)
        asked = await begun(person)
        credential = key.sign(asked["asked"], origin(person))
        await person.send("/sign-in/passkey", status, csrf="", sealed=asked["sealed"], credential=credential)


async def test_nobody_adds_a_passkey_to_what_is_not_theirs(office: ConsoleOffice) -> None:
    office.with_password()
    person = named(office)
    await person.send("/sign-in", csrf="", name="dana", password=PASSWORD)
    answer = await person.send("/account/passkeys/begin", 422, of="/account", old="not hers")
    assert answer.json() == {"wrong": "That is not your password."}
    asked = (await person.send("/account/passkeys/begin", 200, of="/account", old=PASSWORD)).json()
    credential = Authenticator().make(asked["asked"], origin(person))
    thief = await with_passkey(office, Authenticator(), "eve")
    await thief.send("/account/passkeys", of="/account", sealed=asked["sealed"], credential=credential, name="key")
    # A challenge for signing in is none for adding.
    other = await begun(named(office))
    await person.send("/account/passkeys", of="/account", sealed=other["sealed"], credential=credential, name="key")
    [eves] = office.rows(AccountPasskey)
    await person.send(f"/account/passkeys/{eves.id}/remove", 404, of="/account", old=PASSWORD)
    await thief.send(f"/account/passkeys/{eves.id}/remove", of="/account", old="a guess")
    assert len(office.rows(AccountPasskey)) == 1


async def test_an_address_without_a_name_has_no_passkeys(office: ConsoleOffice) -> None:
    person = office.browser()
    assert "passkey" not in await person.open("/sign-in")
    await person.send("/sign-in/passkey/begin", 404, csrf="")
    await person.send("/sign-in/passkey", 404, csrf="", sealed="", credential="")
    assert "lease-passkey" in await named(office).open("/sign-in")


async def test_passkeys_count_as_tries_of_their_address(office: ConsoleOffice) -> None:
    person = named(office)
    for _ in range(sign_in.TRIES.amount):
        await begun(person)
    for refused in (
        await person.send("/sign-in/passkey/begin", 429, csrf=""),
        await person.send("/sign-in/passkey", 429, csrf="", sealed="", credential=""),
    ):
        assert 0 < int(refused.headers["Retry-After"]) <= 60
