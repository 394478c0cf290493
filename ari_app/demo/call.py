"""`leaseline demo call`: a prospect's call with a real softphone, and a report of what they heard and what is now in
the CRM.

The caller's and the agents' phones are baresip on loopback. The call arrives through the demo trunk; in an office that
is no demo, through a trunk that is made for it and retired after it (`phones.loopback`). What the caller heard is not
assumed: it is recognized in a recording of the audio that their phone received.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from ari_app.call.race import end_all, race, until_done
from ari_app.demo import CALLER, conversation, listening
from ari_app.demo.softphone import Softphone, SoftphoneError, softphone
from ari_app.heartbeat import is_connected
from asterisk_conf.prompts import speech
from crm import context
from crm.config import Config
from crm.context import Crm
from crm.domain.calls import CallStep, KeyPressed, Speaker
from crm.domain.dialing import LOOPBACK_TRUNK
from crm.domain.errors import CrmError, Invalid, NotFound
from crm.domain.leads import LeadStatus
from crm.domain.ringing import DeviceKind
from crm.secrets import of_trunk
from crm.services.audit import By
from crm.services.office import owners
from crm.services.phones import devices, loopback, publish, trunks
from crm.services.phones.spoken import path_of
from crm.services.system.directory import DEMO_TRUNK
from crm.services.tours import times
from crm.services.tours.dialogue import aloud
from crm.store import revision
from crm.store.models import Agent, Call, CallEvent, Device, Leg, Line, Message, Property, TalkRecord, Tour, Trunk
from crm.store.queries import tasks
from crm.words.codes import in_words

PORTS_PER_PHONE = 3
"""Ports for SIP, SIP over TLS (baresip uses the next port for it), and the control channel."""
MOST_PHONES = 3
STEP_SECONDS = 90.0
"""Longest wait for the call's next step: two rounds of the menu, or all stages of ringing."""
LISTEN_SECONDS = 2.5
"""How long the caller listens before pressing a key, and the agent's phone rings before it is answered."""
TALK_SECONDS = 6.0
BOOKED_SECONDS = 7.0
"""How long they listen to what was booked."""
ASKING = (CallStep.MENU, CallStep.TEXT_OFFER, CallStep.TOUR_OFFER, CallStep.QUEUE)
"""Steps in which keys are answers."""
ENDS = (CallStep.TEXT_OFFER, CallStep.TOUR_OFFER, CallStep.TALK, CallStep.VOICEMAIL, CallStep.UNKNOWN_LINE)
"""Steps in which a caller without more keys says something or hangs up."""
MOST_TIMES = 60
"""Tour times that are recognized when they are heard."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """What the caller does."""

    press: tuple[str, ...] = ()
    """Keys, each pressed at the next menu."""
    answer: str | None = None
    """Agent or device whose phone answers; None: no agent's phone is running."""
    leave_voicemail: str | None = None
    ai: tuple[str, ...] = ()
    """Sentences that they say to the voice agent, each when it has answered the one before."""
    hang_up_after: float | None = None
    """Seconds after the call was answered."""
    caller: str = CALLER
    line: str | None = None
    """Number to call; None: the first line."""


@dataclass(frozen=True)
class DemoMoment:
    at: float
    """Seconds after the call was answered."""
    kind: str
    """heard, pressed, said, hung_up, or was_hung_up (by the other side); in a talk with the voice agent also understood
    (by it, of the caller), agent (it said), did, and failed (it could not go on)."""
    text: str


@dataclass(frozen=True)
class DemoReport:
    """The result of a demo call."""

    call_id: str
    line: str
    caller: str
    moments: tuple[DemoMoment, ...]
    outcome: str | None
    legs: tuple[str, ...]
    lead: str
    task: str
    tour: str
    """The tour that was booked; empty: none."""
    texts: tuple[str, ...]
    """Texts that the CRM sends, with their state."""
    texts_on_phone: tuple[str, ...]
    """Texts that reached the caller's phone during the call."""
    summary: str
    """What the voice agent has found out; empty where it did not answer."""


