"""The entry points of our dialplan, as far as flows depend on them; all are in
asterisk_conf/templates/extensions.conf.j2.

What Asterisk does alone is missing: emergency calls, texts, the limits on callers, and the last resorts, which only
record that a caller got there (`Asterisk.taken_back`). Real calls test those.
"""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

from crm.config import Config
from crm.secrets import Secrets
from tests.asterisk.model import Asterisk, Channel, Left

KEPT = ("STEP", "STAGE", "PEER", "DID", "TRUNK", "DIRECTION", "NUMBER", "KEYS", "SAID", "WITHHELD", "BACK_TO")
"""Variables that are kept (`kept` in the template), without LL_."""


class Dialplan:
    def __init__(self, asterisk: Asterisk, config: Config, secrets: Secrets) -> None:
        self._asterisk, self._config, self._secrets = asterisk, config, secrets
        self.back_to = ""
        """The device that has just called the emergency service; the next callers call the number it showed."""
        asterisk.dialplan = {
            "from-trunk": self.from_trunk,
            "from-staff": self.from_staff,
            "dialled": self.dialled,
            "feature-codes": self.feature_codes,
            "ringing": self.ringing,
            "agent-leg": self.agent_leg,
            "outside-leg": self.outside_leg,
            "order-leg": self.order_leg,
            "listen-leg": self.listen_leg,
            "leg-told": self.leg_told,
            "last-resort": self.taken_back,
            "staff-alone": self.taken_back,
            "taken-back": self.taken_back,
        }

    # --- entry points ---

    async def from_trunk(self, channel: Channel) -> None:
        did = re.sub(r"[^+0-9]", "", channel.exten)
        withheld = "1" if re.match(r"(anonymous|restricted|private|withheld)$", channel.caller_number) else ""
        user = channel.caller_number
        said = [("verstat", ""), ("level", ""), ("to", f"<sip:{channel.exten}@127.0.0.1>"), ("called", "")]
        if not withheld or self._config.privacy.keep_withheld:
            said.append(("from", f"<sip:{user}@127.0.0.1>"))
        if withheld:
            channel.caller_number = ""
        channel.context = "arrival"
        kept = {
            "LL_CALL": channel.id,
            "LL_DID": did,
            "LL_TRUNK": channel.endpoint,
            "LL_SAID": ".".join(f"{name}:{_base64('=' + value)}" for name, value in said),
            "LL_WITHHELD": withheld,
            "LL_BACK_TO": self.back_to,
        }
        self._keep(channel, kept)
        channel.is_ringing = True
        self._asterisk.limit(channel, self._config.survival.first_seconds)
        variables = channel.variables
        await self._asterisk.stasis(
            channel,
            "inbound",
            did,
            variables["LL_TRUNK"],
            variables["LL_SAID"],
            variables["LL_WITHHELD"],
            variables["LL_BACK_TO"],
        )

    async def from_staff(self, channel: Channel) -> None:
        if channel.exten.startswith("*"):
            channel.context = "feature-codes"
            await self.feature_codes(channel)
        else:
            channel.variables["LL_DIALLED"] = re.sub(r"[^+0-9]", "", channel.exten)
            await self.dialled(channel)

    async def dialled(self, channel: Channel) -> None:
        channel.context = "dialled"
        await self._to_app(channel, "staff", channel.variables["LL_DIALLED"])

    async def feature_codes(self, channel: Channel) -> None:
        """The app says what to play and where the call continues."""
        self._asterisk.limit(channel, self._config.survival.first_seconds)
        code = re.sub(r"[^*0-9]", "", channel.exten)
        told = await self._ask(channel, "feature_code", code, channel.endpoint, "", "")
        self._asterisk.limit(channel, 14400)
        if about := told.get("LL_ASK"):
            self._asterisk.answer(channel)
            key = await self._read(channel, told["LL_SAY"], 8)
            told = await self._ask(channel, "feature_code", code, channel.endpoint, key, about)
        say, go = told.get("LL_SAY", ""), told.get("LL_GO", "")
        if not say + go:
            say = str(self._config.prompts_folder / "en" / "codes_unavailable")
        if say:
            self._asterisk.answer(channel)
            await self._playback(channel, say)
        if go.startswith("staff,"):
            channel.variables["LL_DIALLED"] = go.removeprefix("staff,")
            await self.dialled(channel)
        elif go:
            await self._to_app(channel, *go.split(","))

    async def _to_app(self, channel: Channel, *args: str) -> None:
        self._keep(channel, {"LL_CALL": channel.id})
        self._asterisk.limit(channel, self._config.survival.first_seconds)
        await self._asterisk.stasis(channel, *args)

    # --- phones that the app dials ---

    async def ringing(self, channel: Channel) -> None:
        then = channel.exten
        self._asterisk.limit(channel, float(channel.variables["LL_SECONDS"]))
        await channel.answered.wait()
        channel.context, channel.exten = then, "s"
        await self._asterisk.dialplan[then](channel)

    async def agent_leg(self, channel: Channel) -> None:
        self._keep(channel, {})
        self._asterisk.limit(channel, self._config.survival.deadman_seconds // 2)
        await self._asterisk.stasis(channel, "agent", channel.variables["LL_CALL"])

    async def outside_leg(self, channel: Channel) -> None:
        self._asterisk.limit(channel, self._config.survival.deadman_seconds)
        await self._asterisk.stasis(channel, "outside", channel.variables["LL_CALL"])

    async def order_leg(self, channel: Channel) -> None:
        self._asterisk.limit(channel, self._config.survival.deadman_seconds)
        await self._asterisk.stasis(channel, "ordered", channel.variables["LL_CALL"])

    async def listen_leg(self, channel: Channel) -> None:
        self._asterisk.limit(channel, self._config.survival.deadman_seconds)
        await self._asterisk.stasis(channel, "listens", channel.variables["LL_CALL"])

    async def leg_told(self, channel: Channel) -> None:
        """Tells somebody who heard what a call is about, but does not get it, why."""
        self._asterisk.limit(channel, 30)
        await self._playback(channel, str(self._config.prompts_folder / "en" / channel.exten))

    async def taken_back(self, channel: Channel) -> None:
        """A last resort: the dead man's switch fired, or a flow failed. Real calls test what follows."""
        self._asterisk.taken_back.append(channel)

    # --- common ---

    def _keep(self, channel: Channel, variables: dict[str, str]) -> None:
        for name in KEPT:
            channel.variables.setdefault(f"LL_{name}", "")
        channel.variables.update(variables)

    async def _playback(self, channel: Channel, file: str) -> None:
        playback = self._asterisk.play(channel, f"dialplan-{channel.id}", [f"sound:{file}"])
        await playback.over.wait()
        if channel.gone.is_set():
            raise Left

    async def _read(self, channel: Channel, file: str, seconds: float) -> str:
        """Does what Read() does for one key; returns an empty string if none is pressed."""
        channel.read = self._asterisk.loop.create_future()
        playback = self._asterisk.play(channel, f"dialplan-{channel.id}-read", [f"sound:{file}"])
        over, gone = (asyncio.ensure_future(event.wait()) for event in (playback.over, channel.gone))
        try:
            await asyncio.wait((over, gone, channel.read), return_when=asyncio.FIRST_COMPLETED)
            if not channel.read.done() and not channel.gone.is_set():
                await asyncio.wait((gone, channel.read), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if channel.gone.is_set():
                raise Left
            self._asterisk.stop_playing(channel)
            return channel.read.result() if channel.read.done() else ""
        finally:
            over.cancel()
            gone.cancel()
            channel.read = None

    async def _ask(self, channel: Channel, script: str, *args: str) -> dict[str, str]:
        """Does what AGI() does in the dialplan; returns the variables that the script sets."""
        found: dict[str, str] = {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self._config.ports.agi)
        request = f"agi://127.0.0.1:{self._config.ports.agi}/{self._secrets.get('agi')}/{script}"
        lines = [f"agi_request: {request}", f"agi_channel: {channel.name}", f"agi_uniqueid: {channel.id}"]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(args, start=1)]
        writer.write("".join(f"{line}\n" for line in (*lines, "")).encode())
        try:
            while line := (await reader.readline()).decode().strip():
                if set_variable := re.fullmatch(r'SET VARIABLE (\w+) "(.*)"', line):
                    found[set_variable[1]] = set_variable[2]
                writer.write(b"200 result=1\n")
        finally:
            writer.close()
        return found


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def endpoints(pjsip: Path) -> set[str]:
    """Returns the names of the endpoints in a pjsip.conf: sections of that type, or with a template of that type."""
    sections = re.findall(r"^\[([^\]]+)\](?:\((.*)\))?\n((?:(?!\[).*\n)*)", pjsip.read_text(), re.MULTILINE)
    typed = {name for name, _, text in sections if re.search(r"^type\s*=\s*endpoint\s*$", text, re.MULTILINE)}
    templates = {name for name, base, _ in sections if base == "!"}
    inheriting = {name for name, base, _ in sections if typed & templates & set(base.split(","))}
    return (typed - templates) | inheriting
