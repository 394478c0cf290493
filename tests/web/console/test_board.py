"""The board, and the stream of events: who sees what, what is told, and what becomes of whoever missed something."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from crm.config.file import port_block as ports_from
from crm.domain.access import Role
from crm.edge.live_state import PartyNow, PhoneNow
from crm.services import tasks
from crm.services.access import accounts, sessions
from crm.services.people import leads
from crm.services.phones import devices
from crm.store.models import AccountSession, Message
from crm.web.console import stream
from crm.web.console.app import build, looks_of
from crm.web.console.board import Board
from crm.web.console.stream import EventStream
from tests.system import port_block
from tests.web.console.conftest import Clock
from tests.web.console.live import Listener, LiveOffice, call, listening
from tests.web.console.people import BY, NOW, ConsoleOffice, Person

pytestmark = pytest.mark.web
WAITS = call("leaseline-1.2", step="ring", parties=(PartyNow("bob-desk", "rings"),), is_waiting=True)
LAKESIDE = call("leaseline-1.3", property="lakeside", property_id=2, parties=(PartyNow("bob-desk", "talks"),))


@pytest_asyncio.fixture
async def live(office: ConsoleOffice) -> AsyncIterator[LiveOffice]:
    with port_block() as first:
        config = msgspec.structs.replace(office.crm.config, ports=ports_from(first))
        crm = dataclasses.replace(office.crm, config=config)
        board = Board(crm, looks_of(crm))
        found = LiveOffice(crm, build(crm, board), board=board)
        async with found.followed():
            yield found
        await found.close()


def ids(page: str) -> list[str]:
    return re.findall(r'<li id="call-([^"]+)"', page)


def acts(page: str, id: str) -> list[str]:
    return [act for act, of in re.findall(r'name="do" value="([a-z_]+) ([^"]+)"', page) if of == id]


async def has(live: LiveOffice, *calls: Any) -> None:
    live.told.has(*calls)
    await live.until(lambda: {one.id for one in calls} <= live.board.calls.keys())


# --- the page ---


async def test_an_office_without_calls_is_told_what_to_do_first(live: LiveOffice) -> None:
    page = await live.person().open("/")
    assert ids(page) == []
    assert "Call one of your numbers" in page
    assert '<div id="board-nobody">' in page
    assert 'id="board-away" class="notice" hidden' in page


async def test_calls_are_shown_with_who_talks_and_since_when(live: LiveOffice) -> None:
    await has(live, call(name="Pat <Smith>", lead_id=5, source="sign", is_recorded=True), WAITS)
    page = await live.person().open("/")
    assert ids(page) == ["leaseline-1.1", "leaseline-1.2"]
    row = page[page.index('id="call-leaseline-1.1"') : page.index('id="call-leaseline-1.2"')]
    assert '<a href="/leads/5">Pat &lt;Smith&gt;</a> <small>(512) 555-0188</small>' in row
    assert "with Alice" in row
    assert "by sign" in row
    assert "recorded" in row
    assert '<lease-clock since="2026-03-02T16:00:00+00:00">' in row
    assert "rings at Bob" in page
    assert '<div id="board-nobody" hidden>' in page


async def test_each_sees_calls_within_reach_and_those_they_are_in(live: LiveOffice) -> None:
    unknown = call("leaseline-1.4", property_id=None, parties=())
    await has(live, call(), WAITS, LAKESIDE, unknown)
    expected = {
        "whole": (live.person(Role.MANAGER), ["1", "2", "3", "4"]),
        "elm": (live.person(Role.MANAGER, properties=["elm"]), ["1", "2"]),
        "lakeside": (live.person(Role.AGENT, properties=["lakeside"]), ["3"]),
        "bob at lakeside": (live.person(Role.AGENT, agent="bob", properties=["lakeside"]), ["2", "3"]),
    }
    for who, (person, numbers) in expected.items():
        assert ids(await person.open("/")) == [f"leaseline-1.{number}" for number in numbers], who
    await expected["lakeside"][0].open("/board/leaseline-1.3")
    await expected["lakeside"][0].open("/board/leaseline-1.1", 303)


async def test_acts_are_offered_by_role_and_by_what_can_be_done(live: LiveOffice) -> None:
    parked = call("leaseline-1.4", step="parked", is_waiting=True, slot="701")
    between = call("leaseline-1.5", direction="internal")
    rescue = call("leaseline-1.6", step="ring", is_waiting=True, is_emergency=True)
    menu = call("leaseline-1.7", step="menu", is_waiting=True, parties=())
    await has(live, call(), WAITS, parked, between, rescue, menu)
    manager, agent, reader = [await live.person(role).open("/") for role in (Role.MANAGER, Role.AGENT, Role.READ_ONLY)]
    assert acts(manager, "leaseline-1.1") == ["take_over", "park", "hang_up"]
    assert acts(manager, "leaseline-1.2") == ["pick_up", "hang_up"]
    assert acts(manager, "leaseline-1.4") == ["fetch", "hang_up"]
    assert acts(manager, "leaseline-1.7") == ["take", "hang_up"]
    assert acts(manager, "leaseline-1.5") == ["park", "hang_up"]
    assert acts(manager, "leaseline-1.6") == ["pick_up"]
    assert [acts(agent, f"leaseline-1.{number}") for number in (1, 2, 4)] == [[], ["pick_up"], ["fetch"]]
    assert [acts(reader, f"leaseline-1.{number}") for number in (1, 2, 4)] == [[], [], []]


async def test_agents_are_shown_as_they_can_be_reached(live: LiveOffice, clock: Clock) -> None:
    live.told.has_phones(
        PhoneNow("alice-desk", is_online=True),
        PhoneNow("bob-desk", is_online=True, is_talking=True),
    )
    await live.until(lambda: live.board.agents["bob"].state == "talking")
    assert [live.board.agents[one].state for one in ("alice", "carol")] == ["free", "away"]
    with live.crm.store.writing() as session:
        devices.set_dnd(session, BY, ["alice-desk"], until=NOW + timedelta(hours=1))
    await live.until(lambda: live.board.agents["alice"].state == "dnd")
    page = await live.person().open("/")
    assert "do not disturb until Mar 2, 11:00" in page.replace("\u202f", " ")
    assert "no phone is there" in page
    assert "in a talk" in page
    live.told.has_phones(PhoneNow("alice-desk", is_online=True, is_deaf=True))
    await live.until(lambda: live.board.agents["alice"].deaf == ("alice-desk",))


async def test_the_page_is_there_in_spanish(live: LiveOffice) -> None:
    await has(live, call())
    page = await live.person(language="es").open("/")
    assert "Llamadas en curso" in page
    assert "con Alice" in page
    assert ">hablando<" in page


# --- the stream ---


async def test_a_change_is_told_to_those_who_see_it_in_their_language(live: LiveOffice) -> None:
    manager, spanish = live.person(Role.MANAGER), live.person(Role.MANAGER, language="es")
    elsewhere = live.person(Role.MANAGER, properties=["lakeside"])
    async with (
        listening(live, manager, here(live)) as first,
        listening(live, spanish, here(live)) as second,
        listening(live, elsewhere, here(live)) as third,
    ):
        await has(live, call(name="<b>Pat</b>"))
        told = await first.hears("call", id="leaseline-1.1")
        assert told["said"] == "<b>Pat</b>, Elm Street Apartments: talking"
        assert "&lt;b&gt;Pat" in told["html"]
        assert "<b>Pat" not in told["html"]
        assert told["agents"] == [["alice", "talks"]]
        assert "con Alice" in (await second.hears("call", id="leaseline-1.1"))["html"]
        live.told.ends()
        assert await first.hears("call", html="") == {"id": "leaseline-1.1", "html": ""}
        await has(live, LAKESIDE)
        await third.hears("call", id="leaseline-1.3")
        assert [said["id"] for said in third.of("call")] == ["leaseline-1.3"]
    assert first.headers["content-type"].startswith("text/event-stream")
    assert first.headers["cache-control"] == "no-store"


async def test_whoever_may_no_longer_see_a_call_is_told_that_it_is_gone(live: LiveOffice) -> None:
    elm, lakeside = (live.person(Role.AGENT, properties=[one]) for one in ("elm", "lakeside"))
    async with listening(live, elm, here(live)) as first, listening(live, lakeside, here(live)) as second:
        await has(live, call())
        await first.hears("call", id="leaseline-1.1")
        live.told.has(call(property="lakeside", property_id=2))
        assert (await first.hears("call", html=""))["id"] == "leaseline-1.1"
        assert (await second.hears("call", id="leaseline-1.1"))["html"]


async def test_a_row_is_written_once_for_all_of_a_language_and_role(
    live: LiveOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    render = Board.call_row

    def counted(self: Board, *args: Any) -> str:
        written.append(args)
        return render(self, *args)

    monkeypatch.setattr(Board, "call_row", counted)
    people = [live.person(Role.AGENT) for _ in range(5)]
    async with contextlib_all([listening(live, person, here(live)) for person in people]) as listeners:
        await has(live, call())
        for one in listeners:
            await one.hears("call", id="leaseline-1.1")
    assert len(written) == 1


async def test_a_stream_that_was_cut_off_goes_on_where_it_was(live: LiveOffice) -> None:
    person = live.person()
    await has(live, call())
    async with listening(live, person, here(live)) as first:
        await has(live, WAITS)
        await first.hears("call", id="leaseline-1.2")
        [mark] = [mark for kind, mark, said in first.events if said.get("id") == "leaseline-1.2"]
    await has(live, LAKESIDE)
    live.told.ends()
    await live.until(lambda: "leaseline-1.1" not in live.board.calls)
    async with listening(live, person, "/events?after=stale-1", **{"Last-Event-ID": mark}) as again:
        await again.hears("here")
        assert [(said["id"], bool(said["html"])) for said in again.of("call")] == [
            ("leaseline-1.3", True),
            ("leaseline-1.1", False),
        ]
        assert again.of("refetch") == []


@pytest.mark.parametrize("after", ["", "other-1", "{epoch}-999999", "{epoch}-x", "{epoch}-0"])
async def test_borg_ui_1140_a_stream_that_missed_too_much_is_told_to_fetch_anew(
    live: LiveOffice, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.board.hub, "_kept", type(live.board.hub._kept)(maxlen=2))
    for number in range(4):
        await has(live, call(f"leaseline-2.{number}"))
    path = f"/events?after={after.format(epoch=live.board.hub.epoch)}"
    async with listening(live, live.person(), path) as listener:
        await listener.hears("refetch")
        assert listener.events[0][:2] == ("refetch", live.board.hub.mark)


async def test_when_the_app_is_restarted_then_the_board_equals_what_it_tells(live: LiveOffice) -> None:
    person = live.person()
    await has(live, call(), WAITS)
    async with listening(live, person, here(live)) as listener:
        assert live.board.link._writer
        live.told.calls = {LAKESIDE.id: LAKESIDE, WAITS.id: WAITS}
        live.told.instance, live.told.number = "two", 0
        live.board.link._writer.transport.abort()
        await listener.hears("app", is_there=False)
        await listener.hears("app", is_there=True)
        await listener.hears("call", id="leaseline-1.1", html="")
        await listener.hears("call", id="leaseline-1.3")
        assert ids(await person.open("/")) == ["leaseline-1.2", "leaseline-1.3"]


async def test_agents_are_told_of_too_and_who_has_a_page_open(live: LiveOffice) -> None:
    async with listening(live, live.person(), here(live)) as listener:
        live.told.has_phones(PhoneNow("alice-desk", is_online=True))
        assert (await listener.hears("agent", slug="alice", state="free"))["html"]
        async with listening(live, live.person(Role.AGENT, agent="bob"), here(live)):
            await live.until(lambda: live.board.agents["bob"].has_page)
        await live.until(lambda: not live.board.agents["bob"].has_page)


async def test_nobody_listens_who_has_not_signed_in(live: LiveOffice) -> None:
    async with listening(live, live.browser(), "/events") as listener:
        assert listener.status == 401


# --- sessions that end ---


async def ended(live: LiveOffice, person: Person) -> None:
    with live.crm.store.writing() as session:
        account = accounts.find(session, person.name)
        assert account
        sessions.end_others(session, BY, account.id, None)


async def disabled(live: LiveOffice, person: Person) -> None:
    with live.crm.store.writing() as session:
        accounts.disable(session, BY, person.name)


@pytest.mark.parametrize("end", [ended, disabled])
async def test_when_a_session_ends_then_its_stream_ends_at_once(live: LiveOffice, end: Any) -> None:
    person, other = live.person(), live.person()
    async with listening(live, person, here(live)) as listener, listening(live, other, here(live)) as stays:
        await end(live, person)
        await listener.hears("over", why="signed_out")
        await listener.until(lambda: listener.is_over)
        await has(live, call())
        await stays.hears("call", id="leaseline-1.1")
        assert listener.of("call") == []


async def test_when_a_session_has_run_out_then_its_stream_ends(live: LiveOffice, clock: Clock) -> None:
    person = live.person()
    async with listening(live, person, here(live)) as listener:
        clock.now += timedelta(days=30)
        with live.crm.store.writing() as session:
            session.query(AccountSession).first().browser = "another"  # type: ignore[union-attr]
        await listener.hears("over", why="signed_out")


async def test_when_somebody_sees_something_else_from_now_on_then_they_get_a_new_page(live: LiveOffice) -> None:
    person = live.person(Role.MANAGER)
    async with listening(live, person, here(live)) as listener:
        with live.crm.store.writing() as session:
            account = accounts.find(session, person.name)
            assert account
            account.role = Role.AGENT
        await listener.hears("refetch")
        await listener.hears("over", why="changed")


async def test_one_person_has_only_so_many_streams(live: LiveOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_PER_PERSON", 2)
    monkeypatch.setattr(stream, "MOST_STREAMS", 3)
    person = live.person()
    streams = [listening(live, person, here(live)) for _ in range(3)]
    async with contextlib_all(streams) as (first, second, third):
        await first.hears("over", why="crowded")
        await first.until(lambda: first.is_over)
        await has(live, call())
        await second.hears("call")
        await third.hears("call")
        async with listening(live, live.person(), here(live)) as one_more:
            assert one_more.status == 200
            async with listening(live, live.person(), here(live)) as too_many:
                assert too_many.status == 503


async def test_a_browser_that_does_not_read_is_told_to_fetch_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_UNREAD", 1000)
    one = EventStream(who=None, language="en")  # type: ignore[arg-type]
    for _ in range(20):
        one.put(b"x" * 300)
        assert one.size <= 1000
    one.end("stopped")
    read = b"".join([part async for part in one.read()])
    assert b"event: refetch" in read
    assert b"event: over" in read


# --- what comes in ---


async def test_texts_and_tasks_are_told_to_those_who_see_them(live: LiveOffice) -> None:
    everybody, elm = live.person(), live.person(Role.AGENT, properties=["elm"])
    bob = live.person(Role.AGENT, agent="bob", properties=["lakeside"])
    with live.crm.store.writing() as session:
        lead, _ = leads.add(
            session, live.crm.config, BY, name="Pat Smith", phones=["(512) 555-0188"], property_slug="elm"
        )
    async with (
        listening(live, everybody, here(live)) as first,
        listening(live, elm, here(live)) as second,
        listening(live, bob, here(live)) as third,
    ):
        with live.crm.store.writing() as session:
            session.add(
                Message(
                    key="in-1",
                    direction="in",
                    purpose="inbound",
                    to_number="+15125550100",
                    from_number="+15125550188",
                    body="Hello",
                    lead_id=lead.id,
                    state="received",
                    created_at=NOW,
                )
            )
        for listener in (first, second):
            told = await listener.hears("news", kind="text")
            assert (told["said"], told["lead"]) == ("New text from Pat Smith", lead.id)
        with live.crm.store.writing() as session:
            tasks.add(session, live.crm.config, BY, lead.id, "Send the floor plan.", NOW + timedelta(hours=1), "bob")
        assert (await third.hears("news", kind="task"))["owner"] == "bob"
        await first.hears("news", kind="task")
        assert third.of("news")[0]["kind"] == "task", "the text is about a property that Bob does not see"


# --- acts ---


async def test_an_act_goes_to_the_app_and_what_came_of_it_is_said(live: LiveOffice) -> None:
    manager = live.person(Role.MANAGER, agent="carol")
    await has(live, call(), WAITS)
    await manager.send("/board/act", do="take_over leaseline-1.1", of="/")
    assert "answer it to take the talk over" in await manager.open("/")
    [asked] = live.told.asked
    assert (asked.act, asked.call, asked.agent, asked.by) == ("take_over", "leaseline-1.1", "carol", manager.name)
    live.told.answer = "not_waiting"
    await manager.send("/board/act", do="pick_up leaseline-1.2", of="/")
    assert "somebody was quicker" in await manager.open("/")
    live.told.answer = ""
    page = await manager.open("/board/leaseline-1.1")
    assert '<option value="101">Alice' in page
    await manager.send("/board/act", do="send_to leaseline-1.1", target="102", of="/board/leaseline-1.1")
    assert (live.told.asked[-1].act, live.told.asked[-1].target) == ("send_to", "102")


async def test_nobody_does_what_their_role_or_reach_does_not_allow(live: LiveOffice) -> None:
    await has(live, call(), WAITS, LAKESIDE)
    agent = live.person(Role.AGENT, agent="alice", properties=["elm"])
    reader = live.person(Role.READ_ONLY)
    for act in ("listen", "take_over", "park", "hang_up", "send_to"):
        await agent.send("/board/act", 403, do=f"{act} leaseline-1.1", of="/")
    await reader.send("/board/act", 403, do="pick_up leaseline-1.2", of="/")
    await agent.send("/board/act", 404, do="reboot leaseline-1.1", of="/")
    await agent.send("/board/act", 403, do="pick_up leaseline-1.2", csrf="0" * 32)
    await agent.send("/board/act", do="pick_up leaseline-1.3", of="/")
    assert "This call is over." in await agent.open("/"), "as if there were none"
    nobody = live.person(Role.MANAGER)
    await nobody.send("/board/act", do="pick_up leaseline-1.2", of="/")
    assert "no agent with a phone" in await nobody.open("/")
    assert live.told.asked == []


async def test_when_the_app_is_away_then_the_page_says_so(live: LiveOffice) -> None:
    await has(live, call())
    person = live.person(Role.MANAGER, agent="carol")
    live.board.link._lose()
    assert 'id="board-away" class="notice">' in await person.open("/")
    await person.send("/board/act", do="park leaseline-1.1", of="/")
    assert "does not answer" in await person.open("/")


def here(live: LiveOffice) -> str:
    """The stream from now on."""
    return f"/events?after={live.board.hub.mark}"


class contextlib_all:
    """Enters several streams."""

    def __init__(self, streams: list[Any]) -> None:
        self._streams = streams

    async def __aenter__(self) -> list[Listener]:
        return [await one.__aenter__() for one in self._streams]

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*(one.__aexit__(None, None, None) for one in self._streams))
