"""The voice agent answers: it talks with the caller until all is said, or a person or the menu is next.

Whoever leads the talk (`crm.services.talks`) only says what is to be done; here it is done, act by act. The caller is
in a bridge of the call's, so that handing them over swaps the far end. Whatever fails costs them one sentence: the menu
is next, and nothing they have said so far is lost, because each turn is on record.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy.orm import Session

from ari_app.call import recording, thinking
from ari_app.call.call import VOICE_MARK, LiveCall
from ari_app.call.conversing import Conversation, Heard
from ari_app.edge.channel import LeftTheApp
from ari_app.edge.errors import HungUp, PhoneError
from ari_app.flows.plan import STEPS, answer, plan, to_carry_out
from ari_app.voice.client import Door, VoiceLost, VoiceTalk, channel_id_for
from asterisk_conf.prompts import speech
from crm.domain.calls import (
    AnswerPromised,
    CallStep,
    EndedBy,
    LanguageChosen,
    LinkTexted,
    PropertyChosen,
    RecordingAnnounced,
    Speaker,
    TourBooked,
    VoiceTalkEnded,
)
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.composing import brief, gist
from crm.domain.conversation import (
    Act,
    ActResult,
    Began,
    BookTour,
    Did,
    End,
    Happening,
    Pressed,
    Promise,
    SendLink,
    Speak,
    StopTexts,
    Transfer,
    TransferReason,
    Turn,
    UpdateLead,
    Utterance,
)
from crm.domain.errors import CrmError, Unavailable
from crm.domain.routing import OTHER_LANGUAGE, PERSON, RESIDENTS, TEAM, Path
from crm.domain.story import FAILED, FINISHED, HUNG_UP
from crm.domain.talk import TalkState
from crm.secrets import SecretError
from crm.services.audit import By
from crm.services.calls import voice_acts, voice_talks
from crm.services.calls.voice_acts import Caller
from crm.services.talks.facts import TalkOf
from crm.services.voicemail import transcripts
from crm.store import snapshot

log = logging.getLogger(__name__)
Result = TypeVar("Result")

MOST_TURNS = 300
"""Then a person takes over: something on the line talks without end."""
RECORD_SECONDS = 0.5
"""How long an act waits until the call itself is on record; it can do without."""
MENU_KEYS = "0123456789"


class LeaderLost(Exception):
    """Nobody can say what follows: the database is away, or whoever leads the talk failed."""


@dataclass(frozen=True)
class TalkOver:
    """How the talk ended, other than by the caller's hangup."""

    why: str
    """As in VoiceTalkEnded."""
    transfer: Transfer | None = None


async def voice_agent(call: LiveCall) -> CallStep | EndedBy:
    """Lets the voice agent talk with the caller. The menu is next if it cannot, or no longer can."""
    decided = await to_carry_out(call)
    if decided.path is not Path.VOICE_AGENT:
        return STEPS[decided.path]
    over = await _talk(call)
    if over.why == FINISHED:
        return EndedBy.SYSTEM
    await leave(call)
    answer(call, KeyedAnswer(Question.VOICE_AGENT, ""))
    if over.transfer is None:
        return CallStep.MENU
    return await _to_people(call, over.transfer)


