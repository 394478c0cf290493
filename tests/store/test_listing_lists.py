"""Listings out and in: exported, imported and exported again they are the same; one mistake, and nothing is written."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from crm.config import Config
from crm.domain import imports as rules
from crm.domain.errors import Invalid
from crm.domain.imports import ListKind, Lists, Wrong
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import answers, feed, homes, pictures, profiles
from crm.services.office import properties
from crm.services.system import imports
from crm.store.models import ContentVersion, Listing, Property, PropertyProfile, Publication, Unit
from crm.store.session import Store
from crm.views import listings as views
from crm.views import public_listings, versions
from tests.store.conftest import NOW, Shared

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

BY = By("alice", NOW)


def filled(store: Store, config: Config, tmp_path: Path) -> None:
    """Two properties with everything that can be said."""
    run = store.run_blocking
    for color in ("tan", "navy"):
        Image.new("RGB", (500, 400), color).save(tmp_path / f"{color}.png")
    front, kitchen = (pictures.take_in(config, tmp_path / f"{color}.png") for color in ("tan", "navy"))
    for slug, name in (("elm", "Elm Street Apartments"), ("oak", 'Oak, "The Grove"')):
        run(properties.add, BY, slug, name=name)
    address = {"street": "100 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"}
    run(
        profiles.change,
        BY,
        "elm",
        {
            **address,
            "position": "-30.2672, -97.7431",
            "pets": "2 cats, monthly 25; dogs, up to 50 lb, deposit 1,300.50; note: two in all",
            "fees": "application 50 per applicant: credit check; parking 40 monthly",
            "utilities": "trash, water",
            "parking": "covered, street",
            "laundry": "none",
            "lease_months": "12, 6",
            "accessibility": "none",
            "text_en": "= Brick, by the creek.\n\n- quiet\n- near the bus",
            "text_es": "Ladrillo, junto al arroyo.",
            "policies_en": "'No smoking'",
        },
    )
    run(profiles.set_pictures, BY, "elm", pictures.added(front, {"en": "Front", "es": "Fachada"}), taken=front)
    run(profiles.publish, BY, "elm")
    run(profiles.change, BY, "oak", {"city": "Austin"})
    home = {"bedrooms": "2", "bathrooms": "1.5", "rent": "1450.50", "deposit": "500"}
    for unit, more in (
        ("10", {"available_on": "2026-05-01", "pets": "none", "fees": "none", "concession_en": "1 month free"}),
        ("2", {"square_feet": "900", "headline_en": "@ the park", "headline_es": "Junto al parque"}),
        ("3", {"text_en": "Adults only."}),
    ):
        run(homes.add, BY, "elm", unit, {**home, **more})
    run(homes.set_pictures, BY, 1, pictures.added(kitchen, {"en": "Kitchen"}), taken=kitchen)
    run(homes.publish, config, BY, [1], until=date(2026, 6, 30))
    run(homes.publish, config, BY, [2])
    run(answers.give, BY, None, "vouchers", "We welcome vouchers.", "en")
    run(answers.give, BY, "elm", "schools", "Ask the district.\nIt knows.", "en")
    run(answers.give, BY, "elm", "schools", "Pregunte al distrito.", "es")
    run(answers.give, BY, "elm", "pool", "Gone.", "en")
    run(answers.give, BY, "elm", "pool", "", "en")


def as_json(store: Store, config: Config) -> str:
    out = io.StringIO()
    store.read_blocking(feed.write_json, out, config.tz, NOW, None, lambda done, total: None)
    return out.getvalue()


def as_csv(store: Store, config: Config, *, raw: bool = False) -> dict[ListKind, str]:
    files = {kind: io.StringIO(newline="") for kind in feed.KINDS}
    store.read_blocking(feed.write_csv, files, config.tz, NOW, None, raw, lambda done, total: None)
    return {kind: file.getvalue() for kind, file in files.items()}


def take(store: Store, config: Config, lists: Lists, taken: list[Any] | None = None, despite: str = "") -> None:
    store.run_blocking(imports.take_over, config, Secrets(config.secrets_file), BY, lists, taken or [], despite=despite)


def another_office(store: Store, shared: Shared) -> None:
    """The same store without anything in it."""
    store.close()
    shared.empty()


def number_of(store: Store, unit: str) -> int:
    return next(one.id for one in store.read_blocking(views.listed, NOW) if one.unit == unit)


def counted(store: Store) -> list[int]:
    with store.reading() as session:
        models = (Property, Unit, Listing, ContentVersion, PropertyProfile, Publication)
        return [session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


async def test_a_feed_comes_back_the_same_here_and_in_another_office(
    store: Store, shared: Shared, config: Config, tmp_path: Path
) -> None:
    filled(store, config, tmp_path)
    before, count = as_json(store, config), counted(store)
    lists = feed.read_json(before.encode())
    take(store, config, lists)
    assert as_json(store, config) == before
    assert counted(store) == count, "the same says nothing new"
    hashes = feed.wanted_pictures(lists)
    assert feed.copy_pictures(store.read_blocking(feed.widths, hashes), config.pictures_folder, tmp_path / "out") == 0
    another_office(store, shared)
    with pytest.raises(Wrong, match="is not in this home"):
        take(store, config, lists)
    other = Config(tmp_path / "other")
    taken = feed.take_in_pictures(hashes, tmp_path / "out", other.pictures_folder)
    assert {one.hash for one in taken} == hashes
    take(store, other, lists, taken)
    assert as_json(store, config) == before
    shown = store.read_blocking(public_listings.page, number_of(store, "10"), NOW)
    assert shown is not None
    assert [one.alt for one in shown.pictures] == ["Kitchen", "Front"]


async def test_tables_come_back_the_same_here_and_in_another_office(
    store: Store, shared: Shared, config: Config, tmp_path: Path
) -> None:
    filled(store, config, tmp_path)
    before, count = as_csv(store, config), counted(store)
    assert "'= Brick" in before[ListKind.PROPERTIES], "no spreadsheet takes it for a formula"
    assert "'@ the park" in before[ListKind.UNITS]
    assert "= Brick" in as_csv(store, config, raw=True)[ListKind.PROPERTIES]
    lists = Lists()
    for kind, text in before.items():
        lists.add(f"{kind}.csv", rules.read_csv(text, kind))
    take(store, config, lists)
    assert as_csv(store, config) == before
    assert counted(store) == count
    another_office(store, shared)
    take(store, config, lists)
    assert as_csv(store, config) == before
    shown = store.read_blocking(views.one, number_of(store, "10"), NOW)
    assert (shown.state, shown.expires_at and shown.expires_at.isoformat()) == (
        "published",
        "2026-07-01T05:00:00+00:00",
    )


def edited(text: str, edit: Callable[[dict[str, Any]], object]) -> bytes:
    found = json.loads(text)
    edit(found)
    return json.dumps(found).encode()


def home_of(found: dict[str, Any], number: int = 0) -> dict[str, Any]:
    home: dict[str, Any] = found["properties"][0]["listings"][number]
    return home


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda found: home_of(found)["home"].update(rent="cheap"), "property 1 (elm), listing 1 (10): "),
        (lambda found: home_of(found)["home"].update(rent=-5), "property 1 (elm), listing 1 (10): "),
        (lambda found: home_of(found)["home"].update(rnet="900"), "'rnet' is not known"),
        (lambda found: home_of(found)["home"].pop("bathrooms"), "bathrooms"),
        (lambda found: home_of(found).update(units="x"), "units"),
        (
            lambda found: home_of(found)["home"]["pets"].update(allowed=[{"kind": "cats", "most": "two"}]),
            "allowed[0].most",
        ),
        (lambda found: home_of(found)["home"].update(fees=[{"name": "a;b", "amount": "5"}]), "listing 1 (10)"),
        (lambda found: home_of(found).update(last_day="someday"), "listing 1 (10), last_day: "),
        (lambda found: home_of(found, 2).update(published=True), "listing 3 (3), published: "),
        (lambda found: home_of(found, 1)["home"]["words"]["en"].update(text="No kids."), "listing 2 (2), published: "),
        (lambda found: home_of(found, 1).update(unit="10"), "the same is already in"),
        (lambda found: home_of(found)["home"].update(pictures=[{"hash": "../../etc/passwd"}]), "is not a picture"),
        (lambda found: home_of(found)["home"].update(pictures=[{"hash": "0" * 64}]), "is not in this home"),
        (lambda found: found["properties"][0]["details"].update(state="Texas"), "property 1 (elm): "),
        (lambda found: found["properties"][0].update(slug="Elm Street"), "property 1 (Elm Street), slug"),
        (lambda found: found["properties"][1].update(published=True), "property 2 (oak), published: "),
        (lambda found: found["properties"][0]["answers"].append({"topic": "pool"}), "property 1 (elm), answer 3"),
        (lambda found: found["answers"][0].update(text="No Section 8."), "answer 1, text: "),
        (lambda found: found.update(listings=[]), "'listings' is not known"),
    ],
)
async def test_one_mistake_is_named_with_its_place_and_nothing_is_written(
    store: Store, config: Config, tmp_path: Path, edit: Callable[[dict[str, Any]], object], told: str
) -> None:
    filled(store, config, tmp_path)
    before, count = as_json(store, config), counted(store)
    with pytest.raises(Wrong) as wrong:
        take(store, config, feed.read_json(edited(before, edit)))
    assert any(told in str(problem) for problem in wrong.value.problems), [str(one) for one in wrong.value.problems]
    assert (as_json(store, config), counted(store)) == (before, count)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe", b'{"format": "other"}', b'{"format": "leaseline-listings/1"']
)
async def test_what_is_no_feed_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        feed.read_json(content)


async def test_all_mistakes_are_told_at_once(store: Store, config: Config, tmp_path: Path) -> None:
    filled(store, config, tmp_path)

    def edit(found: dict[str, Any]) -> None:
        home_of(found)["home"]["rent"] = "cheap"
        home_of(found, 1)["home"]["bedrooms"] = 99
        found["answers"][0]["language"] = "fr"

    with pytest.raises(Wrong) as wrong:
        feed.read_json(edited(as_json(store, config), edit))
    assert len(wrong.value.problems) == 3


async def test_words_in_a_list_stand_when_somebody_says_why(store: Store, config: Config, tmp_path: Path) -> None:
    filled(store, config, tmp_path)
    content = edited(as_json(store, config), lambda found: home_of(found, 2).update(published=True))
    take(store, config, feed.read_json(content), despite="exemption on file")
    assert store.read_blocking(versions.history, 3)[0].despite == "exemption on file"
    assert store.read_blocking(public_listings.page, 3, NOW) is not None


async def test_a_new_price_in_a_list_is_public_at_once_and_doubtful_words_wait(
    store: Store, config: Config, tmp_path: Path
) -> None:
    filled(store, config, tmp_path)

    def edit(found: dict[str, Any]) -> None:
        home_of(found)["home"]["rent"] = "1600"
        del home_of(found, 1)["published"]
        home_of(found, 1)["home"]["words"]["en"]["text"] = "No kids."

    take(store, config, feed.read_json(edited(as_json(store, config), edit)))
    states = {one.unit: (one.rent, one.state) for one in store.read_blocking(views.listed, NOW)}
    assert (str(states["10"][0]), states["10"][1], states["2"][1]) == ("1600.00", "published", "changed")
    take(
        store,
        config,
        feed.read_json(edited(as_json(store, config), lambda found: home_of(found).update(published=False))),
    )
    assert store.read_blocking(public_listings.page, 1, NOW) is None


async def test_a_dry_run_keeps_nothing(store: Store, config: Config, tmp_path: Path) -> None:
    filled(store, config, tmp_path)
    count = counted(store)
    content = edited(as_json(store, config), lambda found: home_of(found).update(unit="99"))
    store.run_blocking(
        imports.take_over, config, Secrets(config.secrets_file), BY, feed.read_json(content), [], dry_run=True
    )
    assert counted(store) == count
