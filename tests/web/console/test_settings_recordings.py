"""Which calls are recorded, as set in the console, and what may not be deleted."""

from __future__ import annotations

import pytest

from crm.store.models import AudioHold, AuditEntry, Property, Recording
from tests.web.console.contacts import called
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.console.test_settings import EVIL, check

pytestmark = pytest.mark.web


async def test_each_property_says_whether_its_calls_are_recorded(office: ConsoleOffice) -> None:
    admin = office.person()
    page = await admin.open("/settings/recordings")
    check(page)
    assert "deleted after 90 days" in page
    csrf, path = admin.csrf(page), "/settings/recordings/of/elm"
    await admin.send(path, csrf=csrf, was="off", recording="announced")
    assert [one.recording for one in office.rows(Property) if one.slug == "elm"] == ["announced"]
    refused = await admin.send(path, 422, csrf=csrf, was="off", recording="demand")
    assert "Somebody else has changed this" in refused.text
    check((await admin.send(path, 422, csrf=csrf, was="announced", recording=EVIL)).text)


async def test_a_hold_is_entered_and_ended_with_the_reason_on_record(office: ConsoleOffice) -> None:
    admin = office.person()
    called(office, "c1", "+15125550123")
    with office.crm.store.writing() as session:
        session.add(
            Recording(id="c1-talk-1", call_id="c1", file="c1.wav", mode="announced", started_at=NOW, ended_at=NOW)
        )
    csrf = admin.csrf(await admin.open("/settings/recordings"))
    path = "/settings/recordings/holds"
    await admin.send(path, 422, csrf=csrf, call="c1", why="")
    check((await admin.send(path, 422, csrf=csrf, call=EVIL, why="a court")).text)
    await admin.send(path, csrf=csrf, call="c1-talk-1", why=f"a court {EVIL}")
    [hold] = all_of(office, AudioHold)
    assert (hold.call_id, hold.by) == ("c1", admin.name)
    await admin.send(path, 422, csrf=csrf, call="c1", why="again")
    page = await admin.open("/settings/recordings")
    check(page)
    assert "c1-talk-1" in page
    await admin.send("/settings/recordings/releases", 422, csrf=csrf, call="c1", why="")
    await admin.send("/settings/recordings/releases", csrf=csrf, call="c1", why="case closed")
    assert all_of(office, AudioHold) == []
    assert any("no longer held: case closed" in one.what for one in office.rows(AuditEntry))


def all_of(office: ConsoleOffice, of: type) -> list:
    with office.crm.store.reading() as session:
        return session.query(of).all()