async def _talk(call: LiveCall) -> TalkOver:
    context, leader = call.context, Leader(call)
    try:
        await call.talk_bridge.make()
        await call.talk_bridge.add(call.person.id)
        kept = await leader.remember()
        async with VoiceTalk(
            context.client,
            await asyncio.to_thread(Door.of, context.config, context.secrets),
            channel_id_for(call.id, VOICE_MARK),
            call.talk_bridge,
            language=call.language,
            hints=leader.hints,
            talk=call.id,
        ) as talk:
            conversation = Conversation(
                call, talk, leader.was_heard, number=kept.number if kept else 0, since=kept.seconds if kept else 0
            )
            try:
                over = await _lead(leader, conversation)
            finally:
                await conversation.close()
    except asyncio.CancelledError:
        if call.was_taken:
            call.emit(
                VoiceTalkEnded(*call.stamp("voice-talk-ended"), why=TransferReason.TAKEN.value, summary=leader.summary)
            )
            _keep_choices(call, leader)
            call.gist, call.brief = leader.summary, leader.brief
        raise
    except LeftTheApp:
        raise
    except HungUp:
        if not await call.person.is_up():
            call.emit(VoiceTalkEnded(*call.stamp("voice-talk-ended"), why=HUNG_UP, summary=leader.summary))
            _keep_choices(call, leader)
            raise
        log.error("the voice agent's channel left before the caller")
        over = TalkOver(FAILED)
    except (VoiceLost, LeaderLost, PhoneError, SecretError) as error:
        log.warning("the voice agent cannot go on: %s", error)
        over = TalkOver(FAILED)
    summary = over.transfer.summary if over.transfer else leader.summary
    call.emit(VoiceTalkEnded(*call.stamp("voice-talk-ended"), why=over.why, summary=summary))
    _keep_choices(call, leader)
    call.gist, call.brief = (summary, leader.brief) if over.transfer else ("", "")
    return over


async def recall(call: LiveCall) -> None:
    """What the talk found out, for the person who takes over, when the app was away since."""
    try:
        call.gist = await call.context.store.read(voice_talks.passed_on, call.id)
    except Unavailable:
        log.info("what the voice agent found out is not known: the database is away")


def _keep_choices(call: LiveCall, leader: Leader) -> None:
    """What the caller speaks, and which property they ask about, counts as if they had chosen it by key."""
    if leader.about and not call.known.property_name:
        call.emit(PropertyChosen(*call.stamp(f"property-{leader.about}"), property=leader.about))
    if call.spoken and call.spoken != call.language and call.spoken in speech.languages():
        call.language = call.spoken
        call.emit(LanguageChosen(*call.stamp("language-spoken"), language=call.spoken))


async def _lead(leader: Leader, conversation: Conversation) -> TalkOver:
    """Goes from turn to turn until the talk is over."""
    over = await _follow(leader, conversation, Began())
    for _ in range(MOST_TURNS):
        if over:
            with contextlib.suppress(VoiceLost):  # What was decided counts, said or not.
                await conversation.hear_out()
            return over
        heard = await conversation.next()
        try:
            over = await _follow(leader, conversation, heard) or _keyed(heard)
        except (VoiceLost, LeaderLost):
            if keyed := _keyed(heard):
                return keyed
            raise
    return TalkOver(
        TransferReason.NOT_UNDERSTOOD,
        Transfer(TransferReason.NOT_UNDERSTOOD, f"{leader.summary} The talk did not come to an end.".strip()),
    )


async def _follow(leader: Leader, conversation: Conversation, happening: Happening) -> TalkOver | None:
    """Does what follows from something that happened, and from that in turn. Returns how the talk ended, if it did."""
    waiting: list[Happening] = [happening]
    while waiting:
        happened = waiting.pop(0)
        turn = await leader.turn(happened)
        _note(conversation, happened, leader.state_json)
        conversation.expects = turn.expects
        for act in turn.acts:
            match act:
                case Speak():
                    await conversation.say(act)
                case Transfer():
                    return TalkOver(act.reason, act)
                case End():
                    return TalkOver(FINISHED)
                case _:
                    waiting.append(Did(act, await leader.carry_out(act)))
    return None


def _note(conversation: Conversation, happened: Happening, state: str) -> None:
    """Puts what happened on record, with what follows from it to be remembered."""
    match happened:
        case Utterance(text=text):
            conversation.note(Speaker.CALLER, text, state=state, at=happened)
        case Pressed(keys=keys):
            conversation.note(Speaker.KEYS, keys, state=state)
        case Did(act=act, result=result):
            conversation.note(Speaker.ACT, _in_words(act), state=state, result=result)


def _keyed(heard: Heard) -> TalkOver | None:
    """The menu's keys work at any moment, whoever leads the talk."""
    if isinstance(heard, Pressed) and len(heard.keys) == 1 and heard.keys in MENU_KEYS:
        return TalkOver(TransferReason.KEY, Transfer(TransferReason.KEY, "", keys=heard.keys))
    return None


