"""What is happening now: the calls and phones as the app tells them, who the agents are, and what has just come in.

It is kept for all browsers together, in this process, and each change goes to the event stream as the row that has
changed. The page shows the same rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.context import Crm
from crm.domain.access import ACTS, Act, Role
from crm.domain.calls import CallDirection, CallStep
from crm.domain.errors import CrmError
from crm.edge.live_link import LiveLink
from crm.edge.live_state import SECRET, CallNow, LiveDelta, LiveWhole, PhoneNow
from crm.secrets import SecretError
from crm.services.access.sessions import SignedIn
from crm.views import board as view
from crm.views.board import BoardAgent, BoardOffice, News, NewsKind, NewsMark
from crm.web.console.counts import WaitingCounts
from crm.web.console.looks import ConsoleLooks
from crm.web.console.stream import EventForm, EventHub
from crm.words.console.board import WORDS

RETRY_SECONDS = 5.0
_SHOWN, _GONE = "shown", "gone"
RINGING = frozenset({CallStep.RING, CallStep.DIALLING})
WAITING = frozenset({CallStep.QUEUE, CallStep.PARKED, CallStep.TRANSFER, CallStep.CONSULT, CallStep.REJOIN})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AgentNow:
    """An agent, as they can be reached now."""

    agent: BoardAgent
    state: str
    """talking, ringing, free, dnd, away (no phone is there) or off (off duty)."""
    until: datetime | None = None
    """When do not disturb ends by itself."""
    phones: tuple[str, ...] = ()
    """Slugs of those that are there."""
    deaf: tuple[str, ...] = ()
    """Browsers that did not ring when they were called last."""
    has_page: bool = False
    """Whether a page of the console is open in one of their browsers."""


def sees(who: SignedIn, call: CallNow | None) -> bool:
    """Whether somebody may know of a call: it is about a property within their reach, or they are in it themselves."""
    if call is None:
        return False
    return who.reach.holds(call.property_id) or (
        who.agent is not None and any(party.agent == who.agent for party in call.parties)
    )


def sees_news(who: SignedIn, news: News) -> bool:
    if who.reach.properties is None or (news.owner and news.owner == who.agent):
        return True
    return not news.properties.isdisjoint(who.reach.properties)


class Board:
    """`run` follows the app and the record, until it is cancelled; without it, nothing is known."""

    def __init__(self, crm: Crm, looks: dict[str, ConsoleLooks]) -> None:
        self._crm = crm
        self._looks = looks
        self.hub = EventHub(crm)
        self.hub.on_agent = self._agent_changed
        self.counts = WaitingCounts(crm, self.hub)
        self.link = LiveLink(crm.config.ports.live, self._secret, self._hear)
        self.calls: dict[str, CallNow] = {}
        """By id, the oldest first, with the agents of all phones."""
        self.agents: dict[str, AgentNow] = {}
        """By slug, in the order of their names."""
        self._office: BoardOffice | None = None
        self._mark: NewsMark | None = None
        self._dnd: asyncio.TimerHandle | None = None

    def _secret(self) -> str:
        try:
            return self._crm.secrets.ensure(SECRET)
        except SecretError as error:
            raise OSError(str(error)) from error

    @property
    def is_connected(self) -> bool:
        return self.link.is_connected

    async def run(self) -> None:
        work = [self.link.run(), self._follow_office(), self._follow_news(), self.hub.run(), self.counts.run()]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            if self._dnd:
                self._dnd.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def calls_for(self, who: SignedIn) -> list[CallNow]:
        return sorted((call for call in self.calls.values() if sees(who, call)), key=lambda call: call.began)

    def call(self, call_id: str, who: SignedIn) -> CallNow | None:
        found = self.calls.get(call_id)
        return found if sees(who, found) else None

    # --- what the app tells ---

    def _hear(self, told: LiveWhole | LiveDelta | None) -> None:
        if told is None:
            # What was going on goes on, but nobody knows how.
            self.hub.tell(lambda who: "all", lambda form, language, role: EventForm("app", {"is_there": False}))
            return
        if isinstance(told, LiveWhole):
            self.hub.tell(lambda who: "all", lambda form, language, role: EventForm("app", {"is_there": True}))
            gone = self.calls.keys() - {call.id for call in told.calls}
            self._say_calls(told.calls, sorted(gone))
            self._say_agents(self._office.agents if self._office else ())
            return
        self._say_calls(told.calls, told.gone)
        owners = self._office.owners if self._office else {}
        self._say_agents({owners[device] for device in self._devices(told) if device in owners})

    def _devices(self, told: LiveDelta) -> Iterable[str]:
        yield from (phone.device for phone in told.phones)
        yield from told.phones_gone

    def _say_calls(self, changed: Iterable[CallNow], gone: Iterable[str]) -> None:
        for call in changed:
            known = self._with_agents(call)
            before = self.calls.get(call.id)
            if before != known:
                self.calls[call.id] = known
                self._say_call(call.id, before, known)
        for id in gone:
            if before := self.calls.pop(id, None):
                self._say_call(id, before, None)

    def _with_agents(self, call: CallNow) -> CallNow:
        owners = self._office.owners if self._office else {}
        parties = tuple(
            type(party)(party.device, party.state, party.agent or owners.get(party.device, ""))
            for party in call.parties
        )
        return CallNow(**{name: getattr(call, name) for name in CallNow.__struct_fields__} | {"parties": parties})

    def _say_call(self, id: str, before: CallNow | None, now: CallNow | None) -> None:
        def form(who: SignedIn) -> str:
            return _SHOWN if sees(who, now) else _GONE if sees(who, before) else ""

        def tell(form: str, language: str, role: Role) -> EventForm:
            if form == _GONE or now is None:
                return EventForm("call", {"id": id, "html": ""})
            looks = self._looks[language]
            said: dict[str, object] = {"id": id, "html": self.call_row(looks, now, role), "state": state_of(now)}
            if before is None or before.step != now.step:
                said["said"] = self.sentence(looks, now)
            said["recorded"] = now.is_recorded
            said |= {"direction": now.direction, "is_new": before is None}
            said["agents"] = [[party.agent, party.state] for party in now.parties if party.agent]
            return EventForm("call", said)

        self.hub.tell(form, tell)

    def call_row(self, looks: ConsoleLooks, call: CallNow, role: Role) -> str:
        return looks.render_macro(
            "board_rows", "call", call, state_of(call), self.names(call), self.acts(call, role), say_in(looks)
        )

    def acts(self, call: CallNow, role: Role) -> list[str]:
        return acts_on(call, role, self._crm.config.console.listen_in)

    def names(self, call: CallNow) -> dict[str, str]:
        """Of the agents in a call, by slug."""
        agents = self._office.agents if self._office else {}
        return {one.agent: agents[one.agent].name for one in call.parties if one.agent in agents}

    def sentence(self, looks: ConsoleLooks, call: CallNow) -> str:
        """What a screen reader says of a call that is new, or has come to another step."""
        who = call.name or looks.phone(call.number) or looks.say(WORDS, "somebody")
        about = f", {call.property_name}" if call.property_name else ""
        return f"{who}{about}: {looks.code(CallStep, call.step or CallStep.ARRIVED)}"

    # --- agents ---

    def _agent_changed(self, agent: str) -> None:
        self._say_agents([agent])

    def _say_agents(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            agent = self._office.agents.get(slug) if self._office else None
            if agent is None:
                continue
            now = self._agent_now(agent)
            if self.agents.get(slug) == now:
                continue
            self.agents[slug] = now
            self._say_agent(now)

    def _say_agent(self, now: AgentNow) -> None:
        def tell(form: str, language: str, role: Role) -> EventForm:
            looks = self._looks[language]
            said: dict[str, object] = {"slug": now.agent.slug, "html": self.agent_row(looks, now), "state": now.state}
            return EventForm("agent", said)

        self.hub.tell(lambda who: "all", tell)

    def agent_row(self, looks: ConsoleLooks, agent: AgentNow) -> str:
        return looks.render_macro("board_rows", "agent", agent, say_in(looks))

    def _agent_now(self, agent: BoardAgent) -> AgentNow:
        now = self._crm.now()
        phones = {device.slug: self.link.phones.get(device.slug, PhoneNow(device.slug)) for device in agent.devices}
        there = [device for device in agent.devices if phones[device.slug].is_online or device.kind == "mobile"]
        quiet = [device for device in there if device.has_dnd(now)]
        ends = [device.dnd_until for device in quiet if device.dnd_until]
        deaf = tuple(slug for slug, phone in phones.items() if phone.is_deaf)
        until = None
        if any(phone.is_talking for phone in phones.values()):
            state = "talking"
        elif any(phone.is_ringing for phone in phones.values()):
            state = "ringing"
        elif not agent.on_duty:
            state = "off"
        elif not any(phone.is_online for phone in phones.values()):
            state = "away"
        elif len(quiet) == len(there):
            state, until = "dnd", min(ends) if len(ends) == len(quiet) else None
        else:
            state = "free"
        here = tuple(slug for slug, phone in phones.items() if phone.is_online)
        return AgentNow(agent, state, until, here, deaf, self.hub.is_there(agent.slug))

    async def _follow_office(self) -> None:
        changed = asyncio.Event()
        changed.set()
        with self._crm.store.changes.told(("agent", "device"), changed.set):
            while True:
                await changed.wait()
                changed.clear()
                if not await self._quietly(self._look_at_office):
                    await asyncio.sleep(RETRY_SECONDS)
                    changed.set()

    async def _look_at_office(self) -> None:
        before = self._office
        self._office = await self._crm.store.read(view.office, before)
        if self._office is before:
            return
        removed = self.agents.keys() - self._office.agents.keys()
        for slug in removed:
            del self.agents[slug]
        # In the order of their names, so that the page has it.
        self.agents = {slug: self.agents[slug] for slug in self._office.agents if slug in self.agents}
        if removed or (before and before.agents.keys() != self._office.agents.keys()):
            self.hub.tell(lambda who: "all", lambda form, language, role: EventForm("refetch", {}))
        self._say_agents(self._office.agents)
        self.agents = {slug: self.agents[slug] for slug in self._office.agents}
        self._say_calls(self.link.calls.values(), ())
        self._wait_for_dnd()

    def _wait_for_dnd(self) -> None:
        """Looks again when the next do not disturb ends by itself."""
        if self._dnd:
            self._dnd.cancel()
            self._dnd = None
        now = self._crm.now()
        agents = self._office.agents.values() if self._office else ()
        ends = [
            (device.dnd_until, agent.slug)
            for agent in agents
            for device in agent.devices
            if device.dnd and device.dnd_until and device.dnd_until > now
        ]
        if ends:
            at, slug = min(ends)
            self._dnd = asyncio.get_running_loop().call_later((at - now).total_seconds() + 0.1, self._dnd_is_over, slug)

    def _dnd_is_over(self, agent: str) -> None:
        self._dnd = None
        self._say_agents([agent])
        self._wait_for_dnd()

    # --- what comes in ---

    async def _follow_news(self) -> None:
        changed = asyncio.Event()
        changed.set()
        with self._crm.store.changes.told(("message", "task", "mail", "arrival"), changed.set):
            while True:
                await changed.wait()
                changed.clear()
                if not await self._quietly(self._look_for_news):
                    await asyncio.sleep(RETRY_SECONDS)
                    changed.set()

    async def _look_for_news(self) -> None:
        if self._mark is None:
            self._mark = await self._crm.store.read(view.mark)
            return
        found, self._mark = await self._crm.store.read(view.news, self._mark)
        for one in found:
            self._say_news(one)

    def _say_news(self, news: News) -> None:
        def tell(form: str, language: str, role: Role) -> EventForm:
            looks = self._looks[language]
            who = news.name or looks.phone(news.number) or news.why or looks.say(WORDS, "somebody")
            said: dict[str, Any] = {
                "kind": news.kind.value,
                "id": news.id,
                "lead": news.lead,
                "owner": news.owner,
            }
            # Of emails and inquiries, the tasks that they bring tell.
            if news.kind not in (NewsKind.MAIL, NewsKind.FORM):
                said["said"] = looks.say(WORDS, f"news_{news.kind}", who=who)
            return EventForm("news", said)

        self.hub.tell(lambda who: "all" if sees_news(who, news) else "", tell)

    async def _quietly(self, look: Callable[[], Any]) -> bool:
        try:
            await look()
        except (CrmError, TimeoutError) as error:
            _log.warning("the board could not be brought up to date: %s", error)
            return False
        return True


def state_of(call: CallNow) -> str:
    """How a call's row looks: ringing, talking or waiting, or "" for what needs nobody."""
    if call.step in RINGING:
        return "ringing"
    if call.step in WAITING:
        return "waiting"
    return "talking" if call.step == CallStep.TALK else ""


def acts_on(call: CallNow, role: Role, listen_in: str) -> list[str]:
    """What somebody in a role may do with a call that they see, as far as it can be done now; `listen_in` is the
    setting."""
    may = ACTS[role]
    acts = []
    if Act.WORK in may and call.is_waiting:
        acts.append("fetch" if call.slot else "pick_up" if state_of(call) else "take")
    if Act.SUPERVISE in may:
        if call.step == CallStep.TALK and call.direction != CallDirection.INTERNAL:
            if listen_in == "always" or (listen_in == "announced" and call.is_recorded):
                acts.append("listen")
            acts.append("take_over")
        if call.step == CallStep.TALK:
            acts.append("park")
        if not call.is_emergency:
            acts.append("hang_up")
    return acts


def may_send(call: CallNow, role: Role) -> bool:
    """Whether the person can be sent to a colleague."""
    return Act.SUPERVISE in ACTS[role] and (call.is_waiting or call.step == CallStep.TALK)


def needs(act: str) -> Act:
    return Act.WORK if act in ("pick_up", "take", "fetch") else Act.SUPERVISE


def say_in(looks: ConsoleLooks) -> Callable[..., str]:
    def say(key: str, **values: object) -> str:
        return looks.say(WORDS, key, **values)

    return say