async def call(config: Config, options: Options, say: Callable[[str], None] = lambda text: None) -> DemoReport:
    """Places the call and reports on it. Raises CrmError, which says what to do, if that fails. `say` gets progress."""
    if not is_connected(config, since=datetime.now(UTC) - timedelta(seconds=10)):
        raise CrmError("Leaseline is not running.", code="demo_not_running")
    crm = context.opened(config)
    try:
        if trouble := revision.problem(await asyncio.to_thread(crm.store.revision)):
            raise trouble
        with tempfile.TemporaryDirectory(prefix="leaseline-demo-") as folder:
            demo = _Demo(crm, options, Path(folder), say)
            return await demo.run()
    except SoftphoneError as error:
        raise CrmError(f"The demo's phone failed: {error}", code="demo_phone_failed") from error
    finally:
        crm.store.close()


class _Demo:
    def __init__(self, crm: Crm, options: Options, folder: Path, say: Callable[[str], None]) -> None:
        self.crm, self.config = crm, crm.config
        self.options = options
        self.folder = folder
        self.say = say
        self.moments: list[DemoMoment] = []
        self.started = datetime.now(UTC)
        self.answered_at = 0.0
        self.clips: dict[str, Path] = {}
        self.words: dict[str, str] = {}
        """What is said in a clip or prompt, by its name."""
        self.phones = 0
        self.trunk = DEMO_TRUNK
        self.spoken: dict[str, Path] = {}
        """The audio of sentences that are made for this call, such as tour times."""

    async def run(self) -> DemoReport:
        line = await self._line()
        async with contextlib.AsyncExitStack() as stack:
            if self.trunk == LOOPBACK_TRUNK:
                await stack.enter_async_context(self._own_trunk())
            self.spoken = await self._query(partial(_sentences_of_tours, self.config, line, self.crm.now()))
            if self.options.ai:
                self.say("getting the voice agent ready")
                await stack.enter_async_context(conversation.ears_and_mouth(self.crm))
                await stack.enter_async_context(conversation.answering(self.crm, line))
            agents = [await stack.enter_async_context(self._phone(slug)) for slug in await self._answering()]
            caller = await stack.enter_async_context(self._caller())
            self.say(f"{self.options.caller} calls {line}")
            await caller.dial(f"sip:{line}@127.0.0.1:{self.config.ports.sip}")
            await caller.wait_for("CALL_ESTABLISHED")
            self.answered_at = asyncio.get_running_loop().time()
            answering = [asyncio.create_task(self._answer(phone)) for phone in agents]
            try:
                await self._until_hung_up(caller)
            finally:
                for task in answering:
                    task.cancel()
                await asyncio.gather(*answering, return_exceptions=True)
            self.say("the call is over; reading the CRM")
            call_id = await self._closed_call()
            with contextlib.suppress(SoftphoneError):
                expected = await self._texts(call_id)
                if expected:
                    await caller.wait_until(lambda: bool(caller.texts), "text", seconds=5)
            texts_on_phone = tuple(caller.texts)
            heard = self._heard(caller)
            heard += await self._dialogue(call_id)
        moments = sorted([*self.moments, *heard], key=lambda moment: moment.at)
        return await self._told(call_id, line, tuple(moments), texts_on_phone)

    # --- the phones ---

    def _ports(self) -> tuple[int, int]:
        first = self.config.ports.demo + PORTS_PER_PHONE * self.phones
        self.phones += 1
        return first, first + 2

    def _caller(self) -> contextlib.AbstractAsyncContextManager[Softphone]:
        # The first block: the demo trunk's peer is at that port, so texts to the caller arrive there, too.
        first = self.config.ports.demo
        return softphone(
            self.folder / "caller",
            user=self.options.caller,
            server=f"127.0.0.1:{self.config.ports.sip}",
            sip_port=first,
            control_port=first + 2,
            secret=self.crm.secrets.get(of_trunk(self.trunk)),
            auth_user=trunks.endpoint(self.trunk),
            register=False,
        )

    @contextlib.asynccontextmanager
    async def _own_trunk(self) -> AsyncIterator[None]:
        """A trunk for this call alone."""
        crm, by = self.crm, By("leaseline demo call", self.crm.now())
        await crm.store.run(loopback.put, crm.secrets, by, self.config.ports.demo)
        try:
            await publish.publish(crm)
            yield
        finally:
            # Also when the call is given up: it must not stay.
            await asyncio.shield(self._remove_trunk(by))

    async def _remove_trunk(self, by: By) -> None:
        await self.crm.store.run(loopback.clear, self.crm.secrets, by)
        await publish.publish(self.crm)

    @contextlib.asynccontextmanager
    async def _phone(self, slug: str) -> AsyncIterator[Softphone]:
        self.phones = max(self.phones, 1)
        sip_port, control_port = self._ports()
        async with softphone(
            self.folder / slug,
            user=slug,
            server=f"127.0.0.1:{self.config.ports.sip}",
            sip_port=sip_port,
            control_port=control_port,
            secret=self.crm.secrets.get(devices.secret_name(slug)),
        ) as phone:
            self.say(f"{slug} is registered")
            yield phone

    async def _answer(self, phone: Softphone) -> None:
        await phone.wait_for("CALL_INCOMING", seconds=STEP_SECONDS)
        await asyncio.sleep(LISTEN_SECONDS)
        await phone.answer()
        await phone.wait_for("CALL_ESTABLISHED")
        agent = phone.user.partition("-")[0].capitalize()
        clip = await self._clip(phone.user, f"Hello, this is {agent} from the leasing team. How can I help you?")
        await phone.say(clip)
        self.say(f"{phone.user} answers")

    async def _clip(self, name: str, text: str) -> Path:
        path = self.folder / f"{name.replace(' ', '-')}.wav"
        await asyncio.to_thread(speech.synthesize, text, "en", path)
        self.clips[name] = path
        self.words[name] = f"{name}: {text}"
        return path

    # --- what the caller does ---

    async def _until_hung_up(self, caller: Softphone) -> None:
        over = asyncio.create_task(caller.wait_for("CALL_CLOSED", seconds=600))
        try:
            await race(self._script(caller), until_done(over))
            if not over.done():
                await caller.hang_up()
                self._add("hung_up", "")
            else:
                self._add("was_hung_up", "")
            await over
        finally:
            await end_all([over])

    async def _script(self, caller: Softphone) -> None:
        """The caller's part; returns when it is time for them to hang up."""
        if self.options.hang_up_after is None:
            await self._play_part(caller)
            return
        part = asyncio.create_task(self._play_part(caller, stay=True))
        try:
            await asyncio.sleep(self.options.hang_up_after)
        finally:
            part.cancel()
            await asyncio.gather(part, return_exceptions=True)

    async def _play_part(self, caller: Softphone, stay: bool = False) -> None:
        if self.options.ai:
            await self._converse(caller)
        words = await self._clip("voicemail", self.options.leave_voicemail) if self.options.leave_voicemail else None
        since = 0
        for number, key in enumerate(self.options.press, start=1):
            await self._step_is(*ASKING)
            await self._hears_something(caller, since)
            await asyncio.sleep(LISTEN_SECONDS)
            since = len(_so_far(caller))
            await caller.press(key)
            self._add("pressed", key)
            self.say(f"the caller pressed {key}")
            await self._until(partial(self._was_understood, number), f"answer to key {key}", STEP_SECONDS)
        if self.options.ai and not self.options.press and not await self._was_passed_on():
            return
        step = await self._until(self._arrived, "end of the menu", STEP_SECONDS)
        if stay:
            await asyncio.Event().wait()
        if step is CallStep.TALK:
            await asyncio.sleep(TALK_SECONDS)
        elif step is CallStep.TOUR_OFFER:
            await self._hears_something(caller, since)
            await asyncio.sleep(BOOKED_SECONDS)
        elif step is CallStep.TEXT_OFFER:
            await asyncio.sleep(self._length("link_sent") + self._length("text_offer") + 0.5)
        elif step is CallStep.VOICEMAIL:
            await asyncio.sleep(self._length("nobody_available") + 0.7)
            if words:
                await caller.say(words)
                self._add("said", self.options.leave_voicemail or "")
                await asyncio.sleep(len(listening.read(words)) / listening.RATE + 0.3)
                await caller.press("#")
                self._add("pressed", "#")
                await asyncio.Event().wait()  # The system thanks and hangs up.
        else:
            await asyncio.Event().wait()

    async def _arrived(self) -> CallStep | None:
        """The step in which the caller has what they wanted, or has to say something; None: not yet."""
        latest = await self._latest()
        if latest is None or latest.step not in ENDS:
            return None
        if latest.step == CallStep.TOUR_OFFER and not await self._query(partial(_has_booked, latest.id)):
            return None
        return CallStep(latest.step)

    async def _was_understood(self, number: int) -> bool | None:
        """Whether so many keys have been understood; a call that is over takes none."""
        latest = await self._latest()
        if latest is None:
            return None
        return bool(latest.outcome) or await self._query(partial(_keys, latest.id)) >= number or None

    async def _hears_something(self, caller: Softphone, since: int) -> None:
        """Waits until the caller hears what was begun after so many samples."""

        async def audible() -> bool | None:
            heard = await asyncio.to_thread(_so_far, caller)
            return bool((abs(heard[since:]) > listening.LOUD).any()) or None

        await self._until(audible, "next sentence", STEP_SECONDS)

    async def _converse(self, caller: Softphone) -> None:
        """Says each sentence to the voice agent, as long as it listens."""
        if await self._step_is(CallStep.VOICE_AGENT, CallStep.MENU) is CallStep.MENU:
            raise CrmError(
                "The menu answered: this caller has a tour or an application, or the voice agent cannot answer now.",
                code="demo_without_voice_agent",
            )
        latest = await self._latest()
        assert latest is not None
        for number, sentence in enumerate(self.options.ai):
            clip = await self._clip(f"sentence {number + 1}", sentence)
            if not await conversation.until_said(self.crm, latest.id, caller.heard, number):
                break
            await caller.say(clip)
            self._add("said", f'"{sentence}"')
            self.say(f"the caller says: {sentence}")
            await asyncio.sleep(len(listening.read(clip)) / listening.RATE)
        await conversation.until_said(self.crm, latest.id, caller.heard, len(self.options.ai))

    async def _was_passed_on(self) -> bool:
        """Whether somebody else than the voice agent has the caller now."""
        latest = await self._latest()
        return latest is not None and latest.step != CallStep.VOICE_AGENT

    async def _dialogue(self, call_id: str) -> list[DemoMoment]:
        kinds = {Speaker.AGENT: "agent", Speaker.CALLER: "understood", Speaker.ACT: "did", Speaker.KEYS: "pressed"}
        turns = await conversation.turns(self.crm, call_id)
        told = [DemoMoment(turn.started, kinds[Speaker(turn.who)], conversation.in_words(turn)) for turn in turns]
        if await conversation.has_failed(self.crm, call_id):
            asked = [one.at for one in self.moments if one.kind == "said"]
            last = max([*(turn.ended for turn in turns), *asked], default=0.0)
            # On a slow machine, the recognizer is late.
            told.append(DemoMoment(last + 0.01, "failed", "the menu is next; the log of the app says why"))
        return told

    def _length(self, prompt: str) -> float:
        return len(listening.read(self.config.prompt(prompt, "en"))) / listening.RATE

    def _add(self, kind: str, text: str) -> None:
        self.moments.append(DemoMoment(asyncio.get_running_loop().time() - self.answered_at, kind, text))

    # --- what the CRM says ---

    async def _query(self, ask: Callable[[Session], Any]) -> Any:
        return await self.crm.store.read(ask)

    async def _line(self) -> str:
        def ask(session: Session) -> Any:
            own = session.scalar(select(Trunk).where(Trunk.slug == DEMO_TRUNK, Trunk.enabled))
            # One that was retired and is back has no password any more.
            if own is None or not self.crm.secrets.has(of_trunk(DEMO_TRUNK)):
                self.trunk = LOOPBACK_TRUNK
            wanted = select(Line.number).order_by(Line.id)
            return session.scalar(wanted.where(Line.number == self.options.line) if self.options.line else wanted)

        number = await self._query(ask) or self.options.line
        if not number:
            raise NotFound("There is no line to call.", code="demo_line_missing")
        return str(number)

    async def _answering(self) -> list[str]:
        """Devices whose phones are to answer."""
        if not self.options.answer:
            return []
        if self.trunk != DEMO_TRUNK:
            # A phone that registers as theirs would take the place of their own.
            raise Invalid("In an office that is no demo, its own phones ring: answer one.", code="demo_answer_own")

        def ask(session: Session) -> Any:
            wanted = select(Device.slug).join(Agent, Device.agent_id == Agent.id)
            named = (Device.slug == self.options.answer) | (Agent.slug == self.options.answer)
            return list(session.scalars(wanted.where(named, Device.kind != DeviceKind.MOBILE)))

        slugs = await self._query(ask)
        if not slugs:
            raise NotFound(f"There is no agent or device named {self.options.answer!r}.", code="demo_answer_unknown")
        if len(slugs) >= MOST_PHONES:
            raise Invalid(f"{self.options.answer} has {len(slugs)} devices.", code="demo_phones_many")
        return [str(slug) for slug in slugs]

    async def _latest(self) -> Call | None:
        def ask(session: Session) -> Any:
            return session.scalar(
                select(Call)
                .where(Call.caller == self.options.caller, Call.started_at >= self.started)
                .order_by(Call.started_at.desc())
                .limit(1)
            )

        found: Call | None = await self._query(ask)
        return found

    async def _step_is(self, *steps: CallStep) -> CallStep:
        async def reached() -> CallStep | None:
            latest = await self._latest()
            return CallStep(latest.step) if latest and latest.step in steps else None

        return await self._until(reached, f"step {' or '.join(steps)}", STEP_SECONDS)

    async def _closed_call(self) -> str:
        async def closed() -> str | None:
            latest = await self._latest()
            return latest.id if latest and latest.outcome else None

        return await self._until(closed, "outcome in the CRM", 15)

    async def _until(self, ask: Callable[[], Awaitable[Result | None]], what: str, seconds: float) -> Result:
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := await ask()) is None:
            if asyncio.get_running_loop().time() > deadline:
                raise CrmError(f"The call did not get to its {what} within {seconds:g} s.", code="demo_stuck")
            await asyncio.sleep(0.1)
        return found

    async def _texts(self, call_id: str) -> list[Message]:
        def ask(session: Session) -> Any:
            return list(session.scalars(select(Message).where(Message.call_id == call_id).order_by(Message.id)))

        found: list[Message] = await self._query(ask)
        return found

    # --- what was heard ---

    def _heard(self, caller: Softphone) -> list[DemoMoment]:
        sentences: dict[str, str] = {}
        files = dict(self.spoken)
        for language in speech.languages():
            for name, text in speech.sentences(language).items():
                key = name if language == "en" else f"{language} {name}"
                sentences[key], files[key] = text, self.config.prompt(name, language)
        for greeting in (self.config.prompts_folder / "greetings").glob("*.wav"):
            files[f"the greeting of {greeting.stem}"] = greeting
        files.update(self.clips)
        recording = listening.read(caller.heard)
        sounds = {name: listening.read(path) for name, path in files.items() if path.exists() and name != "voicemail"}
        moments = []
        for heard in listening.find(recording, sounds):
            words = " ".join((self.words | sentences).get(heard.name, heard.name).split())
            moments.append(
                DemoMoment(heard.at, "heard", f'"{words}"' if heard.nearly_whole else f'"{words}" (cut short)')
            )
        if rings := listening.ringback(recording):
            moments.append(
                DemoMoment(
                    rings[0][0],
                    "heard",
                    "the ringing tone" if len(rings) == 1 else f"the ringing tone, {len(rings)} times",
                )
            )
        return moments

    async def _told(
        self, call_id: str, line: str, moments: tuple[DemoMoment, ...], on_phone: tuple[str, ...]
    ) -> DemoReport:
        def ask(session: Session) -> DemoReport:
            call = session.scalar(select(Call).where(Call.id == call_id).options(selectinload(Call.lead)))
            assert call is not None
            legs = session.scalars(select(Leg).where(Leg.call_id == call_id).order_by(Leg.started_at))
            task = tasks.of_call(session, call_id)
            texts = session.scalars(select(Message).where(Message.call_id == call_id).order_by(Message.id))
            lead = call.lead
            due = task.due_at.astimezone(self.config.tz).strftime("%Y-%m-%d %H:%M") if task else ""
            return DemoReport(
                call_id=call_id,
                line=line,
                caller=self.options.caller,
                moments=moments,
                outcome=call.outcome,
                legs=tuple(f"{leg.device}: {leg.status or 'ringing'}" for leg in legs),
                lead=f"lead {lead.id}, {lead.name or 'name unknown'}, {in_words(LeadStatus, lead.status)}"
                if lead
                else "none",
                task=f"{owners.name(task.held_by)}, due {due}: {task.why}" if task else "none needed",
                tour=_told_tour(session, self.config, call_id),
                texts=tuple(f"[{text.state}] {text.body}" for text in texts),
                texts_on_phone=on_phone,
                summary=session.scalar(select(TalkRecord.summary).where(TalkRecord.call_id == call_id)) or "",
            )

        told: DemoReport = await self._query(ask)
        return told


