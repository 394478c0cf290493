"""People hear by email of a sign-in from a new address, or with another browser; on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import Role
from crm.services import signing_in
from crm.services.access import accounts, sessions
from crm.services.access.familiar import KEPT
from crm.services.access.passkeys import ProvenPasskey
from crm.services.access.sessions import NotSignedIn
from crm.services.audit import By
from crm.store.models import AccountPasskey, Agent, AuditEntry, Mail
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
NEWER_CHROME = CHROME.replace("156.0.0.0", "157.1.0.0")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
DAY = timedelta(days=1)


def account(store: Store, email: str = "kim@elm.example", **more: object) -> int:
    with store.writing() as session:
        return accounts.add(session, BY, "kim", "Kim Kerr", Role.AGENT, email=email, **more).id  # type: ignore[arg-type]


def sign_in(
    store: Store, config: Config, id: int, now: datetime = NOW, address: str = HOME, browser: str = CHROME
) -> str:
    with store.writing() as session:
        return signing_in.with_password(session, config, now, id, address=address, browser=browser)


def mails(store: Store) -> list[Mail]:
    with store.reading() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id)))


def test_the_first_sign_in_and_familiar_ones_are_told_to_nobody(store: Store, config: Config) -> None:
    id = account(store)
    token = sign_in(store, config, id)
    with store.writing() as session:
        who = sessions.find(session, token, NOW)
        assert who is not None
        sessions.end(session, BY, id, who.session_id)
    # Signed out, they are no strangers the next morning; nor is a browser that has updated itself.
    sign_in(store, config, id, NOW + DAY)
    sign_in(store, config, id, NOW + 2 * DAY, browser=NEWER_CHROME)
    assert mails(store) == []


@pytest.mark.parametrize(("address", "browser"), [(ELSEWHERE, CHROME), (HOME, FIREFOX)])
def test_a_new_address_or_browser_is_told_with_what_to_do(
    store: Store, config: Config, address: str, browser: str
) -> None:
    config = msgspec.structs.replace(
        config, console=msgspec.structs.replace(config.console, public_url="https://desk.example.com/")
    )
    id = account(store)
    sign_in(store, config, id)
    sign_in(store, config, id, NOW + DAY, address, browser)
    [mail] = mails(store)
    assert (mail.to_address, mail.subject) == ("kim@elm.example", f"New sign-in to Leaseline from {address}")
    for said in (
        f"Browser: {browser}",
        "account kim",
        "https://desk.example.com/account)",
        "Sign out everywhere else",
        "Choose another password",
    ):
        assert said in mail.body
    # From then on it is familiar.
    sign_in(store, config, id, NOW + 3 * DAY, address, browser)
    assert len(mails(store)) == 1


def test_an_address_is_told_once_a_day(store: Store, config: Config) -> None:
    id = account(store)
    sign_in(store, config, id)
    for browser in (CHROME, FIREFOX, "curl/8", "Edge"):
        sign_in(store, config, id, NOW + DAY, ELSEWHERE, browser)
    assert len(mails(store)) == 1
    sign_in(store, config, id, NOW + DAY, "203.0.113.3")
    sign_in(store, config, id, NOW + 2 * DAY, ELSEWHERE, "Opera")
    assert len(mails(store)) == 3


def test_the_same_ipv6_network_is_familiar(store: Store, config: Config) -> None:
    id = account(store)
    sign_in(store, config, id, address="2001:db8:1:2:a::1")
    sign_in(store, config, id, NOW + DAY, "2001:db8:1:2:ffff::9")
    assert mails(store) == []
    sign_in(store, config, id, NOW + DAY, "2001:db8:1:3:a::1")
    assert len(mails(store)) == 1


def test_what_was_long_ago_is_new_again(store: Store, config: Config) -> None:
    id = account(store)
    sign_in(store, config, id)
    sign_in(store, config, id, NOW + DAY, ELSEWHERE)
    sign_in(store, config, id, NOW + KEPT + DAY, ELSEWHERE)
    sign_in(store, config, id, NOW + KEPT + 2 * DAY, HOME)
    assert [mail.created_at for mail in mails(store)] == [NOW + DAY, NOW + KEPT + 2 * DAY]


def test_a_refused_sign_in_tells_nothing_and_makes_nothing_familiar(store: Store, config: Config) -> None:
    id = account(store)
    sign_in(store, config, id)
    with store.writing() as session:
        accounts.disable(session, BY, "kim")
    with pytest.raises(NotSignedIn):
        sign_in(store, config, id, NOW + DAY, ELSEWHERE)
    assert mails(store) == []
    with store.writing() as session:
        accounts.enable(session, BY, "kim")
    sign_in(store, config, id, NOW + DAY, ELSEWHERE)
    assert len(mails(store)) == 1


def test_a_passkey_from_elsewhere_is_told_too_in_the_language_of_the_account(store: Store, config: Config) -> None:
    id = account(store, language="es")
    sign_in(store, config, id)
    with store.writing() as session:
        kept = AccountPasskey(
            account_id=id, name="laptop", digest="d", credential=b"id", public_key=b"", signed=0, made_at=NOW
        )
        session.add(kept)
        session.flush()
        shown = ProvenPasskey(kept.id, 1)
    with store.writing() as session:
        now = NOW + DAY
        signing_in.with_passkey(session, config, now, shown, now, address=ELSEWHERE, browser="Firefox\n\nhttp://x")
    [mail] = mails(store)
    assert mail.subject == f"Nuevo inicio de sesión en Leaseline desde {ELSEWHERE}"
    assert "Navegador: Firefox  http x\n" in mail.body
    assert "«Cerrar todas las demás»" in mail.body


def test_it_goes_to_the_agents_address_if_the_account_has_none_and_can_be_switched_off(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        agent = session.scalars(select(Agent).order_by(Agent.id)).first()
        assert agent is not None
        agent.email = "desk@elm.example"
        slug = agent.slug
    id = account(store, "", agent=slug)
    sign_in(store, config, id)
    silent = msgspec.structs.replace(config, console=msgspec.structs.replace(config.console, tells_of_sign_ins=False))
    sign_in(store, silent, id, NOW + DAY, ELSEWHERE)
    assert mails(store) == []
    sign_in(store, config, id, NOW + DAY, "203.0.113.3")
    assert [mail.to_address for mail in mails(store)] == ["desk@elm.example"]


def test_a_new_address_is_audited_once(store: Store, config: Config) -> None:
    id = account(store)
    for day in range(3):
        sign_in(store, config, id, NOW + day * DAY)
    with store.reading() as session:
        told = [one.what for one in session.scalars(select(AuditEntry)) if "signed in from" in one.what]
    assert told == [f"account kim signed in from {HOME}"]
