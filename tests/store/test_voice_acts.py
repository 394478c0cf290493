"""What the voice agent does for a caller: once, checked again, and never what they did not ask for."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import CallStep
from crm.domain.conversation import ActResult, BookTour, LinkKind, SendLink, StopTexts, UpdateLead
from crm.domain.heard import CardField
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.calls import voice_acts
from crm.services.calls.voice_acts import Caller
from crm.services.people import opt_outs
from crm.services.tours import times
from crm.store.models import Call, Interest, Lead, LeadPhone, Message, OptOut, Property, ShortLink, Tour
from crm.store.session import Store
from tests.store import rows
from tests.store.conftest import Shared
from tests.store.talk_office import CALLER, ELM_LINE, NOW, TalkOffice, talk_office
from tests.store.test_ledger import CallMaker, record

pytestmark = pytest.mark.store

BY = By(voice_acts.BY, NOW)
HERE = Caller("c1", CALLER, ELM_LINE, "en")
WITHHELD = Caller("c1", None, ELM_LINE, "en")
MOBILE = "+15125550177"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


async def on_the_line(store: Store, config: Config, caller: str | None) -> CallMaker:
    call = CallMaker(did=ELM_LINE, caller=caller, begins=NOW).step(CallStep.VOICE_AGENT)
    await record(store, config, call.facts)
    return call


def send(office: TalkOffice, caller: Caller, **fields: object) -> ActResult:
    act = SendLink(**{"kind": LinkKind.LISTINGS, "property": "elm", **fields})  # type: ignore[arg-type]
    return office.store.run_blocking(voice_acts.send_link, office.config, BY, caller, act)


async def test_a_link_is_sent_once_and_another_kind_of_link_too(
    store: Store, config: Config, office: TalkOffice
) -> None:
    await on_the_line(store, config, CALLER)
    listing = office.ids["elm 204"]
    assert send(office, HERE) is ActResult.DONE
    assert send(office, HERE) is ActResult.ALREADY
    assert send(office, HERE, kind=LinkKind.TOURS) is ActResult.DONE
    assert send(office, HERE, kind=LinkKind.APPLICATION, listing=listing) is ActResult.DONE
    assert send(office, HERE, kind=LinkKind.HOME, listing=listing) is ActResult.DONE
    sent = await store.read(rows.texts)
    with store.reading() as session:
        paths = session.scalars(select(ShortLink.path).order_by(ShortLink.made_at, ShortLink.path)).all()
    assert sorted(paths) == sorted(
        ["/properties/elm", "/properties/elm/tour", f"/homes/{listing}/apply", f"/homes/{listing}"]
    )
    assert {(text.to_number, text.from_number, text.call_id) for text in sent} == {(CALLER, ELM_LINE, "c1")}
    assert all("https://homes.example.com/l/" in text.body for text in sent)


async def test_a_home_that_is_not_public_is_not_linked(store: Store, config: Config, office: TalkOffice) -> None:
    await on_the_line(store, config, CALLER)
    assert send(office, HERE, kind=LinkKind.HOME, listing=99_999) in (ActResult.DONE, ActResult.REFUSED)
    with store.reading() as session:
        assert "/homes/99999" not in session.scalars(select(ShortLink.path)).all()


async def test_who_cannot_be_texted_is_asked_for_a_mobile(store: Store, config: Config, office: TalkOffice) -> None:
    call = await on_the_line(store, config, None)
    assert send(office, WITHHELD) is ActResult.NEEDS_MOBILE
    assert send(office, WITHHELD, number=ELM_LINE) is ActResult.NEEDS_MOBILE, "one of our own lines"
    assert send(office, WITHHELD, number="+442079460000") is ActResult.NEEDS_MOBILE, "a landline"
    assert send(office, WITHHELD, number=MOBILE) is ActResult.DONE
    assert send(office, WITHHELD, number=MOBILE) is ActResult.ALREADY
    await record(store, config, call.ended())
    [lead] = await store.read(rows.leads)
    assert [phone.number for phone in lead.phones] == [MOBILE]
    [found] = await store.read(rows.calls)
    assert found.lead_id == lead.id


async def test_the_gate_decides_while_the_caller_can_be_told(store: Store, config: Config, office: TalkOffice) -> None:
    await on_the_line(store, config, CALLER)
    store.run_blocking(opt_outs.add, config, By("dana", NOW), CALLER, why="They said so.")
    assert send(office, HERE) is ActResult.REFUSED
    assert await store.read(rows.texts) == []


async def test_who_stops_texts_gets_none(store: Store, config: Config, office: TalkOffice) -> None:
    await on_the_line(store, config, CALLER)
    stop = StopTexts("please stop texting me")
    assert store.run_blocking(voice_acts.stop_texts, config, BY, HERE, stop) is ActResult.DONE
    assert store.run_blocking(voice_acts.stop_texts, config, BY, HERE, stop) is ActResult.ALREADY
    with store.reading() as session:
        [entry] = session.scalars(select(OptOut)).all()
    assert (entry.number, entry.scope) == (CALLER, "texts")
    assert "c1" in entry.evidence
    assert "please stop texting me" in entry.evidence
    assert send(office, HERE) is ActResult.REFUSED
    assert store.run_blocking(voice_acts.stop_texts, config, BY, WITHHELD, stop) is ActResult.ALREADY


async def test_what_was_confirmed_is_on_the_card(store: Store, config: Config, office: TalkOffice) -> None:
    call = await on_the_line(store, config, CALLER)
    listing = office.ids["elm 204"]
    card = UpdateLead(
        {
            CardField.NAME: "Ann Nguyen",
            "email": "ann@example.com",
            CardField.BEDROOMS: "2",
            CardField.MOVE_IN: "2026-05-01",
            CardField.BUDGET: "1700",
            CardField.PETS: "dog",
        },
        (("elm", listing), ("maple", None), ("gone", None)),
    )
    for _ in range(2):
        assert store.run_blocking(voice_acts.update_lead, config, BY, HERE, card) is ActResult.DONE
    await record(store, config, call.ended())
    [lead] = await store.read(rows.leads)
    assert (lead.name, lead.email, lead.bedrooms, lead.budget, lead.pets) == (
        "Ann Nguyen",
        "ann@example.com",
        2,
        1700,
        "dog",
    )
    assert str(lead.move_in_on) == "2026-05-01"
    assert [phone.number for phone in lead.phones] == [CALLER]
    with store.reading() as session:
        wanted = select(Property.slug, Interest.unit_id).join(Property, Property.id == Interest.property_id)
        found = {row.slug: row.unit_id for row in session.execute(wanted)}
    assert found.keys() == {"elm", "maple"}
    assert found["elm"] is not None
    entries = [one.text for one in await store.read(rows.timeline, lead.id) if one.by == voice_acts.BY]
    assert len(entries) == 1, "the same, said twice, is one entry"


@pytest.mark.parametrize(
    "values",
    [
        {CardField.NUMBER: "12"},
        {CardField.NUMBER: ELM_LINE},
        {CardField.BEDROOMS: "ninety"},
        {CardField.MOVE_IN: "soon"},
        {CardField.BUDGET: "-5"},
        {"email": "not an address"},
    ],
)
async def test_what_cannot_be_right_is_refused_with_all_that_comes_with_it(
    store: Store, config: Config, office: TalkOffice, values: dict[str, str]
) -> None:
    await on_the_line(store, config, CALLER)
    act = UpdateLead({**values, CardField.NAME: "Ann Nguyen"}, ())
    assert store.run_blocking(voice_acts.update_lead, config, BY, HERE, act) is ActResult.REFUSED
    with store.reading() as session:
        assert "Ann Nguyen" not in session.scalars(select(Lead.name)).all()


async def test_a_known_lead_keeps_their_name_and_another_one_is_on_the_timeline(
    store: Store, config: Config, office: TalkOffice
) -> None:
    with store.writing() as session:
        phones = [LeadPhone(number=CALLER)]
        session.add(Lead(status="new", created_at=NOW, phones=phones, interests=[], name="Ann Nguyen"))
    await on_the_line(store, config, CALLER)
    act = UpdateLead({CardField.NAME: "Bob Stone"})
    assert store.run_blocking(voice_acts.update_lead, config, BY, HERE, act) is ActResult.DONE
    [lead] = await store.read(rows.leads)
    assert lead.name == "Ann Nguyen"
    assert any("Bob Stone" in one.text for one in await store.read(rows.timeline, lead.id))


async def test_a_tour_is_booked_once_and_a_time_that_is_gone_is_said_to_be(
    store: Store, config: Config, office: TalkOffice
) -> None:
    await on_the_line(store, config, CALLER)
    secrets = Secrets(config.secrets_file)
    free = await store.read(times.free, config, "elm", NOW)

    def book(caller: Caller, at: datetime, number: str | None = None) -> voice_acts.TourAct:
        act = BookTour("elm", at, "accompanied", number)
        return store.run_blocking(voice_acts.book_tour, config, secrets, BY, caller, act)

    first = free[0].starts_at
    assert book(WITHHELD, first).result is ActResult.NEEDS_MOBILE
    done = book(HERE, first)
    assert done.result is ActResult.DONE
    assert book(HERE, first) == voice_acts.TourAct(ActResult.ALREADY, done.tour_id)
    other = Caller("c2", "+15125550199", ELM_LINE, "en")
    assert book(other, first).result is ActResult.TAKEN
    assert book(other, NOW).result is ActResult.TAKEN, "no time of ours"
    with store.reading() as session:
        [tour] = session.scalars(select(Tour)).all()
        assert (tour.booked_by, tour.call_id) == (voice_acts.BY, "c1")
        assert session.scalars(select(Message.to_number).distinct()).all() == [CALLER]


async def test_acts_of_a_call_that_is_not_on_record_yet_are_not_lost(
    store: Store, config: Config, office: TalkOffice
) -> None:
    assert send(office, HERE) is ActResult.DONE
    call = await on_the_line(store, config, CALLER)
    await record(store, config, call.ended())
    [lead] = await store.read(rows.leads)
    [text] = await store.read(rows.texts)
    assert text.lead_id == lead.id
    with store.reading() as session:
        assert session.scalars(select(Call.lead_id)).all() == [lead.id]
