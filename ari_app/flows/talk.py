"""Person and agent talk, until either hangs up or the agent transfers the person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ari_app.call import recording
from ari_app.call.call import Handover, LiveCall, TalkWish, WishKind
from ari_app.call.codes import Keys
from ari_app.call.kept import WaitsFor, written
from ari_app.call.legs import device_of, is_outsider
from ari_app.call.race import end_all, race, some_done, until_done
from ari_app.edge import events, sources
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp, MediaLost
from ari_app.flows import attended
from ari_app.flows.outbound import over_too_soon
from ari_app.flows.rejoin import to_others
from ari_app.flows.transfer import ask_target, pass_on
from crm.domain.calls import CallDirection, CallEnded, CallStep, Cut, EndedBy, LegRang, TalkCut, TalkStarted

log = logging.getLogger(__name__)


class _End(StrEnum):
    """Why the two no longer talk, apart from what an agent asked for."""

    PERSON = "person"
    AGENT = "agent"
    PERSON_LOST = "person lost"
    AGENT_LOST = "agent lost"
    """Nothing was received from their line any more (ari_app/workers/lost_lines.py)."""
    HANDED_OVER = "handed over"
    """The person at the other end belongs to another call now."""


@dataclass(frozen=True)
class _Keyed:
    code: str


Heard = _End | _Keyed | TalkWish | events.ChannelTransfer


async def talk(call: LiveCall) -> CallStep | EndedBy | None:
    """Connects the two and waits; if resumed, finds them connected and waits on.

    The dead man's switch must not cut off either leg: the agent's is removed, and the person's leads into a bridge that
    needs no app (asterisk_conf/templates/extensions.conf.j2, T).
    """
    if call.peer_leg is None:
        return EndedBy.AGENT  # The agent hung up while the app was away.
    known = call.context.client.present.channels.get(call.peer_leg)
    agent = Handle(call.context.client, call.peer_leg, known.name if known else "")
    has_begun = call.has_talked
    talk = call.talk = asyncio.get_running_loop().create_future()
    bridge = call.talk_bridge
    try:
        try:
            is_connected = await _connect(call, agent, bridge)
        except LeftTheApp:
            raise
        except HungUp:
            if has_begun or call.direction is not CallDirection.OUT or agent.id != call.channel.id:
                raise
            call.channel = agent  # It receives the events about playbacks on this channel.
            return await over_too_soon(call, call.person)
        if not is_connected:
            # The agent hung up while the app was away, or just as they answered; a person who was told about the
            # recording has not talked to anybody yet.
            return CallStep.RING if call.recording_mode == recording.ANNOUNCED else EndedBy.AGENT
        leg = call.leg_of(agent.id, agent.endpoint)
        if leg != agent.id:
            call.emit(LegRang(*call.stamp(f"leg-{leg}"), leg_id=leg, device=agent.endpoint, agent="", stage="joined"))
        # A person whom we have called has a leg of their own.
        for one in [call.person.id, leg] if call.direction is CallDirection.OUT else [leg]:
            call.emit(TalkStarted(*call.stamp(f"talk-{one}"), leg_id=one))
        await recording.go_on(call, bridge)
        if call.recording and agent.id in call.context.client.on_hold:
            # Put on hold while it was being announced.
            await bridge.start_music()
        # Anything else that ends the waiting leaves the two talking: the app stops, or Asterisk has taken the call
        # back.
        following = await _listen(call, agent, bridge)
        if not isinstance(following, CallStep):
            call.leg_over(agent.id, agent.endpoint)
        if following is None:
            call.emit(CallEnded(*call.stamp("ended"), by=EndedBy.AGENT))
            await recording.finish(call)
            await bridge.delete()
        return following
    finally:
        if not talk.done():
            talk.set_result(None)
        agent.release()


async def _connect(call: LiveCall, agent: Handle, bridge: MixingBridge) -> bool:
    try:
        if not agent.name:
            await agent.look()
        await agent.set_variables(timeout="0")
        await bridge.make()
        members = await bridge.members()
        if not {call.person.id, agent.id} <= set(members):
            await recording.announce(call, agent)
        await bridge.stop_music()
        await bridge.add(call.person.id, agent.id)
    except HungUp:
        # If the person is gone, the caller of this function gets their events.
        if not await call.person.is_up():
            raise
        return False
    except (ChannelGone, AsteriskRefused):
        # One of the two has just left.
        if not await call.person.is_up():
            raise HungUp("the person left before the talk") from None
        if not await agent.is_up():
            return False
    return True


async def _listen(call: LiveCall, agent: Handle, bridge: MixingBridge) -> CallStep | EndedBy | None:
    """Waits for a hangup, or for what the agent wants done with the call. Carries it out if the two continue to
    talk."""
    ears = _Ears(call, agent)
    try:
        while True:
            heard = await ears.next()
            match heard:
                case _End.PERSON:
                    return EndedBy.CALLER
                case _End.AGENT:
                    return EndedBy.AGENT
                case _End.PERSON_LOST:
                    _emit_cut(call, agent)
                    return EndedBy.CALLER
                case _End.AGENT_LOST:
                    _emit_cut(call, agent)
                    await ears.close()  # From now on, the person's events are read by what plays to them.
                    return await _reconnect(call, agent)
                case _End.HANDED_OVER:
                    return None
                case events.ChannelTransfer(referred_by=by) if by.source_channel.id == call.person.id:
                    # A colleague who made the call transfers the one they called, who is the person from now on.
                    person = Handle(agent.client, agent.id, agent.name)
                    agent = call.person
                    call.emit(
                        LegRang(
                            *call.stamp("leg-first"), leg_id=call.id, device=agent.endpoint, agent="", stage="first"
                        )
                    )
                    await call.follows(person, agent)
                    return await _transferred(call, agent, bridge, heard)
                case events.ChannelTransfer():
                    return await _transferred(call, agent, bridge, heard)
                case TalkWish():
                    if not heard.heard.done():  # Otherwise, it has come too late.
                        heard.heard.set_result(None)
                        return await _carry_out(call, agent, heard)
                case _Keyed(code):
                    if following := await ears.aside(_act(call, agent, bridge, code)):
                        return following
    finally:
        await ears.close()


async def _transferred(
    call: LiveCall, agent: Handle, bridge: MixingBridge, wish: events.ChannelTransfer
) -> CallStep | None:
    """Carries out a transfer that the agent's phone asks for (REFER)."""
    if wish.refer_to.requested_destination.protocol_id or wish.refer_to.destination_channel:
        return await attended.join(call, agent, bridge, wish)
    return await pass_on(call, agent, wish.refer_to.requested_destination.destination, way="refer")


