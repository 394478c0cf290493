"""A real phone in a bridge of an app of our own, and the voice process that talks to it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from ari_app.call.call import LEG_MARK
from ari_app.demo.softphone import Softphone
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from ari_app.voice import protocol
from ari_app.voice.client import Door, VoiceLost, VoiceTalk, channel_id_for, look
from crm.edge import processes
from tests.system import System

APP = "voicetest"
ROOT = Path(__file__).parents[2]
SECONDS = 20.0
T = TypeVar("T")


@dataclass
class Voice:
    """The voice process of a system, with its pid, and what it is told to say."""

    system: System
    process: asyncio.subprocess.Process
    door: Door
    told: list[protocol.Happening] = field(default_factory=list)
    """All that happened in the talk."""

    def talk(self, client: AriClient, bridge: MixingBridge) -> VoiceTalk:
        return VoiceTalk(client, self.door, channel_id_for(bridge.id, LEG_MARK), bridge, language="en")

    def child(self, module: str) -> psutil.Process:
        """The process of a model."""
        children = psutil.Process(self.process.pid).children()
        [found] = [one for one in children if any(part.endswith(module) for part in one.cmdline())]
        return found

    def recognizers(self) -> list[psutil.Process]:
        """The better one first."""
        children = psutil.Process(self.process.pid).children()
        found = [one for one in children if "tests.voice.scripted_stt" in one.cmdline()]
        return sorted(found, key=lambda one: "quick" in one.cmdline()[-2])

    async def until(self, talk: VoiceTalk, kind: type[T]) -> T:
        """The next happening of a kind."""
        async with asyncio.timeout(SECONDS):
            async for happening in talk:
                self.told.append(happening)
                if isinstance(happening, kind):
                    return happening
        raise AssertionError("the talk ended")


@contextlib.asynccontextmanager
async def voice(system: System, sounds: Mapping[str, Path] | None = None, *options: str) -> AsyncIterator[Voice]:
    """The voice process: with scripted ears that hear `sounds` (texts and files) as these texts, or else with those of
    the settings. `options` are those of `tests.voice.process`."""
    if sounds is None:
        command = [str(ROOT / "cli.py"), *processes.voice_arguments(system.config)]
    else:
        command = ["-m", "tests.voice.process", str(system.config.home), str(known_sounds(system, sounds))]
        command += options
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
    door = Door.of(system.config, system.secrets)

    async def is_up() -> bool:
        with contextlib.suppress(VoiceLost):
            return not (await look(door)).refuses
        return False

    try:
        await system.until(is_up, "the voice process is up")
        yield Voice(system, process, door)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def known_sounds(system: System, sounds: Mapping[str, Path], name: str = "sounds") -> Path:
    """A folder with sounds, as `tests.voice.scripted_stt` knows them."""
    folder = system.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, (text, path) in enumerate(sounds.items()):
        shutil.copy(path, folder / f"{number}.wav")
        (folder / f"{number}.txt").write_text(text)
    return folder


@contextlib.asynccontextmanager
async def on_the_phone(system: System, phone: Softphone) -> AsyncIterator[tuple[AriClient, MixingBridge]]:
    """An app that has rung a phone, and has its channel in a bridge. Leaseline's own app must not be running: it would
    tidy up."""

    async def nothing() -> None:
        pass

    base, password = f"http://127.0.0.1:{system.config.ports.http}", system.secrets.get("ari")
    client = AriClient(base, "leaseline", password, APP, on_connect=nothing, on_event=lambda event: None)
    async with client:
        running = asyncio.create_task(client.run())
        await client.connected.wait()
        person = Handle(client, f"{APP}-{phone.user}")
        bridge = MixingBridge(client, f"{APP}-bridge-{phone.user}")
        try:
            await client.post("/channels", channelId=person.id, endpoint=f"PJSIP/{phone.user}", app=APP, timeout="20")
            await phone.wait_for("CALL_INCOMING")
            await phone.answer()
            await phone.wait_for("CALL_ESTABLISHED")
            await bridge.make()
            await bridge.add(person.id)
            yield client, bridge
        finally:
            await person.hang_up()
            person.release()
            await bridge.delete()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def without_app(system: System) -> AsyncIterator[None]:
    await system.kill_app()
    try:
        yield
    finally:
        await system.start_app()