# --- who comes next ---


async def leave(call: LiveCall) -> None:
    """Takes the caller out of the bridge; a recording of the talk ends."""
    await call.talk_bridge.remove(call.person.id)
    await recording.finish(call)


async def _to_people(call: LiveCall, transfer: Transfer) -> CallStep:
    """The step that follows when a person is to take over, by the same decision as after the menu."""
    if transfer.property and not call.known.property_name:
        answer(call, KeyedAnswer(Question.PROPERTY, "", transfer.property))
    for given in _answers(transfer):
        answer(call, given)
    decided = await plan(call)
    for _ in range(len(call.context.config.menu.languages)):
        if decided.language == call.spoken or not call.spoken:
            break
        answer(call, KeyedAnswer(Question.MENU, OTHER_LANGUAGE))
        decided = await plan(call)
    return STEPS[decided.path]


def _answers(transfer: Transfer) -> list[KeyedAnswer]:
    """What a caller would have keyed who wants the same."""
    match transfer.reason:
        case TransferReason.KEY if transfer.keys[-1:] in MENU_KEYS and transfer.keys:
            return [KeyedAnswer(Question.MENU, transfer.keys[-1])]
        case TransferReason.EMERGENCY | TransferReason.MAINTENANCE:
            # A resident with an emergency; nobody is offered a tour instead.
            return [
                KeyedAnswer(Question.TOUR, ""),
                KeyedAnswer(Question.MENU, RESIDENTS),
                KeyedAnswer(Question.WHO, "1"),
                KeyedAnswer(Question.URGENT, "1"),
            ]
        case TransferReason.FAIR_HOUSING | TransferReason.DISTRESS:
            return [KeyedAnswer(Question.MENU, PERSON)]
    return [KeyedAnswer(Question.MENU, TEAM)]


# --- who leads the talk ---


