"""What people who watch the calls do with them: each act is carried out by the flow that has the call, if it is still
possible by then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ari_app.call import answering
from ari_app.call.answering import hang_up_of
from ari_app.call.available import availability, phones
from ari_app.call.call import AppContext, LiveCall, Taker, TalkWish, WishKind
from ari_app.call.legs import NotRung, ring_phone, ring_phones, shown
from ari_app.call.race import race, some_done, until_done
from ari_app.call.ringing_leg import RingingLeg
from ari_app.edge import media
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import ANSWERED_ELSEWHERE, NORMAL, Handle, hang_up, path_of
from ari_app.edge.errors import AsteriskRefused, HungUp, PhoneError
from ari_app.flows import parking, pickup
from ari_app.live import marks
from crm.config import Config
from crm.domain.calls import CallDirection, CallStep, DialStatus, EndedBy, SupervisorAct, SupervisorActed
from crm.domain.errors import CrmError
from crm.domain.ringing import Phone
from crm.edge.live_state import ActRefusal, LiveAsk
from crm.services import audit
from crm.services.audit import By
from crm.services.phones import devices, extensions
from crm.services.voicemail import talk_recordings

log = logging.getLogger(__name__)

HEARD_SECONDS = 2.0
"""How long an act waits until the talk has heard of it."""
BETWEEN_SECONDS = 3.0
"""A call is on its way from one step to the next for no longer."""
SNOOP_SECONDS = 5.0
SPARE_SECONDS = 60
"""A phone that hears recordings is released after their length and this, in case the app is away by then."""
TAKE_OVER = "take_over"
"""Stage on record of the phone of whoever takes a talk over."""


class ActRefused(Exception):
    def __init__(self, why: ActRefusal) -> None:
        super().__init__(why.value)
        self.why = why


class LiveActs:
    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: set[str] = set()
        """Ids of listeners' channels that this app has made."""

    async def do(self, asked: LiveAsk) -> str:
        """Returns why it cannot be done; empty: it is done, or a phone rings for it."""
        try:
            if asked.act == "play":
                await self._play(asked)
                return ""
            call = self._context.calls.get(asked.call)
            if call is None:
                return ActRefusal.CALL_OVER
            match asked.act:
                case "hang_up":
                    await self._end(call, asked)
                case "park":
                    await self._park(call, asked)
                case "send_to":
                    await self._send(call, asked)
                case "pick_up" | "fetch":
                    await self._pick_up(call, asked, asked.agent)
                case "take_over":
                    await self._take_over(call, asked)
                case "listen":
                    await self._listen(call, asked)
                case _:
                    return ActRefusal.FAILED
        except ActRefused as refused:
            return refused.why
        except (PhoneError, CrmError, TimeoutError) as error:
            log.warning("an act could not be carried out: %s", error, extra={"act": asked.act, "call": asked.call})
            return ActRefusal.FAILED
        return ""

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def end_stray(self, channel_id: str) -> None:
        """Ends a listener's channel that an app before this one has left behind."""
        if not any(channel_id.startswith(own) for own in self._listening):
            self._go_on(hang_up(self._context.client, channel_id))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        async def quietly() -> None:
            try:
                await work
            except (PhoneError, CrmError, TimeoutError) as error:
                log.warning("what was begun for somebody who watches the calls has failed: %s", error)

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- acts ---

    async def _end(self, call: LiveCall, asked: LiveAsk) -> None:
        if call.emergency and call.emergency.rings_through:
            raise ActRefused(ActRefusal.EMERGENCY)
        self._put_on_record(call, asked, SupervisorAct.ENDED)
        await self._audit(asked, f"call {call.id} ended")
        call.ended_by = EndedBy.AGENT
        if call.step is CallStep.TALK and await self._is_heard(call, WishKind.END):
            return
        await hang_up(self._context.client, call.person.id)

    async def _park(self, call: LiveCall, asked: LiveAsk) -> None:
        _must_talk(call)
        names = self._context.config.parking.names
        if len({other.parked_at for other in self._context.calls if other.parked_at}) >= len(names):
            raise ActRefused(ActRefusal.SLOTS_FULL)
        if not await self._is_heard(call, WishKind.PASS_ON, target=self._context.config.parking.extension):
            raise ActRefused(ActRefusal.NOT_TALKING)
        self._put_on_record(call, asked, SupervisorAct.PARKED)

    async def _send(self, call: LiveCall, asked: LiveAsk) -> None:
        async with asyncio.timeout(self._context.config.survival.store_seconds):
            found = await self._context.store.read(extensions.agent_at, asked.target)
        if found is None:
            raise ActRefused(ActRefusal.TARGET_UNKNOWN)
        if call.is_waiting or call.wait:
            await self._pick_up(call, asked, found.slug)
            return
        _must_talk(call)
        if not await self._is_heard(call, WishKind.PASS_ON, target=asked.target):
            raise ActRefused(ActRefusal.NOT_TALKING)
        self._put_on_record(call, asked, SupervisorAct.SENT, agent=found.slug)

    async def _pick_up(self, call: LiveCall, asked: LiveAsk, agent: str) -> None:
        """Rings the agent's phones for somebody who waits: at other phones, in line, or at the park."""
        if call.wait:
            if agent in call.ringing:
                raise ActRefused(ActRefusal.RINGS_ALREADY)
            if not await self._phones(agent, asked.device):
                raise ActRefused(ActRefusal.NO_PHONE)
            call.wait.spared.pop(agent, None)
            call.wait.turn.put_nowait((agent,))
            self._put_on_record(call, asked, SupervisorAct.PICKED_UP, agent=agent)
            return
        if not await _is_open(call):
            raise ActRefused(ActRefusal.NOT_WAITING)
        if agent in call.ringing:
            raise ActRefused(ActRefusal.RINGS_ALREADY)
        stage = parking.STAGE if call.parked_at else pickup.STAGE
        legs = await self._ring(call, stage, await self._phones(agent, asked.device))
        self._put_on_record(call, asked, SupervisorAct.PICKED_UP, agent=agent)
        self._go_on(self._until_picked_up(call, stage, legs))

    async def _until_picked_up(self, call: LiveCall, stage: str, legs: list[RingingLeg]) -> None:
        waits = asyncio.create_task(_until_taken(call))
        try:
            leg = await self._first(call, legs, waits)
        except asyncio.CancelledError:
            # Only ringing is resumed with the phones that ring for it.
            if call.step not in pickup.RINGING:
                await asyncio.shield(self._stop(call, legs))
            for one in legs:
                one.leave()
            raise
        finally:
            waits.cancel()
            call.ringing.difference_update({one.agent for one in legs})
        if leg and not (await _is_open(call) and call.offer(Taker(leg.channel, leg.device, leg.agent, stage))):
            await self._stop(call, [leg])

    async def _take_over(self, call: LiveCall, asked: LiveAsk) -> None:
        talk = _must_talk(call)
        if call.direction is CallDirection.INTERNAL:
            raise ActRefused(ActRefusal.INTERNAL)
        legs = await self._ring(call, TAKE_OVER, await self._phones(asked.agent, asked.device))
        await self._audit(asked, f"call {call.id} taken over")
        self._go_on(self._until_taken_over(call, asked, legs, talk))

    async def _until_taken_over(
        self, call: LiveCall, asked: LiveAsk, legs: list[RingingLeg], talk: asyncio.Future[None]
    ) -> None:
        try:
            leg = await self._first(call, legs, talk)
            if leg is None:
                return
            self._put_on_record(call, asked, SupervisorAct.TOOK_OVER, agent=leg.agent, device=leg.device)
            if not await self._is_heard(call, WishKind.TAKE_OVER, channel=leg.channel):
                await self._stop(call, [leg])
        except asyncio.CancelledError:
            await asyncio.shield(self._stop(call, legs))
            raise
        finally:
            call.ringing.difference_update({one.agent for one in legs})

    # --- listening in ---

    async def _listen(self, call: LiveCall, asked: LiveAsk) -> None:
        talk = _must_talk(call)
        self._must_allow_listening(call)
        phones = await self._phones(asked.agent, asked.device)
        # Nobody listens without a record of it.
        await self._context.store.run(audit.record, self._by(asked), f"listened in on call {call.id}")
        ringing = [self._ring_listener(call.id, phone, shown("Listen in", call.shown)) for phone in phones]
        legs = [leg for leg in await asyncio.gather(*ringing) if leg]
        if not legs:
            raise ActRefused(ActRefusal.NO_PHONE)
        self._go_on(self._until_heard(call, asked, legs, talk))

    def _must_allow_listening(self, call: LiveCall) -> None:
        rule = self._context.config.console.listen_in
        if rule == "off":
            raise ActRefused(ActRefusal.LISTENING_OFF)
        if rule == "announced" and call.recording is None:
            raise ActRefused(ActRefusal.NOT_ANNOUNCED)

    async def _ring_listener(self, call_id: str, phone: Phone, caller_id: str) -> RingingLeg | None:
        leg_id = marks.listener(call_id, phone.device)
        self._listening.add(leg_id)
        try:
            return await ring_phone(
                self._context,
                leg_id,
                phone,
                then="listen-leg",
                caller_id=caller_id,
                seconds=self._context.config.ring.colleague_seconds,
                variables={"LL_CALL": call_id},
            )
        except NotRung:
            self._listening.discard(leg_id)
            return None

    async def _until_heard(
        self, call: LiveCall, asked: LiveAsk, legs: list[RingingLeg], talk: asyncio.Future[None]
    ) -> None:
        ids = {leg.channel.id for leg in legs}
        try:
            leg = await self._first(None, legs, talk)
            if leg and not talk.done():
                # It may have changed while the phone rang.
                self._must_allow_listening(call)
                await self._hear(call, asked, leg, talk)
        except ActRefused as refused:
            log.warning("nobody may listen in any more: %s", refused)
        finally:
            await asyncio.shield(self._stop(None, legs))
            self._listening -= ids

    async def _hear(self, call: LiveCall, asked: LiveAsk, leg: RingingLeg, talk: asyncio.Future[None]) -> None:
        """Lets a phone hear the talk, until it hangs up or the talk with this agent is over."""
        client, peer = self._context.client, call.peer_leg
        listener = Handle(client, leg.channel.id, leg.channel.name)
        snoop = Handle(client, f"{leg.channel.id}{marks.SNOOP}")
        bridge = MixingBridge(client, f"listen-{leg.channel.id}")
        call.whispered.append(listener)
        try:
            path = f"{path_of(peer or '')}/snoop/{snoop.id}"
            await client.post(path, app=client.app, appArgs="listens", spy="both", whisper="none")
            await snoop.enters(SNOOP_SECONDS)
            await bridge.make()
            await bridge.add(listener.id, snoop.id)
            self._put_on_record(call, asked, SupervisorAct.LISTENED, agent=leg.agent, device=leg.device)
            call.listeners.add(leg.device)
            self._context.calls.has_changed(call)
            with contextlib.suppress(HungUp):
                await race(hang_up_of(listener), hang_up_of(snoop), until_done(talk))
        finally:
            call.whispered.remove(listener)
            call.listeners.discard(leg.device)
            self._context.calls.has_changed(call)
            await asyncio.shield(_take_down(bridge, snoop, listener))

    # --- recordings ---

    async def _play(self, asked: LiveAsk) -> None:
        """Rings the phone, and plays recordings to whoever answers, until they hang up."""
        async with asyncio.timeout(self._context.config.survival.store_seconds):
            device, found = await self._context.store.read(_to_play, self._context.config, asked)
        seen = await phones(self._context)
        if device not in seen.online:
            raise ActRefused(ActRefusal.NO_PHONE)
        if device in seen.on_call:
            raise ActRefused(ActRefusal.IN_TALK)
        call_id = found[0].call_id
        self._context.calls.heard[call_id] += 1
        try:
            leg = await self._ring_listener(call_id, Phone(device, ""), shown("Recording", None))
            if leg is None:
                raise ActRefused(ActRefusal.NO_PHONE)
        except BaseException:
            self._context.calls.heard -= Counter((call_id,))
            raise
        self._go_on(self._until_played(asked, leg, found))

    async def _until_played(self, asked: LiveAsk, leg: RingingLeg, recordings: list[ToPlay]) -> None:
        try:
            if await self._first(None, [leg], asyncio.get_running_loop().create_future()):
                listener = Handle(self._context.client, leg.channel.id, leg.channel.name)
                await self._play_to(asked, leg.device, listener, recordings)
        finally:
            await asyncio.shield(self._stop(None, [leg]))
            self._listening.discard(leg.channel.id)
            self._context.calls.heard -= Counter((recordings[0].call_id,))

    async def _play_to(self, asked: LiveAsk, device: str, listener: Handle, recordings: list[ToPlay]) -> None:
        try:
            longest = sum(one.seconds for one in recordings) + SPARE_SECONDS
            await listener.set_variables(timeout=str(round(longest)))
            for one in recordings:
                # Nobody hears it without a record of it, nor what has been held or deleted since.
                await self._context.store.run(_note_played, self._context.config, self._by(asked), one.id, device)
                await media.play(listener, [one.path])
        except HungUp:
            log.info("hung up while hearing a recording", extra={"device": device})
        finally:
            listener.release()

    # --- what acts have in common ---

    async def _phones(self, agent: str, device: str) -> list[Phone]:
        """The agent's phones that may ring now, or that one of them. Raises ActRefused."""
        found = await availability(self._context, [agent] if agent else [])
        phones = [phone for one in found for phone in one.free_phones(self._context.now())]
        phones = [phone for phone in phones if device in ("", phone.device)]
        if not phones:
            raise ActRefused(ActRefusal.IN_TALK if any(one.is_on_call for one in found) else ActRefusal.NO_PHONE)
        return phones

    async def _ring(self, call: LiveCall, stage: str, phones: list[Phone]) -> list[RingingLeg]:
        title = call.reception.property_name if call.reception else ""
        seconds = self._context.config.ring.colleague_seconds
        legs = await ring_phones(call, stage, phones, seconds, shown(title, call.shown))
        if not legs:
            raise ActRefused(ActRefusal.NO_PHONE)
        return legs

    async def _first(
        self, call: LiveCall | None, legs: Iterable[RingingLeg], over: asyncio.Future[Any]
    ) -> RingingLeg | None:
        """The first phone to be answered, before `over` is done and in time; the others have stopped."""
        ringing, winner = list(legs), None
        clock = asyncio.get_running_loop().time
        until = clock() + self._context.config.ring.colleague_seconds
        while ringing and winner is None and not over.done() and (left := until - clock()) > 0:
            await some_done([over, *(leg.answer for leg in ringing)], left)
            for leg in [one for one in ringing if one.answer.done()]:
                if leg.answer.result() is DialStatus.ANSWER and winner is None and not over.done():
                    winner = leg
                else:
                    ringing.remove(leg)
                    if call:
                        await answering.end(call, leg)
        if winner:
            winner.leave()
        was_taken = over.done() and not over.cancelled() and over.result() is not False
        await self._stop(
            call, [one for one in ringing if one is not winner], ANSWERED_ELSEWHERE if was_taken or winner else NORMAL
        )
        return winner

    async def _stop(self, call: LiveCall | None, legs: Iterable[RingingLeg], cause: str = NORMAL) -> None:
        if call:
            await answering.stop(call, list(legs), DialStatus.CANCEL, cause)
            return
        for leg in legs:
            with contextlib.suppress(PhoneError):
                await leg.stop(cause)

    async def _is_heard(
        self, call: LiveCall, kind: WishKind, *, target: str = "", channel: Handle | None = None
    ) -> bool:
        """Whether the talk carries it out."""
        heard = asyncio.get_running_loop().create_future()
        call.wishes.put_nowait(TalkWish(kind, heard, target, channel))
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await heard
        except TimeoutError:
            return False
        return True

    def _put_on_record(
        self, call: LiveCall, asked: LiveAsk, what: SupervisorAct, *, agent: str = "", device: str = ""
    ) -> None:
        call.emit(SupervisorActed(*call.stamp(), by=asked.by, what=what, agent=agent, device=device))

    def _by(self, asked: LiveAsk) -> By:
        return By(asked.by, self._context.now())

    async def _audit(self, asked: LiveAsk, what: str) -> None:
        """The call's own record has it in any case."""
        with contextlib.suppress(CrmError, TimeoutError):
            async with asyncio.timeout(self._context.config.survival.store_seconds):
                await self._context.store.run(audit.record, self._by(asked), what)


