"""The app with the Asterisk for tests, and what tests do with them. It has the interface of `tests.system.System`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import tempfile
import wave
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from sqlalchemy import event

from ari_app.demo.listening import Heard
from ari_app.demo.softphone import Softphone
from ari_app.main import _keep
from ari_app.parts.agi import agi
from ari_app.parts.calls import calls
from ari_app.parts.shared import Part, Shared
from ari_app.parts.texts import texts
from ari_app.voice import protocol
from asterisk_conf.prompts import speech, tones
from crm import config as settings
from crm.context import Crm
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.phones import publish
from crm.services.phones.spoken import spoken
from crm.services.system import directory, homes
from crm.store.session import Store
from tests.asterisk.ari import Ari
from tests.asterisk.clock import JumpingLoop
from tests.asterisk.dialplan import Dialplan, endpoints
from tests.asterisk.manager import Manager
from tests.asterisk.model import RATE, Asterisk, Sound, length
from tests.asterisk.phone import Phone
from tests.asterisk.voice import ScriptedVoice
from tests.system.carriers import CarrierPeer
from tests.system.home import SETTINGS
from tests.system.office import ELM, LAKESIDE
from tests.system.records import Records

SMALL = "[disk]\nreserve_megabytes = 1\n"
"""There are many of these homes, often in memory."""
__all__ = ["ELM", "LAKESIDE", "Seam", "Template", "template"]

PROMPT_SECONDS = 2.0
LETTER_SECONDS = 0.06
"""Length per letter of prompts that are synthesized for a single call."""


@dataclass(frozen=True)
class Template:
    """A finished home, for each test to copy."""

    home: Path


@contextlib.contextmanager
def template(folder: Path, first_port: int) -> Iterator[Template]:
    """Sets up the demo office, with silent prompts."""

    async def make() -> Path:
        by = By("tests", datetime.now(UTC))
        home = folder / "home"
        await homes.create(home, by, name="Demo Leasing Office", ports_from=first_port)
        text = (home / "leaseline.toml").read_text()
        (home / "leaseline.toml").write_text(SETTINGS + SMALL + text[text.index("[ports]") :])
        config = settings.load(home)
        store, secrets = Store(config.database_url), Secrets(config.secrets_file)
        crm = Crm(config, store, secrets, lambda: datetime.now(UTC))
        await store.run(directory.load_demo, config, secrets, by)
        for language in speech.languages():
            for name in speech.sentences(language):
                sound(config.prompts_folder / language / f"{name}.wav", f"{language} {name}", PROMPT_SECONDS)
        sound(config.prompts_folder / tones.FILE, "beep", 0.2)
        await publish.publish(crm)
        store.close()
        return home

    yield Template(asyncio.run(make()))


def sound(path: Path, text: str, seconds: float) -> None:
    """Writes a WAV of this length that differs from those of other texts. Like the real one, it is there all at once:
    the app and a test may both need a sentence at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as new, wave.open(new, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(zlib.crc32(text.encode()).to_bytes(4, "little") + bytes(2 * int(seconds * RATE) - 4))
    Path(new.name).replace(path)


def _synthesize(text: str, language: str, path: Path) -> None:
    sound(path, f"{language} {text}", max(0.5, LETTER_SECONDS * len(text)))


class Seam(Records):
    """A running app whose Asterisk is in the test's own process."""

    pbx: Asterisk
    dialplan: Dialplan

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, copied: Template, folder: Path) -> AsyncIterator[Seam]:
        """Starts the app in a copy of a home."""
        home = folder / "home"
        shutil.copytree(copied.home, home, symlinks=True, ignore=shutil.ignore_patterns("prompts"))
        loop = cast(JumpingLoop, asyncio.get_running_loop())
        carrier = CarrierPeer()
        config = settings.load(home)
        config.prompts_folder.mkdir()
        for entry in (*speech.languages(), tones.FILE):
            (config.prompts_folder / entry).symlink_to(settings.load(copied.home).prompts_folder / entry)
        (config.prompts_folder / "greetings").mkdir()
        transport, _ = await loop.create_datagram_endpoint(lambda: carrier, local_addr=("127.0.0.1", config.ports.demo))
        crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), loop.now)
        seam = cls(crm, cast(Any, None), cast(Any, None), cast(Any, None), carrier, folder)
        seam.started = loop.now()
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(crm.store.close)
            stack.callback(transport.close)
            await stack.enter_async_context(seam._asterisk_runs())
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(speech, "synthesize", _synthesize)
            event.listen(crm.store._writing, "after_commit", lambda _: loop.call_soon_threadsafe(seam._stir))
            stack.push_async_callback(seam.stop_app)
            await seam.start_app()
            yield seam
            await seam.pbx.stop()
        await seam.http.close()

    @contextlib.asynccontextmanager
    async def _asterisk_runs(self) -> AsyncIterator[None]:
        config, secrets = self.config, self.secrets
        self._stirred = asyncio.Event()
        self.pbx = Asterisk(config.asterisk_folder / "spool" / "recording", self._stir)
        self.dialplan = Dialplan(self.pbx, config, secrets)
        self._read_configuration()
        # The demo trunk's other end answers OPTIONS.
        self.pbx.register("trunk-demo", Phone(self.pbx, "carrier", "trunk-demo", says=480))
        ari = Ari(self.pbx, secrets.get("ari"))
        manager = Manager(self.pbx, {secrets.get("ami"), secrets.get("ami_watch")}, self._read_configuration)
        runner = web.AppRunner(ari.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", config.ports.http).start()
        server = await manager.serve(config.ports.ami)
        try:
            yield
        finally:
            await ari.close()
            await runner.cleanup()
            server.close()
            manager.close()
            await server.wait_closed()

    def _read_configuration(self) -> None:
        self.pbx.endpoints = endpoints(self.config.asterisk_folder / "etc" / "pjsip.conf")

    # --- the app ---

    async def start_app(self) -> None:
        """Starts all parts of the app except mail and web."""
        self._app = contextlib.AsyncExitStack()
        shared = Shared(self.crm, self._app, lambda: False, asyncio.Event())
        work: list[Part] = [*await calls(shared), *await texts(shared), *await agi(shared)]
        running = [asyncio.create_task(_keep(part)) for part in work]

        async def end() -> None:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

        self._app.push_async_callback(end)
        connected = self.config.run_folder / "app.json"
        await self.until(lambda: connected.exists() and b'"connected": true' in connected.read_bytes(), "connected")

    @contextlib.asynccontextmanager
    async def voice(self) -> AsyncIterator[ScriptedVoice]:
        """The voice agent's ears and mouth, as long as this lasts."""
        voice = ScriptedVoice(self.pbx, self.secrets.ensure(protocol.SECRET))
        async with voice.listening(self.config.ports.voice):
            yield voice

    async def stop_app(self) -> None:
        await self._app.aclose()
        (self.config.run_folder / "app.json").unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def with_setting(self, before: str, after: str) -> AsyncIterator[None]:
        """Restarts the app with a line of leaseline.toml replaced."""
        toml = self.config.home / "leaseline.toml"
        assert before in toml.read_text()
        toml.write_text(toml.read_text().replace(before, after))
        await self.stop_app()
        self.crm = dataclasses.replace(self.crm, config=settings.load(self.config.home))
        await self.start_app()
        yield

    def now(self) -> datetime:
        return self.pbx.loop.now()

    async def publish(self) -> None:
        """Does what every CLI command that changes accounts, duty or DND ends with."""
        await publish.publish(self.crm)

    # --- waiting ---

    def _stir(self) -> None:
        """Notes that something has happened."""
        self._stirred.set()

    async def until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 15, pause: float = 0.05
    ) -> None:
        """Waits until a condition holds and everything that follows from it at once is done. The condition is checked
        whenever something has happened."""
        loop = self.pbx.loop
        deadline = loop.time() + seconds
        while True:
            self._stirred.clear()
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                await loop.idle()
                return
            assert loop.time() < deadline, f"not so within {seconds:g} s: {what}"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stirred.wait()

    # --- phones ---

    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.config.ports.sip}"

    @contextlib.asynccontextmanager
    async def phone(self, device: str, *, says: int = 180) -> AsyncIterator[Phone]:
        """An agent's registered phone; `says` is its SIP response to calls (`Phone`)."""
        assert device in self.pbx.endpoints, f"{device} is no phone of ours"
        phone = Phone(self.pbx, device, device, "from-staff", says)
        with self._registered(device, phone):
            yield phone

    @contextlib.contextmanager
    def _registered(self, endpoint: str, phone: Phone) -> Iterator[None]:
        former = self.pbx.registered.get(endpoint)
        self.pbx.register(endpoint, phone)
        try:
            yield
        finally:
            self.pbx.register(endpoint, former)

    @contextlib.asynccontextmanager
    async def caller(self, number: str | None = None) -> AsyncIterator[Phone]:
        """A prospect's phone, calling through the demo trunk, from a number that no test had before unless one is
        given."""
        phone = Phone(self.pbx, number or self.new_number(), "trunk-demo", "from-trunk")
        yield phone
        for channel in [one for one in self.pbx.channels.values() if one.phone is phone]:
            self.pbx.hang_up(channel, 16)

    @contextlib.asynccontextmanager
    async def behind(self, trunk: str, number: str, *, says: int = 180) -> AsyncIterator[Phone]:
        """Somebody outside who receives the calls that leave through a trunk."""
        assert f"trunk-{trunk}" in self.pbx.endpoints, f"{trunk} is no trunk of ours"
        phone = Phone(self.pbx, number, f"trunk-{trunk}", says=says)
        with self._registered(f"trunk-{trunk}", phone):
            yield phone

    def new_number(self) -> str:
        self._numbers += 1
        return f"+1512556{self._numbers:04d}"

    async def dial(self, caller: Softphone, line: str = ELM) -> None:
        await caller.dial(f"sip:{line}@{self.sip}")
        await caller.wait_for("CALL_ESTABLISHED")

    async def to_team(self, caller: Softphone, line: str = ELM) -> None:
        """Dials and presses 2 at the menu."""
        await self.dial(caller, line)
        await self.step(caller.user, "menu")
        await caller.press("2")

    # --- what phones hear and say ---

    def sounds(self, phone: Softphone) -> list[Sound]:
        return cast(Phone, phone).sounds

    def heard(self, phone: Softphone) -> list[Heard]:
        """Returns the prompts the phone heard, in order: names of the language `en`, or `greeting`."""
        prompts = self.config.prompts_folder
        names = {prompts / "en" / f"{name}.wav": name for name in speech.sentences("en")}
        names |= {path: f"greeting {path.stem}" for path in (prompts / "greetings").glob("*.wav")}
        return [
            Heard(sound.at, names[sound.path], sound.share, sound.seconds, length(sound.path) or 0)
            for sound in self.sounds(phone)
            if sound.path in names
        ]

    def heard_names(self, phone: Softphone) -> list[str]:
        return [heard.name for heard in self.heard(phone)]

    async def hears(self, phone: Softphone, sound: Path, count: int = 1, seconds: float = 45) -> None:
        """Waits until a phone has heard a sound file to its end, `count` times in its latest call."""
        await self.until(lambda: self._times(phone, sound) >= count, f"{phone.user} hears {sound.stem}", seconds)

    def _times(self, phone: Softphone, path: Path) -> int:
        content = path.read_bytes()
        return sum(sound.content == content and sound.share == 1.0 for sound in self.sounds(phone))

    async def has_heard(self, phone: Softphone, sound: Path) -> bool:
        return self._times(phone, sound) > 0

    async def times_heard(self, phone: Softphone, sound: Path) -> int:
        return self._times(phone, sound)

    async def hears_beginning(self, phone: Softphone, sound: Path) -> None:
        """Waits until a phone hears the beginning of a sound, which may be interrupted."""
        await self.until(
            lambda: any(one.path == sound for one in self.sounds(phone)), f"{phone.user} hears {sound.stem}", 45
        )

    async def hears_music(self, phone: Softphone) -> None:
        """Waits until a phone hears music on hold."""
        await self.until(lambda: bool(self.music_heard(phone)), f"{phone.user} hears music", seconds=30)

    def music_heard(self, phone: Softphone) -> list[Sound]:
        return [sound for sound in self.sounds(phone) if sound.path is None]

    async def speak(self, phone: Softphone, sound: Path) -> None:
        """Says a sentence and returns once it has been said."""
        await phone.say(sound)
        await asyncio.sleep((length(sound) or 0) + 0.3)

    def prompt(self, name: str, language: str = "en") -> Path:
        return self.config.prompts_folder / language / f"{name}.wav"

    async def phrase(self, prompt: str, language: str = "en", **places: str) -> Path:
        """Returns a sentence with a name or a key in it, as callers hear it."""
        return await spoken(self.config, speech.phrases(language)[prompt].format(**places), language)

    def spoken(self, text: str) -> Path:
        """Returns a sentence for a phone to say."""
        path = self.folder / "sentences" / f"{zlib.crc32(text.encode())}.wav"
        if not path.exists():
            _synthesize(text, "en", path)
        return path

    async def pass_time(self, seconds: float) -> None:
        """Lets this much time pass."""
        await asyncio.sleep(seconds)
