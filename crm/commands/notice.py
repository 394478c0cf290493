"""`leaseline notice`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    Group,
    System,
    cut,
    limit_option,
    many,
    one,
    with_system,
)
from crm.domain.notices import CHOSEN, NoticeWay
from crm.services.outbox import notice_settings, notices
from crm.views import known
from crm.views import notices as views
from crm.views.notices import NoticeEntry, NoticeWaysEntry


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
    """List notices, newest first. They also go out as texts and emails, in the ways that each agent chose."""
    system.read(known.check, agent=agent)
    entries = cut(system.read(views.listed, agent, unread=unread, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("id", "at", "agent", "what", "lead", "read"),
        (
            (it.id, output.local(it.at, system.config.tz), it.agent, it.text, it.lead, it.read_at is not None)
            for it in entries
        ),
        empty="No notices found.",
    )


@notice.command(
    json=one(NoticeWaysEntry),
    examples=(
        "notice ways alice",
        "notice ways alice --set missed-call=mail,text --set lead=feed",
        "notice ways alice --quiet 20:00-08:00 --digest 08:00",
        "notice ways alice --quiet none --digest off",
    ),
)
@click.argument("agent")
@click.option(
    "--set",
    "ways",
    multiple=True,
    metavar="KIND=WAYS",
    help=f"The ways for a kind ({', '.join(CHOSEN)}, or all): some of {', '.join(NoticeWay)}, or none.",
)
@click.option("--quiet", metavar="FROM-UNTIL", help="When nothing is sent, on the office's clock; none: never.")
@click.option("--digest", metavar="CLOCK", help="When the daily email with open work is sent; off: not at all.")
@with_system
def ways(
    system: System, agent: str, ways: tuple[str, ...], quiet: str | None, digest: str | None, as_json: bool
) -> None:
    """Show or change how AGENT is told of what.

    A kind goes by mail, by text to their mobiles, into the feed (`leaseline notice list`), and to browsers in which
    they asked for it (push). What falls into the quiet time is sent when it ends, in one email and one text; so is what
    comes beyond five notices in ten minutes. Alarms, such as an emergency call or a full disk, go out at once, by every
    way.
    """
    if ways or quiet is not None or digest is not None:
        system.run(notice_settings.change, system.config, system.by, agent, ways=ways, quiet=quiet, digest=digest)
    entry = system.read(views.ways, agent)
    if as_json:
        output.print_json(entry)
        return
    by_kind = [(kind, ", ".join(chosen) or "not at all") for kind, chosen in entry.ways.items()]
    quiet_time = f"{entry.quiet_from} to {entry.quiet_until}" if entry.quiet_from else "none"
    digest_at = entry.digest_at or "off"
    output.print_entry((("agent", entry.agent), *by_kind, ("quiet time", quiet_time), ("digest", digest_at)))


@notice.command(examples=("notice read alice", "notice read alice 12 13"))
@click.argument("agent")
@click.argument("ids", nargs=-1, type=ID, metavar="[NOTICE]...")
@with_system
def read(system: System, agent: str, ids: tuple[int, ...]) -> None:
    """Mark notices of AGENT as read: those that are named, or else all."""
    count = system.run(notices.read, system.by, agent, ids)
    output.say(f"Marked {output.counted(count, 'notice')} as read.")
