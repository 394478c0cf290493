"""Files of the spool are kept in spool/done/ for a month after they were processed, for troubleshooting."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from crm.config import Config
from crm.edge.folders import files_in

KEPT = timedelta(days=30)
PRUNED_EVERY_SECONDS = 3600.0


def put_aside(path: Path) -> None:
    """Moves a processed file of the spool to spool/done/. Raises OSError."""
    done = path.parent / "done"
    done.mkdir(mode=0o700, exist_ok=True)
    path.replace(done / path.name)


def prune(config: Config, now: datetime) -> None:
    """Removes files that were processed more than a month ago. Raises OSError."""
    for path, found in files_in(config.spool_folder / "done"):
        if now.timestamp() - found.st_mtime > KEPT.total_seconds():
            path.unlink(missing_ok=True)
