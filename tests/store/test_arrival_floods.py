"""A flood of forms rings nobody more than once, nothing of it is dropped, and what looks like spam is released."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.arrivals import ArrivalOutcome, suspicion
from crm.domain.errors import Conflict, NotFound
from crm.secrets import Secrets
from crm.services.arrivals import digests, flagging, forms, releasing
from crm.services.arrivals.digests import ArrivalDigests
from crm.services.arrivals.forms import FormKind, SentForm
from crm.services.audit import By
from crm.services.people import merging
from crm.store.models import Activity, Agent, ArrivalRecord, Lead, LeadPhone, Mail, Task
from crm.store.session import Store
from crm.worker import Troubles, keep
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def addresses(office: None, store: Store) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@oak.example.com"


def send(store: Store, config: Config, n: int, minutes: float = 0, **more: str) -> int | None:
    words = {"name": "Pat Smith", "email": "pat@example.com", "message": f"Is it free? ({n})"} | more
    sent = SentForm(kind=FormKind.QUESTION, key=f"f{n}", **words)  # type: ignore[arg-type]
    by = By("website", NOW + minutes * MINUTE)
    return store.run_blocking(forms.accept, config, Secrets(config.secrets_file), by, sent).lead_id


def rows(store: Store, of: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).order_by(of.id)).unique().all())


def subjects(store: Store) -> list[str]:
    return [one.subject for one in rows(store, Mail)]


def test_of_many_forms_of_one_person_the_first_is_told_at_once_and_the_others_together(
    store: Store, config: Config
) -> None:
    for n in range(13):
        send(store, config, n, n)
    assert len(rows(store, Mail)) == 1
    assert len(rows(store, Activity)) == len(rows(store, ArrivalRecord)) == 13
    assert [one.times for one in rows(store, Task)] == [13]
    first, *others = rows(store, ArrivalRecord)
    assert first.tell_at is None
    assert {one.tell_at for one in others} == {NOW + 16 * MINUTE}
    assert store.run_blocking(digests.tell, config, first.lead_id, NOW + 15 * MINUTE) == 0
    assert store.run_blocking(digests.tell, config, first.lead_id, NOW + 16 * MINUTE) == 12
    _, digest = rows(store, Mail)
    assert digest.subject == "Pat Smith wrote 12 more times"
    assert "Is it free? (1)" in digest.body
    assert "and 2 more" in digest.body
    assert send(store, config, 20, 100) == first.lead_id
    assert len(rows(store, Mail)) == 3, "after a quiet time it is told at once again"


@pytest.mark.both_databases
async def test_the_digest_comes_by_itself_also_after_a_merge(store: Store, config: Config) -> None:
    for n in range(3):
        send(store, config, n)
    other = send(store, config, 9, name="Kim Lee", email="kim@example.com")
    with store.writing() as session:
        merging.merge(session, config, By("alice", NOW), str(other), "1")
    crm = crm_at(config, store, NOW + 20 * MINUTE)
    worker = asyncio.create_task(keep(crm, ArrivalDigests(crm), Troubles(crm.now)))
    async with asyncio.timeout(60):
        with store.changes.told(["arrival"], (changed := asyncio.Event()).set):
            while any(one.tell_at for one in rows(store, ArrivalRecord)):
                await changed.wait()
                changed.clear()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert subjects(store)[-1] == "Kim Lee wrote 2 more times"


def test_a_flood_of_names_from_one_address_is_flagged_and_the_admin_is_told_once(store: Store, config: Config) -> None:
    most = config.site.unflagged_per_hour
    people = [
        send(store, config, n, came_from="203.0.113.9", email=f"p{n}@example.com", name=f"P {n}")
        for n in range(most + 4)
    ]
    assert people[most:] == [None] * 4
    assert send(store, config, most + 3, came_from="203.0.113.9") is None, "sent twice"
    flagged = [one for one in rows(store, ArrivalRecord) if one.outcome == ArrivalOutcome.FLAGGED]
    assert len(flagged) == 4
    assert len(rows(store, Lead)) == most
    told = [one for one in rows(store, Mail) if one.to_address.startswith("dana@")]
    assert [one.subject for one in told].count("Messages are flagged") == 1
    [task] = [one for one in rows(store, Task) if one.person == flagging.FLAGGED]
    assert (task.times, task.lead_id) == (4, None)
    assert send(store, config, 99, came_from="203.0.113.10", email="else@example.com") is not None
    assert send(store, config, 98, 61, came_from="203.0.113.9", email="later@example.com") is not None


def test_what_was_flagged_is_released_and_then_like_any_other(store: Store, config: Config) -> None:
    assert send(store, config, 1, message="Buy [url=http://x.example]this[/url]", phone="512-555-0188") is None
    [arrival] = rows(store, ArrivalRecord)
    assert (rows(store, Lead), arrival.problem) == ([], "It has links in markup, as only programs write them.")
    secrets, by = Secrets(config.secrets_file), By("alice", NOW + MINUTE)
    assert store.read_blocking(flagging.flagged, 0, 9) == [arrival.id]
    id = store.run_blocking(releasing.release, config, secrets, by, arrival.id)
    [lead] = rows(store, Lead)
    assert (id, lead.email) == (lead.id, "pat@example.com")
    assert [one.number for one in rows(store, LeadPhone)] == ["+15125550188"]
    [arrival] = rows(store, ArrivalRecord)
    assert (arrival.outcome, arrival.problem, arrival.lead_id) == (ArrivalOutcome.LEAD, "", lead.id)
    assert any(one.lead_id == lead.id for one in rows(store, Task))
    with pytest.raises(Conflict, match="not flagged"):
        store.run_blocking(releasing.release, config, secrets, by, arrival.id)
    with pytest.raises(NotFound):
        store.run_blocking(releasing.release, config, secrets, by, 99)


@pytest.mark.parametrize(
    ("message", "is_spam"),
    [
        ("I saw it on https://www.zillow.com/b/1 and https://oak.example.com/homes/1.", False),
        ("http://a.example http://b.example http://c.example", True),
        ('<a href="http://a.example">pills</a>', True),
        ("Is [204B] free? My link: none.", False),
    ],
)
def test_links_tell_spam(message: str, is_spam: bool) -> None:
    assert bool(suspicion(message, same_address=1, most=5)) == is_spam
