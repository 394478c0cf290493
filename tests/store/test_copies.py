"""A home that is started in another place may be a copy: what goes to people waits until somebody says so."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.edge.carrier import OutgoingText
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.outbox.outgoing import NewMail, queue
from crm.services.outbox.texts import TextTransport
from crm.services.system import copies
from crm.store.models import Device, Mail, Message, Trunk
from crm.store.session import Store
from tests.store.conftest import send_what_waits

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
BY = By("tests", NOW)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Says which machine this is."""

    def this_is(name: str) -> None:
        (tmp_path / "machine-id").write_text(f"{name}\n")

    monkeypatch.setattr(copies, "_MACHINE_IDS", (str(tmp_path / "none"), str(tmp_path / "machine-id")))
    this_is("first")
    return this_is


def test_a_home_is_at_home_where_it_was_first_and_stays_so(config: Config, machine: Callable[[str], None]) -> None:
    assert copies.held(config) == ""
    assert copies.held(config) == ""
    stamp = (config.home / "home.json").read_text()
    assert "first" not in stamp, "the machine's id is not given away"


def test_a_copy_in_another_folder_is_held(config: Config, machine: Callable[[str], None], tmp_path: Path) -> None:
    assert copies.held(config) == ""
    shutil.copytree(config.home, tmp_path / "copy")
    copy = msgspec.structs.replace(config, home=tmp_path / "copy")
    assert copies.held(copy) == f"This home was at {config.home} before."
    assert copies.held(config) == ""


async def test_a_home_on_another_machine_is_held_until_it_is_released(
    store: Store, config: Config, machine: Callable[[str], None]
) -> None:
    assert copies.held(config) == ""
    machine("second")
    assert copies.held(config) == "This home comes from another machine."
    await store.run(copies.release, config, BY, drop=False)
    assert copies.held(config) == ""
    machine("first")
    assert copies.held(config) == "This home comes from another machine."
    machine("")
    assert copies.held(config) == "", "a machine without an id tells nothing"


async def test_a_home_can_be_held_by_hand_and_a_stamp_that_cannot_be_read_holds(
    store: Store, config: Config, machine: Callable[[str], None]
) -> None:
    copies.hold(config, "Held by command.")
    assert copies.held(config) == "Held by command."
    (config.home / "home.json").write_text("?")
    assert "cannot be read" in copies.held(config)
    await store.run(copies.release, config, BY, drop=False)
    assert copies.held(config) == ""


async def queue_a_text(store: Store) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="demo", host="127.0.0.1", port=5060, transport="udp", auth="address", enabled=True))
        session.add(
            Message(
                key="link:c1",
                purpose="link",
                to_number="+15125550199",
                from_number="+15125550100",
                body="Hello.",
                state="queued",
                next_attempt_at=NOW - timedelta(hours=1),
                created_at=NOW - timedelta(hours=1),
            )
        )


async def test_what_waits_is_dropped_if_the_original_has_sent_it(store: Store, config: Config) -> None:
    await queue_a_text(store)
    with store.writing() as session:
        queue(session, config, NewMail("k", "dana@example.com", "New message", "Somebody called."), NOW)
    assert await store.run(copies.release, config, BY, drop=True) == copies.HeldBack(texts=1, mails=1, calls=0)
    assert await store.read(copies.waiting) == copies.HeldBack(0, 0, 0)
    with store.reading() as session:
        found = [*session.scalars(select(Message)), *session.scalars(select(Mail))]
    assert [(one.state, one.error.partition(":")[0]) for one in found] == [
        ("blocked", "Dropped when the home was released, because the home it is a copy of has sent it.")
    ] * 2


class Sent:
    """A carrier that keeps what it was given."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.given = asyncio.Event()

    async def send(self, text: OutgoingText) -> str | None:
        self.bodies.append(text.body)
        self.given.set()
        return None


@pytest.mark.both_databases
async def test_a_held_home_tells_its_own_people_what_is_new_and_sends_nothing_else(
    store: Store, config: Config
) -> None:
    await queue_a_text(store)
    with store.writing() as session:
        admin = owners.admin(session)
        session.add(Device(slug="dana-cell", kind="mobile", number="+15125550177", agent_id=admin.id))
        notices.tell(session, config, [admin], "old", "Old", "The original has told this.", NOW)
    later = NOW + timedelta(minutes=5)
    carrier, held = Sent(), True
    by_text = TextTransport(config, lambda trunk: carrier)
    running = asyncio.create_task(send_what_waits(store, config, by_text, lambda: later, lambda: held))
    with store.writing() as session:
        notices.tell(session, config, [owners.admin(session)], "emergency:1", "911", "Alice dialed 911.", later)
    await asyncio.wait_for(carrier.given.wait(), 10)
    assert carrier.bodies == ["Alice dialed 911."]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with store.reading() as session:
        queued = select(Message.body).where(Message.state == "queued").order_by(Message.id)
        waits = session.scalars(queued).all()
        assert session.scalars(select(Mail)).all() == []
    assert waits == ["Hello.", "The original has told this."]
