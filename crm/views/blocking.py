"""Blocked callers, and addresses whose SIP is dropped."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.domain.blocking import BlockKind
from crm.store.models import BlockedCaller, SipBan


class BlockEntry(msgspec.Struct):
    """An entry of the block list."""

    kind: str
    """number, prefix or withheld."""
    value: str
    """E.164, a prefix of it, or empty for withheld."""
    refusal: str
    """spoken: the caller hears an announcement; silent: hung up at once."""
    why: str
    created_at: datetime

    @property
    def written(self) -> str:
        return {BlockKind.NUMBER: self.value, BlockKind.PREFIX: f"{self.value}*", BlockKind.WITHHELD: "withheld"}[
            BlockKind(self.kind)
        ]


class BanEntry(msgspec.Struct):
    """An address whose SIP is dropped."""

    network: str
    """IPv4 address or network."""
    since: datetime
    until: datetime | None
    """Null: until somebody removes it."""
    times: int
    """How many bans it has had, each within a day of the one before."""
    why: str


def callers(session: Session) -> list[BlockEntry]:
    found = select(
        BlockedCaller.kind, BlockedCaller.value, BlockedCaller.refusal, BlockedCaller.why, BlockedCaller.created_at
    )
    return [BlockEntry(*row) for row in session.execute(found.order_by(BlockedCaller.kind, BlockedCaller.value))]


def bans(session: Session, now: datetime) -> list[BanEntry]:
    """Those in force, the latest first."""
    found = select(SipBan.network, SipBan.since, SipBan.until, SipBan.times, SipBan.why)
    found = found.where(or_(SipBan.until.is_(None), SipBan.until > now))
    return [BanEntry(*row) for row in session.execute(found.order_by(SipBan.since.desc(), SipBan.id.desc()))]
