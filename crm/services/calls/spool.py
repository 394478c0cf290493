"""Calls that Asterisk handled without the app: the dialplan's log entries about them become facts like any other.

Asterisk appends a line to a single file for everything that happens (context log in
asterisk_conf/templates/extensions.conf.j2). Here the lines are sorted into one file per call, spool/<call id>.call, of
`key=value` lines, one per text (for `crm.services.texts.inbox`), and one per emergency call (for
`crm.services.phones.emergencies`). The id of every fact is made from the call's id and its line, so a file may be
imported any number of times. It is moved to spool/done/ once its facts are safe in the journal.
"""

from __future__ import annotations

import asyncio
import csv
import fcntl
import json
import logging
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallEnded,
    CallRefused,
    Cut,
    DialStatus,
    EndedBy,
    Fact,
    HandedToDialplan,
    LegEnded,
    LegRang,
    TalkCut,
    TalkEnded,
    TalkStarted,
    VoicemailLeft,
)
from crm.edge import spool_folder
from crm.services.calls.journal import Journal
from crm.services.phones import emergencies
from crm.services.routing import arrivals
from crm.services.texts import inbox
from crm.services.voicemail import recordings

_WRITING_SECONDS = 0.05
"""How long Asterisk takes to write a line, where the file system does not tell whether it does."""
_LOOKS = 20
_GRACE = timedelta(seconds=10)
_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,60}", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}", re.ASCII)
_CHANNEL_ID = re.compile(r"[A-Za-z0-9._-]{1,160}(;[12])?", re.ASCII)
"""A Local channel, such as a message lamp's, has two halves, ;1 and ;2."""
_EXACT_TIME = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)
_STAGE = "last_resort"

_log = logging.getLogger(__name__)


async def import_all(
    config: Config,
    journal: Journal,
    present: Collection[str],
    now: datetime,
    *,
    on_gone: Callable[[str, datetime], None] = lambda channel_id, at: None,
    died_at: datetime | None = None,
) -> int:
    """Appends the facts of every call in the spool that is over, and returns the number of those calls.

    `present` are the ids of the callers' channels that Asterisk has now. A file without a final line belongs to one of
    them, or else to a call whose end could not be logged, which then counts as over as well. `on_gone` is called with
    each channel that is gone, and when that was; `died_at` is when the previous Asterisk process ended, if known.
    """
    try:
        if _claim(config) and await _is_complete(_claimed(config)):
            # In a thread: a flood of texts is thousands of lines.
            for channel_id, at in (await asyncio.to_thread(_sort, config)).items():
                on_gone(channel_id, at)
    except OSError as error:
        _log.error("Asterisk's log entries cannot be sorted into calls yet", extra={"error": error.strerror})
    count = 0
    for path in sorted(config.spool_folder.glob("*.call")):
        try:
            logged = _read(path)
            if logged is None or not _is_over(logged, present, now):
                continue
            for fact in await asyncio.to_thread(list, _facts(logged, config, died_at)):
                journal.append(fact)
            # The file may go only once the journal is safe on disk.
            await journal.sync()
            spool_folder.put_aside(path)
        except OSError as error:
            # The file stays and is retried; the others must not wait for it.
            why = {"error": error.strerror, "file": path.name}
            _log.error("A call cannot be imported from the spool yet", extra=why)
            continue
        count += 1
    if count:
        _log.info("Calls that Asterisk handled alone were imported", extra={"count": count})
    return count


def has_entries(config: Config, call_id: str) -> bool:
    """Whether a call has log entries waiting to be imported."""
    return (config.spool_folder / f"{call_id}.call").exists()


def _claim(config: Config) -> bool:
    """Moves Asterisk's file aside, so that it begins a new one; False when there is nothing to sort."""
    written = _written(config)
    if not _claimed(config).exists():
        if not written.exists():
            return False
        written.replace(_claimed(config))
    return True


async def _is_complete(path: Path) -> bool:
    """Waits until nobody writes to a file that has been moved aside: Asterisk opens it for each line, and on a busy
    machine may be interrupted for long before it has written one. False: not yet, and the file waits for the next
    look."""
    for _ in range(_LOOKS):
        try:
            with path.open("rb") as file:
                # Granted unless a process has the file open for writing (fcntl(2), leases). It ends with the file.
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            await asyncio.sleep(_WRITING_SECONDS)
        except OSError:
            await asyncio.sleep(_WRITING_SECONDS)
            return True
        else:
            return True
    return False


def _written(config: Config) -> Path:
    return config.asterisk_folder / "log" / "cel-custom" / "notes.csv"


def _claimed(config: Config) -> Path:
    return config.spool_folder / "notes.claimed"


