"""Notices to the office's own people about what they should know at once: a text to their mobiles, and an email."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.texts import TextPurpose
from crm.services.outbox.outgoing import NOTICE, NewMail, NewText, queue
from crm.store.models import Agent, Device, Line
from crm.store.queries import lines

LONGEST_TEXT = 600
"""Characters of a notice sent as a text; the email has all of it."""

_log = logging.getLogger(__name__)


def tell(
    session: Session, config: Config, agents: Sequence[Agent], key: str, subject: str, text: str, now: datetime
) -> None:
    """Queues `text` for the agents' mobiles, and an email with `subject` for their addresses, in the caller's
    transaction. Each of them gets the same `key` only once.

    An agent with neither a mobile nor an address is left out. A number that opted out gets no text: the gate blocks it.
    """
    told = {agent.id: agent for agent in agents}
    found = select(Device).where(Device.agent_id.in_(told), Device.number.is_not(None)).order_by(Device.slug)
    mobiles = session.scalars(found).all()
    if mobiles and (sender := _line(session)):
        for number in dict.fromkeys(mobile.number for mobile in mobiles):
            assert number is not None
            # Our own lines would take the notice for a prospect's text.
            if lines.by_number(session, number) is None:
                new = NewText(_key(key, number), TextPurpose.STAFF, number, sender, _short(_clean(text)))
                queue(session, config, new, now)
    elif mobiles:
        _log.warning("a notice is not texted: there is no line to text from", extra={"key": key})
    for address in dict.fromkeys(agent.email for agent in told.values() if agent.email):
        queue(session, config, NewMail(_key(key, address), address, _clean(subject), _clean(text)), now)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def _line(session: Session) -> str | None:
    """The line that notices come from: the first one with an E.164 number, since carriers do not know extensions."""
    found = select(Line.number).where(Line.number.startswith("+")).order_by(Line.id).limit(1)
    return session.scalars(found).first()


def _key(key: str, whom: str) -> str:
    """A key for each recipient; hashed, because `key` may contain a channel's id."""
    what, who = (hashlib.sha256(part.encode()).hexdigest() for part in (key, whom))
    return f"{NOTICE}{what[:32]}:{who[:16]}"


def _clean(text: str) -> str:
    """Removes control characters other than line breaks, and what PostgreSQL refuses."""
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() or character == "\n" else " " for character in readable)
