"""How many calls there is room for, what is in use, and which callers were refused for want of room."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import limits
from crm.domain.counting import one_or_many
from crm.services.office import owners
from crm.services.outbox import notices
from crm.words import notices as words

REFUSED = "LL_REFUSED"
"""Asterisk's global variable in which the dialplan (context admission) counts callers over the limit."""
SPELL = timedelta(hours=1)
"""Refusals within this time are one notice."""

_REFUSED = re.compile(r"(\d{1,12})/(\d{1,10})/([a-z_]{1,30})/trunk-([a-z0-9-]{1,40})", re.ASCII)
_UDP = ("/proc/net/udp", "/proc/net/udp6")


@dataclass(frozen=True)
class RefusedCallers:
    """Callers who were refused with 503 since Asterisk started."""

    count: int
    at: datetime
    """When the latest was refused."""
    limit: str
    """The setting in [limits] that refused the latest."""
    trunk: str
    """Slug of the trunk that the latest came through."""


def room(config: Config, phones: int) -> limits.CallRoom:
    """How many calls there is room for, given the number of our phones."""
    return limits.room(
        config.limits.calls,
        ports=config.ports.rtp_last - config.ports.rtp_first + 1,
        phones=phones,
        live=config.dialing.live,
        reserve=config.limits.reserve_calls,
    )


def refused(value: str) -> RefusedCallers | None:
    """Reads the variable's value; None if nobody was refused."""
    found = _REFUSED.fullmatch(value)
    return (
        RefusedCallers(int(found[1]), datetime.fromtimestamp(int(found[2]), UTC), found[3], found[4]) if found else None
    )


def tell(session: Session, config: Config, latest: RefusedCallers, now: datetime) -> None:
    """Notifies the admin, at most once per hour."""
    spell = int(latest.at.timestamp() // SPELL.total_seconds())
    callers = one_or_many(latest.count, "caller was", "callers were")
    text = (
        f"{latest.count} {callers} refused since Asterisk started. The latest came through trunk {latest.trunk} and "
        f"was one too many for limits.{latest.limit}. If you expected that many, raise it in leaseline.toml; if not, "
        f"somebody is flooding you, and your carrier can stop them. {words.more('callers_refused')}"
    )
    notices.tell(session, config, [owners.admin(session)], f"refused:{spell}", "Callers are refused", text, now)


def ports_in_use(config: Config) -> int | None:
    """How many of our RTP ports are in use on this machine; None if that cannot be determined."""
    first, last = config.ports.rtp_first, config.ports.rtp_last
    try:
        rows = [row for name in _UDP for row in Path(name).read_text("ascii").splitlines()[1:]]
    except OSError:
        return None
    return len({port for port in _local_ports(rows) if first <= port <= last})


def _local_ports(rows: Iterable[str]) -> Iterable[int]:
    for row in rows:
        yield int(row.split()[1].rpartition(":")[2], 16)


def files_of_asterisk(config: Config) -> tuple[int, int] | None:
    """How many files Asterisk has open, and how many it may have; None if it does not run or that cannot be
    determined."""
    try:
        process = Path("/proc") / str(int((config.asterisk_folder / "run" / "asterisk.pid").read_text()))
        limit = re.search(r"^Max open files\s+(\d+)", (process / "limits").read_text(), re.MULTILINE)
        return len(list((process / "fd").iterdir())), int(limit[1]) if limit else 0
    except (OSError, ValueError):
        return None
