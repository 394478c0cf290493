"""What people who watch the calls are told, and what they can do with them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from crm.edge.live_state import CallNow, LiveHello, LiveRefused, Told, line
from tests.asterisk import Phone, Seam
from tests.busy import only_on_duty
from tests.flows.browsers import has_a_browser, vanishes
from tests.talks import connect, hear_each_other
from tests.watching import Watcher, watching

pytestmark = pytest.mark.flows

ONE_SECOND = timedelta(seconds=1)
"""A fact is told a moment before what is known of the call is."""


def _only(watcher: Watcher) -> CallNow:
    [call] = watcher.link.calls.values()
    return call


async def test_a_call_is_told_from_its_arrival_to_its_end(system: Seam) -> None:
    await only_on_duty(system, "alice")
    await system.add_lead("+15125550188", "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.caller("+15125550188") as caller,
    ):
        await system.until(lambda: watcher.phone("alice-desk").is_online, "alice's phone is known")
        await system.to_team(caller)
        call = await watcher.call("ring", is_waiting=True)
        assert (call.number, call.property, call.direction) == ("+15125550188", "elm", "in")
        assert call.lead_id
        assert call.property_id
        await watcher.shows(alice_desk="rings")
        assert watcher.phone("alice-desk").is_ringing
        ringing_since = call.since
        await system.pass_time(3)
        await alice.answer()
        call = await watcher.call("talk", is_waiting=False)
        assert (call.since - ringing_since).total_seconds() >= 3
        assert call.began < ringing_since
        await watcher.shows(alice_desk="talks")
        phone = watcher.phone("alice-desk")
        assert (phone.is_ringing, phone.is_talking) == (False, True)
        await alice.command("hold")
        await watcher.call("talk", is_on_hold=True)
        await alice.command("resume")
        await watcher.call("talk", is_on_hold=False)
        await caller.hang_up()
        await system.until(lambda: not watcher.link.calls, "the call is gone")
        await system.until(lambda: not watcher.phone("alice-desk").is_talking, "alice is free")
    deltas = [told for told in watcher.told if told is not None]
    assert [told.number for told in deltas] == list(range(deltas[0].number, deltas[0].number + len(deltas)))


async def test_a_phone_that_is_not_registered_and_in_no_call_is_not_told_of(system: Seam) -> None:
    async with watching(system) as watcher:
        async with system.phone("alice-desk"):
            await system.until(lambda: "alice-desk" in watcher.link.phones, "alice's phone is there")
        await system.until(lambda: not watcher.link.phones, "no phone is there")


async def test_a_deaf_browser_is_told_of_until_it_registers_again(system: Seam) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with watching(system) as watcher, system.phone(web, says=0) as browser, system.caller() as caller:
        await system.to_team(caller)
        await system.until(lambda: watcher.phone(web).is_deaf, "the browser is deaf")
        await caller.hang_up()
        await system.until(lambda: not watcher.link.calls, "the call is gone")
        system.pbx.tell_contact(browser, "Reachable")
        await system.until(lambda: not watcher.phone(web).is_deaf, "the browser is there again")


async def test_a_caller_in_line_is_told_with_the_time_they_have_waited(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.caller() as first,
        system.caller() as second,
    ):
        await connect(system, first, alice)
        await system.to_team(second)
        await system.step(second.user, "queue")

        def waits() -> bool:
            return any(call.step == "queue" and call.is_waiting for call in watcher.link.calls.values())

        await system.until(waits, "the second caller waits in line")
        await first.hang_up()
        await second.hang_up()
        await system.until(lambda: not watcher.link.calls, "the calls are gone")


async def test_after_a_restart_of_the_app_everything_is_told_anew_with_its_times(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with watching(system) as watcher, system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        before = await watcher.call("talk")
        instance = watcher.link.instance
        await system.pass_time(5)
        await system.stop_app()
        await system.until(lambda: not watcher.link.is_connected, "the app is away")
        assert watcher.told[-1] is None
        await system.start_app()
        await system.until(lambda: watcher.link.is_connected, "the app is back")
        assert watcher.link.instance != instance
        await system.until(lambda: abs(_only(watcher).since - before.since) < ONE_SECOND, "since when they talk")
        assert abs(_only(watcher).began - before.began) < ONE_SECOND
        await watcher.shows(alice_desk="talks")
        await caller.hang_up()
        await system.until(lambda: not watcher.link.calls, "the call is gone")


async def test_borg_ui_1140_after_any_gap_what_is_known_equals_what_is_told_to_somebody_new(system: Seam) -> None:
    await only_on_duty(system, "alice", "bob")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("bob-desk"),
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await watcher.call("ring")
        assert watcher.link._writer
        watcher.link._writer.transport.abort()
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.until(lambda: watcher.told[-1] is not None, "the calls are watched again")
        await watcher.call("talk")
        async with watching(system) as fresh:
            await system.until(
                lambda: (fresh.link.calls, fresh.link.phones) == (watcher.link.calls, watcher.link.phones),
                "both know the same",
            )
        # A change that is left out is noticed at the next one.
        watcher.link.number -= 1
        await caller.hang_up()
        await system.until(lambda: not watcher.link.calls and watcher.told.count(None) >= 2, "told anew")


async def test_who_does_not_know_the_secret_is_told_nothing(system: Seam) -> None:
    for hello in (line(LiveHello("wrong")), b"GET / HTTP/1.1\r\n", b"x" * 100_000 + b"\n", b"{}\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", system.config.ports.live)
        writer.write(hello)
        told = await reader.read()
        assert told == b"" or isinstance(msgspec.json.decode(told, type=Told), LiveRefused)
        writer.close()


# --- acts ---


async def test_a_waiting_caller_is_picked_up_by_a_phone_that_rings_for_it(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        assert await watcher.act("pick_up", agent="alice") == "rings_already"
        assert await watcher.act("pick_up", agent="bob") == "no_phone"
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await alice.wait_for("CALL_CLOSED")
        assert alice.causes[-1] == 26
        await hear_each_other(system, caller, carol)
        await watcher.shows(carol_soft="talks")
        assert await watcher.act("pick_up", agent="alice") == "not_waiting"
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert sorted((leg.device, leg.stage, leg.status) for leg in call.legs) == [
        ("alice-desk", "subteam", "CANCEL"),
        ("carol-soft", "pickup", "ANSWER"),
    ]
    assert supervised(call) == [("maria", "picked_up", "carol")]


async def test_when_the_caller_hangs_up_first_then_the_phone_that_was_to_pick_them_up_stops(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await system.ended_call(caller.user)


async def test_a_caller_in_line_is_picked_up(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as first,
        system.caller() as second,
    ):
        await connect(system, first, alice)
        await system.to_team(second)
        await system.step(second.user, "queue")
        async with watching(system) as watcher:
            [waiting] = [call for call in watcher.link.calls.values() if call.step == "queue"]
            await only_on_duty(system, "alice", "carol")
            assert (await watcher.link.act("pick_up", waiting.id, "maria", agent="carol")).code == ""
            await carol.wait_for("CALL_INCOMING")
            await carol.answer()
            await hear_each_other(system, second, carol)
        await first.hang_up()
        await second.hang_up()


async def test_a_talk_is_parked_and_fetched(system: Seam) -> None:
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("park") == ""
        await system.hears_music(caller)
        await watcher.call("parked", slot="701")
        assert await watcher.act("park") == "not_talking"
        assert await watcher.act("fetch", agent="carol", device="carol-soft") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        call = await system.ended_call(caller.user)
    assert supervised(call) == [("maria", "parked", ""), ("maria", "picked_up", "carol")]


async def test_a_talk_is_sent_to_a_colleague(system: Seam) -> None:
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("send_to", target="199") == "target_unknown"
        assert await watcher.act("send_to", target="102") == ""
        await bob.wait_for("CALL_INCOMING")
        await watcher.shows(alice_desk="waits", bob_desk="rings")
        await bob.answer()
        await hear_each_other(system, caller, bob)
        await watcher.shows(bob_desk="talks")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert supervised(call) == [("maria", "sent", "bob")]


async def test_a_talk_is_taken_over_and_the_agent_is_free(system: Seam) -> None:
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("take_over", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await hear_each_other(system, caller, alice)  # The talk goes on while the phone rings.
        await carol.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, carol)
        await watcher.shows(carol_soft="talks")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.stage, leg.status) for leg in call.legs] == [
        ("alice-desk", "subteam", "ANSWER"),
        ("carol-soft", "take_over", "ANSWER"),
    ]
    assert supervised(call) == [("maria", "took_over", "carol")]
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)


async def test_when_the_talk_ends_first_then_nobody_takes_it_over(system: Seam) -> None:
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("take_over", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await alice.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await system.ended_call(caller.user)


async def test_a_call_is_ended(system: Seam) -> None:
    async with watching(system) as watcher, system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        assert await watcher.act("hang_up") == ""
        await caller.wait_for("CALL_CLOSED")
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert [event.data["by"] for event in call.events if event.kind == "CallEnded"] == ["agent"]
    async with watching(system) as watcher, system.caller() as another:
        await system.dial(another)
        await watcher.call("menu")
        assert await watcher.act("hang_up") == ""
        await another.wait_for("CALL_CLOSED")
        call = await system.ended_call(another.user)
    assert [event.data["by"] for event in call.events if event.kind == "CallEnded"] == ["agent"]


async def test_what_is_over_cannot_be_acted_on(system: Seam) -> None:
    async with watching(system) as watcher:
        assert (await watcher.link.act("hang_up", "leaseline-1.1", "maria")).code == "call_over"


# --- listening in ---


async def listens(system: Seam, watcher: Watcher, manager: Phone, caller: Phone, alice: Phone) -> None:
    calls = manager.count("CALL_INCOMING")
    assert await watcher.act("listen", agent="carol") == ""
    await manager.wait_for("CALL_INCOMING", calls + 1)
    await manager.answer()
    await watcher.shows(alice_desk="talks", carol_soft="listens")
    sound = system.spoken("Is it quiet there?")
    await caller.say(sound)
    await system.hears(alice, sound)
    await system.hears(manager, sound)
    own = system.spoken("Nobody hears me.")
    await manager.say(own)
    await system.pass_time(5)
    assert not await system.has_heard(caller, own)
    assert not await system.has_heard(alice, own)


async def test_nobody_listens_in_unless_that_is_switched_on(system: Seam) -> None:
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft"),
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("listen", agent="carol") == "listening_off"
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_where_all_have_to_agree_nobody_listens_in_unless_it_was_announced(system: Seam) -> None:
    async with (
        system.with_setting("[ports]", '[console]\nlisten_in = "announced"\n[ports]'),
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft"),
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("listen", agent="carol") == "not_announced"
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_a_manager_hears_both_and_neither_hears_the_manager(system: Seam) -> None:
    async with (
        system.with_setting("[ports]", '[console]\nlisten_in = "always"\n[ports]'),
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        await listens(system, watcher, carol, caller, alice)
        await system.pass_time(60)
        assert watcher.parties()["carol-soft"] == "listens"
        await carol.hang_up()
        await watcher.shows(alice_desk="talks")
        await hear_each_other(system, caller, alice)
        await listens(system, watcher, carol, caller, alice)
        await caller.hang_up()
        await carol.wait_for("CALL_CLOSED", 2)
        call = await system.ended_call(caller.user)
    assert supervised(call) == [("maria", "listened", "carol")] * 2
    assert [leg.device for leg in call.legs] == ["alice-desk"]
    assert call.outcome == "talked"


async def test_when_the_app_is_restarted_then_nobody_goes_on_listening(system: Seam) -> None:
    async with (
        system.with_setting("[ports]", '[console]\nlisten_in = "always"\n[ports]'),
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        await listens(system, watcher, carol, caller, alice)
        await system.stop_app()
        await carol.wait_for("CALL_CLOSED")
        await system.start_app()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await system.ended_call(caller.user)


# --- what phones in browsers are told ---


async def test_a_phone_is_told_which_call_it_rings_for_and_when_it_may_answer_by_itself(system: Seam) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.caller() as caller:
        async with system.phone(web) as before:
            await connect(system, caller, before)
            call = await system.call_from(caller.user)
            assert before.channel
            assert _headers(before) == {"X-Leaseline-Call": call.id}
            await vanishes(system, before, caller)
        async with system.phone(web) as back:
            await back.wait_for("CALL_INCOMING")
            headers = _headers(back)
            assert headers.pop("X-Leaseline-Call") == call.id
            assert len(headers.pop("X-Leaseline-Rejoin")) > 16
            await back.answer()
            await hear_each_other(system, caller, back)
            await back.hang_up()
        await system.ended_call(caller.user)


def _headers(phone: Phone) -> dict[str, str]:
    channel = next(one for one in phone._calls)
    prefix = "PJSIP_HEADER(add,"
    return {
        name.removeprefix(prefix).removesuffix(")"): value
        for name, value in channel.variables.items()
        if name.startswith(prefix)
    }


def supervised(call: object) -> list[tuple[str, str, str]]:
    events = [event for event in call.events if event.kind == "SupervisorActed"]  # type: ignore[attr-defined]
    return [(event.data["by"], event.data["what"], event.data.get("agent", "")) for event in events]


# --- callers who are taken before any phone rings, or after ---


async def test_a_caller_in_the_menu_is_taken_and_until_then_is_where_they_were(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.dial(caller)
        await watcher.call("menu", is_waiting=True)
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        # Nobody has answered yet, so the menu goes on; and the phone rings on when the caller goes on.
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        assert carol.count("CALL_CLOSED") == 0
        await carol.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, carol)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert supervised(call) == [("maria", "picked_up", "carol")]


async def test_a_caller_in_the_menu_talks_at_once_with_whoever_answers(system: Seam) -> None:
    async with watching(system) as watcher, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.dial(caller)
        await watcher.call("menu", is_waiting=True)
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await watcher.shows(carol_soft="talks")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert [(leg.device, leg.stage, leg.status) for leg in call.legs] == [("carol-soft", "pickup", "ANSWER")]


async def test_whoever_takes_a_caller_and_does_not_answer_leaves_them_where_they_were(system: Seam) -> None:
    await only_on_duty(system, "alice")
    async with (
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.dial(caller)
        await watcher.call("menu", is_waiting=True)
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        assert (await system.ended_call(caller.user)).outcome == "talked"


async def test_who_leaves_a_voicemail_is_taken_and_what_they_said_is_kept(system: Seam) -> None:
    await only_on_duty(system)
    async with watching(system) as watcher, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        said = system.spoken("My heating does not work.")
        await caller.say(said)
        await system.pass_time(3)
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    [left] = [event for event in call.events if event.kind == "VoicemailLeft"]
    assert left.data["seconds"] >= 3
