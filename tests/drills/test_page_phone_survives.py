"""What happens to a browser in a call, or before one: the phone in the console's page loses none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Page

from ari_app.demo.softphone import Softphone
from crm.services.access import sessions
from tests.busy import only_on_duty
from tests.outside import person
from tests.page_phone import PagePhone, both_are_heard, console, hears_the_beeps, page_phone
from tests.system import System
from tests.talks import hear_each_other, talk_with
from tests.watching import watching

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

REFUSES = """() => {
    window.plays = HTMLMediaElement.prototype.play
    HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException("", "NotAllowedError"))
}"""
COUNTS_REGISTRATIONS = r"""() => {
    window.registered = 0
    window.sockets.at(-1).addEventListener("message", ({data}) => {
        if (/^SIP\/2.0 200 /.test(data) && /^CSeq: *\d+ REGISTER/m.test(data)) window.registered += 1
    })
}"""
DEAD_CONNECTION = r"""() => {
    window.registered = 0
    const dead = window.sockets.at(-1)
    dead.send = dead.onmessage = () => {}
    const Kept = window.WebSocket
    window.WebSocket = class extends Kept {
        constructor(...told) {
            super(...told)
            this.addEventListener("message", ({data}) => {
                if (/^SIP\/2.0 200 /.test(data) && /^CSeq: *\d+ REGISTER/m.test(data)) window.registered += 1
            })
        }
    }
}"""
HOLDS_REGISTRATIONS = r"""() => {
    window.held = []
    window.lines = []
    const socket = window.sockets.at(-1)
    const hear = socket.onmessage
    socket.onmessage = (event) => {
        if (/^CSeq: *\d+ REGISTER/m.test(event.data)) window.held.push(event)
        else hear.call(socket, event)
    }
    window.release = () => {
        socket.onmessage = hear
        for (const event of window.held) hear.call(socket, event)
    }
    const phone = document.querySelector("lease-phone")
    new MutationObserver(() => window.lines.push(phone.dataset.line)).observe(phone, {attributeFilter: ["data-line"]})
}"""
EXPIRES_MS = 120_000
MICROPHONE = "window.connections.at(-1).getSenders()[0].track.id"
LOSES_HEADSET = """() => {
    const {track} = window.connections.at(-1).getSenders()[0]
    track.stop()
    track.dispatchEvent(new Event("ended"))
}"""
LOSES_ANSWERS = """() => {
    const socket = window.sockets.at(-1), send = socket.send
    socket.send = (text) => {
        send.call(socket, text)
        if (text.startsWith("INVITE ")) socket.close()
    }
}"""
LOSES_A_HANGUP = """() => {
    const socket = window.sockets.at(-1), heard = socket.onmessage
    socket.onmessage = (event) => {
        if (event.data.startsWith("BYE ") && !window.lost) window.lost = true
        else heard.call(socket, event)
    }
}"""
NO_MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"))
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def url(system: System) -> AsyncIterator[str]:
    async with console(system) as found:
        yield found


async def talks_with(system: System, phone: PagePhone, caller: Softphone) -> None:
    await only_on_duty(system, "alice")
    await system.to_team(caller)
    await phone.answers()
    await hears_the_beeps(system, caller)


sleeping_is_noticed_soon = pytest.mark.setting(
    "target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 4.0\nreturn_seconds = 8.0"
)
"""A machine that sleeps for a few seconds is one that sleeps for minutes."""


async def test_browser_phone_267_when_the_page_is_loaded_anew_in_a_talk_then_it_is_back_by_itself_in_the_same_call(
    system: System, url: str
) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        for _ in range(2):
            await phone.page.reload()
            await phone.talks()
            await system.until(lambda: talk_with(system, "trunk-demo", phone.device), "they talk again")
            await both_are_heard(system, phone, caller)
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")
    call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)
    assert {(leg.stage, leg.status) for leg in call.legs} == {("subteam", "ANSWER"), ("return", "ANSWER")}


async def test_htmx_2531_when_pages_come_and_go_in_a_talk_then_the_phone_stays(system: System, url: str) -> None:
    """Also with Back."""
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.get_by_role("link", name="Leads").first.click()
        await phone.page.wait_for_url("**/leads")
        await phone.page.go_back()
        await phone.page.wait_for_url("**/tasks")
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()
        assert phone.complaints == []
    call = await system.ended_call(caller.user)
    assert len(call.legs) == 1


async def test_jssip_738_browser_phone_615_when_the_connection_drops_in_a_talk_then_the_hangup_arrives_all_the_same(
    system: System, url: str
) -> None:
    """The page tells Asterisk where it is as soon as it has registered again."""
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.drops_connection()
        await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
        await phone.is_ready()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    assert (call.outcome, len(call.legs)) == ("talked", 1)


async def test_when_what_asterisk_answers_is_lost_with_the_connection_then_the_hangup_arrives_all_the_same(
    system: System, url: str
) -> None:
    """Asterisk ends no call, and answers nothing more in it, until what it has answered is acknowledged."""
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.evaluate(LOSES_ANSWERS)
        await phone.press("hold")
        await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
        await phone.is_ready()
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    assert (call.outcome, len(call.legs)) == ("talked", 1)


async def test_when_a_hangup_is_lost_then_the_page_learns_of_it_all_the_same(system: System, url: str) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.page.evaluate(LOSES_A_HANGUP)
        await caller.hang_up()
        await phone.is_free()
        assert await phone.page.evaluate("window.lost")


async def test_a_call_that_ends_while_there_is_no_connection_is_over_on_both_sides(system: System, url: str) -> None:
    async with page_phone(system, url) as phone:
        async with system.caller() as caller:
            await talks_with(system, phone, caller)
            await phone.drops_connection()
            await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
            await caller.hang_up()
            await phone.is_free()
        async with system.caller() as caller:
            await phone.is_ready()
            await talks_with(system, phone, caller)
            await phone.drops_connection()
            await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
            await phone.press("hang_up")
            await caller.wait_for("CALL_CLOSED")
            await phone.is_free()
        call = await system.ended_call(caller.user)
        assert (call.outcome, len(call.legs)) == ("talked", 1)
        async with system.caller() as caller:
            await phone.is_ready()
            await system.to_team(caller)
            await phone.rings()
            await phone.drops_connection()
            await caller.hang_up()
            await phone.is_free()


async def test_when_the_connection_drops_before_anybody_answers_then_the_call_is_over_and_the_page_says_so(
    system: System, url: str
) -> None:
    """Whoever is rung is not left with a call in which nobody would speak, inside or outside, and the next call goes
    through."""
    async with page_phone(system, url) as phone:
        trouble = phone.page.locator('[data-part="trouble"]')
        async with system.phone("bob-desk") as bob, person(system) as prospect:
            for number, rung in (("102", bob), (prospect.user, prospect)):
                await phone.dial(number)
                await rung.wait_for("CALL_INCOMING")
                await phone.calls("dialing").wait_for()
                await phone.drops_connection()
                await rung.wait_for("CALL_CLOSED")
                await phone.is_free()
                await trouble.get_by_text("The connection was lost").wait_for()
                await phone.is_ready()
            call = await system.ended_call(prospect.user)
        assert (call.direction, call.outcome) == ("out", "not_reached")
        async with system.phone("bob-desk") as bob:
            await phone.dial("102")
            await bob.wait_for("CALL_INCOMING")
            await bob.answer()
            await both_are_heard(system, phone, bob)
            assert not await trouble.is_visible()
            await bob.hang_up()
            await phone.is_free()


async def test_odoo_55772_yaai_180_of_three_tabs_one_registers_and_the_lead_opens_where_the_call_was_taken(
    system: System, url: str
) -> None:
    await only_on_duty(system, "alice")
    number = system.new_number()
    await system.add_lead(number)
    async with page_phone(system, url) as phone, system.caller(number) as caller:
        first = phone.page
        second, third = await phone.opens(), await phone.opens()
        for page in (second, third):
            await page.locator('lease-phone[data-line="ready"]').wait_for()
            assert await page.evaluate("window.sockets.length") == 0
        await system.to_team(caller)
        for page in (first, second, third):
            await phone.rings(page)
        assert [await page.evaluate("window.rung") for page in (first, second, third)] == [1, 0, 0]
        await phone.press("answer", second)
        await phone.talks(second)
        await second.wait_for_url("**/leads/*")
        assert [page.url.rpartition("/")[2] for page in (first, third)] == ["tasks", "tasks"]
        await phone.press("hang_up", third)
        await caller.wait_for("CALL_CLOSED")
        await phone.is_free(first)
        await first.close()
        await system.until(lambda: _has_socket(second, third), "the next tab opens a connection")
        await phone.is_ready(third)
        assert len(await system.calls_from(number)) == 1


async def _has_socket(*pages: Page) -> bool:
    return any([await page.evaluate("window.sockets.length") for page in pages])


async def test_when_the_tab_is_frozen_then_others_ring_and_it_is_ready_when_it_wakes(system: System, url: str) -> None:
    await only_on_duty(system, "alice", "carol")
    async with system.phone("carol-soft") as carol, page_phone(system, url) as phone, system.caller() as caller:
        await phone.freeze()
        await system.to_team(caller)
        await carol.wait_for("CALL_INCOMING")
        phone.thaw()
        await phone.answers()
        await system.until(lambda: talk_with(system, "trunk-demo", phone.device), "alice has the caller")
        await caller.hang_up()


async def test_active_call_127_when_the_page_crashes_in_a_talk_then_the_caller_hears_music_until_it_is_opened_again(
    system: System, url: str
) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.crash()
        await system.until(lambda: system.is_quiet_at(phone.device), "alice does not count as busy")
        await system.hears_music(caller)
        await phone.opens()
        await phone.talks()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    assert (call.outcome, [(leg.stage, leg.status) for leg in call.legs]) == (
        "talked",
        [("subteam", "ANSWER"), ("return", "ANSWER")],
    )
    assert len(await system.calls_from(caller.user)) == 1


async def test_active_call_127_when_a_page_that_crashed_in_a_talk_stays_away_then_a_colleague_has_the_caller(
    system: System, url: str
) -> None:
    async with (
        system.with_setting("target_seconds = 1.0", "target_seconds = 1.0\nreturn_seconds = 4.0"),
        page_phone(system, url) as phone,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await talks_with(system, phone, caller)
        await only_on_duty(system, "alice", "carol")
        await phone.crash()
        await system.hears_music(caller)
        await carol.wait_for("CALL_INCOMING", seconds=60)
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await phone.opens()
        await phone.is_ready()
        await phone.is_free()
        await hear_each_other(system, caller, carol)
        await caller.hang_up()
    call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert {leg.device for leg in call.legs if leg.status == "ANSWER"} == {phone.device, "carol-soft"}


async def test_when_the_machine_sleeps_until_it_is_forgotten_then_it_is_ready_when_it_wakes(
    system: System, url: str
) -> None:
    """Neither a timer nor an event of the page tells that the time has passed."""
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await phone.freeze("")
        await system.until(lambda: system.is_offline(phone.device), "Asterisk has forgotten it", seconds=60)
        phone.thaw()
        await phone.is_ready()
        await system.to_team(caller)
        await phone.answers()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


@sleeping_is_noticed_soon
async def test_when_the_machine_sleeps_in_a_talk_then_the_person_hears_music_until_it_wakes(
    system: System, url: str
) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        await phone.freeze("")
        await system.hears_music(caller)
        phone.thaw()
        await phone.talks()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    assert (call.outcome, {leg.device for leg in call.legs}) == ("talked", {phone.device})


@sleeping_is_noticed_soon
async def test_when_the_machine_sleeps_on_in_a_talk_then_a_colleague_has_the_caller_and_it_is_ready_when_it_wakes(
    system: System, url: str
) -> None:
    async with (
        page_phone(system, url) as phone,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await talks_with(system, phone, caller)
        await only_on_duty(system, "alice", "carol")
        await phone.freeze("")
        await system.hears_music(caller)
        await carol.wait_for("CALL_INCOMING", seconds=60)
        await carol.answer()
        await hear_each_other(system, caller, carol)
        phone.thaw()
        await phone.is_free()
        await phone.is_ready()
        await hear_each_other(system, caller, carol)
        await caller.hang_up()
        await only_on_duty(system, "alice")
        async with system.caller() as another:
            await system.to_team(another)
            await phone.answers()
            await both_are_heard(system, phone, another)
            await another.hang_up()
            await phone.is_free()
    call = await system.ended_call(caller.user)
    assert call.outcome == "talked"


async def test_sipcore_hass_214_when_the_page_is_shown_again_then_a_dead_connection_is_replaced(
    system: System, url: str
) -> None:
    """Nothing tells the page that nothing comes or goes any more, and its next registration is half a minute away."""
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await phone.page.evaluate(DEAD_CONNECTION)
        await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await system.until(lambda: _has_registered(phone.page), "it has registered over another connection")
        await system.to_team(caller)
        await phone.answers()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


@asynccontextmanager
async def registers_again(system: System, phone: PagePhone) -> AsyncIterator[None]:
    """The page's registration is running out, and what Asterisk says to the next one is on its way for all of this."""
    await phone.context.clock.install()
    await phone.page.reload()
    await phone.is_ready()
    await phone.page.evaluate(HOLDS_REGISTRATIONS)
    await phone.context.clock.fast_forward(EXPIRES_MS)
    await system.until(lambda: _has_held(phone.page), "it registers again")
    yield
    assert set(await phone.page.evaluate("window.lines")) <= {"ready"}
    await phone.page.evaluate("window.release()")


