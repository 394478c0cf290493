"""A carrier played by SIPp with `tests/scenarios/<name>.xml` on loopback; records what reaches it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import update

from crm.services.phones import trunks
from crm.store.models import Trunk
from tests.scripted_phone import SCENARIOS, ScriptedPhone, _sipp
from tests.system import System

UNANSWERED = 4
"""After this many OPTIONS, one every `qualify_seconds`, the first has timed out (3 s)."""


@asynccontextmanager
async def scripted_trunk(
    system: System,
    slug: str,
    scenario: str,
    *,
    position: int = 0,
    emergency: bool = True,
    online: bool = True,
    options: bool = True,
) -> AsyncIterator[ScriptedPhone]:
    """Adds a trunk whose far end follows the scenario for every call and answers OPTIONS; `online` waits for that.
    Without `options` it answers none, as many carriers do, and counts as unreachable.

    The trunk stays until the office is reset.
    """
    port, _ = system.phone_ports()
    log = system.folder / f"sipp-{slug}-{scenario}-{port}.log"
    log.unlink(missing_ok=True)
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / f"{scenario}.xml"),
        *(["-aa"] if options else []),
        "-trace_msg",
        "-message_file",
        str(log),
    )
    try:
        await system.store.run(
            trunks.add,
            system.secrets,
            system.by,
            slug,
            host="127.0.0.1",
            port=port,
            auth="address",
            addresses=[f"127.1.0.{position + 1}"],
        )
        with system.store.writing() as session:
            marked = update(Trunk).where(Trunk.slug == slug).values(emergency=emergency, position=position)
            session.execute(marked)
        await system.publish()
        if not options:
            # Until the first has timed out, nobody knows whether it is reachable.
            sent = ScriptedPhone(log)
            await system.until(lambda: len(sent.received("OPTIONS")) >= UNANSWERED, f"trunk {slug} is unreachable", 20)
        elif online:
            await system.until(lambda: system.is_online(f"trunk-{slug}"), f"trunk {slug} online")
        yield ScriptedPhone(log)
    finally:
        process.kill()
        await process.wait()
