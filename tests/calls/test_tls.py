"""Phones that encrypt: SIP over TLS with our certificate, and SRTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import pytest_asyncio
from sqlalchemy import update

from ari_app.workers.plain_phones import contact_name
from crm.services.phones import devices
from crm.services.system import health
from crm.store.models import Device
from tests.scripted_phone import registered
from tests.system import System
from tests.talks import ANSWER, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def encrypted(system: System) -> AsyncIterator[System]:
    """Bob has a device that has to encrypt."""
    await system.store.run(devices.add, system.secrets, system.by, "bob-soft", agent="bob", kind="softphone")
    with system.store.writing() as session:
        session.execute(update(Device).where(Device.slug == "bob-soft").values(encrypted=True))
    await system.publish()
    yield system


async def test_an_encrypted_phone_and_a_plain_one_talk(encrypted: System) -> None:
    async with (
        encrypted.phone("alice-desk") as alice,
        encrypted.phone("bob-soft", tls=True, srtp=True) as bob,
    ):
        await bob.dial(f"sip:101@{encrypted.sips};transport=tls")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await hear_each_other(encrypted, bob, alice)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")


async def test_an_encrypted_phone_is_called_with_srtp_over_tls(encrypted: System) -> None:
    async with (
        encrypted.phone("alice-desk") as alice,
        encrypted.phone("bob-soft", tls=True, srtp=True) as bob,
    ):
        await alice.dial(f"sip:102@{encrypted.sip}")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await bob.say(encrypted.spoken(ANSWER))
        await encrypted.hears(alice, encrypted.spoken(ANSWER))
        await bob.hang_up()
        await alice.wait_for("CALL_CLOSED")


async def test_an_unencrypted_call_of_an_encrypted_device_is_refused(encrypted: System) -> None:
    async with encrypted.phone("alice-desk") as alice, encrypted.phone("bob-soft", tls=True) as bob:
        await bob.dial(f"sip:101@{encrypted.sips};transport=tls")
        closed = await bob.wait_for("CALL_CLOSED")
        assert "488" in closed.param
        assert (alice.count("CALL_INCOMING"), bob.count("CALL_ESTABLISHED")) == (0, 0)


async def test_srtp_whose_keys_anybody_could_read_is_refused(encrypted: System) -> None:
    async with encrypted.phone("alice-desk") as alice, encrypted.unreachable_phone("bob-soft", srtp=True) as bob:
        await bob.dial(f"sip:101@{encrypted.sip}")
        closed = await bob.wait_for("CALL_CLOSED")
        assert "403" in closed.param
        assert (alice.count("CALL_INCOMING"), bob.count("CALL_ESTABLISHED")) == (0, 0)


async def test_a_registration_without_tls_is_not_kept_and_told(encrypted: System) -> None:
    port, _ = encrypted.phone_ports()
    contact = quote(contact_name("bob-soft", f"sip:bob-soft@127.0.0.1:{port}"), safe="")

    async def is_gone() -> bool:
        answer = await encrypted.ari(f"/asterisk/config/dynamic/res_pjsip/contact/{contact}")
        return isinstance(answer, dict)  # with a message, in place of the contact's fields

    async def is_told() -> bool:
        troubles = (await health.look(encrypted.config, datetime.now(UTC))).app.trouble
        return any("without TLS" in trouble and "bob-soft" in trouble for trouble in troubles)

    async def is_over() -> bool:
        return not await is_told()

    await registered(encrypted, "bob-soft", "127.0.0.1", port)
    await encrypted.until(is_gone, "the registration has ended")
    await encrypted.until(is_told, "status tells it")
    async with encrypted.phone("bob-soft", tls=True, srtp=True):
        await encrypted.until(is_over, "status no longer tells it")


async def test_a_phone_that_may_encrypt_can(system: System) -> None:
    async with system.phone("alice-desk", tls=True, srtp=True) as alice, system.phone("bob-desk") as bob:
        await alice.dial(f"sip:102@{system.sips};transport=tls")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await bob.say(system.spoken(ANSWER))
        await system.hears(alice, system.spoken(ANSWER))
        await bob.hang_up()
        await alice.wait_for("CALL_CLOSED")