def _sort(config: Config) -> dict[str, datetime]:
    """Appends the lines of the claimed file to the files of their calls. Returns the channels that are gone, and when.

    After a crash halfway, the file is sorted again from the start; a duplicate line in a call's file does no harm.
    """
    lines: dict[str, list[str]] = {}
    emergency_lines: dict[str, list[str]] = {}
    ended: dict[str, datetime] = {}
    texts = []
    with _claimed(config).open(encoding="ascii", errors="replace") as file:
        for row in file:
            if gone := _hangup_in(row):
                ended[gone[0]] = gone[1]
                continue
            call_id, _, line = _entry_in(row).partition(" ")
            if call_id == "text" and (text := inbox.from_entry(line)):
                texts.append(text)
            elif call_id == "emergency" and (emergency_call := emergencies.call_of(line)):
                emergency_lines.setdefault(emergency_call, []).append(line)
            elif _CALL_ID.fullmatch(call_id) and line.isascii() and line.isprintable():
                lines.setdefault(call_id, []).append(line)
            else:
                _log.error("A log entry of Asterisk's cannot be read")
    for call_id, logged in emergency_lines.items():
        emergencies.keep(config, call_id, logged)
    for call_id, at in ended.items():
        if call_id in lines or has_entries(config, call_id):
            lines.setdefault(call_id, []).append(f"gone={int(at.timestamp())}")
    for call_id, logged in lines.items():
        with (config.spool_folder / f"{call_id}.call").open("a", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in logged))
            file.flush()
            os.fsync(file.fileno())
    inbox.keep(config, texts)
    _claimed(config).unlink()
    return ended


def emergency_calls(config: Config) -> list[emergencies.LoggedCall]:
    """Emergency calls in Asterisk's log entries that may not be on record yet. Only reads."""
    lines: dict[str, list[str]] = {}
    sorted_already = sorted(config.spool_folder.glob("*.emergency"))
    try:
        rows = [line for path in sorted_already for line in path.read_text("ascii", "replace").splitlines()]
        for path in (_claimed(config), _written(config)):
            if path.exists():
                logged = (_entry_in(row).partition(" ") for row in path.read_text("ascii", "replace").splitlines())
                rows += [line for kind, _, line in logged if kind == "emergency"]
    except OSError as error:
        # The app has just taken in a file; the next look finds it on record.
        _log.warning("Asterisk's log entries cannot be read", extra={"error": error.strerror})
        return []
    for row in rows:
        if call_id := emergencies.call_of(row):
            lines.setdefault(call_id, []).append(row)
    return [found for own in lines.values() if (found := emergencies.read(own))]


def _hangup_in(row: str) -> tuple[str, datetime] | None:
    """The channel that is gone, and when it went; None for any other row."""
    try:
        _, kind, channel_id, at = next(csv.reader([row]))
    except (csv.Error, StopIteration, ValueError):
        return None
    if kind != "HANGUP" or not _CHANNEL_ID.fullmatch(channel_id) or not _EXACT_TIME.fullmatch(at):
        return None
    return channel_id, datetime.fromtimestamp(float(at), UTC)


def _entry_in(row: str) -> str:
    """The text of one row of cel_custom's CSV, whose first field is JSON with the text under `extra`."""
    try:
        return str(json.loads(next(csv.reader([row]))[0])["extra"])
    except (csv.Error, StopIteration, IndexError, KeyError, TypeError, ValueError):
        return ""


@dataclass(frozen=True)
class _LoggedCall:
    """The parsed lines of one file. A time is None when its line is missing or invalid."""

    call_id: str
    changed_at: datetime
    values: dict[str, str]
    rang: tuple[tuple[str, datetime], ...]
    """Device and time, in order."""
    answered: tuple[str, datetime] | None
    leg: str
    """Channel of the phone that answered, if the app had rung it; empty otherwise."""

    @property
    def ended_at(self) -> datetime | None:
        return self.time("ended") or self.time("gone")

    def time(self, key: str) -> datetime | None:
        return _time(self.values.get(key, ""))


def _read(path: Path) -> _LoggedCall | None:
    """None for a file whose name is not a call id."""
    if not _CALL_ID.fullmatch(path.stem):
        _log.error("A file in the spool does not belong to a call", extra={"file": ascii(path.name)})
        return None
    values: dict[str, str] = {}
    rang = []
    for line in path.read_bytes().decode("ascii", "replace").splitlines():
        key, _, value = line.strip().partition("=")
        if key == "rang":
            if (pair := _device_and_time(value)) and pair not in rang:
                rang.append(pair)
        elif value:
            # A line may be written twice; the first time is the more accurate.
            values.setdefault(key, value)
    return _LoggedCall(
        call_id=path.stem,
        changed_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        values=values,
        rang=tuple(rang),
        answered=_device_and_time(values.get("answered", "")),
        leg=leg if _FILE_NAME.fullmatch(leg := values.get("leg", "")) else "",
    )


