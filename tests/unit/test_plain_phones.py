"""Phones that have to encrypt and register without TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone
from ari_app.workers.plain_phones import LONGEST_REGISTRATION, PlainPhones, contact_name
from crm.domain.errors import Unavailable
from crm.edge import registrations

pytestmark = pytest.mark.unit

PLAIN = "sip:bob-soft@198.51.100.7:5060"
TLS = "sip:bob-soft@198.51.100.7:40021;transport=TLS"


class Asterisk(AriClient):
    """Which paths it was asked to delete."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.is_gone = False

    async def delete(self, path: str, **query: str) -> Any:
        self.deleted.append(path)
        if self.is_gone:
            raise ChannelGone(404, "Not Found", path)


class Office:
    """Bob's softphone has to encrypt."""

    def __init__(self) -> None:
        self.asterisk = Asterisk()
        self.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
        self.is_away = False
        self.phones = PlainPhones(self.asterisk, self.must_encrypt, lambda: self.now)

    async def must_encrypt(self, device: str) -> bool:
        if self.is_away:
            raise Unavailable("The database does not answer.", code="database_silent")
        return device == "bob-soft"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (TLS, True),
        ("sips:bob-soft@198.51.100.7:40021;transport=tls;ob", True),
        (PLAIN, False),
        ("sips:bob-soft@198.51.100.7:5060", False),
        ("sip:bob-soft@198.51.100.7:5060;transport=TCP", False),
        ("sip:bob-soft@198.51.100.7:5060;transport=ws", False),
        ("sip:bob;transport=tls@198.51.100.7:5060", False),
        ("sip:bob-soft@198.51.100.7:5060;x-transport=tls", False),
        ("sip:bob-soft@198.51.100.7:5060?x=;transport=tls", False),
        ("", False),
    ],
)
def test_only_what_asterisk_wrote_says_that_a_contact_came_over_tls(uri: str, expected: bool) -> None:
    assert registrations.is_over_tls(uri) is expected


def test_a_contact_has_the_name_that_asterisk_gives_it() -> None:
    # As seen in the database of 22.10.1.
    name = contact_name("bob-soft", "sip:bob-soft@127.0.0.1:23322")
    assert name == "bob-soft;@f34bca01085d290ff06424c4d60d0cd9"


async def test_a_registration_without_tls_ends_and_is_told_until_the_phone_uses_tls() -> None:
    office = Office()
    assert await office.phones.remove("bob-soft", PLAIN)
    name = quote(contact_name("bob-soft", PLAIN), safe="")
    assert office.asterisk.deleted == [f"/asterisk/config/dynamic/res_pjsip/contact/{name}"]
    [trouble] = office.phones.troubles
    assert "(bob-soft)" in trouble
    assert not await office.phones.remove("bob-soft", TLS)
    assert office.phones.troubles == []
    assert len(office.asterisk.deleted) == 1


async def test_a_phone_that_does_not_come_again_is_forgotten() -> None:
    office = Office()
    await office.phones.remove("bob-soft", PLAIN)
    office.now += LONGEST_REGISTRATION
    assert office.phones.troubles == []


async def test_phones_that_need_not_encrypt_keep_their_registrations() -> None:
    office = Office()
    assert not await office.phones.remove("alice-desk", PLAIN)
    assert not await office.phones.remove("trunk-demo", "sip:127.0.0.1:5060")
    office.is_away = True
    assert not await office.phones.remove("bob-soft", PLAIN)
    assert (office.asterisk.deleted, office.phones.troubles) == ([], [])


async def test_however_often_a_phone_comes_the_log_has_one_line_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    for _ in range(121):
        assert await office.phones.remove("bob-soft", PLAIN)
        office.asterisk.is_gone = True  # Nothing of it is an error.
        office.now += timedelta(seconds=30)
    assert len(caplog.records) == 2
