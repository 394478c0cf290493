"""The phone in a page, with a caller whose sound is looked at packet by packet: how soon it rings and both hear each
other, what a refresh costs, and how soon other phones and tabs are in its place.

The page says a tone in place of a microphone. The clock is the machine's, in the page as here.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import secrets
import socket
import struct
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from bench.call.probe import ANSWER_SECONDS, KEY_SECONDS, SDP, Caller, _header
from bench.call.sipp import new_number
from bench.console.figure import Figure
from crm.services.phones import trunks
from tests.busy import only_on_duty
from tests.page_phone import PagePhone, console, page_phone
from tests.system import ELM, System, running_system, spoken_prompts

ADDRESS = "127.0.0.9"
TONE = 1004
"""Hertz; no music and no ringing tone is as pure."""
CALLERS_TONE = 700
GAP_SECONDS = 0.06
"""Three packets; so long may a network keep them."""
BENCH = f"""
window.bench = {{rang: [], pressed: [], heard: [], connected: []}}
const now = () => performance.timeOrigin + performance.now()
new MutationObserver(() => {{
    for (const one of document.querySelectorAll('[data-call][data-state="ringing"]'))
        if (one.dataset.call && !one.dataset.benched) {{ one.dataset.benched = "yes"; window.bench.rang.push(now()) }}
}}).observe(document, {{subtree: true, childList: true, attributeFilter: ["data-state", "data-call"]}})
addEventListener("keydown", (event) => {{ if (event.code === "KeyA") window.bench.pressed.push(now()) }}, true)
const sound = new AudioContext()
navigator.mediaDevices.getUserMedia = async () => {{
    const to = sound.createMediaStreamDestination(), tone = sound.createOscillator()
    tone.frequency.value = {TONE}
    tone.connect(to)
    tone.start()
    await sound.resume()
    return to.stream
}}
window.RTCPeerConnection = class extends RTCPeerConnection {{
    constructor(...told) {{
        super(...told)
        this.addEventListener("track", ({{track}}) => {{
            const looks = sound.createAnalyser(), wave = new Float32Array(256)
            looks.fftSize = 256
            sound.createMediaStreamSource(new MediaStream([track])).connect(looks)
            const look = () => {{
                looks.getFloatTimeDomainData(wave)
                if (wave.reduce((sum, one) => sum + one * one, 0) / wave.length > 1e-4) window.bench.heard.push(now())
                else setTimeout(look, 5)
            }}
            look()
        }})
    }}
}}
window.WebSocket = class extends WebSocket {{
    constructor(...told) {{ super(...told); window.bench.connected.push(now()) }}
}}
"""


class SoundingCaller(Caller):
    """A caller that says a tone once it has pressed the key, and notes when it hears the page's."""

    def __init__(self, own: str, target: str) -> None:
        super().__init__(own, target)
        self.heard: list[float] = []
        """When packets with the page's tone came, by time.time()."""

    @contextlib.asynccontextmanager
    async def to_team(self, line: str) -> AsyncIterator[str]:
        """Calls and presses the key; yields the number, and hangs up."""
        self._number, self._line, self._call_id = new_number(), line, secrets.token_hex(8)
        self._to, self._uri = f"<sip:{line}@127.0.0.1>", f"sip:{line}@{self.target}"
        self.heard = []
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sound:
            sound.bind((ADDRESS, 0))
            sound.setblocking(False)
            loop.add_reader(sound, self._hear, sound)
            try:
                body = SDP.format(address=ADDRESS, port=sound.getsockname()[1])
                self._send("INVITE", 1, body, "application/sdp")
                answered = await self._answer("1 INVITE")
                self._to = _header(answered, "To")
                self._uri = _header(answered, "Contact").strip("<>")
                self._send("ACK", 1)
                sound.connect(("127.0.0.1", _port(answered)))
                saying = asyncio.create_task(_say(sound))
                try:
                    yield self._number
                finally:
                    saying.cancel()
                    await asyncio.gather(saying, return_exceptions=True)
                self._send("BYE", 2)
                with contextlib.suppress(TimeoutError):
                    await self._answer("2 BYE")
            finally:
                loop.remove_reader(sound)

    def _hear(self, sound: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                packet = sound.recv(2048)
                if packet[1] & 0x7F == 0 and _is_tone(packet[12:]):
                    self.heard.append(time.time())


def _port(answered: str) -> int:
    return int(answered.partition("m=audio ")[2].split(" ", 1)[0])


_ULAW = np.array(
    [
        (1 if code & 0x80 else -1) * ((((~code & 0x0F) << 3) + 0x84 << (~code >> 4 & 7)) - 0x84) / 32768
        for code in range(256)
    ]
)
_STEPS = np.arange(160) / 8000


def _is_tone(payload: bytes) -> bool:
    wave = _ULAW[np.frombuffer(payload, np.uint8)]
    energy = float((wave**2).mean())
    steps = _STEPS if len(wave) == len(_STEPS) else np.arange(len(wave)) / 8000
    own = abs(complex((wave * np.exp(-2j * math.pi * TONE * steps)).mean())) ** 2 * 2
    return energy > 1e-5 and own > energy / 2


async def _say(sound: socket.socket) -> None:
    """Presses 2, and then says the tone for as long as it is let."""
    source, number, stamp = secrets.randbits(32), 0, 0
    await asyncio.sleep(1.0)
    for step in range(round(KEY_SECONDS / 0.02) + 3):
        is_end = step >= round(KEY_SECONDS / 0.02)
        length = 160 * (min(step, round(KEY_SECONDS / 0.02)) + 1)
        head = struct.pack("!BBHII", 0x80, 101 | (0x80 if number == 0 else 0), number, stamp, source)
        sound.send(head + struct.pack("!BBH", 2, (0x80 if is_end else 0) | 10, length))
        number += 1
        await asyncio.sleep(0.02)
    wave = 0.3 * np.sin(2 * math.pi * CALLERS_TONE * np.arange(8000) / 8000)
    codes = np.abs(_ULAW[None, :] - wave[:, None]).argmin(axis=1).astype(np.uint8).tobytes()
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    for packet in range(1_000_000):
        at = packet * 160 % 8000
        head = struct.pack("!BBHII", 0x80, 0, (number + packet) & 0xFFFF, stamp + 160 * (packet + 8), source)
        with contextlib.suppress(ConnectionRefusedError):
            sound.send(head + codes[at : at + 160])
        await asyncio.sleep(max(0.0, began + (packet + 1) * 0.02 - loop.time()))


@contextlib.asynccontextmanager
async def calling(system: System) -> AsyncIterator[SoundingCaller]:
    await system.store.run(
        trunks.add, system.secrets, system.by, "bench", host=ADDRESS, port=5060, auth="address", addresses=[ADDRESS]
    )
    await system.publish()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    transport, caller = await loop.create_datagram_endpoint(
        lambda: SoundingCaller(f"{ADDRESS}:{port}", system.sip),
        local_addr=(ADDRESS, port),
        remote_addr=("127.0.0.1", system.config.ports.sip),
    )
    try:
        yield caller
    finally:
        transport.close()


async def _is_heard(caller: SoundingCaller, since: float) -> float:
    """When the caller hears the page's tone without a pause, after a moment."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            late = [at for at in caller.heard if at > since]
            if len(late) > 10:
                return late[0]
            await asyncio.sleep(0.05)


async def _noted(phone: PagePhone, what: str, more_than: int) -> float:
    """The last moment of a kind that the page noted, once there are more than so many."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            found: list[float] = await phone.page.evaluate("what => window.bench[what]", what)
            if len(found) > more_than:
                return found[-1] / 1000
            await asyncio.sleep(0.02)


async def figures(times: int) -> list[Figure]:
    rings: list[float] = []
    sounds: list[float] = []
    lost: list[float] = []
    skipped: list[float] = []
    taken_over: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        async with (
            running_system(Path(scratch), spoken_prompts()) as system,
            console(system) as url,
            calling(system) as caller,
        ):
            await only_on_duty(system, "alice")
            async with page_phone(system, url) as phone:
                await phone.context.add_init_script(BENCH)
                await phone.page.reload()
                await phone.is_ready()
                scripts = await _scripts(phone)
                for number in range(times + 1):
                    ring, sound, gap = await _call(system, phone, caller)
                    if number:  # The first one warms up.
                        rings.append(ring)
                        sounds.append(sound)
                        lost.append(gap)
                taken_over += [await _next_tab(phone) for _ in range(times)]
                await only_on_duty(system, "alice", "carol")
                async with system.phone("carol-soft"):
                    skipped += [await _frozen(system, phone, caller) for _ in range(max(times // 2, 1))]
    return [
        Figure("ring in the page after the agent's leg is dialed", rings, 300),
        Figure("key to sound both ways", sounds, 300),
        Figure("sound lost by a refresh", lost, 500),
        Figure("frozen tab skipped", skipped, 2000),
        Figure("next tab takes over", taken_over, 200),
        Figure("all scripts of a page, compressed", [scripts], 100, "kB", "most"),
    ]


async def _scripts(phone: PagePhone) -> float:
    """What the scripts of a page with the phone take on the wire."""
    sizes: list[int] = await phone.page.evaluate(
        """() => performance.getEntriesByType("resource")
            .filter(one => new URL(one.name).pathname.endsWith(".js")).map(one => one.encodedBodySize)"""
    )
    assert sizes, "no script was loaded"
    return sum(sizes) / 1000


async def _call(system: System, phone: PagePhone, caller: SoundingCaller) -> tuple[float, float, float]:
    """A call that is answered, and refreshed in the talk; milliseconds to the ring, to the sound, and without it."""
    page = phone.page
    counts = await page.evaluate(
        "Object.fromEntries(Object.entries(window.bench).map(([key, all]) => [key, all.length]))"
    )
    async with caller.to_team(ELM) as number:
        rang = await _noted(phone, "rang", counts["rang"])
        await page.keyboard.press("Alt+Shift+A")
        pressed = await _noted(phone, "pressed", counts["pressed"])
        both = max(await _noted(phone, "heard", counts["heard"]), await _is_heard(caller, pressed))
        await asyncio.sleep(1)
        before = time.time()
        await page.reload()
        await phone.talks()
        await _is_heard(caller, time.time())
        while_away = [at for at in caller.heard if at > before - 0.5]
        gap = max(later - earlier for earlier, later in itertools.pairwise(while_away))
    await phone.is_free()
    call = await system.ended_call(number)
    [dialed] = [leg.started_at.timestamp() for leg in call.legs if leg.stage != "return"]
    return (rang - dialed) * 1000, (both - pressed) * 1000, max(gap - GAP_SECONDS, 0.0) * 1000


async def _next_tab(phone: PagePhone) -> float:
    """The tab that is registered is closed; milliseconds until another one opens its connection."""
    former = phone.page
    page = await phone.opens()
    await phone.is_ready(page)
    began = time.time()
    await former.close()
    connected = await _noted(phone, "connected", 0)
    await phone.is_ready(page)
    return (connected - began) * 1000


async def _frozen(system: System, phone: PagePhone, caller: SoundingCaller) -> float:
    """Milliseconds from the leg to a page that does not answer to the leg to the next phone."""
    await phone.freeze()
    async with caller.to_team(ELM) as number:
        await system.step(number, "ring")
        await system.rings(number, "everyone", "carol-soft")
        call = await system.call_from(number)
    phone.thaw()
    began = {leg.device: leg.started_at for leg in call.legs}
    await phone.is_free()
    await phone.is_ready()
    await system.ended_call(number)
    return (began["carol-soft"] - began[phone.device]).total_seconds() * 1000
