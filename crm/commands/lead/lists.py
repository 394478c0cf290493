"""Leads in lists: listed, searched for, filtered."""

from __future__ import annotations

from typing import Any

import click

from crm.commands import output
from crm.commands.command import System, cut, limit_option, many, with_system
from crm.commands.lead.cells import contact_of, next_action, standing
from crm.commands.lead.group import check_names, filter_options, lead, written
from crm.domain.leads import read_filter
from crm.services.people import filters
from crm.views import leads
from crm.views import search as finding
from crm.views.leads import LeadEntry, SavedFilterEntry
from crm.views.search import LeadHit


@lead.command(
    "list",
    json=many(LeadEntry),
    examples=(
        "lead list --since today",
        "lead list --status open --light red --agent alice",
        "lead list --property elm --stage showing_booked --save elm-tours",
        "lead list --filter elm-tours --json",
    ),
)
@filter_options
@click.option("--filter", "saved", metavar="NAME", help="A saved filter; what else is given narrows it further.")
@click.option("--save", metavar="NAME", help="Also save this filter under this name.")
@limit_option()
@with_system
def list_(system: System, /, saved: str | None, save: str | None, limit: int, as_json: bool, **given: Any) -> None:
    """List leads, newest first. --since goes by when they first got in touch."""
    words = written(given)
    check_names(system, words)
    if saved is not None:
        words = system.read(filters.named, saved) | words
    wanted = read_filter(words, system.config.tz, system.now)
    if save is not None:
        system.run(filters.save, system.config, system.by, save, words)
    entries = cut(system.read(leads.listed, system.now, wanted, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("lead", "since", "name", "phone or email", "status", "light", "source", "agent", "interested in", "next"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.name or "unknown",
                contact_of(one),
                standing(system, one),
                one.light,
                one.source,
                one.agent,
                [interest.property for interest in one.interests],
                next_action(system, one),
            )
            for one in entries
        ),
        empty="No leads found.",
    )


@lead.command(
    json=many(LeadHit),
    examples=(
        "lead search oneill",
        "lead search 555-0188",
        "lead search 'golden retriever' --status open --json",
    ),
)
@click.argument("words", nargs=-1, required=True)
@filter_options
@limit_option()
@with_system
def search(system: System, /, words: tuple[str, ...], limit: int, as_json: bool, **given: Any) -> None:
    """Find leads by part of a name, number (in any notation) or email address, or by WORDS in their timeline.

    All words have to match; the last one may be incomplete.
    """
    asked = written(given)
    check_names(system, asked)
    wanted = read_filter(asked, system.config.tz, system.now)
    hits = cut(system.read(finding.found, " ".join(words), system.now, wanted, limit=limit + 1), limit)
    if as_json:
        output.print_json(hits)
        return
    output.print_table(
        ("lead", "name", "phone or email", "status", "agent", "found in", "what"),
        (
            (
                hit.lead.id,
                hit.lead.name or "unknown",
                contact_of(hit.lead),
                standing(system, hit.lead),
                hit.lead.agent,
                hit.found_in,
                hit.excerpt,
            )
            for hit in hits
        ),
        first_out=("found in", "agent", "status"),
        empty="No leads found.",
    )


@lead.command("filters", json=many(SavedFilterEntry), examples=("lead filters", "lead filters --remove elm-tours"))
@click.option("--remove", metavar="NAME", help="Remove this filter.")
@with_system
def filters_(system: System, remove: str | None, as_json: bool) -> None:
    """List saved filters."""
    if remove is not None:
        system.run(filters.remove, system.by, remove)
        output.say(f"Removed filter {remove}.")
        return
    entries = system.read(leads.saved_filters)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("name", "shows", "made by"),
        (
            (one.name, [f"{key.replace('_', '-')} {value}" for key, value in one.filter.items()], one.made_by)
            for one in entries
        ),
        empty="No filter is saved: make one with `leaseline lead list ... --save NAME`.",
    )
