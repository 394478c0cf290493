"""`leaseline lead`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from crm.commands import output
from crm.commands.command import Group, System, WrongInput, cut, limit_option, many, one, since_option, with_system
from crm.domain.errors import NotFound
from crm.domain.leads import LeadStatus
from crm.services.people import intake
from crm.services.people import leads as leads_service
from crm.views import leads
from crm.views.leads import InterestEntry, LeadDetail, LeadEntry


@click.group(
    cls=Group, examples=("lead list --since 7d", "lead show '(512) 555-0123'", "lead set 12 --email carol@example.com")
)
def lead() -> None:
    """People who called."""


@lead.command("list", json=many(LeadEntry), examples=("lead list --since today", "lead list --status new --json"))
@since_option
@click.option("--status", type=click.Choice([status.value for status in LeadStatus]), help="Only these.")
@limit_option()
@with_system
def list_(system: System, since: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List leads, newest first."""
    start = system.since(since)
    entries = cut(system.read(leads.listed, status=status, since=start, limit=limit + 1), limit)
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
        empty="No leads found.",
    )


@lead.command(json=one(LeadDetail), examples=("lead show 12", "lead show +15125550123 --json"))
@click.argument("lead")
@with_system
def show(system: System, lead: str, as_json: bool) -> None:
    """Show the LEAD with this id, phone number or email address, and everything that has happened with them."""
    with system.store.reading() as session:
        found, _ = intake.person(session, system.config, lead)
        if found is None:
            raise NotFound("There is no lead with this number.", code="lead_unknown")
        detail = leads.one(session, found.id)
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
        empty="Nothing was recorded.",
    )


@lead.command(
    "set",
    examples=("lead set 12 --name Carol", "lead set +15125550123 --email carol@example.com", "lead set 12 --email ''"),
)
@click.argument("lead")
@click.option("--name", help="As the person says it; '' for none.")
@click.option("--email", metavar="ADDRESS", help="Where tour confirmations are sent, with a calendar entry.")
@with_system
def set_(system: System, lead: str, name: str | None, email: str | None) -> None:
    """Change the LEAD with this id, phone number or email address."""
    if name is None and email is None:
        raise WrongInput("Nothing to change: give --name or --email.")
    found = system.run(leads_service.change, system.config, system.by, lead, name=name, email=email)
    output.say(f"Changed lead {found.id}.")


def _interests(interests: Sequence[InterestEntry]) -> list[str]:
    return [f"{one.property} ({one.stage})" for one in interests]