async def _has_held(page: Page) -> bool:
    return bool(await page.evaluate("window.held.length"))


async def test_sip_js_1071_a_call_rings_while_the_page_registers_again(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        async with registers_again(system, phone):
            assert await system.is_online(phone.device)
            await system.to_team(caller)
            await phone.answers()
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


async def test_browser_phone_558_a_call_is_placed_while_the_page_registers_again(system: System, url: str) -> None:
    async with page_phone(system, url) as phone, system.phone("bob-desk") as bob:
        async with registers_again(system, phone):
            await phone.dial("102")
            await bob.wait_for("CALL_INCOMING")
            await bob.answer()
            await phone.talks()
        await both_are_heard(system, phone, bob)
        await bob.hang_up()
        await phone.is_free()


async def test_browser_phone_254_when_the_page_is_hidden_for_long_then_it_stays_registered_and_a_call_rings_in_it(
    system: System, url: str
) -> None:
    """Timers of such a page run once a minute, and nothing of a call waits for one."""
    await only_on_duty(system, "alice")
    async with (
        page_phone(system, url, can_hide=True) as phone,
        watching(system) as watcher,
        system.caller() as caller,
    ):
        await phone.page.evaluate(COUNTS_REGISTRATIONS)
        await phone.hide_for_long()
        await system.until(lambda: _has_registered(phone.page), "it has registered again, hidden", seconds=120)
        assert await system.is_online(phone.device)
        await system.to_team(caller)
        await phone.rings()
        assert await phone.page.evaluate("[document.visibilityState, window.rung]") == ["hidden", 1]
        await watcher.shows(alice_web="rings")
        await phone.show()
        await phone.answers()
        await phone.hide()
        await both_are_heard(system, phone, caller)
        assert await phone.page.evaluate("document.visibilityState") == "hidden"
        await phone.show()
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")


async def _has_registered(page: Page) -> bool:
    return bool(await page.evaluate("window.registered"))


async def test_browser_phone_619_another_microphone_does_not_end_the_call(system: System, url: str) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        before = await phone.page.evaluate(MICROPHONE)
        await phone.press("settings")
        await phone.page.locator('select[data-part="mic"]').select_option(index=1)
        await phone.page.locator('[data-part="settings"] [data-do="shut"]').click()
        await system.until(lambda: _speaks_by_another(phone.page, before), "another microphone speaks")
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


async def test_element_web_7400_a_lost_headset_does_not_end_the_call_and_the_page_says_so(
    system: System, url: str
) -> None:
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        before = await phone.page.evaluate(MICROPHONE)
        await phone.page.evaluate(LOSES_HEADSET)
        await phone.is_told("unplugged")
        await system.until(lambda: _speaks_by_another(phone.page, before), "another microphone speaks")
        await both_are_heard(system, phone, caller)
        await caller.hang_up()
        await phone.is_free()


async def _speaks_by_another(page: Page, before: str) -> bool:
    return bool(await page.evaluate(MICROPHONE) != before)


async def test_libwebphone_85_ringing_goes_to_the_loudspeaker_that_was_chosen(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await phone.press("settings")
        select = phone.page.locator('select[data-part="ring"]')
        await select.select_option(index=1)
        chosen = await select.input_value()
        await phone.page.locator('[data-part="settings"] [data-do="shut"]').click()
        await system.to_team(caller)
        await phone.rings()
        assert chosen
        assert await phone.page.evaluate("window.sinks.at(-1)") == chosen
        await caller.hang_up()


async def test_browser_phone_181_when_no_sound_gets_through_then_the_page_says_so(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    flags = ("--force-webrtc-ip-handling-policy=disable_non_proxied_udp",)
    async with page_phone(system, url, flags=flags) as phone, system.caller() as caller:
        await system.to_team(caller)
        await phone.answers()
        await phone.is_told("No sound gets through the network")
        await caller.hang_up()
        await phone.is_free()


async def test_chatwoot_14295_a_ringing_that_nobody_could_hear_is_announced_and_one_click_makes_it_heard(
    system: System, url: str
) -> None:
    """To Chromium, whatever Playwright does is done by a person, so the refusal is made here."""
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await phone.page.evaluate(REFUSES)
        await system.to_team(caller)
        await phone.rings()
        await phone.page.locator('[data-part="silent"]').wait_for()
        await phone.page.evaluate("() => { HTMLMediaElement.prototype.play = window.plays }")
        before = await phone.page.evaluate("window.rung")
        await phone.press("hear")
        await phone.page.locator('[data-part="silent"]').wait_for(state="hidden")
        assert await phone.page.evaluate("window.rung") == before + 1
        await caller.hang_up()


async def test_without_a_microphone_the_page_says_why_and_the_call_goes_on_ringing(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await phone.page.evaluate(NO_MICROPHONE)
        await system.to_team(caller)
        await phone.rings()
        await phone.press("answer")
        await phone.is_told("may not use the microphone")
        await phone.rings()
        await caller.hang_up()
        await phone.is_free()


async def test_when_the_session_ends_then_the_phone_is_gone_at_once(system: System, url: str) -> None:
    async with page_phone(system, url) as phone:
        asked: list[str] = []
        phone.page.on("request", lambda one: asked.append(one.url) if one.is_navigation_request() else None)
        with system.store.writing() as session:
            sessions.end_others(session, system.by, phone.account_id, None)
        await phone.page.wait_for_url(re.compile("/sign-in"))
        await system.until(lambda: system.is_offline(phone.device), "Asterisk has forgotten it")
        # Both the stream of events and the phone say that it has ended.
        assert asked.count(f"{url}/tasks") == 1


async def test_when_asterisk_is_restarted_then_the_page_registers_again_by_itself(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await system.asterisk.stop()
        await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
        await system.asterisk.start()
        await phone.is_ready()
        await system.until(lambda: system.is_online("trunk-demo"), "the trunk is back", seconds=30)
        await system.to_team(caller)
        await phone.answers()
        await hears_the_beeps(system, caller)
        await caller.hang_up()
        await phone.is_free()


async def test_when_app_and_pages_are_started_anew_in_a_talk_then_it_goes_on_and_the_page_shows_it(
    system: System,
) -> None:
    """The pages are a process of their own here, as they are in an office."""
    own = await system.start_web()
    try:
        async with page_phone(system, own) as phone, system.caller() as caller:
            await talks_with(system, phone, caller)
            await system.kill_app()
            await both_are_heard(system, phone, caller)
            await system.start_app()
            await phone.talks()
            await phone.press("hold")
            await system.hears_music(caller)
            await phone.press("hold")
            await phone.talks()
            await system.web.stop()
            await phone.page.locator('lease-phone[data-line="connecting"]').wait_for()
            await system.start_web()
            await phone.is_ready()
            await phone.talks()
            await both_are_heard(system, phone, caller)
            await caller.hang_up()
            await phone.is_free()
        call = await system.ended_call(caller.user)
        assert (call.outcome, len(call.legs)) == ("talked", 1)
    finally:
        await system.web.stop()
