"""How much of the room for calls is taken, and who was refused because there was none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import limits
from crm.services.office import owners
from crm.services.outbox import notices
from crm.words import notices as words

REFUSED = "LL_REFUSED"
"""Asterisk's global variable in which the dialplan (admission) counts callers who were one too many."""
SPELL = timedelta(hours=1)
"""Refusals within this time make one notice."""

_REFUSED = re.compile(r"(\d{1,12})/(\d{1,10})/([a-z_]{1,30})/trunk-([a-z0-9-]{1,40})", re.ASCII)
_UDP = ("/proc/net/udp", "/proc/net/udp6")


@dataclass(frozen=True)
class RefusedCallers:
    """Callers who were answered 503 since Asterisk started."""

    count: int
    at: datetime
    """The latest."""
    limit: str
    """Setting in [limits] that refused the latest."""
    trunk: str
    """Slug; whose caller it was."""


def room(config: Config, phones: int) -> limits.CallRoom:
    """What there is room for, given the number of our phones."""
    return limits.room(
        config.limits.calls,
        ports=config.ports.rtp_last - config.ports.rtp_first + 1,
        phones=phones,
        live=config.dialing.live,
        reserve=config.limits.reserve_calls,
    )


def refused(value: str) -> RefusedCallers | None:
    """What the variable says; None when nobody was refused."""
    found = _REFUSED.fullmatch(value)
    return (
        RefusedCallers(int(found[1]), datetime.fromtimestamp(int(found[2]), UTC), found[3], found[4]) if found else None
    )


def tell(session: Session, config: Config, latest: RefusedCallers, now: datetime) -> None:
    """Tells the admin, once an hour at most."""
    spell = int(latest.at.timestamp() // SPELL.total_seconds())
    text = (
        f"{latest.count} callers were refused since Asterisk started. The latest came through trunk {latest.trunk} and "
        f"was one too many for limits.{latest.limit}. If you expected that many, raise it in leaseline.toml; if not, "
        f"somebody is flooding you, and your carrier can stop them. {words.more('callers_refused')}"
    )
    notices.tell(session, config, [owners.admin(session)], f"refused:{spell}", "Callers are refused", text, now)


def ports_in_use(config: Config) -> int | None:
    """RTP ports that are taken on this machine; None where nobody can tell."""
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
    """How many files it has open, and how many it may have; None where nobody can tell, or it does not run."""
    try:
        process = Path("/proc") / str(int((config.asterisk_folder / "run" / "asterisk.pid").read_text()))
        limit = re.search(r"^Max open files\s+(\d+)", (process / "limits").read_text(), re.MULTILINE)
        return len(list((process / "fd").iterdir())), int(limit[1]) if limit else 0
    except (OSError, ValueError):
        return None
