"""Emergency calls: their record, notices to the office, and how long the emergency service may call back.

Asterisk connects them without the app, and logs the start and the end of each (context emergency-call in
asterisk_conf/templates/extensions.conf.j2). `crm.services.calls.spool` sorts the entries into one file per call,
spool/<call id>.emergency. Here each file becomes a row and a notice, at once or as soon as the app and the database are
back.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import emergency, fields
from crm.domain.emergency import EmergencyNews
from crm.domain.errors import Conflict, NotFound
from crm.edge import numbers, spool_folder
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents
from crm.services.outbox import notices
from crm.store.models import Agent, Device, EmergencyCall
from crm.store.queries import agents as agent_queries

LOOK_SECONDS = 2.0
RECENT = timedelta(hours=24)
"""How long `leaseline status` shows an emergency call."""

_GRACE = timedelta(seconds=10)
_ENTRY = re.compile(
    r"(?P<id>[A-Za-z0-9._-]{1,60}) (?:"
    r"started (?P<started>\d{1,10}) (?P<dialled>\d{3,4}) (?P<device>[a-z0-9-]{1,40}) (?P<callback>\+?\d{1,15}|-)"
    r" (?P<address>[A-Za-z0-9+/=]+|-)"
    r"|ended (?P<ended>\d{1,10}) (?P<status>[A-Z]{1,20}))",
    re.ASCII,
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoggedCall:
    """What Asterisk logged about one call."""

    id: str
    dialled: str
    device: str
    callback_number: str
    address: str
    started_at: datetime
    ended_at: datetime | None
    status: str


# --- from Asterisk's log entries to files ---


def call_of(line: str) -> str | None:
    """Id of the call that a log entry is about; None for any other line."""
    found = _ENTRY.fullmatch(line)
    return found["id"] if found else None


def keep(config: Config, call_id: str, lines: Sequence[str]) -> None:
    """Appends entries to the call's file; it does not matter if one is there twice. Raises OSError."""
    with (config.spool_folder / f"{call_id}.emergency").open("a", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def read(lines: Sequence[str]) -> LoggedCall | None:
    """Reads one call's entries, in any order; None while the start is missing."""
    logged = [found for line in lines if (found := _ENTRY.fullmatch(line))]
    start = next((found for found in logged if found["started"]), None)
    end = next((found for found in logged if found["ended"]), None)
    if start is None:
        return None
    return LoggedCall(
        id=start["id"],
        dialled=start["dialled"],
        device=start["device"],
        callback_number=start["callback"].strip("-"),
        address=_decoded(start["address"]),
        started_at=_time(start["started"]),
        ended_at=_time(end["ended"]) if end else None,
        status=end["status"] if end else "",
    )


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace").replace("\x00", "")[:300]
    except binascii.Error:
        return ""


def _time(epoch: str) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


# --- from files to the record ---


class EmergencyNotifier:
    """Records the emergency calls that were logged, and notifies the office."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._seen: dict[str, int] = {}
        self.look_now = asyncio.Event()
        self.channels: Collection[str] | None = None
        """Ids of the channels that Asterisk has; None while that is unknown."""

    async def import_all(self) -> int:
        """Records every call with new entries, and returns how many there were. What cannot be recorded now stays.

        Raises Unavailable; OSError if some files could not be read or moved, after recording all others.
        """
        count, failed = 0, None
        for path in sorted(self._crm.config.spool_folder.glob("*.emergency")):
            try:
                count += await self._import(path)
            except OSError as error:
                failed = error
        if failed:
            raise failed
        return count

    async def _import(self, path: Path) -> bool:
        text = path.read_text(encoding="ascii", errors="replace")
        logged = read(text.splitlines())
        is_over = logged is None or logged.ended_at is not None or self._is_gone(path)
        if not is_over and self._seen.get(path.name) == len(text):
            return False
        if logged is not None:
            await self._crm.store.run(record, self._crm.config, logged, self._crm.now(), is_over=is_over)
        self._seen[path.name] = len(text)
        if logged is None and not self._is_gone(path):
            return False
        if is_over:
            spool_folder.put_aside(path)
            del self._seen[path.name]
        return logged is not None

    def _is_gone(self, path: Path) -> bool:
        """Whether Asterisk no longer has the channel, although no end was logged."""
        age = self._crm.now().timestamp() - path.stat().st_mtime
        return self.channels is not None and path.stem not in self.channels and age > _GRACE.total_seconds()


def record(session: Session, config: Config, logged: LoggedCall, now: datetime, *, is_over: bool) -> None:
    """Records the call, and notifies the office once. Raises Unavailable."""
    call = session.get(EmergencyCall, logged.id)
    if call is None:
        owner = session.scalar(select(Agent).join(Device).where(Device.slug == logged.device))
        call = EmergencyCall(
            id=logged.id,
            dialled=logged.dialled,
            device=logged.device,
            agent=owner.slug if owner else "",
            address=logged.address,
            callback_number=logged.callback_number,
            started_at=logged.started_at,
            node=config.node,
        )
        session.add(call)
        shown = numbers.display(logged.callback_number, config.region) if logged.callback_number else ""
        told = EmergencyNews(
            logged.dialled, owner.name if owner else "", logged.device, logged.address, shown, logged.started_at
        )
        subject, text = emergency.notice(told, config.tz, now)
        people = agent_queries.told_of_emergencies(session)
        notices.tell(session, config, people, f"emergency:{logged.id}", subject, text, now)
        _log.warning("emergency call", extra={"dialled": logged.dialled, "device": logged.device})
    call.ended_at = logged.ended_at or (now if is_over else None)
    call.status = logged.status


# --- who is waited for afterwards ---


def awaits_callback_until(
    config: Config, dialled: str, callback_number: str, started_at: datetime, acknowledged_at: datetime | None
) -> datetime | None:
    """Until when unknown callers to an emergency call's callback number ring the phone that made it; None: they do
    not, because it was a test, was acknowledged, or showed no number. May have passed."""
    if dialled == emergency.TEST or not callback_number or acknowledged_at or not config.emergency.callback_minutes:
        return None
    return started_at + timedelta(minutes=config.emergency.callback_minutes)


def acknowledge(session: Session, config: Config, by: By, call_id: str) -> bool:
    """Ends the time in which the emergency service is waited for after a call; publishing makes Asterisk know.

    Returns whether another call that showed the same number still waits for it, so that its callers ring a phone all
    the same. Raises NotFound, Invalid; Conflict while the call is in progress, and if there is nothing to end.
    """
    call = session.get(EmergencyCall, fields.text(call_id, "call's id", 80, required=True))
    if call is None:
        raise NotFound("There is no such emergency call.", code="emergency_unknown")
    if call.ended_at is None:
        raise Conflict("That emergency call is in progress.", code="emergency_in_progress")
    until = awaits_callback_until(config, call.dialled, call.callback_number, call.started_at, call.acknowledged_at)
    if until is None or until <= by.now:
        raise Conflict(
            "The emergency service is not expected to call back about that call.", code="emergency_not_awaited"
        )
    call.acknowledged_at = by.now
    audit.record(session, by, f"emergency call {call.id} by {call.device} acknowledged")
    session.flush()
    return call.callback_number not in {number for number, _ in acknowledged(session, config, by.now)}


def acknowledged(session: Session, config: Config, now: datetime) -> list[tuple[str, datetime]]:
    """Numbers (E.164) that emergency calls have shown lately, all of which are acknowledged, and when the latest of
    these was made."""
    since = now - timedelta(minutes=config.emergency.callback_minutes)
    recent = select(EmergencyCall).where(
        EmergencyCall.started_at > since,
        EmergencyCall.dialled != emergency.TEST,
        EmergencyCall.callback_number != "",
    )
    calls = session.scalars(recent.order_by(EmergencyCall.started_at)).all()
    waiting = {call.callback_number for call in calls if call.acknowledged_at is None}
    latest = {call.callback_number: call.started_at for call in calls}
    return [(number, at) for number, at in latest.items() if number not in waiting]


# --- who is notified ---


def set_notice(session: Session, by: By, slug: str, *, wanted: bool) -> bool:
    """Sets whether an agent is notified of emergency calls. Returns whether they can be reached at all."""
    agent = agents.named(session, slug)
    agent.emergency_notice = wanted
    audit.record(session, by, f"agent {slug} is {'told' if wanted else 'not told'} of emergency calls")
    return bool(agent.email) or any(device.number for device in agent.devices)
