"""The page behind the link in a tour's text, through the real application."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm.domain.tours import TourKind, TourState
from crm.services.audit import By
from crm.services.tours import booking, times
from crm.store.models import Lead, LeadPhone, Message, Property, Tour
from tests.web.conftest import MAPLE, PERSON, Site

pytestmark = pytest.mark.web

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("tests", NOW)
TUESDAY_TEN = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


@pytest.fixture
async def link(site: Site) -> str:
    """The link as it stands in the text of a tour on Tuesday at ten."""
    work = site.webhooks.crm
    with work.store.writing() as session:
        lead = Lead(status="new", created_at=NOW, phones=[LeadPhone(number=PERSON)], interests=[])
        session.add_all([lead, Property(slug="elm", name="Elm <Street> & Co")])
        session.flush()
        lead_id = lead.id
    await work.store.run(times.set_hours, BY, "elm", ["mon-fri 10:00-12:00"], kind=TourKind.SELF_GUIDED, minutes=60)
    await work.store.run(
        booking.book,
        work.config,
        work.secrets,
        BY,
        person=str(lead_id),
        property_slug="elm",
        at=TUESDAY_TEN,
        key="test",
    )
    [confirmed, *_] = await site.rows(Message)
    assert confirmed.from_number == MAPLE
    return confirmed.body.partition("https://phone.example.com")[2]


async def tour_of(site: Site) -> Tour:
    [tour] = await site.rows(Tour)
    found, _ = await site.webhooks.crm.store.read(booking.get, tour.id)
    return found


async def test_looking_shows_the_tour_and_changes_nothing(site: Site, link: str) -> None:
    for _ in range(2):
        answer = await site.http.get(link)
        assert answer.status_code == 200
        assert "Tuesday, March 3, 10:00 AM" in answer.text.replace("\u202f", " ")
    assert "Elm &lt;Street&gt; &amp; Co" in answer.text
    assert "<Street>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await tour_of(site)).state == TourState.BOOKED


async def test_a_spanish_link_shows_the_page_in_spanish_and_stays_in_it(site: Site, link: str) -> None:
    work = site.webhooks.crm
    with work.store.writing() as session:
        session.scalars(select(Lead)).one().language = "es"
    offered = re.findall(r'value="(2026[^"]+)"', (await site.http.get(link)).text)
    await site.http.post(link, data={"act": "move", "at": offered[0]})
    [moved] = [one for one in await site.rows(Message) if ":moved" in one.key]
    assert moved.body.startswith("Su visita a Elm")
    spanish = moved.body.partition("https://phone.example.com")[2]
    assert spanish.endswith("?language=es")
    shown = await site.http.get(spanish)
    assert '<html lang="es">' in shown.text
    assert "Está reservada para el " in shown.text
    assert "Cambiar la visita" in shown.text
    gone = await site.http.post(spanish, data={"act": "cancel"})
    assert "Su visita está cancelada." in gone.text
    late = await site.http.get(link + "?language=es")
    assert (late.status_code, "Esta visita ha cambiado" in late.text) == (409, True)
    assert '<html lang="en">' in (await site.http.get(link + "?language=<x>")).text


async def test_the_form_moves_it_and_the_old_link_is_void(site: Site, link: str) -> None:
    offered = re.findall(r'value="(2026[^"]+)"', (await site.http.get(link)).text)
    assert TUESDAY_TEN.isoformat() not in offered
    answer = await site.http.post(link, data={"act": "move", "at": offered[0]})
    assert "Your tour has been moved" in answer.text
    assert (await tour_of(site)).slot.starts_at == datetime.fromisoformat(offered[0])
    assert (await site.http.get(link)).status_code == 409
    assert (await site.http.post(link, data={"act": "cancel"})).status_code == 409
    assert (await tour_of(site)).state == TourState.BOOKED
    moved = [one for one in await site.rows(Message) if ":moved" in one.key]
    assert (await site.http.get(moved[0].body.partition("https://phone.example.com")[2])).status_code == 200


async def test_the_form_cancels_it(site: Site, link: str) -> None:
    answer = await site.http.post(link, data={"act": "cancel"})
    assert "canceled" in answer.text
    assert (await tour_of(site)).state == TourState.CANCELLED
    assert (await site.http.post(link, data={"act": "cancel"})).status_code == 409


@pytest.mark.parametrize(
    "at",
    [
        "",
        "tomorrow",
        "2026-03-03T16:10:00+00:00",
        "2020-01-01T00:00:00+00:00",
        "9" * 400,
        "2026-03-03T17:00:00",
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-W10-2",
        "\x00",
    ],
)
async def test_a_time_that_is_not_offered_changes_nothing(site: Site, link: str, at: str) -> None:
    answer = await site.http.post(link, data={"act": "move", "at": at})
    assert "choose another" in answer.text
    assert (await tour_of(site)).slot.starts_at == TUESDAY_TEN


async def test_a_link_is_good_until_the_tour_begins(site: Site, link: str) -> None:
    site.now = TUESDAY_TEN - timedelta(seconds=1)
    assert (await site.http.get(link)).status_code == 200
    site.now = TUESDAY_TEN
    assert (await site.http.get(link)).status_code == 410


@pytest.mark.parametrize("change", [lambda link: link[:-2], lambda link: link + "A", lambda link: "/tours/W10.x"])
async def test_a_forged_link_shows_nothing(site: Site, link: str, change: object) -> None:
    answer = await site.http.get(change(link))  # type: ignore[operator]
    assert answer.status_code == 410
    assert "Elm" not in answer.text


async def test_a_form_that_is_too_long_is_refused(site: Site, link: str) -> None:
    assert (await site.http.post(link, content=b"act=cancel&x=" + b"y" * 5000)).status_code == 413
    assert (await tour_of(site)).state == TourState.BOOKED


@pytest.mark.parametrize(
    "form",
    [
        b"&".join(b"a%d=1" % number for number in range(200)),
        b"act=move&at=%ff%fe%00",
        b"act=move&at=\xff\xfe",
        b"act=cancel&act=move&at=9999-12-31T23:59:59%2B00:00",
        b"\x00" * 4000,
        b"=" * 4000,
        b"act=%F0%28%8C%28",
        b"&" * 4000,
    ],
)
async def test_no_form_breaks_the_page(site: Site, link: str, form: bytes) -> None:
    answer = await site.http.post(link, content=form)
    assert answer.status_code in (200, 413)
    assert (await tour_of(site)).slot.starts_at == TUESDAY_TEN
    assert (await tour_of(site)).state == TourState.BOOKED


@pytest.mark.parametrize("token", ["%ff%fe", "W10.x%00", "." * 3000, "%F0%9F%98%80", "WzEsMSwxXQ." + "A" * 3000, "a/b"])
async def test_no_address_breaks_the_page(site: Site, token: str) -> None:
    assert (await site.http.get(f"/tours/{token}")).status_code in (404, 410)
