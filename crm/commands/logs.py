"""`leaseline logs`."""

from __future__ import annotations

import contextlib

import click

from crm.commands import output
from crm.commands.command import Command, config_of
from crm.edge import app_log

MOST = 100_000


@click.command(
    cls=Command,
    examples=(
        "logs",
        "logs --follow",
        "logs 1773000000.12",
        "logs --problems --lines 200",
        "logs --pages",
        "logs --asterisk -f",
    ),
)
@click.argument("call", required=False, default="")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is logged from now on; Ctrl-C ends it.")
@click.option(
    "--lines", "-n", type=click.IntRange(0, MOST), default=50, show_default=True, help="How many of the latest lines."
)
@click.option("--problems", is_flag=True, help="Only warnings and errors.")
@click.option("--asterisk", is_flag=True, help="Asterisk's own log, which does not know our calls' ids.")
@click.option("--pages", is_flag=True, help="What the process of the web pages logged.")
@click.pass_context
def logs(
    context: click.Context, call: str, follow: bool, lines: int, problems: bool, asterisk: bool, pages: bool
) -> None:
    """Show what the app logged, about one call or all.

    `leaseline call list` shows the ids of calls. The app masks callers' numbers in its log.
    """
    config = config_of(context)
    if asterisk and (call or problems):
        raise click.UsageError("--asterisk shows the whole log; leave out the call and --problems.")
    if pages and asterisk:
        raise click.UsageError("--asterisk and --pages are two logs; name one of them.")
    path = config.log_folder / ("web.log" if pages else "app.log")
    if asterisk:
        path = config.asterisk_folder / "log" / "messages"
    if not path.exists():
        output.say(f"{path} does not exist yet: nothing has been logged.")
        return
    with contextlib.closing(app_log.Log(path, app_log.Chosen(call, problems=problems))) as log:
        found = log.last(lines)
        for line in found:
            _show(line)
        if call and not found and not follow:
            output.hint("Nothing is left in the log about this call; `leaseline call list` shows the ids.")
        if follow:
            # How following ends.
            with contextlib.suppress(KeyboardInterrupt):
                for line in log.coming():
                    _show(line)


def _show(line: str) -> None:
    # A traceback is read by its indentation.
    rest = line.lstrip(" ")
    output.say(rest, indent=len(line) - len(rest))
