"""Signing in with a passkey of a real browser, whose authenticator is Chromium's virtual one.

An address without a name can have no passkeys, so these pages are opened as localhost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, expect

from crm.domain.access import Role
from crm.services.access import accounts, passwords
from crm.store.models import Account, AccountPasskey, AuditEntry
from tests.browser.checks import AXE, violations
from tests.browser.console.desk import BY, Desk
from tests.browser.console.person import Person, shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAME, PASSWORD = "petra", "nine orange ladders"


@pytest_asyncio.fixture(loop_scope="session")
async def person(desk: Desk, browser: Browser) -> AsyncIterator[Person]:
    found = Person(replace(desk, url=desk.url.replace("127.0.0.1", "localhost")), browser)
    yield found
    await found.leave()


@pytest.fixture
def petra(desk: Desk) -> None:
    with desk.crm.store.writing() as session:
        if accounts.find(session, NAME) is None:
            accounts.add(session, BY, NAME, "Petra Poe", Role.MANAGER)
        accounts.named(session, NAME).password = passwords.hashed(PASSWORD)
        session.query(AccountPasskey).delete()


def kept(desk: Desk, of: type) -> list[Any]:
    with desk.crm.store.reading() as session:
        return list(session.query(of).order_by(of.id))


async def authenticator(page: Page, *, verifies: bool = True) -> CDPSession:
    """Gives the browser one that answers at once, whose owner `verifies` with a finger or not."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


async def sign_in(page: Page, password: str = PASSWORD) -> None:
    await page.goto("/sign-in?to=/account")
    await page.get_by_label("User name").fill(NAME)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def add(page: Page, password: str = PASSWORD) -> None:
    part = page.locator("lease-passkey")
    await part.get_by_label("Its name").fill("Petra's laptop")
    await part.get_by_label("Your password").fill(password)
    await part.get_by_role("button", name="Add a passkey").click()


async def test_a_passkey_is_added_and_signs_in_without_name_password_or_code(
    person: Person, desk: Desk, petra: None
) -> None:
    page = await person.page(None)
    await page.add_init_script(AXE)
    devtools = await authenticator(page)
    await sign_in(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Petra Poe")
    await add(page, "not hers")
    await expect(page.locator("lease-passkey").get_by_role("alert")).to_have_text("That is not your password.")
    person.complaints.clear()  # Of the status of what was refused.
    await add(page)
    await expect(page.locator("p.said")).to_contain_text("The passkey is added.")
    await expect(page.get_by_role("cell", name="Petra's laptop", exact=True)).to_be_visible()
    assert await violations(page) == []
    await shoot(page, "account with a passkey")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    await shoot(page, "sign-in with a passkey")
    assert await violations(page) == []
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("link", name="Petra Poe")).to_be_visible()
    person.complaints.clear()
    [passkey] = kept(desk, AccountPasskey)
    assert passkey.used_at is not None
    assert {one.what for one in kept(desk, AuditEntry) if one.who == NAME} >= {
        "account petra: passkey Petra's laptop added"
    }

    # Taken from the account, it opens nothing any more.
    await page.goto("/account")
    await page.locator('form[action$="/remove"]').get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Remove Petra's laptop").click()
    await expect(page.get_by_text("The passkey is removed.", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert").first).to_have_text(
        "That passkey did not match. Sign in with your password."
    )
    await devtools.detach()


async def test_an_authenticator_that_does_not_know_its_owner_makes_no_passkey(
    person: Person, desk: Desk, petra: None
) -> None:
    page = await person.page(None)
    await authenticator(page, verifies=False)
    await sign_in(page)
    await add(page)
    await expect(page.locator("lease-passkey").get_by_role("alert")).to_have_text("No passkey was made. Try again.")
    assert kept(desk, AccountPasskey) == []


async def test_whoever_is_disabled_cannot_come_in_by_a_passkey(person: Person, desk: Desk, petra: None) -> None:
    page = await person.page(None)
    await authenticator(page)
    await sign_in(page)
    await add(page)
    await expect(page.locator("p.said")).to_contain_text("The passkey is added.")
    with desk.crm.store.writing() as session:
        accounts.disable(session, BY, NAME)
    # Her page hears of it by itself.
    await expect(page).to_have_url(f"{person.desk.url}/sign-in?to=/account", timeout=60_000)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert").first).to_contain_text("did not match")
    # Of the passkey; and of a stream that was not open yet.
    person.complaints[:] = [one for one in person.complaints if "403" not in one and "401" not in one]
    with desk.crm.store.writing() as session:
        accounts.enable(session, BY, NAME)
    assert [one.name for one in kept(desk, Account) if one.disabled_at] == []
