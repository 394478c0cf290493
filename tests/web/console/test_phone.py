"""Who may be which phone, and what the phone in the page is told."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from crm.config import Ports
from crm.domain.access import Role
from crm.domain.calls import CallArrived, Fact, LegRang
from crm.edge import digest
from crm.edge import turn as turn_server
from crm.services.access import accounts, sessions
from crm.services.access.accounts import AccountChange
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import locations
from crm.services.phones import publish
from crm.store.models import Call, CallOrder, Device
from crm.views.board import BoardAgent
from crm.web.app import serving
from crm.web.console import cookies
from crm.web.console.app import build, frame_of, looks_of
from crm.web.console.board import AgentNow, Board
from tests.web.console.people import NOW, ConsoleOffice, Person

pytestmark = pytest.mark.web

REGISTER = "REGISTER sip:leaseline.invalid SIP/2.0\r\n{credentials}Content-Length: 0\r\n\r\n"


@dataclass
class Registrar:
    """Asterisk's WebSocket, as far as the door sees it: it keeps what it is sent, and says what it is told to."""

    heard: list[str] = field(default_factory=list)
    open: set[web.WebSocketResponse] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["sip"])
        await socket.prepare(request)
        self.open.add(socket)
        async for message in socket:
            self.heard.append(message.data)
            await socket.send_str("SIP/2.0 200 OK\r\n\r\n")
        self.open.discard(socket)
        self.left.set()
        return socket


@dataclass
class Door:
    office: ConsoleOffice
    registrar: Registrar
    http: aiohttp.ClientSession
    published: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.office.crm.config.ports.console}"

    async def enter(self, person: Person, device: str, **headers: str) -> aiohttp.ClientWebSocketResponse:
        """Opens /ws as this person's page. Raises WSServerHandshakeError if it is turned away."""
        name = cookies.name(frame_of(self.office.crm))
        told = {"Origin": f"http://{self.host}", "Cookie": f"{name}={person.http.cookies.get(name)}", **headers}
        return await self.http.ws_connect(f"http://{self.host}/ws?device={device}", protocols=["sip"], headers=told)

    async def is_turned_away(self, person: Person, device: str, **headers: str) -> bool:
        try:
            socket = await self.enter(person, device, **headers)
        except aiohttp.WSServerHandshakeError as refused:
            return refused.status == 403
        await socket.close()
        return False


