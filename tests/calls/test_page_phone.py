"""The phone in the console's page, with a real browser at one end and real SIP phones at the other."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect
from sqlalchemy import select

from ari_app.demo.softphone import Softphone
from crm.edge import numbers
from crm.services.access import sessions
from crm.services.office import properties
from crm.store.models import EmergencyCall
from tests.busy import only_on_duty
from tests.page_phone import PagePhone, both_are_heard, console, cookie_of, hears_the_beeps, page_phone
from tests.scripted_trunk import scripted_trunk
from tests.system import System
from tests.talks import hear_each_other, talk_with

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def url(system: System) -> AsyncIterator[str]:
    async with console(system) as found:
        yield found


async def talks_with(system: System, phone: PagePhone, caller: Softphone) -> None:
    """The caller asks for the team, and the page answers."""
    await system.to_team(caller)
    await phone.rings()
    await phone.press("answer")
    await phone.talks()


async def test_home_assistant_11611_a_call_rings_in_the_page_with_who_calls_and_both_hear_each_other(
    system: System, url: str
) -> None:
    """It is answered by a key, and a screen reader is told of it."""
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await system.to_team(caller)
        await phone.rings()
        shown = phone.calls("ringing")
        await shown.get_by_text("Elm Street Apartments").wait_for()
        assert "New caller" in await shown.inner_text()
        said = phone.page.locator('[data-part="said"][role="alert"]')
        assert await said.inner_text() == f"Call from {numbers.display(caller.user, 'US')}"
        await phone.page.keyboard.press("Alt+Shift+A")
        await phone.talks()
        await both_are_heard(system, phone, caller)
        note = phone.calls("talking").locator("textarea")
        await note.fill("Wants two bedrooms")
        await phone.calls("talking").get_by_text("Save note").click()
        await phone.calls("talking").get_by_text("Saved.").wait_for()
        await caller.hang_up()
        await phone.is_free()
        assert phone.complaints == []
    call = await system.ended_call(caller.user)
    assert (call.outcome, call.remark) == ("talked", "Wants two bedrooms")


@pytest.mark.parametrize(("recording", "at_once"), [("off", False), ("announced", False), ("announced", True)])
async def test_when_the_page_holds_the_call_then_the_caller_hears_music_and_then_the_agent_again(
    system: System, url: str, recording: str, at_once: bool
) -> None:
    """Also in a talk that is recorded, and while that is being announced."""
    await only_on_duty(system, "alice")
    await system.store.run(properties.change, system.by, "elm", recording=recording)
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        if recording != "off" and not at_once:
            await system.hears(caller, system.prompt("recording_announcement"))
            await system.until(lambda: system.is_recorded(caller.user), "recording")
        if not at_once:
            await hears_the_beeps(system, caller)
        await phone.press("hold")
        await phone.calls("held").wait_for()
        await system.hears_music(caller)
        await phone.press("hold")
        await phone.talks()
        await both_are_heard(system, phone, caller)
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")
        assert phone.complaints == []


async def test_the_button_for_recording_shows_what_the_app_does(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    await system.store.run(properties.change, system.by, "elm", recording="demand")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        record = phone.calls("talking").locator('[data-part="record"]')
        await expect(record).to_have_attribute("aria-pressed", "false")
        await record.click()
        # While it is announced, it is not recorded yet.
        await system.hears(caller, system.prompt("recording_announcement"))
        await expect(record).to_have_attribute("aria-pressed", "true", timeout=60_000)
        assert await system.is_recorded(caller.user)
        await record.click()
        await expect(record).to_have_attribute("aria-pressed", "false", timeout=60_000)
        assert not await system.is_recorded(caller.user)
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    assert sum(event.kind == "RecordingStarted" for event in call.events) == 1


async def test_a_number_that_is_pressed_in_a_page_is_called_and_keys_are_sent(system: System, url: str) -> None:
    """Also by a link in a page (click to call): the page has no other way to call than its phone."""
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.phone("bob-desk") as bob:
        await phone.page.evaluate(
            """() => {
                const link = document.createElement("a")
                link.href = "tel:102"
                link.textContent = "Bob"
                document.getElementById("main").append(link)
            }"""
        )
        await phone.page.get_by_role("link", name="Bob").click()
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await phone.talks()
        await phone.calls("talking").get_by_text("Bob").first.wait_for()
        await both_are_heard(system, phone, bob)
        await bob.hang_up()
        await phone.is_free()
        await phone.dial("199")
        await phone.page.locator('[data-part="trouble"]').wait_for(state="attached")
        await phone.is_free()


async def test_the_echo_call_plays_back_the_microphone(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone:
        await phone.press("settings")
        await phone.page.locator('[data-do="echo"]').click()
        await phone.talks()
        await phone.hears_something()
        await phone.press("hang_up")
        await phone.is_free()


async def test_a_blind_transfer_to_a_colleague_whose_state_is_shown(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.phone("bob-desk") as bob, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.get_by_text("Transfer", exact=True).click()
        await phone.calls("talking").locator('form[data-do="transfer"] input').fill("bo")
        row = phone.calls("talking").locator("li").filter(has_text="Bob")
        await row.get_by_text("off duty").wait_for()
        await row.locator('[data-do="blind"]').click()
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await phone.is_free()
        await system.until(lambda: talk_with(system, "trunk-demo", "bob-desk"), "bob has the caller")
        await caller.hang_up()
    call = await system.ended_call(caller.user)
    assert [event.data["way"] for event in call.events if event.kind == "Transferred"] == ["blind"]


async def test_an_attended_transfer_asks_first_and_then_connects_the_two(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.phone("bob-desk") as bob, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.get_by_text("Transfer", exact=True).click()
        form = phone.calls("talking").locator('form[data-do="transfer"]')
        await form.locator("input").fill("102")
        await form.locator('button[data-way="first"]').click()
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.hears_music(caller)
        await phone.page.locator('[data-do="join"]:visible').click()
        await phone.is_free()
        await system.until(lambda: talk_with(system, "trunk-demo", "bob-desk"), "bob has the caller")
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
    call = await system.ended_call(caller.user)
    assert [event.data["way"] for event in call.events if event.kind == "Transferred"] == ["attended"]


async def test_a_transfer_that_nobody_takes_gives_the_call_back(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.get_by_text("Transfer", exact=True).click()
        form = phone.calls("talking").locator('form[data-do="transfer"]')
        await form.locator("input").fill("199")
        await form.locator('button[data-way="blind"]').click()
        await phone.is_told("The transfer failed")
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


async def test_the_caller_is_parked_and_the_page_hears_the_slot(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.press("park")
        await system.step(caller.user, "parked")
        await phone.hears_something()
        await phone.is_free()
        await phone.dial("701")
        await phone.talks()
        await both_are_heard(system, phone, caller)
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")


async def test_an_emergency_call_goes_out_from_the_page_with_the_place_that_was_said(system: System, url: str) -> None:
    """By 933, which goes the way of 911, and after which nobody expects the emergency service to call back."""
    async with page_phone(system, url) as phone, scripted_trunk(system, "psap", "take_call") as carrier:
        await phone.press("place")
        place = phone.page.locator('dialog[data-part="place"]')
        await place.locator("select").select_option(index=1)
        address = await place.locator("select option:checked").inner_text()
        await place.locator('button[type="submit"]').click()
        await place.wait_for(state="hidden")
        await phone.dial("933")
        await phone.talks()
        await phone.press("hang_up")
        await phone.is_free()
        [invite] = carrier.received("INVITE")
    assert invite.startswith("INVITE sip:933@")
    over = select(EmergencyCall).where(EmergencyCall.ended_at.is_not(None))
    await system.until(lambda: bool(system.rows(over)), "the emergency call is on record")
    [found] = await system.all(over)
    assert (found.device, found.agent, found.address) == ("alice-web", "alice", address)


async def test_browser_phone_139_the_desk_phone_and_the_page_ring_together_and_the_other_stops(
    system: System, url: str
) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.phone("alice-desk") as desk, system.caller() as caller:
        await system.to_team(caller)
        await phone.rings()
        await desk.wait_for("CALL_INCOMING")
        await desk.answer()
        await phone.is_free()
        await system.until(lambda: talk_with(system, "trunk-demo", "alice-desk"), "the desk phone has the caller")
        await caller.hang_up()


async def test_chatwoot_8675_what_is_for_a_colleague_makes_no_sound_here(system: System, url: str) -> None:
    await only_on_duty(system, "bob")
    async with page_phone(system, url) as phone, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert await phone.page.evaluate("window.rung") == 0


async def test_do_not_disturb_in_the_page_keeps_it_silent(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.phone("alice-desk") as desk, system.caller() as caller:
        await phone.press("settings")
        rows = phone.page.locator('[data-part="dnd"] li')
        await rows.filter(has_text="This browser").locator("select").select_option("30")
        await rows.filter(has_text="This browser").get_by_text("until").wait_for()
        await system.to_team(caller)
        await desk.wait_for("CALL_INCOMING")
        await system.rings(caller.user, "subteam", "alice-desk")
        await caller.hang_up()
        assert await phone.page.evaluate("window.rung") == 0


async def test_browser_phone_197_another_browser_knows_the_calls_and_do_not_disturb_of_the_first(
    system: System, url: str
) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()
        await system.ended_call(caller.user)
        await phone.press("settings")
        every_phone = '[data-part="dnd"] li:first-child [data-part="state"]'
        await phone.page.locator('[data-part="dnd"] select').first.select_option("30")
        await phone.page.locator(every_phone).get_by_text("not disturbed").wait_for()
        another = await phone.browser.new_context(permissions=["microphone"])
        with system.store.writing() as session:
            token = sessions.begin(
                session, system.config, system.crm.now(), phone.account_id, address="127.0.0.1", browser="another"
            )
        await another.add_cookies([{"name": cookie_of(url), "value": token, "url": url}])
        page = await another.new_page()
        await page.goto(f"{url}/recent")
        await page.locator("#main").get_by_text(numbers.display(caller.user, "US")).first.wait_for()
        await page.locator('[data-do="bell"]').click()
        await page.locator('lease-phone[data-line="elsewhere"]').wait_for()
        await phone.press("settings", page)
        await page.locator(every_phone).get_by_text("not disturbed").wait_for()
        await another.close()


async def rings_beside(system: System, phone: PagePhone) -> None:
    """Another call comes straight to the phone, past the app, which rings nobody during a talk. It is an echo."""
    told = {"endpoint": f"PJSIP/{phone.device}", "callerId": "<+15125550177>", "timeout": "20"}
    told |= {"context": "feature-codes", "extension": "*43", "priority": "1"}
    async with system.http.post("/ari/channels", params=told) as answer:
        assert answer.status == 200, await answer.text()
    await phone.calls("ringing").wait_for()


async def test_a_second_call_is_shown_and_declined_or_answered_with_the_first_on_hold(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await rings_beside(system, phone)
        assert "+15125550177" in await phone.calls("ringing").inner_text(), "not shown as who is talked to"
        await phone.calls("ringing").locator('[data-do="hang_up"]').click()
        await phone.calls("ringing").wait_for(state="detached")
        await both_are_heard(system, phone, caller)
        await rings_beside(system, phone)
        await phone.calls("ringing").locator('[data-do="answer"]').click()
        await phone.calls("held").wait_for()
        await phone.talks()
        await system.hears_music(caller)
        await phone.calls("talking").locator('[data-do="hang_up"]').click()
        await phone.calls("talking").wait_for(state="detached")
        await phone.calls("held").locator('[data-do="hold"]').click()
        await phone.talks()
        await caller.hang_up()
        await phone.is_free()
        assert phone.complaints == []
    assert (await system.ended_call(caller.user)).outcome == "talked"


async def test_with_the_consoles_own_certificate_the_phone_goes_by_wss(system: System) -> None:
    await only_on_duty(system, "alice")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pair = {"tls_certificate": "tls/certificate.pem", "tls_key": "tls/key.pem"}
    async with (
        console(system, port, **pair, public_url=f"https://127.0.0.1:{port}") as url,
        page_phone(system, url) as phone,
        system.caller() as caller,
    ):
        assert (await phone.page.evaluate("window.sockets.at(-1).url")).startswith(f"wss://127.0.0.1:{port}/ws")
        await talks_with(system, phone, caller)
        await both_are_heard(system, phone, caller)
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")
