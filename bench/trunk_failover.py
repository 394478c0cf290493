"""How soon a call reaches the next trunk if the first refuses it, does not answer, or is known to be unreachable.

Each case is compared with a control in the same run, a first trunk that rings. Measured is the time from the request to
dial until the INVITE reaches the trunk that takes it: `script/bench trunk_failover`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from ari_app import supervisor
from ari_app.call import outside
from ari_app.call.call import AppContext
from ari_app.edge import ami
from ari_app.edge.client import AriClient
from asterisk_conf.render import STASIS_APP
from crm import config as settings
from crm import context
from crm.context import Crm
from crm.domain.calls import Fact
from crm.domain.dialing import Clearance, OutboundTrunk
from crm.services.audit import By
from crm.services.calls.journal import Journal
from crm.services.phones import publish, trunks
from crm.services.system import homes
from tests.system import port_block

WAYS = {
    "rings (control)": "180 Ringing",
    "503": "503 Service Unavailable",
    "no response to INVITE": "",
    "no response to OPTIONS either": None,
}
"""What the first trunk does with a call; None: there is nobody."""
NEXT = "next"


class Carrier(asyncio.DatagramProtocol):
    """Answers OPTIONS, and every INVITE with one status or not at all; signals when an INVITE arrives."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.invited = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        method = data.partition(b" ")[0]
        status = self.status if method == b"INVITE" else "200 OK"
        if status and method != b"ACK":
            self._transport.sendto(_answer(data, status), addr)
        if method == b"INVITE":
            self.invited.set()


def _answer(request: bytes, status: str) -> bytes:
    head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    kept = [line for line in head if line.partition(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
    kept = [f"{line};tag=carrier" if line.lower().startswith("to:") else line for line in kept]
    return "\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]).encode()


@dataclass
class Bench:
    context: AppContext
    carriers: dict[str, Carrier]
    ports: dict[str, int]

    async def dial(self, first: str) -> float:
        """Returns the seconds from the request until the INVITE reaches the trunk that takes the call."""
        takes = first if first == "way-0" else NEXT
        invited = self.carriers[takes].invited
        invited.clear()
        ways = tuple(OutboundTrunk(name, "127.0.0.1", self.ports[name]) for name in (first, NEXT))
        clearance = Clearance("+15125550123", ways, "+15125550100")
        began = time.perf_counter()
        dialling = asyncio.create_task(
            outside.dial(
                self.context, clearance, call_id=uuid.uuid4().hex, caller_id=clearance.caller_id, leg_stage="bench"
            )
        )
        await asyncio.wait_for(invited.wait(), 20)
        seconds = time.perf_counter() - began
        dialling.cancel()
        await asyncio.gather(dialling, return_exceptions=True)
        return seconds


@contextlib.asynccontextmanager
async def _bench(folder: Path) -> AsyncIterator[Bench]:
    with port_block() as first_port:
        by = By("bench", datetime.now(UTC))
        home = folder / "home"
        await homes.create(home, by, name="Bench", ports_from=first_port)
        text = (home / "leaseline.toml").read_text()
        (home / "leaseline.toml").write_text(
            '[sip]\nbind = "127.0.0.1"\nqualify_seconds = 1\n' + text[text.index("[ports]") :]
        )
        config = settings.load(home)
        crm = context.opened(config)
        loop = asyncio.get_running_loop()
        carriers: dict[str, Carrier] = {}
        ports = {}
        for number, status in enumerate([*WAYS.values(), "180 Ringing"]):
            name = f"way-{number}" if number < len(WAYS) else NEXT
            port = ports[name] = config.ports.demo + number
            await crm.store.run(
                trunks.add,
                crm.secrets,
                by,
                name,
                host="127.0.0.1",
                port=port,
                auth="address",
                addresses=[f"127.3.0.{number + 1}"],
            )
            if status is not None:
                carriers[name] = Carrier(status)
                await loop.create_datagram_endpoint(lambda c=carriers[name]: c, local_addr=("127.0.0.1", port))  # type: ignore[misc]
        await publish.publish(crm)
        asterisk, *_ = supervisor.children(config)
        await asterisk.start()
        try:
            async with _app_context(crm, folder) as app_context:
                await _until_online(app_context.client, set(carriers))
                yield Bench(app_context, carriers, ports)
        finally:
            await asterisk.stop()
            crm.store.close()


@contextlib.asynccontextmanager
async def _app_context(crm: Crm, folder: Path) -> AsyncIterator[AppContext]:
    async def forget(_: Sequence[Fact]) -> None: ...

    async def nothing() -> None: ...

    client = AriClient(
        f"http://127.0.0.1:{crm.config.ports.http}",
        STASIS_APP,
        crm.secrets.get("ari"),
        STASIS_APP,
        on_connect=nothing,
        on_event=lambda event: None,
    )
    async with client, Journal(folder / "journal", forget) as journal:
        reading = asyncio.create_task(client.run())
        await asyncio.wait_for(client.connected.wait(), 20)
        connection = ami.AmiConnection(crm.config.ports.ami, crm.secrets.get("ami"))
        yield AppContext(crm.config, crm.store, crm.secrets, crm.now, journal, client, connection)
        connection.close()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _until_online(client: AriClient, names: set[str]) -> None:
    async with asyncio.timeout(20):
        while True:
            states = {one["resource"]: one["state"] for one in await client.get("/endpoints/PJSIP")}
            if all(states.get(f"trunk-{name}") == "online" for name in names):
                return
            await asyncio.sleep(0.1)


async def _measure(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        async with _bench(Path(folder)) as bench:
            for _ in range(rounds):
                for number, way in enumerate(WAYS):
                    found[way].append(await bench.dial(f"way-{number}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    found = asyncio.run(_measure(parser.parse_args().rounds))
    table = Table("the first trunk", "median ms", "most ms", "times the control")
    control = statistics.median(found["rings (control)"])
    for way, seconds in found.items():
        median = statistics.median(seconds)
        table.add_row(way, f"{median * 1000:.1f}", f"{max(seconds) * 1000:.1f}", f"{median / control:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
