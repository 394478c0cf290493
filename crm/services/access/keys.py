"""Keys of the REST API: made, recognized and revoked.

A key has 256 random bits, so its SHA-256 is enough to recognize it: unlike passwords, it needs no slow hash against
guessing. It is looked up by its prefix, and the whole is then compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.access import WHOLE_OFFICE, Reach, Scope, read_scopes
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.secrets import ALPHABET
from crm.services import audit
from crm.services.access import reaches
from crm.services.audit import By
from crm.services.office import properties, subteams
from crm.store.models import ApiKey, ApiKeyReach
from crm.store.queries import names

START = "llk_"
"""Prefix of every key, by which scanners for leaked secrets can recognize one."""
NAMED, SECRET = 8, 43
"""Letters and digits in a key's name and in its secret part: 62 ** 43 is 256 bits."""
_FORM = re.compile(rf"{START}([A-Za-z0-9]{{{NAMED}}})_[A-Za-z0-9]{{{SECRET}}}")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """The valid key of a request."""

    id: int
    name: str
    scopes: frozenset[str]
    reach: Reach
    used_at: datetime | None


def add(
    session: Session,
    by: By,
    name: str,
    scopes: Sequence[str],
    *,
    property_slugs: Sequence[str] = (),
    subteam_slugs: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Creates a key, and returns it with its full text, which cannot be shown again.

    Without properties and subteams it sees the whole office. Raises Invalid, NotFound, and Conflict for a name that a
    key has had before: the audit log refers to it.
    """
    wanted = read_scopes(scopes)
    fields.slug(name)
    check_free(session, name)
    if expires_at is not None and expires_at <= by.now:
        raise Invalid("A key has to expire in the future.", code="api_key_expired")
    prefix = START + _random(NAMED)
    whole = f"{prefix}_{_random(SECRET)}"
    reach = [ApiKeyReach(property_id=properties.named(session, slug).id) for slug in dict.fromkeys(property_slugs)]
    reach += [ApiKeyReach(subteam_id=subteams.named(session, slug).id) for slug in dict.fromkeys(subteam_slugs)]
    key = ApiKey(
        name=name,
        prefix=prefix,
        digest=_digest(whole),
        scopes=[scope for scope in Scope if scope in wanted],
        is_narrow=bool(reach),
        reach=reach,
        made_by=by.who[:80],
        made_at=by.now,
        expires_at=expires_at,
    )
    session.add(key)
    sees = ", ".join([*property_slugs, *subteam_slugs]) or "the whole office"
    audit.record(session, by, f"API key {name} added for {sees}: {', '.join(key.scopes)}")
    session.flush()
    return key, whole


def revoke(session: Session, by: By, name: str) -> None:
    """Revokes a key; its name stays, for the audit log. Raises NotFound, Conflict."""
    key = named(session, name)
    if key.revoked_at is not None:
        raise Conflict(f"The key {key.name} is already revoked.", code="api_key_revoked", key=key.name)
    key.revoked_at = by.now
    audit.record(session, by, f"API key {key.name} revoked")


def named(session: Session, name: str) -> ApiKey:
    """By the name it has, else by one it had before. Raises NotFound."""
    found = _find(session, name)
    if found is None:
        raise NotFound(f"There is no key {name[:40]}.", code="api_key_unknown")
    return found


def check_free(session: Session, name: str, key: ApiKey | None = None) -> None:
    """Raises Conflict for a name that another key has, or had before: the audit log refers to it."""
    known = _find(session, name)
    if known is not None and known is not key:
        raise Conflict(f"There is or was a key {name}: choose another name.", code="api_key_exists", key=name)


def known(session: Session, shown: str, now: datetime) -> KnownKey | None:
    """The key with this text, and what it may reach now; None if there is no such key, or it is no longer valid."""
    form = _FORM.fullmatch(shown)
    key = form and session.scalars(select(ApiKey).where(ApiKey.prefix == START + form[1])).first()
    # Compared even if there is no such key, so that the time taken tells nothing.
    is_right = hmac.compare_digest(_digest(shown), key.digest if key else _digest(""))
    if not key or not is_right or key.revoked_at is not None:
        return None
    if key.expires_at is not None and key.expires_at <= now:
        return None
    return KnownKey(key.id, key.name, frozenset(key.scopes), _reach(session, key), key.used_at)


def note_use(session: Session, used: Mapping[int, datetime]) -> None:
    """Stores when keys were last used, for many requests at once."""
    for key_id, at in used.items():
        session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, or_(ApiKey.used_at.is_(None), ApiKey.used_at < at))
            .values(used_at=at)
            .execution_options(synchronize_session=False)
        )


def _reach(session: Session, key: ApiKey) -> Reach:
    if not key.is_narrow:
        return WHOLE_OFFICE
    return reaches.of_key(session, key.id)


def _find(session: Session, name: str) -> ApiKey | None:
    found = session.scalars(select(ApiKey).where(ApiKey.name == name)).first()
    return found or names.renamed(session, ApiKey, name)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()
