"""ARI over HTTP and WebSocket, as far as the app and the tests use it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from asterisk_conf.render import STASIS_APP
from tests.asterisk import documents
from tests.asterisk.model import Asterisk, Bridge, Channel, length, written

Answer = web.StreamResponse


def shown(model: str, body: Any) -> web.Response:
    """Returns a response after checking its shape against the api-docs."""
    documents.check(model, body)
    return web.json_response(body)


def nothing() -> web.Response:
    return web.Response(status=204)


class Refused(web.HTTPException):
    def __init__(self, status: int, text: str) -> None:
        self.status_code = status
        super().__init__(reason=text, text=json.dumps({"message": text}), content_type="application/json")


class Ari:
    """Serves one Asterisk until it is closed."""

    def __init__(self, asterisk: Asterisk, password: str) -> None:
        self._asterisk = asterisk
        self._known = "Basic " + base64.b64encode(f"leaseline:{password}".encode()).decode()
        self._sockets: dict[str, tuple[web.WebSocketResponse, asyncio.Queue[dict[str, Any]]]] = {}
        """By name of the application."""
        self._allowed: dict[str, set[str]] = {}
        asterisk.send = self._send

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        on: list[tuple[str, str, Callable[[web.Request], Any]]] = [
            ("GET", "/events", self.events),
            ("GET", "/channels", self.channels),
            ("POST", "/channels", self.originate),
            ("POST", "/channels/create", self.create),
            ("POST", "/channels/externalMedia", self.external_media),
            ("GET", "/channels/{id}", self.channel),
            ("DELETE", "/channels/{id}", self.hang_up),
            ("POST", "/channels/{id}/dial", self.dial),
            ("POST", "/channels/{id}/snoop/{snoop}", self.snoop),
            ("POST", "/channels/{id}/answer", self.answer),
            ("POST", "/channels/{id}/ring", self.ring),
            ("DELETE", "/channels/{id}/ring", self.ring),
            ("POST", "/channels/{id}/continue", self.go_on),
            ("POST", "/channels/{id}/play/{playback}", self.play_to_channel),
            ("POST", "/channels/{id}/record", self.record_channel),
            ("GET", "/channels/{id}/variable", self.variable),
            ("GET", "/channels/{id}/variables", self.variables),
            ("POST", "/channels/{id}/variables", self.set_variables),
            ("GET", "/channels/{id}/rtp_statistics", self.rtp_statistics),
            ("POST", "/channels/{id}/transfer_progress", self.transfer_progress),
            ("GET", "/bridges", self.bridges),
            ("GET", "/bridges/{id}", self.bridge),
            ("POST", "/bridges/{id}", self.make_bridge),
            ("DELETE", "/bridges/{id}", self.delete_bridge),
            ("POST", "/bridges/{id}/addChannel", self.add_channel),
            ("POST", "/bridges/{id}/removeChannel", self.remove_channel),
            ("POST", "/bridges/{id}/moh", self.start_music),
            ("DELETE", "/bridges/{id}/moh", self.stop_music),
            ("POST", "/bridges/{id}/play/{playback}", self.play_to_bridge),
            ("POST", "/bridges/{id}/record", self.record_bridge),
            ("GET", "/playbacks/{id}", self.playback),
            ("DELETE", "/playbacks/{id}", self.stop_playback),
            ("GET", "/recordings/live/{name}", self.recording),
            ("POST", "/recordings/live/{name}/stop", self.stop_recording),
            ("GET", "/endpoints", self.endpoints),
            ("GET", "/endpoints/PJSIP", self.endpoints),
            ("GET", "/endpoints/PJSIP/{name}", self.endpoint),
            ("GET", "/asterisk/info", self.info),
            ("GET", "/asterisk/variable", self.global_variable),
            ("POST", "/asterisk/variable", self.set_global_variable),
            ("PUT", "/applications/{app}/eventFilter", self.filter_events),
        ]
        for method, path, handler in on:
            application.router.add_route(method, f"/ari{path}", handler)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> Answer:
        if request.headers.get("Authorization") != self._known:
            raise web.HTTPUnauthorized
        self._asterisk.asked.append(f"{request.method} {request.path.removeprefix('/ari')}")
        return await handler(request)  # type: ignore[no-any-return]

    # --- events ---

    def _send(self, event: dict[str, Any]) -> None:
        for name, (_, queue) in self._sockets.items():
            allowed = self._allowed.get(name)
            if allowed is None or event["type"] in allowed:
                queue.put_nowait({**event, "application": name})

    async def events(self, request: web.Request) -> Answer:
        name = request.query["app"]
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if name in self._sockets:
            documents.check("ApplicationReplaced", replaced := self._event("ApplicationReplaced", name))
            self._sockets[name][1].put_nowait(replaced)
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sockets[name] = socket, queue
        writing = asyncio.create_task(self._write(socket, queue))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            writing.cancel()
            if self._sockets.get(name, (None,))[0] is socket:
                del self._sockets[name]
                self._allowed.pop(name, None)
        return socket

    def _event(self, kind: str, name: str) -> dict[str, Any]:
        return {"type": kind, "timestamp": written(self._asterisk.loop.now()), "application": name}

    async def _write(self, socket: web.WebSocketResponse, queue: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            event = await queue.get()
            try:
                await socket.send_str(json.dumps(event))
            except ConnectionError:
                return

    async def close(self) -> None:
        for socket, _ in list(self._sockets.values()):
            await socket.close()

    async def filter_events(self, request: web.Request) -> Answer:
        body = await request.json()
        self._allowed[request.match_info["app"]] = {one["type"] for one in body["allowed"]}
        name = request.match_info["app"]
        body = {"name": name, "channel_ids": [], "bridge_ids": [], "endpoint_ids": [], "device_names": []}
        return shown("Application", {**body, "events_allowed": [], "events_disallowed": []})

    # --- channels ---

    def _channel(self, request: web.Request, *, in_app: bool = False) -> Channel:
        channel = self._asterisk.channels.get(request.match_info["id"])
        if channel is None:
            raise Refused(404, "Channel not found")
        if in_app and not channel.is_in_app:
            raise Refused(409, "Channel not in Stasis application")
        return channel

    async def channels(self, _: web.Request) -> Answer:
        return shown("List[Channel]", [channel.json for channel in self._asterisk.channels.values()])

    async def channel(self, request: web.Request) -> Answer:
        return shown("Channel", self._channel(request).json)

    async def originate(self, request: web.Request) -> Answer:
        """Only supports setting a message lamp, on a Local channel of its own."""
        query, body = request.query, await request.json()
        assert query["endpoint"] == "Local/s@message-lamp", query["endpoint"]
        variables = body["variables"]
        self._asterisk.lamps[variables["LL_AGENT"]] = int(variables["LL_NEW"]), int(variables["LL_OLD"])
        lamp = Channel(query["channelId"], "Local/s@message-lamp-00000001;1", self._asterisk.loop.now())
        return shown("Channel", lamp.json)

    async def create(self, request: web.Request) -> Answer:
        query, body = request.query, await request.json()
        assert query["app"] == STASIS_APP
        if query["channelId"] in self._asterisk.channels:
            raise Refused(409, "Channel with given unique ID already exists")
        channel = self._asterisk.create(query["channelId"], query["endpoint"], body["variables"], query["appArgs"])
        if channel is None:
            raise Refused(500, "Allocation failed")
        return shown("Channel", channel.json)

    async def external_media(self, request: web.Request) -> Answer:
        """A channel that waits for another process to connect its audio (chan_websocket)."""
        query = request.query
        assert (query["app"], query["transport"], query["external_host"]) == (STASIS_APP, "websocket", "INCOMING")
        if query["channelId"] in self._asterisk.channels:
            raise Refused(409, "Channel with given unique ID already exists")
        return shown("Channel", self._asterisk.external_media(query["channelId"]).json)

    async def dial(self, request: web.Request) -> Answer:
        channel = self._channel(request)
        if channel.state != "Down":
            raise Refused(409, "Channel cannot be dialed")
        self._asterisk.dial(channel)
        return nothing()

    async def snoop(self, request: web.Request) -> Answer:
        query = request.query
        assert (query["app"], query["spy"], query["whisper"]) == (STASIS_APP, "both", "none")
        channel = self._asterisk.snoop(self._channel(request), request.match_info["snoop"], query["appArgs"])
        return shown("Channel", channel.json)

    async def hang_up(self, request: web.Request) -> Answer:
        channel = self._channel(request)
        self._asterisk.hang_up(channel, int(request.query.get("reason_code", "16")))
        return nothing()

    async def answer(self, request: web.Request) -> Answer:
        self._asterisk.answer(self._channel(request, in_app=True))
        return nothing()

    async def ring(self, request: web.Request) -> Answer:
        channel = self._channel(request, in_app=True)
        channel.is_ringing = request.method == "POST"
        if channel.is_ringing and channel.phone and channel.state != "Up":
            channel.phone.is_ringing_there()
        self._asterisk.on_change()
        return nothing()

    async def go_on(self, request: web.Request) -> Answer:
        channel = self._channel(request, in_app=True)
        self._asterisk.enter(channel, request.query["context"], request.query["extension"])
        return nothing()

    async def variable(self, request: web.Request) -> Answer:
        channel, name = self._channel(request), request.query["variable"]
        transport = ";transport=ws" if channel.phone and channel.phone.is_browser else ""
        answers = {
            "CHANNEL(rtp,secure)": "0",
            "CHANNEL(rtp,dest)": "127.0.0.1:4000",
            "CHANNEL(pjsip,target_uri)": f"sip:phone@127.0.0.1:5060{transport}",
        }
        if name.startswith("HANGUPCAUSE("):
            if not channel.has_spoken:
                raise Refused(500, "Unable to read provided function")
            return shown("Variable", {"value": "SIP 180 Ringing"})
        value = answers.get(name, channel.variables.get(name))
        if value is None:
            raise Refused(404, "Provided variable was not found")
        return shown("Variable", {"value": value})

    async def variables(self, request: web.Request) -> Answer:
        channel, names = self._channel(request), request.query["variables"].split(",")
        if not all(name in channel.variables for name in names):
            raise Refused(404, "Provided variable was not found")
        return shown("Variables", {"variables": {name: channel.variables[name] for name in names}})

    async def set_variables(self, request: web.Request) -> Answer:
        channel = self._channel(request, in_app=True)
        for name, value in (await request.json())["variables"].items():
            self._asterisk.set_variable(channel, name, value)
        return nothing()

    async def rtp_statistics(self, request: web.Request) -> Answer:
        """Reports that audio keeps coming from everybody who has not vanished."""
        channel = self._channel(request)
        heard_at = self._asterisk.loop.time() if channel.silent_since is None else channel.silent_since
        packets = int(heard_at * 50) % 2**31
        counts = {"txcount": packets, "rxcount": packets, "txploss": 0, "rxploss": 0, "local_ssrc": 1, "remote_ssrc": 2}
        body = {**counts, "txoctetcount": packets, "rxoctetcount": packets, "channel_uniqueid": channel.id}
        extra = dict.fromkeys(("rtt", "normdevrtt", "stdevrtt", "rxjitter"), 0.0)
        return shown(
            "RTPstat", {**body, **extra, "remote_normdevjitter": 0.0, "remote_stdevjitter": 0.0, "txjitter": 0.0}
        )

    async def transfer_progress(self, request: web.Request) -> Answer:
        channel = self._channel(request, in_app=True)
        channel.progress.append(request.query["states"])
        if channel.phone:
            channel.phone.is_told(request.query["states"])
        return nothing()

    # --- audio ---

    async def _play(self, request: web.Request, target: Channel | Bridge) -> Answer:
        playback = self._asterisk.play(target, request.match_info["playback"], request.query["media"].split(","))
        return shown("Playback", playback.json)

    async def play_to_channel(self, request: web.Request) -> Answer:
        return await self._play(request, self._channel(request, in_app=True))

    async def play_to_bridge(self, request: web.Request) -> Answer:
        return await self._play(request, self._bridge(request))

    async def playback(self, request: web.Request) -> Answer:
        return shown("Playback", self._named(self._asterisk.playbacks, request, "id").json)

    async def stop_playback(self, request: web.Request) -> Answer:
        self._asterisk.end_playback(self._named(self._asterisk.playbacks, request, "id"), "done")
        return nothing()

    async def record_channel(self, request: web.Request) -> Answer:
        channel, query = self._channel(request, in_app=True), request.query
        if query["name"] in self._asterisk.recordings:
            raise Refused(409, "Recording already in progress")
        recording = self._asterisk.record(
            channel,
            query["name"],
            query["terminateOn"],
            float(query["maxDurationSeconds"]),
            float(query["maxSilenceSeconds"]),
        )
        return shown("LiveRecording", recording.json)

    async def record_bridge(self, request: web.Request) -> Answer:
        bridge, name = self._bridge(request), request.query["name"]
        file = self._asterisk.folder / f"{name}.wav"
        if name in self._asterisk.recordings or (length(file) is not None and request.query["ifExists"] == "fail"):
            raise Refused(409, "Recording already exists")
        return shown("LiveRecording", self._asterisk.record(bridge, name).json)

    async def recording(self, request: web.Request) -> Answer:
        return shown("LiveRecording", self._named(self._asterisk.recordings, request, "name").json)

    async def stop_recording(self, request: web.Request) -> Answer:
        self._asterisk.end_recording(self._named(self._asterisk.recordings, request, "name"))
        return nothing()

    def _named(self, found: dict[str, Any], request: web.Request, key: str) -> Any:
        name = request.match_info[key]
        if name not in found:
            raise Refused(404, f"{name} not found")
        return found[name]

    # --- bridges ---

    def _bridge(self, request: web.Request) -> Bridge:
        bridge: Bridge = self._named(self._asterisk.bridges, request, "id")
        return bridge

    async def bridges(self, _: web.Request) -> Answer:
        return shown("List[Bridge]", [bridge.json for bridge in self._asterisk.bridges.values()])

    async def bridge(self, request: web.Request) -> Answer:
        return shown("Bridge", self._bridge(request).json)

    async def make_bridge(self, request: web.Request) -> Answer:
        id = request.match_info["id"]
        bridge = self._asterisk.bridges.setdefault(id, Bridge(id, self._asterisk.loop.now()))
        return shown("Bridge", bridge.json)

    async def delete_bridge(self, request: web.Request) -> Answer:
        self._asterisk.delete_bridge(self._bridge(request))
        return nothing()

    def _members(self, request: web.Request) -> list[Channel]:
        found = []
        for id in request.query["channel"].split(","):
            channel = self._asterisk.channels.get(id)
            if channel is None:
                raise Refused(400, "Channel not found")
            if not channel.is_in_app:
                raise Refused(422, "Channel not in Stasis application")
            if any(one.target is channel for one in self._asterisk.recordings.values()):
                raise Refused(409, "Channel currently recording")
            found.append(channel)
        return found

    async def add_channel(self, request: web.Request) -> Answer:
        bridge = self._bridge(request)
        for channel in self._members(request):
            self._asterisk.join(bridge, channel)
        return nothing()

    async def remove_channel(self, request: web.Request) -> Answer:
        bridge = self._bridge(request)
        for channel in self._members(request):
            if channel.bridge is not bridge:
                raise Refused(422, "Channel not in this bridge")
            self._asterisk.leave(channel)
        return nothing()

    async def start_music(self, request: web.Request) -> Answer:
        self._asterisk.music(self._bridge(request), on=True)
        return nothing()

    async def stop_music(self, request: web.Request) -> Answer:
        self._asterisk.music(self._bridge(request), on=False)
        return nothing()

    # --- the rest ---

    async def endpoints(self, _: web.Request) -> Answer:
        return shown(
            "List[Endpoint]", [self._asterisk.endpoint_json(name) for name in sorted(self._asterisk.endpoints)]
        )

    async def endpoint(self, request: web.Request) -> Answer:
        if (name := request.match_info["name"]) not in self._asterisk.endpoints:
            raise Refused(404, "Endpoint not found")
        return shown("Endpoint", self._asterisk.endpoint_json(name))

    async def info(self, _: web.Request) -> Answer:
        started = written(self._asterisk.started)
        return shown("AsteriskInfo", {"status": {"startup_time": started, "last_reload_time": started}})

    async def global_variable(self, request: web.Request) -> Answer:
        return shown("Variable", {"value": self._asterisk.globals.get(request.query["variable"], "")})

    async def set_global_variable(self, request: web.Request) -> Answer:
        variable, value = request.query["variable"], request.query["value"]
        if function := re.fullmatch(r"DEVICE_STATE\(Custom:(.+)\)", variable):
            self._asterisk.device_states[function[1]] = value
            self._asterisk.on_change()
        else:
            self._asterisk.globals[variable] = value
        return nothing()
