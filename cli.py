"""`leaseline`: the command line. Parses, calls one service, prints; each noun has its file in `crm/commands`."""

from __future__ import annotations

import gc
import importlib
import keyword
import os
import sys
from types import ModuleType
from typing import Any

import click

from crm.commands import output
from crm.commands.command import Command, Failure, Group, WrongInput, home_of

# Loading a command loads the database library and more, so `leaseline --help` shows these lines and loads nothing.
COMMANDS = {
    "init": "Make a new home: settings, passwords, database, office.",
    "up": "Run Asterisk and the app together, here.",
    "down": "End the Leaseline of this home, once nobody is on the line any more.",
    "restart": "Replace the app by a new one; nobody on the line is lost.",
    "serve": "Run the app alone; Asterisk is run by somebody else.",
    "status": "What is up, who is open, and the calls in progress.",
    "doctor": "Check everything and say how to mend it.",
    "setup": "The programs that Leaseline runs: newer ones, and back.",
    "home": "Whether this home is the one that sends, or a copy of it.",
    "config": "Show the settings.",
    "db": "Bring the database to this version's tables.",
    "office": "The company this system serves.",
    "trunk": "Ways to the telephone network.",
    "line": "Leasing numbers that callers dial.",
    "property": "Buildings and communities with homes to rent.",
    "portfolio": "Properties that are leased alike.",
    "subteam": "Agents who lease the same properties.",
    "agent": "People who lease.",
    "device": "Phones of the agents.",
    "dnd": "Do not disturb (DND), for each device.",
    "forward": "Calls to a mobile, too, or all calls to one number outside.",
    "location": "Where phones stand, as the emergency service has to hear of it.",
    "emergency": "Emergency calls (911, 9911 and the test number 933), and who of the office is told of them.",
    "block": "Callers whom nobody has to answer.",
    "ban": "Addresses whose SIP is dropped.",
    "contact": "Residents, owners and vendors, known by their number.",
    "desk": "Where callers who are no prospects are put through to.",
    "hours": "When the office and its properties are open.",
    "holiday": "Dates on which the office and its properties are not open as in every week.",
    "call": "Calls and what happened in them.",
    "route": "Whom calls reach, and why.",
    "lead": "People who called.",
    "tour": "Showings: when they can be had, and who has booked one.",
    "followup": "Texts that go to people whom nobody has reached yet, step by step.",
    "task": "What is to be done next, and by whom.",
    "message": "Texts, both ways.",
    "import": "Load lists from a spreadsheet or a TOML file.",
    "report": "What calls, leads and tours add up to.",
    "optout": "People who want no texts.",
    "voicemail": "Messages that callers left.",
    "recordings": "Sound that is kept, and for how long.",
    "mail": "Mails to people of the office.",
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
        command = getattr(_module(f"crm.commands.{name}"), name)
        assert isinstance(command, (Command, Group))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # The door between the program and the person.
            raise _told(error, ctx) from error


def _module(name: str) -> ModuleType:
    if name not in sys.modules:
        # Little of what modules make is ever garbage; looking for it takes a third of a command's time.
        gc.disable()
        importlib.import_module(name)
        gc.freeze()
        gc.enable()
    return sys.modules[name]


def _told(error: Exception, ctx: click.Context) -> click.ClickException:
    """What the person at the terminal gets to read, and the exit status."""
    from ari_app.edge.errors import PhoneError
    from asterisk_conf.install import ProgramMissing, SetupError
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
    return Failure(_logged(error, ctx))


def _logged(error: Exception, ctx: click.Context) -> str:
    """Writes an error nobody expected to the home's log and says where."""
    import logging

    log = home_of(ctx) / "log" / "cli.log"
    said = f"Leaseline ran into {type(error).__name__}, which it did not expect"
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
    """Leaseline, a phone system for apartment leasing: it answers the leasing numbers and loses no caller."""


def main() -> None:
    """Entry point of the `leaseline` program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter shows a question mark; no name stops a command.
            stream.reconfigure(errors="replace")
    # What we write is for whoever runs us alone: recordings, numbers, passwords.
    os.umask(0o077)
    cli(prog_name="leaseline")


if __name__ == "__main__":
    main()
