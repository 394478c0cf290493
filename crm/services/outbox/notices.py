"""Notices to the office's own people about what they should know at once: a text to their mobiles, and an email."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import NotFound
from crm.domain.texts import TextPurpose
from crm.services.audit import By
from crm.services.office.agents import named
from crm.services.outbox.outgoing import NOTICE, NewMail, NewText, queue
from crm.store.models import Agent, Device, Line, Notice
from crm.store.queries import lines

LONGEST_TEXT = 600
"""Characters of a notice sent as a text; the email has all of it."""

KEPT = timedelta(days=90)
"""So long a notice stays in the list, read or not."""

_log = logging.getLogger(__name__)


def tell(
    session: Session,
    config: Config,
    agents: Sequence[Agent],
    key: str,
    subject: str,
    text: str,
    now: datetime,
    *,
    lead_id: int | None = None,
) -> None:
    """Puts `text` into the agents' lists of notices, and queues it for their mobiles and as an email with `subject`, in
    the caller's transaction. Each of them gets the same `key` only once. `lead_id`: whom it is about.

    A number that opted out gets no text: the gate blocks it.
    """
    told = {agent.id: agent for agent in agents}
    _list(session, told, key, subject, text, now, lead_id)
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


def read(session: Session, by: By, agent_slug: str, ids: Sequence[int] = ()) -> int:
    """Marks an agent's notices as read; without `ids` all of them. Gives how many were unread. Raises NotFound."""
    agent = named(session, agent_slug)
    theirs = update(Notice).where(Notice.agent_id == agent.id, Notice.read_at.is_(None))
    if ids:
        known = set(session.scalars(select(Notice.id).where(Notice.agent_id == agent.id, Notice.id.in_(ids))))
        for id in ids:
            if id not in known:
                raise NotFound(
                    f"{agent.name} has no notice {id}.", code="notice_unknown", notice=str(id), agent=agent.slug
                )
        theirs = theirs.where(Notice.id.in_(ids))
    return len(session.execute(theirs.values(read_at=by.now).returning(Notice.id)).all())


def forget(session: Session, now: datetime) -> int:
    """Deletes notices that nobody needs any more. Gives how many."""
    old = delete(Notice).where(Notice.made_at < now - KEPT)
    return len(session.execute(old.returning(Notice.id)).all())


def _list(
    session: Session, told: Iterable[int], key: str, subject: str, text: str, now: datetime, lead_id: int | None
) -> None:
    """Puts the notice into the list of each agent, once."""
    wanted = {_key(key, f"agent:{id}"): id for id in told}
    there = set(session.scalars(select(Notice.key).where(Notice.key.in_(wanted)))) if wanted else set()
    session.add_all(
        Notice(
            key=own,
            agent_id=id,
            lead_id=lead_id,
            subject=_clean(subject).replace("\n", " ")[:300],
            text=_clean(text),
            made_at=now,
        )
        for own, id in wanted.items()
        if own not in there
    )


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
