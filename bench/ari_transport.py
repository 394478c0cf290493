"""What a request to Asterisk costs over kept-alive HTTP, and over the event WebSocket.

SIPp places a micro-call (answer, set two variables, play a beep, hang up); both transports handle the same number of
calls in turns, in one run against one Asterisk. Only the ratio is meaningful: `script/bench ari_transport`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from ari_app import supervisor
from ari_app.edge import events
from ari_app.edge.client import AriClient
from asterisk_conf import programs
from asterisk_conf.prompts import tones
from asterisk_conf.render import STASIS_APP
from crm import config as settings
from crm import context
from crm.config import Config
from crm.services.audit import By
from crm.services.phones import publish, trunks
from crm.services.system import homes
from tests.system import port_block

Request = Callable[[str, str, dict[str, str], dict[str, Any] | None], Awaitable[None]]

SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="micro-call">
  <send retrans="500"><![CDATA[
    INVITE sip:+15125550100@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:+15125550[call_number]@[local_ip]>;tag=[pid]-[call_number]
    To: <sip:+15125550100@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:bench@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=bench 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
    ACK [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:+15125550[call_number]@[local_ip]>;tag=[pid]-[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0
  ]]></send>
</scenario>
"""


@dataclass
class Cost:
    """CPU milliseconds per call, and the median milliseconds from a call's arrival to the answer to its last
    request."""

    asterisk: float
    python: float
    handling: float


class MicroCalls:
    """Handles each call as soon as it arrives, with any transport for the requests."""

    def __init__(self, beep: Path) -> None:
        self.beep = beep.with_suffix("")
        self.request: Request | None = None
        self.begun: dict[str, float] = {}
        self.spent: list[float] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.done = asyncio.Event()
        self.wanted = 0

    def on_event(self, event: events.Event) -> None:
        match event:
            case events.StasisStart(channel=channel):
                self.begun[channel.id] = time.perf_counter()
                self.start(self.handle(channel.id))
            case events.PlaybackFinished(playback=playback):
                self.start(self.end(playback.target_uri.removeprefix("channel:")))

    def start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle(self, channel: str) -> None:
        assert self.request
        await self.request("POST", f"/channels/{channel}/answer", {}, None)
        await self.request(
            "POST", f"/channels/{channel}/variables", {}, {"variables": {"LL_STEP": "menu", "LL_ALIVE": "1"}}
        )
        await self.request("POST", f"/channels/{channel}/play/{uuid.uuid4()}", {"media": f"sound:{self.beep}"}, None)

    async def end(self, channel: str) -> None:
        assert self.request
        await self.request("DELETE", f"/channels/{channel}", {}, None)
        self.spent.append(time.perf_counter() - self.begun.pop(channel))
        if len(self.spent) >= self.wanted:
            self.done.set()


