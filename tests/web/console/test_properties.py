"""What holds for all homes of a property, and answers, as people in the office write and publish them."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from crm.domain import listings
from crm.domain.access import Role
from crm.services.listings import profiles
from crm.store.models import Answer, AuditEntry, ContentVersion, Line, Property, PropertyProfile
from crm.views import property_profiles
from crm.web.console.pages import properties as page_of_properties
from tests.web.console.people import ConsoleOffice
from tests.web.console.test_leads import EVIL, check
from tests.web.console.test_listings import ADDRESS, BY, add, latest, picture, upload

pytestmark = pytest.mark.web

PATH = "/listings/properties/elm"


def form_of(page: str) -> dict[str, str]:
    """The form for the terms, as a browser would send it unchanged."""
    sent = {"base": html.unescape(re.findall('name="base" value="([^"]*)"', page)[0])}
    for name in page_of_properties.COLUMNS:
        found = re.findall(rf'<input id="f-{name}" name="{name}"[^>]* value="([^"]*)"', page)
        found += re.findall(rf'<textarea id="f-{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
        sent[name] = html.unescape(found[0])
    return sent


async def test_a_property_is_described_in_versions_and_words_wait_for_somebody(office: ConsoleOffice) -> None:
    manager = office.person(Role.MANAGER)
    page = await manager.open(PATH)
    check(page)
    csrf, form = manager.csrf(page), form_of(page)
    wanted = {
        **form,
        **ADDRESS,
        "fees": "application 50",
        "policies_en": f"No smoking. {EVIL}",
        "text_en": "No children.",
    }
    check((await manager.send(f"{PATH}/terms", 422, csrf=csrf, **{**wanted, "fees": "many"})).text)
    await manager.send(f"{PATH}/terms", csrf=csrf, **wanted)
    other = await manager.send(f"{PATH}/terms", 409, csrf=csrf, **{**wanted, "fees": "application 60"})
    check(other.text)
    assert "you wrote “application 60”" in other.text
    page = await manager.open(PATH)
    check(page)
    assert "no children" in page.lower()
    [profile] = [one for one in all_of(office, PropertyProfile) if one.property_id == id_of(office, "elm")]
    refused = await manager.send(f"{PATH}/publication", 422, csrf=csrf, version=profile.latest)
    assert "somebody has to decide" in refused.text
    assert 'name="despite"' in refused.text
    await manager.send(f"{PATH}/publication", 422, csrf=csrf, version=profile.latest - 1, despite="exempt")
    await manager.send(f"{PATH}/publication", csrf=csrf, version=profile.latest, despite="exempt, on file")
    assert any("despite its words: exempt, on file" in one.what for one in office.rows(AuditEntry))
    check(await manager.open(PATH))
    await manager.send(f"{PATH}/withdrawal", csrf=csrf)
    assert [one.published for one in all_of(office, PropertyProfile) if one.property_id == profile.property_id] == [
        None
    ]


async def test_answers_are_given_by_topic_and_language_and_nobody_overwrites_unseen_ones(office: ConsoleOffice) -> None:
    manager = office.person(Role.MANAGER)
    csrf = manager.csrf(await manager.open("/listings/properties"))
    path, new = f"{PATH}/answers", {"topic": "screening", "language": "es", "version": ""}
    check((await manager.send(path, 422, csrf=csrf, **{**new, "topic": EVIL, "text": EVIL})).text)
    await manager.send(path, csrf=csrf, **new, text=f"Igual para todos. {EVIL}")
    check((await manager.send(path, 422, csrf=csrf, **new, text="Otra cosa.")).text)
    check(await manager.open(PATH))
    refused = await manager.send(path, 422, csrf=csrf, **{**new, "version": "1"}, text="No se aceptan niños.")
    check(refused.text)
    assert "somebody has to decide" in refused.text
    assert 'name="despite"' in refused.text
    await manager.send(path, csrf=csrf, **{**new, "version": "1"}, text="")
    assert [(one.topic, one.version, one.text) for one in office.rows(Answer) if one.topic == "screening"][-1] == (
        "screening",
        2,
        "",
    )
    await manager.send("/listings/properties/office/answers", csrf=csrf, **new, text="Para todas.")
    page = await manager.open("/listings/properties/office")
    check(page)
    assert "Para todas." in page


async def test_pictures_of_a_property_are_taken_in_put_in_order_and_removed(office: ConsoleOffice) -> None:
    """As its next versions; those of a property that is public are at once, like all else that needs no decision."""
    manager = office.person(Role.MANAGER)
    await upload(manager, "properties/elm", picture(color="green"), alt_en=EVIL, alt_es="La entrada")
    await upload(manager, "properties/elm", picture(color="blue"))
    page = await manager.open(PATH)
    check(page)
    first, second = re.findall(r'src="/pictures/([0-9a-f]{64})-\d+\.webp"', page)
    again = await upload(manager, "properties/elm", picture(color="blue"), 422)
    assert "This picture is there already" in again.text
    assert 'role="alert"' in (await upload(manager, "properties/elm", b"<svg onload=alert(1)>", 422)).text
    moved = {"alt_en": "Pool", "alt_es": "", "to": "1"}
    await manager.send(f"{PATH}/pictures/2", 422, hash=first, **moved)
    await manager.send(f"{PATH}/pictures/2", hash=second, **moved)
    assert [(one["hash"], one["alt"]) for one in pictures_of(office)] == [
        (second, {"en": "Pool"}),
        (first, {"en": EVIL, "es": "La entrada"}),
    ]
    await manager.send(f"{PATH}/pictures/1/removal", hash=second)
    assert [one["hash"] for one in pictures_of(office)] == [first]
    with office.crm.store.writing() as session:
        profiles.change(session, BY, "elm", ADDRESS)
        profiles.publish(session, BY, "elm")
    assert public_pictures(office) == [first]
    await upload(manager, "properties/elm", picture(color="red"), alt_en="Lobby")
    await manager.send(f"{PATH}/pictures/1/removal", hash=first)
    [third] = [one["hash"] for one in pictures_of(office)]
    assert public_pictures(office) == [third]


def public_pictures(office: ConsoleOffice) -> list[str]:
    with office.crm.store.reading() as session:
        return [one.hash for one in property_profiles.property_detail(session, "elm").pictures]


def pictures_of(office: ConsoleOffice) -> list[dict[str, Any]]:
    """Of elm, in its latest version."""
    with office.crm.store.reading() as session:
        profile = session.get_one(PropertyProfile, id_of(office, "elm"))
        found = session.query(ContentVersion).filter_by(property_id=profile.property_id, version=profile.latest).one()
        return list(found.content.get("pictures", ()))


async def test_who_sees_one_property_writes_about_it_alone(office: ConsoleOffice) -> None:
    narrow = office.person(Role.MANAGER, properties=["elm"])
    listed = await narrow.open("/listings/properties")
    assert "lakeside" not in listed
    assert "properties/office" not in listed
    answer = {"topic": "screening", "language": "en", "version": "", "text": "Alike."}
    for slug in ("lakeside", "office"):
        await narrow.open(f"/listings/properties/{slug}", 404)
        await narrow.send(f"/listings/properties/{slug}/answers", 404, **answer)
    await upload(narrow, "properties/lakeside", picture(), 404)
    for act, fields in (
        ("terms", {"base": "{}"}),
        ("publication", {"version": "1"}),
        ("withdrawal", {}),
        ("pictures/1", {"to": "1"}),
        ("pictures/1/removal", {}),
    ):
        await narrow.send(f"/listings/properties/lakeside/{act}", 404, **fields)
        await office.person(Role.AGENT).send(f"{PATH}/{act}", 403, **fields)
    await narrow.send(f"{PATH}/retirement", 403)


async def test_homes_and_properties_are_taken_out_of_use_and_come_back(office: ConsoleOffice) -> None:
    home, admin = add(office), office.person()
    csrf = admin.csrf(await admin.open(f"/listings/{home}"))
    await office.person(Role.AGENT).send(f"/listings/{home}/retirement", 403)
    await admin.send(f"/listings/{home}/retirement", csrf=csrf)
    await admin.open(f"/listings/{home}", 404)
    check(await admin.open("/settings/retired"))
    await admin.send("/settings/retired", csrf=csrf, kind="home", key=str(home))
    await admin.open(f"/listings/{home}")
    refused = await admin.send(f"{PATH}/retirement", 422, csrf=csrf)
    check(refused.text)
    assert "for property elm" in refused.text
    with office.crm.store.writing() as session:
        session.query(Line).filter(Line.property_id == id_of(office, "elm")).update({"property_id": None})
    check(await admin.open(PATH))
    await admin.send(f"{PATH}/retirement", csrf=csrf)
    await admin.open(PATH, 404)
    await admin.send("/settings/retired", csrf=csrf, kind="property", key="elm")
    await admin.open(PATH)
    assert latest(office, home)[0].published is None


def test_the_form_has_each_column_of_a_property() -> None:
    assert set(page_of_properties.COLUMNS) == set(listings.PROPERTY_COLUMNS)


def all_of(office: ConsoleOffice, of: type) -> list:
    with office.crm.store.reading() as session:
        return session.query(of).all()


def id_of(office: ConsoleOffice, slug: str) -> int:
    return next(one.id for one in office.rows(Property) if one.slug == slug)
