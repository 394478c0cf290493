"""Begins ordered calls when they are due, each in a flow of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ari_app.call.available import phones
from ari_app.call.call import AppContext
from ari_app.edge.errors import PhoneError
from crm.services.calls import orders
from crm.services.calls.orders import OrderClaim
from crm.store.models import CallOrder, Task
from crm.worker import Worker

log = logging.getLogger(__name__)

NOT_YET = timedelta(seconds=0.5)
"""How often to check whether calls may begin, while they may not."""


class Orders(Worker[OrderClaim, None]):
    name = "ordered calls"
    wakes_on = (CallOrder, Task)

    def __init__(self, context: AppContext, begin: Callable[[OrderClaim], None]) -> None:
        """`begin` starts the flow, which records the result of the order."""
        self._context = context
        self._begin = begin
        self._online: Collection[str] | None = None
        """Devices registered with our Asterisk; None if that is unknown, or no calls may begin."""

    def due(self, session: Session, now: datetime, under_way: Sequence[OrderClaim]) -> datetime | None:
        return orders.next_due(session) if self._context.places_calls else now + NOT_YET

    async def prepare(self) -> None:
        self._online = None
        if self._context.places_calls:
            try:
                self._online = (await phones(self._context)).online
            except PhoneError as error:
                log.warning("orders wait: %s", error)

    def claim(self, session: Session, now: datetime, under_way: Sequence[OrderClaim]) -> OrderClaim | None:
        # The agent's phone may be registered with another node.
        return None if self._online is None else orders.claim(session, self._context.config, now, self._online)

    async def work(self, claim: OrderClaim) -> None:
        self._begin(claim)
