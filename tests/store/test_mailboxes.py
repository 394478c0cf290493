"""The mailbox that is read over IMAP, on both databases, from a real server (Dovecot)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import delete, select

from crm.config import Config, MailIn, MailSettings
from crm.context import Crm
from crm.edge import mail_files
from crm.services.arrivals import mailboxes, reading
from crm.services.arrivals.mailboxes import Mailboxes
from crm.services.system.checks import mail as checks
from crm.services.system.checks.finding import Level
from crm.store.models import Activity, ArrivalRecord, Lead, MailFolder, MailFolderEntry, Task
from crm.store.session import Store
from crm.worker import Troubles
from tests import mailbox
from tests.mailbox import MailServer
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mailbox.serving() as found:
        yield found


@pytest.fixture
def crm(config: Config, store: Store, server: MailServer) -> Crm:
    inbox = MailIn(server="127.0.0.1", port=server.port, security="none", user=mailbox.USER, look_minutes=0.01)
    found = crm_at(Config(config.home, mail=MailSettings(incoming=inbox)), store)
    found.secrets.put(mailboxes.SECRET, mailbox.PASSWORD)
    return found


def reader(crm: Crm, troubles: Troubles | None = None, held: Callable[[], bool] = lambda: False) -> Mailboxes:
    return Mailboxes(crm, troubles or Troubles(crm.now), held)


def mail(name: str, text: str = "Is it free?") -> bytes:
    return f"From: {name}@example.com\r\nSubject: Hi\r\nMessage-ID: <{name}@example.com>\r\n\r\n{text}\r\n".encode()


def rows(store: Store, model: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(model)).all())


async def until(store: Store, table: str, is_so: Callable[[], bool]) -> None:
    """Waits until something is so, looking whenever rows of a table have changed."""
    async with asyncio.timeout(60):
        with store.changes.told([table], (changed := asyncio.Event()).set):
            while not is_so():
                await changed.wait()
                changed.clear()


async def test_twenty_24332_every_email_of_the_mailbox_is_stored_and_both_are_counted(
    crm: Crm, store: Store, server: MailServer
) -> None:
    sent = {f"{n:03}": mail(f"n{n}") for n in range(20)}
    for name, raw in sent.items():
        server.deliver(raw, name)
    assert await reader(crm).look() == 20
    kept = {path.read_bytes() for path in crm.config.mails_folder.rglob("*.eml")}
    assert kept == set(sent.values())
    [folder] = rows(store, MailFolder)
    assert (folder.there, folder.here, folder.counted_at) == (20, 20, NOW)


async def test_nothing_in_the_mailbox_is_changed(crm: Crm, server: MailServer) -> None:
    server.deliver(mail("pat"), "one")
    await reader(crm).look()
    assert server.files() == {"one": mail("pat")}
    assert any(command.startswith("EXAMINE") for command in server.heard)
    assert not any(word in command for command in server.heard for word in ("SELECT", "STORE", "EXPUNGE", "MOVE"))


async def test_what_is_new_is_taken_in_as_soon_as_the_server_says_so(
    crm: Crm, store: Store, server: MailServer
) -> None:
    async with following(crm):
        async with asyncio.timeout(60):
            await server.idling.wait()
        server.deliver(mail("pat"), "one")
        await until(store, "arrival", lambda: bool(rows(store, ArrivalRecord)))
    assert server.logins == 1


async def test_a_server_that_reports_nothing_is_asked_again(crm: Crm, store: Store, server: MailServer) -> None:
    server.can_idle = False
    server.deliver(mail("pat"), "one")
    async with following(crm):
        await until(store, "arrival", lambda: len(rows(store, ArrivalRecord)) == 1)
        server.deliver(mail("kim"), "two")
        await until(store, "arrival", lambda: len(rows(store, ArrivalRecord)) == 2)
    assert "IDLE" not in server.heard
    assert server.logins == 1


async def test_after_a_broken_connection_it_goes_on_where_it_was(
    crm: Crm, store: Store, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "RETRY_SECONDS", 0.05)
    troubles = Troubles(crm.now)
    server.deliver(mail("pat"), "one")
    async with following(crm, troubles):
        async with asyncio.timeout(60):
            await server.idling.wait()
        server.deliver(mail("kim"), "two")
        server.cut()
        await until(store, "arrival", lambda: len(rows(store, ArrivalRecord)) == 2)
    assert server.logins == 2
    assert sum("BODY.PEEK" in command for command in server.heard) == 2


async def test_emails_that_are_numbered_anew_are_fetched_again_and_count_once(
    crm: Crm, store: Store, server: MailServer
) -> None:
    for name in ("pat", "kim"):
        server.deliver(mail(name), name)
    assert await reader(crm).look() == 2
    [before] = rows(store, MailFolder)
    server.forget_uids()
    server.deliver(mail("sam"), "sam")
    assert await reader(crm).look() == 1
    [after] = rows(store, MailFolder)
    assert before.uid_validity != after.uid_validity
    assert (after.there, after.here) == (3, 3)
    assert len(rows(store, ArrivalRecord)) == 3


async def test_what_is_missing_here_is_fetched_when_both_are_counted(
    crm: Crm, store: Store, server: MailServer
) -> None:
    for name in ("pat", "kim", "sam"):
        server.deliver(mail(name), name)
    await reader(crm).look()
    with store.writing() as session:
        [first, *_] = session.scalars(select(MailFolderEntry).order_by(MailFolderEntry.uid))
        session.execute(delete(ArrivalRecord).where(ArrivalRecord.id == first.arrival_id))
        session.delete(first)
    assert await reader(crm).look() == 1
    [folder] = rows(store, MailFolder)
    assert (folder.there, folder.here, len(rows(store, ArrivalRecord))) == (3, 3, 3)


async def test_what_was_erased_here_is_not_fetched_again(crm: Crm, store: Store, server: MailServer) -> None:
    server.deliver(mail("pat"), "pat")
    await reader(crm).look()
    with store.writing() as session:
        session.execute(delete(ArrivalRecord))
    assert await reader(crm).look() == 0
    assert rows(store, ArrivalRecord) == []


async def test_an_email_that_is_too_large_is_fetched_by_its_beginning(
    crm: Crm, store: Store, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = msgspec.structs.replace(crm.config.mail.incoming, longest_megabytes=1)
    crm = crm_at(Config(crm.config.home, mail=MailSettings(incoming=inbox)), store)
    server.deliver(mail("pat", "x" * 70 + "\r\n" * 1_000_000), "large")
    server.deliver(mail("kim"), "small")
    assert await reader(crm).look() == 2
    large, small = sorted(rows(store, ArrivalRecord), key=lambda one: one.raw["is_whole"])
    assert (large.raw["is_whole"], small.raw["is_whole"]) == (False, True)
    assert large.raw["bytes"] > 1_000_000
    assert (crm.config.mails_folder / large.raw["file"][:2] / f"{large.raw['file']}.eml").stat().st_size == (
        mail_files.BEGINNING
    )


async def test_history_becomes_leads_without_tasks_and_notices(crm: Crm, store: Store, server: MailServer) -> None:
    server.deliver(mail("old"), "old")
    path = server.inbox / "new" / "old"
    long_ago = (NOW - timedelta(days=400)).timestamp()
    os.utime(path, (long_ago, long_ago))
    server.deliver(mail("new"), "new")
    await reader(crm).look()
    for one in rows(store, ArrivalRecord):
        claim = await store.run(reading.begin, one.id)
        assert claim is not None
        assert await reading.read(crm, claim) == ""
    leads = {lead.email: lead for lead in rows(store, Lead)}
    assert set(leads) == {"old@example.com", "new@example.com"}
    assert [task.lead_id for task in rows(store, Task)] == [leads["new@example.com"].id]
    entries = {entry.lead_id: entry for entry in rows(store, Activity)}
    assert entries[leads["old@example.com"].id].at == NOW - timedelta(days=400)


async def test_what_is_wrong_is_told_in_a_sentence_and_shows_as_trouble(
    crm: Crm, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "RETRY_SECONDS", 0.01)
    for settings, says in (
        ({"folder": "Nowhere"}, "has no folder Nowhere"),
        ({"user": "somebody"}, "does not accept the user or password"),
        ({"security": "starttls"}, "127.0.0.1"),
        ({"security": "tls"}, "no TLS"),
        ({"port": 1}, "cannot be reached on port 1"),
    ):
        inbox = msgspec.structs.replace(crm.config.mail.incoming, **settings)
        wrong = crm_at(Config(crm.config.home, mail=MailSettings(incoming=inbox)), crm.store)
        changed = asyncio.Event()
        troubles = Troubles(crm.now, lambda found, changed=changed: changed.set())
        async with following(wrong, troubles), asyncio.timeout(60):
            await changed.wait()
        assert says in troubles.found[mailboxes.NAME].what


async def test_a_home_that_may_be_a_copy_reads_no_mailbox(
    crm: Crm, store: Store, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "HELD_SECONDS", 0.01)
    server.deliver(mail("pat"), "one")
    asked = 0
    asked_often = asyncio.Event()

    def held() -> bool:
        nonlocal asked
        asked += 1
        if asked == 5:
            asked_often.set()
        return True

    async with following(crm, held=held), asyncio.timeout(60):
        await asked_often.wait()
    assert (server.logins, rows(store, ArrivalRecord)) == (0, [])


async def test_twenty_25749_the_doctor_counts_both_and_notices_an_email_that_has_gone(
    crm: Crm, store: Store, server: MailServer
) -> None:
    def findings(now: datetime = NOW) -> dict[str, tuple[str, str]]:
        found = store.read_blocking(checks.incoming, crm.config, now)
        return {one.check: (one.level, one.text) for one in found}

    assert findings()["mailbox"][0] == Level.WARN
    for name in ("pat", "kim"):
        server.deliver(mail(name), name)
    await reader(crm).look()
    level, text = findings()["mailbox"]
    assert (level, text.startswith("Emails in the folder INBOX: 2; stored here: 2")) == (
        Level.OK,
        True,
    )
    assert findings()["emails"][0] == Level.OK
    assert findings(NOW + timedelta(hours=8))["mailbox"][0] == Level.WARN
    assert findings(NOW + timedelta(minutes=11))["arrivals"][0] == Level.WARN
    next(crm.config.mails_folder.rglob("*.eml")).unlink()
    assert findings()["emails"][0] == Level.WARN
    with store.writing() as session:
        session.scalars(select(MailFolder)).one().here = 1
    assert findings()["mailbox"][0] == Level.WARN


@asynccontextmanager
async def following(
    crm: Crm, troubles: Troubles | None = None, held: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """The mailbox is read while the block runs."""
    task = asyncio.create_task(reader(crm, troubles, held).keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
