"""Homes for rent as people in the office edit and publish them."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest
from PIL import Image

from crm.domain import listings
from crm.domain.access import Role
from crm.edge import pictures
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.store.models import ContentVersion, Listing, Publication
from crm.web.console.cursors import PER_PAGE
from crm.web.console.pages import listings as page_of_listings
from tests.web.console.people import NOW, ConsoleOffice, Person
from tests.web.console.test_leads import EVIL, check

pytestmark = pytest.mark.web

BY = By("alice", NOW)
ADDRESS = {"street": "1 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"}


def add(office: ConsoleOffice, unit: str = "204", property: str = "elm", **cells: str) -> int:
    with office.crm.store.writing() as session:
        given = {"bedrooms": "2", "bathrooms": "1.5", "rent": "1450", "text_en": "By the park.", **cells}
        return homes.add(session, BY, property, unit, given).id


def publish_property(office: ConsoleOffice, property: str = "elm") -> None:
    with office.crm.store.writing() as session:
        profiles.change(session, BY, property, ADDRESS)
        profiles.publish(session, BY, property)


async def form_of(person: Person, id: int) -> dict[str, str]:
    """The form for the terms, as a browser would send it unchanged."""
    page = await person.open(f"/listings/{id}")
    sent = {"base": html.unescape(re.findall('name="base" value="([^"]*)"', page)[0])}
    for name in page_of_listings.COLUMNS:
        found = re.findall(rf'<input id="f-{name}" name="{name}"[^>]* value="([^"]*)"', page)
        found += re.findall(rf'<textarea id="f-{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
        sent[name] = html.unescape(found[0])
    return sent


def picture(width: int = 640, color: str = "green", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, width * 3 // 4), color).save(out, kind)
    return out.getvalue()


async def upload(
    person: Person, of: int | str, content: bytes, status: int = 303, csrf: str | None = None, **fields: str
) -> Any:
    """Adds a picture of a home, or of `properties/<slug>`."""
    if csrf is None:
        csrf = person.csrf(await person.open("/listings/new"))
    answer = await person.http.post(
        f"/listings/{of}/pictures",
        data={"csrf": csrf, **fields},
        files={"picture": ("../../kitchen.png", content, "image/png")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == status, answer.text
    return answer


def latest(office: ConsoleOffice, id: int) -> tuple[Listing, dict[str, Any]]:
    with office.crm.store.reading() as session:
        listing = session.get_one(Listing, id)
        found = session.query(ContentVersion).filter_by(listing_id=id, version=listing.latest).one()
        return listing, found.content


async def test_an_empty_list_says_what_to_do_in_each_language(office: ConsoleOffice) -> None:
    assert "There are no listings yet" in await office.person().open("/listings")
    assert "Todavía no hay viviendas" in await office.person(language="es").open("/listings")
    assert "/listings/new" not in await office.person(Role.AGENT).open("/listings")


async def test_homes_are_listed_by_property_and_state_page_by_page(office: ConsoleOffice) -> None:
    ids = [add(office, f"unit {number}", rent=str(1000 + number)) for number in range(PER_PAGE + 2)]
    other = add(office, EVIL[:30], "lakeside", headline_en=EVIL)
    person, path, seen = office.person(), "/listings?property=elm&state=draft", []
    while path:
        page = await person.open(path)
        check(page)
        seen += [int(id) for id in re.findall(r'<td><a href="/listings/(\d+)"', page)]
        more = re.findall(r'href="(/listings\?[^"]*after=[^"]*)"', page)
        path = html.unescape(more[0]) if more else ""
    assert seen == ids
    assert f'/listings/{other}"' in await person.open("/listings?property=lakeside")
    assert "No listing matches." in await person.open("/listings?state=expired")
    for after in ("x", "1/0", "NaN/1", "1e9/1", "-5/1"):
        await person.open(f"/listings?after={after}", 404)


async def test_a_home_is_added_and_what_is_wrong_comes_back_as_typed(office: ConsoleOffice) -> None:
    person = office.person(Role.MANAGER)
    sent = {"property": "elm", "unit": EVIL[:30], "bedrooms": "two", "bathrooms": "1", "rent": "1450"}
    page = (await person.send("/listings/new", 422, **sent)).text
    check(page)
    assert 'value="two"' in page
    answer = await person.send("/listings/new", **sent | {"bedrooms": "2", "unit": "204"})
    [made] = office.rows(Listing)
    assert answer.headers["location"] == f"/listings/{made.id}"
    assert made.published is None
    check(await person.open(f"/listings/{made.id}"))


async def test_a_change_makes_a_version_and_of_two_who_change_the_same_nobody_loses_a_word(
    office: ConsoleOffice,
) -> None:
    id = add(office, text_es="Junto al parque.\n\nCon balcón.")
    alice, bob = office.person(Role.MANAGER), office.person(Role.MANAGER, language="es")
    ours = await form_of(alice, id)
    await alice.send(f"/listings/{id}/terms", **ours)
    assert latest(office, id)[0].latest == 1, "nothing was changed"
    await bob.send(f"/listings/{id}/terms", **ours | {"rent": "1495", "text_es": "Con balcón.\r\n\r\nY luz."})
    await alice.send(f"/listings/{id}/terms", **ours | {"deposit": "500", "fees": "parking 40 monthly"})
    listing, content = latest(office, id)
    assert (listing.latest, str(listing.rent), content["deposit"]) == (3, "1495.00", "500.00")
    assert content["words"]["es"]["text"] == "Con balcón.\n\nY luz."
    page = (await alice.send(f"/listings/{id}/terms", 409, **ours | {"rent": "1600"})).text
    check(page)
    assert 'value="1600"' in page
    assert "1495" in page
    again = ours | {"rent": "1600", "base": html.unescape(re.findall('name="base" value="([^"]*)"', page)[0])}
    shown = await form_of(alice, id)
    await alice.send(f"/listings/{id}/terms", **shown | {"base": again["base"], "rent": "1600"})
    assert str(latest(office, id)[0].rent) == "1600.00"
    page = (await alice.send(f"/listings/{id}/terms", 422, **shown | {"pets": "dragons, many"})).text
    assert 'value="dragons, many"' in page


async def test_what_is_missing_is_said_and_words_wait_for_somebody(office: ConsoleOffice) -> None:
    id = add(office, text_en="A quiet home for mature couples. No children.")
    person = office.person(Role.MANAGER)
    page = await person.open(f"/listings/{id}")
    for missing in ("property elm is not published", "Pictures.", "in Spanish; until then", "decision about some"):
        assert missing in page
    refused = (await person.send(f"/listings/{id}/publication", 422, version="1")).text
    assert 'role="alert"' in refused
    await person.send(f"/listings/{id}/property", 422)
    with office.crm.store.writing() as session:
        profiles.change(session, BY, "elm", ADDRESS)
    await person.send(f"/listings/{id}/property")
    refused = (await person.send(f"/listings/{id}/publication", 422, version="1")).text
    check(refused)
    assert 'name="despite"' in refused
    assert office.rows(Listing)[0].published is None
    await person.send(f"/listings/{id}/publication", 422, version="7", despite="exemption on file")
    await person.send(f"/listings/{id}/publication", version="1", until="2026-03-31", despite="exemption on file")
    listing, _ = latest(office, id)
    assert listing.published == 1
    assert listing.expires_at is not None
    [publication] = [row for row in office.rows(Publication) if row.listing_id == id]
    assert (publication.made_by, publication.despite) == (person.name, "exemption on file")
    page = await person.open(f"/listings/{id}")
    assert f'href="http://127.0.0.1:{office.crm.config.ports.site}/homes/{id}"' in page
    await person.send(f"/listings/{id}/withdrawal")
    assert latest(office, id)[0].published is None


async def test_pictures_are_taken_in_described_moved_and_removed(office: ConsoleOffice) -> None:
    id = add(office)
    person = office.person(Role.MANAGER)
    await upload(person, id, picture(color="green"), alt_en=EVIL, alt_es="La cocina")
    await upload(person, id, picture(color="blue", kind="JPEG"))
    page = await person.open(f"/listings/{id}")
    check(page)
    files = re.findall(r'src="(/pictures/[0-9a-f]{64}-\d+\.webp)"', page)
    assert len(files) == 2
    shown = await person.http.get(files[0])
    assert shown.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(shown.content)).format == "WEBP"
    assert "private" in shown.headers["cache-control"]
    assert (await office.browser().http.get(files[0])).status_code in (303, 401)
    for wrong in (
        files[0].replace("webp", "png"),
        "/pictures/..%2f..%2fleaseline.db",
        f"/pictures/{'0' * 64}-480.webp",
    ):
        assert (await person.http.get(wrong)).status_code == 404
    first, second = (re.findall("([0-9a-f]{64})", one)[0] for one in files)
    moved = {"alt_en": "Bath", "alt_es": "", "to": "1"}
    await person.send(f"/listings/{id}/pictures/2", 422, hash=first, **moved)
    await person.send(f"/listings/{id}/pictures/2", hash=second, **moved)
    assert [one["hash"] for one in latest(office, id)[1]["pictures"]] == [second, first]
    assert latest(office, id)[1]["pictures"][0]["alt"] == {"en": "Bath"}
    await person.send(f"/listings/{id}/pictures/1/removal", hash=second)
    assert [one["hash"] for one in latest(office, id)[1]["pictures"]] == [first]
    assert latest(office, id)[0].latest == 5


async def test_what_is_no_picture_or_too_large_is_refused_and_leaves_nothing(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    id = add(office)
    person = office.person(Role.MANAGER)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for content in (b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 200, picture()[:300], picture(40)):
        assert 'role="alert"' in (await upload(person, id, content, 422)).text
    monkeypatch.setattr(pictures, "LARGEST_FILE", 20_000)
    assert "larger than" in (await upload(person, id, picture() + b"\0" * 30_000, 422)).text
    await upload(person, id, picture(), 403, csrf="0" * 32)
    answer = await person.http.post(
        f"/listings/{id}/pictures",
        content=b"x",
        headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"},
    )
    assert answer.status_code == 400
    assert latest(office, id)[0].latest == 1
    assert [path for path in tmp_path.iterdir() if path.name.startswith("leaseline-picture-")] == []


async def test_who_sees_one_property_edits_its_homes_alone_and_agents_only_look(office: ConsoleOffice) -> None:
    ours, theirs = add(office), add(office, "12", "lakeside", text_en="Theirs")
    narrow = office.person(Role.MANAGER, properties=["elm"])
    page = await narrow.open("/listings")
    assert f'/listings/{ours}"' in page
    assert f'/listings/{theirs}"' not in page
    assert "lakeside" not in page
    await narrow.open(f"/listings/{theirs}", 404)
    for path, fields in (
        ("terms", {"base": "{}"}),
        ("publication", {"version": "1"}),
        ("withdrawal", {}),
        ("property", {}),
        ("pictures/1", {"to": "1"}),
        ("pictures/1/removal", {}),
    ):
        await narrow.send(f"/listings/{theirs}/{path}", 404, **fields)
        await office.person(Role.AGENT).send(f"/listings/{ours}/{path}", 403, **fields)
    await upload(narrow, theirs, picture(), 404)
    await narrow.send("/listings/new", 422, property="lakeside", unit="9", bedrooms="1", bathrooms="1", rent="900")
    assert len(office.rows(Listing)) == 2
    for role in (Role.AGENT, Role.READ_ONLY):
        page = await office.person(role).open(f"/listings/{ours}")
        check(page)
        assert re.findall(r'<form[^>]*action="/listings[^"]*"', page) == []
        assert "By the park." in page


def test_the_form_has_each_column_of_a_home() -> None:
    assert set(page_of_listings.COLUMNS) == set(listings.HOME_COLUMNS)
