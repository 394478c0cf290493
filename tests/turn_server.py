"""A TURN server on loopback: coturn, with the configuration that Leaseline writes for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import programs
from crm.services.phones import relays
from tests.system import System


@dataclass
class TurnServer:
    port: int
    log: Path
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=tcp"

    def has_logged(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")


@asynccontextmanager
async def turn_server(system: System, port: int, folder: Path) -> AsyncIterator[TurnServer]:
    log_file = folder / "turn.log"
    address = own_address()
    whole = relays.coturn_config(system.config, system.crm.secrets, "example.com")
    written = whole.replace("ASTERISK-ADDRESS", address).replace("listening-port=3478", f"listening-port={port}")
    path = folder / "turnserver.conf"
    path.write_text(written)
    path.chmod(0o600)
    here = ["--listening-ip=127.0.0.1", f"--relay-ip={address}", "--allow-loopback-peers", "--no-tls", "--verbose"]
    rest = ["--log-file=stdout", f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'users'}"]
    words = [*programs.program("turnserver"), "-c", str(path), *here, *rest]
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, cwd=folder)
    try:
        await system.until(lambda: _listens(port), "the TURN server listens")
        yield TurnServer(port, log_file, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def own_address() -> str:
    """The address of this machine at which its Asterisk is, as it tells browsers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # Sends nothing.
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
