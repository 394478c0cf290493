"""Whether this home is the original or a copy: a copy sends nothing until it is told to.

A backup started on another machine, or a copied folder, has the original's texts, emails, orders and follow-ups in its
database. It answers calls, but everything that would go out waits until `leaseline home release`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.services import audit
from crm.services.audit import By
from crm.services.calls import orders
from crm.services.outbox.outgoing import withdraw
from crm.store.models import CallOrder, Mail, Message
from crm.store.session import after_commit

LOOK_SECONDS = 2.0
_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")

_log = logging.getLogger(__name__)


class Stamp(msgspec.Struct, frozen=True):
    """Where a home was last known to be: home.json."""

    machine: str
    """A hash of the machine's id (machine-id(5)), which should not be disclosed; "" if it has none."""
    home: str
    held: str = ""
    """Why nothing is sent although the home has not moved; "" if it is sent."""


@dataclass(frozen=True)
class HeldBack:
    """What is sent when the home is released."""

    texts: int
    mails: int
    calls: int


def held(config: Config) -> str:
    """Why this home sends nothing to people by itself; "" if it does. A home without a stamp gets one."""
    here = _here(config)
    try:
        stamp = msgspec.json.decode(_path(config).read_bytes(), type=Stamp)
    except FileNotFoundError:
        _write(config, here)
        return ""
    except (OSError, msgspec.MsgspecError):
        return f"{_path(config)} cannot be read, so nobody knows whether this home is a copy."
    if stamp.held:
        return stamp.held
    if stamp.machine and here.machine and stamp.machine != here.machine:
        return "This home comes from another machine."
    if stamp.home != here.home:
        return f"This home was at {stamp.home} before."
    return ""


class CopyWatch:
    """The result of `held`, checked again every two seconds."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._why, self._looked = "", -LOOK_SECONDS

    def is_held(self) -> bool:
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            why, self._looked = held(self._config), now
            if why != self._why:
                _log.warning("nothing goes to people from this home" if why else "this home sends again: %s", why)
            self._why = why
        return bool(self._why)


def waiting(session: Session) -> HeldBack:
    texts = select(func.count()).select_from(Message).where(Message.state == DeliveryState.QUEUED)
    mails = select(func.count()).select_from(Mail).where(Mail.state == DeliveryState.QUEUED)
    calls = select(func.count()).select_from(CallOrder).where(CallOrder.state == orders.State.WAITING)
    counts = [session.scalar(query) or 0 for query in (texts, mails, calls)]
    return HeldBack(*counts)


def release(session: Session, config: Config, by: By, *, drop: bool) -> HeldBack:
    """Makes this home the one that sends, and returns what was waiting. With `drop`, that is never sent."""
    found = waiting(session)
    if drop:
        why = "Dropped when the home was released, because the home it is a copy of has sent it."
        withdraw(session, Message, why)
        withdraw(session, Mail, why)
        session.execute(
            update(CallOrder)
            .where(CallOrder.state == orders.State.WAITING)
            .values(state=orders.State.CANCELLED, error=why)
        )
    audit.record(session, by, f"home released{', what waited was dropped' if drop else ''}")
    after_commit(session, lambda: _write(config, _here(config)))
    return found


def hold(config: Config, why: str) -> None:
    """Stops this home from sending anything to people by itself."""
    here = _here(config)
    _write(config, msgspec.structs.replace(here, held=why))


def _path(config: Config) -> Path:
    return config.home / "home.json"


def _here(config: Config) -> Stamp:
    machine = ""
    for path in _MACHINE_IDS:
        try:
            machine = Path(path).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if machine:
            break
    mark = hashlib.sha256(f"leaseline {machine}".encode()).hexdigest()[:32] if machine else ""
    return Stamp(mark, os.path.realpath(config.home))


def _write(config: Config, stamp: Stamp) -> None:
    path = _path(config)
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(stamp))
        fresh.replace(path)
    except OSError as error:
        _log.warning("where this home is cannot be written down", extra={"error": error.strerror})
