"""`leaseline voicemail`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from crm.commands import output
from crm.commands.command import (
    FilePath,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    one,
    with_system,
)
from crm.domain.excerpts import excerpt
from crm.services import audit
from crm.services.voicemail import greetings, mailboxes, recordings, transcripts
from crm.views import voicemail as views
from crm.views.voicemail import VoicemailEntry


def _caller(entry: VoicemailEntry) -> str:
    return entry.colleague or entry.caller or entry.caller_digits or "withheld"


@click.group(
    cls=Group,
    examples=(
        "voicemail list --new",
        "voicemail export ll0a1b2c-1764000000.12 voicemail.mp3",
        "voicemail take ll0a1b2c-1764000000.12 --agent alice",
    ),
)
def voicemail() -> None:
    """Voicemail that callers left."""


@voicemail.command(
    "list",
    json=many(VoicemailEntry),
    examples=("voicemail list", "voicemail list --box property:elm --new", "voicemail list --deleted --json"),
)
@click.option("--box", metavar="BOX", help="agent:SLUG, subteam:SLUG, property:SLUG or office.")
@click.option("--new", "new_only", is_flag=True, help="Only those that nobody has listened to.")
@click.option("--deleted", is_flag=True, help="Those that were deleted instead.")
@limit_option()
@with_system
def list_(system: System, box: str | None, new_only: bool, deleted: bool, limit: int, as_json: bool) -> None:
    """List voicemail, newest first."""
    mailbox = system.read(mailboxes.existing, box) if box else None
    found = system.read(views.listed, mailbox=mailbox, new_only=new_only, deleted=deleted, limit=limit + 1)
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("voicemail", "left", "box", "caller", "name", "s", "new", "taken by", "transcript"),
        (
            (
                entry.id,
                output.local(entry.left_at, system.config.tz),
                entry.mailbox,
                _caller(entry),
                entry.name,
                entry.seconds,
                entry.heard_at is None,
                entry.taken_by,
                excerpt(entry.transcript, 120),
            )
            for entry in entries
        ),
        first_out=("taken by", "s", "box", "name"),
        empty="No voicemail found.",
    )


@voicemail.command(json=one(VoicemailEntry), examples=("voicemail show ll0a1b2c-1764000000.12",))
@click.argument("voicemail_id", metavar="VOICEMAIL")
@with_system
def show(system: System, voicemail_id: str, as_json: bool) -> None:
    """Show the VOICEMAIL with its transcript."""
    entry = system.read(views.one, voicemail_id)
    if as_json:
        output.print_json(entry)
        return
    tz = system.config.tz
    output.print_entry(
        (
            ("voicemail", entry.id),
            ("mailbox", entry.mailbox),
            ("left", output.local(entry.left_at, tz)),
            ("caller", _caller(entry)),
            ("name", entry.name),
            ("lead", entry.lead),
            ("line", entry.line),
            ("seconds", entry.seconds),
            ("heard", output.local(entry.heard_at, tz) or "not yet"),
            ("taken by", entry.taken_by),
            ("taken", output.local(entry.taken_at, tz)),
            ("groups called", entry.groups_called),
            ("next group", output.local(entry.next_group_at, tz)),
            ("deleted", output.local(entry.deleted_at, tz)),
            ("audio deleted", output.local(entry.purged_at, tz)),
            ("transcript", transcripts.said(entry.transcript_state, entry.transcript)),
        )
    )


@voicemail.command(examples=("voicemail play ll0a1b2c-1764000000.12",))
@click.argument("voicemail_id", metavar="VOICEMAIL")
@with_system
async def play(system: System, voicemail_id: str) -> None:
    """Play VOICEMAIL on this machine's speakers; if there are none, say where the file is."""
    path = _audio(system, await system.store.read(views.one, voicemail_id))
    if not await recordings.play(path):
        output.say(f"There is no program here to play audio. The file is {path}.")
        output.hint("By phone: dial the voicemail code, which `leaseline device codes` shows.")
        return
    await system.store.run(mailboxes.heard, voicemail_id, system.now)
    await system.store.run(audit.record, system.by, f"voicemail {voicemail_id} listened to")
    output.say("Played; the voicemail is now marked as heard.")


