"""The pages on routing: what would happen to a call, and why one went where it went."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.services.routing import rehearsals
from crm.services.routing.rehearsals import RehearsedPhones
from crm.store.models import Activity, Call, Lead, Leg, Line, Property, RoutingDecision, Task
from crm.words.console import sentences
from tests.web.console.contacts import EVIL, PAT, called, check, emptied, lead, other_property
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web


def line_of(office: ConsoleOffice, slug: str | None) -> str:
    with office.crm.store.reading() as session:
        about = select(Property.id).where(Property.slug == slug).scalar_subquery()
        wanted = Line.property_id == about if slug else Line.property_id.is_(None)
        return session.scalars(select(Line.number).where(wanted).limit(1)).one()


def tried(**fields: str) -> str:
    return f"/routing?{urlencode(fields)}"


async def test_a_call_is_tried_as_the_service_would(office: ConsoleOffice) -> None:
    line = line_of(office, "elm")
    person = office.person()
    check(await person.open("/routing"))
    before = [len(office.rows(one)) for one in (Call, Lead, Activity, Task)]
    for at in ("now", "sat 23:10", "2026-12-25 10:00"):
        with office.crm.store.reading() as session:
            found = rehearsals.rehearse(session, office.crm.config, line, PAT, at, ["2"], NOW, RehearsedPhones())
        for language in ("en", "es"):
            page = await office.person(language=language).open(
                tried(**{"line": line, "from": PAT, "at": at, "press": "2"})
            )
            check(page)
            reasons = [sentences.told(reason.text, language) for reason in found.plan.reasons]
            assert all(reason.replace("'", "&#39;") in page for reason in reasons)
            assert language == "en" or not {reason.text for reason in found.plan.reasons} & set(reasons)
            assert all(sentence.replace("'", "&#39;") in page for turn in found.turns for sentence in turn.hears)
            assert "What would happen" in page or "Qué pasaría" in page
    assert before == [len(office.rows(one)) for one in (Call, Lead, Activity, Task)]


async def test_what_cannot_be_tried_says_why(office: ConsoleOffice) -> None:
    line = line_of(office, "elm")
    person = office.person()
    for wrong in (
        {"line": EVIL},
        {"line": line, "at": EVIL},
        {"line": line, "from": "nobody"},
        {"line": line, "press": "two"},
        {"line": line, "press": "1 " * 21},
        {"line": line, "waiting": "many"},
        {"line": line, "busy": EVIL},
        {"line": line, "offline": "no-such-phone"},
    ):
        page = await person.open(tried(**wrong), 422)
        check(page)
        assert 'role="alert"' in page


async def test_a_call_is_explained(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    with office.crm.store.writing() as session:
        session.add(
            RoutingDecision(
                id="c1.1/d",
                call_id="c1.1",
                at=NOW,
                rule="subteam",
                reasons=[EVIL],
                stages=["subteam"],
                path="live",
                inputs={"answers": [{"question": "menu", "keys": "2"}], "name": EVIL},
            )
        )
        session.add(Leg(id="l1", call_id="c1.1", device=EVIL[:40], stage="subteam", started_at=NOW, status="NOANSWER"))
    for language in ("en", "es"):
        page = await office.person(language=language).open("/routing/calls/c1.1")
        check(page)
        assert page.count("alert(1)") >= 3
        assert f"from={PAT.replace('+', '%2B')}" in page
        assert "press=2" in page
    answer = await office.person().http.get("/routing?call=c1.1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/routing/calls/c1.1")
    page = await office.person().open("/routing/calls/nothing", 404)
    check(page)


async def test_only_who_may_and_within_reach(office: ConsoleOffice) -> None:
    emptied(office)
    other = other_property(office)
    called(office, "c1.1", PAT, on=other)
    lead(office, PAT, on=other, name="Secretive Sam")
    agent = office.person(Role.AGENT, agent="alice")
    await agent.open("/routing", 403)
    await agent.open("/routing/calls/c1.1", 403)
    narrow = office.person(Role.MANAGER, properties=["elm"])
    page = await narrow.open("/routing")
    near = line_of(office, "elm")
    assert near in page
    with office.crm.store.reading() as session:
        far = session.scalars(select(Line.number).join(Property).where(Property.slug == other).limit(1)).first()
    if far:
        assert far not in page
        await narrow.open(tried(line=far), 422)
    await narrow.open("/routing/calls/c1.1", 404)
    # Nor do they learn by trying whom the office knows.
    with_number = await narrow.open(tried(**{"line": near, "from": PAT, "press": "2"}))
    check(with_number)
    assert "Secretive" not in with_number
    unknown = await narrow.open(tried(**{"line": near, "from": "+15125550199", "press": "2"}))
    assert with_number.replace(PAT, "").count("<tr>") == unknown.count("<tr>")
    await office.person(Role.READ_ONLY).open("/routing")
