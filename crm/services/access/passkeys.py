"""Passkeys (WebAuthn Level 3, W3C): a key in somebody's device or password manager, instead of password and code.

It cannot be told to anybody, is good for one host alone, and its owner unlocks it by a finger or a PIN, so that it is
two factors in one. A browser is asked to sign a challenge (`creation` and `request` are what it is asked), and what
comes back is checked by the library `webauthn`.

A challenge is not stored: it is signed by us, with when it was made, and nothing asked before a passkey's last use is
taken after it. So each counts once, and those who only look at the sign-in page leave nothing.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import audit
from crm.services.access.sessions import refused
from crm.services.audit import By
from crm.store.models import Account, AccountPasskey

MOST = 10
"""Of one account."""
GOOD_FOR = timedelta(minutes=5)
"""How long a browser may take to answer."""
LONGEST_ID = 1023
"""Bytes of a credential's id (WebAuthn Level 3, 4)."""
BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error)
"""What the library raises for some broken credentials beside its own errors."""
_ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256 and RS256 (the COSE registry of IANA), the ones that the library checks by default."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The host that passkeys are good for."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class ProvenPasskey:
    """A passkey that has just signed a challenge of ours."""

    id: int
    signed: int


def party(host: str, *, is_secure: bool) -> RelyingParty | None:
    """What a browser that opened `host`, as in the Host header, can have passkeys for. None: nothing, because it is an
    address without a name, or is not reached by https."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return None
    is_local = name == "localhost" or name.endswith(".localhost")
    if not name or _is_address(name) or not (is_secure or is_local):
        return None
    return RelyingParty(name, f"{'https' if is_secure else 'http'}://{host}")


def new_challenge() -> bytes:
    return secrets.token_bytes(32)


def creation(
    session: Session, asks: RelyingParty, account_id: int, handle: bytes, challenge: bytes, office: str
) -> dict[str, Any]:
    """What a browser is asked for a new passkey (PublicKeyCredentialCreationOptionsJSON). `handle` are bytes by which
    devices recognize the account, and which tell nobody whose it is."""
    account = session.get_one(Account, account_id)
    known = session.scalars(select(AccountPasskey.credential).where(AccountPasskey.account_id == account_id))
    return {
        "rp": {"id": asks.id, "name": f"Leaseline {office}".strip()},
        "user": {"id": _written(handle), "name": account.name, "displayName": account.full_name},
        "challenge": _written(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in _ALGORITHMS],
        "timeout": int(GOOD_FOR.total_seconds() * 1000),
        "excludeCredentials": [{"type": "public-key", "id": _written(one)} for one in known],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def add(
    session: Session, by: By, account_id: int, asked: RelyingParty, challenge: bytes, credential: str, name: str
) -> None:
    """Keeps a passkey that a browser has made. Raises Invalid if it is not what was asked for, and Conflict."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    name = fields.text(name, "name", 40, required=True)
    try:
        found = webauthn.verify_registration_response(
            credential=_read(credential),
            expected_challenge=challenge,
            expected_rp_id=asked.id,
            expected_origin=asked.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, *BROKEN) as error:
        raise Invalid("This passkey is not what was asked for: try again.", code="passkey_wrong") from error
    if len(found.credential_id) > LONGEST_ID:
        raise Invalid("This passkey is not what was asked for: try again.", code="passkey_wrong")
    account, digest = session.get_one(Account, account_id), _digest(found.credential_id)
    mine = select(func.count()).select_from(AccountPasskey).where(AccountPasskey.account_id == account_id)
    if (session.scalar(mine) or 0) >= MOST:
        raise Conflict(f"An account has up to {MOST} passkeys: remove one that is not used.", code="passkeys_too_many")
    if session.scalar(select(AccountPasskey.id).where(AccountPasskey.digest == digest)) is not None:
        raise Conflict("This passkey is there already.", code="passkey_exists")
    session.add(
        AccountPasskey(
            account_id=account_id,
            name=name,
            digest=digest,
            credential=found.credential_id,
            public_key=found.credential_public_key,
            signed=found.sign_count,
            made_at=by.now,
        )
    )
    audit.record(session, by, f"account {account.name}: passkey {name} added")


def remove(session: Session, by: By, account_id: int, passkey_id: int) -> None:
    """Raises NotFound."""
    one = AccountPasskey.id == passkey_id, AccountPasskey.account_id == account_id
    name = session.scalar(select(AccountPasskey.name).where(*one))
    if name is None:
        raise NotFound("There is no such passkey.", code="passkey_unknown")
    session.execute(delete(AccountPasskey).where(*one))
    audit.record(session, by, f"account {session.get_one(Account, account_id).name}: passkey {name} removed")


def request(asks: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """What a browser is asked for at sign-in (PublicKeyCredentialRequestOptionsJSON). It names no account and no
    passkey, so it tells nobody which there are: the device shows its owner those that it has."""
    return {
        "rpId": asks.id,
        "challenge": _written(challenge),
        "timeout": int(GOOD_FOR.total_seconds() * 1000),
        "userVerification": "required",
    }


def proven(session: Session, asked: RelyingParty, challenge: bytes, credential: str) -> ProvenPasskey:
    """Whose passkey has signed the challenge; changes nothing. Raises NotSignedIn."""
    import webauthn
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        shown = _read(credential)
        digest = _digest(base64url_to_bytes(shown["rawId"]))
        kept = session.scalars(select(AccountPasskey).where(AccountPasskey.digest == digest)).first()
        if kept is None:
            raise refused()
        found = webauthn.verify_authentication_response(
            credential=shown,
            expected_challenge=challenge,
            expected_rp_id=asked.id,
            expected_origin=asked.origin,
            credential_public_key=kept.public_key,
            credential_current_sign_count=kept.signed,
            require_user_verification=True,
        )
    except (WebAuthnException, *BROKEN) as error:
        raise refused() from error
    return ProvenPasskey(kept.id, found.new_sign_count)


def use(session: Session, now: datetime, shown: ProvenPasskey, asked_at: datetime) -> Account:
    """The owner of a passkey, which counts as used now. Raises NotSignedIn if it was used since it was asked
    (`asked_at`), or has gone."""
    passkey = session.get(AccountPasskey, shown.id, with_for_update=True)
    if passkey is None or (passkey.used_at is not None and asked_at < passkey.used_at):
        raise refused()
    passkey.used_at, passkey.signed = now, shown.signed
    return session.get_one(Account, passkey.account_id)


def _read(credential: str) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object."""
    found = json.loads(credential)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _digest(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
