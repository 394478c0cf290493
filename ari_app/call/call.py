"""One call while a flow works on it: its channels, what is known about it, and the facts it emits."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import math
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ari_app.call.deaf import DeafBrowsers
from ari_app.call.kept import Kept, PassedTo, ToColleague, written
from ari_app.call.registry import Calls
from ari_app.call.waking import PushBell, Woken
from ari_app.edge.ami import AmiConnection
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from ari_app.edge.events import endpoint_of
from crm.context import Crm
from crm.domain import blocking
from crm.domain.blocking import BlockDecision
from crm.domain.calls import (
    ORDER_MARK,
    CallArrived,
    CallDirection,
    CallPlaced,
    CallStep,
    DialStatus,
    EndedBy,
    Fact,
    LegEnded,
    LegRang,
    StepTaken,
    TalkEnded,
    TalkStarted,
)
from crm.domain.choosing import KeyedAnswer
from crm.domain.dialing import Clearance
from crm.domain.invite import Dialled
from crm.domain.route_inputs import EmergencyFacts
from crm.domain.route_plan import RoutePlan
from crm.domain.understanding import Mind
from crm.services.calls.journal import Journal
from crm.services.routing.reception import OnRecord, Reception
from crm.services.routing.welcome import Decision
from crm.services.talks import minds

if TYPE_CHECKING:
    from ari_app.call.ringing_leg import RingingLeg
    from crm.edge.language_model import LanguageModel

log = logging.getLogger(__name__)

LEG_MARK = "-leg-"
"""In the id of a channel that we originate, between the call's id and the rest, so that a restarted app knows whose it
is."""
VOICE_MARK = f"{LEG_MARK}_"
"""The same, in the ids of channels that carry the voice agent's audio; no device's name begins like that."""
BRIDGE_MARK = "talk-"
"""Before the call's id in the id of its bridge."""
PEER = "peer"
"""In place of a step: this channel belongs to another call, or to the person of this one."""


@dataclass(frozen=True)
class AppContext(Crm):
    """What flows work with; one for the whole app."""

    journal: Journal
    client: AriClient
    ami: AmiConnection
    load_mind: Callable[[], Mind] = field(default_factory=lambda: functools.cache(minds.shipped))
    """Loads `mind`, the first time."""
    language_model: LanguageModel | None = None
    """Asked what callers mean where that does not understand; None: there is none."""
    calls: Calls[LiveCall] = field(default_factory=Calls)
    deaf: DeafBrowsers = field(default_factory=DeafBrowsers)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when Leaseline is to end, and no call begins any more."""
    held: Callable[[], bool] = lambda: False
    """Whether this home may be a copy, which calls nobody by itself (`crm.services.system.copies`)."""
    bell: PushBell | None = None
    """Wakes browsers that are closed."""

    @property
    def mind(self) -> Mind:
        """What leads talks with the voice agent. Where that answers nobody, it is never loaded."""
        return self.load_mind()

    @property
    def places_calls(self) -> bool:
        """Whether calls may begin that nobody on the line asked for: orders, and callbacks."""
        return self.client.connected.is_set() and not self.stopping.is_set() and not self.held()


@dataclass(frozen=True)
class Taker:
    """A colleague's phone that takes over a waiting person: it picked them up while phones rang, or took them from the
    park."""

    channel: Handle
    device: str
    agent: str
    """Slugs of device and agent; "" for a phone without an owner."""
    stage: str
    """pickup or parked."""


@dataclass(frozen=True)
class Handover:
    """Asks a call to hand over the person that one of its two parties is talking to, because they now belong to another
    call."""

    channel_id: str
    """Channel of the party who stays."""
    far: asyncio.Future[Handle]


class WishKind(StrEnum):
    """What somebody who watches the calls wants done with a talk."""

    PASS_ON = "pass_on"
    """The person is sent to an extension, or parked."""
    TAKE_OVER = "take_over"
    """Another phone takes the agent's place at once."""
    END = "end"


