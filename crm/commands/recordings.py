"""`leaseline recordings`."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.services.calls import strays
from crm.services.voicemail import retention
from crm.services.voicemail.retention import Expired


class ExpiredEntry(msgspec.Struct):
    """Sound that has been kept long enough."""

    kind: str
    """recording or message."""
    call: str
    at: datetime
    file: str
    bytes: int
    """0: the file is gone already."""

    @classmethod
    def of(cls, found: Expired) -> ExpiredEntry:
        return cls(kind=found.kind, call=found.call, at=found.at, file=found.file, bytes=found.bytes)


class StrayEntry(msgspec.Struct):
    """Sound without a record, or a record without its sound."""

    kind: str
    """sound: no call has it. message, talk: its sound is gone."""
    name: str
    """Of the recording; a message has its call's id."""


@click.group(cls=Group, examples=("recordings prune --dry-run", "recordings mend"))
def recordings() -> None:
    """Sound that is kept, and for how long."""


@recordings.command(json=many(ExpiredEntry), examples=("recordings prune --dry-run", "recordings prune --json"))
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@with_system
async def prune(system: System, dry_run: bool, as_json: bool) -> None:
    """Delete what is older than recordings.keep_days and voicemail.keep_days. The app does so every day by itself."""
    if dry_run:
        found = await system.store.read(retention.expired, system.config, system.now)
    else:
        found = await retention.prune(system.crm, system.by)
    entries = [ExpiredEntry.of(one) for one in found]
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("kind", "at", "call", "file", "bytes"),
        ((one.kind, output.local(one.at, system.config.tz), one.call, one.file, one.bytes) for one in entries),
        empty="Nothing has been kept too long.",
    )
    if entries:
        verb = "would be" if dry_run else "were"
        output.say(f"{len(entries)} {verb} deleted, {sum(one.bytes for one in entries):,} bytes.")


@recordings.command(json=many(StrayEntry), examples=("recordings mend --dry-run", "recordings mend --json"))
@click.option("--dry-run", is_flag=True, help="Only say what is amiss.")
@with_system
async def mend(system: System, dry_run: bool, as_json: bool) -> None:
    """Put on record what was recorded and no call has, as after a crash or a restored backup.

    Sound in which somebody speaks becomes a message of its call, with a task to listen to it; a talk becomes a
    recording of its call; sound in which nobody speaks is deleted. A message or a recording of a talk whose sound is
    gone says so from then on.
    """
    if dry_run:
        found = await strays.compare(system.crm)
    else:
        found = await strays.mend(system.crm, system.by)
    kinds = (("sound", found.sounds), ("message", found.messages), ("talk", found.talks))
    entries = [StrayEntry(kind=kind, name=name) for kind, names in kinds for name in names]
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("kind", "name"),
        ((one.kind, one.name) for one in entries),
        empty="Every sound has its call, and every call its sound.",
    )
    if entries and not dry_run:
        output.say(f"{len(entries)} were put right: `leaseline voicemail list` shows the messages.")
