"""`leaseline recordings`."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.services import retention
from crm.services.retention import Expired


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


@click.group(cls=Group, examples=("recordings prune --dry-run", "recordings prune"))
def recordings() -> None:
    """Sound that is kept, and for how long."""


@recordings.command(json=many(ExpiredEntry), examples=("recordings prune --dry-run", "recordings prune --json"))
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@with_system
async def prune(system: System, dry_run: bool, as_json: bool) -> None:
    """Delete what is older than recordings.keep_days and voicemail.keep_days. The app does so every day by itself."""
    if dry_run:
        found = await retention.expired(system.store, system.config, system.now)
    else:
        found = await retention.prune(system.store, system.config, system.by)
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
