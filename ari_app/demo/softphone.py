"""A real softphone (baresip) as a child process: registers, calls, answers, presses keys, records what it hears.

It is the demo's caller and the tests' desk phones. It speaks ordinary SIP to any server, and knows nothing about
Asterisk or leads. Its control channel is baresip's `ctrl_tcp` module: JSON in netstrings.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import struct
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ari_app.edge.errors import PhoneError
from asterisk_conf import programs

SILENCE_SECONDS = 600
"""Length of the silent file that a phone 'speaks' until it has something to say; longer than any of its calls."""
LATEST_MS = 2000
"""Audio that arrives this late is still played: on a busy machine, a phone may not be scheduled for half a second. With
the usual 160 ms, it dropped what had arrived meanwhile."""


class SoftphoneError(PhoneError):
    """The softphone did not start, answered with an error, or did not do what was expected in time."""


@dataclass(frozen=True)
class PhoneEvent:
    """An event of baresip, of a kind such as CALL_ESTABLISHED, CALL_CLOSED or REGISTER_OK; `param` is its free text."""

    kind: str
    param: str
    at: float
    """Seconds on the event loop's clock."""


@dataclass
class Softphone:
    """A running phone. Create it with `softphone()`, which also ends it."""

    user: str
    folder: Path
    process: asyncio.subprocess.Process
    events: list[PhoneEvent] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Bodies of the SIP MESSAGEs that reached this phone, in order."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writer: asyncio.StreamWriter | None = None
    _answers: dict[str, asyncio.Future[str]] = field(default_factory=dict)
    _tokens: int = 0
    _dialled: int = 0

    @property
    def heard(self) -> Path:
        """WAV file (PCM16, 8 kHz, mono) of what this phone received during its latest call."""
        return self.folder / "heard.wav"

    async def command(self, name: str, params: str = "") -> str:
        """Runs a baresip command, and returns the text of the answer. Raises SoftphoneError if baresip refuses it."""
        assert self._writer is not None
        self._tokens += 1
        token = str(self._tokens)
        answer = self._answers[token] = asyncio.get_running_loop().create_future()
        message = json.dumps({"command": name, "params": params, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))
        return await asyncio.wait_for(answer, 10)

    async def dial(self, uri: str) -> None:
        await self.command("dial", uri)
        self._dialled += 1

    async def answer(self) -> None:
        await self.command("accept")

    async def hang_up(self) -> None:
        """Ends the call, also one that has not begun to ring, or has just been ended by the other side."""
        while True:
            seen = len(self.events)
            try:
                await self.command("hangup")
            except SoftphoneError:
                if self.count("CALL_CLOSED") >= self._dialled + self.count("CALL_INCOMING"):
                    return
                # baresip ends the call that it has selected, which one that it makes is from the first answer on.
                await self._more_than(seen)
            else:
                return

    async def transfer(self, uri: str) -> None:
        """Asks for a transfer (SIP REFER); its result shows as TRANSFER_FAILED or as the end of the call."""
        await self.command("transfer", uri)

    async def press(self, digits: str) -> None:
        """Sends digits as RTP telephone events (RFC 4733), as ordinary phones do."""
        for digit in digits:
            await self.command("sndcode", digit)
            # baresip sends a digit until the next key or key release; \x04 is its 'key released'.
            await asyncio.sleep(0.16)
            await self.command("sndcode", "\x04")
            await asyncio.sleep(0.08)

    async def say(self, recording: Path) -> None:
        """Speaks a WAV file (PCM16, 8 kHz, mono) into the call, from now on."""
        # baresip ends the call at the end of a file, so silence follows the words. It also cuts paths off after 128
        # characters, hence the short name.
        padded = await asyncio.to_thread(_padded, recording, self.folder / f"say-{self._tokens}.wav")
        await self.command("ausrc", f"aufile,{padded}")

    async def wait_for(self, kind: str, count: int = 1, seconds: float = 20) -> PhoneEvent:
        """Waits until this phone has had `count` events of a kind since it started. Raises SoftphoneError if it does
        not."""
        await self.wait_until(lambda: self.count(kind) >= count, f"{count} x {kind}", seconds)
        return [event for event in self.events if event.kind == kind][count - 1]

    async def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
        """Waits until a condition about this phone's events or texts is true; `what` names it in the error."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(is_so)
        except TimeoutError:
            raise SoftphoneError(f"Phone {self.user}: no {what} within {seconds:g} s; it saw: {self.seen()}.") from None

    def seen(self) -> str:
        """All of this phone's events in a line, for error messages."""
        return ", ".join(f"{event.kind} {event.param}".strip() for event in self.events)

    async def _more_than(self, seen: int) -> None:
        await self.wait_until(lambda: len(self.events) > seen, "further event")

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events)

    async def _take_in(self, message: dict[str, object]) -> None:
        async with self._changed:
            if message.get("response"):
                answer = self._answers.pop(str(message.get("token")), None)
                if answer and not answer.done():
                    if message.get("ok"):
                        answer.set_result(str(message.get("data", "")))
                    else:
                        answer.set_exception(
                            SoftphoneError(f"Phone {self.user} refused: {message.get('data')} It saw: {self.seen()}.")
                        )
            elif message.get("message"):
                self.texts.append(str(message.get("body", "")))
            elif message.get("event"):
                now = asyncio.get_running_loop().time()
                self.events.append(PhoneEvent(str(message.get("type")), str(message.get("param", "")), now))
            self._changed.notify_all()

    async def _read_control(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                length = int((await reader.readuntil(b":"))[:-1])
                body = await reader.readexactly(length + 1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            await self._take_in(json.loads(body[:-1].decode(errors="replace")))

    async def _read_console(self, stdout: asyncio.StreamReader) -> None:
        log = (self.folder / "console.log").open("ab")
        with log:
            while line := await stdout.readline():
                log.write(line)
                log.flush()


def _padded(recording: Path, path: Path) -> Path:
    with wave.open(str(recording)) as words:
        return _followed_by_silence(words.readframes(words.getnframes()), path, SILENCE_SECONDS)


def silence(path: Path, seconds: int) -> Path:
    """Writes a silent WAV file (PCM16, 8 kHz, mono)."""
    return _followed_by_silence(b"", path, seconds)


def _followed_by_silence(frames: bytes, path: Path, seconds: int) -> Path:
    size = len(frames) + 2 * 8000 * seconds
    with path.open("wb") as out:
        out.write(
            struct.pack(
                "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", size
            )
        )
        out.write(frames)
        # The rest reads as zeros and takes no space.
        out.truncate(44 + size)
    return path


def _config(
    folder: Path, address: str, sip_port: int, control_port: int, source: Path, trusted: Path | None, srtp: bool
) -> str:
    names = ["g711", "aufile", "account", "ctrl_tcp", "menu", *(["srtp"] if srtp else [])]
    modules = "\n".join(f"module {name}.so" for name in names)
    trust = f"sip_verify_server yes\nsip_cafile {trusted}" if trusted else ""
    return f"""
{trust}
sip_listen {address}:{sip_port}
net_interface {address}
ctrl_tcp_listen 127.0.0.1:{control_port}
audio_path {folder}
audio_player aufile,{folder / "heard.wav"}
audio_source aufile,{source}
audio_alert aufile,{folder / "alert.wav"}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_jitter_buffer_type fixed
audio_buffer 20-{LATEST_MS}
rtp_ports 33000-60000
call_local_timeout 120
statmode_default off
call_max_calls 4
module_path {programs.baresip_modules()}
{modules}
"""


_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Runs in the child: a phone that is left behind would keep its ports (prctl(2))."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@asynccontextmanager
async def softphone(
    folder: Path,
    *,
    user: str,
    server: str,
    sip_port: int,
    control_port: int,
    secret: str = "",
    auth_user: str = "",
    register: bool = True,
    address: str = "127.0.0.1",
    trusted: Path | None = None,
    srtp: bool = False,
) -> AsyncIterator[Softphone]:
    """Runs a phone for `user` at `server` (host:port) until the block ends.

    With `register`, waits until the server has accepted the registration. `auth_user` is the digest user if it differs
    from the user part of the phone's address, as for a trunk that calls with its customers' numbers. `address` is the
    loopback address that the phone calls from. With `trusted` (a PEM file), it speaks TLS to a server whose certificate
    was issued by that one; with `srtp`, it refuses calls without SRTP.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = silence(folder / "silence.wav", SILENCE_SECONDS)
    (folder / "config").write_text(_config(folder, address, sip_port, control_port, source, trusted, srtp))
    transport = ";transport=tls" if trusted else ""
    account = f"<sip:{user}@{server}{transport}>;regint={60 if register else 0};audio_codecs=pcmu,pcma;mwi=no"
    if srtp:
        account += ";mediaenc=srtp-mand"
    if secret:
        account += f";auth_user={auth_user or user};auth_pass={secret}"
    (folder / "accounts").write_text("")
    (folder / "contacts").write_text("")
    process = await asyncio.create_subprocess_exec(
        *programs.program("baresip"),
        "-f",
        str(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HOME": str(folder)},
        preexec_fn=_end_with_parent,
    )
    with contextlib.suppress(PermissionError, ProcessLookupError):
        # A telephone does nothing else, while here its audio would stutter on a busy machine. It has priority over
        # Asterisk (10), which may be busy with other phones. Only root may do this.
        os.sched_setscheduler(process.pid, os.SCHED_RR, os.sched_param(20))
    phone = Softphone(user, folder, process)
    assert process.stdout is not None
    readers = [asyncio.create_task(phone._read_console(process.stdout))]
    try:
        reader, phone._writer = await _connect(process, control_port, folder)
        readers.append(asyncio.create_task(phone._read_control(reader)))
        # Only once the control channel listens: earlier events would be lost.
        await phone.command("uanew", account)
        if register:
            await phone.wait_for("REGISTER_OK")
        yield phone
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if phone._writer is not None:
            phone._writer.close()
        for task in readers:
            task.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _connect(
    process: asyncio.subprocess.Process, port: int, folder: Path
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    deadline = asyncio.get_running_loop().time() + 10
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                log = (folder / "console.log").read_text(errors="replace")[-400:]
                raise SoftphoneError(f"The phone program baresip did not start: {log}") from None
            await asyncio.sleep(0.02)
