"""`leaseline optout`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, cut, limit_option, many, with_system
from crm.domain.optout import SCOPES
from crm.services.people import opt_outs
from crm.views import opt_outs as views
from crm.views.opt_outs import OptOutEntry


@click.group(
    cls=Group,
    examples=("optout list", "optout add '(512) 555-0199' --why 'asked on the phone'"),
)
def optout() -> None:
    """People who do not want texts, or news by email; none is sent to them, no matter who asks for it."""


@optout.command("list", json=many(OptOutEntry), examples=("optout list", "optout list --all --json"))
@click.option("--all", "with_ended", is_flag=True, help="Include those that have ended.")
@limit_option()
@with_system
def list_(system: System, with_ended: bool, limit: int, as_json: bool) -> None:
    """List who has opted out, newest first."""
    entries = cut(system.read(views.listed, with_ended=with_ended, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("who", "scope", "since", "how", "evidence", "returned", "why"),
        (
            (
                one.number or one.address,
                one.scope,
                output.local(one.created_at, system.config.tz),
                one.source,
                one.evidence,
                output.local(one.ended_at, system.config.tz),
                one.ended_evidence,
            )
            for one in entries
        ),
        empty="Nobody has opted out.",
    )


_why_option = click.option("--why", required=True, metavar="TEXT", help="How you know; kept as evidence.")


@optout.command(
    examples=(
        "optout add '(512) 555-0199' --why 'asked on the phone'",
        "optout add +15125550199 --scope all --why 'letter of 3 March'",
        "optout add pat@example.com --why 'asked on the phone'",
    )
)
@click.argument("who")
@_why_option
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="texts",
    show_default=True,
    help="Of a number; all: no calls from us either.",
)
@with_system
def add(system: System, who: str, why: str, scope: str) -> None:
    """Opt WHO out, a phone number or an email address, because the person asked for it in another way.

    A number gets no more texts, an email address no more news.
    """
    entered = system.run(opt_outs.add, system.config, system.by, who, why=why, scope=scope)
    output.say(f"{entered} will get no more {'news' if '@' in entered else 'texts'}.")


@optout.command(examples=("optout remove '(512) 555-0199' --why 'wants texts again, said so at the tour'",))
@click.argument("who")
@_why_option
@with_system
def remove(system: System, who: str, why: str) -> None:
    """End the opt-out of WHO, a phone number or an email address, because the person asked for it. The carrier may keep
    a list of its own."""
    ended = system.run(opt_outs.remove, system.config, system.by, who, why=why)
    output.say(f"{ended} may get {'news' if '@' in ended else 'texts'} again.")
