"""Keys of the API, answers that are given again, and what a reach lets through, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Reach, Scope
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeadFilter
from crm.domain.tours import TourKind
from crm.edge.carrier import IncomingText
from crm.secrets import Secrets
from crm.services.access import answers, keys
from crm.services.access.answers import GivenAnswer
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.people import leads as people
from crm.services.texts import messages as texts
from crm.services.tours import booking, times
from crm.store.models import ApiKey, KeptAnswer, Line, Property, Subteam
from crm.store.session import Store
from crm.views import access, calls, leads, listings, messages, search, tasks, tours
from crm.views import properties as property_views
from tests.store.conftest import NOW
from tests.store.test_ledger import CallMaker, record

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
MAPLE_LINE, OAK_LINE = "+15125550100", "+15125550102"
PAT, SAM = "+15125550188", "+15125550199"
"""Pat is interested in Maple Court and Oak Hill, Sam in Oak Hill."""


# --- keys ---


def add(store: Store, name: str = "site", **more: object) -> str:
    with store.writing() as session:
        return keys.add(session, BY, name, ["leads:read,tasks:write"], **more)[1]  # type: ignore[arg-type]


def known(store: Store, shown: str, now: datetime = NOW) -> keys.KnownKey | None:
    with store.reading() as session:
        return keys.known(session, shown, now)


def test_a_key_is_known_by_the_whole_of_it(store: Store) -> None:
    whole = add(store)
    found = known(store, whole)
    assert found is not None
    assert (found.name, found.scopes) == ("site", {Scope.LEADS_READ, Scope.TASKS_WRITE})
    assert found.reach == WHOLE_OFFICE
    other = "A" if whole[-1] != "A" else "B"
    for wrong in ("", whole[:-1], whole[:-1] + other, whole + "A", whole.lower(), "llk_00000000_" + whole[13:]):
        assert known(store, wrong) is None, wrong
    with store.reading() as session:
        row = session.scalars(select(ApiKey)).one()
        assert whole[13:] not in str(vars(row))


def test_a_key_that_is_revoked_or_expired_is_unknown(store: Store) -> None:
    whole, brief = add(store), add(store, "brief", expires_at=NOW + timedelta(hours=1))
    assert known(store, brief, NOW + timedelta(minutes=59))
    assert known(store, brief, NOW + timedelta(hours=1)) is None
    with store.writing() as session:
        keys.revoke(session, BY, "site")
    assert known(store, whole) is None
    with store.writing() as session:
        with pytest.raises(Conflict):
            keys.revoke(session, BY, "site")
        with pytest.raises(NotFound):
            keys.revoke(session, BY, "nobody")
        # The audit names it.
        with pytest.raises(Conflict):
            keys.add(session, BY, "site", ["leads:read"])
    with store.reading() as session:
        assert [one.name for one in access.keys(session, NOW)] == ["brief"]
        assert [one.state for one in access.keys(session, NOW, with_old=True)] == ["active", "revoked"]


def test_a_narrow_key_reaches_what_it_names_and_nothing_when_that_is_gone(store: Store) -> None:
    with store.writing() as session:
        team_id = session.scalar(select(Subteam.id).where(Subteam.slug == "east"))
        session.add(Property(slug="oak", name="Oak Hill", subteam_id=team_id))
    maple, team = add(store, property_slugs=["maple"]), add(store, "team", subteam_slugs=["east"])
    with store.reading() as session:
        ids = dict(session.execute(select(Property.slug, Property.id)).all())
    assert known(store, maple).reach.properties == {ids["maple"]}  # type: ignore[union-attr]
    assert known(store, team).reach.properties == {ids["maple"], ids["oak"]}  # type: ignore[union-attr]
    with store.writing() as session:
        session.get(Property, ids["oak"]).subteam_id = None  # type: ignore[union-attr]
        session.get(Property, ids["maple"]).subteam_id = None  # type: ignore[union-attr]
        session.flush()
        session.delete(session.scalars(select(Subteam).where(Subteam.slug == "east")).one())
    assert known(store, team).reach.properties == frozenset()  # type: ignore[union-attr]


def test_the_last_use_only_moves_forward(store: Store) -> None:
    whole = add(store)
    id = known(store, whole).id  # type: ignore[union-attr]
    for at, kept in ((NOW, NOW), (NOW - timedelta(hours=1), NOW), (NOW + timedelta(hours=1), NOW + timedelta(hours=1))):
        with store.writing() as session:
            keys.note_use(session, {id: at})
        assert known(store, whole).used_at == kept  # type: ignore[union-attr]


# --- answers ---


@pytest.mark.both_databases
def test_of_requests_by_one_name_that_come_at_once_one_acts(store: Store) -> None:
    add(store)
    acted, together, given = [], threading.Barrier(4), []

    def ask() -> None:
        def once(session: object) -> GivenAnswer:
            def act() -> GivenAnswer:
                acted.append(1)
                return GivenAnswer(201, "/leads/1", b"{}")

            return answers.once(session, 1, "name", "print", NOW, act)  # type: ignore[arg-type]

        together.wait()
        given.append(store.run_blocking(once))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.is_again for one in given) == [False, True, True, True]
    assert {one.body for one in given} == {b"{}"}
    with store.reading() as session:
        assert len(session.scalars(select(KeptAnswer)).all()) == 1


def test_another_request_by_the_same_name_is_refused_until_the_answer_is_forgotten(store: Store) -> None:
    add(store)

    def ask(fingerprint: str, now: datetime, body: bytes = b"1") -> bytes:
        with store.writing() as session:
            return answers.once(session, 1, "name", fingerprint, now, lambda: GivenAnswer(200, "", body)).body

    assert ask("print", NOW) == b"1"
    assert ask("print", NOW + timedelta(hours=23), b"2") == b"1"
    with pytest.raises(Invalid):
        ask("other", NOW)
    assert ask("other", NOW + answers.KEPT, b"3") == b"3"
    with store.writing() as session:
        assert answers.forget(session, NOW + answers.KEPT) == 0
        assert answers.forget(session, NOW + 2 * answers.KEPT) == 1


# --- reach ---


@pytest.fixture
async def two(store: Store, config: Config) -> tuple[Reach, Reach]:
    """What Maple Court and what Oak Hill reaches, after much has happened at both."""
    with store.writing() as session:
        oak = Property(slug="oak", name="Oak Hill")
        session.add(oak)
        session.add(Line(number=OAK_LINE, label="Oak sign", source="oak-sign", property=oak))
        session.flush()
        for slug in ("maple", "oak"):
            times.set_hours(session, BY, slug, ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
            homes.add(session, BY, slug, "1", {"rent": "900", "deposit": "9", "bedrooms": "1", "bathrooms": "1"})
        ids = [session.scalars(select(Property.id).where(Property.slug == slug)).one() for slug in ("maple", "oak")]
    for number, (person, line) in enumerate(((PAT, MAPLE_LINE), (PAT, OAK_LINE), (SAM, OAK_LINE))):
        await record(store, config, CallMaker(f"c{number}", did=line, caller=person, begins=NOW).ended())
        with store.writing() as session:
            told = IncomingText("sip", f"{number}", person, line, f"Wrote to {line}", at=NOW)
            texts.receive(session, config, told, NOW)
    at = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    for person, slug in ((PAT, "maple"), (PAT, "oak"), (SAM, "oak")):
        with store.writing() as session:
            # One after the other, because they may be at the same time.
            at += timedelta(hours=1)
            booking.book(
                session, config, Secrets(config.secrets_file), BY, person=person, property_slug=slug, at=at, key=str(at)
            )
    with store.writing() as session:
        people.write_note(session, config, BY, PAT, "Has a dog.")
    return Reach(frozenset(ids[:1])), Reach(frozenset(ids[1:]))


async def test_each_list_holds_what_is_within_reach(store: Store, two: tuple[Reach, Reach]) -> None:
    maple, oak = two
    with store.reading() as session:
        for reach, people_seen, seen in ((maple, 1, 1), (oak, 2, 2), (WHOLE_OFFICE, 2, 3)):
            found = leads.listed(session, NOW, reach=reach)
            assert len(found) == people_seen
            assert sum(len(one.interests) for one in found) == seen
            assert len(calls.listed(session, reach=reach)) == seen
            assert len(messages.listed(session, direction="in", reach=reach)) == seen
            assert len(tours.listed(session, since=NOW, reach=reach)) == seen
            assert len(listings.listed(session, NOW, reach=reach)) == (2 if reach is WHOLE_OFFICE else 1)
            assert len(property_views.listed(session, reach=reach)) == (2 if reach is WHOLE_OFFICE else 1)
            assert len(search.found(session, "called", NOW, reach=reach)) == people_seen
            # One task stands for all that somebody wrote, and is about the latest.
            owed = {one.lead for one in tasks.listed(session, NOW, reach=reach)}
            assert len(owed) == (0 if reach is maple else 2)


async def test_a_timeline_holds_the_person_and_what_is_within_reach(store: Store, two: tuple[Reach, Reach]) -> None:
    maple, oak = two
    with store.reading() as session:
        [pat] = leads.listed(session, NOW, reach=maple)

        def texts_of(reach: Reach) -> str:
            return "\n".join(one.text for one in leads.timeline(session, pat.id, reach=reach))

        whole = texts_of(WHOLE_OFFICE)
        assert all(word in whole for word in ("Has a dog.", "Maple Court", "Oak Hill", MAPLE_LINE, OAK_LINE))
        for reach, seen, unseen in ((maple, "Maple Court", "Oak Hill"), (oak, "Oak Hill", "Maple Court")):
            part = texts_of(reach)
            assert "Has a dog." in part
            assert seen in part
            assert unseen not in part
        assert MAPLE_LINE not in texts_of(oak)


async def test_what_is_out_of_reach_is_not_found(store: Store, two: tuple[Reach, Reach]) -> None:
    maple, oak = two
    with store.reading() as session:
        [pat] = leads.listed(session, NOW, reach=maple)
        [sam] = [one for one in leads.listed(session, NOW, reach=oak) if one.id != pat.id]
        for show in (
            lambda: leads.card(session, sam.id, NOW, maple),
            lambda: leads.surviving(session, sam.id, maple),
            lambda: calls.summary(session, "c2", maple),
            lambda: calls.summary(session, "c1", maple),
        ):
            with pytest.raises(NotFound):
                show()
        assert calls.summary(session, "c0", maple).messages == []


async def test_a_source_that_only_others_have_is_not_told(store: Store, two: tuple[Reach, Reach]) -> None:
    maple, oak = two
    with store.reading() as session:
        [pat] = leads.listed(session, NOW, reach=maple)
        assert pat.source == "sign"
        [seen_at_oak] = [one for one in leads.listed(session, NOW, reach=oak) if one.id == pat.id]
        assert seen_at_oak.source == ""
        assert leads.listed(session, NOW, LeadFilter(source="sign"), reach=oak) == []


async def test_a_property_that_is_reached_by_nobody_shows_nothing(store: Store, two: tuple[Reach, Reach]) -> None:
    nothing = Reach(frozenset())
    with store.reading() as session:
        assert leads.listed(session, NOW, reach=nothing) == []
        assert calls.listed(session, reach=nothing) == []
        assert messages.listed(session, reach=nothing) == []
        assert tasks.listed(session, NOW, reach=nothing) == []
        assert search.found(session, "called", NOW, reach=nothing) == []
