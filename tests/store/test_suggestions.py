"""What a voicemail says about a lead is suggested for the card, and a person takes it over."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, EndedBy, VoicemailLeft
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.heard import Phrase
from crm.domain.mailboxes import TranscriptState
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import properties
from crm.services.people import leads, suggestions
from crm.services.voicemail import transcripts
from crm.services.voicemail.transcripts import Result
from crm.store.models import Agent, Lead, Mail, Suggestion, Task
from crm.store.session import Store
from crm.views import leads as views
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
SAID = (
    Phrase("Hi, this is Ann Carter.", 0.5, 2.5),
    Phrase("I need two bedrooms at Maple Court on May 1st, for under $1,500. We have a dog.", 3.0, 9.0),
    Phrase("Call me at 512-555-0123.", 10.0, 13.0),
)


async def left(store: Store, config: Config, call_id: str = "c1", said: tuple[Phrase, ...] = SAID) -> None:
    for fact in (
        CallArrived(f"{call_id}/a", call_id, NOW, "+15125550101", "+15125550177"),
        VoicemailLeft(f"{call_id}/m", call_id, NOW, f"{call_id}.wav", 13),
        CallEnded(f"{call_id}/e", call_id, NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)
    with store.writing() as session:
        transcripts.finish(session, config, call_id, Result(TranscriptState.DONE, said), NOW)


def open_ones(store: Store) -> dict[str, tuple[int, str]]:
    with store.reading() as session:
        found = session.scalars(select(Suggestion).where(Suggestion.state == "open").order_by(Suggestion.id))
        return {one.field: (one.id, one.value) for one in found}


async def test_what_was_said_waits_with_its_words_and_stands_in_the_task_and_the_mail(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@example.com"
    await left(store, config)
    assert {field: value for field, (_, value) in open_ones(store).items()} == {
        "name": "Ann Carter",
        "number": "5125550123",
        "property": "maple",
        "bedrooms": "2",
        "move_in": "2026-05-01",
        "budget": "1500",
        "pets": "dog",
    }
    with store.reading() as session:
        [task] = session.scalars(select(Task).where(Task.call_id == "c1"))
        [pets] = session.scalars(select(Suggestion).where(Suggestion.field == "pets"))
        bodies = session.scalars(select(Mail.body).where(Mail.voicemail_id == "c1")).all()
        [lead] = session.scalars(select(Lead))
    assert "They said: Ann Carter, 2 bedrooms, at maple, from 2026-05-01, up to $1500, dog" in task.why
    assert (pets.words, 7 <= pets.second <= 9) == ("a dog", True)
    assert bodies
    assert all("In short: Ann Carter, 2 bedrooms" in body for body in bodies)
    # Nothing is written into the card before somebody has decided.
    assert (lead.name, lead.bedrooms, lead.budget, lead.pets) == (None, None, None, "")


async def test_taken_over_it_stands_in_the_card_and_the_timeline_says_by_whom(store: Store, config: Config) -> None:
    await left(store, config)
    with store.writing() as session:
        suggestions.take(session, config, BY, [id for id, _ in open_ones(store).values()])
    with store.reading() as session:
        [lead_id] = session.scalars(select(Lead.id))
        card = views.one(session, lead_id, NOW)
    assert card.name == "Ann Carter"
    assert card.phones == ["+15125550177", "+15125550123"]
    assert [one.property for one in card.interests] == ["maple"]
    assert (card.bedrooms, card.move_in_on, card.budget, card.pets) == (2, date(2026, 5, 1), 1500, "dog")
    assert card.suggestions == []
    told = [entry for entry in card.timeline if entry.text.startswith("Taken over")]
    assert len(told) == 7
    assert {entry.by for entry in told} == {"alice"}


async def test_what_the_card_says_already_is_not_suggested_and_the_same_call_suggests_once(
    store: Store, config: Config
) -> None:
    await left(store, config)
    with store.writing() as session:
        suggestions.take(session, config, BY, [id for id, _ in open_ones(store).values()])
    await left(store, config, "c2", (*SAID, Phrase("Sorry, three bedrooms.", 14, 15)))
    assert {field: value for field, (_, value) in open_ones(store).items()} == {"bedrooms": "3"}


async def test_what_was_decided_stays_so_and_of_several_all_or_none_are_taken(store: Store, config: Config) -> None:
    await left(store, config)
    waiting = open_ones(store)
    with store.writing() as session:
        suggestions.dismiss(session, BY, [waiting["pets"][0]])
    with pytest.raises(Conflict, match="dismissed by alice"), store.writing() as session:
        suggestions.take(session, config, BY, [waiting["name"][0], waiting["pets"][0]])
    with pytest.raises(NotFound, match="no suggestion 999"), store.writing() as session:
        suggestions.take(session, config, BY, [999])
    assert "name" in open_ones(store)


async def test_a_number_of_somebody_else_is_refused_and_nothing_is_lost(store: Store, config: Config) -> None:
    await left(store, config)
    with store.writing() as session:
        leads.add(session, config, BY, phones=["5125550123"], name="Bea")
    number = open_ones(store)["number"][0]
    with pytest.raises(Conflict, match="number of lead"), store.writing() as session:
        suggestions.take(session, config, BY, [number])
    assert "number" in open_ones(store)


async def test_wishes_are_written_by_hand_and_taken_back(store: Store, config: Config) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, name="Pat")
        leads.change(
            session, config, BY, lead.id, bedrooms="studio", move_in="2026-06-01", budget="$1,450.00", pets="2 cats"
        )
        assert (lead.bedrooms, lead.move_in_on, lead.budget, lead.pets) == (0, date(2026, 6, 1), 1450, "2 cats")
        leads.change(session, config, BY, lead.id, bedrooms="", move_in="", budget="", pets="")
        assert (lead.bedrooms, lead.move_in_on, lead.budget, lead.pets) == (None, None, None, "")


@pytest.mark.parametrize("given", [{"bedrooms": "many"}, {"bedrooms": "21"}, {"budget": "free"}, {"move_in": "May"}])
async def test_wishes_that_are_none_are_refused(store: Store, config: Config, given: dict[str, str]) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, name="Pat")
    with pytest.raises(Invalid), store.writing() as session:
        leads.change(session, config, BY, lead.id, **given)  # type: ignore[arg-type]


async def test_a_property_is_heard_by_the_name_that_it_had_until_another_has_it(store: Store, config: Config) -> None:
    await store.run(properties.change, BY, "maple", name="The Larches")
    await left(store, config)
    assert open_ones(store)["property"][1] == "maple"
    await store.run(properties.add, BY, "new", name="Maple Court")
    await left(store, config, "c2")
    assert [value for _, value in properties_heard(store)] == ["maple", "new"]


def properties_heard(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        found = select(Suggestion.call_id, Suggestion.value).where(Suggestion.field == "property")
        return list(session.execute(found.order_by(Suggestion.id)))
