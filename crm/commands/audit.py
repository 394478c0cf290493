"""`leaseline audit`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, cut, limit_option, many, since_option, until_option, with_system
from crm.views import audit as views
from crm.views.audit import AuditRow


@click.group(cls=Group, examples=("audit list --since today", "audit list --who dana --about recording"))
def audit() -> None:
    """Who has changed what, and who listened to recordings or took lists out."""


@audit.command(
    "list",
    json=many(AuditRow),
    examples=(
        "audit list",
        "audit list --who dana --since 7d",
        "audit list --about recording --json",
    ),
)
@click.option("--who", metavar="NAME", help="Only what somebody of this name did; a part of it is enough.")
@click.option("--about", metavar="WORD", help="Only what has this in it.")
@since_option
@until_option
@limit_option()
@with_system
def list_(
    system: System,
    who: str | None,
    about: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the audit log, newest first."""
    start = system.since(since)
    found = system.read(
        views.listed, who=who, about=about, since=start, until=system.until(until, start), limit=limit + 1
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("at", "who", "what"),
        ((output.local(one.at, tz), one.who, one.what) for one in entries),
        empty="Nothing is on record.",
    )