async def _carry_out(call: LiveCall, agent: Handle, wish: TalkWish) -> CallStep | EndedBy:
    """Does what somebody who watches the calls wants done with this one."""
    if wish.kind is WishKind.END:
        return EndedBy.AGENT
    if wish.kind is WishKind.PASS_ON:
        return await pass_on(call, agent, wish.target, way="code")
    assert wish.channel is not None
    await call.person.set_variables(LL_PEER=wish.channel.name)
    call.peer_leg = wish.channel.id
    call.leg_over(agent.id, agent.endpoint)
    await agent.hang_up()
    return CallStep.TALK


async def _act(call: LiveCall, agent: Handle, bridge: MixingBridge, code: str) -> CallStep | EndedBy | None:
    """Carries out a code keyed during the talk. Returns None if the two continue to talk."""
    codes = call.context.config.talk
    if code == codes.record:
        await recording.switch(call, agent, bridge)
        return None
    if code == codes.park:
        return await pass_on(call, agent, call.context.config.parking.extension, way="code")
    if code not in (codes.blind_transfer, codes.attended_transfer):
        return None
    await bridge.remove(agent.id)
    await bridge.start_music()
    try:
        target = await ask_target(call, agent)
    except LeftTheApp:
        raise
    except HungUp:
        # The agent hung up without naming a target: the person must not be left alone.
        return await _alone(call, agent)
    await bridge.stop_music()
    if not target:
        await bridge.add(call.person.id, agent.id)
        return None
    if code == codes.blind_transfer:
        return await pass_on(call, agent, target, way="code")
    return await attended.consult_with(call, agent, target)


async def _alone(call: LiveCall, agent: Handle) -> CallStep | EndedBy:
    call.leg_over(agent.id, agent.endpoint)
    if call.direction is CallDirection.INTERNAL:
        return EndedBy.AGENT
    await call.talk_bridge.stop_music()
    await call.talk_bridge.remove(call.person.id)
    call.peer_leg = None
    return CallStep.RING


def _emit_cut(call: LiveCall, agent: Handle) -> None:
    call.emit(TalkCut(*call.stamp(), leg_id=call.leg_of(agent.id, agent.endpoint), by=Cut.LINE_LOST))


