"""Which device a page is."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.config import Config
from crm.domain.errors import NotFound
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.office import locations
from crm.services.phones import browsers, devices
from crm.services.phones.browsers import BrowserDevice
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets.json")


async def chosen(store: Store, secrets: Secrets, agent: str = "alice", **told: object) -> BrowserDevice:
    return await store.run(browsers.choose, secrets, BY, agent, **told)


async def test_it_is_made_at_first_use_and_found_from_then_on(store: Store, secrets: Secrets) -> None:
    first = await chosen(store, secrets)
    assert (first.slug, first.is_new, first.location) == ("alice-web", True, None)
    again = await chosen(store, secrets, wanted="alice-web")
    assert (again.slug, again.is_new) == ("alice-web", False)
    assert (await chosen(store, secrets)).slug == "alice-web"
    assert secrets.has(devices.secret_name("alice-web"))


async def test_an_installed_app_is_another_device_than_the_browser(store: Store, secrets: Secrets) -> None:
    assert (await chosen(store, secrets, is_app=True)).slug == "alice-app"
    assert (await chosen(store, secrets)).slug == "alice-web"
    assert (await chosen(store, secrets, is_app=True)).slug == "alice-app"


async def test_what_another_agent_has_is_nobody_elses(store: Store, secrets: Secrets) -> None:
    await chosen(store, secrets, agent="bob")
    found = await chosen(store, secrets, wanted="bob-web")
    assert found.slug == "alice-web"
    assert await store.read(browsers.belongs_to, "alice-web", "alice")
    assert not await store.read(browsers.belongs_to, "bob-web", "alice")
    assert not await store.read(browsers.belongs_to, "alice-desk", "alice")


async def test_a_name_that_is_taken_is_passed_over(store: Store, secrets: Secrets) -> None:
    await store.run(devices.add, secrets, BY, "alice-web", agent="bob")
    assert (await chosen(store, secrets)).slug == "alice-web-2"
    assert (await chosen(store, secrets)).slug == "alice-web-2"


async def test_the_place_is_asked_for_again_in_another_network(store: Store, secrets: Secrets, config: Config) -> None:
    await store.run(locations.add, config, BY, "home", address="1 Elm Street, Austin", callback_number="(512) 555-0100")
    await chosen(store, secrets, network="192.0.2.1")
    await store.run(browsers.locate, BY, "alice-web", "home", "192.0.2.1")
    there = await chosen(store, secrets, network="192.0.2.1")
    assert (there.location, there.is_located) == ("home", True)
    elsewhere = await chosen(store, secrets, network="198.51.100.7")
    assert (elsewhere.location, elsewhere.is_located) == ("home", False)
    await store.run(browsers.locate, BY, "alice-web", None, "198.51.100.7")
    assert await chosen(store, secrets, network="198.51.100.7") == BrowserDevice(
        "alice-web", is_new=False, location=None, is_located=True
    )
    with pytest.raises(NotFound):
        await store.run(browsers.locate, BY, "alice-web", "moon", "192.0.2.1")


def test_the_password_of_a_session_is_its_own(secrets: Secrets) -> None:
    one = browsers.session_password(secrets, 1, "alice-web")
    assert one == browsers.session_password(secrets, 1, "alice-web")
    assert (
        len({one, browsers.session_password(secrets, 2, "alice-web"), browsers.session_password(secrets, 1, "bob-web")})
        == 3
    )
