"""Where phones are, for 911, as set in the console."""

from __future__ import annotations

import pytest

from crm.store.models import AuditEntry, Device, Location
from crm.store.models.living import ALL
from tests.web.console.people import ConsoleOffice
from tests.web.console.test_settings import EVIL, bases, check
from tests.web.console.test_settings_tours import base_of

pytestmark = pytest.mark.web


async def test_a_location_is_added_given_phones_changed_and_retired(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/places"))
    new = {"slug": "annex", "address": f"2 Elm Street {EVIL}", "callback": "(512) 555-0188"}
    check((await admin.send("/settings/places", 422, csrf=csrf, **{**new, "callback": "nine"})).text)
    await admin.send("/settings/places", csrf=csrf, **new)
    check((await admin.send("/settings/places", 422, csrf=csrf, **new)).text)
    check(await admin.open("/settings/places"))
    page = await admin.open("/settings/places/annex")
    check(page)
    seen = base_of(page)
    await admin.send("/settings/places/annex/phones", csrf=csrf, device="alice-desk")
    await admin.send("/settings/places/annex/phones", 422, csrf=csrf, device="nobodys")
    [device] = [one for one in office.rows(Device) if one.slug == "alice-desk"]
    [place] = [one for one in office.rows(Location) if one.slug == "annex"]
    assert device.location_id == place.id
    path, form = "/settings/places/annex", {"address": "2 Elm Street", "callback": "+15125550188"}
    await admin.send(path, csrf=csrf, base=seen, **form)
    other = await admin.send(path, 409, csrf=csrf, base=seen, **{**form, "address": "3 Elm Street"})
    check(other.text)
    assert "2 Elm Street" in other.text
    assert "3 Elm Street" in other.text
    await admin.send(path, csrf=csrf, base=base_of(other.text), **{**form, "address": "3 Elm Street"})
    refused = await admin.send(f"{path}/retire", 422, csrf=csrf)
    assert "alice-desk is at annex" in refused.text
    [base] = bases(await admin.open("/settings/devices/alice-desk"))
    await admin.send("/settings/devices/alice-desk", csrf=csrf, base=base, location="")
    await admin.send(f"{path}/retire", csrf=csrf)
    await admin.open(path, 404)
    with office.crm.store.reading() as session:
        found = session.query(Location).execution_options(**ALL).filter_by(slug="annex").one()
        assert (found.address, found.retired_at is None) == ("3 Elm Street", False)
    whats = [one.what for one in office.rows(AuditEntry) if one.who == admin.name]
    assert [what for what in whats if "annex" in what] == [
        "location annex added",
        "device alice-desk changed: stands at annex",
        "location annex changed",
        "location annex changed",
        "location annex retired",
    ]
