"""The board in a real browser: rows change as calls do, for keyboards and screen readers, too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import select

from crm.domain.access import Role
from crm.edge.carrier import IncomingText
from crm.edge.live_state import PartyNow
from crm.services.access import accounts
from crm.services.texts import messages
from crm.store.models import Line
from tests.browser.checks import AXE, violations
from tests.browser.console.desk import BY, NOW, Desk
from tests.browser.console.person import Person
from tests.waiting import until
from tests.web.console.live import call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEW = call("leaseline-9.1", step="ring", name="Dana Doe", parties=(PartyNow("bob-desk", "rings"),), is_waiting=True)
TALKS = call("leaseline-9.1", name="Dana Doe", parties=(PartyNow("bob-desk", "talks"),))


async def opened(person: Person, role: Role = Role.MANAGER, path: str = "/") -> Page:
    page = await person.page(role)
    await page.goto(path)
    await expect(page.locator("html[data-live=yes]")).to_be_attached()
    return page


async def test_rows_appear_change_and_go_as_calls_do(desk: Desk, person: Person) -> None:
    page = await opened(person)
    row = page.locator("[id='call-leaseline-9.1']")
    desk.told.has(NEW)
    await expect(row).to_contain_text("rings at Bob")
    await expect(row.locator("lease-clock")).to_have_text("0:00", timeout=60_000)
    await expect(page.locator("#announcer")).to_contain_text("Dana Doe, Elm Street Apartments: phones ring")
    pick_up = row.get_by_role("button", name="Pick up")
    await pick_up.focus()
    await page.evaluate(AXE)
    assert await violations(page) == []
    end = row.get_by_role("button", name="End call")
    await end.focus()
    desk.told.has(TALKS)
    await expect(row).to_contain_text("with Bob")
    await expect(row.get_by_role("button", name="End call")).to_be_focused()
    desk.told.ends("leaseline-9.1")
    await expect(row).to_have_count(0)


async def test_going_to_another_page_and_back_misses_nothing(desk: Desk, person: Person) -> None:
    page = await opened(person, path="/tasks")
    desk.told.has(NEW)
    await page.get_by_role("link", name="Board").click()
    row = page.locator("[id='call-leaseline-9.1']")
    await expect(row).to_contain_text("rings at Bob")
    desk.told.has(TALKS)
    await expect(row).to_contain_text("with Bob")
    await page.get_by_role("link", name="Tasks").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    desk.told.ends("leaseline-9.1")
    await page.get_by_role("link", name="Board").click()
    await expect(page.locator("#board-calls > li")).to_have_count(6)
    await expect(row).to_have_count(0)


async def test_two_tabs_have_one_stream_and_the_other_takes_over(desk: Desk, person: Person) -> None:
    first = await opened(person)
    asked: list[str] = []
    first.context.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
    second = await first.context.new_page()
    await second.goto("/")
    await expect(second.locator("lease-board")).to_be_attached()
    await asyncio.sleep(0)
    desk.told.has(NEW)
    for page in (first, second):
        await expect(page.locator("[id='call-leaseline-9.1']")).to_be_visible()
    assert asked == []
    await first.close()
    await expect(second.locator("html[data-live=yes]")).to_be_attached()
    desk.told.ends("leaseline-9.1")
    await expect(second.locator("[id='call-leaseline-9.1']")).to_have_count(0)
    assert len(asked) == 1


async def test_borg_ui_1140_after_a_gap_the_board_equals_the_truth(desk: Desk, person: Person) -> None:
    page = await opened(person)
    await page.context.set_offline(True)
    for stream in list(desk.board.hub._streams):
        stream.end("stopped")  # As when the network is gone; Chromium leaves what is open.
    await expect(page.locator("html[data-live]")).to_have_count(0)
    desk.told.has(NEW)
    desk.told.has(call("leaseline-9.2"))
    desk.told.ends("leaseline-9.2")
    await page.context.set_offline(False)
    await expect(page.locator("[id='call-leaseline-9.1']")).to_contain_text("rings at Bob")
    await expect(page.locator("#board-calls > li")).to_have_count(7)
    desk.told.ends("leaseline-9.1")
    await expect(page.locator("#board-calls > li")).to_have_count(6)
    person.complaints[:] = [one for one in person.complaints if "ERR_INTERNET_DISCONNECTED" not in one]


async def test_an_act_is_done_by_keyboard(desk: Desk, person: Person) -> None:
    page = await opened(person)
    desk.told.asked.clear()
    row = page.locator("[id='call-leaseline-1.2']")
    await row.get_by_role("button", name="Pick up").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".said")).to_contain_text("Your phone rings")
    assert [(one.act, one.call, one.agent) for one in desk.told.asked] == [("pick_up", "leaseline-1.2", "bob")]
    await row.get_by_role("button", name="End call").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#confirm")).to_be_visible()
    await page.locator("#confirm button[value=no]").click()
    assert len(desk.told.asked) == 1


async def refused_a_stream(page: Page) -> list[str]:
    """Opens the tasks, without a stream. The addresses at which one is asked for."""
    asked: list[str] = []

    async def full(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=503)

    await page.route("**/events?*", full)
    await page.goto("/tasks")
    return asked


async def test_a_page_whose_stream_is_refused_says_so_asks_again_and_is_live_again(desk: Desk, person: Person) -> None:
    page = await person.page(Role.MANAGER)
    asked = await refused_a_stream(page)
    line = page.locator("#not-live")
    await expect(line).to_be_visible(timeout=60_000)
    await page.evaluate(AXE)
    assert await violations(page) == []
    assert len(asked) > 1, "it asked only once"
    await page.unroute("**/events?*")
    await expect(page.locator("html[data-live=yes]")).to_be_attached(timeout=60_000)
    await expect(line).to_be_hidden()
    person.complaints[:] = [one for one in person.complaints if "503" not in one]


@contextlib.contextmanager
def disabled(desk: Desk, name: str) -> Iterator[None]:
    with desk.crm.store.writing() as session:
        accounts.disable(session, BY, name)
    try:
        yield
    finally:
        with desk.crm.store.writing() as session:
            accounts.enable(session, BY, name)


async def test_whoever_is_disabled_while_the_stream_is_refused_leaves_the_page(desk: Desk, person: Person) -> None:
    page = await person.page(Role.MANAGER)
    asked = await refused_a_stream(page)
    other = await page.context.new_page()
    await other.goto("/voicemail")
    await until(lambda: len(asked) > 1)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    with disabled(desk, "manager-en"):
        await expect(page).to_have_url(f"{desk.url}/sign-in?to=/tasks", timeout=60_000)
        await expect(other).to_have_url(f"{desk.url}/sign-in?to=/voicemail")
    person.complaints[:] = [one for one in person.complaints if "503" not in one and "401" not in one]


async def test_whoever_is_disabled_after_their_stream_made_room_leaves_the_page(desk: Desk, person: Person) -> None:
    page = await person.page(Role.MANAGER)
    await page.clock.install()
    await page.goto("/tasks")
    await expect(page.locator("html[data-live=yes]")).to_be_attached()
    [stream] = desk.board.hub.streams
    stream.end("crowded")
    await expect(page.locator("#not-live")).to_be_visible()
    with disabled(desk, "manager-en"):
        await page.clock.fast_forward("00:11")
        await expect(page).to_have_url(f"{desk.url}/sign-in?to=/tasks")
    person.complaints[:] = [one for one in person.complaints if "401" not in one]


async def test_a_stream_that_has_fallen_silent_is_opened_anew(desk: Desk, person: Person) -> None:
    page = await person.page(Role.MANAGER)
    await page.clock.install()
    await page.goto("/")
    await expect(page.locator("html[data-live=yes]")).to_be_attached()
    [before] = desk.board.hub.streams
    # As when a network has changed: nothing arrives, and nothing is closed.
    before.put = lambda written: None  # type: ignore[method-assign]
    await page.clock.fast_forward(40_000)
    desk.told.has(NEW)
    assert desk.board.hub.streams == [before], "it was given up too soon"
    await page.clock.fast_forward(15_000)
    await expect(page.locator("[id='call-leaseline-9.1']")).to_contain_text("rings at Bob")
    await until(lambda: before not in desk.board.hub.streams)
    desk.told.ends("leaseline-9.1")
    await expect(page.locator("[id='call-leaseline-9.1']")).to_have_count(0)


async def test_after_a_gap_a_list_is_compared_and_says_what_has_come_in_meanwhile(desk: Desk, person: Person) -> None:
    page = await opened(person, path="/recent")
    line = page.locator("lease-fresh a")
    await expect(line).to_be_hidden()
    await page.context.set_offline(True)
    for stream in desk.board.hub.streams:
        stream.end("stopped")
    await expect(page.locator("html[data-live]")).to_have_count(0)
    number = desk.board.hub.number
    with desk.crm.store.writing() as session:
        to = session.scalars(select(Line.number).where(Line.property_id.is_not(None)).limit(1)).one()
        incoming = IncomingText("twilio", "after-a-gap", "+15125550179", to, "Is it still free?", NOW)
        messages.receive(session, desk.crm.config, incoming, NOW)
    await until(lambda: desk.board.hub.number > number)
    # Longer away than what is kept goes back.
    desk.board.hub._kept.clear()
    await page.context.set_offline(False)
    await expect(line).to_have_text("New: 1. Show")
    await line.click()
    await expect(page.get_by_text("Is it still free?")).to_be_visible()
    await expect(line).to_be_hidden()
    person.complaints[:] = [one for one in person.complaints if "ERR_INTERNET_DISCONNECTED" not in one]


async def test_lists_say_what_has_come_in_and_leave_the_reader_where_they_are(desk: Desk, person: Person) -> None:
    page = await opened(person, path="/recent")
    line = page.locator("lease-fresh a")
    await expect(line).to_be_hidden()
    reader = page.get_by_role("link", name="Tasks")
    await reader.focus()
    desk.told.has(NEW)
    await expect(line).to_have_text("New: 1. Show")
    desk.told.has(TALKS)
    desk.told.has(call("leaseline-9.2", name="Dan Doe"))
    await expect(line).to_have_text("New: 2. Show")
    await expect(reader).to_be_focused()
    await page.evaluate(AXE)
    assert await violations(page) == []
    await line.click()
    await expect(line).to_be_hidden()
    for id in ("leaseline-9.1", "leaseline-9.2"):
        desk.told.ends(id)
