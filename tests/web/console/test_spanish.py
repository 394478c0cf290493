"""Whoever reads the console in Spanish finds no English sentence of ours."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.services import tasks
from crm.services.audit import By
from crm.services.people import leads
from crm.store.models import Line
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.console.test_leads import add

pytestmark = pytest.mark.web

OURS = re.compile(
    r"\b(the|and|with|which|there|nobody|somebody|they|was|were|has|have|been|from|not|when|what|who|will|this|that|is|are)\b",
    re.IGNORECASE,
)
"""Words that no English sentence is long without, and that are none in Spanish."""
PAGES = (
    "/board",
    "/recent",
    "/inbox",
    "/leads",
    "/leads/new",
    "/tasks",
    "/tours",
    "/voicemail",
    "/missed",
    "/listings",
    "/reports",
    "/routing",
    "/settings",
    "/settings/lines",
    "/settings/devices",
    "/settings/forwarding",
    "/people",
    "/health",
    "/account",
)


def english_of(page: str) -> list[str]:
    """Pieces of a page's text with words of OURS, but for what is marked as English, and code."""
    body = page.split("<body", 1)[1]
    for name in ("script", "style", "template", "code", "pre", "textarea", "option"):
        body = re.sub(rf"<{name}\b.*?</{name}>", " ", body, flags=re.DOTALL)
    body = re.sub(r'<(\w+)[^>]*\blang="en"[^>]*>.*?</\1>', " ", body, flags=re.DOTALL)
    pieces = (html.unescape(piece).strip() for piece in re.split(r"<[^>]*>", body))
    return [piece for piece in pieces if OURS.search(piece)]


async def test_no_page_has_an_english_sentence_of_ours(office: ConsoleOffice) -> None:
    person = office.person(language="es")
    found = {}
    for path in PAGES:
        page = (await person.http.get(path, follow_redirects=True)).text
        found[path] = english_of(page)
    assert [f"{path}: {piece}" for path, pieces in found.items() for piece in pieces] == []


async def test_a_tried_call_and_a_refusal_are_told_in_spanish(office: ConsoleOffice) -> None:
    person = office.person(language="es")
    with office.crm.store.reading() as session:
        lines = list(session.scalars(select(Line.number).limit(3)))
    for line in lines:
        for press in ("", "1", "2", "4 1", "0"):
            query = urlencode({"line": line, "from": "+15125550199", "at": "sat 23:10", "press": press})
            page = re.sub("<q .*?</q>", "", await person.open(f"/routing?{query}"), flags=re.DOTALL)
            assert english_of(page) == []
    refused = await person.open(f"/routing?{urlencode({'line': lines[0], 'at': 'someday'})}", 422)
    assert "Eso no es un momento" in refused
    assert english_of(refused) == []


async def test_tasks_and_the_timeline_are_told_in_spanish_and_what_people_wrote_is_left(office: ConsoleOffice) -> None:
    [id] = add(office, name="Pat", phone="+15125550181", property="elm")
    with office.crm.store.writing() as session:
        by = By("alice", NOW)
        why, due_at = "Called Elm Court and hung up in the menu.", NOW + timedelta(hours=1)
        tasks.add(session, office.crm.config, by, str(id), why, due_at, None)
        leads.write_note(session, office.crm.config, by, id, "Entered by hand.")
    person = office.person(language="es")
    page = await person.open(f"/leads/{id}")
    assert "Llamó a Elm Court y colgó en el menú." in page
    assert "Añadido a mano." in page
    assert "Entered by hand." in page, "a note is somebody's own words"
    assert "Llamó a Elm Court y colgó en el menú." in await person.open("/tasks?whose=everybody")
    english = office.person(Role.MANAGER)
    assert "Called Elm Court and hung up in the menu." in await english.open("/tasks?whose=everybody")
