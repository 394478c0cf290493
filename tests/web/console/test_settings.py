"""The settings in the console."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from asterisk_conf.prompts import speech
from crm.domain.access import Role
from crm.domain.mail_templates import TEMPLATES as MAILS
from crm.services import text_templates
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
    "mails/tour_booked/es",
    "mails/unsubscribe/en",
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
    page = await admin.open(path)
    form = {"csrf": admin.csrf(page), "base": bases(page)[0]}
    refused = await admin.send(path, 422, **form, body="Hola {nobody}")
    check(refused.text)
    assert "Hola {nobody}" in refused.text
    await admin.send(path, **form, body=f"Hola de {{name}} {EVIL} á")
    [own] = office.rows(TextWording)
    assert (own.name, own.language, own.changed_by) == ("missed_known", "es", admin.name)
    other = await admin.send(path, 409, **form, body="Llamaremos.")
    check(other.text)
    assert "and you wrote “Llamaremos.”" in other.text
    page = await admin.open(path)
    check(page)
    assert "These letters make it longer to send: á" in page
    check(await admin.open("/settings/texts"))
    await admin.send(path, **form, what="reset", body="")
    assert office.rows(TextWording) == []
    await admin.open("/settings/texts/nothing/es", 404)


async def test_emails_are_listed_by_language_written_previewed_and_taken_back(office: ConsoleOffice) -> None:
    admin = office.person()
    spanish = await admin.open("/settings/texts?language=es")
    check(spanish)
    assert 'href="/settings/mails/tour_booked/es"' in spanish
    assert 'href="/settings/mails/tour_booked/en"' not in spanish
    path = "/settings/mails/application_invited/en"
    page = await admin.open(path)
    form = {"csrf": admin.csrf(page), "base": bases(page)[0]}
    standard = json.loads(form["base"])["subject"]
    await admin.send(path, **form, subject=standard, text=f"Hello!\r\n\r\nApply for {EVIL} {{home}}: {{url}}")
    [own] = office.rows(TextWording)
    assert (own.name, own.language) == ("mail.application_invited.text", "en"), "the subject stays the standard one"
    assert own.body.startswith("Hello!\n\nApply")
    page = await admin.open(path)
    check(page)
    assert "Apply for &#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt; Elm" in page
    other = await admin.send(path, 409, **form, subject="Your new home: {home}", text="Apply: {url}")
    check(other.text)
    assert "and you wrote “Apply: {url}”" in other.text
    form["base"] = bases(other.text)[0]
    await admin.send(path, **form, subject="Your new home: {home}", text="Apply: {url}")
    assert {one.name: one.body for one in office.rows(TextWording)} == {
        "mail.application_invited.subject": "Your new home: {home}",
        "mail.application_invited.text": "Apply: {url}",
    }
    check(await admin.open("/settings/texts"))
    await admin.send(path, **form, what="reset")
    assert office.rows(TextWording) == []
    assert {one.what for one in office.rows(AuditEntry) if "email application" in one.what} == {
        "email application_invited (en) changed",
        "subject of email application_invited (en) changed",
        "email application_invited (en) reset",
    }
    await admin.open("/settings/mails/nothing/es", 404)


@pytest.mark.parametrize(
    ("name", "fields", "english", "spanish"),
    [
        (
            "tour_booked",
            {"subject": "Tour", "text": "See you {wen} {change}"},
            "tour_booked can have no {wen}",
            "Ese texto solo puede tener estos huecos: when, change, name, office.",
        ),
        (
            "tour_booked",
            {"subject": "Tour", "text": "See you {when}"},
            "tour_booked has to have {change}",
            "A ese texto le falta un hueco que tiene que tener.",
        ),
        (
            "tour_booked",
            {"subject": "", "text": "{when} {change}"},
            "A subject has to have 1 to 150 characters, and this one has 0.",
            "Lo escrito tiene que tener de 1 a 150 caracteres.",
        ),
        (
            "unsubscribe_by_reply",
            {"text": "Call us."},
            "has to ask for an answer with the word unsubscribe.",
            "Tiene que pedir una respuesta con la palabra unsubscribe.",
        ),
    ],
)
async def test_an_email_that_cannot_be_sent_is_refused_and_what_was_written_stays(
    office: ConsoleOffice, name: str, fields: dict[str, str], english: str, spanish: str
) -> None:
    path = f"/settings/mails/{name}/es"
    for language, said in (("en", english), ("es", spanish)):
        admin = office.person(language=language)
        page = await admin.open(path)
        refused = await admin.send(path, 422, csrf=admin.csrf(page), base=bases(page)[0], **fields)
        check(refused.text)
        assert said in html.unescape(refused.text)
        assert fields["text"] in refused.text
    assert office.rows(TextWording) == []


async def test_when_each_text_and_email_leaves_is_said_in_spanish(office: ConsoleOffice) -> None:
    shown = html.unescape(await office.person(language="es").open("/settings/texts"))
    with office.crm.store.reading() as session:
        texts = text_templates.known(session, office.crm.config).templates.values()
    whens = {one.when for one in (*texts, *MAILS.values())}
    assert len(whens) > 20
    assert {one for one in whens if f">{one}<" in shown} == set()


async def test_the_file_is_shown_without_secrets(office: ConsoleOffice) -> None:
    page = await office.person().open("/settings/file")
    check(page)
    assert "leaseline.toml" in page
    assert "agent_seconds" in page
