"""`leaseline notice`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, cut, limit_option, many, with_system
from crm.services.outbox import notices
from crm.views import notices as views
from crm.views.notices import NoticeEntry


@click.group(cls=Group, examples=("notice list --agent alice", "notice read alice"))
def notice() -> None:
    """Notices to agents: new texts, forms, tours, applications, leads and tasks of theirs."""


@notice.command(
    "list", json=many(NoticeEntry), examples=("notice list", "notice list --agent alice --unread", "notice list --json")
)
@click.option("--agent", metavar="SLUG", help="Only this agent's.")
@click.option("--unread", is_flag=True, help="Only unread ones.")
@limit_option()
@with_system
def list_(system: System, agent: str | None, unread: bool, limit: int, as_json: bool) -> None:
    """List notices, newest first. They are also texted and emailed to agents with a mobile or an address."""
    entries = cut(system.read(views.listed, agent, unread=unread, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("id", "at", "agent", "what", "lead", "read"),
        (
            (one.id, output.local(one.at, system.config.tz), one.agent, one.text, one.lead, one.read_at is not None)
            for one in entries
        ),
        empty="No notices found.",
    )


@notice.command(examples=("notice read alice", "notice read alice 12 13"))
@click.argument("agent")
@click.argument("ids", nargs=-1, type=int, metavar="[NOTICE]...")
@with_system
def read(system: System, agent: str, ids: tuple[int, ...]) -> None:
    """Mark notices of AGENT as read: those that are named, or else all."""
    count = system.run(notices.read, system.by, agent, ids)
    output.say(f"Marked {output.counted(count, 'notice')} as read.")
