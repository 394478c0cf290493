"""Our ARI client against the running Asterisk, and against one that does not answer."""

from __future__ import annotations

import asyncio
import dataclasses
import types
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ari_app.edge import client as client_module
from ari_app.edge import events, media
from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskUnreachable, ChannelGone, HungUp
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

NAMES = {str: {"string", "Date"}, int: {"int", "long"}, bool: {"boolean"}, float: {"double", "float"}}


async def models(system: System) -> dict[str, Any]:
    listed = await system.ari("/api-docs/resources.json")
    found: dict[str, Any] = {}
    for api in listed["apis"]:
        document = await system.ari("/api-docs" + api["path"].removeprefix("/api-docs").replace("{format}", "json"))
        found |= document.get("models", {})
    return found


def agrees(ours: Any, theirs: str) -> bool:
    if dataclasses.is_dataclass(ours) and isinstance(ours, type):
        return theirs == ours.__name__
    if typing.get_origin(ours) is list:
        return theirs.startswith("List[") and agrees(typing.get_args(ours)[0], theirs[5:-1])
    return theirs in NAMES[ours]


async def test_when_compared_with_the_server_s_documents_then_every_class_is_right(system: System) -> None:
    documented = await models(system)
    classes: list[Any] = [*events.KINDS.values()]
    for kind in classes:
        properties = documented[kind.__name__]["properties"]
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            where = f"{kind.__name__}.{field.name}"
            assert field.name in properties, f"{where} is not documented"
            wanted = hints[field.name]
            if isinstance(wanted, types.UnionType):
                [wanted] = [choice for choice in typing.get_args(wanted) if choice is not types.NoneType]
            inner = typing.get_args(wanted)[0] if typing.get_origin(wanted) is list else wanted
            if dataclasses.is_dataclass(inner) and inner not in classes:
                classes.append(inner)
            assert agrees(wanted, properties[field.name]["type"]), f"{where}: {properties[field.name]['type']}"
            may_be_missing = field.default is not dataclasses.MISSING
            assert may_be_missing or properties[field.name].get("required"), f"{where} may be missing"
    assert events.Channel in classes


@asynccontextmanager
async def listening_client(system: System, name: str) -> AsyncIterator[tuple[AriClient, list[events.Event]]]:
    got: list[events.Event] = []

    async def nothing_to_do() -> None:
        pass

    url = f"http://127.0.0.1:{system.config.ports.http}"
    password = system.secrets.get("ari")
    client = AriClient(url, "leaseline", password, name, on_connect=nothing_to_do, on_event=got.append)
    async with client:
        reading = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(60):
                await client.connected.wait()
            yield client, got
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_when_an_event_is_of_no_known_kind_then_it_is_kept_and_counted(system: System) -> None:
    async with listening_client(system, "probe") as (client, got):
        await client.put("/applications/probe/eventFilter", {})  # Otherwise Asterisk does not even send it.
        await client.post("/events/user/hello", application="probe")
        await system.until(lambda: client.unknown["ChannelUserevent"] == 1, "the event is counted")
        assert [event.type for event in client.latest_unknown if event.type == "ChannelUserevent"]
        assert not [event for event in got if isinstance(event, events.UnknownEvent)]
    assert events.decode(b'{"type": "StasisStart", "channel": 3}') == events.UnknownEvent(
        "StasisStart", {"type": "StasisStart", "channel": 3}
    )


async def test_when_a_channel_is_gone_then_requests_say_so(system: System) -> None:
    async with listening_client(system, "probe") as (client, _):
        with pytest.raises(ChannelGone):
            await client.get("/channels/nobody")
        channel = Handle(client, "nobody")
        for request in (channel.answer(), channel.variables("LL_STEP"), channel.set_variables(LL_STEP="menu")):
            with pytest.raises(HungUp):
                await request
        assert not await channel.is_up()
        await channel.hang_up()
        channel.release()
        assert client.subscriptions == 0


async def test_when_a_channel_is_taken_over_then_its_first_owner_gets_and_takes_nothing(system: System) -> None:
    async with listening_client(system, "probe") as (client, _):
        first, second = Handle(client, "c"), Handle(client, "c")
        first.release()
        assert client.subscriptions == 1
        second.release()
        assert client.subscriptions == 0


async def test_when_asterisk_does_not_answer_then_a_request_ends_in_time(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def nothing_to_do() -> None:
        pass

    monkeypatch.setattr(client_module, "REQUEST_SECONDS", 0.3)
    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, AriClient(url, "u", "p", "a", on_connect=nothing_to_do, on_event=print) as client:
        with pytest.raises(AsteriskUnreachable):
            await client.channels()


async def test_when_who_asked_is_cancelled_then_they_end_no_earlier_than_their_request() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def play(_: web.Request) -> web.Response:
        asked.set()
        await may_answer.wait()
        return web.Response()

    async def nothing_to_do() -> None:
        pass

    asterisk = web.Application()
    asterisk.add_routes([web.post("/ari/play", play)])
    async with TestServer(asterisk) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with AriClient(url, "u", "p", "a", on_connect=nothing_to_do, on_event=print) as client:
            playing = asyncio.create_task(client.post("/play"))
            await asked.wait()
            playing.cancel()
            ended, _ = await asyncio.wait([playing], timeout=0.2)
            assert not ended, "a request to stop it would overtake this one"
            may_answer.set()
            await asyncio.wait([playing])
            assert playing.cancelled()


async def test_when_a_prompt_cannot_be_stopped_at_first_then_it_is_a_moment_later() -> None:
    answers, plays = [500, 500, 204], asyncio.Event()

    async def play(_: web.Request) -> web.Response:
        plays.set()
        return web.json_response({})

    async def stop(_: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0))

    async def nothing_to_do() -> None:
        pass

    asterisk = web.Application()
    asterisk.add_routes([web.post("/ari/channels/a/play/{id}", play), web.delete("/ari/playbacks/{id}", stop)])
    async with TestServer(asterisk) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with AriClient(url, "u", "p", "a", on_connect=nothing_to_do, on_event=print) as client:
            channel = Handle(client, "a")
            playing = asyncio.create_task(media.play(channel, [Path("welcome.wav")]))
            await plays.wait()
            await media.hush(channel)
            playing.cancel()
    assert answers == []
