"""Sends the texts that wait in the `message` table: each at most once, and one whose fate nobody knows never again,
unless a person says so.

A row goes from queued to sending in a transaction of its own, in which the gate is asked, too: nobody who has just
opted out gets one more text. What the gate holds back waits, what it blocks is blocked, and both say why. The carrier
is asked outside of any transaction, and then the row becomes sent, failed, unknown, or queued again for a later try, as
long as the text is of use. Several are under way at once, one for each person, so that a carrier that does not answer
for one holds up no other. Whoever commits a new row sets `wake`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import gate
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Unavailable
from crm.domain.gate import Decision, Verdict
from crm.domain.texts import Purpose, of_use_until
from crm.edge.carrier import Carrier, CarrierError, CarrierUnknown, OutgoingText
from crm.edge.sip_message import SipCarriers, SipPeer
from crm.secrets import SecretError, Secrets, of_trunk
from crm.services.outbox import delivery, gatekeeper, pauses
from crm.store.models import Activity, Message, Trunk
from crm.store.queries import messages
from crm.store.session import Store

CarrierFor = Callable[[Trunk | None], Carrier]
"""The carrier for a text, behind a trunk if it goes by SIP; asked anew for each text, so a change counts at once.
May raise CarrierError."""

_LEFT_BEHIND = (
    "Leaseline was stopped while this text was being sent, so it may have arrived or not: "
    "ask the person before you send it again."
)
_UNEXPECTED = (
    "Sending failed in an unexpected way (the log has the details), so the text may have arrived or not: "
    "ask the person before you send it again."
)

logger = logging.getLogger(__name__)


async def run(
    store: Store,
    config: Config,
    carrier_for: CarrierFor,
    wake: asyncio.Event,
    clock: Callable[[], datetime],
    held: Callable[[], bool] = lambda: False,
) -> None:
    """Sends texts until it is cancelled. Several may run on one database, in one process or in many.

    While `held` (`crm.services.system.copies`) only those leave that tell the office's own people what is new since
    the start.

    What was being sent when it starts becomes unknown: whoever sent it is most likely dead. If they are alive after
    all, what they learn from the carrier replaces that.
    """
    under_way = _UnderWay(config.texts.at_once, wake)
    settled, started = False, clock()
    try:
        while True:
            wake.clear()
            under_way.look()
            seconds = delivery.POLL_SECONDS
            try:
                if not settled:
                    await store.run(_settle, under_way.ids)
                    settled = True
                only_since = started if held() else None
                while under_way.has_room and (
                    claim := await store.run(_claim, config, under_way.numbers, clock(), only_since)
                ):
                    under_way.begin(claim, _deliver(store, config, carrier_for, claim, clock))
                if only_since is None:
                    seconds = await store.read(delivery.pause, Message, clock(), busy=bool(under_way.numbers))
            except Unavailable as error:
                # Whether a claim was committed is not known now, so rows in sending are looked at once more.
                settled = False
                logger.warning("the outbox waits for the database", extra={"reason": str(error)})
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()
    finally:
        await delivery.finish(under_way.tasks)


class _UnderWay:
    """What is with the carrier at this moment.

    When as many in a row as may be under way got no answer, it is the carrier that is silent, and not one number behind
    it: then one text at a time goes on the way, so that few come to an unknown end, until there is an answer again.
    """

    def __init__(self, at_once: int, wake: asyncio.Event) -> None:
        self._at_once, self._wake = at_once, wake
        self._claims: dict[asyncio.Task[bool], _Claim] = {}
        self._unanswered = 0

    @property
    def tasks(self) -> Collection[asyncio.Task[bool]]:
        return self._claims.keys()

    @property
    def ids(self) -> list[int]:
        return [claim.id for claim in self._claims.values()]

    @property
    def numbers(self) -> list[str]:
        """Of people to whom a text is on its way: the next one follows it."""
        return [claim.text.to_number for claim in self._claims.values()]

    @property
    def has_room(self) -> bool:
        return len(self._claims) < (1 if self._unanswered >= self._at_once else self._at_once)

    def begin(self, claim: _Claim, delivering: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(delivering, name=f"text {claim.id}")
        self._claims[task] = claim
        task.add_done_callback(lambda _: self._wake.set())

    def look(self) -> None:
        """Takes out what has come to an end; raises what a delivery raised."""
        for task in [task for task in self._claims if task.done()]:
            del self._claims[task]
            self._unanswered = 0 if task.result() else self._unanswered + 1


def over_sip(config: Config, secrets: Secrets, carriers: SipCarriers) -> CarrierFor:
    """Texts go as SIP MESSAGE to the trunk's peer, from this machine's own address."""

    def carrier_for(trunk: Trunk | None) -> Carrier:
        if trunk is None:
            raise CarrierError(_no_trunk(config.texts.trunk), retryable=True)
        try:
            has_password = bool(trunk.username) and secrets.has(of_trunk(trunk.slug))
            password = secrets.get(of_trunk(trunk.slug)) if has_password else ""
        except SecretError as error:
            raise CarrierError(str(error), retryable=True) from error
        return carriers.to(
            SipPeer(
                host=trunk.host,
                port=trunk.port,
                transport=trunk.transport,
                username=trunk.username,
                password=password,
                bind=config.sip.bind,
                our_host=config.sip.public_address,
            )
        )

    return carrier_for


@dataclass(frozen=True)
class _Taken:
    """The carrier has the text."""

    carrier_id: str | None


@dataclass(frozen=True)
class _Claim:
    """A row that is ours to send."""

    id: int
    text: OutgoingText
    trunk: Trunk | None
    tries: int
    """This one included; those before a person had it sent again are left out."""
    of_use_until: datetime


async def has_work(store: Store) -> bool:
    """Whether a text waits or was left behind. True, too, when the database does not answer: `run` sees to that."""
    try:
        return await store.read(_has_open)
    except Unavailable:
        return True


def _has_open(session: Session) -> bool:
    open_states = (DeliveryState.QUEUED, DeliveryState.SENDING)
    return session.scalar(select(Message.id).where(Message.state.in_(open_states)).limit(1)) is not None


def _settle(session: Session, ours: Sequence[int]) -> None:
    """What is in sending, and is none of `ours`."""
    left = session.scalars(
        update(Message)
        .where(Message.state == DeliveryState.SENDING, Message.id.not_in(ours))
        .values(state=DeliveryState.UNKNOWN, next_attempt_at=None, error=_LEFT_BEHIND)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    for message_id in left.all():
        logger.warning("text left behind in sending", extra={"message_id": message_id})


def _claim(
    session: Session, config: Config, busy: Sequence[str], now: datetime, only_since: datetime | None = None
) -> _Claim | None:
    """Takes the row that is due longest and goes to none of the `busy` numbers. Two workers never get the same one:
    only one of them finds it queued."""
    due = (
        select(Message.id)
        .where(
            Message.state == DeliveryState.QUEUED,
            or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now),
            Message.to_number.not_in(busy),
            *([delivery.fresh_notice(Message, only_since)] if only_since else []),
        )
        .order_by(Message.next_attempt_at, Message.id)
        .limit(1)
        # PostgreSQL: another worker's row is passed over instead of waited for. SQLite has one writer at a time anyway.
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        update(Message)
        .where(Message.id == due, Message.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.SENDING, attempts=Message.attempts + 1)
        .returning(Message.id, Message.key, Message.to_number, Message.from_number, Message.body, Message.attempts)
        .execution_options(synchronize_session=False)
    )
    while True:
        row = session.execute(claim).one_or_none()
        if row is None:
            return None
        message = messages.by_id(session, row.id)
        assert message is not None
        decision = ask(session, config, message, now)
        if decision.verdict is Verdict.SEND:
            # It counts for the limits from now on, whatever becomes of it, unless it certainly was not sent.
            message.sent_at = now
            break
        # No try was made.
        message.attempts -= 1
        session.flush()
        facts = {"message_id": row.id, "decision": str(decision.verdict), "reason": " ".join(decision.reasons)}
        logger.info("text held back", extra=facts)
    trunks = select(Trunk).where(Trunk.enabled).order_by(Trunk.id).limit(1)
    if config.texts.trunk:
        trunks = trunks.where(Trunk.slug == config.texts.trunk)
    trunk = session.scalars(trunks).one_or_none()
    text = OutgoingText(
        key=row.key, to_number=row.to_number, from_number=row.from_number, body=row.body, attempt=row.attempts
    )
    end = of_use_until(Purpose(message.purpose), message.created_at, message.expires_at)
    return _Claim(row.id, text, trunk, tries=row.attempts - message.attempts_before, of_use_until=end)


def ask(session: Session, config: Config, message: Message, now: datetime) -> Decision:
    """Whether the text may leave now. What callers set off may be the text too many, and begin a pause."""
    if message.purpose in gate.AUTOMATIC:
        pauses.look(session, config, now)
    return gatekeeper.decide(session, config, message, now)


async def _deliver(
    store: Store, config: Config, carrier_for: CarrierFor, claim: _Claim, clock: Callable[[], datetime]
) -> bool:
    """Whether the carrier has answered, be it with a refusal."""
    result = await _send(config, carrier_for, claim)
    now = clock()
    await delivery.recorded(lambda: store.run(_record, config, claim, result, now), {"message_id": claim.id})
    return not isinstance(result, CarrierUnknown)


async def _send(config: Config, carrier_for: CarrierFor, claim: _Claim) -> _Taken | CarrierError:
    """That the carrier has it, or why not."""
    try:
        if claim.trunk is None and config.texts.carrier == "sip":
            raise CarrierError(_no_trunk(config.texts.trunk), retryable=True)
        return _Taken(await carrier_for(claim.trunk).send(claim.text))
    except CarrierError as error:
        return error
    except Exception:
        # A door: a carrier's fault must neither stop the worker nor send a text twice.
        logger.exception("a carrier failed unexpectedly", extra={"message_id": claim.id})
        return CarrierUnknown(_UNEXPECTED)


def _no_trunk(name: str) -> str:
    if name:
        return f"The trunk {name}, which texts.trunk in leaseline.toml names, is not there or not enabled: correct it."
    return "There is no enabled trunk to send texts through: add one with `leaseline trunk add`."


def _record(session: Session, config: Config, claim: _Claim, result: _Taken | CarrierError, now: datetime) -> None:
    attempts = claim.text.attempt
    failure = result if isinstance(result, CarrierError) else None
    values: dict[str, object] = {"carrier": config.texts.carrier}
    if isinstance(result, CarrierError):
        values |= delivery.after_failure(result, config.texts, claim.tries, now, claim.of_use_until)
        if not isinstance(result, CarrierUnknown):
            values["sent_at"] = None
    else:
        values |= {
            "state": DeliveryState.SENT,
            "next_attempt_at": None,
            "error": "",
            "sent_at": now,
            "carrier_id": (result.carrier_id or "")[:120] or None,
        }
    settle = (
        update(Message)
        # Unknown, when another worker started meanwhile and took us for dead: we know better.
        .where(
            Message.id == claim.id,
            Message.attempts == attempts,
            Message.state.in_([DeliveryState.SENDING, DeliveryState.UNKNOWN]),
        )
        .values(values)
        .returning(Message.lead_id, Message.call_id)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(settle).one_or_none()
    if row and failure and failure.opted_out and (message := messages.by_id(session, claim.id)):
        gatekeeper.refused(session, message, str(failure), now)
        values["state"] = DeliveryState.BLOCKED
    if row and failure is None and row.lead_id is not None:
        session.add(
            Activity(
                key=f"text:{claim.id}",
                lead_id=row.lead_id,
                call_id=row.call_id,
                at=now,
                kind="Text",
                text=f"Texted: {claim.text.body}"[:500],
            )
        )
    facts = {"message_id": claim.id, "state": str(values["state"]), "attempts": attempts, "reason": values["error"]}
    logger.log(logging.INFO if failure is None else logging.WARNING, "text handled", extra=facts)
