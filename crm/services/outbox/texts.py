"""How texts are sent.

The gate is asked in the transaction that claims a text, so that nobody who has just opted out gets another one. What it
holds back waits, what it blocks is blocked, and the row says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import gate
from crm.domain.dialing import LOOPBACK_TRUNK
from crm.domain.gate import GateDecision, Verdict
from crm.domain.leads import Happened
from crm.domain.texts import TextPurpose, of_use_until
from crm.edge.carrier import CarrierError, OutgoingText
from crm.edge.delivery import DeliveryError
from crm.services.outbox import gatekeeper, pauses, wording
from crm.services.outbox.carriers import CarrierFor
from crm.services.outbox.delivery import Transport
from crm.services.people import timeline
from crm.store.models import Message, Trunk
from crm.store.queries.names import id_of


@dataclass(frozen=True)
class TextToSend:
    text: OutgoingText
    trunks: Sequence[Trunk]
    """Those that may take it, in the order in which they are tried."""


class TextTransport(Transport[Message, TextToSend]):
    what = "text"
    advice = "ask the person before you resend it."
    table = Message
    to = "to_number"

    def __init__(self, config: Config, carrier_for: CarrierFor) -> None:
        self._config, self._carrier_for = config, carrier_for
        self.retries, self.at_once = config.texts, config.texts.at_once

    def claim(self, session: Session, row: Message, now: datetime) -> TextToSend | None:
        decision = ask(session, self._config, row, now)
        if decision.limit is not None:
            gatekeeper.put_off(session, decision.limit, now)
        if decision.verdict is not Verdict.SEND:
            return None
        wording.introduce(session, row)
        # From now on it counts toward the limits, unless it turns out that it was not sent.
        row.sent_at = now
        text = OutgoingText(
            key=row.key, to_number=row.to_number, from_number=row.from_number, body=row.body, attempt=row.attempts
        )
        return TextToSend(text, ways(session, self._config))

    def of_use_until(self, row: Message) -> datetime:
        return of_use_until(TextPurpose(row.purpose), row.created_at, row.expires_at)

    def tries(self, row: Message) -> int:
        """Without those made before a person had the text sent again."""
        return row.attempts - row.attempts_before

    async def send(self, out: TextToSend, now: datetime) -> str:
        if not out.trunks and self._config.texts.carrier == "sip":
            raise CarrierError(_no_trunk(self._config.texts.trunk), retryable=True)
        return await self._carrier_for(out.trunks).send(out.text) or ""

    def sent(self, session: Session, row: Message, their_id: str, now: datetime) -> None:
        row.carrier, row.carrier_id = self._config.texts.carrier, their_id[:120] or None
        if row.lead_id is not None:
            wrote, key = f"Texted: {row.body}", f"text:{row.id}"
            about, of = row.property_id, row.call_id
            timeline.enter(session, row.lead_id, Happened.TEXT, wrote, now, key=key, call_id=of, about=about)

    def refused(self, session: Session, row: Message, error: DeliveryError, now: datetime) -> None:
        row.carrier = self._config.texts.carrier
        if isinstance(error, CarrierError) and error.opted_out:
            gatekeeper.refused(session, row, str(error), now)


def ways(session: Session, config: Config) -> Sequence[Trunk]:
    """Trunks that texts over SIP take: the one in texts.trunk, else all in their order, those for calls out first."""
    # What `leaseline demo call` comes through leads to no carrier.
    found = (
        select(Trunk)
        .where(Trunk.enabled, Trunk.slug != LOOPBACK_TRUNK)
        .order_by(Trunk.outbound.desc(), Trunk.position, Trunk.id)
    )
    if config.texts.trunk:
        found = found.where(Trunk.id == id_of(Trunk.slug, config.texts.trunk))
    return session.scalars(found).all()


def ask(session: Session, config: Config, message: Message, now: datetime) -> GateDecision:
    """Asks the gate whether the text may leave now. An automatic text may be the one that begins a pause."""
    if message.purpose in gate.AUTOMATIC:
        pauses.look(session, config, now)
    return gatekeeper.decide(session, config, message, now)


def _no_trunk(name: str) -> str:
    if name:
        return (
            f"The trunk {name}, named by texts.trunk in leaseline.toml, does not exist or is not enabled: correct it."
        )
    return "There is no enabled trunk to send texts through: add or enable one."
