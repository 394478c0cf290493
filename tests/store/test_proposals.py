"""What comes in may contradict what is known of the person it seems to come from: a person decides."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened
from crm.domain.merging import ProposalReason
from crm.services.arrivals import forms
from crm.services.arrivals.forms import FormKind, SentForm
from crm.services.audit import By
from crm.services.people import intake, merging, proposals, unmerging
from crm.services.people.intake import Introduced
from crm.store.models import Agent, ArrivalRecord, Lead, LeadProposal, Mail, Property, Task, Unit
from crm.store.session import Store
from crm.views import leads as views
from crm.views import proposals as shown
from tests.store import rows
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
CONFIG = Config(Path("/nowhere"))
PAT, SAM = "+15125550188", "+15125550189"
PAT_SMITH = Introduced("Pat Smith", "pat@example.com", PAT)


def introduce(store: Store, *people: Introduced) -> list[int]:
    found = []
    for who in people:
        with store.writing() as session:
            found.append(intake.introduced(session, CONFIG, who, NOW).id)
    return found


def open_ones(store: Store) -> list[tuple[int, int, str]]:
    with store.reading() as session:
        return [(one.lead, one.other, one.reason) for one in shown.listed(session)]


def test_the_same_phone_with_other_name_and_email_is_proposed_and_nothing_is_lost(store: Store) -> None:
    pat, chris = introduce(store, PAT_SMITH, Introduced("Chris Jones", "chris@example.com", PAT))
    assert pat != chris
    assert open_ones(store) == [(pat, chris, ProposalReason.SAME_PHONE)]
    with store.reading() as session:
        known, new = views.one(session, pat, NOW), views.one(session, chris, NOW)
        assert (known.name, known.email, known.phones) == ("Pat Smith", "pat@example.com", [PAT])
        assert (new.name, new.email, new.phones) == ("Chris Jones", "chris@example.com", [])
        [proposal] = shown.listed(session)
        for said in ("Chris Jones", "chris@example.com", PAT, "Pat Smith"):
            assert said in proposal.said
        for one in (known, new):
            assert [entry.kind for entry in one.timeline] == [Happened.IDENTITY]


def test_chatwoot_2811_the_same_email_with_other_name_and_phone_is_proposed_and_nothing_is_lost(store: Store) -> None:
    pat, chris = introduce(store, PAT_SMITH, Introduced("Chris Jones", "Pat@Example.com", SAM))
    assert open_ones(store) == [(pat, chris, ProposalReason.SAME_EMAIL)]
    with store.reading() as session:
        known, new = views.one(session, pat, NOW), views.one(session, chris, NOW)
        assert (known.name, known.email, known.phones) == ("Pat Smith", "pat@example.com", [PAT])
        assert (new.name, new.email, new.phones) == ("Chris Jones", "Pat@Example.com", [SAM])


def test_two_leads_found_by_the_halves_of_one_arrival_are_proposed(store: Store) -> None:
    pat, sam = introduce(store, Introduced("", "pat@example.com"), Introduced("", "", PAT))
    [found] = introduce(store, PAT_SMITH)
    assert found == pat, "their address says whose it is"
    assert open_ones(store) == [(pat, sam, ProposalReason.BOTH_NAMED)]
    with store.reading() as session:
        assert views.one(session, pat, NOW).phones == []
        assert views.one(session, sam, NOW).phones == [PAT]


@pytest.mark.parametrize(
    "again",
    [
        Introduced("Pat Smith", "pat@example.com", PAT),
        Introduced("Patricia Smith", "smith@example.com", PAT),
        Introduced("Smith, Pat", "PAT@example.com", SAM),
        Introduced("", "other@example.com", PAT),
        Introduced("Chris Jones", "", PAT),
        Introduced("Chris Jones", "pat@example.com"),
    ],
    ids=["all the same", "short name", "new number", "no name", "only another name", "another name by mail"],
)
def test_what_contradicts_nothing_joins(store: Store, again: Introduced) -> None:
    first, second = introduce(store, PAT_SMITH, again)
    assert first == second
    assert open_ones(store) == []
    with store.reading() as session:
        assert views.one(session, first, NOW).name == "Pat Smith"


def test_who_was_known_by_number_alone_gets_name_and_address(store: Store) -> None:
    with store.writing() as session:
        known = intake.by_number(session, PAT, NOW).id
    assert introduce(store, PAT_SMITH) == [known]
    with store.reading() as session:
        found = views.one(session, known, NOW)
        assert (found.name, found.email) == ("Pat Smith", "pat@example.com")
    assert open_ones(store) == []


def test_another_name_that_was_given_is_in_the_timeline_once(store: Store) -> None:
    chris = Introduced("Chris Jones", "", PAT)
    [lead, *_] = introduce(store, PAT_SMITH, chris, chris)
    with store.reading() as session:
        assert [one.text for one in rows.timeline(session, lead)] == ["Gave the name Chris Jones."]


def test_a_pair_is_proposed_once_and_never_again_once_somebody_has_decided(store: Store) -> None:
    chris = Introduced("Chris Jones", "chris@example.com", PAT)
    introduce(store, PAT_SMITH, chris, chris)
    pat, sam = introduce(store, Introduced("", "chris@example.com"), Introduced("", "pat@example.com", PAT))
    with store.reading() as session:
        [proposal] = session.scalars(select(LeadProposal)).all()
    with store.writing() as session:
        proposals.dismiss(session, BY, proposal.id)
    introduce(store, chris, Introduced("", "chris@example.com", PAT))
    assert open_ones(store) == []
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(LeadProposal)) == 1
        for lead in (pat, sam):
            last = rows.timeline(session, lead)[-1]
            assert (last.text.startswith("Is not the same person as lead"), last.by) == (True, "alice")


def test_what_is_decided_or_unknown_cannot_be_dismissed(store: Store) -> None:
    introduce(store, PAT_SMITH, Introduced("Chris Jones", "chris@example.com", PAT))
    with store.writing() as session:
        proposals.dismiss(session, BY, 1)
    with pytest.raises(Conflict, match="was already dismissed"), store.writing() as session:
        proposals.dismiss(session, BY, 1)
    with pytest.raises(NotFound), store.writing() as session:
        proposals.dismiss(session, BY, 2)


def test_a_merge_decides_what_was_proposed_and_undone_it_is_open_again(store: Store, config: Config) -> None:
    pat, chris = introduce(store, PAT_SMITH, Introduced("Chris Jones", "chris@example.com", PAT))
    with store.writing() as session:
        kim = intake.by_number(session, SAM, NOW)
        for lead in (pat, chris):
            proposals.propose(session, kim, session.get_one(Lead, lead), ProposalReason.SAME_HOME, "Both ask.", NOW)
        kim_id = kim.id
    before = open_ones(store)
    assert len(before) == 3
    with store.writing() as session:
        merging.merge(session, config, BY, str(pat), str(chris))
    assert open_ones(store) == [(pat, kim_id, ProposalReason.SAME_HOME)], "what was proposed of both is proposed once"
    with store.writing() as session:
        unmerging.unmerge(session, config, BY, chris)
    assert open_ones(store) == before


# --- through the doors ---


def sent(key: str, **given: object) -> SentForm:
    form: dict[str, object] = {"kind": FormKind.QUESTION, "key": key, "message": "Is it free?"}
    return SentForm(**form | given)  # type: ignore[arg-type]


def accept(store: Store, config: Config, form: SentForm) -> int:
    crm = crm_at(config, store)
    with store.writing() as session:
        return forms.accept(session, config, crm.secrets, BY, form).lead_id


def test_a_form_from_a_known_person_is_never_dropped(store: Store, config: Config) -> None:
    written = [
        sent("1", name="Pat Smith", email="pat@example.com", phone="512-555-0188", message="One"),
        sent("2", name="Pat Smith", email="pat@example.com", phone="512-555-0188", message="Two"),
        sent("3", name="Chris Jones", email="chris@example.com", phone="512-555-0188", message="Three"),
        sent("4", name="Chris Jones", email="pat@example.com", phone="512-555-0190", message="Four"),
    ]
    whose = [accept(store, config, form) for form in written]
    assert whose[0] == whose[1]
    assert len(set(whose)) == 3
    with store.reading() as session:
        told = [entry.text for lead in set(whose) for entry in rows.timeline(session, lead)]
        for words in ("One", "Two", "Three", "Four"):
            assert any(text.endswith(words) for text in told), words
        raw = [record.raw["message"] for record in session.scalars(select(ArrivalRecord).order_by(ArrivalRecord.id))]
        assert raw == ["One", "Two", "Three", "Four"]


def test_espocrm_406_a_number_in_six_notations_finds_one_lead(store: Store, config: Config) -> None:
    notations = ("5125550188", "(512) 555-0188", "512.555.0188", "+1 512 555 0188", "1-512-555-0188", "512 555 0188")
    whose = {accept(store, config, sent(str(n), name="Pat", phone=raw)) for n, raw in enumerate(notations)}
    assert len(whose) == 1


def test_our_own_number_never_becomes_a_lead(store: Store, config: Config) -> None:
    lead = accept(store, config, sent("1", name="Pat", email="pat@example.com", phone="(512) 555-0100"))
    with store.reading() as session:
        assert views.one(session, lead, NOW).phones == []
    assert open_ones(store) == []


def test_whoever_gets_the_task_hears_of_the_proposal(store: Store, config: Config) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@oak.example"
    pat = accept(store, config, sent("1", name="Pat Smith", email="pat@example.com", phone="512-555-0188"))
    accept(store, config, sent("2", name="Chris Jones", email="chris@example.com", phone="512-555-0188"))
    with store.reading() as session:
        [_, task] = session.scalars(select(Task).order_by(Task.id)).all()
        assert task.why.endswith(f"May be lead {pat}.")
        assert session.scalars(select(Mail).order_by(Mail.id)).all()[-1].body.count(f"May be lead {pat}.") == 1


def test_names_alike_that_ask_about_the_same_home_are_proposed(store: Store, config: Config) -> None:
    with store.writing() as session:
        maple = session.scalars(select(Property)).one()
        units = [Unit(property_id=maple.id, name=name, bedrooms=1, bathrooms=1) for name in ("1A", "2B")]
        session.add_all(units)
        session.flush()

        def ask(name: str, address: str, unit: Unit) -> int:
            now = NOW + timedelta(seconds=len(session.scalars(select(Lead.id)).all()))
            lead = intake.introduced(session, CONFIG, Introduced(name, address), now)
            intake.interest_in(lead, maple.id, now).unit_id = unit.id
            session.flush()
            proposals.look_for_alike(session, lead, maple, now)
            return lead.id

        first = ask("Pat Smyth", "pat@example.com", units[0])
        second = ask("Pat Smith", "smith@example.com", units[0])
        ask("Pat Smith", "p@example.com", units[1])
        ask("Chris Jones", "c@example.com", units[0])
    assert open_ones(store) == [(first, second, ProposalReason.SAME_HOME)]


def test_looking_for_names_alike_reads_few_leads_however_many_there_are(store: Store) -> None:
    with store.writing() as session:
        maple = session.scalars(select(Property)).one()
        unit = Unit(property_id=maple.id, name="1A", bedrooms=1, bathrooms=1)
        session.add(unit)
        session.flush()
        for n in range(proposals.LOOKED_AT + 5):
            lead = intake.introduced(
                session, CONFIG, Introduced("Pat Smith" if n == 0 else f"{n}", f"{n}@example.com"), NOW
            )
            intake.interest_in(lead, maple.id, NOW).unit_id = unit.id
        new = intake.introduced(session, CONFIG, Introduced("Pat Smith", "new@example.com"), NOW)
        intake.interest_in(new, maple.id, NOW).unit_id = unit.id
        session.flush()
        proposals.look_for_alike(session, new, maple, NOW)
        assert session.scalars(select(LeadProposal)).all() == [], "the first is too long ago"