class Leader:
    """Asks what follows, and does what is to be done in the CRM."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._mind = call.context.mind
        scorer = self._mind.scorer
        # In the first talk it has yet to learn, while the caller is greeted.
        self._learns = asyncio.ensure_future(asyncio.to_thread(scorer.prepare)) if scorer else None
        self._state = TalkState()
        self._is_announced = False
        self._names: dict[str, str] = {}
        """Of the office's properties, by slug."""
        self.hints: tuple[str, ...] = ()
        """Names that the caller is likely to say."""

    @property
    def state_json(self) -> str:
        return msgspec.json.encode(self._state).decode()

    @property
    def summary(self) -> str:
        """Who the caller is and what they want, as far as is known."""
        return gist(self._state, self._names.get(self._state.property, ""))

    @property
    def about(self) -> str:
        """Slug of the property that the talk is about; empty: not known."""
        return self._state.property

    @property
    def brief(self) -> str:
        return brief(self._state)

    async def remember(self) -> voice_talks.KeptTalk | None:
        """Reads names, and what is kept of a talk that was cut off by a restart. Raises LeaderLost."""
        about = self._call.decided.property if self._call.decided else ""
        self.hints, self._names, kept = await self._ask(_known, self._call.id, about)
        if kept is None:
            return None
        try:
            self._state = msgspec.json.decode(kept.state, type=TalkState)
        except msgspec.MsgspecError:
            log.warning("the talk begins anew: what was kept of it is of another version")
            return None
        return kept

    async def turn(self, happening: Happening) -> Turn[TalkState]:
        """What follows from a happening. Raises LeaderLost."""
        call, context = self._call, self._call.context
        if self._learns and isinstance(happening, Utterance):
            # Not in the time that the database has to answer: a busy machine takes longer than that to learn.
            await asyncio.shield(self._learns)
        of = TalkOf(
            call.did,
            call.caller,
            call.is_withheld,
            recorded=call.recording_mode == recording.ANNOUNCED,
            property=call.decided.property if call.decided else "",
        )
        turn = await thinking.next_turn(
            self._ask, context.config, self._mind, context.language_model, self._state, happening, of, context.now()
        )
        self._state = turn.state
        call.spoken = turn.language if isinstance(happening, Utterance) else call.spoken
        return turn

    async def was_heard(self, speak: Speak) -> None:
        """Once the caller has heard that the call is recorded, it is."""
        call = self._call
        if speak.interruptible or self._is_announced or call.recording_mode != recording.ANNOUNCED:
            return
        self._is_announced = True
        call.emit(RecordingAnnounced(*call.stamp(f"announced-{call.id}"), leg_id=call.id))
        await recording.go_on(call, call.talk_bridge)

    async def carry_out(self, act: Act) -> ActResult:
        """Does something in the CRM, after checking it again. What was begun is put on record even if a colleague takes
        the caller meanwhile."""
        doing = asyncio.ensure_future(self._carry_out(act))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    async def _carry_out(self, act: Act) -> ActResult:
        call, context = self._call, self._call.context
        if isinstance(act, Promise):
            call.emit(AnswerPromised(*call.stamp(), about=act.about))
            return ActResult.DONE
        caller = Caller(call.id, None if call.is_withheld else call.caller, call.did, call.spoken or call.language)
        by = By(voice_acts.BY, context.now())
        try:
            async with asyncio.timeout(context.config.survival.store_seconds):
                await self._call_on_record()
                match act:
                    case SendLink():
                        result = await context.store.run(voice_acts.send_link, context.config, by, caller, act)
                        if result is ActResult.DONE:
                            call.emit(LinkTexted(*call.stamp(), link=act.kind.value))
                        return result
                    case UpdateLead():
                        return await context.store.run(voice_acts.update_lead, context.config, by, caller, act)
                    case BookTour():
                        booked = await context.store.run(
                            voice_acts.book_tour, context.config, context.secrets, by, caller, act
                        )
                        if booked.tour_id is not None:
                            call.emit(TourBooked(*call.stamp("tour"), tour_id=booked.tour_id))
                        return booked.result
                    case StopTexts():
                        return await context.store.run(voice_acts.stop_texts, context.config, by, caller, act)
        except (CrmError, TimeoutError) as error:
            log.warning("what the voice agent promised could not be done: %s", error, extra={"act": type(act).__name__})
        return ActResult.FAILED

    async def _call_on_record(self) -> None:
        """What is done for a call refers to its row."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECORD_SECONDS):
                await self._call.context.journal.drained()

    async def _ask(self, read: Callable[..., Result], *arguments: object) -> Result:
        """Raises LeaderLost."""
        context = self._call.context
        try:
            async with asyncio.timeout(context.config.survival.store_seconds):
                return await context.store.read(read, *arguments)
        except (CrmError, TimeoutError) as error:
            raise LeaderLost(f"The database does not answer: {error}") from error
        except Exception as error:
            log.exception("whoever leads the talk failed")
            raise LeaderLost("Whoever leads the talk failed.") from error


def _known(
    session: Session, call_id: str, slug: str
) -> tuple[tuple[str, ...], dict[str, str], voice_talks.KeptTalk | None]:
    office = snapshot.now(session)
    about = office.properties.get(slug)
    hints = transcripts.names(session, about.id if about else None)
    names = {one.slug: one.name for one in office.properties.values()}
    return tuple(filter(None, hints.split(", "))), names, voice_talks.kept(session, call_id)


def _in_words(act: Act) -> str:
    """What was done, for the record."""
    match act:
        case SendLink(kind=kind, property=property, number=number):
            return " ".join(
                filter(None, [f"text the link to {kind.value}", property, f"to {number}" if number else ""])
            )
        case UpdateLead(values=values, interests=interests):
            said = [f"{name} {value}" for name, value in values.items()]
            return f"write down {', '.join([*said, *(f'interest in {slug}' for slug, _ in interests)])}"
        case BookTour(property=property, at=at, kind=kind):
            return f"book a tour of {property}, {at.isoformat(timespec='minutes')}, {kind}".rstrip(", ")
        case StopTexts():
            return "no more texts"
        case Promise(about=about):
            return f"promise an answer about {about}"
    return type(act).__name__
