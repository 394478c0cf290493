"""The systems that share this database, as each reports itself."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.config import Config
from crm.store.models import Node
from crm.store.queries import nodes

FORGOTTEN = timedelta(days=30)
"""A node that has been silent for this long will not come back."""


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
