"""How long an import of listings keeps others from writing: each of its transactions, by CPU and by the clock.

The feed is imported twice: first all of it is new, then nothing is. The control is the same in one transaction.
`script/bench listings --properties 200 --homes 10`.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.imports import Lists
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import feed
from crm.services.system import imports
from crm.store import migrate
from crm.store.session import Store

BY = By("bench", datetime.now(UTC))


def lists(properties: int, homes: int) -> Lists:
    home = {"deposit": "600", "bedrooms": 2, "bathrooms": "1"}
    found = [
        {
            "slug": f"p{number}",
            "name": f"Property {number}",
            "published": True,
            "details": {"street": f"{number} Long Way", "city": "Austin", "state": "TX", "postal_code": "78702"},
            "answers": [
                {"topic": topic, "language": "en", "text": "Yes."} for topic in ("vouchers", "screening-criteria")
            ],
            "listings": [
                {"unit": str(unit), "published": True, "home": {**home, "rent": str(1000 + unit)}}
                for unit in range(homes)
            ],
        }
        for number in range(properties)
    ]
    return feed.read_json(json.dumps({"format": feed.FORMAT, "answers": [], "properties": found}).encode())


def measured(load: Callable[[Store, Config, Secrets], object]) -> tuple[list[tuple[float, float]], float]:
    """Milliseconds of each transaction, by CPU and by the clock, of two imports; and the seconds of CPU of both."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(Path(folder) / "home")
        for one in config.folders:
            one.mkdir(parents=True)
        migrate.upgrade(config.database_url)
        store, secrets = Store(config.database_url), Secrets(config.secrets_file)
        run, held = store.run_blocking, []

        def timed(act: Any, *args: Any, **how: Any) -> Any:
            began = 0.0, 0.0

            def noted(session: Session, *args: Any, **how: Any) -> Any:
                nonlocal began
                began = time.process_time(), time.perf_counter()
                return act(session, *args, **how)

            try:
                return run(noted, *args, **how)
            finally:
                held.append(((time.process_time() - began[0]) * 1000, (time.perf_counter() - began[1]) * 1000))

        store.run_blocking = timed  # type: ignore[method-assign]
        # As the command line does once it has started.
        gc.collect()
        gc.freeze()
        began = time.process_time()
        load(store, config, secrets)
        load(store, config, secrets)
        spent = time.process_time() - began
        store.close()
    return held, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--properties", type=int, default=200)
    parser.add_argument("--homes", type=int, default=10, help="of each property")
    options = parser.parse_args()
    some = lists(options.properties, options.homes)
    ways: dict[str, Callable[[Store, Config, Secrets], object]] = {
        "in slices": lambda store, config, secrets: imports.load(store, config, secrets, BY, some),
        "control: as one": lambda store, config, secrets: store.run_blocking(
            imports.take_over, config, secrets, BY, some
        ),
    }
    table = Table("", "transactions", "CPU ms: median", "p99", "most", "clock ms: median", "p99", "most", "CPU s")
    for name, load in ways.items():
        held, spent = measured(load)
        cells = []
        for of in zip(*held, strict=True):
            ordered = sorted(of)
            cells += [f"{ordered[len(ordered) * part // 100]:.0f}" for part in (50, 99)] + [f"{ordered[-1]:.0f}"]
        table.add_row(name, str(len(held)), *cells, f"{spent:.1f}")
    Console(width=110).print(f"{options.properties} properties with {options.homes} homes each", table)


if __name__ == "__main__":
    main()