@dataclass(frozen=True)
class TalkWish:
    """Asks the talk that a call is in for something that neither party has keyed."""

    kind: WishKind
    heard: asyncio.Future[None]
    """Set when it is carried out; cancelled if it comes too late."""
    target: str = ""
    """Extension, for PASS_ON."""
    channel: Handle | None = None
    """The phone that was answered, for TAKE_OVER."""


REST_SECONDS = 30.0
"""An agent who has not answered is not rung again for the same caller within this time."""


@dataclass
class Wait:
    """A caller waiting in line for the first free agent."""

    agents: frozenset[str]
    """Slugs of the agents they are waiting for."""
    since: datetime
    spared: dict[str, float] = field(default_factory=dict)
    """Agents who are not rung for this caller, and until when, on the loop's clock."""
    turn: asyncio.Queue[tuple[str, ...]] = field(default_factory=asyncio.Queue)
    """Slugs of the agents who are free and to be rung for them; empty: nobody is left to wait for."""
    looked_for: set[str] = field(default_factory=set)
    """Agents whose closed browsers have been looked for."""
    alone_for: int = 0
    """In how many looks in a row none of these agents was there."""

    def spare(self, agent: str, *, for_good: bool) -> None:
        """Stops ringing an agent for this caller: for a while, or for good. They may have declined on one phone while
        their other phones keep ringing."""
        until = math.inf if for_good else asyncio.get_running_loop().time() + REST_SECONDS
        self.spared[agent] = max(until, self.spared.get(agent, 0))

    @property
    def spared_now(self) -> frozenset[str]:
        clock = asyncio.get_running_loop().time()
        return frozenset(agent for agent, until in self.spared.items() if until > clock)

    @property
    def hopes_for(self) -> frozenset[str]:
        """Agents who may still take the call: everyone except those who have declined it."""
        return self.agents - {agent for agent, until in self.spared.items() if until == math.inf}


