"""What comes in by email and by form."""

from __future__ import annotations

import sys

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    System,
    TryAgain,
    WrongInput,
    cut,
    limit_option,
    many,
    since_option,
    with_system,
)
from crm.commands.lead import piped
from crm.commands.lead.group import lead
from crm.domain.arrivals import ArrivalOutcome
from crm.services.arrivals import flagging, releasing
from crm.views import arrivals as arrivals_view
from crm.views.arrivals import ArrivalEntry
from crm.words.codes import in_words


@lead.command(
    "intake",
    examples=("lead intake < mail.txt", "lead intake --source zillow < mail.txt", "lead intake --again"),
    fails=TryAgain,
)
@click.option("--source", default="", metavar="NAME", help="Where it comes from.  [default: as the email says]")
@click.option("--again", is_flag=True, help="Instead, read again what could not be read, or an older version has read.")
def take_in(source: str, again: bool) -> None:
    """Take in an email from standard input, as a mail server pipes it.

    Whoever it names becomes a lead, or is one already; the lead's agent gets a task and a notice. If that is not
    possible now, the exit status is 75, and the mail server tries again later.
    """
    if again:
        piped.read_again()
        return
    if sys.stdin.isatty():
        raise WrongInput("Pipe an email into it, such as `leaseline lead intake < mail.txt`.")
    piped.take_in(source)


@lead.command(
    json=many(ArrivalEntry),
    examples=("lead arrivals --since today", "lead arrivals --problems", "lead arrivals --json"),
)
@click.option("--problems", is_flag=True, help="Only those that could not be read, or are flagged.")
@since_option
@limit_option()
@with_system
def arrivals(system: System, problems: bool, since: str | None, limit: int, as_json: bool) -> None:
    """List what came in by email, by form and from portals, newest first, and which lead it belongs to."""
    entries = system.read(arrivals_view.listed, problems=problems, since=system.since(since), limit=limit + 1)
    entries = cut(entries, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("arrival", "at", "came by", "source", "was", "lead", "read by", "problem"),
        (
            (
                one.id,
                output.local(one.received_at, system.config.tz),
                one.channel,
                one.source,
                in_words(ArrivalOutcome, one.outcome) or "not read yet",
                one.lead or "",
                one.parser,
                one.problem,
            )
            for one in entries
        ),
        empty="Nothing has come in.",
    )


@lead.command("release", examples=("lead release 1 2", "lead release --all"))
@click.argument("ids", nargs=-1, type=ID, metavar="[ARRIVAL]...")
@click.option("--all", "everything", is_flag=True, help="Release all that are flagged.")
@with_system
def release(system: System, ids: tuple[int, ...], everything: bool) -> None:
    """Pass on forms and emails that were flagged as spam or as a flood, as if they came in now."""
    if bool(ids) == everything:
        raise click.UsageError("Name arrivals, or use --all.")
    after = count = 0
    while some := system.read(flagging.flagged, after, 100) if everything else list(ids[count:]):
        for id in some:
            system.run(releasing.release, system.config, system.secrets, system.by, id)
            count += 1
        after = some[-1]
    output.say(f"Released {output.counted(count, 'arrival')}.")
