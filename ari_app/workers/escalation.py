"""Calls about voicemail that nobody has taken: the next group of people is called, 1 takes it, and whoever took it
hears it.

Only a key takes a voicemail, on desk phones and on mobiles. If two people press it at once, one is told that the other
was first (`crm.services.voicemail.mailboxes.take`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from ari_app.call import outside
from ari_app.call.available import availability
from ari_app.call.call import AppContext
from ari_app.call.confirm import ConfirmChoice, confirm
from ari_app.call.legs import NotRung, new_leg, ring_phone, shown
from ari_app.call.race import first_found
from ari_app.call.ringing_leg import RingingLeg
from ari_app.call.sleepers import any_online, wake
from ari_app.call.waking import CallSign, Woken
from ari_app.edge.channel import ANSWERED_ELSEWHERE, NORMAL, Handle
from ari_app.edge.errors import AsteriskRefused, HungUp, MediaLost, PhoneError
from ari_app.edge.media import play, prompt
from ari_app.flows.mailbox import KEY_SECONDS, Key, caller_in_words
from asterisk_conf.prompts.speech import SpeechError
from crm.domain import readout
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.errors import Conflict, CrmError
from crm.domain.ringing import Mobile, Phone
from crm.services.audit import By
from crm.services.phones.spoken import spoken
from crm.services.voicemail import escalations, mailboxes
from crm.services.voicemail.escalations import STAGE, Due
from crm.store.models import Voicemail
from crm.worker import Worker

log = logging.getLogger(__name__)

NOT_YET = timedelta(seconds=3)
"""How often to check whether calls may begin, while they may not."""
LONGEST_SECONDS = 900
"""A phone that was answered about a voicemail is released after this long, in case the app is away by then."""


class Escalations(Worker[Due, None]):
    """Calls people about voicemail; `calling` are the voicemails that people are being called about now."""

    name = "calls about voicemail"
    # A voicemail is due only after its call has ended, which updates the row and so wakes this worker.
    wakes_on = (Voicemail,)
    at_once = 50

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._calling: Counter[str] = Counter()

    @property
    def calling(self) -> list[str]:
        """Ids of the voicemails' calls, after which the legs to the phones are named."""
        return sorted(self._calling)

    def due(self, session: Session, now: datetime, under_way: Sequence[Due]) -> datetime | None:
        return escalations.next_due(session, self._context.config, now) if self._context.places_calls else now + NOT_YET

    def claim(self, session: Session, now: datetime, under_way: Sequence[Due]) -> Due | None:
        # Without phones, the group's turn would be lost.
        return escalations.claim(session, self._context.config, now) if self._context.places_calls else None

    async def work(self, claim: Due) -> None:
        self._calling[claim.voicemail_id] += 1
        try:
            await call_group(self._context, claim)
        except (PhoneError, CrmError, SpeechError, TimeoutError) as error:
            # The next group comes due in any case.
            log.warning("a group could not be called about a voicemail: %s", error)
        finally:
            self._calling -= Counter((claim.voicemail_id,))


async def call_group(context: AppContext, due: Due) -> None:
    """Rings everybody in the group at once until somebody takes the voicemail, and plays it to them."""
    woken: dict[str, Woken] = {}
    sign = CallSign(due.voicemail_id, "Voicemail", due.property_name, rings=False)
    await wake(context, sign, due.turn.agents, woken)
    agents = await availability(context, due.turn.agents)
    phones = [phone for agent in agents for phone in agent.reachable_devices(context.now())]
    log.info(
        "called about a voicemail", extra={"voicemail_id": due.voicemail_id, "group": due.turn.group, "n": len(phones)}
    )
    late = [agent for agent, one in woken.items() if one.devices]
    if not phones and not late:
        await context.store.run(escalations.nobody_there, due.voicemail_id, context.now())
        return
    language = context.config.voicemail.staff_language
    text = readout.escalation(due.property_name, caller_in_words(context, due.caller), language)
    whisper = await spoken(context.config, text, language)
    rung = [*phones]
    asked = [_ask(context, due, phone, whisper) for phone in phones]
    asked += [_ask_when_awake(context, due, agent, woken[agent], whisper, rung) for agent in late]
    if taker := await first_found(asked):
        await _play(context, due, *taker)
    elif not rung:
        await context.store.run(escalations.nobody_there, due.voicemail_id, context.now())


async def _ask_when_awake(
    context: AppContext, due: Due, agent: str, one: Woken, whisper: Path, rung: list[Phone | Mobile]
) -> tuple[Handle, Phone | Mobile] | None:
    """The same once a page that was woken is there, which is added to `rung`."""
    try:
        async with asyncio.timeout_at(one.until):
            await any_online(context.client.present, one.devices)
    except TimeoutError:
        return None
    found = await availability(context, [agent])
    phones = (phone for one in found for phone in one.reachable_devices(context.now()))
    phone = next((phone for phone in phones if phone.device in one.devices), None)
    if phone is None:
        return None
    rung.append(phone)
    return await _ask(context, due, phone, whisper)


