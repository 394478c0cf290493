"""Programs go on using the short names that something had before it was renamed."""

from __future__ import annotations

import pytest

from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.office import properties
from crm.services.system import renaming
from crm.services.tours import times
from tests.web.api import NOW, Office

pytestmark = pytest.mark.web

BY = By("dana", NOW)
HOME = {"bedrooms": "2", "bathrooms": "1", "rent": "1450"}


def rename(office: Office, kind: str, old: str, new: str) -> None:
    office.crm.store.run_blocking(renaming.rename, office.crm.config, office.crm.secrets, BY, kind, old, new)


async def test_paths_bodies_and_filters_take_the_name_that_something_had(office: Office) -> None:
    run, program = office.crm.store.run_blocking, office.key("crm")
    run(times.set_hours, BY, "elm", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    home = run(homes.add, BY, "elm", "204", HOME).id
    for kind, old, new in (
        ("property", "elm", "elm-street"),
        ("agent", "alice", "alicia"),
        ("subteam", "north", "northern"),
    ):
        rename(office, kind, old, new)
    run(homes.rename, BY, home, "204B")
    person = {"name": "Pat", "phones": ["+15125550188"], "property": "elm"}
    lead = await program.post("/leads", person, 201)
    assert [one["property"] for one in lead["interests"]] == ["elm-street"]
    given = await program.post(f"/leads/{lead['id']}/assignment", {"agent": "alice"})
    assert given["agent"] == "alicia"
    task = {"why": "Call her", "due_at": "2026-03-03T16:00:00Z", "owner": "alice"}
    assert (await program.post(f"/leads/{lead['id']}/tasks", task, 201))["owner"] == "alicia"
    [free, *_] = (await program.get("/properties/elm/tour-times"))["items"]
    assert free["property"] == "elm-street"
    booked = {"property": "elm", "lead": lead["id"], "at": free["at"]}
    assert (await program.post("/tours", booked, 201))["property"] == "elm-street"
    for path, query in (
        ("/leads", {"property": "elm"}),
        ("/leads", {"agent": "alice"}),
        ("/leads", {"subteam": "north"}),
        ("/tasks", {"owner": "alice"}),
        ("/tours", {"property": "elm"}),
        ("/listings", {"property": "elm"}),
    ):
        found = (await program.get(path, **query))["items"]
        assert found, (path, query)
        assert found == (await program.get(path, **{key: _NEW[name] for key, name in query.items()}))["items"]
    assert (await program.get(f"/listings/{home}"))["unit"] == "204B"


_NEW = {"elm": "elm-street", "alice": "alicia", "north": "northern"}


async def test_a_narrow_key_sees_by_the_old_name_what_it_sees_by_the_new(office: Office) -> None:
    program = office.key("north", property_slugs=["elm"])
    rename(office, "property", "elm", "elm-street")
    rename(office, "property", "oak", "oaks")
    assert (await program.get("/properties/elm/tour-times"))["items"] == []
    assert (await program.get("/properties/oak/tour-times", 404))["code"] == "property_unknown"
    # Somebody else has the name now, and the key does not see it.
    office.crm.store.run_blocking(properties.add, BY, "elm", name="Another")
    assert (await program.get("/properties/elm/tour-times", 404))["code"] == "property_unknown"
