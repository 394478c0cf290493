"""Texts both ways on real databases: what becomes of one that arrives, what an agent writes, and the opt-out ledger."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select, update

from crm.config import Config, Texts
from crm.context import Crm
from crm.domain.calls import Fact
from crm.domain.errors import Conflict, Invalid, NotFound, Unavailable
from crm.domain.gate import Verdict
from crm.edge import http_carrier
from crm.edge.carrier import CarrierError, DeliveryReport, Fate, IncomingText, OutgoingText
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.calls import ledger, spool
from crm.services.calls.journal import Journal
from crm.services.outbox import carriers
from crm.services.outbox.carriers import CarrierFor
from crm.services.outbox.texts import TextTransport
from crm.services.people import opt_outs
from crm.services.texts import inbox, messages
from crm.services.texts.inbox import Inbox
from crm.store.models import Activity, Agent, AuditEntry, Lead, LeadPhone, Line, Mail, Message, OptOut, Task, Trunk
from crm.store.session import Store
from crm.views import opt_outs as listing
from tests.store.conftest import send_what_waits

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE, SPANISH = "+15125550100", "+15125550101"
PERSON = "+15125550177"
BY = By("tests", NOW)


def text(body: str, id: str = "SM1", *, to: str = MAPLE, sender: str = PERSON, **more: object) -> IncomingText:
    return IncomingText(
        **{  # type: ignore[arg-type]
            "carrier": "twilio",
            "carrier_id": id,
            "from_number": sender,
            "to_number": to,
            "body": body,
            "at": NOW,
            **more,
        }
    )


async def rows(store: Store, of: type, *where: object) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).where(*where).order_by(of.id)).all())


async def take(store: Store, config: Config, *arrived: IncomingText, now: datetime = NOW) -> None:
    for one in arrived:
        await store.run(messages.receive, config, one, now)


class Taker:
    """A carrier that takes every text, or fails each as told."""

    def __init__(self, error: CarrierError | None = None) -> None:
        self.error = error
        self.taken: list[OutgoingText] = []

    async def send(self, one: OutgoingText) -> str | None:
        if self.error:
            raise self.error
        self.taken.append(one)
        return f"id-{len(self.taken)}"


async def work(store: Store, config: Config, carrier: Taker | CarrierFor, now: datetime = NOW) -> None:
    """Lets the outbox do what is due at `now`."""
    chosen: CarrierFor = (lambda trunk: carrier) if isinstance(carrier, Taker) else carrier
    with store.writing() as session:
        if not session.scalars(select(Trunk)).first():
            session.add(Trunk(slug="acme", host="127.0.0.1", auth="address"))
    task = asyncio.create_task(send_what_waits(store, config, TextTransport(config, chosen), lambda: now))
    try:
        async with asyncio.timeout(60):
            while True:
                due = await rows(
                    store, Message, Message.state.in_(("queued", "sending")), Message.next_attempt_at <= now
                )
                if not due:
                    return
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- in ---


async def test_a_text_from_somebody_new_makes_lead_timeline_and_task(store: Store, config: Config) -> None:
    await take(store, config, text("Is the 2 bedroom free?", media=("https://m.example/1", "https://m.example/2")))
    (lead,) = await rows(store, Lead)
    (message,) = await rows(store, Message)
    (activity,) = await rows(store, Activity)
    (task,) = await rows(store, Task)
    assert (lead.source, lead.status) == ("sign", "new")
    assert (message.direction, message.state, message.lead_id, message.segments) == ("in", "received", lead.id, 1)
    assert (message.from_number, message.to_number, message.carrier_id) == (PERSON, MAPLE, "SM1")
    assert message.media == ["https://m.example/1", "https://m.example/2"]
    assert activity.lead_id == lead.id
    assert activity.kind == "Text"
    assert "https://m.example/1" in activity.text
    assert (task.kind, task.lead_id, task.due_at) == ("reply", lead.id, NOW + timedelta(minutes=15))
    assert "Is the 2 bedroom free?" in task.why
    with store.reading() as session:
        owner = session.get(Agent, task.owner_id)
    assert owner is not None
    assert owner.slug in ("alice", "bob"), "the property's subteam"


@pytest.mark.parametrize("written", ["5125550177", "(512) 555-0177", "+15125550177", "15125550177", "512.555.0177"])
async def test_pain_13_a_number_in_any_format_finds_its_lead(store: Store, config: Config, written: str) -> None:
    with store.writing() as session:
        carol = session.scalars(select(Agent).where(Agent.slug == "carol")).one()
        session.add(Lead(created_at=NOW, phones=[LeadPhone(number=PERSON)], assigned_agent=carol, interests=[]))
    await take(store, config, text("hello", sender=written))
    assert len(await rows(store, Lead)) == 1
    (task,) = await rows(store, Task)
    with store.reading() as session:
        owner = session.get(Agent, task.owner_id)
    assert owner is not None
    assert owner.slug == "carol", "whose lead it is"


async def test_pain_12_the_same_text_twice_is_one(store: Store, config: Config) -> None:
    assert await store.run(messages.receive, config, text("STOP"), NOW)
    assert not await store.run(messages.receive, config, text("STOP"), NOW)
    assert len(await rows(store, Message)) == 2
    assert len(await rows(store, OptOut)) == 1


@pytest.mark.both_databases
async def test_pain_12_the_same_text_at_the_same_moment_is_one(store: Store, config: Config) -> None:
    taken = await asyncio.gather(*(store.run(messages.receive, config, text("hello"), NOW) for _ in range(6)))
    assert sorted(taken) == [False] * 5 + [True]
    assert len(await rows(store, Message)) == len(await rows(store, Lead)) == len(await rows(store, Task)) == 1


@pytest.mark.both_databases
async def test_different_texts_at_the_same_moment_are_one_thread_and_one_task(store: Store, config: Config) -> None:
    await asyncio.gather(*(store.run(messages.receive, config, text(f"no {n}", f"SM{n}"), NOW) for n in range(6)))
    assert len(await rows(store, Message)) == 6
    assert len(await rows(store, Lead)) == len(await rows(store, Task)) == 1


async def test_one_open_task_to_reply_and_a_new_one_after_the_reply(store: Store, config: Config) -> None:
    await take(store, config, text("one", "1"), text("two", "2"))
    (task,) = await rows(store, Task)
    assert "two" in task.why
    written = await store.run(messages.send, config, BY, PERSON, "Yes, it is.", agent="alice")
    (task,) = await rows(store, Task)
    assert task.done_at == NOW
    assert str(written.id) in task.result
    await take(store, config, text("three", "3"))
    assert [one.done_at is None for one in await rows(store, Task)] == [False, True]


@pytest.mark.parametrize(
    "sender", ["22395", "AMAZON", "anonymous", "", "+1", "whatsapp:+15125550199", "messenger:4711471147114711"]
)
async def test_pain_12_a_sender_without_number_is_kept_with_a_task(store: Store, config: Config, sender: str) -> None:
    await take(store, config, text("STOP wasting", sender=sender))
    (message,) = await rows(store, Message)
    assert (message.lead_id, message.from_number) == (None, sender)
    assert len(await rows(store, Task)) == 1
    assert not await rows(store, OptOut)


async def test_our_own_line_is_no_prospect(store: Store, config: Config) -> None:
    await take(store, config, text("STOP", sender=SPANISH))
    assert not await rows(store, Lead)
    assert not await rows(store, OptOut)


async def test_an_unknown_line_still_makes_lead_and_task(store: Store, config: Config) -> None:
    await take(store, config, text("hello", to="+13125550000"))
    assert len(await rows(store, Lead)) == len(await rows(store, Task)) == 1


async def test_anything_may_stand_in_a_text(store: Store, config: Config) -> None:
    nasty = "\x00\ud800 \u202e'; DROP TABLE lead; --" + "x" * 20_000
    await take(store, config, text(nasty, id="i\x00d" * 100, media=("https://x\x00y",)))
    (message,) = await rows(store, Message)
    assert len(message.body) == messages.LONGEST_BODY
    assert "\x00" not in message.body


async def test_a_closed_lead_who_writes_is_in_progress_again(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Lead(created_at=NOW, status="closed", phones=[LeadPhone(number=PERSON)], interests=[]))
    await take(store, config, text("anything new?"))
    (lead,) = await rows(store, Lead)
    assert lead.status == "in_progress"


async def test_a_closed_lead_whom_an_agent_writes_to_is_in_progress_again(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Lead(created_at=NOW, status="closed", phones=[LeadPhone(number=PERSON)], interests=[]))
    await store.run(messages.send, config, BY, PERSON, "Are you still looking?")
    (lead,) = await rows(store, Lead)
    assert lead.status == "in_progress"


# --- the keywords ---


async def test_pain_11_stop_gets_its_one_confirmation_and_then_nothing(store: Store, config: Config) -> None:
    await take(store, config, text("Stop!"))
    (entry,) = await rows(store, OptOut)
    assert (entry.number, entry.scope, entry.source, entry.ended_at) == (PERSON, "texts", "keyword", None)
    assert "Stop!" in entry.evidence
    carrier = Taker()
    await work(store, config, carrier)
    (sent,) = carrier.taken
    assert (sent.to_number, sent.from_number) == (PERSON, MAPLE)
    assert "Maple Court" in sent.body
    assert "START" in sent.body
    assert not await rows(store, Task), "a bare keyword leaves nothing to do"

    await take(store, config, text("STOP", "SM2"))
    blocked = await store.run(messages.send, config, BY, PERSON, "One more thing")
    assert blocked.decision == Verdict.BLOCK
    await work(store, config, carrier)
    assert len(carrier.taken) == 1
    (kept,) = await rows(store, Message, Message.purpose == "agent")
    assert (kept.state, kept.decision) == ("blocked", "block")
    assert "opted out" in kept.error
    assert "Stop!" in kept.decision_reasons[0]


async def test_pain_11_a_text_that_waits_is_blocked_by_a_stop_that_comes_meanwhile(
    store: Store, config: Config
) -> None:
    await store.run(messages.send, config, BY, PERSON, "Are you still looking?")
    await take(store, config, text("stop"))
    carrier = Taker()
    await work(store, config, carrier)
    assert ["Are you" in one.body for one in carrier.taken] == [False]
    (kept,) = await rows(store, Message, Message.purpose == "agent")
    assert (kept.state, kept.attempts) == ("blocked", 0)


async def test_a_stop_in_a_sentence_counts_and_somebody_looks_at_it(store: Store, config: Config) -> None:
    await take(store, config, text("please stop texting me, I signed elsewhere"))
    (entry,) = await rows(store, OptOut)
    assert entry.source == "sentence"
    (task,) = await rows(store, Task)
    assert task.kind == "reply"
    assert "stop texting" in task.why


@pytest.mark.parametrize("word", ["START", "unstop", "Yes"])
async def test_start_returns(store: Store, config: Config, word: str) -> None:
    await take(store, config, text("STOP", "1"), text(word, "2"))
    (entry,) = await rows(store, OptOut)
    assert entry.ended_at is not None
    assert (entry.ended_source, entry.ended_evidence) == ("keyword", f'"{word}"')
    carrier = Taker()
    await work(store, config, carrier)
    assert "again" in carrier.taken[-1].body
    assert (await store.run(messages.send, config, BY, PERSON, "Welcome back")).decision == Verdict.SEND


async def test_start_and_yes_from_somebody_who_gets_texts_are_for_the_agent(store: Store, config: Config) -> None:
    await take(store, config, text("Yes", "1"), text("start", "2"))
    assert len(await rows(store, Task)) == 1
    assert not await rows(store, Message, Message.direction == "out")


async def test_help_answers_also_who_opted_out_and_leaves_a_task(store: Store, config: Config) -> None:
    await take(store, config, text("STOP", "1"), text("HELP", "2"))
    carrier = Taker()
    await work(store, config, carrier)
    assert "(512) 555-0100" in carrier.taken[-1].body
    assert len(await rows(store, Task)) == 1


async def test_the_confirmation_speaks_the_lines_language(store: Store, config: Config) -> None:
    await take(store, config, text("STOP", to=SPANISH))
    (answer,) = await rows(store, Message, Message.direction == "out")
    assert "ya no recibe" in answer.body
    assert "Oak Homes" in answer.body


@pytest.mark.parametrize("word", ["STOP", "Adiós", "Is there a bus stop nearby?"])
async def test_the_carriers_own_opt_out_is_believed_and_not_confirmed_again(
    store: Store, config: Config, word: str
) -> None:
    await take(store, config, text(word, "1", answered="stop"))
    (entry,) = await rows(store, OptOut)
    assert (entry.source, entry.ended_at) == ("carrier", None)
    assert word in entry.evidence
    assert (await store.run(messages.send, config, BY, PERSON, "Still looking?")).decision == Verdict.BLOCK
    await take(store, config, text("Hola otra vez", "2", answered="start"))
    (entry,) = await rows(store, OptOut)
    assert (entry.ended_source, entry.ended_at) == ("carrier", NOW)
    assert (await store.run(messages.send, config, BY, PERSON, "Still looking?")).decision == Verdict.SEND
    assert {row.purpose for row in await rows(store, Message, Message.direction == "out")} == {"agent"}


async def test_a_carrier_that_answered_help_takes_no_stop_away(store: Store, config: Config) -> None:
    await take(store, config, text("INFO", "1", answered="help"))
    assert not await rows(store, Message, Message.direction == "out")
    await take(store, config, text("help, and stop texting me", "2", answered="help"))
    assert len(await rows(store, OptOut)) == 1


async def test_a_reaction_to_a_text_of_ours_opts_nobody_out(store: Store, config: Config) -> None:
    body = "If you do not want these texts, tell me to stop texting you."
    await store.run(messages.send, config, BY, PERSON, body)
    # In a language that no list of ours knows.
    await take(store, config, text(f"Tykkäsi viestistä “{body}”", "1"), text(f"Tykkäsi “{body[:30]}…”", "2"))
    assert not await rows(store, OptOut)
    assert len(await rows(store, Task)) == 1, "it is a text like any other"
    await take(store, config, text(f"“{body}” Yes, stop texting me.", "3"))
    assert [entry.source for entry in await rows(store, OptOut)] == ["sentence"]


async def test_a_confirmation_that_is_late_stays(store: Store, config: Config) -> None:
    await take(store, config, text("STOP"))
    carrier = Taker()
    await work(store, config, carrier, NOW + timedelta(minutes=6))
    assert not carrier.taken
    (answer,) = await rows(store, Message, Message.direction == "out")
    assert answer.state == "blocked"


# --- out ---


async def test_at_night_a_follow_up_waits_and_says_why(store: Store, config: Config) -> None:
    night = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # 22:00 in Chicago
    written = await store.run(messages.send, config, By("tests", night), PERSON, "Still looking?")
    morning = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # 9:00, when Texas opens
    assert (written.decision, written.next_attempt_at) == (Verdict.WAIT, morning)
    carrier = Taker()
    await work(store, config, carrier, morning - timedelta(minutes=1))
    assert not carrier.taken
    (waits,) = await rows(store, Message)
    assert (waits.state, waits.decision, waits.attempts, waits.next_attempt_at) == ("queued", "wait", 0, morning)
    assert "Quiet hours" in waits.decision_reasons[0]
    await work(store, config, carrier, morning)
    assert len(carrier.taken) == 1


async def test_at_night_an_answer_goes_out(store: Store, config: Config) -> None:
    night = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
    await take(store, config, text("Can I come tomorrow?", at=night), now=night)
    written = await store.run(messages.send, config, By("tests", night + timedelta(minutes=20)), PERSON, "Yes, at 3.")
    assert written.decision == Verdict.SEND


async def test_the_hourly_limit_makes_texts_wait(store: Store, config: Config) -> None:
    config = msgspec.structs.replace(config, texts=msgspec.structs.replace(config.texts, per_person_per_hour=2))
    for number in range(3):
        await store.run(messages.send, config, BY, PERSON, f"text {number}")
    carrier = Taker()
    await work(store, config, carrier)
    assert len(carrier.taken) == 2
    (waits,) = await rows(store, Message, Message.state == "queued")
    assert waits.next_attempt_at == NOW + timedelta(hours=1)
    assert any("2 texts to one person an hour" in reason for reason in waits.decision_reasons)


async def test_a_reply_comes_from_the_line_they_wrote_to(store: Store, config: Config) -> None:
    await take(store, config, text("hola", to=SPANISH))
    (lead,) = await rows(store, Lead)
    written = await store.run(messages.send, config, BY, str(lead.id), "Hola", agent="carol")
    assert (written.to_number, written.from_number) == (PERSON, SPANISH)
    assert written.agent_id is not None
    named = await store.run(messages.send, config, BY, PERSON, "Hola", line="(512) 555-0100")
    assert named.from_number == MAPLE


async def test_what_cannot_be_sent_is_refused(store: Store, config: Config) -> None:
    for body in ("", "  ", "a\x07b", "x" * 2000):
        with pytest.raises(Invalid):
            await store.run(messages.send, config, BY, PERSON, body)
    for person in ("call me", "+1", "911"):
        with pytest.raises((Invalid, NotFound)):
            await store.run(messages.send, config, BY, person, "hello")
    with pytest.raises(Invalid, match="our own lines"):
        await store.run(messages.send, config, BY, MAPLE, "hello")
    with pytest.raises(NotFound):
        await store.run(messages.send, config, BY, PERSON, "hello", line="+13125550000")
    with pytest.raises(NotFound):
        await store.run(messages.send, config, BY, PERSON, "hello", agent="nobody")
    assert not await rows(store, Message)


async def test_without_any_line_it_says_so(store: Store, config: Config) -> None:
    with store.writing() as session:
        for line in session.scalars(select(Line)):
            session.delete(line)
    with pytest.raises(Invalid, match="no line to text from"):
        await store.run(messages.send, config, BY, PERSON, "hello")


async def test_pain_11_the_carriers_opted_out_goes_into_the_ledger(store: Store, config: Config) -> None:
    await store.run(messages.send, config, BY, PERSON, "hello")
    await work(store, config, Taker(CarrierError("Opted out there (error 21610).", retryable=False, opted_out=True)))
    (message,) = await rows(store, Message)
    assert (message.state, message.decision, message.decision_reasons) == (
        "blocked",
        "block",
        ["Opted out there (error 21610)."],
    )
    (entry,) = await rows(store, OptOut)
    assert (entry.source, entry.message_id) == ("carrier", message.id)
    assert (await store.run(messages.send, config, BY, PERSON, "again")).decision == Verdict.BLOCK


@pytest.mark.parametrize("name", ["twilio", "telnyx"])
async def test_pain_11_through_the_settings_carrier_with_its_secret(store: Store, config: Config, name: str) -> None:
    answers = [(201, {"sid": "SM9", "data": {"id": "SM9"}}), (400, {"code": 21610, "errors": [{"code": "40300"}]})]
    paths = []

    async def handle(request: web.Request) -> web.Response:
        paths.append(request.path)
        status, answer = answers.pop(0)
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    secrets = Secrets(config.secrets_file)
    async with TestServer(app) as server, http_carrier.client() as http:
        url = str(server.make_url(""))
        config = msgspec.structs.replace(
            config, texts=Texts(carrier=name, twilio_account="AC1", twilio_url=url, telnyx_url=url)
        )
        chosen = carriers.over_http(config, secrets, http)
        await store.run(messages.send, config, BY, PERSON, "one")
        await work(store, config, chosen)
        (row,) = await rows(store, Message)
        assert row.state == "queued", "without the secret it waits"
        assert f"secret of {name} is missing" in row.error
        await store.run(carriers.put_secret, secrets, BY, name, "hush")
        await work(store, config, chosen, NOW + timedelta(minutes=1))
        await store.run(messages.send, config, BY, PERSON, "two")
        await work(store, config, chosen, NOW + timedelta(minutes=1))
    first, second = await rows(store, Message)
    assert (first.state, first.carrier, first.carrier_id) == ("sent", name, "SM9")
    assert second.state == "blocked"
    assert [entry.source for entry in await rows(store, OptOut)] == ["carrier"]
    assert len(paths) == 2


# --- reports ---


async def test_reports_by_key_and_by_the_carriers_id(store: Store, config: Config) -> None:
    config = msgspec.structs.replace(config, texts=msgspec.structs.replace(config.texts, carrier="twilio"))
    for number in range(3):
        await store.run(messages.send, config, BY, PERSON, f"text {number}")
    await work(store, config, Taker())
    one, two, three = await rows(store, Message)
    assert [row.carrier_id for row in (one, two, three)] == ["id-1", "id-2", "id-3"]
    assert await store.run(messages.report, DeliveryReport("twilio", one.key, "x", Fate.DELIVERED), NOW)
    assert await store.run(messages.report, DeliveryReport("twilio", "", "id-2", Fate.FAILED, "Not there."), NOW)
    assert await store.run(messages.report, DeliveryReport("twilio", "", "id-3", Fate.OPTED_OUT, "Opted out."), NOW)
    assert await store.run(messages.report, DeliveryReport("twilio", "", "id-9", Fate.FAILED, "?"), NOW) is None
    assert await store.run(messages.report, DeliveryReport("telnyx", "", "id-1", Fate.FAILED, "?"), NOW) is None
    assert [row.state for row in await rows(store, Message)] == ["delivered", "failed", "blocked"]
    assert len(await rows(store, OptOut)) == 1
    # What a report says of a try before a person had it sent again is not about this one.
    with store.writing() as session:
        again = session.get(Message, two.id)
        assert again is not None
        again.state, again.attempts_before, again.carrier_id = "sent", 1, "id-22"
    assert await store.run(messages.report, DeliveryReport("twilio", two.key, "id-2", Fate.FAILED, "Not there."), NOW)
    assert (await rows(store, Message, Message.id == two.id))[0].state == "sent"
    assert await store.run(messages.report, DeliveryReport("twilio", two.key, "id-22", Fate.FAILED, "Not there."), NOW)
    assert (await rows(store, Message, Message.id == two.id))[0].state == "failed"
    # A late failure does not take back a delivery, and the same report twice changes nothing.
    await store.run(messages.report, DeliveryReport("twilio", one.key, "x", Fate.FAILED, "late"), NOW)
    await store.run(messages.report, DeliveryReport("twilio", "", "id-3", Fate.OPTED_OUT, "Opted out."), NOW)
    assert [row.state for row in await rows(store, Message)] == ["delivered", "failed", "blocked"]
    assert len(await rows(store, OptOut)) == 1


async def test_a_report_about_a_text_that_is_being_sent_has_to_come_again(store: Store, config: Config) -> None:
    written = await store.run(messages.send, config, BY, PERSON, "hello")
    assert await store.run(messages.report, DeliveryReport("sip", written.key, "x", Fate.DELIVERED), NOW) is False


# --- the ledger by hand ---


async def test_the_ledger_by_hand(store: Store, config: Config) -> None:
    assert await store.run(opt_outs.add, config, BY, "512-555-0177", why="asked on the phone") == PERSON
    with pytest.raises(Conflict):
        await store.run(opt_outs.add, config, BY, PERSON, why="again")
    await store.run(opt_outs.add, config, BY, PERSON, why="no calls either", scope="all")
    assert (await store.run(messages.send, config, BY, PERSON, "hello")).decision == Verdict.BLOCK
    await store.run(opt_outs.remove, config, BY, PERSON, why="changed their mind")
    with pytest.raises(NotFound):
        await store.run(opt_outs.remove, config, BY, PERSON, why="again")
    assert (await store.run(messages.send, config, BY, PERSON, "hello")).decision == Verdict.SEND
    assert not await store.read(listing.listed)
    assert len(await store.read(listing.listed, with_ended=True)) == 2
    for number, why in (("call me", "x"), (PERSON, " ")):
        with pytest.raises(Invalid):
            await store.run(opt_outs.add, config, BY, number, why=why)
    audit = [one.what for one in await rows(store, AuditEntry)]
    assert "opt-out removed" in audit
    assert not any("555" in what for what in audit)


# --- on disk while the database is away, and from Asterisk's log entries ---


def entry(
    body: bytes, *, sender: str = f'"Eve <sip:+1999@x>" <sip:{PERSON}@carrier.example>', id: str = "call-1 1 MESSAGE"
) -> str:
    parts = (sender.encode(), f"pjsip:{MAPLE}@127.0.0.1".encode(), id.encode(), body)
    return "1772467200 " + " ".join(base64.b64encode(b"=" + part).decode() for part in parts)


def test_an_entry_of_asterisks() -> None:
    found = inbox.from_entry(entry('é, "x";\n\U0001f600'.encode()))
    assert found is not None
    assert (found.from_number, found.to_number, found.carrier) == (PERSON, MAPLE, "sip")
    assert found.body == 'é, "x";\n\U0001f600'
    assert found.at == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    latin = inbox.from_entry(entry("é".encode("latin-1")))
    assert latin is not None
    assert latin.body == "é"
    for broken in ("", "text", "1 2 3 4 5", "x" * 100, entry(b"x")[:-3], entry(b"x") + " more"):
        assert inbox.from_entry(broken) is None


async def test_pain_12_a_text_logged_without_the_app_is_imported_once(store: Store, config: Config, crm: Crm) -> None:
    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, NOW)

    written = config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
    written.parent.mkdir(parents=True)
    row = '"{""extra"":""text ' + entry(b"while down") + '""}"\n'
    taken = Inbox(crm)
    async with Journal(config.journal_folder, apply) as journal:
        for _ in range(2):  # The carrier repeated it, and it was logged again.
            written.write_text(row * 2)
            await spool.import_all(config, journal, (), NOW)
            await taken.import_all()
    (message,) = await rows(store, Message)
    assert (message.body, message.from_number, message.carrier) == ("while down", PERSON, "sip")
    assert len(await rows(store, Task)) == 1
    assert not list(config.spool_folder.glob("*.text"))
    assert len(list((config.spool_folder / "done").glob("*.text"))) == 1


async def test_an_empty_text_by_sip_says_that_it_may_have_been_too_long(store: Store, config: Config) -> None:
    found = inbox.from_entry(entry(b""))
    assert found is not None
    await take(store, config, found)
    (task,) = await rows(store, Task)
    assert "too long for Asterisk" in task.why


async def test_when_the_database_is_away_then_the_text_waits_on_disk(
    store: Store, config: Config, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise Unavailable("away", code="database_silent")

    box = Inbox(crm)
    with monkeypatch.context() as patched:
        patched.setattr(messages, "receive", away)
        await box.accept(text("hello"))
        await box.accept(text("hello"))
        with pytest.raises(Unavailable):
            await box.import_all()
    assert len(list(config.spool_folder.glob("*.text"))) == 1
    assert await box.import_all() == 1
    (message,) = await rows(store, Message)
    assert message.body == "hello"
    await box.accept(text("hello"))
    assert len(await rows(store, Message)) == 1


async def test_a_file_that_is_no_text_holds_nothing_up(store: Store, config: Config, crm: Crm) -> None:
    (config.spool_folder / "0.text").write_text("{broken")
    inbox.keep(config, [text("hello")])
    assert await Inbox(crm).import_all() == 1
    assert (config.spool_folder / "rejected" / "0.text").exists()
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


async def test_a_file_that_cannot_be_read_shows_and_holds_nothing_up(config: Config, crm: Crm, store: Store) -> None:
    (config.spool_folder / "0.text").mkdir()
    inbox.keep(config, [text("hello")])
    with pytest.raises(IsADirectoryError):
        await Inbox(crm).import_all()
    assert [message.body for message in await rows(store, Message)] == ["hello"]


# --- notices ---


async def reachable(store: Store) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@example.com"


async def told(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(Mail.to_address).order_by(Mail.id)).all())


async def test_pain_12_a_text_notifies_once_however_often_it_comes(store: Store, config: Config) -> None:
    await reachable(store)
    await take(store, config, text("Is the 2 bedroom free?"), text("Is the 2 bedroom free?"))
    assert await told(store) == ["alice@example.com"], "who has the task to reply"
    with store.reading() as session:
        mail = session.scalars(select(Mail).limit(1)).one()
    assert mail.subject == "New text for Maple Court from (512) 555-0177"
    assert mail.body == "Maple Court: (512) 555-0177 wrote: Is the 2 bedroom free?"


async def test_what_nobody_of_the_subteam_has_taken_is_told_to_all_of_it(store: Store, config: Config) -> None:
    await reachable(store)
    with store.writing() as session:
        session.execute(update(Agent).values(on_duty=False))
    await take(store, config, text("Is the 2 bedroom free?"))
    assert await told(store) == ["alice@example.com", "bob@example.com"]


async def test_whoever_took_the_reply_is_told_of_the_next_text(store: Store, config: Config) -> None:
    await reachable(store)
    await take(store, config, text("Is the 2 bedroom free?"))
    with store.writing() as session:
        [task] = session.scalars(select(Task))
        task.held_by = session.scalars(select(Agent).where(Agent.slug == "bob")).one()
    await take(store, config, text("And may I bring my dog?", "SM2"))
    assert await told(store) == ["alice@example.com", "bob@example.com"]


async def test_the_leads_own_agent_is_notified_before_the_subteam(store: Store, config: Config) -> None:
    await reachable(store)
    with store.writing() as session:
        carol = session.scalars(select(Agent).where(Agent.slug == "carol")).one()
        lead = Lead(status="new", created_at=NOW, phones=[LeadPhone(number=PERSON)], interests=[], name="Jordan")
        lead.assigned_agent = carol
        session.add(lead)
    await take(store, config, text("x" * 500))
    assert await told(store) == ["carol@example.com"]
    with store.reading() as session:
        body = session.scalars(select(Mail.body)).one()
    assert body == f"Maple Court: Jordan, (512) 555-0177 wrote: {'x' * (messages.NOTICED - 3)}..."


async def test_without_agent_and_subteam_whoever_it_was_dealt_to_is_notified_and_keywords_notify_nobody(
    store: Store, config: Config
) -> None:
    await reachable(store)
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug != "carol").values(on_duty=False))
    await take(store, config, text("Hola", to=SPANISH), text("STOP", "SM2"), text("START", "SM3"))
    assert await told(store) == ["carol@example.com"]


async def test_who_writes_in_spanish_or_to_a_spanish_line_is_answered_in_spanish_from_then_on(
    store: Store, config: Config
) -> None:
    await take(store, config, text("Hola, quiero saber si tienen un departamento de dos recámaras"))
    await take(store, config, text("hi", id="SM2", to=SPANISH, sender="+15125550178"))
    await take(
        store, config, text("Is the two bedroom at the corner free?", id="SM3", to=SPANISH, sender="+15125550179")
    )
    await take(store, config, text("hi", id="SM4", sender="+15125550180"))
    assert [lead.language for lead in await rows(store, Lead)] == ["es", "es", "", ""]
