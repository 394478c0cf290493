"""`leaseline`: the command line. Parses, calls one service, prints; each noun has its file in `crm/commands`."""

from __future__ import annotations

import atexit
import keyword
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from crm.commands import late, output
from crm.commands.command import Command, Failure, Group, WrongInput, home_of

# `leaseline --help` shows these lines, so that it loads no file of commands.
COMMANDS = {
    "init": "Create a new home: settings, passwords, database, office.",
    "up": "Run Asterisk and the app together, here.",
    "down": "Stop Leaseline once nobody is on the line.",
    "reload": "Take over what has changed in leaseline.toml, without losing a call.",
    "restart": "Replace the app with a new one, and restart Asterisk if nobody is on the line.",
    "serve": "Run the app alone, without Asterisk.",
    "status": "Show what is up, what is open, and the calls in progress.",
    "logs": "Show what the app logged, about one call or all.",
    "doctor": "Check everything and say how to fix it.",
    "setup": "Update Asterisk and its tools, or go back.",
    "install": "Install Leaseline as a service of this machine, or its completion and manual for your shell.",
    "backup": "Back up this home into one file, while calls go on, now or every day; check a backup.",
    "restore": "Make a new home from a backup.",
    "home": "Whether this home may send, or is a copy that must not.",
    "config": "Show, check and change the settings.",
    "db": "Migrate the database to this version's tables, or move it to another server.",
    "office": "The company this system serves.",
    "trunk": "Connections to the phone network.",
    "line": "Leasing numbers that callers dial.",
    "property": "Buildings and communities with homes to rent.",
    "listing": "Homes for rent: what is offered, and what was.",
    "site": "The public site: where it is, whether its pages open, and links to it.",
    "portfolio": "Properties that are leased in the same way.",
    "subteam": "Agents who lease the same properties.",
    "agent": "People who lease.",
    "device": "The agents' phones.",
    "dnd": "Do not disturb (DND), per device.",
    "forward": "Forward calls to a mobile, or all calls to one outside number.",
    "location": "Where phones are, as emergency services need to know it.",
    "emergency": "Emergency calls (911, 9911 and the test number 933), and who is notified of them.",
    "block": "Callers whose calls are refused.",
    "ban": "Addresses whose SIP traffic is dropped.",
    "contact": "Residents, owners and vendors, recognized by their number.",
    "desk": "Where callers who are not prospects are connected.",
    "hours": "When the office and its properties are open.",
    "holiday": "Dates with hours that differ from the usual week.",
    "call": "Calls and what happened in them.",
    "route": "Who calls reach, and why.",
    "lead": "People who want to rent a home, or to have one managed.",
    "application": "Rental applications that people fill in on the public site.",
    "source": "Listing portals and websites that leads come from.",
    "tour": "Tours: when they are offered, and who has booked one.",
    "notice": "Notices to agents: new texts, forms, tours, applications, leads and tasks of theirs.",
    "followup": "Text sequences for people who have not been reached yet.",
    "task": "What has to be done next, and by whom.",
    "message": "Texts, incoming and outgoing.",
    "text": "What texts say, in each language.",
    "webhook": "URLs of other programs that are notified of events.",
    "user": "People who sign in to the console.",
    "audit": "Who has changed what, and who listened to recordings or took lists out.",
    "api": "Keys for programs that use the REST API.",
    "import": "Load lists from a spreadsheet or a TOML file.",
    "report": "What calls, leads and tours add up to.",
    "optout": "People who do not want texts.",
    "voicemail": "Voicemail that callers left.",
    "ai": "The voice agent: try what it says, and check its dialogue.",
    "turn": "The server through which phones in browsers talk from networks that let nothing else through.",
    "recordings": "Recordings of talks and their audio: listening, exporting, holding, deleting, repairing.",
    "mail": "Email, out and in.",
    "demo": "Try the system with a call, or with the properties of a larger office.",
}


class Root(Group):
    """Loads a command when it is used, and turns every error into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # `import` is a word of Python's own, so its file is import_.py.
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command = getattr(late.commands(name), name)
        assert isinstance(command, (Command, Group))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes the first word without loading a command: it happens at each press of the tab key."""
        found = [CompletionItem(name, help=help) for name, help in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            # It repeats what was typed, which may be the name of a file with anything in it.
            raise click.UsageError(output.in_short(error.format_message()), error.ctx) from None
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (click.Abort, KeyboardInterrupt):
            raise Failure("Stopped before it was done.") from None
        except Exception as error:  # The door between the program and the person.
            raise _told(error, ctx) from error


def _told(error: Exception, ctx: click.Context) -> click.ClickException:
    """What the person at the terminal gets to read, and the exit status."""
    from ari_app.edge.errors import PhoneError
    from asterisk_conf.programs import ProgramMissing
    from asterisk_conf.progress import SetupError
    from crm.config import ConfigError
    from crm.domain.dialing import DialRefused
    from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
    from crm.secrets import SecretError
    from crm.words import terminal

    if isinstance(error, CrmError):
        kind = WrongInput if isinstance(error, (Invalid, NotFound, Conflict, DialRefused)) else Failure
        return kind(terminal.told(error))
    if isinstance(error, (ConfigError, SecretError, SetupError, ProgramMissing, PhoneError)):
        return Failure(str(error))
    fails: type[Failure] = ctx.find_root().meta.get("fails", Failure)
    return fails(_logged(error, ctx))


def _logged(error: Exception, ctx: click.Context) -> str:
    """Writes an unexpected error to the home's log and says where."""
    import logging

    log = home_of(ctx) / "log" / "cli.log"
    said = f"Leaseline ran into {type(error).__name__}, which is unexpected"
    try:
        handler = logging.FileHandler(log, encoding="utf-8")
    except OSError:
        return f"{said}: {output.safe(error)}. Run `leaseline doctor`."
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("leaseline.cli")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("command failed", exc_info=error)
    logger.removeHandler(handler)
    handler.close()
    return f"{said}: the details are in {log}; run `leaseline doctor`."


@click.group(
    name="leaseline",
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    examples=("init --name 'Maple Leasing' --timezone America/New_York", "up", "status", "call list --since today"),
)
@click.version_option(package_name="leaseline", message="leaseline %(version)s")
def cli() -> None:
    """Leaseline, a phone system for apartment leasing that answers every call and loses no caller."""


def main() -> None:
    """Entry point of the `leaseline` program."""
    statuses: list[str | int | None] = []
    # The first to be registered runs last: after what else has to be done at the end, and once all threads have ended.
    atexit.register(_end_at_once, statuses)
    try:
        run()
    except SystemExit as end:
        statuses.append(end.code)
        raise


def _end_at_once(statuses: Sequence[str | int | None]) -> None:
    """Ends the process without taking apart object by object what its modules have made: a fifth of a short command's
    time. What did not end by a status (an error, a signal) ends as Python has it."""
    status = statuses[-1] if statuses else ""
    if isinstance(status, str):
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # Python says so, and gives it a status of its own.
    os._exit((status or 0) & 0xFF)


def run() -> None:
    """Runs the command that this process was started with. Raises SystemExit when it is done."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter shows a question mark; no name stops a command.
            stream.reconfigure(errors="replace")
    # What we write is for whoever runs us alone: recordings, numbers, passwords.
    os.umask(0o077)
    cli(prog_name="leaseline")


if __name__ == "__main__":
    main()
