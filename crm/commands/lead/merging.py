"""Leads that are one person."""

from __future__ import annotations

from collections.abc import Sequence

import click

from crm.commands import output
from crm.commands.command import ID, System, WrongInput, ask, confirm, cut, limit_option, many, with_system
from crm.commands.lead.cells import interests_of, last_contact, numbers_of, standing
from crm.commands.lead.group import lead
from crm.services.people import leads as leads_service
from crm.services.people import merging, proposals, unmerging
from crm.views import leads
from crm.views import proposals as proposals_view
from crm.views.leads import LeadDetail
from crm.views.proposals import ProposalEntry


@lead.command(
    "proposals",
    json=many(ProposalEntry),
    examples=("lead proposals", "lead proposals --lead 1 --json", "lead proposals dismiss 3"),
)
@click.argument("decision", required=False, type=click.Choice(("dismiss",)))
@click.argument("proposal", required=False, type=ID)
@click.option("--lead", "lead_", metavar="LEAD", help="Only those that this lead is part of.")
@limit_option()
@with_system
def proposals_(
    system: System, decision: str | None, proposal: int | None, lead_: str | None, limit: int, as_json: bool
) -> None:
    """List leads that may be one person, oldest first: of those that are, `leaseline lead merge` makes one.

    `dismiss` and a PROPOSAL's number: they are two people, and are not proposed again.
    """
    if decision is not None:
        if proposal is None:
            raise WrongInput("Say which proposal: give its number.")
        decided = system.run(proposals.dismiss, system.by, proposal)
        output.say(f"Leads {decided.lead_id} and {decided.other_id} stay two.")
        return
    with system.store.reading() as session:
        lead_id = leads_service.named(session, system.config, lead_).id if lead_ is not None else None
        entries = cut(proposals_view.listed(session, lead_id=lead_id, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("proposal", "since", "lead", "name", "and lead", "name", "why"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.lead,
                one.lead_name or "unknown",
                one.other,
                one.other_name or "unknown",
                one.said,
            )
            for one in entries
        ),
        empty="No leads seem to be one person.",
    )


@lead.command(examples=("lead merge 1 2", "lead merge 1 2 --keep 1 --yes"))
@click.argument("one")
@click.argument("other")
@click.option("--keep", metavar="LEAD", help="The one of the two that survives.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_system
def merge(system: System, one: str, other: str, keep: str | None, yes: bool) -> None:
    """Merge the leads ONE and OTHER, which are the same person; each is an id, phone number or email address.

    The one that survives keeps its own data, and gets the other's timeline and open tasks. Nothing is sent. `leaseline
    lead unmerge` undoes it.
    """
    with system.store.reading() as session:
        found = [leads_service.named(session, system.config, raw).id for raw in (one, other)]
        if found[0] == found[1]:
            raise WrongInput(f"Both are lead {found[0]}: name two leads.")
        kept = leads_service.named(session, system.config, keep).id if keep is not None else None
        both = [leads.one(session, id, system.now) for id in found]
    if kept is None:
        if yes:
            raise WrongInput("Say which of the two survives: give --keep.")
        _compare(system, both)
        kept = int(ask("Which one survives?", [str(id) for id in found], "--keep"))
    elif kept not in found:
        raise WrongInput(f"--keep is lead {kept}: name one of the two.")
    gone = found[1] if kept == found[0] else found[0]
    if not yes:
        confirm(f"Merge lead {gone} into lead {kept}?")
    system.run(merging.merge, system.config, system.by, str(kept), str(gone))
    output.say(f"Lead {gone} is now part of lead {kept}; `leaseline lead unmerge {gone}` undoes it.")


@lead.command(examples=("lead unmerge 2",))
@click.argument("lead", type=ID)
@with_system
def unmerge(system: System, lead: int) -> None:
    """Make the LEAD with this id, which was merged into another, a lead of its own again.

    Both are as they were before. What has come in since goes to this lead if it came by a number or address of its own,
    and otherwise stays.
    """
    undone = system.run(unmerging.unmerge, system.config, system.by, lead)
    output.say(f"Lead {lead} is a lead of its own again, and no longer part of lead {undone.lead_id}.")


def _compare(system: System, both: Sequence[LeadDetail]) -> None:
    tz = system.config.tz
    output.print_table(
        ("", *(f"lead {one.id}" for one in both)),
        (
            ("name", *(one.name or "unknown" for one in both)),
            ("phones", *(numbers_of(one) for one in both)),
            ("emails", *([one.email, *one.further_emails] if one.email else one.further_emails for one in both)),
            ("status", *(standing(system, one) for one in both)),
            ("agent", *(one.agent or "nobody" for one in both)),
            ("since", *(output.local(one.created_at, tz) for one in both)),
            ("last contact", *(last_contact(system, one) for one in both)),
            ("interested in", *(interests_of(one.interests) for one in both)),
            ("timeline entries", *(len(one.timeline) for one in both)),
        ),
        empty="",
    )
