"""What the demo office offers: a feed without words that anybody has to decide about, and drawn pictures."""

from __future__ import annotations

import pytest

from crm.config import Config
from crm.edge import pictures
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import profiles
from crm.services.system import demo_listings, directory
from crm.store.session import Store
from crm.views import listings as views
from crm.views import public_listings
from tests.store.conftest import NOW

pytestmark = pytest.mark.store
BY = By("test", NOW)


async def test_the_demo_office_offers_homes_once(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    store.run_blocking(directory.load_demo, config, secrets, BY)
    drawn = demo_listings.draw(config)
    assert store.read_blocking(demo_listings.is_wanted)
    for _ in range(2):
        store.run_blocking(demo_listings.load, config, secrets, BY, drawn)
    assert not store.read_blocking(demo_listings.is_wanted)
    cards = store.read_blocking(public_listings.cards, NOW)
    assert [(card.property, card.unit) for card in cards] == [
        ("elm", "101"),
        ("elm", "204"),
        ("elm", "305"),
        ("lakeside", "12"),
    ]
    for card in cards:
        assert card.picture is not None
        for width in card.picture.widths:
            assert pictures.file_of(config.pictures_folder, card.picture.hash, width).is_file()
        for language in ("en", "es"):
            page = store.read_blocking(public_listings.page, card.id, NOW, language)
            assert page is not None
            assert all((page.headline, page.text, page.about, page.policies))
            assert all(picture.alt for picture in page.pictures)
            assert {answer.topic for answer in page.answers} >= {
                "vouchers",
                "screening",
                "assistance-animals",
                "schools",
            }
            assert {answer.language for answer in page.answers} == {language}
        assert (page.terms.pets, page.available_on) != (None, None)
        assert store.read_blocking(views.one, card.id, NOW).findings == []


async def test_it_stays_out_of_what_somebody_offers(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    store.run_blocking(directory.load_demo, config, secrets, BY)
    store.run_blocking(profiles.change, BY, "elm", {"city": "Austin"})
    store.run_blocking(demo_listings.load, config, secrets, BY, {})
    assert store.read_blocking(views.listed, NOW) == []
