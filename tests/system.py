"""A whole Leaseline for the call tests: a home and ports of its own, a real Asterisk, the app, phones, and a carrier.

Three witnesses tell what happened: the phones (events and recorded sound), Asterisk (ARI), and the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import os
import socket
import subprocess
import tempfile
import wave
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import aiohttp
from sipmessage import Message as SipMessage
from sipmessage import Request
from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import selectinload
from yarl import URL

from ari_app import heartbeat, supervisor
from ari_app.demo import listening
from ari_app.demo.listening import Heard
from ari_app.demo.softphone import Softphone, softphone
from ari_app.edge.dial import RINGING
from asterisk_conf import certificate, install
from asterisk_conf.install import cache_folder
from asterisk_conf.prompts import speech, tones
from crm import config as settings
from crm.config import Config
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.phones import publish
from crm.services.phones.spoken import spoken
from crm.services.system import directory, homes
from crm.store.models import (
    Agent,
    AgentHours,
    BlockedCaller,
    Call,
    CallOrder,
    Contact,
    Desk,
    Device,
    EmergencyCall,
    Hours,
    Interest,
    Lead,
    LeadPhone,
    Leg,
    Line,
    Message,
    Organization,
    Portfolio,
    Property,
    SpecialDay,
    Subteam,
    SubteamSister,
    Task,
    TaskCall,
    Trunk,
)
from crm.store.session import Store

ELM, LAKESIDE = "+15125550100", "+15125550101"
"""The demo office's lines: Elm Street (subteam north: alice, bob) and Lakeside (subteam south: carol)."""

DEVICES = ("alice-desk", "bob-desk", "carol-soft")

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
confirm_seconds = 20.0
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
first_retry_seconds = 0.3
per_hour = 0
spike_texts = 0
missed_shortest_seconds = 0

[parking]
seconds = 12.0

[talk]
target_seconds = 1.0

[survival]
deadman_seconds = 6
store_seconds = 5.0
last_resort_ring_seconds = 4
"""

FIRST_BLOCK, BLOCK, BLOCKS = 20000, 300, 40
"""Ports for tests: below the range from which the system hands out ports by itself."""


@contextlib.contextmanager
def port_block() -> Iterator[int]:
    """A block of ports that no other test run on this machine uses meanwhile; yields the first."""
    folder = Path(tempfile.gettempdir()) / f"leaseline-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in range(BLOCKS):
        first = FIRST_BLOCK + number * BLOCK
        with (folder / str(first)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if all(_is_free(first + offset) for offset in range(25)):
                yield first
                return
    raise RuntimeError("no free block of ports for a test system")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


SILENT = "silent"
"""Instead of a status line: the carrier does not answer."""


class CarrierPeer(asyncio.DatagramProtocol):
    """The demo trunk's other end: takes texts (SIP MESSAGE) and answers Asterisk's OPTIONS."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        """Number and body of every text that was accepted."""
        self.answers: list[str] = []
        """Status lines for the next texts, e.g. '503 Service Unavailable'; when used up it is '200 OK'."""
        self.refused = 0
        self._answered: dict[bytes, str] = {}
        """What each request got."""
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = SipMessage.parse(data)
        if not isinstance(request, Request):
            return
        if request.method == "ACK":
            return
        # It takes texts, not calls.
        status = "480 Temporarily Unavailable" if request.method == "INVITE" else "200 OK"
        if request.method == "MESSAGE" and data in self._answered:
            # Whoever waits long for an answer sends the very same again (RFC 3261, 17.1.2.2).
            status = self._answered[data]
        elif request.method == "MESSAGE":
            status = self._answered[data] = self.answers.pop(0) if self.answers else status
            if status.startswith("2"):
                body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
                self.texts.append((str(request.uri.user), body))
            else:
                self.refused += 1
            self._changed.set()
        if status is not SILENT:
            self._transport.sendto(_response(data, status), addr)

    async def text_to(self, number: str, count: int = 1) -> str:
        """Waits for the number's text and returns its body; of several the last."""
        async with asyncio.timeout(10):
            while len(found := [body for to, body in self.texts if to == number]) < count:
                await self._changed.wait()
                self._changed.clear()
        return found[-1]

    def texts_to(self, number: str) -> list[str]:
        return [body for to, body in self.texts if to == number]


