"""Files of the spool are kept in spool/done/ for a month after they were processed, for troubleshooting."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from crm.config import Config

KEPT = timedelta(days=30)
PRUNED_EVERY_SECONDS = 3600.0


def put_aside(path: Path) -> None:
    """Moves a processed file of the spool to spool/done/. Raises OSError."""
    done = path.parent / "done"
    done.mkdir(mode=0o700, exist_ok=True)
    path.replace(done / path.name)


def prune(config: Config, now: datetime) -> None:
    """Removes files that were processed more than a month ago. Raises OSError."""
    for path in (config.spool_folder / "done").glob("*"):
        # Another app of this home may have removed it first.
        with suppress(FileNotFoundError):
            if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
                path.unlink()
