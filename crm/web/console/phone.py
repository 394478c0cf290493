"""The phone in the page: its way in to Asterisk, what it asks, and what it is told.

The page opens `/ws` here. Its session says which devices it may be; what it sends is passed on to Asterisk's WebSocket,
which nobody else reaches (crm/edge/sip_door.py). One page at a time is a device: a newer one takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from crm.config import TALK_CODES
from crm.context import Crm
from crm.domain.access import ACTS, Act, may
from crm.domain.errors import CrmError, Invalid, NotFound, Unavailable
from crm.edge import sip_door
from crm.edge.sip_door import AsteriskAway, DoorAccount, NoPhone, Pace
from crm.services.access import sessions
from crm.services.access.sessions import SignedIn
from crm.services.calls import cards, orders
from crm.services.phones import browsers, devices, publish, relays
from crm.views import devices as device_view
from crm.views import phone as view
from crm.web.console import cookies
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleFrame, ConsoleVisit

REALM = "leaseline.invalid"
"""The host in our phones' addresses; Asterisk looks at the user alone."""
MOST_COLLEAGUES = 20
BUSY = {"talking": "busy", "ringing": "busy"}
"""States of agents on the board that are one to whoever wants to pass a call on."""
LONGEST_DND = timedelta(days=7)
SIGNED_OUT, ELSEWHERE, REFUSED, AWAY = 4401, 4409, 1008, 1013
"""Why we close a page's connection: its session has ended, another page is the device now, it sent what no phone sends,
or Asterisk is away."""
LOOK_SECONDS = 5.0
"""How often it is looked at the latest whether the sessions with a phone are still alive, in one query for all."""

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class PhoneLink:
    """A page that is a phone."""

    who: SignedIn
    device: str
    closing: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def close(self, code: int) -> None:
        if not self.closing.done():
            self.closing.set_result(code)


