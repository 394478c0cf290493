"""Everything that is known of a person: written to a file, and erased."""

from __future__ import annotations

from pathlib import Path

import click

from crm.commands import output
from crm.commands.command import (
    FilePath,
    System,
    WrongInput,
    confirm,
    cut,
    limit_option,
    many,
    since_option,
    with_system,
)
from crm.commands.lead import files
from crm.commands.lead.group import lead
from crm.services.people import erasing, records
from crm.services.people import leads as leads_service
from crm.views import erasures as erasures_view
from crm.views.erasures import ErasureEntry


@lead.command(
    examples=("lead record 1 --out pat.json", "lead record 1 --out pat.zip --audio"),
)
@click.argument("lead")
@click.option("--out", required=True, type=FilePath(allow_dash=True), metavar="FILE")
@click.option("--audio", is_flag=True, help="A ZIP archive, with recordings, voicemail, emails and documents.")
@with_system
def record(system: System, lead: str, out: Path, audio: bool) -> None:
    """Write everything that is known of the LEAD with this id, phone number or email address to a FILE, as JSON.

    For people who ask what is kept about them. The timeline and the audit log say that it was done.
    """
    if audio and str(out) == "-":
        raise WrongInput("A ZIP archive does not go to the terminal: name a file.")
    with system.store.reading() as session:
        found = leads_service.named(session, system.config, lead)
        whole = records.gather(session, found.id, system.now)
    missing = files.write_record(system.config, whole, out, with_files=audio)
    system.run(records.exported, system.by, found.id)
    for name in missing:
        output.hint(f"{name} is not on this machine.")
    output.hint(f"Wrote everything about lead {found.id} to {out}.")


@lead.command(examples=("lead erase 1 --why 'asked for it by email'", "lead erase 1 --why 'asked for it' --yes"))
@click.argument("lead")
@click.option("--why", required=True, help="Kept, with who did it and when; name nobody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_system
async def erase(system: System, lead: str, why: str, yes: bool) -> None:
    """Erase the LEAD with this id, phone number or email address, and everything that is known of the person.

    Calls with their recordings and voicemail, texts, emails, forms, applications, tours, tasks and the timeline go, and
    their number from the logs. That it was done stays, and so do opt-outs. It cannot be undone.
    """
    found = await system.store.read(leads_service.named, system.config, lead)
    await system.store.read(erasing.check, system.config, found.id, system.now)
    scope = await system.store.read(erasures_view.scope, found.id)
    if not yes:
        much = ", ".join(
            output.counted(count, what)
            for count, what in ((scope.calls, "call"), (scope.recordings, "recording"), (scope.texts, "text"))
        )
        name = output.safe(found.name or "name unknown")
        confirm(f"Erase lead {found.id} ({name}) with {much}? It cannot be undone.")
    known = await system.store.read(erasing.mentions, system.config, found.id)
    await system.store.run(erasing.erase, system.config, system.by, found.id, why, known)
    left = await erasing.finish(system.crm)
    output.say(f"Erased lead {found.id}.")
    if left:
        output.hint(f"{output.counted(left, 'file')} cannot be removed yet; it is tried again once a day.")


@lead.command(
    json=many(ErasureEntry),
    examples=("lead erasures", "lead erasures --since 2026-01-01 --json"),
)
@since_option
@limit_option()
@with_system
def erasures(system: System, since: str | None, limit: int, as_json: bool) -> None:
    """List leads that were erased, newest first: when, by whom and why."""
    entries = cut(system.read(erasures_view.listed, since=system.since(since), limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("lead", "erased", "by", "why", "still to be removed"),
        ((one.lead, output.local(one.at, system.config.tz), one.by, one.why, one.left or "") for one in entries),
        empty="Nobody was erased.",
    )