@dataclass(frozen=True)
class ToPlay:
    """A recording that a phone is to hear."""

    id: str
    call_id: str
    path: Path
    seconds: float


def _to_play(session: Session, config: Config, asked: LiveAsk) -> tuple[str, list[ToPlay]]:
    """The phone's slug, and what it is to hear. Raises NotFound and Conflict."""
    device = devices.named(session, asked.device)
    return device.slug, [
        ToPlay(one.id, one.call_id, talk_recordings.path_of(config, one.file), one.seconds or 0)
        for one in talk_recordings.to_hear_by_phone(session, config, asked.call)
    ]


def _note_played(session: Session, config: Config, by: By, id: str, device: str) -> None:
    found = talk_recordings.to_hear_by_phone(session, config, id)
    talk_recordings.note_use(session, by, [(one.id, one.call_id) for one in found], f"listened to on phone {device}")


async def _until_taken(call: LiveCall) -> bool:
    """Whether a colleague took the person in the end; returns once they have, or nobody can any more. On the way from
    one step to the next, nobody can for a moment."""
    while await _is_open(call):
        waits = call.no_longer_waits
        await asyncio.wait([waits])
        if not waits.cancelled():
            return True
    return False


async def _is_open(call: LiveCall) -> bool:
    """Whether somebody can take the person, now or in a moment."""
    calls = call.context.calls

    def is_known() -> bool:
        return call.is_waiting or call.step is CallStep.TALK or calls.get(call.id) is not call

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BETWEEN_SECONDS):
            await calls.until(is_known)
    return call.is_waiting


def _must_talk(call: LiveCall) -> asyncio.Future[None]:
    """What is done once this talk is over. Raises ActRefused."""
    if call.step is not CallStep.TALK or call.talk is None or call.talk.done():
        raise ActRefused(ActRefusal.NOT_TALKING)
    return call.talk


async def _take_down(bridge: MixingBridge, snoop: Handle, listener: Handle) -> None:
    for channel in (snoop, listener):
        with contextlib.suppress(PhoneError):
            await channel.hang_up()
        channel.release()
    with contextlib.suppress(PhoneError, AsteriskRefused):
        await bridge.delete()