class PhoneDoor:
    """All pages that are phones, in this process."""

    def __init__(self, frame: ConsoleFrame) -> None:
        self._frame = frame
        self._links: dict[str, PhoneLink] = {}
        """By device."""
        self._watching: asyncio.Task[None] | None = None
        self._publishing = asyncio.Lock()
        self._asked = self._published = 0

    @property
    def crm(self) -> Crm:
        return self._frame.crm

    def is_used_by_another(self, device: str, session_id: int) -> bool:
        link = self._links.get(device)
        return link is not None and link.who.session_id != session_id

    async def publish(self) -> None:
        """Has Asterisk told of what changed. Whoever comes while that is under way waits for the next time, together
        with all others: a whole office may open its phones at nine."""
        self._asked += 1
        mine = self._asked
        async with self._publishing:
            if self._published >= mine:
                return
            asked = self._asked
            await publish.publish(self.crm)
            self._published = asked

    # --- the way in ---

    async def enter(self, socket: WebSocket) -> None:
        """Answers `/ws`."""
        link = await self._link_of(socket)
        if link is None:
            await socket.close(SIGNED_OUT)  # Before it was accepted: the browser gets a 403.
            return
        account = DoorAccount(
            link.device,
            await asyncio.to_thread(browsers.device_password, self.crm.secrets, link.device),
            await asyncio.to_thread(browsers.session_password, self.crm.secrets, link.who.session_id, link.device),
        )
        await socket.accept(subprotocol=sip_door.PROTOCOL)
        if (former := self._links.get(link.device)) is not None:
            former.close(ELSEWHERE)
        self._links[link.device] = link
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        code = AWAY
        try:
            async with sip_door.to_asterisk(self.crm.config.ports.http) as asterisk:
                code = await _pass_on(socket, asterisk, account, link)
        except AsteriskAway as away:
            _log.info("a phone in a browser finds no Asterisk: %s", away, extra={"device": link.device})
        finally:
            if self._links.get(link.device) is link:
                del self._links[link.device]
            if socket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
                    await socket.close(code)

    async def _link_of(self, socket: WebSocket) -> PhoneLink | None:
        """Who opens it, if they may be the device that they name."""
        if not self._is_from_here(socket) or sip_door.PROTOCOL not in socket.scope.get("subprotocols", []):
            return None
        token = cookies.token(socket, self._frame)
        device = socket.query_params.get("device", "")[:40]
        if not token or not device:
            return None

        def find(session: Session) -> SignedIn | None:
            who = sessions.find(session, token, self.crm.now())
            if who is None or who.agent is None or not may(who, Act.WORK):
                return None
            if not browsers.belongs_to(session, device, who.agent):
                return None
            return who

        try:
            who = await self.crm.store.read(find)
        except Unavailable:
            return None
        return PhoneLink(who, device) if who else None

    def _is_from_here(self, socket: WebSocket) -> bool:
        """Whether a page of ours opens it: browsers let no page choose what they say in Origin (RFC 6455, 10.2)."""
        origin = urlsplit(socket.headers.get("Origin", ""))
        return origin.netloc == socket.headers.get("Host") and (origin.scheme == "https" or not self._frame.is_secure)

    async def _watch(self) -> None:
        """Closes the connections of whoever may no longer have one, until there are no connections."""
        changed = asyncio.Event()
        with self.crm.store.changes.told(("account", "account_session"), changed.set):
            while self._links:
                changed.clear()
                try:
                    await self._look()
                except CrmError as error:
                    _log.warning("the sessions of phones could not be looked at: %s", error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await changed.wait()

    async def _look(self) -> None:
        ids = [link.who.session_id for link in self._links.values()]
        found = await self.crm.store.read(sessions.living, ids, self.crm.now())
        for link in list(self._links.values()):
            role, agent = found.get(link.who.session_id, (None, None))
            if role is None or agent != link.who.agent or Act.WORK not in ACTS[role]:
                link.close(SIGNED_OUT)


async def _pass_on(
    socket: WebSocket, asterisk: aiohttp.ClientWebSocketResponse, account: DoorAccount, link: PhoneLink
) -> int:
    """Passes messages on in both directions until either side closes; returns why."""
    tasks: list[asyncio.Future[Any]] = [
        asyncio.create_task(_from_page(socket, asterisk, account)),
        asyncio.create_task(_from_asterisk(socket, asterisk)),
    ]
    try:
        done, _ = await asyncio.wait([*tasks, link.closing], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    if link.closing.done():
        return link.closing.result()
    for result in results:
        if isinstance(result, NoPhone):
            _log.warning("a browser was turned away: %s", result, extra={"device": link.device})
            return REFUSED
        if isinstance(result, Exception):
            _log.info("a phone in a browser was cut off: %r", result, extra={"device": link.device})
    return AWAY if tasks[1] in done else 1000


async def _from_page(socket: WebSocket, asterisk: aiohttp.ClientWebSocketResponse, account: DoorAccount) -> None:
    pace, loop = Pace(), asyncio.get_running_loop()
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            raise NoPhone("binary data")
        pace.take(loop.time())
        await asterisk.send_str(sip_door.passed_on(text, account))


async def _from_asterisk(socket: WebSocket, asterisk: aiohttp.ClientWebSocketResponse) -> None:
    async for message in asterisk:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_text(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await socket.send_text(message.data.decode("utf-8", "replace"))


# --- what the page asks ---


@dataclass(frozen=True)
class _Asked:
    door: PhoneDoor
    visit: ConsoleVisit
    agent: str
    """Slug."""


def _answer(door: PhoneDoor, act: Callable[[_Asked], Awaitable[Any]], visit: ConsoleVisit) -> Awaitable[Response]:
    async def answered() -> Response:
        if visit.who.agent is None:
            return _json({"error": "no_agent"}, 404)
        try:
            return _json(await act(_Asked(door, visit, visit.who.agent)))
        except NotFound as error:
            return _json({"error": visit.refusal(error)}, 404)
        except Unavailable:
            return _json({"error": "database_away"}, 503)
        except CrmError as error:
            return _json({"error": visit.refusal(error), "code": error.code}, 422)

    return answered()


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _registration(asked: _Asked) -> dict[str, Any]:
    """Which device the page is, and what it registers with."""
    door, visit = asked.door, asked.visit
    fields = await visit.form()
    crm, who = visit.crm, visit.who
    wanted, is_app = str(fields.get("device", ""))[:40], fields.get("app") == "yes"
    choose = partial(browsers.choose, secrets=crm.secrets, by=visit.by, agent=asked.agent, wanted=wanted, is_app=is_app)
    found = await visit.run(choose, network=visit.address)
    if found.is_new:
        await door.publish()
    if fields.get("take") != "yes" and door.is_used_by_another(found.slug, who.session_id):
        return {"elsewhere": True, "device": found.slug}
    password = await asyncio.to_thread(browsers.session_password, crm.secrets, who.session_id, found.slug)
    return {
        "device": found.slug,
        "user": found.slug,
        "password": password,
        "realm": REALM,
        "path": f"/ws?device={found.slug}",
        "ice_servers": await asyncio.to_thread(relays.of_page, crm.config, crm.secrets, found.slug, crm.now()),
        "ice_seconds": relays.GOOD_FOR / timedelta(seconds=2),
        "location": found.location,
        "is_located": found.is_located,
        "codes": {name: getattr(crm.config.talk, name) for name in TALK_CODES},
        "park": crm.config.parking.extension,
        "echo": crm.config.codes.echo,
        "return_seconds": crm.config.talk.return_seconds,
    }


async def _places(asked: _Asked) -> list[view.PlaceEntry]:
    return await asked.visit.read(view.places)


async def _locate(asked: _Asked) -> dict[str, Any]:
    visit = asked.visit
    fields = await visit.form()
    device, location = str(fields.get("device", "")), str(fields.get("location", "")) or None

    def act(session: Session) -> None:
        _must_be_own(session, device, asked.agent)
        browsers.locate(session, visit.by, device, location, visit.address)

    await visit.run(act)
    await asked.door.publish()
    return {"location": location}


async def _card(asked: _Asked) -> dict[str, Any] | None:
    """A call by its id; or the latest one of a device, which has just made it. None: it is not on record yet."""
    visit = asked.visit
    call = visit.request.path_params.get("call", "")[:80]
    device = visit.query.get("device", "")[:40]

    def read(session: Session) -> cards.PhoneCard:
        found = call
        if not found:
            _must_be_own(session, device, asked.agent)
            found = cards.latest_of(session, device, visit.who.agent_id)
        return cards.card(session, found, visit.who.agent_id, visit.who.reach)

    try:
        card = await visit.read(read)
    except NotFound:
        return None
    now = visit.frame.board.calls.get(card.call)
    is_recorded = now.is_recorded if now and visit.frame.board.is_connected else None
    return {**msgspec.structs.asdict(card), "shown": visit.looks.phone(card.number), "is_recorded": is_recorded}


async def _note(asked: _Asked) -> dict[str, Any]:
    visit = asked.visit
    fields = await visit.form()
    call, text = str(fields.get("call", ""))[:80], str(fields.get("text", ""))

    def act(session: Session) -> None:
        cards.card(session, call, visit.who.agent_id, visit.who.reach)  # Raises NotFound for what is not theirs.
        orders.remark(session, visit.by, call, text)

    await visit.run(act)
    return {}


async def _dial(asked: _Asked) -> dict[str, Any]:
    """Rings the agent's phones, and then dials: for a page that is no phone itself."""
    visit = asked.visit
    to = str((await visit.form()).get("to", ""))[:40]
    order = await visit.run(orders.place, visit.crm.config, visit.by, agent=asked.agent, to=to)
    return {"order": order.id}


async def _colleagues(asked: _Asked) -> list[view.ColleagueEntry]:
    visit = asked.visit
    wanted = visit.query.get("q", "")[:40]
    found = await visit.read(view.colleagues, visit.who.agent_id, wanted, visit.crm.now(), limit=MOST_COLLEAGUES)
    board = visit.frame.board
    if board.is_connected:
        # The app also knows which phones are there.
        for one in found:
            if (now := board.agents.get(one.agent)) is not None:
                one.state = BUSY.get(now.state, now.state)
    return found


async def _devices(asked: _Asked) -> list[dict[str, Any]]:
    visit = asked.visit
    now = visit.crm.now()
    found = await visit.read(device_view.listed, now, agent=asked.agent)
    return [
        {
            "device": one.slug,
            "kind": one.kind,
            "dnd": one.dnd,
            "until": visit.looks.moment(one.dnd_until) if one.dnd_until else "",
        }
        for one in found
    ]


async def _dnd(asked: _Asked) -> list[dict[str, Any]]:
    """Do not disturb for one of the agent's devices or for all, for some minutes; 0: it is over."""
    visit = asked.visit
    fields = await visit.form()
    device = str(fields.get("device", ""))
    try:
        minutes = int(str(fields.get("minutes", "")))
    except ValueError:
        minutes = -1
    if not 0 <= minutes <= LONGEST_DND / timedelta(minutes=1):
        raise Invalid("Say for how many minutes, up to a week.", code="dnd_minutes")

    def act(session: Session) -> None:
        own = devices.of_agent(session, asked.agent)
        if device and device not in own:
            raise NotFound(f"There is no device {device}.", code="device_unknown")
        slugs = [device] if device else own
        if minutes:
            devices.set_dnd(session, visit.by, slugs, until=visit.by.now + timedelta(minutes=minutes))
        else:
            devices.clear_dnd(session, visit.by, slugs)

    await visit.run(act)
    # Asterisk needs it for when the app is away; that may take its time.
    await asked.door.publish()
    return await _devices(asked)


def _must_be_own(session: Session, device: str, agent: str) -> None:
    if not browsers.belongs_to(session, device, agent):
        raise NotFound(f"There is no device {device}.", code="device_unknown")


def routes(frame: ConsoleFrame) -> list[BaseRoute]:
    door = PhoneDoor(frame)

    def page(path: str, act: Callable[[_Asked], Awaitable[Any]], method: str) -> Route:
        return ConsolePage(path, partial(_answer, door, act), methods=(method,), needs=Act.WORK).route(frame)

    return [
        WebSocketRoute("/ws", door.enter),
        page("/phone/registration", _registration, "POST"),
        page("/phone/location", _places, "GET"),
        page("/phone/location", _locate, "POST"),
        page("/phone/call", _card, "GET"),
        page("/phone/call/{call}", _card, "GET"),
        page("/phone/note", _note, "POST"),
        page("/phone/dial", _dial, "POST"),
        page("/phone/colleagues", _colleagues, "GET"),
        page("/phone/devices", _devices, "GET"),
        page("/phone/dnd", _dnd, "POST"),
    ]
