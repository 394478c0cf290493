"""Asks the one check whether an outside number may be dialed, and records every answer."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import dialing, gate
from crm.domain.dialing import Clearance, DialPurpose, DialRefused, DialRequest, NumberStyle, OutboundTrunk
from crm.domain.errors import NotFound
from crm.services.outbox import gatekeeper
from crm.services.people.identity import who_is
from crm.store.models import Agent, Call, Dialled, Line, Organization, Property, Subteam, SubteamMember, Trunk
from crm.store.queries import agents
from crm.store.queries import dialing as queries
from crm.store.queries.dialing import Wanted

log = logging.getLogger(__name__)


async def clear(
    crm: Crm, *, number: str, purpose: DialPurpose, agent: str | None, call_id: str | None, live: int
) -> Clearance:
    """Permission to dial `number` (as typed, or E.164) now. Raises DialRefused. The answer is recorded either way.

    `agent` is the slug of the agent who dials, or whose mobile is dialed; None: the office itself. `live` is how many
    legs to outside numbers Asterisk has now.
    """
    answer = await crm.store.run(
        _answer, crm.config, number=number, purpose=purpose, agent=agent, call_id=call_id, live=live, now=crm.now()
    )
    if isinstance(answer, DialRefused):
        log.info("a number is not dialed", extra={"purpose": purpose.value, "reason": str(answer)})
        raise answer
    return answer


def _answer(
    session: Session,
    config: Config,
    *,
    number: str,
    purpose: DialPurpose,
    agent: str | None,
    call_id: str | None,
    live: int,
    now: datetime,
) -> Clearance | DialRefused:
    # Without the lock, two requests at once could both get the last call of the day.
    session.execute(select(Organization.id).with_for_update())
    who = _agent(session, agent)
    ask = _ask(session, config, number, purpose, who, live, now)
    answer = dialing.refusal(ask, queries.rules(config)) or _clearance(session, ask, who)
    session.add(
        Dialled(
            at=now,
            number=(ask.number or _digits(number))[:40],
            agent_id=who.id if who else None,
            call_id=call_id,
            purpose=purpose,
            allowed=isinstance(answer, Clearance),
            reason=str(answer)[:300] if isinstance(answer, DialRefused) else "",
        )
    )
    return answer


def check(session: Session, config: Config, *, number: str, purpose: DialPurpose, agent: str | None) -> str:
    """The number as E.164 if it may be dialed, regardless of calls in progress and of how many were dialed today.
    Raises DialRefused.

    For numbers that are stored to be dialed later. Nothing is recorded.
    """
    who = _agent(session, agent)
    facts = _facts(session, config, number, purpose, who)
    if refused := dialing.refusal(facts, queries.rules(config)):
        raise refused
    assert facts.number is not None
    return facts.number


def warning(config: Config, number: str, now: datetime) -> str:
    """What a person should know before calling this number by hand; "" for nothing."""
    locations = gatekeeper.locations(config, number)
    if gate.next_open(locations, now) > now:
        return "It is outside the hours in which people may be called without having asked, where this number is."
    return ""


def shown_line(session: Session, agent_id: int | None, number: str) -> Line | None:
    """The line of ours that is shown to `number`: that of the agent's property, else the one the person used last, else
    the first."""
    if agent_id is not None:
        of_agent = (
            select(Line)
            .join(Property, Line.property_id == Property.id)
            .join(Subteam, Property.subteam_id == Subteam.id)
            .join(SubteamMember, SubteamMember.subteam_id == Subteam.id)
            .where(SubteamMember.agent_id == agent_id, Line.number.startswith("+"))
            .order_by(Property.slug, Line.number)
        )
        if line := session.scalars(of_agent.limit(1)).first():
            return line
    lead = who_is(session, number).lead
    used = select(Line).join(Call, Call.line_id == Line.id).where(Line.number.startswith("+"))
    used = used.where(Line.retired_at.is_(None))
    used = used.where(Call.lead_id == lead.id) if lead else used.where(Call.caller == number)
    if line := session.scalars(used.order_by(Call.started_at.desc()).limit(1)).first():
        return line
    # A + sorts before every digit, so an extension of an office's phone system is shown only if there is no number.
    return session.scalars(select(Line).order_by(Line.number).limit(1)).first()


def _agent(session: Session, slug: str | None) -> Agent | None:
    if slug is None:
        return None
    found = agents.by_slug(session, slug)
    if found is None:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    return found


def _ask(
    session: Session, config: Config, number: str, purpose: DialPurpose, who: Agent | None, live: int, now: datetime
) -> DialRequest:
    facts = _facts(session, config, number, purpose, who)
    today = datetime.combine(now.astimezone(config.tz).date(), time(), config.tz)
    dialled = select(func.count()).select_from(Dialled).where(Dialled.allowed, Dialled.at >= today)
    mine = dialled.where(Dialled.agent_id == who.id) if who else None
    return replace(
        facts,
        live=live,
        today=session.scalar(dialled) or 0,
        today_by_agent=(session.scalar(mine) or 0) if mine is not None else 0,
    )


def _facts(session: Session, config: Config, number: str, purpose: DialPurpose, who: Agent | None) -> DialRequest:
    wanted = Wanted(number, purpose, who.slug if who else None, who is None or who.dialing == queries.ALLOWED)
    [found] = queries.requests(session, config, [wanted])
    return found


def _clearance(session: Session, ask: DialRequest, who: Agent | None) -> Clearance | DialRefused:
    assert ask.number is not None
    trunks = session.scalars(select(Trunk).where(Trunk.enabled, Trunk.outbound))
    ways = dialing.in_order([(trunk.position, _way(trunk)) for trunk in trunks])
    if not ways:
        return DialRefused(
            "There is no trunk for outgoing calls: add one, or enable one for them.",
            code="trunk_out_missing",
        )
    line = shown_line(session, who.id if who else None, ask.number)
    if line is None:
        return DialRefused("There is no line whose number can be shown: add one.", code="line_to_show_missing")
    return Clearance(ask.number, ways, line.number)


def _way(trunk: Trunk) -> OutboundTrunk:
    return OutboundTrunk(trunk.slug, trunk.host, trunk.port, trunk.transport, NumberStyle(trunk.numbers))


def _digits(raw: str) -> str:
    return "".join(character for character in raw if character.isascii() and (character.isdigit() or character == "+"))
