"""Agents in the settings: what they are called, when they work, and who takes over."""

from __future__ import annotations

from typing import Any

import pytest

from crm.domain.access import Role
from crm.services.audit import By
from crm.services.phones import trunks
from crm.store.models import Agent, AgentHours, AuditEntry, Trunk
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.console.test_settings import EVIL, bases, check

pytestmark = pytest.mark.web

LOGIN: dict[str, Any] = {"host": "sip.example.com", "auth": "digest", "username": "we", "password": "x" * 12}


async def test_an_agent_is_added_changed_given_hours_retired_and_taken_back(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/agents"))
    await admin.send("/settings/agents", csrf=csrf, slug="dana", name=EVIL, extension="177")
    check((await admin.send("/settings/agents", 422, csrf=csrf, slug="dana", name="Again")).text)
    check(await admin.open("/settings/agents"))
    path = "/settings/agents/dana"
    page = await admin.open(path)
    check(page)
    of_agent, of_week = bases(page)
    form = {"name": "Dana", "extension": "178", "email": "dana@example.com", "dialing": "none"}
    await admin.send(path, csrf=csrf, base=of_agent, **form)
    [dana] = [one for one in office.rows(Agent) if one.slug == "dana"]
    assert (dana.name, dana.extension, dana.dialing, dana.on_duty) == ("Dana", "178", "none", False)
    other = await admin.send(path, 409, csrf=csrf, base=of_agent, **{**form, "name": "Diana"})
    check(other.text)
    assert "it says “Dana” now, and you wrote “Diana”" in other.text
    refused = await admin.send(f"{path}/hours", 422, csrf=csrf, base=of_week, openings=f"someday {EVIL}")
    check(refused.text)
    assert "someday &#34;" in refused.text
    await admin.send(f"{path}/hours", csrf=csrf, base=of_week, openings="mon-fri 09:00-17:00")
    assert len([one for one in office.rows(AgentHours) if one.agent_id == dana.id]) == 5
    await admin.send(f"{path}/hours", 409, csrf=csrf, base=of_week, openings="sat 09:00-17:00")
    check(await admin.open(path))
    await admin.send(f"{path}/retire", 422, csrf=csrf, successor="dana")
    await admin.send(f"{path}/retire", csrf=csrf, successor="alice")
    await admin.open(path, 404)
    assert any("alice takes over" in one.what for one in office.rows(AuditEntry))
    gone = await admin.open("/settings/retired")
    check(gone)
    assert "Restore Dana" in gone
    await admin.send("/settings/retired", csrf=csrf, kind="agent", key="dana")
    await admin.open(path)
    await admin.send("/settings/retired", 422, csrf=csrf, kind="agent", key="dana")


async def test_somebody_with_phones_is_not_retired_and_the_page_says_why(office: ConsoleOffice) -> None:
    admin = office.person()
    page = await admin.open("/settings/agents/alice")
    check(page)
    assert "Agent alice has alice-desk" in page
    await admin.send("/settings/agents/alice/retire", 422, csrf=admin.csrf(page))


async def test_what_is_out_of_use_comes_back_from_one_page(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/lines"))
    await admin.send("/settings/lines", csrf=csrf, number="(512) 555-0177", label=EVIL, language="en")
    await admin.send("/settings/lines/+15125550177", csrf=csrf, what="retire")
    await admin.send("/settings/devices/alice-desk/retire", csrf=csrf)
    with office.crm.store.writing() as session:
        by = By("alice", NOW)
        trunks.add(session, office.crm.secrets, by, "carrier", **LOGIN)
        trunks.retire(session, office.crm.secrets, by, "carrier")
    check(await admin.open("/settings/retired"))
    await admin.send("/settings/retired", csrf=csrf, kind="trunk", key="carrier")
    assert [one.enabled for one in office.rows(Trunk) if one.slug == "carrier"] == [False]
    for kind, key, path in (
        ("line", "+15125550177", "/settings/lines/+15125550177"),
        ("device", "alice-desk", "/settings/devices/alice-desk"),
    ):
        await admin.open(path, 404)
        await admin.send("/settings/retired", csrf=csrf, kind=kind, key=key)
        await admin.open(path)
    for kind, key in (("property", "nowhere"), ("home", "7"), ("home", "x"), ("thing", "x"), ("subteam", "north")):
        check((await admin.send("/settings/retired", 422, csrf=csrf, kind=kind, key=key)).text)
    refused = await admin.send("/settings/retired/subteams", 422, csrf=csrf, subteam="north")
    assert "leases" in refused.text
    manager = office.person(Role.MANAGER)
    await manager.send("/settings/retired", 403, of="/tasks", kind="line", key="+15125550177")
