"""The carrier that the settings choose for our texts, with its account and secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from crm.config import Config
from crm.config.messages import WITH_SECRET
from crm.domain.errors import Invalid
from crm.edge import telnyx, twilio
from crm.edge.carrier import Carrier, CarrierError, CarrierUnknown, OutgoingText
from crm.edge.sip_message import SipCarriers, SipMessageCarrier, SipPeer
from crm.secrets import SecretError, Secrets, of_trunk, unusable
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Trunk

if TYPE_CHECKING:
    import httpx

CarrierFor = Callable[[Sequence[Trunk]], Carrier]
"""Gives the carrier for a text, behind the first of these trunks that takes it if it goes by SIP. Called for each text,
so that a change takes effect at once. May raise CarrierError."""


def secret_name(carrier: str) -> str:
    """Name of a carrier's secret: Twilio's auth token, Telnyx's API key."""
    return f"texts/{carrier}"


def put_secret(session: Session, secrets: Secrets, by: By, carrier: str, value: str) -> None:
    if carrier not in WITH_SECRET:
        raise Invalid(
            f"{carrier!r} has no secret: use {' or '.join(WITH_SECRET)}.",
            code="carrier_without_secret",
            carrier=carrier,
            known=list(WITH_SECRET),
        )
    if problem := unusable(value):
        raise Invalid(f"This secret cannot be used: {problem}.", code="secret_unusable")
    audit.record(session, by, f"secret of {carrier} set")
    secrets.put(secret_name(carrier), value)


def webhook_url(config: Config, path: str) -> str:
    """The public URL of one of our paths, for carriers; "" without web.public_url."""
    return f"{config.web.public_url.rstrip('/')}{path}" if config.web.public_url else ""


def over_sip(config: Config, secrets: Secrets, carriers: SipCarriers) -> CarrierFor:
    """Sends texts as SIP MESSAGE requests to the trunks' peers, from this machine's own address."""

    def peer(trunk: Trunk) -> SipPeer:
        try:
            has_password = bool(trunk.username) and secrets.has(of_trunk(trunk.slug))
            password = secrets.get(of_trunk(trunk.slug)) if has_password else ""
        except SecretError as error:
            raise CarrierError(str(error), retryable=True) from error
        return SipPeer(
            host=trunk.host,
            port=trunk.port,
            transport=trunk.transport,
            username=trunk.username,
            password=password,
            bind=config.sip.bind,
            our_host=config.sip.public_address,
        )

    return lambda trunks: InOrder([carriers.to(peer(trunk)) for trunk in trunks])


class InOrder:
    """Gives a text to the first of several peers that takes it.

    A peer that answers nothing is left out while another one is there, because nobody would know whether it has the
    text. If a peer has the text, or may have it, no other one gets it.
    """

    def __init__(self, carriers: Sequence[SipMessageCarrier]) -> None:
        self._carriers = carriers

    async def send(self, text: OutgoingText) -> None:
        """Raises CarrierError, CarrierUnknown."""
        if len(self._carriers) == 1:
            return await self._carriers[0].send(text)
        refusals: list[CarrierError] = []
        silent = 0
        for carrier in self._carriers:
            if not await carrier.is_there():
                silent += 1
                continue
            try:
                return await carrier.send(text)
            except CarrierUnknown:
                raise
            except CarrierError as refused:
                if refused.opted_out:
                    raise
                refusals.append(refused)
        if not refusals:
            return await self._carriers[0].send(text)
        later = [refused for refused in refusals if refused.retryable]
        if silent and not later:
            # One that is away now may take it.
            raise CarrierError(str(refusals[0]), retryable=True) from refusals[0]
        raise (later or refusals)[0]


def over_http(config: Config, secrets: Secrets, http: httpx.AsyncClient) -> CarrierFor:
    """Sends texts to the HTTP API of the carrier named by texts.carrier."""

    def carrier_for(_: Sequence[Trunk]) -> Carrier:
        name = config.texts.carrier
        try:
            secret = secrets.get(secret_name(name))
        except SecretError as error:
            raise CarrierError(f"The secret of {name} is missing: set it again.", retryable=True) from error
        if name == twilio.NAME:
            callback = webhook_url(config, "/texts/twilio/status")
            return twilio.TwilioCarrier(
                twilio.TwilioAccount(config.texts.twilio_account, secret, config.texts.twilio_url, callback), http
            )
        return telnyx.TelnyxCarrier(
            telnyx.TelnyxAccount(secret, config.texts.telnyx_url, webhook_url(config, "/texts/telnyx")), http
        )

    return carrier_for
