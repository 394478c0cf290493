"""Owners are told of missed calls, in the ways and at the times they chose, and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.calls import CallStep, DeskChosen, Fact, LinkRequested, StepTaken, VoicemailLeft, VoiceTurnTaken
from crm.domain.errors import Invalid
from crm.domain.heard import Phrase
from crm.domain.mailboxes import TranscriptState
from crm.domain.notices import AT_ONCE, GATHERED, NoticeKind
from crm.secrets import Secrets
from crm.services import notifying
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.notifying import Notifier
from crm.services.office import agents
from crm.services.outbox import notice_settings, notices
from crm.services.voicemail import transcripts
from crm.services.voicemail.transcripts import Result
from crm.store.models import (
    Agent,
    Device,
    Mail,
    Message,
    Notice,
    Property,
    Task,
    Tour,
    TourSlot,
)
from crm.store.session import Store
from crm.views import notices as views
from crm.worker import Troubles, keep
from tests.store import rows
from tests.store.test_ledger import counting
from tests.store.test_one_task import NOW, missed, ours, talk

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

MOBILE = "+15125550140"
MINUTE = timedelta(minutes=1)
NIGHT = NOW + timedelta(hours=12)
"""22:00 in Chicago."""


@pytest.fixture(autouse=True)
async def reachable(office: None, store: Store) -> None:
    """Alice alone is on duty, with an address and a mobile."""
    with store.writing() as session:
        session.execute(update(Agent).values(email=Agent.slug + "@example.com", on_duty=False))
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        alice.on_duty = True
        session.add(Device(slug="alice-mobile", agent_id=alice.id, kind="mobile", number=MOBILE))


async def record(store: Store, config: Config, *stories: Sequence[Fact]) -> None:
    for facts in stories:
        await store.run(ledger.record_all, config, facts, max(fact.at for fact in facts))


async def choose(store: Store, config: Config, *ways: str, at: datetime = NOW, **more: str) -> None:
    await store.run(notice_settings.change, config, By("alice", at), "alice", ways=ways, **more)


async def mails(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        found = session.scalars(select(Mail).order_by(Mail.id))
        return [(mail.to_address.partition("@")[0], mail.subject, mail.body) for mail in found]


async def texts(store: Store) -> list[str]:
    with store.reading() as session:
        return [text.body for text in session.scalars(select(Message).where(Message.purpose == "staff"))]


async def tell(store: Store, config: Config, now: datetime) -> None:
    await store.run(notifying.tell_due, config, now)


async def test_the_owner_is_told_of_a_missed_call_once_by_mail_and_in_the_list(store: Store, config: Config) -> None:
    await record(store, config, missed(0))
    for minutes in range(3):
        await tell(store, config, NOW + minutes * MINUTE + MINUTE)
    [(who, subject, body)] = await mails(store)
    assert (who, subject) == ("alice", "Missed call from (512) 555-0123")
    assert "Called Maple Court and hung up in the menu. To be called back by Mon 10:15 (task 1)." in body
    assert await texts(store) == []
    with store.reading() as session:
        [entry] = views.listed(session, "alice")
    assert (entry.kind, entry.subject) == ("missed-call", subject)
    await record(store, config, missed(5))
    await tell(store, config, NOW + 6 * MINUTE)
    (_, second) = await mails(store)
    assert "2 calls, the first on Mon 10:00, the last on Mon 10:05." in second[2]
    with store.reading() as session:
        assert [one.kind for one in views.listed(session, "alice")] == ["missed-call", "missed-call"]


async def test_whoever_has_called_back_already_hears_nothing(store: Store, config: Config) -> None:
    await record(store, config, missed(0), talk(1), missed(2), ours(3), missed(4, caller=None))
    await tell(store, config, NOW + 5 * MINUTE)
    assert await mails(store) == []


async def test_whoever_got_the_link_was_not_missed(store: Store, config: Config) -> None:
    await record(store, config, missed(0, (LinkRequested, {})))
    await tell(store, config, NOW + MINUTE)
    [(_, subject, body)] = await mails(store)
    assert (subject, "To be followed up by" in body) == ("Call from (512) 555-0123", True)


async def test_ways_are_chosen_for_each_kind(store: Store, config: Config) -> None:
    await choose(store, config, "missed-call=text")
    await record(store, config, missed(0))
    await tell(store, config, NOW + MINUTE)
    assert await mails(store) == []
    [text] = await texts(store)
    assert text.startswith("(512) 555-0123: Called Maple Court")
    with store.reading() as session:
        assert views.listed(session, "alice") == []
        entry = views.ways(session, "alice")
    assert (entry.ways["missed-call"], entry.ways["lead"]) == (["text"], ["mail", "text", "feed", "push"])
    with pytest.raises(Invalid):
        await choose(store, config, "missed-call=pigeon")
    with pytest.raises(Invalid):
        await choose(store, config)


async def test_what_falls_into_the_quiet_time_comes_in_one_mail_when_it_ends(store: Store, config: Config) -> None:
    await choose(store, config, "missed-call=mail,text,feed", quiet="20:00-08:00")
    for n in range(3):
        await record(store, config, missed(720 + n, caller=f"+1512555{1000 + n}"))
        await tell(store, config, NIGHT + (n + 1) * MINUTE)
    assert (await mails(store), await texts(store)) == ([], [])
    with store.reading() as session:
        assert len(views.listed(session, "alice")) == 3, "the list has them at once"
    morning = NOW + timedelta(hours=22)
    await tell(store, config, morning - MINUTE)
    assert await mails(store) == []
    for _ in range(2):
        await tell(store, config, morning)
    [(_, subject, body)] = await mails(store)
    assert (subject, body.count("Missed call from")) == ("3 notices", 3)
    assert len(await texts(store)) == 1


async def voicemail(store: Store, config: Config, n: int, words: str) -> None:
    """Left by a caller of its own, and transcribed."""
    left = (VoicemailLeft, {"file": f"c{n}.wav", "seconds": 9})
    await record(store, config, missed(n, left, caller=f"+1512555{1000 + n}"))
    result = Result(TranscriptState.DONE, [Phrase(words, 0, 9)])
    await store.run(transcripts.finish, config, f"c{n}", result, NOW + n * MINUTE)


@pytest.mark.parametrize("count", [1, 3])
async def test_messages_told_together_have_their_words_and_how_to_hear_them(
    store: Store, config: Config, count: int
) -> None:
    await choose(store, config, "message=mail,text,feed", quiet="20:00-08:00")
    for n in range(720, 720 + count):
        await voicemail(store, config, n, f"My sink number {n} leaks.")
    assert "alice" not in {who for who, _, _ in await mails(store)}
    await tell(store, config, NOW + timedelta(hours=22))
    [(_, _, body)] = [one for one in await mails(store) if one[0] == "alice"]
    for n in range(720, 720 + count):
        assert body.count(f"My sink number {n} leaks.") == 1
        assert f"`leaseline voicemail play c{n}`" in body
    assert all("sink" not in text for text in await texts(store))
    with store.reading() as session:
        kept = session.scalars(select(Notice)).all()
        assert {one.in_full for one in kept} == {""}, "a transcript is deleted in its time"
        assert not any("sink" in one.text for one in kept)


async def test_words_of_messages_that_were_gathered_are_kept_for_nobody_without_email(
    store: Store, config: Config
) -> None:
    await choose(store, config, "message=text,feed", quiet="20:00-08:00")
    await voicemail(store, config, 720, "My sink leaks.")
    with store.reading() as session:
        [one] = [one for one in session.scalars(select(Notice)) if one.agent.slug == "alice"]
        assert (one.in_full, one.send_at is not None) == ("", True)


@pytest.mark.parametrize("quiet", ["none", "20:00-08:00"])
async def test_talks_with_the_voice_agent_that_are_told_together_have_their_words(
    store: Store, config: Config, quiet: str
) -> None:
    await choose(store, config, quiet=quiet)
    answered = (StepTaken, {"step": CallStep.VOICE_AGENT})
    said = {"number": 1, "who": "caller", "started": 0.0, "ended": 2.0}
    for n in (720, 721):
        asked = (VoiceTurnTaken, {**said, "text": f"Is home {n} free?"})
        await record(store, config, missed(n, answered, asked, caller=f"+1512555{1000 + n}"))
    await record(store, config, missed(722))
    for at in (NIGHT + 5 * MINUTE, NOW + timedelta(hours=22)):
        await tell(store, config, at)
    [(_, subject, body)] = await mails(store)
    assert subject == "3 calls to follow up"
    for n in (720, 721):
        assert body.count(f"Caller: Is home {n} free?") == 1
        assert f"`leaseline call show c{n}`" in body
    assert "`leaseline call show c722`" not in body
    with store.reading() as session:
        [notice] = session.scalars(select(Notice)).all()
        assert "free?" not in notice.text + notice.in_full


async def test_an_emergency_in_a_home_does_not_wait(store: Store, config: Config) -> None:
    await choose(store, config, "all=none", quiet="20:00-08:00")
    await record(store, config, missed(720, (DeskChosen, {"desk": "maintenance"})), missed(721))
    await tell(store, config, NIGHT + 2 * MINUTE)
    [(_, subject, _)] = await mails(store)
    assert (subject, len(await texts(store))) == ("Missed call from (512) 555-0123", 1)


async def test_who_ends_the_quiet_time_hears_what_waited(store: Store, config: Config) -> None:
    await choose(store, config, quiet="20:00-08:00")
    await record(store, config, missed(720))
    await tell(store, config, NIGHT + MINUTE)
    await choose(store, config, quiet="none", at=NIGHT + 2 * MINUTE)
    await tell(store, config, NIGHT + 2 * MINUTE)
    assert [subject for _, subject, _ in await mails(store)] == ["Missed call from (512) 555-0123"]


async def test_hundreds_of_missed_calls_are_a_few_notices(store: Store, config: Config) -> None:
    await choose(store, config, "missed-call=mail,text,feed")
    for n in range(20):
        await record(store, config, _of(n))
        await tell(store, config, NOW + MINUTE + n * timedelta(seconds=1))
    burst = [fact for n in range(20, 320) for fact in _of(n)]
    await store.run(ledger.record_all, config, burst, NOW)
    for minutes in range(2, 40):
        await tell(store, config, NOW + minutes * MINUTE)
    # One by one, then what waited together.
    assert len(await texts(store)) == len(await mails(store)) <= AT_ONCE + 3
    with store.reading() as session:
        assert len(rows.tasks(session)) == 320
    assert timedelta(minutes=10) >= GATHERED


def _of(n: int) -> list[Fact]:
    return missed(1000 + n, caller=f"+1512556{1000 + n}")


async def test_owners_who_are_told_together_take_no_more_statements_than_one(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(email=""))
        owners = session.scalars(select(Agent.id).order_by(Agent.id).limit(3)).all()
    counts = []
    for caller, told in enumerate((owners[:1], owners)):
        for number, owner in enumerate(told):
            await record(store, config, missed(10 * caller + number, caller=f"+1512555{1000 + 10 * caller + number}"))
            with store.writing() as session:
                newest = select(func.max(Task.id)).scalar_subquery()
                session.execute(update(Task).where(Task.id == newest).values(owner_id=owner))
        with counting() as statements:
            await tell(store, config, NOW + (caller + 1) * 10 * MINUTE)
        counts.append(len(statements))
    with store.reading() as session:
        listed = session.scalars(select(Notice.agent_id).order_by(Notice.id)).all()
    assert (listed[:1], sorted(listed[1:])) == (owners[:1], sorted(owners))
    assert counts[1] == counts[0] <= 12, statements


async def test_all_of_a_subteam_are_told_of_what_it_has(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).values(on_duty=False))
    await record(store, config, missed(0))
    await tell(store, config, NOW + MINUTE)
    found = await mails(store)
    assert sorted(who for who, _, _ in found) == ["alice", "bob"]
    assert all("`leaseline task take 1 --agent NAME`" in body for _, _, body in found)


@pytest.mark.both_databases
async def test_the_worker_tells_as_soon_as_a_call_is_on_record(store: Store, config: Config) -> None:
    crm = Crm(config, store, Secrets(config.secrets_file), lambda: NOW + MINUTE)
    told = asyncio.Event()
    running = asyncio.create_task(keep(crm, Notifier(crm), Troubles(crm.now)))
    try:
        with store.changes.told([Mail.__tablename__], told.set):
            await record(store, config, missed(0))
            async with asyncio.timeout(30):
                while not await mails(store):
                    await told.wait()
                    told.clear()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [subject for _, subject, _ in await mails(store)] == ["Missed call from (512) 555-0123"]


async def test_what_is_told_later_wakes_whoever_tells_it(store: Store, config: Config) -> None:
    """Nobody looks for it before it is due: a notice that waits, the end of a quiet time, a digest."""
    told = asyncio.Event()

    async def is_told() -> None:
        async with asyncio.timeout(30):
            await told.wait()
        told.clear()

    def tell_alice(session: Session) -> None:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        notices.tell(session, config, [alice], "k", "A call", "Somebody called.", NIGHT, kind=NoticeKind.MISSED_CALL)

    with store.changes.told(["task"], told.set):
        await choose(store, config, quiet="20:00-08:00")
        await is_told()
        await store.run(tell_alice)
        await is_told()
        await choose(store, config, digest="07:30")
        await is_told()


# --- the daily digest ---


async def test_the_digest_has_the_day_and_nothing_is_sent_without_any(store: Store, config: Config) -> None:
    await choose(store, config, "missed-call=none", digest="8:00")
    morning = NOW + timedelta(hours=22)
    await tell(store, config, morning - MINUTE)
    await tell(store, config, morning)
    assert await mails(store) == [], "nothing to do, nothing to read"
    await record(store, config, missed(0))
    with store.writing() as session:
        maple = session.scalars(select(Property).where(Property.slug == "maple")).one()
        alice = agents.named(session, "alice")
        [lead] = rows.leads(session)
        lead.name = "Pat Jones"
        at = morning + timedelta(hours=26)
        slot = TourSlot(
            key="s1", property_id=maple.id, agent_id=alice.id, kind="tour", starts_at=at, ends_at=at, capacity=1
        )
        session.add(Tour(key="t1", slot=slot, lead=lead, state="booked", booked_by="keypad", booked_at=NOW))
    for minutes in range(3):
        await tell(store, config, morning + timedelta(days=1) + minutes * MINUTE)
    [(who, subject, body)] = await mails(store)
    assert (who, subject) == ("alice", "Wednesday, March 4: 1 tour, 1 missed call")
    assert "- 10:00 Pat Jones, (512) 555-0123" in body
    assert "Task 1 (due Mar 02 10:15, overdue), Pat Jones, (512) 555-0123: Called Maple Court" in body
    await choose(store, config, digest="off", at=morning)
    await tell(store, config, morning + timedelta(days=5))
    assert len(await mails(store)) == 1


async def test_a_digest_that_nobody_could_send_in_time_is_left_out(store: Store, config: Config) -> None:
    await choose(store, config, "all=none", digest="08:00")
    await record(store, config, missed(0))
    await tell(store, config, NOW + timedelta(hours=22) + notifying.OUTDATED)
    assert await mails(store) == []
    await tell(store, config, NOW + timedelta(hours=46))
    assert len(await mails(store)) == 1
