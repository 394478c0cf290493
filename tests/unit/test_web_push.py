"""Messages to closed browsers: as RFC 8291 encrypts them and RFC 8292 signs them, and to nobody but known services."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from crm.config import Console
from crm.edge.push_target import PushTarget
from crm.edge.web_push import OfficeKey, decoded, encoded, encrypt, problem

pytestmark = pytest.mark.unit

HOSTS = Console().push_hosts
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


def target(endpoint: str = "https://fcm.googleapis.com/fcm/send/x", key: str = PUBLIC, auth: str = AUTH) -> PushTarget:
    return PushTarget(endpoint, key, auth)


def test_a_message_is_encrypted_as_in_the_example_of_the_standard() -> None:
    # RFC 8291, 5 and appendix A.
    private = int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        target(),
        salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"),
        own=ec.derive_private_key(private, ec.SECP256R1()),
    )
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg"
        "Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuw"
        "XPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_no_two_messages_are_alike() -> None:
    assert encrypt(b"x", target()) != encrypt(b"x", target())


def test_a_service_can_tell_who_sends() -> None:
    key = OfficeKey("a secret of the office")
    header = key.authorization("https://fcm.googleapis.com/fcm/send/x?y", "https://desk.example.com", 1_000_000)
    kind, token, public = header.replace(",", "").split()
    assert kind == "vapid"
    assert public == f"k={key.public}"
    signed, _, signature = token.removeprefix("t=").rpartition(".")
    head, claims = (json.loads(decoded(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims == {"aud": "https://fcm.googleapis.com", "exp": 1_043_200, "sub": "https://desk.example.com"}
    raw = decoded(signature)
    assert len(raw) == 64
    dss = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    verifier = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key.public))
    verifier.verify(dss, signed.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        verifier.verify(dss, b"other", ec.ECDSA(hashes.SHA256()))


def test_a_system_keeps_its_key_and_no_two_have_the_same() -> None:
    assert OfficeKey("one").public == OfficeKey("one").public
    assert OfficeKey("one").public != OfficeKey("other").public


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/x",
        "https://db5p.notify.windows.com/w/?token=x",
    ],
)
def test_browsers_of_the_big_makers_are_sent_to(endpoint: str) -> None:
    assert problem(target(endpoint), HOSTS) == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://example.com/x",
        "https://127.0.0.1:8088/ari/applications",
        "https://fcm.googleapis.com.example.com/x",
        "https://fcm.googleapis.com@example.com/x",
        "https://notify.windows.com/x",
        "https://evilpush.apple.com/x",
        "https://[::1/x",
        "",
    ],
)
def test_nobody_else_is_sent_to(endpoint: str) -> None:
    assert problem(target(endpoint), HOSTS)


@pytest.mark.parametrize(
    ("key", "auth"), [("x", AUTH), ("", AUTH), (PUBLIC[:-4], AUTH), (PUBLIC, "short"), (PUBLIC, "é")]
)
def test_keys_that_are_none_are_refused(key: str, auth: str) -> None:
    assert problem(target(key=key, auth=auth), HOSTS)