@voicemail.command(
    examples=(
        "voicemail export ll0a1b2c-1764000000.12 voicemail.wav",
        "voicemail export ll0a1b2c-1764000000.12 voicemail.mp3",
    )
)
@click.argument("voicemail_id", metavar="VOICEMAIL")
@click.argument("file", type=FilePath(dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@with_system
def export(system: System, voicemail_id: str, file: Path, overwrite: bool) -> None:
    """Write VOICEMAIL to FILE, as WAV or MP3 by its extension."""
    path = _audio(system, system.read(views.one, voicemail_id))
    if file.suffix.lower() not in (".wav", ".mp3"):
        raise click.UsageError("Name a file that ends in .wav or .mp3.")
    if file.exists() and not overwrite:
        raise WrongInput(f"{file} already exists: name another file, or give --overwrite.")
    content = recordings.mp3(path) if file.suffix.lower() == ".mp3" else path.read_bytes()
    try:
        file.write_bytes(content)
    except OSError as error:
        raise WrongInput(f"{file} cannot be written: {error.strerror}.") from error
    system.run(audit.record, system.by, f"voicemail {voicemail_id} exported to {file}")
    output.say(f"Wrote {file}, {len(content):,} bytes.")


@voicemail.command(examples=("voicemail delete ll0a1b2c-1764000000.12",))
@click.argument("voicemail_id", metavar="VOICEMAIL")
@with_system
def delete(system: System, voicemail_id: str) -> None:
    """Remove VOICEMAIL from its mailbox. The task to call back stays, and the audio is kept until it is old enough."""
    system.run(mailboxes.delete, system.by, voicemail_id)
    output.say("Deleted.")


@voicemail.command(examples=("voicemail take ll0a1b2c-1764000000.12 --agent alice",))
@click.argument("voicemail_id", metavar="VOICEMAIL")
@click.option("--agent", metavar="SLUG", required=True, help="The agent who takes it.")
@with_system
def take(system: System, voicemail_id: str, agent: str) -> None:
    """Give VOICEMAIL to an agent: its task is theirs, and nobody else is called about it."""
    system.run(mailboxes.take, system.by, voicemail_id, agent)
    output.say(f"The voicemail and its task now belong to {agent}.")


@voicemail.command(
    examples=(
        "voicemail greeting property:elm --text 'You have reached Elm Street. Please leave a message.'",
        "voicemail greeting agent:alice --file hello.wav",
        "voicemail greeting office --reset",
    )
)
@click.argument("box")
@click.option("--text", help="Text to be spoken.")
@click.option("--language", default="en", show_default=True, help="Language of the text.")
@click.option("--file", type=FilePath(), help="A recording.")
@click.option("--reset", is_flag=True, help="Go back to the standard greeting.")
@with_system
async def greeting(system: System, box: str, text: str | None, language: str, file: Path | None, reset: bool) -> None:
    """Set what callers hear before they leave a voicemail in BOX; without an option, show it."""
    mailbox = await system.store.read(mailboxes.existing, box)
    if sum((text is not None, file is not None, reset)) > 1:
        raise click.UsageError("Give one of --text, --file and --reset.")
    if text is not None:
        await asyncio.to_thread(greetings.speak, system.config, mailbox, text, language)
    elif file is not None:
        await asyncio.to_thread(greetings.take_over, system.config, mailbox, file)
    elif reset:
        greetings.reset(system.config, mailbox)
    else:
        own = mailboxes.greeting(system.config, mailbox)
        output.say(f"{mailbox} has {f'its own greeting, {own}' if own else 'the standard greeting'}.")
        return
    await system.store.run(greetings.record_change, system.by, mailbox)
    output.say(f"Callers of {mailbox} hear {'the standard greeting' if reset else 'that'} from the next call on.")


def _audio(system: System, entry: VoicemailEntry) -> Path:
    path = mailboxes.audio(system.config, entry.file)
    if path is None:
        raise WrongInput("The audio of that voicemail is no longer there.")
    return path
