"""The page of one call: its story, what was said, and its sounds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.store.models import Agent, AuditEntry, Property, Recording, TalkRecord, Task, VoiceTurn
from tests.web.console.conftest import Clock
from tests.web.console.contacts import EVIL, PAT, SAM, called, check, emptied, lead, other_property, sound
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web

SOUND = "/calls/c1.1/recordings/c1.1-talk-1/sound"


def recorded(office: ConsoleOffice, call: str = "c1.1", **more: object) -> None:
    folder = office.crm.config.recordings_folder
    with office.crm.store.writing() as session:
        values = {"mode": "announced", "started_at": NOW, "ended_at": NOW, "seconds": 2, "transcript": EVIL, **more}
        file = sound(folder, f"{call}-talk-1.wav")
        session.add(Recording(id=f"{call}-talk-1", call_id=call, file=file, **values))


def heard(office: ConsoleOffice) -> list[str]:
    return [one.what for one in office.rows(AuditEntry) if "listened to" in one.what]


async def test_a_call_is_told_with_what_was_said_and_nothing_breaks_out(office: ConsoleOffice) -> None:
    emptied(office)
    id = lead(office, PAT, name=EVIL)
    called(office, "c1.1", PAT, lead_id=id, remark=EVIL, outcome="talked", talk_started_at=NOW)
    recorded(office, summary=EVIL)
    with office.crm.store.writing() as session:
        about = session.scalars(select(Property.id).where(Property.slug == "elm")).one()
        session.add(TalkRecord(call_id="c1.1", started_at=NOW, summary=EVIL))
        session.flush()
        session.add(
            VoiceTurn(
                id="v1",
                call_id="c1.1",
                number=1,
                at=NOW,
                who="caller",
                started=1.5,
                ended=2.0,
                text=EVIL,
                language="en",
                confidence=0.8,
                template="",
                cites=[["listing", 7, 3]],
                result="",
            )
        )
        session.add(
            Task(
                key="call:c1.1",
                kind="call_back",
                owner_id=session.scalars(select(Agent.id).limit(1)).one(),
                why=EVIL,
                due_at=NOW,
                created_at=NOW,
                call_id="c1.1",
                lead_id=id,
                property_id=about,
                result="",
            )
        )
    for language in ("en", "es"):
        page = await office.person(language=language).open("/calls/c1.1")
        check(page)
        assert page.count("alert(1)") >= 8
        assert 'data-at="1.5" data-of="c1.1-talk-1"' in page
        assert "listing 7 v3" in page
        assert f'src="{SOUND}"' in page
        assert 'href="/routing/calls/c1.1"' in page
    assert heard(office) == []


async def test_a_recording_is_played_in_parts_and_who_hears_it_is_on_record_once(
    office: ConsoleOffice, clock: Clock
) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    recorded(office)
    person = office.person(Role.AGENT, agent="alice")
    whole = await person.http.get(SOUND)
    assert (whole.status_code, whole.headers["content-type"], len(whole.content)) == (200, "audio/wav", 32044)
    assert whole.headers["cache-control"] == "no-store"
    part = await person.http.get(SOUND, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.headers["content-range"]) == (206, "bytes 100-199/32044")
    assert part.content == whole.content[100:200]
    assert (await person.http.get(SOUND, headers={"Range": "bytes=99999-"})).status_code == 416
    assert heard(office) == ["recording c1.1-talk-1 of call c1.1 listened to"]
    # Whoever begins in the middle hears it, too.
    await office.person().http.get(SOUND, headers={"Range": "bytes=5000-"})
    assert len(heard(office)) == 2
    clock.now += timedelta(hours=2)
    await person.http.get(SOUND)
    assert len(heard(office)) == 3


async def test_the_picture_shows_where_there_is_sound(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    recorded(office)
    person = office.person()
    found = (await person.http.get(SOUND.replace("/sound", "/peaks"))).json()
    assert len(found) == 240
    assert max(found[:119]) == 0
    assert min(found[121:]) > 30
    assert heard(office) == []


async def test_nobody_hears_what_is_out_of_reach_or_deleted_or_elsewhere(office: ConsoleOffice) -> None:
    emptied(office)
    other = other_property(office)
    called(office, "c1.1", PAT, on=other)
    called(office, "c2.1", SAM)
    recorded(office)
    recorded(office, "c2.1", deleted_at=NOW, deleted_by="dana", deleted_why=EVIL)
    narrow = office.person(Role.MANAGER, properties=["elm"])
    await narrow.open("/calls/c1.1", 404)
    await narrow.open(SOUND, 404)
    await narrow.open(SOUND.replace("/sound", "/peaks"), 404)
    # Nor under the name of a call that is theirs.
    await narrow.open("/calls/c2.1/recordings/c1.1-talk-1/sound", 404)
    page = await narrow.open("/calls/c2.1")
    check(page)
    assert "was deleted on" in page
    await narrow.open("/calls/c2.1/recordings/c2.1-talk-1/sound", 404)
    assert (await office.browser().http.get(SOUND)).status_code == 303
    assert heard(office) == []


async def test_a_file_outside_the_folder_is_never_sent(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    with office.crm.store.writing() as session:
        session.add(
            Recording(
                id="c1.1-talk-1", call_id="c1.1", file="../leaseline.db", mode="announced", started_at=NOW, seconds=1
            )
        )
    person = office.person()
    await person.open(SOUND, 404)
    await person.open("/calls/c1.1/recordings/..%2F..%2Fleaseline.db/sound", 404)
