"""A whole system, from an empty folder to phones that can register."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ari_app import supervisor
from asterisk_conf.prompts import speech, tones
from crm import config as settings
from crm import context
from crm.edge import processes
from crm.services.audit import By
from crm.services.phones import publish
from crm.services.system import directory, homes
from tests.system.carriers import CarrierPeer
from tests.system.office import Office
from tests.system.phones import Phones
from tests.system.ports import port_block
from tests.system.prompts import spoken_prompts
from tests.system.starts import QuickChild

SETTINGS = """
timezone = "America/Chicago"
region = "US"

[sip]
bind = "127.0.0.1"
qualify_seconds = 2

[menu]
first_key_seconds = 1.0
languages = ["es"]

[ring]
agent_seconds = 3.0
subteam_seconds = 4.0
everyone_seconds = 4.0
each_seconds = 2.0
mobile_seconds = 4.0
office_seconds = 6.0
confirm_seconds = 10.0
colleague_seconds = 10.0

[queue]
position_seconds = 6.0

[stopping]
longest_seconds = 6.0

[voicemail]
longest_seconds = 8
silence_seconds = 2

[escalation]
ring_seconds = 20.0
key_seconds = 30.0

[texts]
trunk = "demo"
first_retry_seconds = 0.3
per_hour = 0
spike_texts = 0
missed_shortest_seconds = 0

[parking]
seconds = 12.0

[talk]
target_seconds = 1.0
shortest_seconds = 0

[survival]
deadman_seconds = 10
store_seconds = 5.0
last_resort_ring_seconds = 4
"""


class System(Phones, Office):
    """One running Leaseline. Made by `running_system`."""


@contextlib.asynccontextmanager
async def running_system(
    folder: Path, prompts: Path, toml: str = SETTINGS, *, start: bool = True, database: str = ""
) -> AsyncIterator[System]:
    """Starts everything in a new home below `folder`; `prompts` holds prompts that were synthesized before. Without
    `start` the home is ready, but nothing runs. `database` is the URL of one on PostgreSQL."""
    by = By("tests", datetime.now(UTC))
    with port_block() as first:
        home = folder / "home"
        await homes.create(home, by, name="Demo Leasing Office", ports_from=first, database=database)
        text = (home / "leaseline.toml").read_text()
        (home / "leaseline.toml").write_text(toml + text[text.index("[ports]") :])
        config = settings.load(home)
        crm = context.opened(config)
        await crm.store.run(directory.load_demo, config, crm.secrets, by)
        # Copies, because `leaseline up` updates them; it finds them current, as they are taken for the office's own.
        for entry in (*speech.languages(), "recorded", tones.MUSIC):
            shutil.copytree(prompts / entry, config.prompts_folder / entry, dirs_exist_ok=True)
        shutil.copy2(prompts / tones.FILE, config.prompts_folder)
        (config.prompts_folder / "greetings").mkdir(exist_ok=True)
        await publish.publish(crm)
        asterisk, app, web, _ = supervisor.children(config)
        app = QuickChild(app.name, app.command, {**app.environment, "PYTHONFAULTHANDLER": "1"}, app.log)
        carrier = CarrierPeer()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: carrier, local_addr=("127.0.0.1", config.ports.demo))
        system = System(crm, asterisk, app, web, carrier, folder)
        try:
            if start:
                await asterisk.start()
                await system.start_app()
                await system.until(lambda: system.is_online("trunk-demo"), "demo trunk online")
            yield system
        finally:
            await system.kept.aclose()
            for child in (web, app, asterisk):
                await child.stop()
            # If a test has killed its supervisor, more may be left.
            for left in processes.running(config).values():
                left.send_signal(signal.SIGKILL)
                await left.ended()
            transport.close()
            await system.http.close()
            crm.store.close()


class Shared:
    """One system for all tests of a worker. After a failed test the next one gets a new system: whatever the failure
    left behind must not fail other tests, nor the test's own second attempt."""

    def __init__(self, folder: Callable[[], Path], toml: str = SETTINGS) -> None:
        self._folder = folder
        self._toml = toml
        self._stack = contextlib.AsyncExitStack()
        self._system: System | None = None
        self.has_failed = False

    async def system(self) -> System:
        if self.has_failed:
            await self.close()
        if self._system is None:
            running = running_system(self._folder(), spoken_prompts(), self._toml)
            self._system = await self._stack.enter_async_context(running)
        return self._system

    async def close(self) -> None:
        self.has_failed = False
        self._system = None
        await self._stack.aclose()


def setting_of(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What `runs_with` takes: the setting that a test is marked with. Tests of one setting that follow each other share
    one start of the app."""
    marker = request.node.get_closest_marker("setting")
    return tuple(marker.args) if marker else ()
