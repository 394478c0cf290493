"""Finding leads, on SQLite's FTS5 and PostgreSQL's tsvector and trigrams."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, select, text

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, EndedBy, VoicemailLeft
from crm.domain.errors import Invalid
from crm.domain.heard import Phrase
from crm.domain.leads import LeadFilter
from crm.domain.mailboxes import TranscriptState
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.people import leads
from crm.services.voicemail import retention, transcripts
from crm.services.voicemail.transcripts import Result
from crm.store.models import Activity, Lead
from crm.store.session import Store
from crm.views import leads as leads_view
from crm.views import search
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)


@pytest.fixture
async def people(store: Store, config: Config) -> dict[str, int]:
    known = {
        "pat": {"name": "Pat O'Neill", "phones": ["(512) 555-0188"], "email": "Pat.Oneill@example.com"},
        "zoe": {"name": "Zoë Ångström", "phones": ["512-555-0189"]},
        "sam": {"name": 'Sam "%_" Lee', "email": "sam+elm@example.org", "cold": True},
        "nobody": {"phones": ["+49 30 901820"]},
    }
    made = {}
    with store.writing() as session:
        for slug, given in known.items():
            lead, _ = leads.add(session, config, BY, **given)  # type: ignore[arg-type]
            made[slug] = lead.id
        leads.write_note(session, config, BY, str(made["zoe"]), "Has a golden retriever; asked about the dog park.")
        leads.write_note(session, config, BY, str(made["sam"]), "Wants parking for two cars.\nCafé nearby.")
        leads.write_note(session, config, BY, str(made["nobody"]), "Unit 204B, unlike 4711.")
    return made


@pytest.mark.each_database
@pytest.mark.parametrize(
    ("asked", "who", "where"),
    [
        ("5550188", ["pat"], "phone"),
        ("(512) 555-0188", ["pat"], "phone"),
        ("+1 512 555 0188", ["pat"], "phone"),
        ("1-512-555-0188", ["pat"], "phone"),
        ("512.555.018", ["zoe", "pat"], "phone"),
        ("0188", ["pat"], "phone"),
        ("901820", ["nobody"], "phone"),
        ("o'neill", ["pat"], "name"),
        ("PAT O", ["pat"], "name"),
        ("ström", ["zoe"], "name"),
        ('sam "%', ["sam"], "name"),
        ("oneill@ex", ["pat"], "email"),
        ("SAM+ELM@", ["sam"], "email"),
        ("golden retr", ["zoe"], "timeline"),
        ("park dog", ["zoe"], "timeline"),
        ("parking cars", ["sam"], "timeline"),
        ("café", ["sam"], "timeline"),
        ("204b", ["nobody"], "timeline"),
        ("unit 4711", ["nobody"], "timeline"),
        ("example", ["sam", "pat"], "email"),
        ("golden parking", [], ""),
        ("' OR 1=1 --", [], ""),
        ('name:* NEAR("x" AND', [], ""),
        ("*** )) ((( 100% \\ :*", [], ""),
    ],
)
async def test_people_are_found(store: Store, people: dict[str, int], asked: str, who: list[str], where: str) -> None:
    with store.reading() as session:
        hits = search.found(session, asked, NOW)
    assert [hit.lead.id for hit in hits] == [people[one] for one in who]
    assert {hit.found_in for hit in hits} == ({where} if where else set())
    assert all(hit.excerpt for hit in hits)


@pytest.mark.each_database
@pytest.mark.parametrize("many", [3, search.MOST_WORDS + 6])
async def test_a_word_that_is_begun_finds_each_that_begins_with_it_the_newest_first(
    store: Store, config: Config, people: dict[str, int], many: int
) -> None:
    with store.writing() as session:
        made = [leads.add(session, config, BY, name=f"N{n}")[0].id for n in range(many)]
        for n, lead in enumerate(made):
            leads.write_note(session, config, BY, str(lead), f"Wants a BALCONY{n} and a pool.")
            leads.write_note(session, config, BY, str(lead), f"Balcón{n}, patio.")
    for asked, found in (("pool balcony", made), ("balc", made), ("pool balcony1", [made[1], *made[10:20]])):
        with store.reading() as session:
            hits = search.found(session, asked, NOW, limit=200)
        assert [hit.lead.id for hit in hits] == found[::-1]
    with store.reading() as session:
        assert search.found(session, "pool balconyx", NOW) == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_on_sqlite_the_words_there_are_are_looked_up_rather_than_a_beginning(
    store: Store, people: dict[str, int]
) -> None:
    with store.reading() as session:
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *of: asked.append(str(of[3])))
        assert search.found(session, "dog park", NOW)
    assert any('"dog" AND ("park" OR "parking")' in one for one in asked)
    assert not any("*" in one for one in asked)


async def test_of_a_long_text_the_piece_with_the_words_is_shown(
    store: Store, config: Config, people: dict[str, int]
) -> None:
    long = "About nothing much. " * 60 + "They have a grand piano, and a cat. " + "And so on. " * 60
    with store.writing() as session:
        leads.write_note(session, config, BY, str(people["pat"]), long)
    with store.reading() as session:
        [hit] = search.found(session, "cat piano", NOW)
    assert "grand piano, and a cat" in hit.excerpt
    assert hit.excerpt.startswith("… ")
    assert len(hit.excerpt) < 200


async def test_too_little_is_not_searched_for(store: Store, people: dict[str, int]) -> None:
    for asked in ("", "  ", "ab", "1-2", "*** %%%"):
        with store.reading() as session, pytest.raises(Invalid):
            search.found(session, asked, NOW)


async def test_what_changes_is_found_as_it_is_now(store: Store, config: Config, people: dict[str, int]) -> None:
    with store.writing() as session:
        leads.change(session, config, BY, str(people["pat"]), name="Chris Doe", remove_phone="5125550188")
        leads.change(session, config, BY, str(people["zoe"]), add_phone="5125550188")
        session.execute(delete(Activity).where(Activity.text.like("%golden%")))

    def who(asked: str, wanted: LeadFilter = search.EVERYBODY) -> list[int]:
        with store.reading() as session:
            return [hit.lead.id for hit in search.found(session, asked, NOW, wanted)]

    assert who("o'neill") == []
    assert who("chris") == [people["pat"]]
    assert who("5550188") == [people["zoe"]]
    assert who("golden") == []
    assert who("example") == [people["sam"], people["pat"]]
    assert who("example", LeadFilter(type="cold")) == [people["sam"]]
    with store.writing() as session:
        session.delete(session.scalars(select(Lead).where(Lead.id == people["sam"])).one())
    assert who("example") == [people["pat"]]
    assert who("parking") == []


async def test_what_a_voicemail_says_is_found_until_retention_deletes_it(store: Store, config: Config) -> None:
    for fact in (
        CallArrived("c1/a", "c1", NOW, "+15125550100", "+15125550188"),
        VoicemailLeft("c1/m", "c1", NOW, "c1.wav", 9),
        CallEnded("c1/e", "c1", NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)
    said = Result(TranscriptState.DONE, [Phrase("Have you got room for a piano?", 0.0, 2.0)])
    await store.run(transcripts.finish, config, "c1", said, NOW)
    with store.reading() as session:
        [hit] = search.found(session, "piano", NOW)
        assert (hit.found_in, hit.at) == ("timeline", NOW)
        kinds = [entry.kind for entry in leads_view.timeline(session, hit.lead.id)]
        assert kinds == ["CallFromProspect", "Transcript"]
    later = NOW + timedelta(days=4000)
    gone = await retention.prune(crm_at(config, store, later), By("retention", later))
    assert [one.call for one in gone] == ["c1"]
    with store.reading() as session:
        assert search.found(session, "piano", later) == []


def test_somebody_is_found_behind_the_many_entries_of_somebody_else(
    store: Store, config: Config, people: dict[str, int]
) -> None:
    with store.writing() as session:
        for n in range(9):
            leads.write_note(session, config, BY, str(people["pat"]), f"The retriever again ({n}).")
    with store.reading() as session:
        hits = search.found(session, "retriever", NOW, limit=2)
    assert [hit.lead.id for hit in hits] == [people["pat"], people["zoe"]]


@pytest.mark.parametrize("newest", [1, 5, 100])
def test_a_word_is_found_the_newest_first_however_rare_it_is_among_the_newest_entries(
    store: Store, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(search, "NEWEST", newest)
    with store.writing() as session:
        session.add_all([Lead(id=n, created_at=NOW) for n in range(1, 9)])
        session.flush()
        for n in range(1, 61):
            words = "asked about parking" if n % 4 == 0 or n < 20 else "asked about the pool"
            session.add(Activity(key=f"note:{n}", lead_id=1 + n % 8, at=NOW, kind="Note", text=f"{words}, {n}.", by=""))
            session.flush()
    for asked, count in (("parking", 8), ("parking", 3), ("about park", 8), ("asked 16", 1)):
        with store.reading() as session:
            having = select(Activity.lead_id).where(Activity.text.contains("16" if "16" in asked else "parking"))
            rows = session.scalars(having.order_by(Activity.id.desc())).all()
            found = search.found(session, asked, NOW, limit=count)
        assert [hit.lead.id for hit in found] == list(dict.fromkeys(rows))[:count]


@pytest.mark.each_database
def test_where_hardly_any_entry_has_a_word_they_are_not_all_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NEWEST", 10)
    with store.writing() as session:
        session.add(Lead(id=1, created_at=NOW))
        session.flush()
        session.add_all(
            [Activity(key=f"note:{n}", lead_id=1, at=NOW, kind="Note", text="pool", by="") for n in range(50)]
        )
    with store.reading() as session:
        if session.get_bind().dialect.name != "postgresql":
            return
        # So few rows are read whole otherwise, whatever is asked.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        asked: list[tuple[str, Any]] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        assert search.found(session, "zork", NOW) == []
        of_words = [one for one in asked if search.VECTOR in one[0]]
        plans = [
            "\n".join(row[0] for row in session.connection().exec_driver_sql(f"EXPLAIN {statement}", values))
            for statement, values in of_words
        ]
    assert len(plans) == 2
    assert "search_activity" in plans[1]
    assert "pk_activity" not in plans[1]
