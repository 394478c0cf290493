"""What is known of numbers that somebody wants dialed, for `crm.domain.dialing` to decide by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import dialing
from crm.domain.dialing import DialPurpose, DialRequest, DialRules
from crm.edge import numbers
from crm.store.models import Line, OptOut

ALLOWED = "allowed"
"""What an agent who may dial outside numbers has in `dialing`."""


@dataclass(frozen=True)
class Wanted:
    """A number that somebody wants dialed, or has written down to be."""

    number: str
    """As typed, or E.164."""
    purpose: DialPurpose
    agent: str | None = None
    """Slug of the agent who dials, or whose mobile it is; None: the office itself."""
    may_dial: bool = True
    """The agent's own permission."""


def rules(config: Config) -> DialRules:
    """What `[dialing]` says."""
    settings = config.dialing
    return DialRules(
        countries=frozenset(settings.countries),
        allowed_prefixes=settings.allowed_prefixes,
        blocked_prefixes=settings.blocked_prefixes,
        live=settings.live,
        per_day=settings.per_day,
        per_agent_per_day=settings.per_agent_per_day,
    )


def requests(session: Session, config: Config, wanted: Sequence[Wanted]) -> list[DialRequest]:
    """What is known of each, regardless of what is up and was dialed today; queried for all of them at once."""
    parsed = [
        numbers.dialled(one.number, config.region, config.dialing.outside_prefix, config.area_code) for one in wanted
    ]
    known = {number for number in parsed if number}
    lines = set(session.scalars(select(Line.number).where(Line.number.in_(known)))) if known else set()
    opted_out: dict[str, str] = {}
    if any(one.purpose in dialing.TO_PEOPLE for one in wanted):
        entries = select(OptOut.number, OptOut.created_at).where(OptOut.number.in_(known), OptOut.scope == "all")
        for number, at in session.execute(entries.where(OptOut.ended_at.is_(None)).order_by(OptOut.id)):
            opted_out.setdefault(number, f"entered on {at:%Y-%m-%d}")
    return [
        DialRequest(
            typed=one.number,
            number=number,
            purpose=one.purpose,
            country=numbers.country(number) if number else "",
            is_costly=numbers.is_costly(number) if number else False,
            is_our_line=number in lines,
            agent=one.agent,
            may_dial=one.may_dial,
            opted_out=opted_out.get(number or "", ""),
        )
        for one, number in zip(wanted, parsed, strict=True)
    ]


def refusals(session: Session, config: Config, wanted: Sequence[Wanted]) -> list[str]:
    """Why each may not be dialed now, as a sentence; empty when it may."""
    found = [dialing.refusal(one, rules(config)) for one in requests(session, config, wanted)]
    return [str(refused) if refused else "" for refused in found]
