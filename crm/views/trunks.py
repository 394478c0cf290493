"""Connections to the telephone network."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from crm.domain import fields, invite
from crm.domain.errors import NotFound
from crm.secrets import Secrets, of_trunk
from crm.store.models import Trunk
from crm.store.models.living import ALL
from crm.store.queries.names import id_of


class TrunkEntry(msgspec.Struct):
    """A connection to a carrier, or to another phone system."""

    slug: str
    host: str
    """Where calls and texts are sent."""
    port: int
    transport: str
    """udp, tcp or tls."""
    auth: str
    """How the peer authenticates: address or digest."""
    addresses: list[str]
    """IP addresses and networks that its calls come from."""
    username: str
    """Digest user; empty for none."""
    has_password: bool
    register: bool
    """Whether Leaseline registers with the peer."""
    emergency: bool
    """Whether emergency calls go out through it; if that is set for no trunk, they use all trunks for calls out."""
    enabled: bool
    position: int
    """Calls out try the lowest first, and the next when that one fails."""
    outbound: bool
    """Whether calls go out through it."""
    did_from: list[str]
    """Where its calls name the number dialed (request, called, to, diversion), in the order they are tried."""
    number_format: str
    """How it gives its callers' numbers, such as 9national; empty: as usual."""
    numbers: str
    """How it wants numbers: plus (+15125550100), digits (15125550100) or national (5125550100)."""
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


_TRUNK = select(
    Trunk.slug,
    Trunk.host,
    Trunk.port,
    Trunk.transport,
    Trunk.auth,
    Trunk.addresses,
    Trunk.username,
    Trunk.register,
    Trunk.emergency,
    Trunk.enabled,
    Trunk.position,
    Trunk.outbound,
    Trunk.did_from,
    Trunk.caller_format.label("number_format"),
    Trunk.numbers,
    Trunk.retired_at,
)


def listed(session: Session, secrets: Secrets, *, retired: bool = False) -> list[TrunkEntry]:
    """All in use, or all that are retired, in the order in which calls out try them."""
    found = _TRUNK.order_by(Trunk.position, Trunk.slug, Trunk.retired_at)
    if retired:
        found = found.where(Trunk.retired_at.is_not(None)).execution_options(**ALL)
    return [_entry(row, secrets) for row in session.execute(found)]


def one(session: Session, secrets: Secrets, slug: str) -> TrunkEntry:
    """Raises NotFound, Invalid."""
    row = session.execute(_TRUNK.where(Trunk.id == id_of(Trunk.slug, fields.slug(slug)))).first()
    if row is None:
        raise NotFound(f"There is no trunk {slug}.", code="trunk_unknown", trunk=slug)
    return _entry(row, secrets)


def _entry(row: Row[*tuple[Any, ...]], secrets: Secrets) -> TrunkEntry:
    shown = {**row._mapping, "did_from": (row.did_from or ",".join(invite.DID_SOURCES)).split(",")}
    # By its name, which may be another's by now.
    has_password = row.retired_at is None and secrets.has(of_trunk(row.slug))
    return TrunkEntry(**shown, has_password=has_password)
