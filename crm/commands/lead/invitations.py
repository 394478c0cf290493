"""Invitations to apply."""

from __future__ import annotations

import sys

import click

from crm.commands import output
from crm.commands.command import ID, System, many, with_system
from crm.commands.lead.group import lead
from crm.domain.errors import Invalid
from crm.domain.pasted import addresses as addresses_in
from crm.services.applications import invitations
from crm.services.applications.invitations import Invitation, InvitationResult, InvitedHome

LONGEST_PASTE = 1_000_000
"""Characters that are read from a pipe."""


@lead.command(
    json=many(Invitation),
    examples=(
        "lead invite --property elm --unit 204B pat@example.com 'Sam Lee <sam@example.com>'",
        "lead invite --listing 2 - < pasted.txt",
        "lead invite --property elm --again pat@example.com",
    ),
)
@click.argument("addresses", nargs=-1)
@click.option("--property", "property_slug", metavar="SLUG", help="The property they can apply for.")
@click.option("--unit", "unit_name", metavar="NAME", help="With --property: this home only.")
@click.option("--listing", "listing_id", type=ID, metavar="LISTING", help="Instead: the listing they can apply for.")
@click.option("--skip-wrong", is_flag=True, help="Invite the others if some are not email addresses.")
@click.option("--again", is_flag=True, help="Send the link again to people who were invited before.")
@with_system
def invite(
    system: System,
    /,
    addresses: tuple[str, ...],
    property_slug: str | None,
    unit_name: str | None,
    listing_id: int | None,
    skip_wrong: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Invite people to apply: each of the ADDRESSES gets an email with its own link, and becomes a lead.

    They can be pasted: one per line or separated by commas, with or without names; - reads them from a pipe. If one is
    wrong, nobody is invited. People who opted out are skipped.
    """
    is_piped = addresses == ("-",) or not (addresses or sys.stdin.isatty())
    people = addresses_in(sys.stdin.read(LONGEST_PASTE) if is_piped else "\n".join(addresses))
    home = InvitedHome(property_slug, unit_name, listing_id)
    try:
        done = invitations.invite_all(system.crm, system.by, people, home, skip_wrong=skip_wrong, again=again)
    except Invalid as error:
        for wrong in error.facts.get("wrong", ()):  # type: ignore[attr-defined]
            output.hint(f"Wrong: {wrong[:80]}")
        raise
    if as_json:
        output.print_json(done)
    else:
        output.print_table(
            ("address", "lead", "new", "application", "what"),
            ((one.written, one.lead_id, one.is_new_lead, one.application_id, _outcome(one.result)) for one in done),
            empty="",
        )
        sent = sum(one.result in (InvitationResult.INVITED, InvitationResult.AGAIN) for one in done)
        output.hint(f"{output.counted(sent, 'invitation')} queued.")
        if sent and not system.config.mail.server:
            output.hint("They wait until mail.server is set in leaseline.toml: see `leaseline mail list`.")
    if any(one.result is InvitationResult.WRONG for one in done):
        raise SystemExit(1)


def _outcome(result: InvitationResult) -> str:
    return {
        InvitationResult.INVITED: "invited",
        InvitationResult.AGAIN: "link sent again",
        InvitationResult.BEFORE: "invited before: --again sends the link again",
        InvitationResult.APPLIED: "has already applied for it",
        InvitationResult.OPTED_OUT: "opted out: nothing was sent",
        InvitationResult.WRONG: "not the email address of a prospect",
    }[result]
