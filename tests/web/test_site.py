"""The public site as a browser without JavaScript sees it."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from crm.context import Crm
from crm.domain.listings import Access, Laundry, ParkingKind, Utility
from crm.services.arrivals import releasing
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.people import short_links
from crm.services.system import renaming
from crm.store.models import (
    Activity,
    Application,
    ArrivalRecord,
    Consent,
    Lead,
    LeadPhone,
    Mail,
    Message,
    Property,
    Task,
    Tour,
)
from crm.web.site import visitors
from crm.web.site.app import build
from crm.words import site as words
from tests.web.visitors import BY, NOW, PHONE, PUBLIC, SITE, Visitor, check, visiting

pytestmark = pytest.mark.web


async def test_homes_are_listed_by_rent_and_found_by_what_people_look_for(visitor: Visitor) -> None:
    page = await visitor.open("/")
    check(page)
    assert page.index("Elm &lt;Street&gt; 9") < page.index("Elm &lt;Street&gt; 204B")
    assert "$1,450" in page
    for query, found in (
        ("bedrooms=2", {"204B"}),
        ("bedrooms=0", {"9"}),
        ("up_to=1,000", {"9"}),
        ("pets=cats", {"204B"}),
        ("pets=dogs", set()),
        ("by=2026-03-15", set()),
        ("by=2026-04-15&bedrooms=&up_to=", {"204B", "9"}),
        ("bedrooms=x&up_to=-1&pets=snakes&by=soon&after=1-2-3&after=' OR 1", {"204B", "9"}),
    ):
        page = await visitor.open(f"/?{query}")
        check(page)
        assert set(re.findall(r"&lt;Street&gt; (\w+)</a>", page)) == found, query


async def test_a_home_is_shown_with_all_there_is_to_know_and_nothing_breaks_out(visitor: Visitor) -> None:
    page = await visitor.open("/homes/1")
    check(page)
    for part in (
        "By the park.",
        "2 bedrooms",
        "1.5 bathrooms",
        "Available April 1, 2026",
        "1 Elm Street, Austin, TX 78701",
    ):
        assert part in page, part
    assert "Cats, up to 2 per home, $25 a month per pet" in page
    assert "<b>" not in page
    described = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0])
    assert described["numberOfBedrooms"] == 2
    assert described["tourBookingPage"] == f"{PUBLIC}/homes/1/tour"
    assert f'property="og:image" content="{PUBLIC}/pictures/' in page
    [picture, *_] = re.findall(r'src="(/pictures/[^"]+)"', page)
    answer = await visitor.http.get(picture)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["cache-control"]


async def test_every_page_is_there_in_both_languages(visitor: Visitor) -> None:
    for path in (
        "",
        "/homes/1",
        "/homes/1/tour",
        "/homes/2/question",
        "/properties/elm",
        "/properties/elm/tour",
        "/contact",
    ):
        check(await visitor.open(path or "/"))
        page = await visitor.open(f"/es{path}")
        check(page, "es")
        assert f'href="{path or "/"}" lang="en"' in page
    assert set(words.WORDS["en"]) == set(words.WORDS["es"])
    for key in words.WORDS["en"]:
        holes = [sorted(re.findall(r"{\w+}", words.WORDS[language][key])) for language in words.LANGUAGES]
        assert holes[0] == holes[1], key


def test_what_is_chosen_from_a_list_has_words_in_each_language() -> None:
    for choices in (Utility, ParkingKind, Laundry, Access):
        for one in choices:
            assert one.value in words.TERMS["es"], one
    assert words.term("air-conditioning", "en") == "air conditioning"


async def test_a_question_makes_a_lead_with_an_owned_next_action_and_word_to_its_owner(visitor: Visitor) -> None:
    page = await visitor.send(
        "/homes/1/question",
        name=" Pat  Smith ",
        email="Pat@Example.com",
        phone="(512) 555-0188",
        message="Is parking included?\r\nAnd heat?",
        texts="yes",
    )
    check(page)
    assert "Thank you" in page
    [lead] = visitor.rows(Lead)
    assert (lead.name, lead.email, lead.source, lead.language) == ("Pat Smith", "Pat@Example.com", "website", "en")
    [task] = visitor.rows(Task)
    assert (task.kind, task.lead_id) == ("inquiry", lead.id)
    assert "Is parking included?" in task.why
    [mail] = visitor.rows(Mail)
    assert (mail.to_address, mail.subject) == ("alice@example.com", "A question about Elm <Street>")
    [consent] = visitor.rows(Consent)
    assert (consent.number, consent.version) == ("+15125550188", words.CONSENT_VERSION)
    assert consent.wording == words.CONSENT["en"].format(office="Maple & Sons")
    [arrival] = visitor.rows(ArrivalRecord)
    assert arrival.raw["phone"] == "(512) 555-0188", "as it was written"
    await visitor.send("/contact", name="Pat", email="pat@example.com", message="Hello again.")
    assert len(visitor.rows(Lead)) == 1
    [task] = visitor.rows(Task)
    assert task.times == 2


async def test_a_tour_is_booked_at_a_free_time_once_and_confirmed(visitor: Visitor) -> None:
    page = await visitor.open("/homes/1/tour")
    assert words.WORDS["en"]["tour_accompanied"] in page
    at = re.findall(r'name="at" value="([^"]+)"', page)
    assert at[0] == "2026-03-02T17:00:00+00:00/accompanied"
    form = {"name": "Pat", "phone": "5125550188", "at": at[0]}
    key = visitor.key(page)
    for _ in range(2):
        page = await visitor.send("/homes/1/tour", key=key, **form)
        check(page)
        assert "Monday, March 2, 11:00 AM CST" in page, "sent twice, it is the same tour"
    assert len(visitor.rows(Tour)) == 1
    assert visitor.rows(Task) == [], "nothing else is left to do"
    assert visitor.rows(Message)[0].to_number == "+15125550188"
    assert at[0] not in await visitor.open("/homes/2/tour"), "it is taken"
    page = await visitor.send("/es/homes/2/tour", 409, name="Sam", phone="5125550189", at=at[0])
    check(page, "es")
    assert words.WORDS["es"]["tour_taken"] in page
    assert len(visitor.rows(Lead)) == 1, "and nothing of a tour that was not had is left"


async def test_what_has_to_be_corrected_is_marked_and_what_was_written_stays(visitor: Visitor) -> None:
    for path, fields, wrong in (
        ("/contact", {"name": "", "email": "", "message": ""}, ("name_missing", "way_back_missing", "message_missing")),
        ("/contact", {"name": "Pat", "email": "pat@", "message": "x" * 4001}, ("email_wrong", "message_long")),
        ("/homes/1/question", {"name": "Pat", "phone": "12", "message": "Hi"}, ("phone_wrong",)),
        (
            "/homes/1/question",
            {"name": "P", "email": "p@example.com", "message": "Hi", "texts": "yes"},
            ("phone_for_texts",),
        ),
        ("/homes/1/tour", {"name": "Pat", "email": "pat@example.com"}, ("time_missing", "phone_for_tour")),
    ):
        page = await visitor.send(path, 422, **fields)
        check(page)
        for key in wrong:
            assert words.WORDS["en"][key].split("{")[0].replace("'", "&#39;") in page, key
        assert f'value="{fields["name"]}"' in page
    assert visitor.rows(Lead) == visitor.rows(ArrivalRecord) == []


async def test_a_person_who_is_known_is_joined_and_nothing_known_is_overwritten(visitor: Visitor) -> None:
    with visitor.crm.store.writing() as session:
        session.add(
            Lead(
                name="Patricia",
                created_at=NOW,
                status="closed",
                is_hot=False,
                phones=[LeadPhone(number="+15125550188")],
            )
        )
    await visitor.send("/contact", name="Pat", phone="512 555 0188", email="pat@example.com", message="Hello.")
    [lead] = visitor.rows(Lead)
    assert (lead.name, lead.email, lead.status, lead.is_hot) == ("Patricia", "pat@example.com", "in_progress", True)


async def test_our_own_numbers_never_become_a_person(visitor: Visitor) -> None:
    await visitor.send("/contact", name="Pat", phone="512 555 0100", email="pat@example.com", message="Hello.")
    assert visitor.rows(LeadPhone) == []


async def test_what_fills_in_a_field_that_people_do_not_see_is_kept_back(visitor: Visitor) -> None:
    form = {"name": "Pat", "email": "pat@example.com", "message": "Buy.", "website": "https://spam.example"}
    assert "Thank you" in await visitor.send("/contact", **form)
    [slot] = re.findall(r'value="([^"]+/accompanied)"', await visitor.open("/homes/1/tour"))[:1]
    tour = {**form, "phone": "512 555 0188", "at": slot}
    assert "Thank you" in await visitor.send("/homes/1/tour", **tour)
    contact, wanted = visitor.rows(ArrivalRecord)
    assert {contact.problem, wanted.problem} == {"A field that people do not see is filled in."}
    assert visitor.rows(Lead) == visitor.rows(Tour) == []
    crm = visitor.crm
    crm.store.run_blocking(releasing.release, crm.config, crm.secrets, BY, wanted.id)
    [lead] = visitor.rows(Lead)
    [phone] = visitor.rows(LeadPhone)
    assert (lead.email, phone.number, visitor.rows(Tour)) == ("pat@example.com", "+15125550188", [])
    assert visitor.rows(Activity)[-1].text.startswith("Asked for a tour of ")


async def test_a_form_sent_sooner_than_people_fill_one_in_is_shown_again_with_what_it_says(
    tmp_path: Path, migrated: Path
) -> None:
    form = {"name": "Pat Smith", "email": "pat@example.com", "message": "Is it free?"}
    async with visiting(tmp_path, migrated, replace(SITE, quickest_form_seconds=3600)) as visitor:
        key = visitor.key(await visitor.open("/contact"))
        page = await visitor.send("/contact", 409, key=key, **form)
        assert words.WORDS["en"]["too_quick"] in page
        assert "Is it free?" in page
        assert visitor.key(page) == key, "for who sends it again, it counts from when it was first opened"
        assert await visitor.send(
            "/homes/1/apply", 409, name="Pat Smith", email="pat@example.com", move_in="2026-05-01"
        )
        assert visitor.rows(ArrivalRecord) == visitor.rows(Application) == []


async def test_forms_from_elsewhere_do_nothing(visitor: Visitor) -> None:
    form = {"name": "Pat", "email": "pat@example.com", "message": "Buy."}
    await visitor.send("/contact", 409, key="made-up", **form)
    key = visitor.key(await visitor.open("/contact"))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = await visitor.http.post("/contact", data={"key": key, **form}, headers=headers)
        assert answer.status_code == 409
    answer = await visitor.http.post("/contact", content=b"a" * 40_000)
    assert answer.status_code == 413
    answer = await visitor.http.post("/contact", content=b"&".join(b"a%d=1" % n for n in range(50)))
    assert answer.status_code == 413
    assert visitor.rows(Lead) == visitor.rows(ArrivalRecord) == []


async def test_one_address_may_send_only_so_many_forms(visitor: Visitor) -> None:
    for number in range(visitor.crm.config.site.forms_per_hour):
        await visitor.send("/contact", name="Pat", email=f"p{number}@example.com", message="Hi.")
    key = visitor.key(await visitor.open("/contact"))
    refused = await visitor.http.post("/contact", data={"key": key, "name": "Pat", "message": "Hi."})
    check(refused.text)
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    key = visitor.key(await visitor.open("/contact"))
    other = await visitor.http.post(
        "/contact",
        data={"key": key, "name": "Pat", "email": "other@example.com", "message": "Hi."},
        headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"},
    )
    assert other.status_code == 200


async def test_whoever_corrects_a_form_again_and_again_may_send_it_in_the_end(tmp_path: Path, migrated: Path) -> None:
    async with visiting(tmp_path, migrated, replace(SITE, forms_per_hour=2)) as visitor:
        form = {"name": "Pat", "message": "Hi."}
        for _ in range(3):
            await visitor.send("/contact", 422, email="pat@", **form)
            await visitor.send("/contact", 409, key="made-up", email="pat@example.com", **form)
            await visitor.send("/homes/1/apply", 422, **form)
            await visitor.send("/apply", 422, email="pat@")
        for status in (200, 200, 429):
            await visitor.send("/contact", status, email="pat@example.com", **form)


async def test_one_address_may_open_only_so_many_pages_and_is_told_for_how_long(tmp_path: Path, migrated: Path) -> None:
    async with visiting(tmp_path, migrated, replace(SITE, requests_per_minute=2)) as visitor:
        answers = [await visitor.http.get("/") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


def test_addresses_that_ask_no_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1e9]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    limits = visitors.Limits(replace(SITE, requests_per_minute=1))
    assert [limits.page("203.0.113.9") for _ in range(2)] == [0, 60]
    for number in range(100):
        limits.page(f"198.51.100.{number}")
    clock[0] += 61
    assert limits.page("203.0.113.9") == 0
    assert len(limits._storage.storage) == 1


async def test_what_is_not_public_is_not_there(visitor: Visitor) -> None:
    with visitor.crm.store.writing() as session:
        homes.add(session, BY, "elm", "draft", {"rent": "800", "deposit": "0", "bedrooms": "1", "bathrooms": "1"})
        homes.unpublish(session, BY, [2])
    assert "Elm &lt;Street&gt; 9" not in await visitor.open("/")
    for path in (
        "/homes/2",
        "/homes/3",
        "/homes/3/tour",
        "/homes/99999999999999999999",
        "/properties/none",
        "/properties/ELM",
        "/nothing",
        "/es/nothing",
        "/pictures/../leaseline.toml",
        "/pictures/" + "0" * 64 + "-480.webp",
        "/homes/1%00",
    ):
        answer = await visitor.http.get(path)
        assert answer.status_code == 404, path


async def test_search_engines_find_what_is_public(visitor: Visitor) -> None:
    found = re.findall("<loc>(.*?)</loc>", await visitor.open("/sitemap.xml"))
    assert {f"{PUBLIC}/", f"{PUBLIC}/es", f"{PUBLIC}/homes/1", f"{PUBLIC}/es/properties/elm"} <= set(found)
    assert f"Sitemap: {PUBLIC}/sitemap.xml" in await visitor.open("/robots.txt")


async def test_answers_carry_what_protects_visitors(visitor: Visitor) -> None:
    for path in ("/", "/homes/1", "/contact", "/nothing"):
        answer = await visitor.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
    answer = await visitor.http.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400


async def test_the_pages_of_a_renamed_property_lead_to_its_new_name(visitor: Visitor) -> None:
    crm, by = visitor.crm, By("tests", NOW)
    await crm.store.run(renaming.rename, crm.config, crm.secrets, by, "property", "elm", "elm-street")
    for page in ("/properties/elm", "/es/properties/elm"):
        moved = await visitor.http.get(page)
        assert (moved.status_code, moved.headers["location"]) == (301, f"{page}-street")
        assert (await visitor.http.get(f"{page}-street")).status_code == 200
    assert (await visitor.http.get("/properties/elm/question")).status_code == 200
    assert (await visitor.http.get("/properties/nothing")).status_code == 404


async def test_a_link_from_a_text_leads_to_the_property_and_shows_in_the_timeline(visitor: Visitor) -> None:
    crm = visitor.crm
    with crm.store.writing() as session:
        lead = Lead(name="Pat", created_at=NOW, phones=[LeadPhone(number="+15125550188")])
        session.add(lead)
        session.flush()
        elm = session.scalars(select(Property).where(Property.slug == "elm")).one()
        links = {short_links.to_listings(session, crm.config, elm, lead.id, "link:c1", NOW) for _ in range(2)}
        nobody = short_links.to_listings(session, crm.config, elm, None, "link:c2", NOW)
    [link] = links
    assert nobody == f"{PUBLIC}/properties/elm"
    assert link.startswith(f"{PUBLIC}/l/")
    assert len(link) < 50
    path = link.removeprefix(PUBLIC)
    phone = PHONE
    for headers in (
        {**phone, "User-Agent": "WhatsApp/2.23"},
        {**phone, "User-Agent": ""},
        {**phone, "Sec-Purpose": "prefetch"},
        {**phone, "Sec-Fetch-Mode": "no-cors"},
        {**phone, "Accept": "*/*"},
        {name: value for name, value in phone.items() if name != "Accept-Language"},
    ):
        assert (await visitor.http.get(path, headers=headers)).headers["location"] == "/properties/elm"
    await visitor.http.head(path, headers=phone)
    assert visitor.rows(Activity) == []
    for _ in range(2):
        assert (await visitor.http.get(path, headers=phone)).headers["location"] == "/properties/elm"
    [entry] = visitor.rows(Activity)
    assert (entry.kind, entry.text) == ("LinkOpened", "Opened our link to /properties/elm.")
    for other in ("/l/unknown", "/l/https:evil.example", f"/l/{'x' * 500}"):
        assert (await visitor.http.get(other, headers=phone)).headers["location"] == "/"
    late = Crm(crm.config, crm.store, crm.secrets, lambda: NOW + timedelta(days=91))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(late)), base_url="http://127.0.0.1") as http:
        assert (await http.get(path, headers=phone)).headers["location"] == "/"


async def test_a_tour_is_moved_and_cancelled_by_its_link_in_each_language(visitor: Visitor) -> None:
    page = await visitor.open("/es/homes/1/tour")
    at = re.findall(r'name="at" value="([^"]+)"', page)
    page = await visitor.send("/es/homes/1/tour", name="Pat", phone="5125550188", at=at[0])
    [link] = re.findall(r'href="(/es/tours/[^"]+)"', page)
    texted = visitor.rows(Message)[0].body
    assert f"{PUBLIC}{link}" in texted, "the text has the same link"
    page = await visitor.open(link)
    check(page, "es")
    other = re.findall(r'name="at" value="([^"]+)"', page)
    assert at[0].partition("/")[0] not in other
    check(await visitor.open(link.removeprefix("/es")))
    headers = {"Sec-Fetch-Site": "same-origin"}
    elsewhere = await visitor.http.post(link, data={"act": "cancel"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 409
    answer = await visitor.http.post(link, data={"act": "move", "at": "2026-03-02T17:10:00+00:00"}, headers=headers)
    assert (answer.status_code, words.WORDS["es"]["tour_taken"] in answer.text) == (409, True)
    answer = await visitor.http.post(link, data={"act": "move", "at": other[0]}, headers=headers)
    assert words.WORDS["es"]["tour_moved"] in answer.text
    assert words.WORDS["es"]["tour_changed"] in await visitor.open(link, 409)
    [tour] = visitor.rows(Tour)
    assert tour.version == 2
    moved = next(one.body for one in visitor.rows(Message) if ":moved" in one.key)
    link = re.findall(rf"{PUBLIC}(/es/tours/\S+)", moved)[0]
    answer = await visitor.http.post(link, data={"act": "cancel"}, headers=headers)
    check(answer.text, "es")
    assert words.WORDS["es"]["tour_off"] in answer.text
    assert visitor.rows(Tour)[0].state == "cancelled"
    assert words.WORDS["en"]["tour_link_broken"] in await visitor.open("/tours/made-up", 410)
