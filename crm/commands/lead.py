"""`leaseline lead`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import msgspec

from crm.commands import output
from crm.commands.command import (
    Group,
    System,
    WrongInput,
    limit_option,
    many,
    one,
    since_option,
    tell_of_more,
    with_system,
)
from crm.domain import fields
from crm.domain.errors import NotFound
from crm.domain.leads import LeadStatus
from crm.edge import numbers
from crm.services.people import leads as leads_service
from crm.store.models import Activity, Lead
from crm.store.queries import leads


class InterestEntry(msgspec.Struct):
    """A lead's interest in one property."""

    property: str
    """Slug."""
    stage: str
    """How far it has come."""
    updated_at: datetime


class ActivityEntry(msgspec.Struct):
    """An entry of the timeline."""

    at: datetime
    kind: str
    """The industry's event name: CallFromProspect, Text, ..."""
    text: str
    call: str | None


class LeadEntry(msgspec.Struct, kw_only=True):
    """One person's guest card."""

    id: int
    name: str | None
    """Null until somebody knows it."""
    phones: list[str]
    """E.164; none for a caller who withheld the number."""
    email: str
    """Empty until somebody writes it."""
    status: str
    """new, in_progress or closed."""
    source: str
    """Where their first call came from."""
    agent: str | None
    """Slug of the assigned agent."""
    language: str
    """That they chose in a call, and hear from then on; empty: the line's."""
    created_at: datetime
    interests: list[InterestEntry]

    @classmethod
    def of(cls, lead: Lead) -> LeadEntry:
        return cls(**_of(lead))


class LeadDetail(LeadEntry, kw_only=True):
    """A guest card with its timeline."""

    timeline: list[ActivityEntry]
    """Oldest first."""


def _of(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.id,
        "name": lead.name,
        "phones": [phone.number for phone in lead.phones],
        "email": lead.email,
        "status": lead.status,
        "source": lead.source,
        "agent": lead.assigned_agent.slug if lead.assigned_agent else None,
        "created_at": lead.created_at,
        "language": lead.language,
        "interests": [InterestEntry(one.property.slug, one.stage, one.updated_at) for one in lead.interests],
    }


@click.group(
    cls=Group, examples=("lead list --since 7d", "lead show '(512) 555-0123'", "lead set 12 --email carol@example.com")
)
def lead() -> None:
    """People who called."""


@lead.command("list", json=many(LeadEntry), examples=("lead list --since today", "lead list --status new --json"))
@since_option
@click.option("--status", type=click.Choice([status.value for status in LeadStatus]), help="Only those.")
@limit_option()
@with_system
def list_(system: System, since: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List leads, the newest first."""
    start = fields.since(since, system.config.tz, system.now) if since else None
    with system.store.reading() as session:
        found = leads.listed(session, status=status, limit=limit + 1)
    # They come newest first, so what is too old is at the end and cutting it off afterwards loses none.
    recent = [one for one in found if start is None or one.created_at >= start]
    entries = [LeadEntry.of(one) for one in recent[:limit]]
    tell_of_more(len(recent), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("lead", "since", "name", "phone", "status", "source", "agent", "interested in"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.name or "unknown",
                one.phones or "withheld",
                one.status,
                one.source,
                one.agent,
                [interest.property for interest in one.interests],
            )
            for one in entries
        ),
        empty="There are no such leads.",
    )


@lead.command(json=one(LeadDetail), examples=("lead show 12", "lead show +15125550123 --json"))
@click.argument("lead")
@with_system
def show(system: System, lead: str, as_json: bool) -> None:
    """Show the LEAD with this id or telephone number, and everything that happened with them."""
    with system.store.reading() as session:
        found: Lead | None = None
        if lead.isascii() and lead.isdigit() and len(lead) < 7:
            found = leads.by_id(session, int(lead))
        elif number := numbers.parse(lead, system.config.region):
            found = leads.by_phone(session, number)
        if found is None:
            raise NotFound("There is no lead with this id or number: `leaseline lead list` shows those there are.")
        timeline = [_activity(one) for one in leads.timeline(session, found.id)]
    detail = LeadDetail(**_of(found), timeline=timeline)
    if as_json:
        output.print_json(detail)
        return
    tz = system.config.tz
    output.print_entry(
        (
            ("lead", detail.id),
            ("name", detail.name or "unknown"),
            ("phones", detail.phones or "withheld"),
            ("email", detail.email),
            ("status", detail.status),
            ("source", detail.source),
            ("agent", detail.agent),
            ("language", detail.language or "the line's"),
            ("since", output.local(detail.created_at, tz)),
            ("interested in", _interests(detail.interests)),
        )
    )
    output.print_heading("Timeline")
    output.print_table(
        ("at", "kind", "what", "call"),
        ((output.local(one.at, tz, seconds=True), one.kind, one.text, one.call) for one in detail.timeline),
        empty="Nothing is on record.",
    )


@lead.command(
    "set",
    examples=("lead set 12 --name Carol", "lead set +15125550123 --email carol@example.com", "lead set 12 --email ''"),
)
@click.argument("lead")
@click.option("--name", help="As the person says it; '' takes it away.")
@click.option("--email", metavar="ADDRESS", help="Where tours are confirmed to, with an entry for the calendar.")
@with_system
def set_(system: System, lead: str, name: str | None, email: str | None) -> None:
    """Change the LEAD with this id or telephone number."""
    if name is None and email is None:
        raise WrongInput("Nothing is to be changed: give --name or --email.")
    found = system.run(leads_service.change, system.config, system.by, lead, name=name, email=email)
    output.say(f"Lead {found.id} is changed.")


def _activity(activity: Activity) -> ActivityEntry:
    return ActivityEntry(activity.at, activity.kind, activity.text, activity.call_id)


def _interests(interests: Sequence[InterestEntry]) -> list[str]:
    return [f"{one.property} ({one.stage})" for one in interests]
