"""Voicemail as people in the office hear it."""

from __future__ import annotations

import re

import pytest

from crm.domain.access import Role
from crm.store.models import Agent, AuditEntry, Voicemail
from tests.web.console.contacts import EVIL, MINUTE, PAT, SAM, called, check, emptied, lead, other_property, sound
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web


def left(
    office: ConsoleOffice, id: str, caller: str, box: str = "property:elm", on: str = "elm", **more: object
) -> None:
    called(office, id, caller, NOW, on=on, outcome="left_voicemail", lead_id=more.pop("lead_id", None))
    with office.crm.store.writing() as session:
        file = sound(office.crm.config.recordings_folder, f"{id}.wav")
        values = {"seconds": 2, "left_at": NOW, "mailbox": box, **more}
        session.add(Voicemail(call_id=id, file=file, **values))


def found(office: ConsoleOffice, id: str) -> Voicemail:
    with office.crm.store.reading() as session:
        row = session.get(Voicemail, id)
        assert row is not None
        return row


def listed(page: str) -> list[str]:
    return re.findall(r'src="/voicemail/([^"/]+)/sound"', page)


async def test_an_empty_page_says_what_comes(office: ConsoleOffice) -> None:
    emptied(office)
    page = await office.person().open("/voicemail")
    check(page)
    assert "There is no new voicemail." in page
    assert "No hay mensajes nuevos." in await office.person(language="es").open("/voicemail")


async def test_a_new_one_is_heard_once_it_is_played(office: ConsoleOffice) -> None:
    emptied(office)
    id = lead(office, PAT, name=EVIL)
    left(office, "v1.1", PAT, lead_id=id, transcript=EVIL, transcript_state="done")
    for language in ("en", "es"):
        person = office.person(language=language)
        page = await person.open("/voicemail")
        check(page)
        assert listed(page) == ["v1.1"]
        assert f'data-call="{PAT}"' in page
    assert found(office, "v1.1").heard_at is None
    assert len((await person.http.get("/voicemail/v1.1/peaks")).json()) == 240
    assert found(office, "v1.1").heard_at is None
    answer = await person.http.get("/voicemail/v1.1/sound", headers={"Range": "bytes=0-"})
    assert answer.status_code == 206
    assert found(office, "v1.1").heard_at == NOW
    assert [one.what for one in office.rows(AuditEntry)][-1] == "voicemail v1.1 listened to"
    assert listed(await person.open("/voicemail")) == []
    assert listed(await person.open("/voicemail?show=all")) == ["v1.1"]


async def test_it_is_deleted_restored_and_taken(office: ConsoleOffice) -> None:
    emptied(office)
    left(office, "v1.1", PAT, box="agent:alice")
    person = office.person(Role.AGENT, agent="alice")
    await person.send("/voicemail/v1.1/deletion", of="/voicemail")
    assert listed(await person.open("/voicemail?show=all")) == []
    page = await person.open("/voicemail?show=deleted")
    check(page)
    assert listed(page) == ["v1.1"]
    await person.send("/voicemail/v1.1/deletion", 422, csrf=person.csrf(page))
    await person.send("/voicemail/v1.1/restoration", csrf=person.csrf(page))
    assert listed(await person.open("/voicemail")) == ["v1.1"]
    await person.send("/voicemail/v1.1/taker", of="/voicemail")
    alice = next(one for one in office.rows(Agent) if one.slug == "alice")
    assert found(office, "v1.1").taken_by_id == alice.id
    await office.person().send("/voicemail/v1.1/taker", 403, of="/voicemail?show=all")


async def test_agents_hear_what_their_phones_would_play_and_others_what_they_may_see(office: ConsoleOffice) -> None:
    emptied(office)
    other = other_property(office)
    left(office, "v1.1", PAT, box="agent:alice", on=other)
    left(office, "v2.1", SAM, box="agent:bob")
    left(office, "v3.1", SAM, box="office", on=other)
    alice = office.person(Role.AGENT, agent="alice", properties=["elm"])
    assert listed(await alice.open("/voicemail")) == ["v1.1"]
    for path in ("sound", "peaks"):
        await alice.open(f"/voicemail/v2.1/{path}", 404)
    await alice.open("/voicemail?box=agent:bob", 404)
    await alice.send("/voicemail/v2.1/deletion", 404)
    narrow = office.person(Role.MANAGER, properties=["elm"])
    page = await narrow.open("/voicemail")
    check(page)
    assert listed(page) == ["v2.1"]
    await narrow.open("/voicemail/v3.1/sound", 404)
    assert listed(await office.person().open("/voicemail?box=office")) == ["v3.1"]
    assert listed(await office.person(Role.AGENT).open("/voicemail")) == []
    reader = office.person(Role.READ_ONLY)
    page = await reader.open("/voicemail")
    assert "/deletion" not in page
    await reader.send("/voicemail/v1.1/deletion", 403, csrf=reader.csrf(page))
    assert found(office, "v2.1").heard_at is None


async def test_pages_show_each_once(office: ConsoleOffice) -> None:
    emptied(office)
    for number in range(65):
        left(office, f"v{number:02}.1", PAT, left_at=NOW - (number // 4) * MINUTE)
    person = office.person()
    path, seen = "/voicemail", []
    while path:
        page = await person.open(path)
        seen += listed(page)
        found = re.findall(r'<a rel="next" href="(/voicemail\?[^"]*after=[^"]+)">', page)
        path = (found or [""])[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 65
    await person.open("/voicemail?after=x", 404)
    await person.open("/voicemail?show=everything", 404)


async def test_what_is_gone_is_not_played(office: ConsoleOffice) -> None:
    emptied(office)
    left(office, "v1.1", PAT, purged_at=NOW)
    person = office.person()
    page = await person.open("/voicemail")
    check(page)
    assert listed(page) == []
    assert "kept long enough" in page
    await person.open("/voicemail/v1.1/sound", 404)
