"""The page with what calls, leads and tours add up to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.domain.access import Role
from crm.domain.calls import EndedBy
from crm.store.models import CallReview
from tests.store.test_ledger import CallMaker, record
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web

ELM, LAKESIDE = "+15125550100", "+15125550101"


async def with_calls(office: ConsoleOffice) -> None:
    for number, (line, agent) in enumerate(((ELM, "alice"), (ELM, "bob"), (LAKESIDE, "carol"))):
        begins = NOW - timedelta(days=1, hours=number)
        call = CallMaker(f"ll1-{number}", line, f"+1512555017{number}", begins).rang(agent).talked(agent)
        await record(office.crm.store, office.crm.config, call.ended(EndedBy.CALLER))


async def test_figures_are_grouped_drawn_and_told(office: ConsoleOffice) -> None:
    await with_calls(office)
    page = await office.person(Role.MANAGER).open("/reports?by=property")
    served = page.split('id="served"')[1].split("</section>")[0]
    for part in ("elm", "lakeside", ">2<", ">3<", "100 %"):
        assert part in served, part
    assert served.count('class="bar"') > 5
    assert "No caller is lost." in page
    spanish = await office.person(Role.MANAGER, language="es").open("/reports")
    assert "No se perdió ninguna llamada." in spanish
    assert ">all<" not in spanish


async def test_time_is_chosen_and_nonsense_refused(office: ConsoleOffice) -> None:
    await with_calls(office)
    person = office.person(Role.MANAGER)
    assert "There were no calls in this time." in await person.open("/reports?since=2026-01-01&until=2026-01-31")
    assert "The end is before the beginning" in await person.open("/reports?since=2026-02-20&until=2026-02-10")
    for query in ("since=yesterday", "by=mood", "until=0001-01-01"):
        await person.open(f"/reports?{query}", 404)


async def test_a_spreadsheet_gets_the_same_figures(office: ConsoleOffice) -> None:
    await with_calls(office)
    person = office.person(Role.MANAGER)
    sheet = await person.open("/reports/metrics.csv?by=agent")
    assert [line.partition(",")[0] for line in sheet.splitlines()[1:]] == ["alice", "bob", "carol", "all"]
    assert len((await person.open("/reports/sources.csv")).splitlines()) == 3


async def test_calls_are_reviewed_in_the_page(office: ConsoleOffice) -> None:
    await with_calls(office)
    person = office.person(Role.MANAGER)
    answers = {"right:ll1-0": "yes", "right:ll1-1": "no", "note:ll1-1": "=<b>wanted Carol</b>", "right:ll1-2": ""}
    await person.send("/reports/review", of="/reports", **answers)
    with office.crm.store.reading() as session:
        found = {one.call_id: (one.routed_right, one.note) for one in session.query(CallReview)}
    assert found == {"ll1-0": (True, ""), "ll1-1": (False, "=<b>wanted Carol</b>")}
    page = await person.open("/reports")
    assert page.count('name="right:') == 1
    await person.send("/reports/review", 422, of="/reports", **{"right:none": "yes"})