async def over_http(config: Config, secret: str, calls: MicroCalls, work: Callable[[], Awaitable[Cost]]) -> Cost:
    """Uses the project's own client."""
    client = AriClient(
        f"http://127.0.0.1:{config.ports.http}",
        STASIS_APP,
        secret,
        STASIS_APP,
        on_connect=lambda: asyncio.sleep(0),
        on_event=calls.on_event,
    )

    async def request(method: str, path: str, query: dict[str, str], body: dict[str, Any] | None) -> None:
        await client._request(method, path, query, body)

    calls.request = request
    async with client:
        reading = asyncio.create_task(client.run())
        await client.connected.wait()
        try:
            return await work()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def over_socket(config: Config, secret: str, calls: MicroCalls, work: Callable[[], Awaitable[Cost]]) -> Cost:
    """The control: REST requests over the event WebSocket (Asterisk documentation, "ARI REST over WebSocket")."""
    waiting: dict[str, asyncio.Future[None]] = {}
    headers = {"Authorization": aiohttp.encode_basic_auth(STASIS_APP, secret)}
    url = f"http://127.0.0.1:{config.ports.http}/ari/events?app={STASIS_APP}&subscribeAll=true"
    async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(url) as socket:

        async def request(method: str, path: str, query: dict[str, str], body: dict[str, Any] | None) -> None:
            request_id = uuid.uuid4().hex
            answer = waiting[request_id] = asyncio.get_running_loop().create_future()
            message: dict[str, Any] = {
                "type": "RESTRequest",
                "transaction_id": "t",
                "request_id": request_id,
                "method": method,
                "uri": path[1:],
                "query_strings": [{"name": name, "value": value} for name, value in query.items()],
            }
            if body is not None:
                message |= {"content_type": "application/json", "message_body": json.dumps(body)}
            await socket.send_str(json.dumps(message))
            await answer

        async def read() -> None:
            async for message in socket:
                event = events.decode(message.data)
                if isinstance(event, events.UnknownEvent):
                    if event.type == "RESTResponse" and not (answer := waiting.pop(event.body["request_id"])).done():
                        answer.set_result(None)
                else:
                    calls.on_event(event)

        calls.request = request
        reading = asyncio.create_task(read())
        # Asterisk filters its responses as well: without RESTResponse no request is ever answered.
        allowed = [{"type": kind} for kind in [*events.KINDS, "RESTResponse"]]
        await request("PUT", f"/applications/{STASIS_APP}/eventFilter", {}, {"allowed": allowed})
        try:
            return await work()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def measure(
    config: Config, asterisk: psutil.Process, calls: MicroCalls, scenario: Path, count: int, rate: int
) -> Cost:
    calls.spent.clear()
    calls.done.clear()
    calls.wanted = count
    before = asterisk.cpu_times()
    python = time.process_time()
    sipp = await asyncio.create_subprocess_exec(
        *programs.program("sipp"),
        f"127.0.0.1:{config.ports.sip}",
        "-sf",
        str(scenario),
        "-i",
        "127.0.0.1",
        "-p",
        str(config.ports.demo),
        "-mi",
        "127.0.0.1",
        "-m",
        str(count),
        "-r",
        str(rate),
        "-timer_resol",
        "1",
        "-nostdin",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=scenario.parent,
    )
    async with asyncio.timeout(count / rate + 30):
        await calls.done.wait()
        await sipp.wait()
    after = asterisk.cpu_times()
    spent = (after.user + after.system) - (before.user + before.system)
    return Cost(
        asterisk=spent * 1000 / count,
        python=(time.process_time() - python) * 1000 / count,
        handling=statistics.median(calls.spent) * 1000,
    )


async def run(count: int, rate: int, rounds: int) -> None:
    console = Console()
    ways = {"kept-alive HTTP": over_http, "event WebSocket": over_socket}
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder, port_block() as first:
        home = Path(folder) / "home"
        by = By("bench", datetime.now(UTC))
        await homes.create(home, by, name="Bench", ports_from=first)
        toml = home / "leaseline.toml"
        toml.write_text(toml.read_text() + '\n[sip]\nbind = "127.0.0.1"\n')
        config = settings.load(home)
        crm = context.opened(config)
        await crm.store.run(
            trunks.add, crm.secrets, by, "sipp", host="127.0.0.1", port=config.ports.demo, auth="address"
        )
        await publish.publish(crm)
        crm.store.close()
        calls = MicroCalls(config.prompts_folder / tones.FILE)
        tones.beep(config.prompts_folder / tones.FILE)
        scenario = Path(folder) / "micro.xml"
        scenario.write_text(SCENARIO)
        child, *_ = supervisor.children(config)
        await child.start()
        assert child.process
        asterisk = psutil.Process(child.process.pid)
        try:
            for number in range(rounds + 1):
                for name, way in ways.items():

                    async def work() -> Cost:
                        return await measure(config, asterisk, calls, scenario, count, rate)

                    cost = await way(config, crm.secrets.get("ari"), calls, work)
                    if number:  # The first round warms both up.
                        costs[name].append(cost)
        finally:
            await child.stop()
    table = Table(
        "requests over",
        "Asterisk CPU",
        "Python CPU",
        "both",
        "handling",
        title=f"a micro-call in ms, {rounds} x {count} calls at {rate}/s",
    )
    for name, measured in costs.items():
        middle = [
            statistics.median(getattr(cost, part) for cost in measured) for part in ("asterisk", "python", "handling")
        ]
        table.add_row(name, f"{middle[0]:.2f}", f"{middle[1]:.2f}", f"{middle[0] + middle[1]:.2f}", f"{middle[2]:.1f}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=150, help="calls per round and transport")
    parser.add_argument("--rate", type=int, default=25, help="calls per second")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.calls, arguments.rate, arguments.rounds))


if __name__ == "__main__":
    main()
