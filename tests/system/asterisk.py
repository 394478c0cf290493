"""What Asterisk reports (ARI), one of the three witnesses."""

from __future__ import annotations

import asyncio
import functools
import re
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from asterisk_conf import programs
from tests.system.parts import Parts


class Asterisk(Parts):
    @functools.cached_property
    def http(self) -> aiohttp.ClientSession:
        auth = aiohttp.encode_basic_auth("leaseline", self.secrets.get("ari"))
        return aiohttp.ClientSession(f"http://127.0.0.1:{self.config.ports.http}", headers={"Authorization": auth})

    async def ari(self, path: str) -> Any:
        async with self.http.get(URL(f"/ari{path}", encoded=True)) as response:
            answer = await response.json()
        if path == "/channels" and isinstance(answer, list):
            # Asterisk's own channel for texts, which stays once a text has arrived.
            return [channel for channel in answer if channel["name"] != "Message/ast_msg_queue"]
        return answer

    async def set_global(self, name: str, value: str) -> None:
        """Sets a global variable of the dialplan."""
        async with self.http.post("/ari/asterisk/variable", params={"variable": name, "value": value}) as response:
            assert response.status == 204, await response.text()

    async def asterisk_console(self, command: str) -> str:
        """What Asterisk's console answers to a command."""
        etc = self.config.asterisk_folder / "etc" / "asterisk.conf"
        process = await asyncio.create_subprocess_exec(
            *programs.program("asterisk"), "-C", str(etc), "-rx", command, stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await process.communicate()
        return answer.decode()

    async def device_state(self, device: str) -> str:
        """What lamps show that watch it; "" if nobody has said so far."""
        states = dict(re.findall(r"'Custom:(\S+)'  State: '(\w+)'", await self.asterisk_console("devstate list")))
        return states.get(device, "")

    async def is_offline(self, device: str) -> bool:
        return not await self.is_online(device)

    async def is_online(self, device: str) -> bool:
        return bool((await self.ari(f"/endpoints/PJSIP/{device}")).get("state") == "online")

    async def channels(self, name: str) -> int:
        """Returns how many channels an endpoint has now, for example that of a ringing phone."""
        return len((await self.ari(f"/endpoints/PJSIP/{name}"))["channel_ids"])

    async def is_quiet_at(self, name: str) -> bool:
        return await self.channels(name) == 0

    async def hang_up(self, channel_id: str) -> None:
        """Hangs up from Asterisk's side."""
        async with self.http.delete(URL(f"/ari/channels/{quote(channel_id, safe='')}", encoded=True)):
            pass

    async def channel_of(self, endpoint: str, *, newest: bool = False) -> dict[str, Any]:
        """Returns the only channel of an endpoint, or its newest one."""
        found = [one for one in await self.ari("/channels") if one["name"].startswith(f"PJSIP/{endpoint}-")]
        assert len(found) == 1 or (newest and found), f"{endpoint} has {len(found)} channels"
        return dict(max(found, key=lambda one: str(one["name"])))

    async def is_in_bridge(self, channel_id: str) -> bool:
        return any(channel_id in bridge["channels"] for bridge in await self.ari("/bridges"))

    async def replacing(self, channel: dict[str, Any], extension: str) -> str:
        """Returns the URI for a REFER that asks to replace a phone's own call (RFC 3891), which only that phone can
        name."""
        return f"sip:{extension}@{self.sip}?Replaces={quote(await self.dialog(channel), safe='')}"

    async def dialog(self, channel: dict[str, Any]) -> str:
        """Returns a call's dialog as a Replaces header names it."""
        tags = [await self.variable(channel["id"], f"CHANNEL(pjsip,{side}_tag)") for side in ("local", "remote")]
        return f"{channel['protocol_id']};to-tag={tags[0]};from-tag={tags[1]}"

    async def variable(self, channel_id: str, name: str) -> str:
        answer = await self.ari(f"/channels/{channel_id}/variable?variable={quote(name, safe='')}")
        return str(answer["value"])
