"""The settings in the console."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from asterisk_conf.prompts import speech
from crm.domain.access import Role
from crm.services.phones import devices as device_acts
from crm.store.models import Agent, AuditEntry, Device, Hours, Line, Organization, SpecialDay, TextWording
from tests.web.console.conftest import Clock
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.visitors import Wellformed

pytestmark = pytest.mark.web

EVIL = '"><script>alert(1)</script>'
PATHS = (
    "hours",
    "tours",
    "lines",
    "agents",
    "agents/alice",
    "devices",
    "places",
    "forwarding",
    "recordings",
    "texts",
    "retired",
    "file",
    "texts/missed_new/es",
)


def check(page: str) -> None:
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.fields - {"None"} <= found.labelled, "a label may also hold its field"
    assert EVIL not in page


async def test_only_who_may_change_settings_sees_them_in_either_language(office: ConsoleOffice) -> None:
    for language in ("en", "es"):
        admin = office.person(language=language)
        for path in PATHS:
            check(await admin.open(f"/settings/{path}"))
    assert (await admin.http.get("/settings")).headers["location"] == "/settings/hours"
    for role in (Role.MANAGER, Role.AGENT, Role.READ_ONLY):
        person = office.person(role)
        assert "/settings" not in await person.open("/tasks")
        for path in PATHS:
            await person.open(f"/settings/{path}", 403)
        await person.send("/settings/hours", 403, of="/tasks", openings="")
        await person.send("/settings/devices/alice-desk/account", 403, of="/tasks")


def bases(page: str) -> list[str]:
    """What the forms of a page are based on."""
    return [html.unescape(one) for one in re.findall('name="base" value="([^"]*)"', page)]


async def test_hours_are_set_and_what_cannot_be_is_explained(office: ConsoleOffice) -> None:
    admin = office.person()
    page = await admin.open("/settings/hours")
    csrf, (base, of_region) = admin.csrf(page), bases(page)
    form = {"csrf": csrf, "base": base, "property": ""}
    await admin.send("/settings/hours", **form, openings="mon-fri 09:00-18:00\nsat 10-14")
    found = {(one.weekday, one.opens, one.closes) for one in office.rows(Hours) if one.property_id is None}
    assert found == {*((day, "09:00", "18:00") for day in range(5)), (5, "10:00", "14:00")}
    now = {"csrf": csrf, "base": bases(await admin.open("/settings/hours"))[0], "property": ""}
    refused = await admin.send("/settings/hours", 422, **now, openings=f"someday {EVIL}")
    check(refused.text)
    assert 'role="alert"' in refused.text
    assert "someday &#34;" in refused.text, "what was written is still there"
    other = await admin.send("/settings/hours", 409, **form, openings="sat 10-14")
    check(other.text)
    assert "Open: it says “mon-fri 09:00-18:00" in other.text
    assert ">sat 10-14</textarea>" in other.text
    base = bases(other.text)[0]
    await admin.send("/settings/hours", csrf=csrf, base=base, openings="sat 10:00-14:00", property="")
    assert [(one.weekday, one.opens) for one in office.rows(Hours) if one.property_id is None] == [(5, "10:00")]
    await admin.send("/settings/holidays", csrf=csrf, base=of_region, region="US-TX", property="")
    await admin.send("/settings/holidays", 409, csrf=csrf, base=of_region, region="US-CA", property="")
    refused = await admin.send(
        "/settings/holidays", 422, csrf=csrf, base='{"region":"US-TX"}', region="XX", property=""
    )
    assert 'value="XX"' in refused.text, "what was written is still there"
    assert office.rows(Organization)[0].holidays == "US-TX"
    await admin.send("/settings/days", csrf=csrf, day="2026-07-03", open="10:00-14:00", name=EVIL, property="")
    page = await admin.open("/settings/hours")
    check(page)
    assert "10:00-14:00" in page
    assert [one.name for one in office.rows(SpecialDay)] == [EVIL]
    await admin.send("/settings/days", csrf=csrf, day="2026-07-03", what="remove", property="")
    assert office.rows(SpecialDay) == []


async def test_lines_are_added_changed_and_taken_out_of_use_and_callers_hear_what_they_greet_with(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/lines"))
    await admin.send("/settings/lines", csrf=csrf, number="(512) 555-0177", label=EVIL, language="en")
    refused = await admin.send("/settings/lines", 422, csrf=csrf, number="(512) 555-0177", label="Again")
    check(refused.text)
    page = await admin.open("/settings/lines/+15125550177")
    check(page)
    made: list[tuple[str, str, str]] = []
    monkeypatch.setattr(speech, "greeting", lambda _, number, text, language: made.append((number, text, language)))
    fields = {"label": "Sign", "source": "sign", "greeting": "Hello.", "language": "es", "property": "elm"}
    form = {"csrf": csrf, "base": bases(page)[0]}
    await admin.send("/settings/lines/+15125550177", **form, ai_answers="always", **fields)
    with office.crm.store.reading() as session:
        line = session.scalars(select(Line).where(Line.number == "+15125550177")).one()
        assert line.property is not None
        assert (line.label, line.language, line.property.slug, line.ai_answers) == ("Sign", "es", "elm", "always")
    path = "/settings/lines/+15125550177"
    now = {"csrf": csrf, "base": bases(await admin.open(path))[0]}
    refused = await admin.send(path, 422, **now, ai_answers="sometimes", **fields | {"greeting": "Hi."})
    assert ">Hi.</textarea>" in refused.text, "what was written is still there"
    other = await admin.send(path, 409, **form, ai_answers="always", **{**fields, "label": "Flyer"})
    check(other.text)
    assert "Label: it says “Sign” now, and you wrote “Flyer”." in other.text
    await admin.send(path, csrf=csrf, base=bases(other.text)[0], ai_answers="always", **{**fields, "label": "Flyer"})
    assert [one.label for one in office.rows(Line) if one.number == "+15125550177"] == ["Flyer"]
    await admin.send("/settings/lines/+15125550177", csrf=csrf, what="retire")
    await admin.open("/settings/lines/+15125550177", 404)
    assert made == [*[("+15125550177", "Hello.", "es")] * 2, ("+15125550177", "", "en")]


async def test_a_devices_password_is_shown_when_asked_for_and_that_is_on_record(office: ConsoleOffice) -> None:
    admin = office.person()
    [device] = [one for one in office.rows(Device) if one.slug == "alice-desk"]
    secret = office.crm.secrets.get(device_acts.secret_name("alice-desk"))
    csrf = admin.csrf(await admin.open("/settings/devices"))
    for path in ("/settings/devices", "/settings/devices?agent=alice", "/settings/devices/alice-desk"):
        page = await admin.open(path)
        check(page)
        assert secret not in page
    shown = await admin.send(f"/settings/devices/{device.slug}/account", 200, csrf=csrf)
    check(shown.text)
    assert secret in shown.text
    assert "data:image/svg+xml" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    [entry] = [one for one in office.rows(AuditEntry) if "account of device alice-desk" in one.what]
    assert entry.who == admin.name
    await admin.send(f"/settings/devices/{device.slug}/rotate", csrf=csrf)
    assert office.crm.secrets.get(device_acts.secret_name("alice-desk")) != secret


async def test_of_two_who_change_a_phone_nobodys_words_are_lost(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/devices"))
    await admin.send("/settings/devices", csrf=csrf, slug="al-cell", agent="alice", kind="mobile", number="5125550190")
    page = await admin.open("/settings/devices/al-cell")
    check(page)
    form = {"csrf": csrf, "base": bases(page)[0], "number": "+15125550190"}
    await admin.send("/settings/devices/al-cell", 422, **form, after="soon")
    await admin.send("/settings/devices/al-cell", **form, after="7")
    other = await admin.send("/settings/devices/al-cell", 409, **form, after="9")
    check(other.text)
    assert "it says “7” now, and you wrote “9”" in other.text
    await admin.send("/settings/devices/al-cell", **{**form, "base": bases(other.text)[0]}, after="9")
    assert [one.rings_after_seconds for one in office.rows(Device) if one.slug == "al-cell"] == [9]


async def test_devices_are_added_changed_silenced_and_retired(office: ConsoleOffice, clock: Clock) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/devices"))
    await admin.send("/settings/devices", csrf=csrf, slug="alice-new", agent="alice", kind="softphone")
    refused = await admin.send("/settings/devices", 422, csrf=csrf, slug=EVIL, agent="alice", kind="desk")
    check(refused.text)
    base = bases(await admin.open("/settings/devices/alice-new"))[0]
    await admin.send("/settings/devices/alice-new", csrf=csrf, base=base, location="", whisper="on")
    path = "/settings/devices/alice-new/dnd"
    await admin.send(path, 422, csrf=csrf, what="on", until="")
    await admin.send(path, 422, csrf=csrf, what="on", until="2026-03-01T10:00")
    await admin.send(path, csrf=csrf, what="on", until="2026-03-02T12:00")
    [device] = [one for one in office.rows(Device) if one.slug == "alice-new"]
    assert (device.whisper, device.dnd, device.dnd_until) == (True, True, NOW + timedelta(hours=2))
    check(await admin.open("/settings/devices/alice-new"))
    await admin.send(path, csrf=csrf, what="off")
    await admin.send("/settings/devices/alice-new", 422, csrf=csrf, base="[]", location="")
    await admin.send("/settings/devices/alice-new/retire", csrf=csrf)
    await admin.open("/settings/devices/alice-new", 404)


async def test_forwarding_is_switched_and_refusals_are_said(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/forwarding"))
    refused = await admin.send("/settings/forwarding", 422, csrf=csrf, what="office_on", to="911")
    check(refused.text)
    assert 'role="alert"' in refused.text
    await admin.send("/settings/forwarding", csrf=csrf, what="office_on", to="(512) 555-0144", confirm="on")
    assert office.rows(Organization)[0].forward_to == "+15125550144"
    check(await admin.open("/settings/forwarding"))
    await admin.send("/settings/forwarding", csrf=csrf, what="office_off")
    assert office.rows(Organization)[0].forward_to is None
    await admin.send("/settings/forwarding", csrf=csrf, what="agent_on", agent="alice", to="(512) 555-0145")
    assert [one.forwarding for one in office.rows(Agent) if one.slug == "alice"] == [True]
    await admin.send("/settings/forwarding", csrf=csrf, what="agent_off", agent="alice")
    await admin.send("/settings/forwarding", 422, csrf=csrf, what="explode")


async def test_texts_are_written_counted_and_taken_back(office: ConsoleOffice) -> None:
    admin = office.person()
    path = "/settings/texts/missed_known/es"
    csrf = admin.csrf(await admin.open(path))
    refused = await admin.send(path, 422, csrf=csrf, body="Hola {nobody}")
    check(refused.text)
    assert "Hola {nobody}" in refused.text
    await admin.send(path, csrf=csrf, body=f"Hola de {{name}} {EVIL} á")
    [own] = office.rows(TextWording)
    assert (own.name, own.language, own.changed_by) == ("missed_known", "es", admin.name)
    page = await admin.open(path)
    check(page)
    assert "These letters make it longer to send: á" in page
    check(await admin.open("/settings/texts"))
    await admin.send(path, csrf=csrf, what="reset", body="")
    assert office.rows(TextWording) == []
    await admin.open("/settings/texts/nothing/es", 404)


async def test_the_file_is_shown_without_secrets(office: ConsoleOffice) -> None:
    page = await office.person().open("/settings/file")
    check(page)
    assert "leaseline.toml" in page
    assert "agent_seconds" in page
