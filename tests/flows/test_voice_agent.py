"""The voice agent in a call: it answers, does what was agreed, hands over to people; and the menu, when it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp.test_utils import unused_port
from sqlalchemy import select, update

from ari_app.workers import warm_sentences
from crm.domain import policy
from crm.domain.errors import Unavailable
from crm.domain.leads import LeasingStage
from crm.services.calls import voice_talks
from crm.services.listings import homes, profiles
from crm.services.office import properties
from crm.services.phones import lines
from crm.services.talks import facts
from crm.store.models import Interest, Lead, LeadPhone, Line, OptOut, Property, Tour
from crm.views import calls as views
from crm.views.calls import CallDetail
from tests.asterisk import Seam
from tests.asterisk.voice import ScriptedVoice
from tests.busy import only_on_duty
from tests.showings import shown_at_every_hour
from tests.talks import hear_each_other
from tests.watching import watching

pytestmark = pytest.mark.flows


@pytest.fixture
async def agent(system: Seam) -> AsyncIterator[ScriptedVoice]:
    """The voice agent answers on every line."""
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers="always"))
    async with system.voice() as voice:
        yield voice


async def says(system: Seam, agent: ScriptedVoice, *words: str) -> None:
    """Waits until the agent says something with these words."""
    await system.until(
        lambda: bool(agent.talks) and any(all(word in one for word in words) for one in agent.talk.said),
        f"the agent says {words}",
    )


async def ask(system: Seam, agent: ScriptedVoice, text: str) -> str:
    """What the agent answers."""
    before = len(agent.talk.said)
    await agent.talk.caller_says(text)
    await system.until(lambda: len(agent.talk.said) > before and not agent.talk.plays, f"an answer to {text}")
    return " ".join(agent.talk.said[before:])


async def record(system: Seam, number: str) -> CallDetail:
    call = await system.ended_call(number)
    return await system.store.read(views.one, call.id)


async def test_the_caller_asks_is_answered_and_asks_for_a_person_whose_phone_rings(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("What are your office hours?")
        await says(system, agent, "open")
        await agent.talk.caller_says("Can I talk to a real person, please?")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.outcome == "talked"
    assert found.voice_talk is not None
    told = [(turn.who, turn.text) for turn in found.voice_talk.turns]
    assert ("caller", "What are your office hours?") in told
    assert found.voice_talk.why_ended == "asked"
    assert [leg.agent for leg in found.legs] == ["alice"]


async def test_keys_of_the_menu_work_at_any_moment(system: Seam, agent: ScriptedVoice) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "key"
    assert ("keys", "2") in [(turn.who, turn.text) for turn in found.voice_talk.turns]
    assert found.outcome == "gave_up"


async def test_when_nobody_is_free_then_the_caller_leaves_a_voicemail_and_the_task_says_what_about(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("I want to talk to a person.")
        await system.recording(caller.user)
        await caller.say(system.spoken("Please call me back about a two bedroom apartment."))
        await caller.wait_for("CALL_CLOSED", seconds=60)
        call = await system.ended_call(caller.user)
        [task] = await system.tasks_of(call)
    assert call.outcome == "left_voicemail"
    assert task.owner
    assert "wants a person" in task.why


async def test_when_all_talk_then_who_was_passed_on_waits_in_line_also_when_the_app_is_started_again(
    system: Seam, agent: ScriptedVoice
) -> None:
    await only_on_duty(system, "alice")
    async with system.phone("alice-desk") as alice, system.caller() as first, system.caller() as second:
        await system.dial(first)
        await says(system, agent, "automated")
        await agent.talk.caller_says("I want to talk to a person.")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(first.user, "talk")
        await system.dial(second)
        await system.until(lambda: len(agent.talks) == 2, "a second talk")
        await says(system, agent, "automated")
        await ask(system, agent, "Do you have a two bedroom?")
        await agent.talk.caller_says("A real person, please.")
        await system.step(second.user, "queue")
        await system.stop_app()
        await system.start_app()
        await system.step(second.user, "queue")
        call = await system.call_from(second.user)
        assert "2 bedrooms" in await system.store.read(voice_talks.passed_on, call.id)
        await first.hang_up()
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        await system.step(second.user, "talk")
        await second.hang_up()
        found = await record(system, second.user)
    assert found.outcome == "talked"
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "asked"


async def test_when_the_process_is_killed_in_a_turn_then_the_menu_is_next_within_two_seconds(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        lost_at = system.now()
        await agent.die()
        await system.hears_beginning(caller, system.prompt("menu_language", "es"))
        assert (system.now() - lost_at).total_seconds() <= 2
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "failed"


async def test_when_the_process_stalls_or_is_not_there_then_the_menu_is_next(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        agent.stall()
        stalled_at = system.now()
        await system.hears_beginning(caller, system.prompt("menu_language", "es"))
        assert (system.now() - stalled_at).total_seconds() <= 3
        await caller.hang_up()
    async with system.caller() as caller:
        await system.dial(caller)
        await system.hears_beginning(caller, system.prompt("menu_language", "es"))
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.outcome == "gave_up"


async def test_a_refused_talk_is_the_menus(system: Seam, agent: ScriptedVoice) -> None:
    agent.refuses = "The recognizer has too much to do."
    async with system.caller() as caller:
        await system.dial(caller)
        await system.hears_beginning(caller, system.prompt("menu_language", "es"))
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_the_language_model_is_dead_then_the_rules_lead_the_talk(system: Seam, agent: ScriptedVoice) -> None:
    dead = f'[ai]\nllm_url = "http://127.0.0.1:{unused_port()}/v1"\n'
    async with system.with_setting("[ports]", f"{dead}[ports]"), system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        assert "another way" in await ask(system, agent, "So the flibber thing we were wondering.")
        assert "open" in await ask(system, agent, "What are your office hours?")
        await agent.talk.caller_says("Thank you, goodbye.")
        await caller.wait_for("CALL_CLOSED", seconds=60)
        found = await record(system, caller.user)
    assert found.outcome == "answered"
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "finished"


async def test_when_the_app_is_killed_in_a_turn_then_the_talk_goes_on(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("What are your office hours?")
        await says(system, agent, "open")
        await system.stop_app()
        await system.pass_time(3)
        await system.start_app()
        await system.until(lambda: len(agent.talks) == 2, "a second talk")
        await says(system, agent, "help")
        await agent.talk.caller_says("Thank you, goodbye.")
        await caller.wait_for("CALL_CLOSED", seconds=60)
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    numbers = [turn.number for turn in found.voice_talk.turns]
    assert numbers == sorted(set(numbers))
    assert found.voice_talk.why_ended == "finished"
    assert found.outcome == "answered"


async def test_a_link_is_texted_while_the_caller_is_on_the_line_and_once(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("Can you text me the listings?")
        await says(system, agent, "text")
        text = await system.carrier.text_to(caller.user)
        await agent.talk.caller_says("Please text me the listings again.")
        await system.until(lambda: sum("text" in one for one in agent.talk.said) > 1, "a second answer")
        assert (await system.call_from(caller.user)).outcome is None, "they are still on the line"
        await caller.hang_up()
        found = await record(system, caller.user)
        assert len(await system.texts_of(caller.user)) == 1
    assert "Elm Street Apartments" in text
    assert found.outcome == "got_link"
    assert found.voice_talk is not None
    done = [(turn.text, turn.result) for turn in found.voice_talk.turns if turn.who == "act"]
    assert done[0] == ("text the link to listings elm", "done")
    [task] = await system.tasks_of(await system.call_from(caller.user))
    assert (task.kind, task.owner.slug) == ("follow_up", "alice")


async def test_who_wants_no_texts_gets_none_any_more(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await ask(system, agent, "Stop texting me.")
        await caller.hang_up()
        await record(system, caller.user)
        [entry] = await system.all(select(OptOut).where(OptOut.number == caller.user))
        texts = await system.texts_of(caller.user)
    assert "said in call" in entry.evidence
    assert "stop texting me" in entry.evidence
    assert [one.state for one in texts if one.state not in ("blocked",)] == []


async def test_what_the_caller_confirms_is_on_their_card(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        assert "Dana Fields" in await ask(system, agent, "My name is Dana Fields.")
        await ask(system, agent, "Yes, that's right.")
        await caller.hang_up()
        found = await record(system, caller.user)
        lead = await system.lead_of(caller.user)
    assert lead is not None
    assert lead.name == "Dana Fields"
    assert found.voice_talk is not None
    assert [turn.result for turn in found.voice_talk.turns if turn.who == "act"] == ["done"]


async def test_a_tour_is_booked_in_words(system: Seam, agent: ScriptedVoice) -> None:
    async with shown_at_every_hour(system), system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await ask(system, agent, "I would like to come and see an apartment tomorrow morning.")
        await ask(system, agent, "The first one, please.")
        await ask(system, agent, "Yes.")
        await caller.hang_up()
        found = await record(system, caller.user)
        tours = await system.all(select(Tour).where(Tour.call_id == found.id))
    assert [tour.booked_by for tour in tours] == ["voice agent"], agent.talk.said
    assert found.outcome == "booked"
    assert await system.tasks_of(await system.call_from(caller.user)) == []


async def test_where_calls_are_recorded_the_first_sentence_says_so_and_then_it_is(
    system: Seam, agent: ScriptedVoice
) -> None:
    with system.store.writing() as session:
        session.execute(update(Property).values(recording="announced"))
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated", "recorded")
        await says(system, agent, "help")
        await system.until(lambda: bool(system.pbx.recordings), "a recording")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert [one.mode for one in found.recordings] == ["announced"]
    announced = next(event.at for event in found.events if event.kind == "RecordingAnnounced")
    assert announced <= found.recordings[0].started_at


async def test_when_the_database_is_away_in_a_turn_then_the_caller_is_not_lost(
    system: Seam, agent: ScriptedVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")

        def away(*_: object) -> None:
            raise Unavailable("The database does not answer.", code="store_away")

        monkeypatch.setattr(facts, "think", away)
        await agent.talk.caller_says("What are your office hours?")
        await system.hears_beginning(caller, system.prompt("menu"))
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "failed"


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyError("sentence")])
async def test_when_the_policy_fails_then_the_menu_is_next(
    system: Seam, agent: ScriptedVoice, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")

        def fails(*_: object) -> None:
            raise error

        monkeypatch.setattr(policy, "turn", fails)
        await agent.talk.caller_says("What are your office hours?")
        await system.hears_beginning(caller, system.prompt("menu"))
        await caller.hang_up()
        await record(system, caller.user)


async def test_silence_is_asked_about_and_then_a_person_takes_over(system: Seam, agent: ScriptedVoice) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "help")
        await agent.talk.is_quiet(8.0)
        await says(system, agent, "still there")
        await agent.talk.is_quiet(20.0)
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "silence"


async def test_the_agents_phone_shows_what_the_caller_looks_for(system: Seam, agent: ScriptedVoice) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await ask(system, agent, "Do you have a two bedroom, and can I bring my dog?")
        await agent.talk.caller_says("I want to talk to a person.")
        await alice.wait_for("CALL_INCOMING")
        leg = next(one for one in system.pbx.channels.values() if one.endpoint == "alice-desk")
        assert "2 bedrooms with dog" in str(leg.variables)
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert "2 bedrooms" in found.voice_talk.summary


async def test_who_speaks_spanish_is_answered_in_it_and_gets_texts_in_it(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("¿Cuál es el horario de la oficina?", language="es", confidence=0.95)
        await says(system, agent, "oficina")
        await caller.hang_up()
        await record(system, caller.user)
        lead = await system.lead_of(caller.user)
    assert lead is not None
    assert lead.language == "es"


async def test_who_has_a_tour_booked_gets_the_menu(system: Seam, agent: ScriptedVoice) -> None:
    number = system.new_number()
    await system.add_lead(number)
    with system.store.writing() as session:
        lead = session.scalars(select(Lead).join(LeadPhone).where(LeadPhone.number == number)).one()
        elm = session.scalars(select(Property).where(Property.slug == "elm")).one()
        lead.interests.append(Interest(property_id=elm.id, stage=LeasingStage.SHOWING_BOOKED, updated_at=system.now()))
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.hears_beginning(caller, system.prompt("menu"))
        await caller.hang_up()
        found = await record(system, number)
    assert found.voice_talk is None
    assert agent.talks == []


async def test_an_emergency_is_urgent_whatever_the_hour(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("I smell gas in my apartment!")
        await system.recording(caller.user)
        await caller.say(system.spoken("There is a strong smell of gas in apartment five."))
        await caller.wait_for("CALL_CLOSED", seconds=60)
        call = await system.ended_call(caller.user)
        [task] = await system.tasks_of(call)
    assert task.why.startswith("Emergency in a home: ")
    assert task.due_at <= call.ended_at


async def test_a_key_counts_although_the_voice_process_is_gone(system: Seam, agent: ScriptedVoice) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "help")
        agent.stall()
        await caller.press("0")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "key"


async def test_on_a_line_for_all_properties_the_call_is_about_the_one_they_ask_for(
    system: Seam, agent: ScriptedVoice
) -> None:
    central = "+15125550188"
    await system.store.run(lines.add, system.by, system.config, central, ai_answers="always")
    async with system.phone("bob-desk"), system.caller() as caller:
        await system.dial(caller, central)
        await says(system, agent, "automated")
        await ask(system, agent, "How much is a one bedroom at Lakeside?")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.property == "lakeside"


async def test_greetings_and_what_never_changes_are_rendered_before_anybody_calls(
    system: Seam, agent: ScriptedVoice
) -> None:
    greeting = "Thank you for calling Elm Street Apartments. I'm an automated assistant."
    await system.until(lambda: (greeting, "en") in agent.warmed, "the greeting is rendered", seconds=90)
    await system.until(lambda: ("How can I help you today?", "en") in agent.warmed, "and the rest", seconds=90)
    before = len(agent.warmed)
    await system.pass_time(120)
    assert len(agent.warmed) == before, "once, as long as nothing changes"
    await system.store.run(properties.change, system.by, "elm", name="Elm Gardens")
    await system.until(lambda: any("Elm Gardens" in text for text, _ in agent.warmed), "the new name", seconds=90)


async def test_what_is_said_of_homes_is_rendered_and_removed_when_they_change(
    system: Seam, agent: ScriptedVoice
) -> None:
    def rendered(rent: str) -> Callable[[], bool]:
        return lambda: any(rent in text for text, _ in agent.warmed)

    await system.store.run(
        profiles.change,
        system.by,
        "elm",
        {"street": "12 Elm Street", "city": "Austin", "state": "tx", "postal_code": "78701"},
    )
    await system.store.run(profiles.publish, system.by, "elm")
    cells = {"bedrooms": "1", "bathrooms": "1", "rent": "1357", "available_on": "2026-03-01"}
    home = await system.store.run(homes.add, system.by, "elm", "901", cells)
    await system.store.run(homes.publish, system.config, system.by, [home.id])
    await system.until(rendered("$1,357"), "its rent is rendered", seconds=90)
    await system.until(lambda: (system.config.run_folder / warm_sentences.KEPT).exists(), "all are", seconds=900)
    await system.store.run(homes.change, system.by, home.id, {"rent": "1468"})
    await system.until(rendered("$1,468"), "the new rent is", seconds=90)
    await system.until(lambda: any("$1,357" in text for text, _ in agent.forgotten), "the old is gone", seconds=900)
    assert not any("$1,468" in text for text, _ in agent.forgotten)


async def test_a_colleague_who_watches_takes_the_caller(system: Seam, agent: ScriptedVoice) -> None:
    async with watching(system) as watcher, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await ask(system, agent, "What are your office hours?")
        await watcher.call("voice_agent", is_waiting=True)
        assert await watcher.act("pick_up", agent="carol") == ""
        await carol.wait_for("CALL_INCOMING")
        await ask(system, agent, "Do you allow dogs?")  # The talk goes on while the phone rings.
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.outcome == "talked"
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "taken"
    assert found.voice_talk.summary
    assert [leg.agent for leg in found.legs] == ["carol"]
