"""How soon the voice agent answers, stops when it is spoken over, and greets; and what that costs.

Callers (SIP, PCMU) call a real Asterisk. An app of a few lines greets them and answers by a rule for each question; all
else is the real voice process with the models that `script/setup voice-demo` fetches. The control is the same caller,
Asterisk and app with an echo in place of the voice process: what remains is telephony and the caller's own clock.
`script/bench voice`, `script/bench voice --calls 1 4 --turns 12`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from ari_app.edge import events, external_media
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from ari_app.edge.errors import PhoneError
from ari_app.voice import protocol
from ari_app.voice.client import Door, VoiceLost, VoiceTalk, channel_id_for, look, warm
from ari_app.voice.media import Media, MediaClosed
from ari_app.voice.models import PIPER
from ari_app.voice.tts import Piper
from asterisk_conf.package_sets import cache_folder
from asterisk_conf.render import STASIS_APP
from bench.call.offices import CALLERS_ADDRESS, Office, line_of, office
from bench.call.processes import cpu_seconds
from bench.voice.caller import RATE, BenchCaller, Sound
from crm.edge import processes

RESULTS = Path(__file__).parents[1] / "results"
MODELS = cache_folder() / "voice-demo"
VOICE = MODELS / "piper-joe" / "en_US-joe-medium.onnx"
GREETING = "Thank you for calling Elm Street Apartments. This is an automated assistant. How can I help you?"
AGAIN = "I am sorry, could you say that again?"
ANSWERS = {
    "person": "Sure, I will connect you with someone on our team.",
    "deposit": "The security deposit on the one bedroom at Elm Street is one month of rent.",
    "dog": "Yes, cats and dogs are welcome at Elm Street. There is a pet fee of three hundred dollars.",
    "application": "The application fee is fifty dollars for each adult.",
    "rent": "The one bedroom at Elm Street rents for fourteen hundred and fifty dollars a month.",
    "move": "It is available from the first of March. When would you like to move in?",
    "bedroom": "Yes. We have a two bedroom at Elm Street for eighteen hundred and fifty dollars, available now.",
    "parking": "There is off street parking for one car.",
    "laundry": "There is a laundry room on the ground floor.",
    "tour": "You can see it on Saturday morning. Would ten o'clock suit you?",
}
QUESTIONS = (
    "Do you have a two bedroom apartment?",
    "How much is the rent?",
    "Can I bring my dog?",
    "What is the application fee?",
    "Is there parking?",
    "When could I move in?",
    "How much is the security deposit?",
    "Is there a laundry in the building?",
    "Can I come for a tour on Saturday?",
    "I would like to talk to a person.",
)
HINTS = ("Elm Street Apartments", "two bedroom", "security deposit", "application fee", "parking", "laundry", "tour")


@dataclass
class Found:
    """Seconds, but for the words."""

    answered: list[float] = field(default_factory=list)
    stopped: list[float] = field(default_factory=list)
    greeted: list[float] = field(default_factory=list)
    unanswered: int = 0
    understood: int = 0
    cpu_voice: float = 0.0
    """Of a core, for each call."""
    cpu_asterisk: float = 0.0


class App:
    """Answers every caller in a task of its own."""

    def __init__(self, office: Office) -> None:
        self.lead: Callable[[App, Handle, MixingBridge], Awaitable[None]] = agent
        self.door = Door.of(office.config, office.crm.secrets)
        self.asterisk_port = office.config.ports.http
        self.client = AriClient(
            f"http://127.0.0.1:{office.config.ports.http}",
            STASIS_APP,
            office.crm.secrets.get("ari"),
            STASIS_APP,
            on_connect=_nothing,
            on_event=self._arrives,
        )
        self.understood = 0
        self._calls: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.client:
            reading = asyncio.create_task(self.client.run())
            await asyncio.wait_for(self.client.connected.wait(), 20)
            yield
            reading.cancel()
            await asyncio.gather(reading, *self._calls, return_exceptions=True)

    def _arrives(self, event: events.Event) -> None:
        match event:
            case events.StasisStart(channel=channel, args=["inbound", *_]):
                call = asyncio.create_task(self._answer(channel))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)

    async def _answer(self, channel: events.Channel) -> None:
        person, bridge = Handle(self.client, channel.id, channel.name), MixingBridge(self.client, f"b-{channel.id}")
        leading: asyncio.Future[None] | None = None
        try:
            await person.set_variables(timeout="0")  # There is nobody to renew the dead man's switch.
            await bridge.make()
            leading = asyncio.ensure_future(self.lead(self, person, bridge))
            while True:
                await person.next_event()
        except PhoneError:
            pass
        finally:
            if leading:
                leading.cancel()
                [ended] = await asyncio.gather(leading, return_exceptions=True)
                if isinstance(ended, Exception) and not isinstance(ended, PhoneError):
                    print(f"a talk failed: {ended!r}", file=sys.stderr)
            person.release()
            with contextlib.suppress(PhoneError):
                await bridge.delete()


async def _nothing() -> None:
    pass


async def agent(app: App, person: Handle, bridge: MixingBridge) -> None:
    channel = channel_id_for(bridge.id, "-leg-")
    async with VoiceTalk(app.client, app.door, channel, bridge, language="en", hints=HINTS) as talk:
        # The caller is answered once somebody can speak to them.
        await bridge.add(person.id)
        await person.answer()
        await talk.say(GREETING)
        async for happening in talk:
            if isinstance(happening, protocol.Said):
                answer = next((said for word, said in ANSWERS.items() if word in happening.text.lower()), AGAIN)
                app.understood += answer != AGAIN
                await talk.say(answer)


async def echo(app: App, person: Handle, bridge: MixingBridge) -> None:
    channel = Handle(app.client, channel_id_for(bridge.id, "-leg-"))
    try:
        connection = await external_media.make(channel)
        async with Media.connected(app.asterisk_port, connection) as media:
            await bridge.add(channel.id, person.id)
            await person.answer()
            with contextlib.suppress(MediaClosed):
                async for audio in media.audio():
                    if audio:
                        await media.send(audio)
    finally:
        await channel.hang_up()
        channel.release()


async def _caller(office: Office, questions: list[Sound], found: Found, *, greets: bool) -> None:
    caller = BenchCaller(CALLERS_ADDRESS, ("127.0.0.1", office.config.ports.sip), line_of(0))
    await caller.call()
    try:
        if greets:
            greeted = await caller.hears_after(caller.answered_at, 10)
            assert greeted, "no greeting"
            found.greeted.append(greeted - caller.answered_at)
        else:
            await asyncio.sleep(1)
        for question in questions:
            await caller.hears_nothing(0.8)
            await asyncio.sleep(random.uniform(0.1, 0.6))
            said = await caller.say(question)
            # An echo comes back while it is being said.
            after = said.ended if greets else said.began
            answered = await caller.hears_after(after, 8)
            if answered is None:
                found.unanswered += 1
            else:
                found.answered.append(answered - after)
            if not greets:
                await asyncio.sleep(0.5)
        if greets:
            found.stopped += await _interrupt(caller, questions)
    finally:
        await caller.hang_up()


async def _interrupt(caller: BenchCaller, questions: list[Sound]) -> list[float]:
    """How long the agent goes on speaking once the caller has begun to, three times."""
    found = []
    for question, over in zip(questions[:3], questions[3:6], strict=True):
        await caller.hears_nothing(0.8)
        said = await caller.say(question)
        if await caller.hears_after(said.ended, 8) is None:
            continue
        await asyncio.sleep(1.0)
        said = await caller.say(over)
        heard = [when for when, rms in caller.heard if said.began < when < said.began + 0.8 and rms > 0.004]
        found.append(heard[-1] - said.began if heard else 0.0)
        await caller.hears_after(said.ended, 8)
    return found


async def measure(
    office: Office, app: App, voice_pid: int, calls: int, turns: int, questions: list[Sound], *, is_echo: bool
) -> Found:
    found = Found()
    app.lead, app.understood = echo if is_echo else agent, 0
    assert office.asterisk.process
    began, asterisk, voice = time.monotonic(), cpu_seconds(office.asterisk.process.pid), cpu_seconds(voice_pid)

    async def one(number: int) -> None:
        await asyncio.sleep(0.7 * number)
        chance = random.Random(number)
        await _caller(office, [chance.choice(questions) for _ in range(max(turns, 6))], found, greets=not is_echo)

    await asyncio.gather(*(one(number) for number in range(calls)))
    seconds = (time.monotonic() - began) * calls
    found.cpu_asterisk = (cpu_seconds(office.asterisk.process.pid) - asterisk) / seconds
    found.cpu_voice = (cpu_seconds(voice_pid) - voice) / seconds
    found.understood = app.understood
    return found


async def _questions() -> list[Sound]:
    """By a neural voice, as a telephone carries them: 300 to 3400 Hz."""
    piper = Piper(VOICE, PIPER)
    sounds = []
    await piper.start()
    for text in QUESTIONS:
        await piper.worker.ask({"text": "Ready."}, 30)  # It is up.
        audio = b"".join([piece async for piece in piper.render(text, "en")])
        sound = np.frombuffer(audio, "<i2").astype(float) / 32768
        spectrum = np.fft.rfft(sound)
        hertz = np.fft.rfftfreq(len(sound), 1 / 16000)
        spectrum[(hertz < 300) | (hertz > 3400)] = 0
        band = np.fft.irfft(spectrum, len(sound))[::2]
        loud = np.flatnonzero(np.abs(band) > 0.02)
        sounds.append((band[max(0, loud[0] - RATE // 20) : loud[-1] + RATE // 20] * 1.5).astype(np.float32))
    await piper.stop()
    return sounds


@contextlib.asynccontextmanager
async def _voice(office: Office, quick: bool) -> AsyncIterator[int]:
    """The voice process, with every sentence rendered."""
    toml = office.config.home / "leaseline.toml"
    ai = f'\n[ai]\nwhisper_model = "{MODELS / "whisper-base"}"\n'
    ai += f'quick_model = "{MODELS / "whisper-tiny.en"}"\n' if quick else ""
    toml.write_text(toml.read_text() + ai + f'[ai.piper_voices]\nen = "{VOICE}"\n')
    cli = Path(__file__).parents[2] / "cli.py"
    process = await asyncio.create_subprocess_exec(sys.executable, str(cli), *processes.voice_arguments(office.config))
    door = Door.of(office.config, office.crm.secrets)
    try:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(VoiceLost):
                    if not (await look(door)).refuses:
                        break
                await asyncio.sleep(0.2)
        await warm(door, [(text, "en") for text in (GREETING, AGAIN, *ANSWERS.values())])
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _all(calls: list[int], turns: int, quick: bool) -> dict[str, Found]:
    found: dict[str, Found] = {}
    questions = await _questions()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            office(Path(folder) / "office", 1, rtp=(31000, 31200)) as here,
            here.running_asterisk(0),
            _voice(here, quick) as pid,
        ):
            app = App(here)
            async with app.running():
                for count in calls:
                    for name, is_echo in (("echo (control)", True), ("agent", False)):
                        measured = await measure(here, app, pid, count, turns, questions, is_echo=is_echo)
                        found[f"{name}, {count}"] = measured
    return found


def _quantile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="with the quick model beside the better one")
    options = parser.parse_args()
    load = os.getloadavg()
    found = asyncio.run(_all(options.calls, options.turns, options.quick))
    table = Table(
        "calls",
        "voice to voice: p50",
        "p95",
        "n",
        "none",
        "understood",
        "barge-in p95",
        "greeting p50",
        "CPU voice",
        "Asterisk",
    )
    for name, one in found.items():
        table.add_row(
            name,
            *(f"{_quantile(one.answered, share) * 1000:.0f} ms" for share in (0.5, 0.95)),
            str(len(one.answered)),
            str(one.unanswered),
            str(one.understood),
            f"{_quantile(one.stopped, 0.95) * 1000:.0f} ms",
            f"{statistics.median(one.greeted or [float('nan')]) * 1000:.0f} ms",
            f"{one.cpu_voice:.1%}",
            f"{one.cpu_asterisk:.1%}",
        )
    Console(width=140).print(table)
    now = datetime.now(UTC)
    machine = {"cores": psutil.cpu_count(), "system": platform.platform(), "load": load, "load after": os.getloadavg()}
    kept = {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine,
        "found": {k: vars(v) for k, v in found.items()},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"voice-{now:%Y%m%d-%H%M%S}.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
