"""Resends failed texts when a person asks for it.

This is never automatic: a text in an unknown state may have arrived, and one that the carrier refused for good will be
refused again until somebody has fixed the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, NotFound
from crm.domain.texts import TextDirection
from crm.services import audit
from crm.services.audit import By
from crm.services.outbox import outgoing
from crm.store.models import Message

MOST = 500
"""Texts per call; the gate's limits spread them out anyway."""


def these(session: Session, config: Config, by: By, ids: Sequence[int], *, unknown: bool) -> list[Message]:
    """Sends these texts again, all or none; `unknown` also allows texts that may have arrived.

    Raises NotFound, and Conflict for a text that did not fail.
    """
    found = {row.id: row for row in session.scalars(select(Message).where(Message.id.in_(ids)))}
    for id in ids:
        if id not in found or found[id].direction != TextDirection.OUT:
            raise NotFound(f"There is no outgoing text {id}.", code="message_unknown", message=id)
        state = found[id].state
        if state == DeliveryState.UNKNOWN and not unknown:
            raise Conflict(f"Text {id} may have arrived.", code="message_may_have_arrived", message=id)
        if state not in (DeliveryState.FAILED, DeliveryState.UNKNOWN):
            raise Conflict(
                f"Text {id} is {state}: only failed texts are resent.",
                code="message_not_failed",
                message=id,
                state=state,
            )
    return [_again(session, config, by, found[id]) for id in dict.fromkeys(ids)]


def failed(
    session: Session, config: Config, by: By, since: datetime | None, *, unknown: bool
) -> tuple[list[Message], bool]:
    """Sends failed texts again, oldest first, limited to those written since `since`. Also returns True if more than
    `MOST` failed, so that some are left."""
    states = [DeliveryState.FAILED, *([DeliveryState.UNKNOWN] if unknown else [])]
    rows = select(Message).where(Message.state.in_(states), Message.direction == TextDirection.OUT)
    if since is not None:
        rows = rows.where(Message.created_at >= since)
    found = session.scalars(rows.order_by(Message.created_at, Message.id).limit(MOST + 1)).all()
    return [_again(session, config, by, one) for one in found[:MOST]], len(found) > MOST


def _again(session: Session, config: Config, by: By, message: Message) -> Message:
    outgoing.again(session, config, message, by.now)
    audit.record(session, by, f"text {message.id} sent again: {message.decision}")
    return message
