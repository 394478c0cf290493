"""The worker that shows notices on people's closed browsers, for those who asked for it there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.edge.networks import Allowed
from crm.edge.push_target import PushTarget
from crm.edge.web_push import PushClient, PushError
from crm.secrets import Secrets
from crm.services.access import push
from crm.services.access.push import Browser
from crm.services.outbox.delivery import HELD
from crm.store.models import Notice
from crm.worker import Worker

OF_USE = timedelta(hours=1)
"""A notice this old is in the list and the email; it is not shown any more."""
AGAIN = timedelta(seconds=30)
KEPT_SECONDS = 4 * 3600
"""How long a push service keeps a notice for a browser that is away."""

_log = logging.getLogger(__name__)


def push_client(config: Config, secrets: Secrets) -> PushClient:
    """Sends to the services in console.push_hosts, at public addresses."""
    allowed = Allowed.of(config.api.webhook_networks)
    return PushClient(push.key(secrets), push.contact(config), config.console.push_hosts, allowed)


class PushSender(Protocol):
    async def send(
        self, target: PushTarget, text: bytes, now: float, *, seconds: int, is_urgent: bool, topic: str = ""
    ) -> None:
        """Raises PushError."""


@dataclass(frozen=True)
class PushClaim:
    notice_id: int
    text: bytes
    browsers: tuple[Browser, ...]


@dataclass(frozen=True)
class PushResults:
    taken: tuple[int, ...]
    refused: tuple[tuple[int, PushError], ...]


class NoticePusher(Worker[PushClaim, PushResults]):
    name = "notices in browsers"
    wakes_on = (Notice,)
    at_once = 4
    grace_seconds = 3.0

    def __init__(self, crm: Crm, sender: PushSender, held: Callable[[], bool] = lambda: False) -> None:
        self._now, self._sender, self._held = crm.now, sender, held

    def due(self, session: Session, now: datetime, under_way: Sequence[PushClaim]) -> datetime | None:
        if self._held():
            return now + HELD
        waiting = select(Notice.push_at).where(
            Notice.push_at.is_not(None), Notice.id.not_in([claim.notice_id for claim in under_way])
        )
        return session.scalar(waiting.order_by(Notice.push_at).limit(1))

    def claim(self, session: Session, now: datetime, under_way: Sequence[PushClaim]) -> PushClaim | None:
        first = select(Notice).where(Notice.push_at <= now).order_by(Notice.push_at).limit(1)
        notice = session.scalars(first.with_for_update(skip_locked=True)).first()
        if notice is None:
            return None
        # If this process dies, somebody else tries again. A browser replaces one notice by the same one.
        notice.push_at = now + AGAIN
        found = tuple(push.browsers(session, now, [notice.agent_id]))
        path = f"/leads/{notice.lead_id}" if notice.lead_id else "/"
        text = push.message(notice.subject, notice.text, path=path, tag=f"notice-{notice.id}")
        return PushClaim(notice.id, text, found)

    async def work(self, claim: PushClaim) -> PushResults:
        results = await asyncio.gather(*(self._send(claim, browser) for browser in claim.browsers))
        return PushResults(
            tuple(browser.id for browser, error in zip(claim.browsers, results, strict=True) if error is None),
            tuple((one.id, error) for one, error in zip(claim.browsers, results, strict=True) if error is not None),
        )

    async def _send(self, claim: PushClaim, browser: Browser) -> PushError | None:
        try:
            await self._sender.send(
                browser.target, claim.text, self._now().timestamp(), seconds=KEPT_SECONDS, is_urgent=False
            )
        except PushError as error:
            return error
        return None

    def record(self, session: Session, claim: PushClaim, result: PushResults, now: datetime) -> None:
        push.taken(session, now, result.taken)
        for id, error in result.refused:
            push.refused(session, now, id, str(error), is_gone=error.is_gone)
            _log.info("a browser was not sent a notice: %s", error, extra={"subscription": id})
        notice = session.get(Notice, claim.notice_id, with_for_update=True)
        if notice is None:
            return
        may_work = not result.taken and any(error.retryable for _, error in result.refused)
        notice.push_at = now + AGAIN if may_work and now - notice.made_at < OF_USE else None