@pytest_asyncio.fixture
async def door(office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    registrar = Registrar()
    application = web.Application()
    application.router.add_get("/ws", registrar.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        ports = Ports(console=free.getsockname()[1], http=runner.addresses[0][1])
    config = msgspec.structs.replace(office.crm.config, ports=ports)
    office.crm = dataclasses.replace(office.crm, config=config)
    office.app = build(office.crm)
    async with aiohttp.ClientSession() as http:
        found = Door(office, registrar, http)

        async def published(_: object) -> None:
            found.published += 1

        monkeypatch.setattr(publish, "publish", published)
        async with serving(config, office.app, "console"):
            yield found
    await runner.cleanup()


async def registered(person: Person, **fields: str) -> dict[str, Any]:
    csrf = person.csrf(await person.open("/tasks"))
    answer = await person.http.post(
        "/phone/registration", data={"csrf": csrf, **fields}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def signed(told: dict[str, Any]) -> str:
    challenge = {"realm": "leaseline", "nonce": "n1", "qop": "auth"}
    answer = digest.answer(challenge, told["user"], told["password"], "REGISTER", "sip:leaseline.invalid")
    return REGISTER.format(credentials=f"Authorization: {answer}\r\n")


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Waits until it is closed, and returns why."""
    async with asyncio.timeout(60):
        async for _ in socket:
            pass
    return socket.close_code


async def test_the_page_signs_with_its_sessions_password_and_asterisk_gets_the_devices(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    told = await registered(alice)
    assert (told["device"], door.published) == ("alice-web", 1)
    own = door.office.crm.secrets.get("device/alice-web")
    assert told["password"] != own
    socket = await door.enter(alice, "alice-web")
    sent = signed(told)
    await socket.send_str(sent)
    assert (await socket.receive(timeout=60)).data == "SIP/2.0 200 OK\r\n\r\n"
    [heard] = door.registrar.heard
    again = digest.made_anew(
        heard.partition("Authorization: ")[2].partition("\r\n")[0], "REGISTER", "alice-web", own, own
    )
    assert heard != sent
    assert again is not None, "signed with the device's password"
    assert own not in heard
    await socket.close()
    await registered(alice)
    assert door.published == 1, "the device is there already"


async def test_nobody_is_the_phone_of_somebody_else(door: Door) -> None:
    alice, bob = (door.office.person(Role.AGENT, agent=one) for one in ("alice", "bob"))
    reader = door.office.person(Role.READ_ONLY, agent="carol")
    admin, stranger = door.office.person(Role.ADMIN), door.office.browser()
    await registered(alice)
    await registered(bob)
    assert not await door.is_turned_away(alice, "alice-web")
    for person, device in (
        (alice, "bob-web"),
        (alice, "alice-desk"),
        (alice, ""),
        (bob, "alice-web"),
        (admin, "alice-web"),
    ):
        assert await door.is_turned_away(person, device), (person.name, device)
    assert await door.is_turned_away(stranger, "alice-web")
    assert await door.is_turned_away(reader, "carol-web")
    csrf = reader.csrf(await reader.open("/tasks"))
    answer = await reader.http.post(
        "/phone/registration", data={"csrf": csrf}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 403
    csrf = admin.csrf(await admin.open("/tasks"))
    answer = await admin.http.post(
        "/phone/registration", data={"csrf": csrf}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert (answer.status_code, answer.json()) == (404, {"error": "no_agent"})


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://localhost:1"])
async def test_a_page_of_another_site_gets_no_phone(door: Door, origin: str) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    assert await door.is_turned_away(alice, "alice-web", Origin=origin)


async def test_a_form_of_another_site_registers_nothing(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    csrf = alice.csrf(await alice.open("/tasks"))
    for told in ({"csrf": csrf, "site": "cross-site"}, {"csrf": "0" * 32, "site": "same-origin"}):
        answer = await alice.http.post(
            "/phone/registration", data={"csrf": told["csrf"]}, headers={"Sec-Fetch-Site": told["site"]}
        )
        assert answer.status_code == 403
    assert [one.slug for one in door.office.rows(Device) if one.kind == "browser"] == []


@pytest.mark.parametrize("how", ["ended", "disabled", "no longer alice"])
async def test_when_the_session_ends_then_the_phone_ends_at_once(door: Door, how: str) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    socket = await door.enter(alice, "alice-web")
    await socket.send_str("\r\n\r\n")
    await socket.receive(timeout=60)
    by = By("dana", NOW)
    with door.office.crm.store.writing() as session:
        account = accounts.named(session, alice.name)
        if how == "ended":
            sessions.end_others(session, by, account.id, None)
        elif how == "disabled":
            accounts.disable(session, by, alice.name)
        else:
            accounts.change(session, by, alice.name, AccountChange(agent=""))
    assert await closed(socket) == 4401
    async with asyncio.timeout(60):
        await door.registrar.left.wait()
    assert await door.is_turned_away(alice, "alice-web")


async def test_the_newer_page_is_the_device_and_the_older_one_is_told(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    first = await door.enter(alice, "alice-web")
    second = await door.enter(alice, "alice-web")
    assert await closed(first) == 4409
    assert not second.closed
    with door.office.crm.store.writing() as session:
        account = accounts.named(session, alice.name)
        token = sessions.begin(session, door.office.crm.config, NOW, account.id, address="192.0.2.9", browser="other")
    other = door.office.browser()
    other.http.cookies.set(cookies.name(frame_of(door.office.crm)), token)
    assert await registered(other) == {"elsewhere": True, "device": "alice-web"}
    assert (await registered(other, take="yes"))["device"] == "alice-web"
    third = await door.enter(other, "alice-web")
    assert await closed(second) == 4409
    await third.close()


@pytest.mark.parametrize("sent", ["GET / HTTP/1.1\r\n\r\n", "MESSAGE sip:1@leaseline.invalid SIP/2.0\r\n\r\n"])
async def test_whoever_sends_what_no_phone_sends_is_turned_away(door: Door, sent: str) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    socket = await door.enter(alice, "alice-web")
    await socket.send_str(sent)
    assert await closed(socket) == 1008
    assert door.registrar.heard == []


async def test_whoever_floods_is_turned_away(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    socket = await door.enter(alice, "alice-web")
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        for _ in range(1000):
            await socket.send_str("\r\n\r\n")
    assert await closed(socket) == 1008
    assert len(door.registrar.heard) <= 200


async def test_when_asterisk_is_away_then_the_page_is_to_come_back(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    await registered(alice)
    socket = await door.enter(alice, "alice-web")
    await socket.send_str("\r\n\r\n")
    await socket.receive(timeout=60)
    for one in list(door.registrar.open):
        await one.close()
    assert await closed(socket) == 1013


async def test_a_whole_office_that_opens_its_phones_together_has_asterisk_told_a_few_times(door: Door) -> None:
    people = [door.office.person(Role.AGENT, agent=one) for one in ("alice", "bob", "carol")]
    told = await asyncio.gather(*(registered(one) for one in people))
    assert sorted(one["device"] for one in told) == ["alice-web", "bob-web", "carol-web"]
    assert 1 <= door.published <= 3


async def test_where_the_person_is_is_kept_and_asked_again_in_another_network(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    with door.office.crm.store.writing() as session:
        locations.add(
            session,
            door.office.crm.config,
            By("dana", NOW),
            "home",
            address="1 Elm St",
            callback_number="(512) 555-0100",
        )
    told = await registered(alice)
    assert (told["location"], told["is_located"]) == (None, False)
    places = (await alice.http.get("/phone/location")).json()
    assert {"slug": "home", "address": "1 Elm St"} in places
    csrf = alice.csrf(await alice.open("/tasks"))

    async def locate(device: str, location: str) -> int:
        fields = {"csrf": csrf, "device": device, "location": location}
        headers = {"Sec-Fetch-Site": "same-origin"}
        return (await alice.http.post("/phone/location", data=fields, headers=headers)).status_code

    assert await locate("alice-web", "home") == 200
    assert await locate("alice-web", "moon") == 404
    assert await locate("alice-desk", "home") == 404
    told = await registered(alice)
    assert (told["location"], told["is_located"]) == ("home", True)
    alice.http.headers["X-Forwarded-For"] = "203.0.113.5"
    assert (await registered(alice))["is_located"], "nobody else may say where a page comes from"
    console = msgspec.structs.replace(door.office.crm.config.console, behind_proxy=True)
    config = msgspec.structs.replace(door.office.crm.config, console=console)
    door.office.app = build(dataclasses.replace(door.office.crm, config=config))
    moved = door.office.browser()
    moved.http.cookies = alice.http.cookies
    assert (await registered(moved))["is_located"]
    moved.http.headers["X-Forwarded-For"] = "127.0.0.1, 203.0.113.5"
    assert not (await registered(moved))["is_located"]


async def test_a_page_is_given_a_password_for_the_turn_server_that_does_not_last(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    assert (await registered(alice))["ice_servers"] == []
    stun, turn = "stun:turn.example.com:3478", "turn:turn.example.com:3478?transport=tcp"
    console = msgspec.structs.replace(door.office.crm.config.console, ice_servers=(stun, turn))
    config = msgspec.structs.replace(door.office.crm.config, console=console)
    door.office.app = build(dataclasses.replace(door.office.crm, config=config))
    outside = door.office.browser()
    outside.http.cookies = alice.http.cookies
    told = await registered(outside)
    secret = door.office.crm.secrets.get("turn")
    username = f"{int((NOW + timedelta(hours=12)).timestamp())}:alice-web"
    assert told["ice_servers"] == [
        {"urls": [stun]},
        {"urls": [turn], "username": username, "credential": turn_server.credential(secret, username)},
    ]
    assert secret not in str(told)
    assert told["ice_seconds"] < timedelta(hours=12).total_seconds()


async def test_do_not_disturb_always_has_an_end_and_is_for_ones_own_devices(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    csrf = alice.csrf(await alice.open("/tasks"))

    async def dnd(**fields: str) -> Any:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return await alice.http.post("/phone/dnd", data={"csrf": csrf, **fields}, headers=headers)

    assert (await dnd(device="alice-desk", minutes="30")).status_code == 200
    by_slug = {one.slug: one for one in door.office.rows(Device)}
    assert by_slug["alice-desk"].dnd_until == NOW + timedelta(minutes=30)
    assert (await dnd(minutes="60")).status_code == 200
    own = [one for one in door.office.rows(Device) if one.agent_id == by_slug["alice-desk"].agent_id]
    assert {one.dnd_until for one in own} == {NOW + timedelta(minutes=60)}
    assert (await dnd(minutes="0")).json()[0]["dnd"] is False
    for wrong in ({"minutes": "-1"}, {"minutes": "999999"}, {"minutes": "x"}, {}):
        assert (await dnd(**wrong)).status_code == 422
    assert (await dnd(device="bob-desk", minutes="30")).status_code == 404


async def test_the_card_of_a_call_is_for_whoever_it_rang_or_who_may_see_it(door: Door) -> None:
    call_id = "c1"
    facts: list[Fact] = [
        CallArrived(f"{call_id}/1", call_id, NOW, did="+15125550100", caller="+15125550123", trunk="demo"),
        LegRang(f"{call_id}/2", call_id, NOW, f"{call_id}-leg-alice-web-1", "alice-web", "alice", "subteam"),
    ]
    alice = door.office.person(Role.AGENT, agent="alice", properties=["lakeside"])
    bob = door.office.person(Role.AGENT, agent="bob", properties=["lakeside"])
    await registered(alice)
    crm = door.office.crm
    await crm.store.run(ledger.record_all, crm.config, facts, NOW)
    card = (await alice.http.get(f"/phone/call/{call_id}")).json()
    assert (card["number"], card["shown"], card["is_known"]) == ("+15125550123", "(512) 555-0123", False)
    assert (card["property"], card["source"]) == ("Elm Street Apartments", "sign")
    assert (await alice.http.get("/phone/call?device=alice-web")).json()["call"] == call_id
    assert (await bob.http.get(f"/phone/call/{call_id}")).json() is None
    csrf = bob.csrf(await bob.open("/tasks"))
    told = {"csrf": csrf, "call": call_id, "text": "mine now"}
    answer = await bob.http.post("/phone/note", data=told, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 404
    csrf = alice.csrf(await alice.open("/tasks"))
    told = {"csrf": csrf, "call": call_id, "text": "<b>wants two bedrooms</b>"}
    answer = await alice.http.post("/phone/note", data=told, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    assert [one.remark for one in door.office.rows(Call)] == ["<b>wants two bedrooms</b>"]


async def test_colleagues_are_found_by_name_and_extension_with_what_they_do(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    everybody = (await alice.http.get("/phone/colleagues")).json()
    assert "Alice" not in " ".join(one["name"] for one in everybody)
    assert {one["state"] for one in everybody} <= {"free", "off", "dnd", "busy"}
    [bob] = (await alice.http.get("/phone/colleagues?q=102")).json()
    assert bob["extension"] == "102"
    assert (await alice.http.get("/phone/colleagues?q=%25")).json() == []


async def test_whose_phones_are_not_there_is_said_as_the_board_knows_it(door: Door) -> None:
    crm = door.office.crm
    board = Board(crm, looks_of(crm))
    door.office.app = build(crm, board)
    alice = door.office.person(Role.AGENT, agent="alice")
    board.link.is_connected = True
    for one in ("bob", "carol"):
        board.agents[one] = AgentNow(BoardAgent(one, one.title(), "102", True, ()), {"bob": "away"}.get(one, "talking"))
    found = {one["agent"]: one["state"] for one in (await alice.http.get("/phone/colleagues")).json()}
    assert (found["bob"], found["carol"]) == ("away", "busy")


async def test_a_page_that_is_no_phone_has_the_agents_phones_rung_first(door: Door) -> None:
    alice = door.office.person(Role.AGENT, agent="alice")
    csrf = alice.csrf(await alice.open("/tasks"))

    async def dial(to: str) -> tuple[int, Any]:
        answer = await alice.http.post(
            "/phone/dial", data={"csrf": csrf, "to": to}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        return answer.status_code, answer.json()

    assert (await dial("(512) 555-0177"))[0] == 200
    assert [one.to_number for one in door.office.rows(CallOrder)] == ["+15125550177"]
    status, told = await dial("+19005550100")
    assert (status, "error" in told) == (422, True)
    assert len(door.office.rows(CallOrder)) == 1