async def _reconnect(call: LiveCall, agent: Handle) -> CallStep | EndedBy:
    """The agent's line is lost: a browser may soon be back, and in place of other phones others are rung at once."""
    call.leg_over(agent.id, agent.endpoint)
    device = device_of(agent.id) or agent.endpoint
    call.lost_devices[device] += 1
    call.peer_leg = None
    if agent.id in call.context.calls.gone:
        call.kept = WaitsFor(device)
        call.keep(LL_STAGE=written(call.kept), LL_PEER="")
        return CallStep.REJOIN
    return EndedBy.AGENT if call.direction is CallDirection.INTERNAL else await to_others(call, device)


class _Ears:
    """Listens to both channels, and to requests from other calls."""

    def __init__(self, call: LiveCall, agent: Handle) -> None:
        self._call, self._agent = call, agent
        self._keys = Keys(call.context.config.talk)
        # The target of a transfer to an outside number is not an agent, and must not be able to dial through us.
        self._obeys_keys = not is_outsider(agent.id)
        self._tasks: dict[str, asyncio.Task[Heard]] = {}

    async def next(self) -> Heard:
        while True:
            self._start()
            await some_done(self._tasks.values())
            # The person first: a hangup of theirs overrides what the agent wants.
            name = next(name for name, task in self._tasks.items() if task.done())
            return self._tasks.pop(name).result()

    async def aside(self, work: Coroutine[Any, Any, CallStep | EndedBy | None]) -> CallStep | EndedBy | None:
        """Does something with the agent, during which the person may hang up. Raises HungUp if they do."""
        if agent := self._tasks.pop("agent", None):
            await end_all([agent])
        self._start("person")
        person = self._tasks["person"]
        try:
            done = await race(work, until_done(person))
            if isinstance(done, asyncio.Future):
                raise HungUp("the person hung up")
            return done
        except HungUp:
            if person.done():
                raise
            # The agent hung up in the middle of it, and left the person alone.
            self._tasks["agent"] = asyncio.create_task(_agent_is_gone())
            return None
        except (MediaLost, AsteriskRefused, TimeoutError) as error:
            log.warning("what an agent keyed could not be done: %s", error)
            await self._call.talk_bridge.add(self._call.person.id, self._agent.id)
            return None

    async def close(self) -> None:
        await end_all(self._tasks.values())

    def _start(self, *names: str) -> None:
        starters: dict[str, Callable[[], Awaitable[Heard]]] = {
            "person": self._person,
            "handover": self._hand_over,
            "wish": self._call.wishes.get,
            "agent": self._of_agent,
        }
        for name, start in starters.items():
            if name not in self._tasks and (not names or name in names):
                self._tasks[name] = asyncio.ensure_future(start())

    async def _person(self) -> Heard:
        internal = self._call.direction is CallDirection.INTERNAL
        return await self._of(self._call.person, _End.PERSON, _End.PERSON_LOST, may_ask=internal)

    async def _of_agent(self) -> Heard:
        return await self._of(self._agent, _End.AGENT, _End.AGENT_LOST, may_ask=True)

    async def _of(self, channel: Handle, end: _End, lost: _End, *, may_ask: bool) -> Heard:
        try:
            while True:
                match await channel.next_event():
                    case events.ChannelTransfer(state=None) as wish if may_ask:
                        return wish
                    case events.ChannelDtmfReceived(digit=digit) if channel is self._agent and self._obeys_keys:
                        code = self._keys.press(digit, asyncio.get_running_loop().time())
                        if code and await self._may_dial():
                            return _Keyed(code)
                    case events.StasisStart(channel=other) if channel is self._agent:
                        # Another phone has replaced theirs; keys from a trunk are not obeyed.
                        self._obeys_keys = not other.endpoint.startswith("trunk-")
                    case events.ChannelHold() if self._call.recording:
                        # With a third channel in the bridge, Asterisk does not pass the hold on.
                        await self._call.talk_bridge.start_music()
                    case events.ChannelUnhold() if self._call.recording:
                        await self._call.talk_bridge.stop_music()
        except LeftTheApp:
            raise
        except HungUp as ended:
            is_lost = ended.is_unknown_there or channel.id in self._call.context.calls.lost
            return lost if is_lost else end

    async def _may_dial(self) -> bool:
        if self._call.context.config.talk.keys_from_elsewhere or await sources.is_own(self._agent):
            return True
        log.warning("keys are not heeded that do not come from the phone", extra={"device": self._agent.endpoint})
        return False

    async def _hand_over(self) -> Heard:
        """Hands the person whom one of our two parties is talking to over to another call."""
        asked: Handover = await self._call.handovers.get()
        far = self._agent if asked.channel_id == self._call.person.id else self._call.person
        await self._call.talk_bridge.remove(far.id)
        asked.far.set_result(far)
        return _End.HANDED_OVER


async def _agent_is_gone() -> Heard:
    return _End.AGENT
