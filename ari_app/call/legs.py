"""How our phones are rung for a call, and what the ids of their channels tell."""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ari_app.call import whisper
from ari_app.call.call import LEG_MARK, AppContext, LiveCall
from ari_app.call.ringing_leg import REDIRECTIONS, Confirmation, RingingLeg, dial_status
from ari_app.edge import dial
from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskRefused, HungUp, PhoneError
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.ringing import Phone

log = logging.getLogger(__name__)

CALL_HEADER = "PJSIP_HEADER(add,X-Leaseline-Call)"
"""Set when our phones are rung: in a browser, the phone and the pages know a call by the same id."""
REJOIN_HEADER = "PJSIP_HEADER(add,X-Leaseline-Rejoin)"
"""Set when a browser is rung that was in this talk until a moment ago: it may answer by itself. The value is a new one
each time."""


class NotRung(PhoneError):
    """A phone could not be rung, or refused the call at once."""

    def __init__(self, refused: AsteriskRefused | HungUp) -> None:
        super().__init__(str(refused))
        self.status = dial_status(refused) if isinstance(refused, HungUp) else DialStatus.CHANUNAVAIL
        self.forwards = isinstance(refused, HungUp) and refused.sip_status in REDIRECTIONS
        """Whether it wanted the call sent elsewhere."""


async def ring_phones(
    call: LiveCall,
    stage: str,
    batch: Iterable[Phone],
    seconds: float,
    caller_id: str,
    *,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> list[RingingLeg]:
    """Rings several phones together; one that Asterisk cannot call is left out. `variables` are set on each channel."""
    work = (_ring_one(call, stage, phone, seconds, caller_id, variables) for phone in batch)
    results = await asyncio.gather(*work, return_exceptions=True)
    legs = [leg for leg in results if isinstance(leg, RingingLeg)]
    if failed := next((error for error in results if isinstance(error, BaseException)), None):
        for leg in legs:
            leg.leave()
        raise failed
    return legs


async def _ring_one(
    call: LiveCall, stage: str, phone: Phone, seconds: float, caller_id: str, variables: Mapping[str, str]
) -> RingingLeg | None:
    leg_id = new_leg(call.id, phone.device)
    call.emit(LegRang(*call.stamp(), leg_id=leg_id, device=phone.device, agent=phone.agent, stage=stage))
    call.ringing.add(phone.agent)
    try:
        return await ring_phone(
            call.context,
            leg_id,
            phone,
            then="agent-leg",
            caller_id=caller_id,
            originator=call.person.id,
            seconds=seconds + RINGS_ON_SECONDS,
            variables={
                "LL_CALL": call.id,
                "LL_CALLER": call.person.name,
                **confirmed_by(phone.agent, confirm=phone.confirm),
                **variables,
            },
            confirmation=confirmation(call, phone.agent) if phone.confirm else None,
        )
    except NotRung as refused:
        call.emit(
            LegEnded(
                *call.stamp(f"leg-ended-{leg_id}"), leg_id=leg_id, status=refused.status, forwards=refused.forwards
            )
        )
        return None


def adopted_leg(call: LiveCall, leg_id: str, agent: str = "", confirmation: Confirmation | None = None) -> RingingLeg:
    """A phone that has been ringing since before the app was away, whether or not it was answered meanwhile."""
    channel = Handle(call.context.client, leg_id)
    return RingingLeg(channel, device_of(leg_id), agent, confirmation, adopting=call.context.ami)


def new_leg(call_id: str, device: str) -> str:
    """An id for a channel that is dialed for a call; the device (`device_of`) and the call's id can be read from it."""
    return f"{call_id}{LEG_MARK}{device}-{uuid.uuid4().hex[:6]}"


async def ring_phone(
    context: AppContext,
    leg_id: str,
    phone: Phone,
    *,
    then: str,
    caller_id: str,
    seconds: float,
    variables: Mapping[str, str],
    originator: str = "",
    confirmation: Confirmation | None = None,
) -> RingingLeg:
    """Rings one of our phones on channel `leg_id`; once answered, the channel enters the dialplan context `then`.

    The caller of this function ends the ringing; Asterisk does after `seconds`, in case the app is away by then. Raises
    NotRung.
    """
    channel = Handle(context.client, leg_id)
    try:
        await dial.dial(
            channel,
            context.ami,
            f"PJSIP/{phone.device}",
            then=then,
            caller_id=caller_id,
            originator=originator,
            seconds=round(seconds),
            variables={CALL_HEADER: leg_id.partition(LEG_MARK)[0], **variables},
        )
    except (AsteriskRefused, HungUp) as refused:
        log.warning("a phone could not be rung: %s", refused, extra={"device": phone.device})
        channel.release()
        raise NotRung(refused) from refused
    except BaseException:
        channel.release()
        raise
    return RingingLeg(channel, phone.device, phone.agent, confirmation)


def confirmation(call: LiveCall, agent: str) -> Confirmation:
    return functools.partial(whisper.ask, call, agent=agent)


def confirmed_by(agent: str, *, confirm: bool) -> dict[str, str]:
    """Channel variables that tell the dialplan, and an app that starts after a crash, what counts as an answer."""
    return {"LL_CONFIRM": "1" if confirm else "0", "LL_AGENT": agent}


def shown(name: str, number: str | None) -> str:
    """The caller ID that a phone shows; both parts are made by us."""
    safe = "".join(letter for letter in name if letter.isalnum() or letter in " .-")[:40]
    return f'"{safe}" <{number or "anonymous"}>'


def device_of(leg_id: str) -> str:
    """The device that one of our channels was dialed for, read from its id; "" for any other channel."""
    return leg_id.rpartition(LEG_MARK)[2].rpartition("-")[0] if LEG_MARK in leg_id else ""


def is_outsider(leg_id: str) -> bool:
    """Whether the channel was dialed to an outside number other than an agent's mobile, which has its device's name."""
    return device_of(leg_id).startswith("trunk-")
