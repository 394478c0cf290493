"""Takes in emails from standard input."""

from __future__ import annotations

import sys

import click

from crm.commands import output
from crm.commands.command import System, TryAgain, WrongInput, with_system
from crm.config import ConfigError
from crm.domain.errors import CrmError
from crm.edge import mail_files
from crm.services.arrivals import mails, reading
from crm.services.arrivals.mails import CameBy
from crm.views import arrivals

NO_DATA = 65
"""EX_DATAERR of sysexits.h: the mail server gives up."""
NOTHING = "Nothing was piped in, so nothing was taken in: pipe a whole email into this command."


class _NothingCame(WrongInput):
    """There is no email to take in."""


def take_in(source: str) -> None:
    """Takes in one email, and exits as TryAgain does if that is not possible now."""
    try:
        _take_in(source)
    except _NothingCame as error:
        # To send nothing again would be of no use.
        output.hint(str(error.message))
        click.get_current_context().exit(NO_DATA)
    except Exception as error:  # noqa: BLE001 - a door: whatever it is, the mail server has to keep the email
        why = str(error) if isinstance(error, (CrmError, ConfigError, OSError)) else type(error).__name__
        output.hint(f"The email could not be taken in, and has to be sent again: {why}")
        click.get_current_context().exit(TryAgain.exit_code)


@with_system
async def _take_in(system: System, source: str) -> None:
    if sys.stdin.isatty():
        raise _NothingCame(NOTHING)
    mail = mail_files.take(sys.stdin.buffer, system.config.mail.incoming.longest_megabytes * 1024 * 1024)
    if not mail.raw.strip():
        raise _NothingCame(NOTHING)
    id = await mails.take_in(system.crm, mail, CameBy("pipe", source))
    claim = await system.store.run(reading.begin, id)
    # An email that cannot be read is kept all the same: the app tries again, and then sets it aside for a person.
    if claim is not None and (problem := await reading.read(system.crm, claim)):
        await system.store.run(reading.set_aside, claim, problem, system.now)
    output.say(f"Arrival {id}.")


@with_system
async def read_again(system: System) -> None:
    """Reads everything again that could not be read, or was read by an older version of its parser."""
    count = failed = after = 0
    while ids := await system.store.run(reading.again, after):
        for id in ids:
            claim = await system.store.run(reading.begin, id)
            if claim is not None and (problem := await reading.read(system.crm, claim)):
                await system.store.run(reading.set_aside, claim, problem, system.now)
        failed += await system.store.read(arrivals.count_problems, ids)
        count, after = count + len(ids), ids[-1]
    output.say(f"Read {output.counted(count, 'arrival')} again; {failed:,} could not be read.")