async def _ask(
    context: AppContext, due: Due, phone: Phone | Mobile, whisper: Path
) -> tuple[Handle, Phone | Mobile] | None:
    """Rings one phone and asks whoever answers. Returns the channel and phone if they took the voicemail."""
    channel: Handle | None = None
    try:
        channel = await (
            _dial_mobile(context, due, phone) if isinstance(phone, Mobile) else _ring_desk(context, due, phone)
        )
        if channel is None:
            return None
        # The ringing's short time limit no longer applies.
        await channel.set_variables(timeout=str(LONGEST_SECONDS))
        seconds = context.config.escalation.key_seconds
        choice = await confirm(channel, [whisper], seconds, (ConfirmChoice.CONNECT, ConfirmChoice.PASS))
        if choice is ConfirmChoice.CONNECT and await _take(context, due, phone, channel):
            kept, channel = channel, None
            return kept, phone
    except (HungUp, MediaLost, AsteriskRefused) as error:
        log.info("one phone less for a voicemail", extra={"device": phone.device, "reason": type(error).__name__})
    finally:
        if channel is not None:
            await _always(_let_go(context, due, channel))
    return None


async def _take(context: AppContext, due: Due, phone: Phone | Mobile, channel: Handle) -> bool:
    try:
        await context.store.run(
            mailboxes.take, By(f"phone {phone.device}", context.now()), due.voicemail_id, phone.agent
        )
    except Conflict:
        await play(channel, [_sound(context, "mailbox_taken_already")])
        return False
    return True


async def _ring_desk(context: AppContext, due: Due, phone: Phone) -> Handle | None:
    """Rings a phone that registers with us; None if nobody answers."""
    call_id, seconds = due.voicemail_id, context.config.escalation.ring_seconds
    leg_id = new_leg(call_id, phone.device)
    context.journal.append(
        LegRang(f"{call_id}/{leg_id}", call_id, context.now(), leg_id, phone.device, phone.agent, STAGE)
    )
    leg: RingingLeg | None = None
    try:
        leg = await ring_phone(
            context,
            leg_id,
            phone,
            then="agent-leg",
            caller_id=shown(due.property_name or "Voicemail", due.caller),
            seconds=seconds + 1,
            variables={"LL_CALL": call_id, "LL_CALLER": ""},
        )
        async with asyncio.timeout(seconds):
            if await asyncio.shield(leg.answer) is DialStatus.ANSWER:
                return leg.channel
        leg.channel.release()
        _over(context, due, leg_id, leg.answer.result(), forwards=leg.forwards)
    except NotRung as refused:
        _over(context, due, leg_id, refused.status, forwards=refused.forwards)
    except TimeoutError:
        await _stop(leg, NORMAL)
        _over(context, due, leg_id, DialStatus.NOANSWER)
    except asyncio.CancelledError:
        # Somebody else took it: the phone does not show a missed call.
        await _always(_stop(leg, ANSWERED_ELSEWHERE))
        _over(context, due, leg_id, DialStatus.CANCEL)
        raise
    return None


async def _stop(leg: RingingLeg | None, cause: str) -> None:
    if leg:
        with contextlib.suppress(PhoneError):
            await leg.stop(cause)


async def _dial_mobile(context: AppContext, due: Due, phone: Mobile) -> Handle | None:
    """Dials an agent's mobile, after the check of outside numbers; None if it may not be dialed, or nobody answers."""
    # Their other phones ring first, if there are any.
    await asyncio.sleep(phone.after_seconds)
    try:
        clearance = await outside.clear(
            context, phone.number, DialPurpose.ESCALATION, agent=phone.agent, call_id=due.voicemail_id
        )
        async with asyncio.timeout(context.config.escalation.ring_seconds):
            return await outside.dial(
                context,
                clearance,
                call_id=due.voicemail_id,
                caller_id=clearance.caller_id,
                leg_stage=STAGE,
                device=phone.device,
                agent=phone.agent,
            )
    except (DialRefused, outside.NotReached, TimeoutError) as error:
        log.info("a mobile was not reached", extra={"device": phone.device, "reason": str(error)})
        return None


async def _play(context: AppContext, due: Due, channel: Handle, phone: Phone | Mobile) -> None:
    """Plays the voicemail to whoever took it, again with 1."""
    audio = mailboxes.audio(context.config, due.file)
    voicemail = audio or _sound(context, "mailbox_no_audio")
    try:
        await prompt(channel, [_sound(context, "mailbox_taken"), voicemail], 0)
        await context.store.run(mailboxes.heard, due.voicemail_id, context.now())
        while await prompt(channel, [_sound(context, "mailbox_again")], KEY_SECONDS) == Key.REPEAT:
            await prompt(channel, [voicemail], 0)
    except HungUp:
        log.info("hung up while hearing a voicemail", extra={"device": phone.device})
    finally:
        await _always(_let_go(context, due, channel))


async def _let_go(context: AppContext, due: Due, channel: Handle) -> None:
    """Hangs up a phone that was answered."""
    with contextlib.suppress(PhoneError):
        await channel.hang_up()
    channel.release()
    _over(context, due, channel.id, DialStatus.ANSWER)


def _over(context: AppContext, due: Due, leg_id: str, status: DialStatus, *, forwards: bool = False) -> None:
    fact_id = f"{due.voicemail_id}/leg-ended-{leg_id}"
    context.journal.append(LegEnded(fact_id, due.voicemail_id, context.now(), leg_id, status, forwards=forwards))


async def _always(work: Coroutine[None, None, None] | Awaitable[None]) -> None:
    """Does the work even if the task is being cancelled: no phone must be left ringing."""
    await asyncio.shield(asyncio.ensure_future(work))


def _sound(context: AppContext, name: str) -> Path:
    return context.config.prompt(name, context.config.voicemail.staff_language)
