"""`leaseline recordings`."""

from __future__ import annotations

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.services.calls import strays
from crm.services.voicemail import retention
from crm.views.recordings import ExpiredEntry, StrayEntry


@click.group(cls=Group, examples=("recordings prune --dry-run", "recordings repair"))
def recordings() -> None:
    """Recordings and voicemail audio: deleting what is old, repairing what is missing."""


@recordings.command(json=many(ExpiredEntry), examples=("recordings prune --dry-run", "recordings prune --json"))
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@with_system
async def prune(system: System, dry_run: bool, as_json: bool) -> None:
    """Delete what is older than recordings.keep_days and voicemail.keep_days. The app also does this every day."""
    if dry_run:
        found = await system.store.read(retention.expired, system.config, system.now)
    else:
        found = await retention.prune(system.crm, system.by)
    entries = msgspec.convert(found, list[ExpiredEntry], from_attributes=True)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("kind", "at", "call", "file", "bytes"),
        ((one.kind, output.local(one.at, system.config.tz), one.call, one.file, one.bytes) for one in entries),
        empty="There is nothing to delete.",
    )
    if entries:
        verb = "would be" if dry_run else "were"
        output.say(f"{len(entries)} {verb} deleted, {sum(one.bytes for one in entries):,} bytes.")


@recordings.command(json=many(StrayEntry), examples=("recordings repair --dry-run", "recordings repair --json"))
@click.option("--dry-run", is_flag=True, help="Only show what is wrong.")
@with_system
async def repair(system: System, dry_run: bool, as_json: bool) -> None:
    """Repair audio and records that do not match, as after a crash or a restored backup.

    Audio in which somebody speaks becomes a voicemail of its call, with a task to listen to it; the recording of a talk
    is attached to its call; audio in which nobody speaks is deleted. Voicemail and recordings whose audio is gone are
    marked as such.
    """
    if dry_run:
        found = await strays.compare(system.crm)
    else:
        found = await strays.repair(system.crm, system.by)
    kinds = (("sound", found.sounds), ("voicemail", found.voicemails), ("talk", found.talks))
    entries = [StrayEntry(kind=kind, name=name) for kind, names in kinds for name in names]
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("kind", "name"),
        ((one.kind, one.name) for one in entries),
        empty="All audio and records match.",
    )
    if entries and not dry_run:
        output.say(f"{len(entries)} were repaired: `leaseline voicemail list` shows the voicemail.")