def _is_over(logged: _LoggedCall, present: Collection[str], now: datetime) -> bool:
    if logged.ended_at:
        return True
    # A call may have begun after `present` was queried; then its file is recent.
    return logged.call_id not in present and now - logged.changed_at > _GRACE


def _facts(logged: _LoggedCall, config: Config, died_at: datetime | None) -> Iterator[Fact]:
    call_id = logged.call_id
    ended_at = logged.ended_at or max(logged.changed_at, died_at or logged.changed_at)
    arrived_at = logged.time("arrived") or min([at for _, at in logged.rang], default=ended_at)

    def fact_id(what: str) -> str:
        return f"{call_id}/spool/{what}"

    def leg_id(number: int) -> str:
        return f"{call_id}-spool-{number}"

    arrival = arrivals.read(
        config,
        request=logged.values.get("did", ""),
        said=logged.values.get("said", ""),
        withheld=logged.values.get("withheld", ""),
        shown=logged.values.get("caller", ""),
    )
    yield CallArrived(
        fact_id("arrived"),
        call_id,
        arrived_at,
        did=arrival.did,
        caller=arrival.caller,
        trunk=logged.values.get("trunk", "").removeprefix("trunk-"),
        without_app=True,
        attestation=arrival.attestation,
        withheld=arrival.is_withheld,
        dialled=arrival.dialled,
        caller_digits=arrival.caller_digits,
    )
    if handed_at := logged.time("handed"):
        yield HandedToDialplan(fact_id("handed"), call_id, handed_at, reason=logged.values.get("reason", ""))

    rang = list(logged.rang)
    if logged.answered and logged.leg:
        # The app rang this phone, and has logged that itself.
        yield TalkStarted(fact_id("answered"), call_id, logged.answered[1], logged.leg)
    elif logged.answered and logged.answered[0] not in [device for device, _ in rang]:
        # The dialplan rings many phones with one Dial and knows only which of them answered.
        rang.append((logged.answered[0], handed_at or logged.answered[1]))
    stops_at = timedelta(seconds=config.survival.last_resort_ring_seconds)
    for number, (device, rang_at) in enumerate(rang):
        # The ledger knows whose phone it is.
        yield LegRang(fact_id(f"rang/{number}"), call_id, rang_at, leg_id(number), device, agent="", stage=_STAGE)
        if not logged.answered:
            at, status = min(rang_at + stops_at, ended_at), DialStatus.NOANSWER
        elif logged.answered[0] != device:
            at, status = logged.answered[1], DialStatus.CANCEL
        else:
            yield TalkStarted(fact_id("answered"), call_id, logged.answered[1], leg_id(number))
            continue
        yield LegEnded(fact_id(f"rang/{number}/ended"), call_id, at, leg_id(number), status)

    if talk_ended_at := logged.time("talk_ended"):
        yield TalkEnded(fact_id("talk_ended"), call_id, talk_ended_at, leg_id="")
    if logged.values.get("voicemail") and (seconds := recordings.take_voicemail(config, call_id)):
        file = recordings.file_name(call_id)
        yield VoicemailLeft(fact_id("voicemail"), call_id, ended_at, file=file, seconds=round(seconds))
    if logged.values.get("refused") == "503":
        yield CallRefused(fact_id("refused"), call_id, arrived_at, 503)
        yield CallEnded(fact_id("ended"), call_id, ended_at, by=EndedBy.SYSTEM, without_app=True)
        return
    by = EndedBy.CALLER if logged.ended_at else EndedBy.SYSTEM
    if by is EndedBy.SYSTEM:
        # The end was not logged: Asterisk died, and any talk under way with it.
        yield TalkCut(fact_id("cut"), call_id, ended_at, leg_id="", by=Cut.FAILED)
    yield CallEnded(fact_id("ended"), call_id, ended_at, by=by, without_app=True)


def _time(text: str) -> datetime | None:
    # Ten digits of seconds reach to the year 2286.
    return datetime.fromtimestamp(int(text), UTC) if re.fullmatch(r"[0-9]{1,10}", text) else None


def _device_and_time(text: str) -> tuple[str, datetime] | None:
    device, _, epoch = text.rpartition(",")
    at = _time(epoch)
    return (device, at) if at and _FILE_NAME.fullmatch(device) else None
