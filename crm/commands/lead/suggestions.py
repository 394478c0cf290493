"""What was understood from voicemail."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    with_system,
)
from crm.commands.lead.group import lead
from crm.services.people import leads as leads_service
from crm.services.people import suggestions as suggestions_service
from crm.views import suggestions as suggestion_views
from crm.views.suggestions import SuggestionEntry


@lead.command(
    json=many(SuggestionEntry), examples=("lead suggestions", "lead suggestions 1", "lead suggestions --json")
)
@click.argument("lead", required=False)
@limit_option()
@with_system
def suggestions(system: System, lead: str | None, limit: int, as_json: bool) -> None:
    """List what was understood from voicemail and waits to be taken over, of one LEAD or of all, oldest first."""
    lead_id = system.read(leads_service.named, system.config, lead).id if lead else None
    entries = cut(system.read(suggestion_views.listed, lead_id, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("id", "lead", "field", "value", "words", "call"),
        ((one.id, one.lead, one.field, one.value, one.words, f"{one.call or ''} at {one.second} s") for one in entries),
        empty="Nothing waits to be taken over.",
    )


_suggestion_ids = click.argument("ids", nargs=-1, type=ID, metavar="[SUGGESTION]...")


_of_lead = click.option("--lead", metavar="LEAD", help="All open ones of this lead.")


@lead.command(examples=("lead take 3 4", "lead take --lead 1"))
@_suggestion_ids
@_of_lead
@with_system
def take(system: System, ids: tuple[int, ...], lead: str | None) -> None:
    """Take over into the card what was understood from voicemail."""
    taken = system.run(suggestions_service.take, system.config, system.by, _chosen(system, ids, lead))
    output.say(f"Took over {output.counted(len(taken), 'suggestion')}.")


@lead.command(examples=("lead dismiss 3 4", "lead dismiss --lead 1"))
@_suggestion_ids
@_of_lead
@with_system
def dismiss(system: System, ids: tuple[int, ...], lead: str | None) -> None:
    """Put aside what was understood from voicemail, because it is wrong or of no use."""
    gone = system.run(suggestions_service.dismiss, system.by, _chosen(system, ids, lead))
    output.say(f"Dismissed {output.counted(len(gone), 'suggestion')}.")


def _chosen(system: System, ids: tuple[int, ...], lead: str | None) -> list[int]:
    if bool(ids) == (lead is not None):
        raise WrongInput("Name suggestions by their ids, or a lead with --lead.")
    if lead is None:
        return list(dict.fromkeys(ids))
    found = system.read(leads_service.named, system.config, lead).id
    of_lead = system.read(suggestions_service.of_lead, found)
    if not of_lead:
        raise WrongInput(f"Lead {found} has no open suggestions.")
    return of_lead