@dataclass
class LiveCall:
    """A call, whoever started it. `id` is the id of its first channel, and of its record in the CRM."""

    context: AppContext
    channel: Handle
    """The call's first channel: the caller's, or our phone's that dialed."""
    did: str
    """Our number: the one dialed, cleaned (E.164, or digits), or the one that is shown."""
    caller: str | None
    """The outside person, E.164; None if withheld or unreadable, or for a colleague."""
    trunk: str
    attestation: str = ""
    """STIR/SHAKEN result, as given by the trunk."""
    is_withheld: bool = False
    """Whether the caller withholds the number."""
    dialled: Dialled = ()
    """Numbers that may be our line; `did` is the most likely one until the CRM has been asked, and then the right
    one."""
    caller_digits: str = ""
    """What a caller shows whose number cannot be read; empty: no digits, or withheld."""
    back_to: str = ""
    """Slug of the phone that has just called the emergency service, showing the number that is called now. As kept in
    Asterisk, whose last resort rings it first; empty: there is none, or the caller is not the emergency service."""
    emergency: EmergencyFacts | None = None
    """What that means for the routing decision, once the CRM has been asked."""
    reception: Reception | None = None
    """What the CRM knows about line and caller; None until it has been asked."""
    verdict: BlockDecision = blocking.NOBODY
    """The block list's decision about the caller, once the CRM has been asked."""
    first_decision: Decision | None = None
    """Made when the call arrived, for its first question; None once it has been used."""
    to_ring: OnRecord | None = None
    """The agents whom the latest decision rings first; None once their phones have begun to ring."""
    adopted_legs: list[str] = field(default_factory=list)
    """Ids of agents' channels that existed when the app came back; the ringing step takes them over."""
    peer_leg: str | None = None
    """Id of the channel of the agent whom the person is talking to."""
    gist: str = ""
    """What the voice agent has found out, for the person who takes over: one sentence; empty: nothing."""
    brief: str = ""
    """The home that the caller looks for, for the display of phones; empty: not known."""
    spoken: str = ""
    """The language that the caller speaks with the voice agent; empty: not known."""
    lost_agent: str = ""
    """Slug of the agent whose line was lost during the talk; they are rung before the team."""
    lost_devices: Counter[str] = field(default_factory=Counter)
    """How often the line of each device was lost in this call."""
    is_closed: bool = False
    """Whether the office, or the desk that the call is for, is closed; the mailbox says so."""
    decided: RoutePlan | None = None
    """The latest decision; None before the first, and after the app was away."""
    is_decided: bool = False
    """Whether no step has begun to carry that decision out yet."""
    kept: Kept = None
    """How far its step has come, as kept in Asterisk (LL_STAGE)."""
    direction: CallDirection = CallDirection.IN
    is_on_record: bool = False
    """Whether it is known that the call arrived or was placed."""
    id: str = ""
    """Given only if the first channel is gone."""
    person: Handle = field(init=False)
    """The channel of the person who must not be lost: the outside person, or the colleague who calls. Steps are kept
    with it. Changed by `follows`."""
    step: CallStep | None = None
    """The step, as kept in Asterisk."""
    answers: list[KeyedAnswer] = field(default_factory=list)
    """What the caller has keyed in answer to our questions, in order."""
    language: str = ""
    """What the caller hears: the line's language, or the one they chose; known once the CRM has been asked."""
    clearance: Clearance | None = None
    """For a call out: the permission to dial; None after the app was away."""
    whisper: asyncio.Task[Path] | None = None
    """Says who is calling; synthesized as soon as somebody may have to hear it."""
    whispered: list[Handle] = field(default_factory=list)
    """Phones whose owners are hearing that; their dead man's switches are renewed like the person's."""
    waiting: Handle | None = None
    """The agent's leg while it waits for the outcome of a transfer; its dead man's switch is renewed, too."""
    transferrer: str = ""
    """Name of the channel of the agent who transfers the person, or has parked them."""
    by_refer: bool = False
    """Whether that agent's phone asked for the transfer (SIP REFER), and so is told its progress."""
    parked_at: str = ""
    """The parking slot in which the person is waiting."""
    joining: set[str] = field(default_factory=set)
    """Ids of channels that are coming from another call."""
    recording: str | None = None
    """Name of the current recording."""
    handovers: asyncio.Queue[Handover] = field(default_factory=asyncio.Queue)
    wishes: asyncio.Queue[TalkWish] = field(default_factory=asyncio.Queue)
    """Heard during a talk."""
    ended_by: EndedBy = EndedBy.CALLER
    """Who ends it if the person is gone."""
    talk: asyncio.Future[None] | None = None
    """Done when the talk with this agent is over; None before the first."""
    listeners: set[str] = field(default_factory=set)
    """Slugs of the phones that listen in on the talk."""
    is_resumed: bool = False
    """Whether it began before this app did."""
    rung: dict[str, str] = field(default_factory=dict)
    """Slugs of the agents whose phones this app has rung, by leg."""
    _latest: datetime | None = None
    """The time of its latest fact that this app has stamped."""
    ringing: set[str] = field(default_factory=set)
    """Slugs of the agents whose phones ring now."""
    deaf: list[RingingLeg] = field(default_factory=list)
    """Browsers that were called and are not waited for, but may still answer while others ring."""
    vanished: set[str] = field(default_factory=set)
    """Ids of legs that stopped ringing because their browsers were closed or reloaded."""
    taken_away: set[str] = field(default_factory=set)
    """Ids of legs that stopped ringing because their agents took another call."""
    woken: dict[str, Woken] = field(default_factory=dict)
    """Whose closed browsers were sent a message, by the agent's slug; once is enough."""
    tried: set[str] = field(default_factory=set)
    """Slugs of the agents who have been rung in vain, except those who took another call meanwhile."""
    wait: Wait | None = None
    """Set while they are in line."""
    is_callback: bool = False
    """Whether we are calling somebody back who has kept their place in line."""
    has_consulted: bool = False
    """Whether an agent has talked, in a separate bridge, to the person they want to transfer the caller to."""
    _kept: dict[str, str] = field(default_factory=dict)
    """Variables to be set in Asterisk with the next step."""
    _bridge: MixingBridge | None = None
    _taken: asyncio.Future[Taker] | None = None

    def __post_init__(self) -> None:
        self.id = self.id or self.channel.id
        self.person = self.channel

    @property
    def known(self) -> Reception:
        """What the CRM knows; only for steps after the first one, which asks it."""
        assert self.reception is not None
        return self.reception

    @property
    def last_resort(self) -> str:
        """Dialplan context that takes the person if a flow fails."""
        is_ours = self.direction is not CallDirection.IN and not self.person.endpoint.startswith("trunk-")
        return "staff-alone" if is_ours else "last-resort"

    @property
    def is_ordered(self) -> bool:
        """Whether the call was ordered, so that we rang the agent, whose phone is answered from the beginning."""
        return self.id.startswith(ORDER_MARK)

    @property
    def talk_bridge(self) -> MixingBridge:
        """The bridge in which the person talks, or waits with music."""
        if self._bridge is None:
            self._bridge = MixingBridge(self.context.client, f"{BRIDGE_MARK}{self.id}")
        return self._bridge

    @property
    def has_talked(self) -> bool:
        return self._bridge is not None

    @property
    def recording_mode(self) -> str:
        return self.reception.recording if self.reception else "off"

    @property
    def target(self) -> str:
        """The transfer target, as it was dialed."""
        return self.kept.target if isinstance(self.kept, PassedTo) else ""

    @property
    def extension(self) -> str:
        """The extension of the colleague who is called."""
        return self.kept.extension if isinstance(self.kept, ToColleague) else ""

    @property
    def transferrer_device(self) -> str:
        return endpoint_of(self.transferrer)

    def has(self, channel_id: str) -> bool:
        """Whether a channel is part of this call; phones that are only ringing are not."""
        return channel_id in self.parts

    @property
    def parts(self) -> set[str]:
        """Ids of its channels, except phones that are only ringing."""
        return {self.person.id, self.channel.id, *([self.peer_leg] if self.peer_leg else []), *self.joining}

    def release(self) -> None:
        self.channel.release()
        self.person.release()

    @property
    def shown(self) -> str | None:
        """The caller's number or digits, for display on phones; None: they show that it is withheld."""
        return None if self.is_withheld else self.caller or self.caller_digits or None

    def arrived(self) -> None:
        """Emits the fact that the call arrived."""
        self.emit(
            CallArrived(
                *self.stamp("arrived"),
                did=self.did,
                caller=self.caller,
                trunk=self.trunk,
                attestation=self.attestation,
                withheld=self.is_withheld,
                dialled=self.dialled,
                caller_digits=self.caller_digits,
            )
        )

    def emit(self, fact: Fact) -> None:
        """Emits a fact. It is on disk when this returns, and in the database soon.

        What our own phones dial is only a call once it is placed: of a misdialed extension, a feature code or a
        voicemail that somebody listens to, nothing is recorded, however it ends.
        """
        if isinstance(fact, LegRang):
            self.rung[fact.leg_id] = fact.agent
        self.context.calls.has_changed(self)
        self.is_on_record = self.is_on_record or isinstance(fact, CallArrived | CallPlaced)
        if self.is_on_record or self.direction is CallDirection.IN:
            self.context.journal.append(fact)

    def stamp(self, once: str = "") -> tuple[str, str, datetime]:
        """The first fields of any fact of this call: its own id, the call's, and the time.

        `once` names a fact that happens once per call, so that emitting it again after a restart changes nothing.
        """
        # A clock that is set back must not put what follows before what was: a call's story is told by its times.
        now = self.context.now()
        self._latest = self._latest + timedelta(microseconds=1) if self._latest and self._latest > now else now
        return f"{self.id}/{once or uuid.uuid4().hex[:12]}", self.id, self._latest

    async def take(self, step: CallStep, **variables: str) -> None:
        """Enters a step, which Asterisk keeps with the person's channel, for the app that starts after a crash."""
        log.info("step", extra={"step": step.value})
        if step is CallStep.RING:
            self.kept = None
            variables |= {"LL_STAGE": written(self.kept)}
        else:
            self.to_ring = None
        await self.tell(LL_STEP=step.value, **variables)
        self.step = step
        self.context.calls.has_returned(self)
        self.emit(StepTaken(*self.stamp(), step=step))

    def keep(self, **variables: str) -> None:
        """Keeps variables for the app that starts after a crash: they are set in Asterisk with the next step, or by
        `tell`."""
        self._kept |= variables

    async def tell(self, **variables: str) -> None:
        """Sets variables on the person's channel in Asterisk at once, together with those kept for the next step."""
        variables, self._kept = self._kept | variables, {}
        if variables:
            await self.person.set_variables(**variables)

    async def follows(self, person: Handle, peer: Handle) -> None:
        """The person was reached: from now on, the talk and what follows it are kept with their channel.

        `peer` is the agent's channel. The person's channel is set first, so that an app that restarts in between finds
        it to be the one that names the other as its peer.
        """
        former, self.person, self.peer_leg = self.person, person, peer.id
        await person.set_variables(
            LL_STEP=CallStep.TALK.value,
            LL_STAGE="",
            LL_PEER=peer.name,
            LL_CALL=self.id,
            LL_DID=self.did,
            LL_TRUNK=self.trunk,
            LL_DIRECTION=self.direction.value,
            LL_NUMBER=self.caller or "",
        )
        if former is not person:
            await former.set_variables(LL_STEP=PEER, LL_CALL=self.id)

    def leg_of(self, channel_id: str, device: str) -> str:
        """The id on record of a channel's part in this call, which exists even for a channel that came from another
        call."""
        if channel_id == self.id or channel_id.startswith(f"{self.id}{LEG_MARK}"):
            return channel_id
        return f"{self.id}{LEG_MARK}{device}-{hashlib.sha256(channel_id.encode()).hexdigest()[:6]}"

    def leg_over(self, channel_id: str, device: str) -> None:
        """Records that an agent's part in the talk has ended."""
        leg = self.leg_of(channel_id, device)
        self.emit(TalkEnded(*self.stamp(f"talk-ended-{leg}"), leg_id=leg))
        self.emit(LegEnded(*self.stamp(f"leg-ended-{leg}"), leg_id=leg, status=DialStatus.ANSWER))

    def leg_succeeds(self, former_id: str, former_device: str, channel_id: str, device: str, agent: str) -> None:
        """Records that another phone has taken over an agent's part in the call."""
        self.leg_over(former_id, former_device)
        leg = self.leg_of(channel_id, device)
        self.emit(LegRang(*self.stamp(f"leg-{leg}"), leg_id=leg, device=device, agent=agent, stage="replaced"))
        if self.step is CallStep.TALK:
            self.emit(TalkStarted(*self.stamp(f"talk-{leg}"), leg_id=leg))

    # --- a colleague takes the person over ---

    def offer(self, taker: Taker) -> bool:
        """Lets a colleague take the waiting person; returns False if they are no longer waiting."""
        if self._taken is None or self._taken.done():
            return False
        self._taken.set_result(taker)
        return True

    def open_to_offers(self) -> asyncio.Future[Taker]:
        """Called by a step in which the person waits, which ends it with `close_to_offers`."""
        self._taken = asyncio.get_running_loop().create_future()
        self.context.calls.has_changed(self)
        self.context.calls.has_returned(self)
        return self._taken

    def close_to_offers(self) -> None:
        if self._taken:
            self._taken.cancel()
        self._taken = None
        self.context.calls.has_changed(self)

    @property
    def no_longer_waits(self) -> asyncio.Future[Taker]:
        """Done, or cancelled, once nobody can take the waiting person any more."""
        assert self._taken is not None
        return self._taken

    @property
    def was_taken(self) -> bool:
        """Whether a colleague has taken the person, and the step they wait in has yet to end."""
        return self._taken is not None and self._taken.done() and not self._taken.cancelled()

    @property
    def is_waiting(self) -> bool:
        return self._taken is not None and not self._taken.done()

    def sounds(self, *names: str) -> list[Path]:
        """Paths of prompts, given by name, in the caller's language."""
        language = self.language or (self.reception.language if self.reception else "en")
        return [self.context.config.prompt(name, language) for name in names]
