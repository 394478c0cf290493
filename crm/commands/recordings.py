"""`leaseline recordings`."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from sqlalchemy.orm import Session

from crm.commands import output
from crm.commands.command import (
    ID,
    Failure,
    FilePath,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    since_option,
    until_option,
    with_system,
)
from crm.commands.removing import confirm, yes_option
from crm.domain.ringing import DeviceKind
from crm.edge.live_link import LiveLost, once
from crm.edge.live_state import SECRET, ActRefusal, LiveAsk
from crm.services.calls import strays
from crm.services.phones import devices
from crm.services.voicemail import recordings as sounds
from crm.services.voicemail import retention, talk_recordings
from crm.views import known
from crm.views import recordings as views
from crm.views.recordings import ExpiredEntry, ExportedRecording, RecordingRow, StrayEntry
from crm.words.sheet import csv_text

INDEX = "index.csv"


@click.group(
    cls=Group,
    examples=(
        "recordings list --since 7d",
        "recordings play 1773000000.12",
        "recordings export march.zip --since 3/1/2026 --until 3/31/2026",
        "recordings hold 1773000000.12 --why 'Smith v. Maple'",
    ),
)
def recordings() -> None:
    """Recordings of talks and their audio: listening, exporting, holding, deleting, repairing."""


@recordings.command(
    "list",
    json=many(RecordingRow),
    examples=("recordings list --since 7d", "recordings list --lead 1", "recordings list --held --json"),
)
@click.option("--call", metavar="CALL", help="Only those of this call.")
@click.option("--lead", type=ID, help="Only those of this lead's calls.")
@since_option
@until_option
@click.option("--held", is_flag=True, help="Only those that may not be deleted.")
@click.option("--deleted", is_flag=True, help="Those that were deleted instead.")
@limit_option()
@with_system
def list_(
    system: System,
    call: str | None,
    lead: int | None,
    since: str | None,
    until: str | None,
    held: bool,
    deleted: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List recordings of talks, newest first."""
    system.read(known.check, call=call, lead=lead)
    start = system.since(since)
    found = system.read(
        views.listed,
        system.config,
        call=call,
        lead=lead,
        since=start,
        until=system.until(until, start),
        held=held,
        deleted=deleted,
        limit=limit + 1,
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    last = ("deleted", "by", "why") if deleted else ("held", "bytes")
    output.print_table(
        ("recording", "at", "person", "agent", "seconds", *last),
        (
            (
                one.id,
                output.local(one.started_at, tz),
                one.name or one.caller or "",
                one.agent,
                one.seconds,
                *(
                    (output.local(one.deleted_at, tz), one.deleted_by, one.deleted_why)
                    if deleted
                    else (one.held_why or "", one.bytes or "gone")
                ),
            )
            for one in entries
        ),
        empty="No recordings found.",
    )


@recordings.command(
    examples=(
        "recordings play 1773000000.12",
        "recordings play 1773000000.12-talk-2",
        "recordings play 1773000000.12 --on alice-desk",
    )
)
@click.argument("recording", metavar="RECORDING|CALL")
@click.option("--on", "device", metavar="DEVICE", help="Ring this phone, and play it to whoever answers.")
@with_system
async def play(system: System, recording: str, device: str | None) -> None:
    """Play a recording, or those of a call, on this machine's speakers; if there are none, say where the file is.

    With --on, a phone rings, and hanging up ends it; what is held is not played there, where anybody may pick up. That
    somebody listened is entered in the audit log.
    """
    if device is not None:
        await _play_on(system, recording, device)
        return
    found = await system.store.read(
        lambda session: [
            (one.id, one.call_id, talk_recordings.path_of(system.config, one.file))
            for one in talk_recordings.to_use(session, system.config, recording)
        ]
    )
    for id, call, path in found:
        if not await sounds.play(path):
            output.say(f"There is no program here to play audio. The file is {path}.")
            output.hint(f"`leaseline recordings export` copies it to where you can listen: --call {call}")
            return
        await system.store.run(talk_recordings.note_use, system.by, [(id, call)], "listened to")
        output.say(f"Played {id}.")


async def _play_on(system: System, recording: str, named: str) -> None:
    def look(session: Session) -> tuple[str, int]:
        device = devices.named(session, named)
        if device.kind == DeviceKind.MOBILE:
            raise WrongInput(f"{device.slug} is a mobile: name a phone that registers here.")
        return device.slug, len(talk_recordings.to_hear_by_phone(session, system.config, recording))

    device, count = await system.store.read(look)
    try:
        code = await once(
            system.config.ports.live,
            lambda: system.secrets.get(SECRET),
            LiveAsk(1, "play", recording, system.by.who, device=device),
        )
    except LiveLost:
        raise Failure("Leaseline is not running here, so no phone can ring: `leaseline up` starts it.") from None
    if code:
        why = {
            ActRefusal.NO_PHONE.value: "is not registered, or does not answer: `leaseline device list` shows which are",
            ActRefusal.IN_TALK.value: "is in a call: try again when it is over",
        }
        raise Failure(f"{device} {why.get(code, 'could not be rung: `leaseline logs --problems` says why')}.")
    output.say(f"{device} rings. Whoever answers hears {output.counted(count, 'recording')}.")


@recordings.command(
    examples=(
        "recordings export march.zip --since 3/1/2026 --until 3/31/2026",
        "recordings export /mnt/usb/smith --lead 1",
        "recordings export one.zip --call 1773000000.12",
    )
)
@click.argument("target", metavar="FOLDER|FILE.zip", type=FilePath())
@click.option("--call", metavar="CALL", help="Only those of this call.")
@click.option("--lead", type=ID, help="Only those of this lead's calls.")
@since_option
@until_option
@click.option("--held", is_flag=True, help="Only those that may not be deleted.")
@with_system
def export(
    system: System,
    target: Path,
    call: str | None,
    lead: int | None,
    since: str | None,
    until: str | None,
    held: bool,
) -> None:
    """Copy recordings into a new folder or zip file, with index.csv, which says what each one is.

    Each recording that is exported is entered in the audit log.
    """
    if not (call or lead or since or until or held):
        raise WrongInput("Say which recordings: --call, --lead, --since, --until or --held.")
    system.read(known.check, call=call, lead=lead)
    start = system.since(since)
    end = system.until(until, start)
    found = system.read(
        views.listed, system.config, call=call, lead=lead, since=start, until=end, held=held, limit=None
    )
    there = [one for one in found if one.bytes]
    if not there:
        raise WrongInput("There is no such recording here, so nothing is exported.")
    lines = [_line(one, system) for one in there]
    try:
        with _new(target) as put:
            for one, line in zip(there, lines, strict=True):
                put(line.file, talk_recordings.path_of(system.config, one.file))
            put(INDEX, csv_text(lines, ExportedRecording))
            # What is about to be there is on record, even if its last step fails.
            used = [(one.id, one.call) for one in there]
            system.run(talk_recordings.note_use, system.by, used, f"exported to {target}")
    except FileExistsError:
        raise WrongInput(f"{target} is there already: name a new folder or file.") from None
    except OSError as error:
        raise WrongInput(f"{target} cannot be written ({error.strerror}): name another.") from None
    output.say(f"Exported {output.counted(len(there), 'recording')} to {target}.")
    if len(there) < len(found):
        output.hint(f"{output.counted(len(found) - len(there), 'recording')} more: the audio is gone or elsewhere.")


def _line(one: RecordingRow, system: System) -> ExportedRecording:
    local = one.started_at.astimezone(system.config.tz)
    name = re.sub(r"[^A-Za-z0-9+._-]", "-", f"{local:%Y-%m-%d_%H%M%S}_{one.caller or 'unknown'}_{one.id}")[:150]
    return ExportedRecording(
        f"{name}.wav",
        one.id,
        one.call,
        local.isoformat(sep=" ", timespec="seconds"),
        one.seconds,
        one.caller or "",
        one.name or "",
        one.lead,
        one.agent or "",
        one.line or "",
        one.held_why or "",
        one.transcript,
    )


@contextmanager
def _new(target: Path) -> Iterator[Callable[[str, Path | str], None]]:
    """A function that adds a file, or a text, to a new folder or zip file; nothing is left of one that fails. Only its
    owner may read it. Raises OSError."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    if target.exists():
        raise FileExistsError
    try:
        if target.suffix.lower() == ".zip":
            with (
                open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
                zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
            ):

                def add(name: str, content: Path | str) -> None:
                    if isinstance(content, Path):
                        archive.write(content, name)
                    else:
                        archive.writestr(name, content)

                yield add
        else:
            part.mkdir(mode=0o700)

            def copy(name: str, content: Path | str) -> None:
                if isinstance(content, Path):
                    shutil.copyfile(content, part / name)
                else:
                    (part / name).write_text(content, encoding="utf-8")

            yield copy
        part.rename(target)
    except BaseException:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
        raise


why_option = click.option("--why", metavar="TEXT", required=True, help="The reason, which stays on record.")


@recordings.command(examples=("recordings delete 1773000000.12 --why 'caller asked' --yes",))
@click.argument("recording", metavar="RECORDING|CALL")
@why_option
@yes_option
@with_system
def delete(system: System, recording: str, why: str, yes: bool) -> None:
    """Delete a recording, or those of a call, with its transcript. Who did it, when and why stays on record.

    What is held is not deleted.
    """
    found = system.read(
        lambda session: [one.id for one in talk_recordings.check_deletable(session, system.config, recording)]
    )
    confirm(f"{output.counted(len(found), 'recording')} will be gone for good: {', '.join(found)}. Go on?", yes=yes)
    gone = system.run(talk_recordings.delete, system.config, system.by, recording, why)
    output.say(f"Deleted {', '.join(gone)}.")


@recordings.command(examples=("recordings hold 1773000000.12 --why 'Smith v. Maple'",))
@click.argument("recording", metavar="RECORDING|CALL")
@why_option
@with_system
def hold(system: System, recording: str, why: str) -> None:
    """Keep all audio of a call, and what was said in it, until `recordings release`.

    Neither retention nor `recordings delete` nor the erasure of the person deletes it.
    """
    call = system.run(talk_recordings.hold, system.by, recording, why)
    output.say(f"The audio of call {call} is held.")


@recordings.command(examples=("recordings release 1773000000.12 --why 'case closed'",))
@click.argument("recording", metavar="RECORDING|CALL")
@why_option
@with_system
def release(system: System, recording: str, why: str) -> None:
    """End a hold: from now on the audio of the call is deleted like any other."""
    call = system.run(talk_recordings.release, system.by, recording, why)
    output.say(f"The audio of call {call} is no longer held.")


@recordings.command(json=many(ExpiredEntry), examples=("recordings prune --dry-run", "recordings prune --json"))
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@with_system
async def prune(system: System, dry_run: bool, as_json: bool) -> None:
    """Delete what is older than recordings.keep_days and voicemail.keep_days, and not held.

    The app also does this every day.
    """
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
