"""Whether there is what a list is asked for: a mistyped name finds nothing, just like a list that is empty."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.store import models
from crm.store.models import Agent, Call, Lead, Line, Property, Subteam
from crm.store.models.living import ALL
from crm.store.queries.names import ids_of


def check(
    session: Session,
    *,
    agent: str | None = None,
    property: str | None = None,
    subteam: str | None = None,
    line: str | None = None,
    lead: int | None = None,
    call: str | None = None,
    source: str | None = None,
    webhook: int | None = None,
) -> None:
    """Raises NotFound for the first of these that there is not and has not been: retired or renamed, there is something
    on record under its name. `line` is a number; one that callers have dialed will do."""
    if agent and not session.scalar(ids_of(Agent.slug, agent).execution_options(**ALL).limit(1)):
        raise NotFound(f"There is no agent {agent}.", code="agent_unknown", agent=agent)
    if property and not session.scalar(ids_of(Property.slug, property).execution_options(**ALL).limit(1)):
        raise NotFound(f"There is no property {property}.", code="property_unknown", property=property)
    if subteam and not session.scalar(ids_of(Subteam.slug, subteam).execution_options(**ALL).limit(1)):
        raise NotFound(f"There is no subteam {subteam}.", code="subteam_unknown", subteam=subteam)
    if line and not _is_line(session, line):
        raise NotFound(f"There is no line {line}.", code="line_unknown", number=line)
    if lead is not None and not session.get(Lead, lead):
        raise NotFound(f"There is no lead {lead}.", code="lead_unknown", lead=str(lead))
    if call and not session.get(Call, call):
        raise NotFound(f"There is no call {call}.", code="call_unknown", call=call)
    if source and not session.scalar(select(Lead.id).where(Lead.source == source).limit(1)):
        raise NotFound(f"No lead has the source {source}.", code="source_of_none", source=source)
    if webhook is not None and not session.get(models.Webhook, webhook):
        raise NotFound(f"There is no webhook {webhook}.", code="webhook_unknown", webhook=webhook)


def _is_line(session: Session, number: str) -> bool:
    """What callers have dialed is on record, whether it was a line of ours or not."""
    ours = select(Line.id).where(Line.number == number).execution_options(**ALL).limit(1)
    dialed = select(Call.id).where(Call.did == number).limit(1)
    return session.scalar(ours) is not None or session.scalar(dialed) is not None