def _response(request: bytes, status: str) -> bytes:
    head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    names = ("via", "from", "to", "call-id", "cseq", "v", "f", "t", "i")
    kept = [line for line in head if line.partition(":")[0].strip().lower() in names]
    kept = [f"{line};tag=carrier" if line.lower().startswith(("to:", "t:")) else line for line in kept]
    return "\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]).encode()


@dataclass
class System:
    """One running Leaseline. Made by `running_system`."""

    config: Config
    store: Store
    secrets: Secrets
    asterisk: supervisor.Child
    app: supervisor.Child
    carrier: CarrierPeer
    folder: Path
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    by: By = field(default_factory=lambda: By("tests", datetime.now(UTC)))
    _phones: int = 0
    _callers: int = 0
    _numbers: int = 0

    # --- phones ---

    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.config.ports.sip}"

    @property
    def sips(self) -> str:
        return f"127.0.0.1:{self.config.ports.sips}"

    def phone_ports(self) -> tuple[int, int]:
        """For SIP and for the control channel."""
        first = self.config.ports.demo + 12 + 3 * (self._phones % 25)
        self._phones += 1
        return first, first + 2

    @contextlib.asynccontextmanager
    async def phone(self, device: str, *, tls: bool = False, srtp: bool = False) -> AsyncIterator[Softphone]:
        """An agent's registered phone, which Asterisk has found to answer."""
        folder = self.folder / f"phone-{device}"
        secret = self.secrets.get(f"device/{device}")
        sip_port, control_port = self.phone_ports()
        async with softphone(
            folder,
            user=device,
            server=self.sips if tls else self.sip,
            secret=secret,
            sip_port=sip_port,
            control_port=control_port,
            trusted=certificate.files(self.config).certificate if tls else None,
            srtp=srtp,
        ) as phone:
            await self.until(lambda: self.is_online(device), f"{device} online")
            yield phone
        # The next test must not find it registered.
        await self.until(lambda: self.is_offline(device), f"{device} offline")

    @contextlib.asynccontextmanager
    async def unreachable_phone(self, device: str, *, srtp: bool = False) -> AsyncIterator[Softphone]:
        """A phone with an agent's account that does not register."""
        sip_port, control_port = self.phone_ports()
        async with softphone(
            self.folder / f"phone-{device}",
            user=device,
            server=self.sip,
            secret=self.secrets.get(f"device/{device}"),
            sip_port=sip_port,
            control_port=control_port,
            srtp=srtp,
            register=False,
        ) as phone:
            yield phone

    @contextlib.asynccontextmanager
    async def caller(
        self, number: str | None = None, *, address: str = "127.0.0.1", known: bool = True
    ) -> AsyncIterator[Softphone]:
        """A prospect's phone, calling through the demo trunk; a number that no test had before unless one is named.

        One that is not `known` shows no credentials, as a peer known by its address, or a stranger.
        """
        number = number or self.new_number()
        self._callers += 1
        sip_port, control_port = self.phone_ports()
        async with softphone(
            self.folder / f"caller-{self._callers}",
            user=number,
            server=self.sip,
            register=False,
            address=address,
            secret=self.secrets.get("trunk/demo") if known else "",
            auth_user="trunk-demo",
            sip_port=sip_port,
            control_port=control_port,
        ) as phone:
            yield phone

    def new_number(self) -> str:
        self._numbers += 1
        return f"+1512556{self._numbers:04d}"

    async def dial(self, caller: Softphone, line: str = ELM) -> None:
        await caller.dial(f"sip:{line}@{self.sip}")
        await caller.wait_for("CALL_ESTABLISHED")

    def heard(self, phone: Softphone) -> list[Heard]:
        """Which prompts the phone heard, in order; names of the language `en`, `beep`, or `greeting`."""
        sounds = {name: self.config.prompts_folder / "en" / f"{name}.wav" for name in speech.sentences("en")}
        sounds |= {f"greeting {path.stem}": path for path in (self.config.prompts_folder / "greetings").glob("*.wav")}
        known = {name: listening.read(path) for name, path in sounds.items()}
        return listening.find(listening.read(phone.heard), known)

    def heard_names(self, phone: Softphone) -> list[str]:
        return [heard.name for heard in self.heard(phone)]

    async def hears(self, phone: Softphone, sound: Path, count: int = 1, seconds: float = 45) -> None:
        """Waits until a phone has heard a sound file to its end, `count` times in its latest call."""
        ear = Ear(phone.heard, sound)
        await self.until(lambda: ear.has_heard(count), f"{phone.user} hears {sound.stem}", seconds, pause=0.2)

    async def has_heard(self, phone: Softphone, sound: Path) -> bool:
        """Whether a phone has heard a sound file to its end in its latest call."""
        return await self.times_heard(phone, sound) > 0

    async def times_heard(self, phone: Softphone, sound: Path) -> int:
        return await asyncio.to_thread(Ear(phone.heard, sound).times)

    async def hears_music(self, phone: Softphone) -> None:
        """Waits until a phone hears the music for those who wait."""
        await self.until(lambda: bool(self.music_heard(phone)), f"{phone.user} hears music", seconds=30, pause=0.4)

    def music_heard(self, phone: Softphone) -> list[Heard]:
        """Where the music was heard; it begins at any place."""
        whole = listening.read(self.config.prompts_folder / tones.MUSIC / tones.MUSIC_FILE)
        parts = {f"music {start}": whole[start : start + 2 * listening.RATE] for start in range(0, len(whole), 16000)}
        return listening.find(listening.read(phone.heard), parts)

    async def speak(self, phone: Softphone, sound: Path) -> None:
        """Says a sentence and returns when it has been said, which nothing but the clock tells."""
        await phone.say(sound)
        await asyncio.sleep(len(listening.read(sound)) / listening.RATE + 0.3)

    def prompt(self, name: str, language: str = "en") -> Path:
        return self.config.prompts_folder / language / f"{name}.wav"

    async def phrase(self, prompt: str, language: str = "en", **places: str) -> Path:
        """A sentence with a name or a key in it, as callers hear it."""
        return await spoken(self.config, speech.phrases(language)[prompt].format(**places), language)

    def spoken(self, text: str) -> Path:
        """A sentence for a phone to say."""
        path = self.folder / "sentences" / f"{text[:80]} {zlib.crc32(text.encode())}.wav"
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            speech.synthesize(text, "en", path)
        return path

    async def to_team(self, caller: Softphone, line: str = ELM) -> None:
        """Dials and presses 2 at once."""
        await self.dial(caller, line)
        await self.step(caller.user, "menu")
        await caller.press("2")

    # --- Asterisk ---

    @functools.cached_property
    def http(self) -> aiohttp.ClientSession:
        auth = aiohttp.encode_basic_auth("leaseline", self.secrets.get("ari"))
        return aiohttp.ClientSession(f"http://127.0.0.1:{self.config.ports.http}", headers={"Authorization": auth})

    async def ari(self, path: str) -> Any:
        async with self.http.get(URL(f"/ari{path}", encoded=True)) as response:
            answer = await response.json()
        if path == "/channels" and isinstance(answer, list):
            # Asterisk's own, for texts; it is there for good once one has come.
            return [channel for channel in answer if channel["name"] != "Message/ast_msg_queue"]
        return answer

    async def _set_global(self, name: str, value: str) -> None:
        async with self.http.post("/ari/asterisk/variable", params={"variable": name, "value": value}) as response:
            assert response.status == 204, await response.text()

    async def is_offline(self, device: str) -> bool:
        return not await self.is_online(device)

    async def channels(self, name: str) -> int:
        """How many channels an endpoint has now, such as a ringing phone's."""
        return len((await self.ari(f"/endpoints/PJSIP/{name}"))["channel_ids"])

    async def is_quiet_at(self, name: str) -> bool:
        return await self.channels(name) == 0

    async def hang_up(self, channel_id: str) -> None:
        """From Asterisk's side."""
        async with self.http.delete(URL(f"/ari/channels/{quote(channel_id, safe='')}", encoded=True)):
            pass

    async def is_online(self, device: str) -> bool:
        return bool((await self.ari(f"/endpoints/PJSIP/{device}")).get("state") == "online")

    async def channel_of(self, endpoint: str, *, newest: bool = False) -> dict[str, Any]:
        """The one channel of an endpoint, or the one that was made last."""
        found = [one for one in await self.ari("/channels") if one["name"].startswith(f"PJSIP/{endpoint}-")]
        assert len(found) == 1 or (newest and found), f"{endpoint} has {len(found)} channels"
        return dict(max(found, key=lambda one: str(one["name"])))

    async def is_in_bridge(self, channel_id: str) -> bool:
        return any(channel_id in bridge["channels"] for bridge in await self.ari("/bridges"))

    async def replacing(self, channel: dict[str, Any], extension: str) -> str:
        """URI for a REFER that asks to replace a phone's own call (RFC 3891), which only it can name."""
        return f"sip:{extension}@{self.sip}?Replaces={quote(await self.dialog(channel), safe='')}"

    async def dialog(self, channel: dict[str, Any]) -> str:
        """A call as a Replaces header names it."""
        tags = [await self.variable(channel["id"], f"CHANNEL(pjsip,{side}_tag)") for side in ("local", "remote")]
        return f"{channel['protocol_id']};to-tag={tags[0]};from-tag={tags[1]}"

    async def is_recorded(self, number: str | None) -> bool:
        """Whether the talk of the caller's latest call is being recorded."""
        call = await self.call_from(number)
        return "name" in await self.ari(f"/recordings/live/{call.id}-talk-1")

    async def variable(self, channel_id: str, name: str) -> str:
        answer = await self.ari(f"/channels/{channel_id}/variable?variable={quote(name, safe='')}")
        return str(answer["value"])

    # --- the app ---

    async def kill_app(self) -> None:
        """As a crash does: no good-bye. What is being dialled in these milliseconds rings first, as Asterisk can see to
        it by itself only then (ari_app/edge/dial.py)."""
        assert self.app.process is not None
        await self.until(self._is_dialled, "nothing is in the moment of being dialled")
        self.app.process.kill()
        await self.app.process.wait()

    async def _is_dialled(self) -> bool:
        try:
            channels = await self.ari("/channels")
        except aiohttp.ClientError:
            return True  # Asterisk is away, too.
        if not isinstance(channels, list):
            return True  # Asterisk cannot tell of one of them, and so of none.
        return not any(channel["dialplan"].get("app_data", "").endswith(f",{RINGING}") for channel in channels)

    async def start_app(self) -> None:
        since = datetime.now(UTC)
        await self.app.start()
        await self.until(lambda: heartbeat.is_connected(self.config, since), "app connected", seconds=40)

    @contextlib.asynccontextmanager
    async def with_setting(self, before: str, after: str) -> AsyncIterator[None]:
        """Restarts the app with another line in leaseline.toml, and with the former one at the end."""
        toml = self.config.home / "leaseline.toml"
        former = toml.read_text()
        assert before in former
        try:
            toml.write_text(former.replace(before, after))
            await self.kill_app()
            await self.start_app()
            yield
        finally:
            toml.write_text(former)
            await self.kill_app()
            await self.start_app()

    async def publish(self) -> None:
        """What every CLI command that changes accounts, duty or DND ends with."""
        await publish.publish(self.config, self.store, self.secrets, datetime.now(UTC))

    # --- the CRM ---

    def rows(self, query: Select[Any]) -> Sequence[Any]:
        """Of columns, without the records they are of: tests wait for most things by asking again and again."""
        with self.store.reading() as session:
            return session.execute(query).all()

    def _calls(self, number: str | None, *columns: Any) -> Sequence[Any]:
        """These columns of the caller's calls in this test, oldest first."""
        mine = select(*columns).where(Call.caller == number, Call.started_at >= self.started)
        return self.rows(mine.order_by(Call.started_at))

    async def all(self, query: Select[Any]) -> list[Any]:
        with self.store.reading() as session:
            return list(session.scalars(query).unique())

    async def call_from(self, number: str | None) -> Call:
        """The caller's latest call, with its legs, events and lead."""
        calls = await self.calls_from(number)
        assert calls, f"no call from {number} is on record"
        return calls[-1]

    async def calls_from(self, number: str | None) -> list[Call]:
        """The caller's calls in this test, oldest first."""
        query = select(Call).where(Call.caller == number, Call.started_at >= self.started).order_by(Call.started_at)
        whole = (Call.legs, Call.events, Call.voicemail, Call.lead)
        return await self.all(query.options(*(selectinload(part) for part in whole)))

    async def ended_call(self, number: str | None) -> Call:
        """Waits until the caller's latest call has its outcome."""

        def ended() -> bool:
            outcomes = self._calls(number, Call.outcome)
            return bool(outcomes) and all(outcome for (outcome,) in outcomes)

        await self.until(ended, f"outcome of the call from {number}", seconds=25)
        return await self.call_from(number)

    async def step(self, number: str | None, step: str) -> None:
        """Waits until the caller's call is in a step."""

        def there() -> bool:
            calls = self._calls(number, Call.step, Call.outcome)
            return any(at == step and not outcome for at, outcome in calls)

        await self.until(there, f"step {step} of the call from {number}", seconds=30)

    async def recording(self, number: str | None) -> None:
        """Waits until the caller's message is being recorded."""

        async def runs() -> bool:
            calls = self._calls(number, Call.id)
            return bool(calls) and "name" in await self.ari(f"/recordings/live/{calls[-1].id}")

        await self.until(runs, f"recording of the message from {number}", seconds=40)

    async def tasks_of(self, call: Call) -> list[Task]:
        own = select(Task).join(TaskCall, TaskCall.task_id == Task.id).where(TaskCall.call_id == call.id)
        return await self.all(own.options(selectinload(Task.owner)))

    async def texts_of(self, number: str) -> list[Message]:
        return await self.all(select(Message).where(Message.to_number == number).order_by(Message.id))

    async def lead_of(self, number: str) -> Lead | None:
        calls = await self.call_from(number)
        return calls.lead

    async def rang(self, number: str | None) -> dict[str, set[str]]:
        """Which devices rang for the caller's latest call, by stage, the stages in order."""
        stages: dict[str, set[str]] = {}
        calls = self._calls(number, Call.id)
        assert calls, f"no call from {number} is on record"
        legs = select(Leg.stage, Leg.device).where(Leg.call_id == calls[-1].id).order_by(Leg.started_at)
        for stage, device in self.rows(legs):
            stages.setdefault(stage, set()).add(device)
        return stages

    async def rings(self, number: str | None, stage: str, *devices: str) -> None:
        """Waits until exactly these devices have begun to ring in a stage."""

        async def so() -> bool:
            return (await self.rang(number)).get(stage) == set(devices)

        await self.until(so, f"{', '.join(devices)} ringing in stage {stage}")

    async def add_lead(self, number: str, agent: str | None = None, language: str = "") -> None:
        with self.store.writing() as session:
            owner = session.scalar(select(Agent).where(Agent.slug == agent)) if agent else None
            phones = [LeadPhone(number=number)]
            now = datetime.now(UTC)
            session.add(
                Lead(status="new", created_at=now, phones=phones, interests=[], assigned_agent=owner, language=language)
            )

    async def talked_last(self, **minutes_ago: float | None) -> None:
        """Sets when agents ended their last talk; None is never."""
        with self.store.writing() as session:
            for slug, minutes in minutes_ago.items():
                at = None if minutes is None else datetime.now(UTC) - timedelta(minutes=minutes)
                session.execute(update(Agent).where(Agent.slug == slug).values(last_talk_ended_at=at))

    async def office_as_new(self) -> None:
        """Takes back what a test may have changed of the demo office."""
        with self.store.writing() as session:
            session.execute(delete(Device).where(Device.slug.not_in(DEVICES)))
            session.execute(update(Device).values(dnd=False, dnd_until=None, whisper=False))
            session.execute(
                update(Organization).values(forward_to=None, forward_confirm=True, answering_service=None, holidays="")
            )
            session.execute(update(Subteam).values(answering_service=None))
            session.execute(delete(SubteamSister))
            session.execute(delete(CallOrder).where(CallOrder.state == "waiting"))
            as_new = {"on_duty": Agent.slug != "admin", "forwarding": False, "last_talk_ended_at": None}
            as_new["dialing"] = "allowed"
            session.execute(update(Agent).values(as_new))
            session.execute(update(Subteam).where(Subteam.slug == "north").values(strategy="ring_all"))
            session.execute(update(Property).values(recording="off", holidays="", timezone="", portfolio_id=None))
            for table in (Hours, AgentHours, SpecialDay):
                session.execute(delete(table))
            session.execute(delete(Line).where(Line.number.not_in((ELM, LAKESIDE))))
            others = select(Property.id).where(Property.slug.not_in(("elm", "lakeside")))
            session.execute(delete(Interest).where(Interest.property_id.in_(others)))
            session.execute(delete(Property).where(Property.id.in_(others)))
            session.execute(delete(Portfolio))
            session.execute(delete(Trunk).where(Trunk.slug != "demo"))
            session.execute(update(Trunk).values(outbound=True, position=0, numbers="plus"))
            session.execute(delete(BlockedCaller))
            session.execute(delete(Contact))
            session.execute(delete(Desk))
            # Within half an hour of one nobody who calls the number it showed is blocked, or gets a menu.
            session.execute(delete(EmergencyCall))
        for line in (ELM, LAKESIDE):
            await self._set_global(f"LL_EMERGENCY_{line[-10:]}", "")
        await self.publish()

    # --- waiting ---

    async def until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 15, pause: float = 0.05
    ) -> None:
        """Waits until a condition holds; fails with `what` when it doesn't in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            assert asyncio.get_running_loop().time() < deadline, f"not so within {seconds:g} s: {what}"
            await asyncio.sleep(pause)

    async def is_quiet(self) -> bool:
        """Nothing is left of a call: no channel, no bridge, no flow, no fact on its way."""
        if await self.ari("/channels") or await self.ari("/bridges"):
            return False
        open_calls = self.rows(select(Call.id).where(Call.outcome.is_(None)))
        noted = [path for kind in ("call", "emergency") for path in self.config.spool_folder.glob(f"*.{kind}")]
        return not open_calls and not noted


class Ear:
    """Listens for one sound file in a recording that goes on.

    Comparing the sound as a whole takes a while, so it is done only when the file's end was heard in what is new; that
    may have been spoilt, so now and then it is done all the same.
    """

    WHOLE_EVERY_SECONDS = 4.0

    def __init__(self, recording: Path, sound: Path) -> None:
        self._recording, self._sound = recording, sound
        self._known = listening.read(sound)
        self._compared = 0
        self._compared_whole = 0

    async def has_heard(self, count: int) -> bool:
        """Whether it was heard to its end, `count` times."""
        try:
            recorded = listening.read(self._recording)
        except (OSError, EOFError, wave.Error):
            return False  # It has only just begun.
        if len(recorded) < self._compared:
            self._compared = self._compared_whole = 0  # Another call has begun.
        if len(recorded) == self._compared_whole:
            return False
        # At a hangup a phone drops what its jitter buffer still holds, so the end may never be heard as it is.
        has_stopped = len(recorded) == self._compared
        new = recorded[max(0, self._compared - int(listening.SNIPPET_SECONDS * listening.RATE)) :]
        self._compared = len(recorded)
        is_long_ago = len(recorded) - self._compared_whole > self.WHOLE_EVERY_SECONDS * listening.RATE
        if not is_long_ago and not has_stopped and not listening.has_end(new, self._known):
            return False
        self._compared_whole = len(recorded)
        return await asyncio.to_thread(self.times) >= count

    def times(self) -> int:
        """How often it was heard to its end."""
        try:
            recorded = listening.read(self._recording)
        except (OSError, EOFError, wave.Error):
            return 0
        found = listening.find(recorded, {self._sound.stem: self._known})
        return sum(one.whole for one in found)


@contextlib.asynccontextmanager
async def running_system(
    folder: Path, prompts: Path, toml: str = SETTINGS, *, start: bool = True
) -> AsyncIterator[System]:
    """Starts everything in a new home below `folder`; `prompts` holds prompts that are spoken already. Without `start`
    the home is ready, and nothing runs."""
    by = By("tests", datetime.now(UTC))
    with port_block() as first:
        home = folder / "home"
        await homes.create(home, by, name="Demo Leasing Office", ports_from=first)
        text = (home / "leaseline.toml").read_text()
        (home / "leaseline.toml").write_text(toml + text[text.index("[ports]") :])
        config = settings.load(home)
        store, secrets = Store(config.database_url), Secrets(config.secrets_file)
        await store.run(directory.load_demo, config, secrets, by)
        for entry in (*speech.languages(), tones.FILE, tones.MUSIC):
            (config.prompts_folder / entry).symlink_to(prompts / entry)
        (config.prompts_folder / "greetings").mkdir(exist_ok=True)
        await publish.publish(config, store, secrets, datetime.now(UTC))
        asterisk, app = supervisor.children(config)
        carrier = CarrierPeer()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: carrier, local_addr=("127.0.0.1", config.ports.demo))
        system = System(config, store, secrets, asterisk, app, carrier, folder)
        try:
            if start:
                await asterisk.start()
                await system.start_app()
                await system.until(lambda: system.is_online("trunk-demo"), "demo trunk online")
            yield system
        finally:
            await app.stop()
            await asterisk.stop()
            transport.close()
            await system.http.close()
            store.close()


class Shared:
    """One system for all tests of a worker. After a test that failed the next one gets a new one: what the failure left
    behind must fail nobody else, nor its own second try."""

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


def spoken_prompts() -> Path:
    """A folder with every prompt, spoken once and kept for later runs; several runs may ask at once."""
    folder = cache_folder() / "test-prompts"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        speech.prepare(folder / "plain", folder / "none")
        for plain in (folder / "plain").rglob("*.wav"):
            _hurry(plain, folder / "recorded" / plain.relative_to(folder / "plain"))
        speech.prepare(folder, folder / "recorded")
        tones.beep(folder / tones.FILE)
        tones.music(folder / tones.MUSIC)
    return folder


HURRIED = 2.5
SHORTEST_PROMPT = 2.0
"""Seconds. What is much shorter cannot be told from others."""


def _hurry(plain: Path, path: Path) -> None:
    """A prompt in the office's own words, as it were: said quickly, because the tests wait for its end all the time."""
    if path.exists() and path.stat().st_mtime > plain.stat().st_mtime:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    times = min(HURRIED, max(1.0, len(listening.read(plain)) / listening.RATE / SHORTEST_PROMPT))
    new = path.with_suffix(".new.wav")
    sox = [*install.program("sox"), "-V1", str(plain), str(new), "tempo", "-s", f"{times:.3f}"]
    subprocess.run(sox, env={**os.environ, **install.environment("sox")}, check=True)
    new.replace(path)
