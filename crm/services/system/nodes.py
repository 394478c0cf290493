"""The systems that share this database, as each reports itself."""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.store import changes
from crm.store.models import Node
from crm.store.queries import nodes

FORGOTTEN = timedelta(days=30)
"""A node that has been silent for this long will not come back."""


@dataclass(frozen=True)
class OtherNodes:
    gone: frozenset[str]
    """Whose work is ours now."""
    are_up: bool
    """Whether there are any that look for our sign of life."""
    left: list[tuple[str, datetime]]
    """The open calls of those that are gone, and when each was last seen."""


def here(config: Config) -> str:
    """The machine and folder of this home."""
    return f"{socket.gethostname()}:{config.home}"[:300]


def beat(session: Session, config: Config, now: datetime) -> list[tuple[str, datetime]]:
    """Records that this node is alive. Returns the open calls of nodes that are gone, and when each was last seen."""
    own = session.get(Node, config.node)
    if own is None:
        session.add(Node(name=config.node, home=here(config), seen_at=now))
    else:
        own.home, own.seen_at = here(config), now
    left = nodes.left_behind(session, config.node, now)
    if not left:
        session.execute(delete(Node).where(Node.name != config.node, Node.seen_at < now - FORGOTTEN))
    return left


def look(session: Session, config: Config, now: datetime, gone: Collection[str]) -> OtherNodes:
    """`beat`, and what is to be known of the others. When others are gone than `gone`, all workers look, in every
    process: no row shows that what was theirs is for everybody."""
    left = beat(session, config, now)
    others = session.execute(select(Node.name, Node.seen_at).where(Node.name != config.node)).all()
    found = frozenset(one.name for one in others if one.seen_at < now - nodes.GONE)
    if found != frozenset(gone):
        for table in changes.WATCHED:
            changes.stir(session, table)
    return OtherNodes(found, len(found) < len(others), left)
