"""`leaseline setup`."""

from __future__ import annotations

import click

from asterisk_conf import install
from asterisk_conf import refresh as sets
from asterisk_conf.install import Progress, SetupError
from asterisk_conf.refresh import Kept
from crm.commands import output
from crm.commands.command import Failure, Group

SHOWN = 12
"""Packages that are named."""


@click.group(cls=Group, examples=("setup refresh", "setup refresh --back"))
def setup() -> None:
    """The programs that Leaseline runs: newer ones, and back.

    Asterisk, and what speaks and converts sound: Debian packages, unpacked in a folder of this user's.
    """


@setup.command(examples=("setup refresh", "setup refresh --back"))
@click.option("--back", is_flag=True, help="Go back to the set that was in use before, or leave a fetched one unused.")
def refresh(back: bool) -> None:
    """Fetch the newest packages of Asterisk and its tools, with Debian's security updates.

    Whatever runs goes on unchanged: the next start of Asterisk takes them, and the set before is kept to go back to.
    All homes of this user on this machine share them.
    """
    cache, progress = install.cache_folder(), Progress()
    try:
        if back:
            found = sets.back(cache, progress)
            output.say(f"The next start of Asterisk takes the set of {found.fetched_at:%Y-%m-%d}{_named(found)}.")
            return
        before = sets.in_use(cache)
        fetched = sets.fetch(cache, progress)
    except SetupError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{cache} cannot be written ({error.strerror}): look at its disk and its owner.") from error
    finally:
        progress.clear()
    if fetched is None:
        waits = " and wait for the next start of Asterisk" if sets.waiting(cache) else ""
        output.say(f"The newest packages there are have been fetched already{waits}.")
        return
    changed = sets.newer(fetched.versions, before.versions if before else {})
    output.say(f"Newer packages, {len(changed)} of {len(fetched.versions)}:")
    for name, (old, new) in sorted(changed.items(), key=lambda one: one[0] != "asterisk")[:SHOWN]:
        output.say(f"  {name} {old or 'none'} -> {new or 'none'}")
    if len(changed) > SHOWN:
        output.say(f"  and {len(changed) - SHOWN} more")
    output.hint(
        "The next start of Asterisk takes them: `leaseline down` when nobody is on the line, then `leaseline up`. "
        "`leaseline setup refresh --back` goes back."
    )


def _named(found: Kept) -> str:
    return f", Asterisk {found.asterisk}" if found.asterisk else ""
