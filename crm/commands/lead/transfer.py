"""Leads exported to files, and imported from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from crm.commands import output
from crm.commands.command import (
    FilePath,
    System,
    with_system,
)
from crm.commands.lead import files
from crm.commands.lead.group import check_names, filter_options, lead, written
from crm.domain.leads import read_filter
from crm.services.people import filters
from crm.services.people import leads as leads_service
from crm.views import leads


@lead.command(
    examples=(
        "lead export leads.csv",
        "lead export - --status open --property elm",
        "lead export leads.jsonl --format jsonl",
        "lead export pat.vcf --vcard 1",
    )
)
@click.argument("file", type=FilePath(dir_okay=False, allow_dash=True))
@filter_options
@click.option("--filter", "saved", metavar="NAME", help="A saved filter; what else is given narrows it further.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(files.FORMATS),
    default="csv",
    show_default=True,
    help="jsonl: one JSON object per line.",
)
@click.option("--raw", is_flag=True, help="CSV for programs: cells that look like formulas stay as they are.")
@click.option("--vcard", metavar="LEAD", help="Only this lead, as a vCard for address books.")
@with_system
def export(
    system: System, /, file: Path, saved: str | None, format_: str, raw: bool, vcard: str | None, **given: Any
) -> None:
    """Export all leads, or those that match a filter, to FILE; - writes to the terminal or a pipe.

    The CSV is safe to open in a spreadsheet, and `leaseline lead import` reads it back. Timelines and the audit log say
    that it was done.
    """
    if vcard is not None:
        with system.store.reading() as session:
            found = leads_service.named(session, system.config, vcard)
            card = leads.card(session, found.id, system.now)
        files.write_vcard(system.store, system.by, card, file)
        return
    words = written(given)
    check_names(system, words)
    if saved is not None:
        words = system.read(filters.named, saved) | words
    wanted = read_filter(words, system.config.tz, system.now)
    total = system.read(leads.count, system.now, wanted)
    with output.progress("Exporting") as tell:
        count = files.write(system.store, file, system.by, wanted, format_, raw, lambda done: tell(done, total))
    output.hint(f"Exported {output.counted(count, 'lead')}.")


@lead.command(
    "import",
    examples=(
        "lead import leads.csv --source 'spring fair' --dry-run",
        "lead import leads.csv --rejects not-taken.csv",
    ),
)
@click.argument("file", type=FilePath())
@click.option("--source", help="For leads without a source of their own.  [default: the file's name]")
@click.option("--rejects", type=FilePath(), metavar="FILE", help="Write rejected lines to this file.")
@click.option("--dry-run", is_flag=True, help="Check everything, but write nothing.")
@with_system
def import_(system: System, file: Path, source: str | None, rejects: Path | None, dry_run: bool) -> None:
    """Add the leads of a CSV FILE, line by line. People who are already leads only get what was missing.

    The first line names the columns: name (or first name and last name), email, phone, property, unit, stage, source,
    agent, note and more, as `leaseline lead export` writes them; others are ignored. Several values in a cell are
    separated by semicolons. Lines that cannot be imported are listed with the reason.
    """
    with output.progress("Importing") as tell:
        done = files.read(
            system.crm, system.by, file, source or file.name, rejects=rejects, dry_run=dry_run, progress=tell
        )
    for line in done.first_rejects:
        output.hint(line)
    if done.rejected > len(done.first_rejects):
        output.hint(
            f"And {done.rejected - len(done.first_rejects):,} more; --rejects FILE writes all of them to a file."
        )
    output.say(
        f"Added {output.counted(done.added, 'lead')}, completed {done.joined:,} existing, "
        f"rejected {output.counted(done.rejected, 'line')}."
    )
    if dry_run:
        output.say("Nothing was written, because of --dry-run.")
    if done.rejected:
        raise SystemExit(1)