def _so_far(caller: Softphone) -> listening.Sound:
    """What a phone has heard; nothing before its recording has begun."""
    try:
        return listening.read(caller.heard)
    except (EOFError, FileNotFoundError):
        return np.zeros(0)


def _keys(call_id: str, session: Session) -> int:
    """How many keys of the caller's have been understood."""
    counted = select(func.count()).where(CallEvent.call_id == call_id, CallEvent.kind == KeyPressed.__name__)
    return session.scalar(counted) or 0


def _has_booked(call_id: str, session: Session) -> bool:
    return session.scalar(_tour(call_id)) is not None


def _tour(call_id: str) -> Select[Tour]:
    return select(Tour).where(Tour.key == f"call:{call_id}").options(selectinload(Tour.slot))


def _told_tour(session: Session, config: Config, call_id: str) -> str:
    tour = session.scalar(_tour(call_id))
    if tour is None:
        return ""
    property = session.get_one(Property, tour.slot.property_id)
    at = tour.slot.starts_at.astimezone(times.zone(config, property))
    return f"tour {tour.id} of {property.name}, {at:%Y-%m-%d %H:%M}, {tour.state}"


def _sentences_of_tours(config: Config, line: str, now: datetime, session: Session) -> dict[str, Path]:
    """What a caller of this line may hear of its tour times, by its words; not all of it need be there."""
    property = session.scalar(select(Property).join(Line, Line.property_id == Property.id).where(Line.number == line))
    if property is None:
        return {}
    tz, said = times.zone(config, property), []
    for language in speech.languages():
        phrases = speech.phrases(language)
        said.append((language, phrases["tour_times"].format(name=property.name)))
        for slot in times.free(session, config, property.slug, now, limit=MOST_TIMES):
            at = aloud(slot.starts_at, tz, language)
            said.append((language, phrases["tour_booked"].format(name=at)))
            said += [(language, phrases[f"tour_time_{slot.kind}"].format(name=at, key=key)) for key in "123"]
    return {words: path_of(config, words, language) for language, words in said}
