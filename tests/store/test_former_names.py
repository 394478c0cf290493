"""Names that something had before: lists, portals, programs and people who go on using them mean the same."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.imports import ListKind, Lists, read_csv
from crm.secrets import Secrets
from crm.services import tasks
from crm.services.access import keys
from crm.services.arrivals import inquiries, sources
from crm.services.arrivals.portals.inquiry import Inquiry
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.office import agents, properties
from crm.services.people import interests, leads
from crm.services.phones import devices
from crm.services.routing import desks
from crm.services.system import imports, renaming
from crm.services.system.imports import Imported
from crm.services.webhooks import fanout, subscriptions
from crm.store.models import (
    Agent,
    Call,
    Device,
    FormerName,
    Interest,
    LeadSource,
    Listing,
    Property,
    Subteam,
    Unit,
    Voicemail,
    WebhookDelivery,
)
from crm.store.models.living import ALL
from crm.store.session import Store
from crm.views import calls as call_views
from crm.views import listings as listing_views
from crm.views import tasks as task_views
from tests.store.conftest import NOW
from tests.store.test_lead_lists import take

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
HOME = {"bedrooms": "2", "bathrooms": "1", "rent": "1450"}


def rename(store: Store, config: Config, kind: str, old: str, new: str, by: By = BY) -> None:
    store.run_blocking(renaming.rename, config, Secrets(config.secrets_file), by, kind, old, new)


def load(store: Store, config: Config, kind: ListKind, *rows: str, **how: bool) -> list[Imported]:
    lists = read_csv("\n".join(rows), kind)
    return imports.load(store, config, Secrets(config.secrets_file), BY, lists, **how)


def slugs(store: Store, model: type[Agent | Device | Property | Subteam]) -> set[str]:
    with store.reading() as session:
        return set(session.scalars(select(model.slug)))


# --- homes ---


def test_a_home_is_renamed_and_everything_follows(store: Store, config: Config) -> None:
    run = store.run_blocking
    listing = run(homes.add, BY, "maple", "204", HOME).id
    run(homes.add, BY, "maple", "205", HOME)
    lead, _ = run(leads.add, config, BY, name="Pat", property_slug="maple")
    run(interests.add, config, BY, lead.id, "maple", "204")
    assert run(homes.rename, BY, listing, "204B") == "204"
    assert store.read_blocking(listing_views.one, listing, NOW).unit == "204B"
    with store.reading() as session:
        assert session.scalars(select(Unit.name).join(Interest, Interest.unit_id == Unit.id)).all() == ["204B"]
    with pytest.raises(Conflict, match="another unit 205"):
        run(homes.rename, BY, listing, "205")
    with pytest.raises(Invalid, match="already"):
        run(homes.rename, BY, listing, "204B")
    with pytest.raises(Invalid):
        run(homes.rename, BY, listing, " ")
    # Whoever still says its old name means it.
    other, _ = run(leads.add, config, BY, name="Sam")
    assert run(interests.add, config, BY, other.id, "maple", "204").unit_id is not None
    asked = Inquiry(name="Kim", email="kim@example.com", property_name="Maple Court", unit="Apt. #204")
    meant = store.read_blocking(inquiries.meant_by, asked, None, (), "")
    assert meant.unit
    assert meant.unit.name == "204B"
    # Until another home has it.
    run(homes.add, BY, "maple", "204", HOME)
    meant = store.read_blocking(inquiries.meant_by, asked, None, (), "")
    assert meant.unit
    assert meant.unit.name == "204"


def test_a_home_of_another_property_does_not_have_the_old_name(store: Store, config: Config) -> None:
    run = store.run_blocking
    run(properties.add, BY, "oak", name="Oak")
    listing = run(homes.add, BY, "maple", "204", HOME).id
    run(homes.rename, BY, listing, "204B")
    lead, _ = run(leads.add, config, BY, name="Pat")
    with pytest.raises(NotFound, match="no unit 204"):
        run(interests.add, config, BY, lead.id, "oak", "204")


@pytest.mark.parametrize("many", [0, imports.SLICE + 1], ids=["short", "in slices"])
def test_a_list_with_the_old_name_of_a_home_changes_that_home(store: Store, config: Config, many: int) -> None:
    listing = store.run_blocking(homes.add, BY, "maple", "204", HOME).id
    store.run_blocking(homes.rename, BY, listing, "204B")
    rename(store, config, "property", "maple", "maple-court")
    heading = "property,name,bedrooms,bathrooms,rent"
    more = [f"maple,more{number},1,1,990" for number in range(many)]
    done = load(store, config, ListKind.UNITS, heading, "maple,204,2,1,1500", *more)
    assert done == [Imported(ListKind.UNITS, many, 1)]
    with store.reading() as session:
        rents = dict(session.execute(select(Unit.name, Listing.rent).join(Listing, Listing.unit_id == Unit.id)).all())
    assert rents["204B"] == 1500
    assert "204" not in rents
    # A list with both names has two homes.
    done = load(store, config, ListKind.UNITS, heading, "maple,204,2,1,1600", *more, "maple,204B,2,1,1700")
    assert done == [Imported(ListKind.UNITS, 1, 1)]
    with store.reading() as session:
        rents = dict(session.execute(select(Unit.name, Listing.rent).join(Listing, Listing.unit_id == Unit.id)).all())
    assert (rents["204"], rents["204B"]) == (1600, 1700)


# --- lists ---


def test_a_list_with_old_names_changes_what_had_them(store: Store, config: Config) -> None:
    for kind, old, new in (
        ("agent", "alice", "alicia"),
        ("device", "bob-desk", "bob-phone"),
        ("property", "maple", "maple-court"),
        ("subteam", "east", "eastern"),
    ):
        rename(store, config, kind, old, new)
    before = [slugs(store, model) for model in (Agent, Device, Property, Subteam)]
    for kind, rows in (
        (ListKind.AGENTS, ("slug,name", "alice,Alice A.")),
        (ListKind.DEVICES, ("slug,agent", "bob-desk,alice")),
        (ListKind.SUBTEAMS, ("slug,name,members", "east,The East,alice bob")),
        (ListKind.PROPERTIES, ("slug,name,subteam", "maple,The Maple,east")),
    ):
        assert load(store, config, kind, *rows) == [Imported(kind, 0, 1)]
    assert [slugs(store, model) for model in (Agent, Device, Property, Subteam)] == before
    assert not Secrets(config.secrets_file).has(devices.secret_name("bob-desk"))
    assert store.read_blocking(properties.named, "maple-court").name == "The Maple"
    assert store.read_blocking(agents.named, "alicia").name == "Alice A."
    with store.reading() as session:
        team = session.scalars(select(Subteam)).one()
        assert (team.name, [agent.slug for agent in team.members]) == ("The East", ["alicia", "bob"])


@pytest.mark.parametrize("rows", [("maple,New", "maple-court,Old"), ("maple-court,Old", "maple,New")])
def test_an_old_name_beside_the_present_one_is_another_property(
    store: Store, config: Config, rows: tuple[str, str]
) -> None:
    rename(store, config, "property", "maple", "maple-court")
    assert load(store, config, ListKind.PROPERTIES, "slug,name", *rows) == [Imported(ListKind.PROPERTIES, 1, 1)]
    with store.reading() as session:
        assert dict(session.execute(select(Property.slug, Property.name)).all()) == {
            "maple": "New",
            "maple-court": "Old",
        }


def test_homes_of_a_property_are_rehearsed_under_its_old_name(store: Store, config: Config) -> None:
    rename(store, config, "property", "maple", "maple-court")
    lists = Lists(
        {
            **read_csv("slug,name\nmaple,Maple\n", ListKind.PROPERTIES).rows,
            **read_csv(
                "\n".join(
                    (
                        "property,name,bedrooms,bathrooms,rent",
                        *(f"maple,{one},1,1,990" for one in range(imports.SLICE + 1)),
                    )
                ),
                ListKind.UNITS,
            ).rows,
        }
    )
    secrets = Secrets(config.secrets_file)
    would = imports.load(store, config, secrets, BY, lists, dry_run=True)
    assert imports.load(store, config, secrets, BY, lists) == would
    assert slugs(store, Property) == {"maple-court"}


def test_leads_are_read_in_by_old_names(store: Store, config: Config) -> None:
    run = store.run_blocking
    listing = run(homes.add, BY, "maple", "204", HOME).id
    run(homes.rename, BY, listing, "204B")
    rename(store, config, "property", "maple", "maple-court")
    rename(store, config, "agent", "alice", "alicia")
    text = "name,phones,agent,interests\nPat,(512) 555-0188,alice,maple/204\n"
    taken = take(store, config, text)
    assert (taken.added, taken.rejected) == (1, [])
    with store.reading() as session:
        found = select(Property.slug, Unit.name).join(Interest, Interest.property_id == Property.id)
        assert session.execute(found.join(Unit, Unit.id == Interest.unit_id)).all() == [("maple-court", "204B")]
    # Another property has the name by now.
    run(properties.add, BY, "maple", name="Another")
    take(store, config, "name,phones,interests\nSam,(512) 555-0189,maple\n")
    with store.reading() as session:
        of = select(Property.slug).join(Interest, Interest.property_id == Property.id).order_by(Interest.id.desc())
        assert session.scalars(of).first() == "maple"


# --- portals and programs ---


def test_portals_go_on_posting_old_names(store: Store, config: Config) -> None:
    run = store.run_blocking
    run(sources.add, BY, "zillow", name="Zillow")
    rename(store, config, "source", "zillow", "zillow-austin")
    rename(store, config, "property", "maple", "elm-street")
    # What the property is called does not say its old short name.
    run(properties.change, BY, "elm-street", name="Elm Street")
    for asked, tags in (
        (Inquiry(name="Pat", property_name="maple"), ()),
        (Inquiry(name="Pat"), ("zillow", "maple")),
    ):
        meant = store.read_blocking(inquiries.meant_by, asked, None, tags, "")
        assert meant.property
        assert meant.property.slug == "elm-street"
    with store.reading() as session:
        assert [one and one.slug for one in (sources.find(session, "zillow"), sources.find(session, "hotpads"))] == [
            "zillow-austin",
            None,
        ]
        tagged = sources.of_addresses(session, (), ["zillow", "maple"])
        assert tagged
        assert tagged.slug == "zillow-austin"
    run(properties.add, BY, "oak", name="Maple")
    meant = store.read_blocking(inquiries.meant_by, Inquiry(name="Pat", property_name="maple"), None, (), "")
    assert meant.property
    assert meant.property.slug == "oak"
    run(sources.add, BY, "zillow", name="Another")
    with store.reading() as session:
        tagged = sources.of_addresses(session, (), ["zillow"])
        assert tagged
        assert tagged.name == "Another"


def test_a_key_works_under_its_new_name_and_nobody_else_gets_the_old_one(store: Store, config: Config) -> None:
    _, whole = store.run_blocking(keys.add, BY, "website", ("leads:read",))
    rename(store, config, "API key", "website", "site")
    with store.reading() as session:
        known = keys.known(session, whole, NOW)
        assert known
        assert known.name == "site"
    with pytest.raises(Conflict, match="was a key website"):
        store.run_blocking(keys.add, BY, "website", ("leads:read",))
    store.run_blocking(keys.add, BY, "other", ("leads:read",))
    with pytest.raises(Conflict, match="was a key website"):
        rename(store, config, "API key", "other", "website")
    rename(store, config, "API key", "site", "website")
    rename(store, config, "API key", "website", "site")
    store.run_blocking(keys.revoke, BY, "website")
    with store.reading() as session:
        assert keys.known(session, whole, NOW) is None


def test_webhooks_say_the_new_name(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    store.run_blocking(
        subscriptions.add,
        config,
        secrets,
        BY,
        "https://hooks.example.com/leaseline",
        ("stage.changed",),
        property_slugs=["maple"],
    )
    rename(store, config, "property", "maple", "maple-court")
    store.run_blocking(leads.add, config, BY, name="Pat", property_slug="maple")
    while store.run_blocking(fanout.fan_out, NOW):
        pass
    with store.reading() as session:
        assert [json.loads(body)["data"]["property"] for body in session.scalars(select(WebhookDelivery.body))] == [
            "maple-court"
        ]


def test_lists_of_records_are_asked_for_by_old_names(store: Store, config: Config) -> None:
    run = store.run_blocking
    lead, _ = run(leads.add, config, BY, name="Pat", phones=["(512) 555-0188"], property_slug="maple")
    rename(store, config, "agent", "alice", "alicia")
    rename(store, config, "property", "maple", "maple-court")
    run(tasks.add, config, BY, lead.id, "Call her", NOW + timedelta(hours=1), "alice")
    for with_done in (False, True):
        [task] = store.read_blocking(task_views.listed, NOW, owner="alice", with_done=with_done)
        assert task.owner == "alicia"
    assert store.read_blocking(call_views.listed, agent="alice") == []
    assert run(desks.put, config, BY, "vendor", "agent:alice") == "agent:alicia"


# --- whose a name is ---


def test_an_old_name_means_what_is_in_use_rather_than_what_had_it_later(store: Store, config: Config) -> None:
    run = store.run_blocking
    rename(store, config, "agent", "alice", "alicia")
    run(agents.add, config, BY, "alice", name="Another")
    later = By("dana", NOW + timedelta(hours=1))
    rename(store, config, "agent", "alice", "alison", later)
    assert store.read_blocking(agents.named, "alice").slug == "alison"
    run(agents.retire, later, "alison")
    assert store.read_blocking(agents.named, "alice").slug == "alicia"
    run(devices.retire, Secrets(config.secrets_file), later, "alice-desk")
    run(agents.retire, later, "alicia")
    with pytest.raises(NotFound):
        store.read_blocking(agents.named, "alice")


def test_what_is_deleted_leaves_no_names(store: Store, config: Config) -> None:
    run, secrets = store.run_blocking, Secrets(config.secrets_file)
    run(properties.add, BY, "oak", name="Oak")
    run(sources.add, BY, "zillow", name="Zillow")
    listing = run(homes.add, BY, "maple", "204", HOME).id
    rename(store, config, "property", "oak", "oaks")
    rename(store, config, "source", "zillow", "portal")
    rename(store, config, "device", "bob-desk", "bob-phone")
    run(homes.rename, BY, listing, "205")
    run(homes.remove, BY, listing)
    run(properties.remove, BY, "oaks")
    run(sources.remove, BY, "portal")
    run(devices.remove, secrets, BY, "bob-phone")
    with store.reading() as session:
        assert session.scalars(select(FormerName)).all() == []
        assert session.scalars(select(LeadSource)).all() == []
        assert session.scalars(select(Unit).execution_options(**ALL)).all() == []


def test_what_is_retired_by_an_old_name_is_retired_whole(store: Store, config: Config) -> None:
    run, secrets = store.run_blocking, Secrets(config.secrets_file)
    secrets.ensure(devices.secret_name("alice-desk"))
    with store.writing() as session:
        session.add(Call(id="c", did="+15125550100", started_at=NOW))
        session.flush()
        session.add(Voicemail(call_id="c", file="c.wav", seconds=3, left_at=NOW, mailbox="agent:alice"))
    rename(store, config, "agent", "alice", "alicia")
    rename(store, config, "device", "alice-desk", "alicia-desk")
    assert run(devices.rotate, secrets, BY, "alice-desk") == "alicia-desk"
    run(devices.retire, secrets, BY, "alice-desk")
    assert run(agents.retire, BY, "alice", successor="bob").voicemails == 1
    assert not secrets.has(devices.secret_name("alicia-desk"))
    with store.reading() as session:
        assert session.scalars(select(Voicemail.mailbox)).one() == "agent:bob"
