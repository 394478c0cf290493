"""`leaseline setup`."""

from __future__ import annotations

import click

from asterisk_conf import package_sets
from asterisk_conf import refresh as sets
from asterisk_conf.progress import Progress, SetupError
from asterisk_conf.refresh import Kept
from crm.commands import output
from crm.commands.command import Failure, Group

SHOWN = 12
"""How many packages are listed."""


@click.group(cls=Group, examples=("setup refresh", "setup refresh --back"))
def setup() -> None:
    """Update Asterisk and its tools, or go back.

    Asterisk, and the tools for speech and audio: Debian packages, unpacked into a folder of this user.
    """


@setup.command(examples=("setup refresh", "setup refresh --back"))
@click.option(
    "--back", is_flag=True, help="Go back to the set in use before, or discard a fetched one that is not in use yet."
)
def refresh(back: bool) -> None:
    """Fetch the newest packages of Asterisk and its tools, with Debian's security updates.

    Whatever is running stays as it is: the next start of Asterisk uses them, and the set before is kept to go back to.
    All homes of this user on this machine share them.
    """
    cache, progress = package_sets.cache_folder(), Progress()
    try:
        if back:
            found = sets.back(cache, progress)
            output.say(f"The next start of Asterisk uses the set of {found.fetched_at:%Y-%m-%d}{_named(found)}.")
            return
        before = sets.in_use(cache)
        fetched = sets.fetch(cache, progress)
    except SetupError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{cache} cannot be written ({error.strerror}): check its disk and its owner.") from error
    finally:
        progress.clear()
    if fetched is None:
        waits = " and wait for the next start of Asterisk" if sets.waiting(cache) else ""
        output.say(f"The newest packages have already been fetched{waits}.")
        return
    changed = sets.newer(fetched.versions, before.versions if before else {})
    output.say(f"Newer packages, {len(changed)} of {len(fetched.versions)}:")
    for name, (old, new) in sorted(changed.items(), key=lambda one: one[0] != "asterisk")[:SHOWN]:
        output.say(f"  {name} {old or 'none'} -> {new or 'none'}")
    if len(changed) > SHOWN:
        output.say(f"  and {len(changed) - SHOWN} more")
    output.hint(
        "The next start of Asterisk uses them: `leaseline down` when nobody is on the line, then `leaseline up`. "
        "`leaseline setup refresh --back` goes back."
    )


def _named(found: Kept) -> str:
    return f", Asterisk {found.asterisk}" if found.asterisk else ""
