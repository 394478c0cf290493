"""The board in a real browser shows a real call, and ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from crm.domain.access import Role
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.web.app import serving
from crm.web.console import cookies
from crm.web.console.app import build, frame_of, looks_of
from crm.web.console.board import Board
from tests.busy import only_on_duty
from tests.system import System
from tests.talks import hear_each_other
from tests.web_phone import browser_of_all

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@asynccontextmanager
async def board(system: System) -> AsyncIterator[Page]:
    """Carol, a manager, has the board open."""
    crm, by = system.crm, By("test", datetime.now(UTC))
    with crm.store.writing() as session:
        account = accounts.find(session, "carol") or accounts.add(
            session, by, "carol", "Carol", Role.MANAGER, agent="carol"
        )
        token = sessions.begin(session, crm.config, by.now, account.id, address="127.0.0.1", browser="test")
    known = Board(crm, looks_of(crm))
    running = asyncio.create_task(known.run())
    async with serving(crm.config, build(crm, known), "console"):
        url = f"http://127.0.0.1:{crm.config.ports.console}"
        context = await (await browser_of_all(system)).new_context(base_url=url)
        try:
            await context.add_cookies([{"name": cookies.name(frame_of(crm)), "value": token, "url": url}])
            page = await context.new_page()
            await page.goto("/")
            await expect(page.locator("html[data-live=yes]")).to_be_attached()
            yield page
        finally:
            await context.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_call_is_seen_as_it_rings_and_is_answered_and_can_be_picked_up_and_ended(system: System) -> None:
    await only_on_duty(system, "alice")
    async with (
        board(system) as page,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await expect(page.locator("#agent-alice")).to_contain_text("free")
        await expect(page.locator("#agent-carol")).to_contain_text("at the console")
        await system.to_team(caller)
        row = page.locator("#board-calls > li")
        await expect(row).to_contain_text("rings at Alice", timeout=60_000)
        await alice.wait_for("CALL_INCOMING")
        await row.get_by_role("button", name="Pick up").click()
        await expect(page.locator(".said")).to_contain_text("Your phone rings")
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await alice.wait_for("CALL_CLOSED")
        await expect(row).to_contain_text("with Carol")
        await expect(page.locator("#agent-carol")).to_contain_text("in a talk")
        await hear_each_other(system, caller, carol)
        await row.get_by_role("button", name="End call").click()
        await page.locator("#confirm button[value=yes]").click()
        await caller.wait_for("CALL_CLOSED")
        await expect(row).to_have_count(0)
        call = await system.ended_call(caller.user)
    events = [event.data for event in call.events if event.kind == "SupervisorActed"]
    assert [(one["by"], one["what"]) for one in events] == [("carol", "picked_up"), ("carol", "ended")]


async def test_a_caller_in_the_menu_is_sent_to_a_colleague_who_is_there(system: System) -> None:
    """Nobody else's phone rings, and a colleague without a phone leaves the caller where they are."""
    await only_on_duty(system)
    async with (
        board(system) as page,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await send_to(page, "Alice")
        await expect(page.locator(".said")).to_contain_text("There is no phone that could ring")
        await send_to(page, "Bob")
        await expect(page.locator(".said")).to_contain_text("on its way to your colleague")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await expect(page.locator("#board-calls > li")).to_contain_text("with Bob")
        await hear_each_other(system, caller, bob)
        assert carol.count("CALL_INCOMING") == 0
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    events = [event.data for event in call.events if event.kind == "SupervisorActed"]
    assert [(one["by"], one["what"], one["agent"]) for one in events] == [("carol", "picked_up", "bob")]
    assert [(leg.device, leg.status) for leg in call.legs] == [("bob-desk", "ANSWER")]
    assert call.outcome == "talked"


async def send_to(page: Page, colleague: str) -> None:
    """Goes to the only call on the board, and sends its person to a colleague."""
    await page.locator("#board-calls > li").get_by_role("link", name="More").click()
    choice = page.get_by_label("Send to")
    label = await choice.locator("option", has_text=colleague).inner_text()
    await choice.select_option(label=label)
    await page.get_by_role("button", name="Send", exact=True).click()


async def test_callers_in_the_menu_and_at_the_voicemail_are_taken(system: System) -> None:
    await only_on_duty(system)
    async with board(system) as page, system.phone("carol-soft") as carol:
        row = page.locator("#board-calls > li")
        for step in ("menu", "voicemail"):
            async with system.caller() as caller:
                calls, ends = carol.count("CALL_INCOMING"), carol.count("CALL_CLOSED")
                await system.dial(caller)
                await system.step(caller.user, "menu")
                if step == "voicemail":
                    await caller.press("2")
                    await system.recording(caller.user)
                    await caller.say(system.spoken("My heating does not work, and it is getting cold in here."))
                    await system.until(lambda: _is_on_disk(system), "what they say is being written")
                await row.get_by_role("button", name="Take").click()
                await expect(page.locator(".said")).to_contain_text("Your phone rings")
                await carol.wait_for("CALL_INCOMING", calls + 1)
                await carol.answer()
                await expect(row).to_contain_text("with Carol")
                await hear_each_other(system, caller, carol)
                await caller.hang_up()
                await carol.wait_for("CALL_CLOSED", ends + 1)
                call = await system.ended_call(caller.user)
                await expect(row).to_have_count(0)
            assert call.outcome == "talked"
            kept = [event.kind for event in call.events if event.kind == "VoicemailLeft"]
            assert len(kept) == (step == "voicemail")


def _is_on_disk(system: System) -> bool:
    """Whether Asterisk has written four seconds of a voicemail; it holds the last ones back."""
    folder = system.config.asterisk_folder / "spool" / "recording"
    return any(file.stat().st_size > 4 * 16_000 for file in folder.glob("*.wav"))
