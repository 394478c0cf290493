"""The page with whether all parts of the system are well."""

from __future__ import annotations

import asyncio
import html
import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.services.phones import devices
from crm.services.system import doctor, health, workers
from crm.services.system.checks.finding import Finding, fault, ok, warn
from crm.services.system.health import DeviceHealth, Health
from crm.store.models import Location
from crm.web.console.pages import health as page
from crm.words import terminal
from crm.words.console.health import WORDS
from crm.words.console.mends import MENDS
from crm.worker import Trouble
from tests.unit.test_words import findings, lacking
from tests.web.console.conftest import Clock
from tests.web.console.people import BY, NOW, ConsoleOffice

pytestmark = pytest.mark.web


async def test_it_tells_what_is_wrong_and_how_to_mend_it(office: ConsoleOffice) -> None:
    found = await office.person().open("/health")
    assert "Callers are not served as they should be." in found
    mend = found.split('id="to-mend"')[1].split("</section>")[0]
    assert mend.index(">at once<") < mend.index(">mend<"), "what is worst is not first"
    assert "Start it with `leaseline up`." in mend
    assert "does not run" in found.split('id="parts"')[1]
    spanish = await office.person(language="es").open("/health")
    assert WORDS["es"]["to_mend"] in spanish
    assert "Arránquela con `leaseline up`." in spanish
    assert "Start it with" not in spanish


@pytest.mark.parametrize("language", ["en", "es"])
async def test_what_a_page_can_mend_links_to_that_page_and_names_no_command(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    with office.crm.store.reading() as session:
        place = session.scalars(select(Location.slug).limit(1)).one()
    facts = {"location": place, "device": "alice-desk", "agent": "alice"}

    async def all_of_it(config: object, found: object) -> list[Finding]:
        return [warn("phones", "It is so.", code, **facts) for code in MENDS]

    monkeypatch.setattr(doctor, "examine", all_of_it)
    person = office.person(language=language)
    found = (await person.open("/health")).split('id="to-mend"')[1].split("</section>")[0]
    assert "leaseline" not in found
    links = dict(re.findall(r'<td class="words"><a href="([^"]+)">([^<]+)</a></td>', found))
    assert set(links) == {mend.path.format_map(facts) for mend in MENDS.values()}
    for path in links:
        await person.open(html.unescape(path))


def test_what_pages_mend_the_doctor_finds() -> None:
    assert set(MENDS) <= set(terminal.FIXES)
    assert lacking({code: mend.path for code, mend in MENDS.items()}, findings()) == []


async def test_only_admins_of_the_whole_office_see_it(office: ConsoleOffice) -> None:
    for role in (Role.MANAGER, Role.AGENT, Role.READ_ONLY):
        person = office.person(role)
        await person.open("/health", 403)
        assert 'href="/health"' not in await person.open("/tasks")
    await office.person(Role.ADMIN, properties=["elm"]).open("/health", 403)
    assert 'href="/health"' in await office.person().open("/tasks")


async def test_who_cannot_be_reached_is_named_with_the_reason(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office.crm.store.writing() as session:
        devices.set_dnd(session, BY, ["alice-desk"], until=NOW + timedelta(hours=2))
    all_of_them = (await health.look(office.crm.config, NOW)).devices
    assert {one.device for one in all_of_them if one.dnd} == {"alice-desk"}
    look = health.look

    async def with_phones(config: object, now: object) -> Health:
        registered = [one if one.is_mobile else replace(one, state="online", up=True) for one in all_of_them]
        return replace(await look(office.crm.config, NOW), devices=registered)

    monkeypatch.setattr(health, "look", with_phones)
    away = (await office.person().open("/health")).split('id="away"')[1].split("</section>")[0]
    assert "alice-desk: do not disturb until" in away
    assert "bob" not in away


def device(name: str, agent: str, **more: object) -> DeviceHealth:
    usual = DeviceHealth(name, agent, "online", up=True, dnd=False, dnd_until=None)
    return replace(usual, **more)  # type: ignore[arg-type]


def test_one_phone_that_rings_is_enough() -> None:
    away = page.unreachable(
        [
            device("a-desk", "alice", up=False),
            device("a-mobile", "alice", is_mobile=True),
            device("b-desk", "bob", dnd=True),
            device("b-mobile", "bob", is_mobile=True, up=False),
            device("c-web", "carol", deaf_since=NOW),
            device("d-desk", "dave"),
            device("d-web", "dave", up=False),
        ]
    )
    assert [(one.agent, [instead for _, instead in one.devices]) for one in away] == [
        ("bob", ["dnd", "not_forwarded"]),
        ("carol", ["deaf"]),
    ]


async def test_what_waits_in_any_process_and_a_listener_that_does_not_listen_are_shown(office: ConsoleOffice) -> None:
    why = "port 8092 is <in> use"
    workers.show(office.crm.config, {"listener site": Trouble(why, NOW), "outbox": Trouble("No server.", NOW)})
    found = await office.person().open("/health")
    waiting = found.split('id="troubles"')[1].split("</section>")[0]
    assert "No server." in waiting
    assert "port 8092 is &lt;in&gt; use" in waiting
    listening = found.split('id="listeners"')[1].split("</section>")[0]
    site = listening.split("Visitors of the site")[1].split("</tr>")[0]
    assert "does not listen" in site
    assert "port 8092 is &lt;in&gt; use" in site


async def test_other_pages_are_served_while_it_looks_and_all_who_wait_share_one_look(
    office: ConsoleOffice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on, looks = threading.Event(), threading.Event(), []

    async def slow(config: object, found: object) -> list[Finding]:
        looks.append(1)
        began.set()
        assert goes_on.wait(20)
        return [ok("all", "It is well."), fault("phones", "None.", "app_down")]

    monkeypatch.setattr(doctor, "examine", slow)
    admin = office.person()
    waiting = [asyncio.create_task(office.person().open("/health")) for _ in range(3)]
    try:
        assert await asyncio.to_thread(began.wait, 20)
        await admin.open("/tasks")
        assert not any(one.done() for one in waiting)
    finally:
        goes_on.set()
    assert all("It is well." in one for one in await asyncio.gather(*waiting))
    assert len(looks) == 1
    clock.now += page.KEPT
    await admin.open("/health")
    assert len(looks) == 2


def test_both_languages_have_the_same_words() -> None:
    assert set(WORDS["en"]) == set(WORDS["es"])
