"""Transcribes voicemail, and recorded talks where the office wants it. Each voicemail is mailed to the agents of its
mailbox when that is done or has failed.

They wait in the tables `voicemail` and `recording` in state queued. Without a model they are finished at once, with
neither a transcript nor an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import case, literal, select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.context import Crm
from crm.domain import heard, talk_gist
from crm.domain.heard import Phrase
from crm.domain.leads import Happened
from crm.domain.mailboxes import OFFICE, TranscriptState
from crm.domain.notices import NoticeKind
from crm.domain.tasks import said_too
from crm.edge.whisper import Transcriber, TranscriberLost, TranscriptError, problem
from crm.services.office import owners
from crm.services.outbox import mails, notices
from crm.services.outbox.mails import Attachment
from crm.services.people import suggestions, timeline
from crm.services.voicemail import mailboxes, recordings
from crm.store.models import Agent, Call, Lead, Line, Organization, Property, Recording, Task, Voicemail
from crm.store.queries import nodes
from crm.words import dialogue
from crm.words import notices as words
from crm.worker import Troubles, Worker, keep

MOST_NAMES, LONGEST_NAMES = 20, 400
"""Names of properties and of agents that the transcriber is told, and characters of them all: a model reads some
hundred words beside the sound, not more."""
LONGER_TALKS = 10
"""So many times as long as a voicemail a talk may take."""
TRIES = 2
"""How often to try a voicemail when the transcriber dies, which may be the voicemail's fault."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """A voicemail or a recorded talk that waits to be transcribed."""

    id: str
    """Of the voicemail's call, or of the recording."""
    is_talk: bool
    file: str
    names: str
    """That are likely in it, separated by commas."""


def model_folder(config: Config) -> Path | None:
    """The folder of the model; None when none is set. A relative path starts from the home folder."""
    return config.home / config.voice.whisper_model if config.voice.whisper_model else None


@dataclass(frozen=True)
class Result:
    """What became of a voicemail's words."""

    state: TranscriptState
    phrases: Sequence[Phrase] = ()

    @property
    def text(self) -> str:
        return " ".join(phrase.text for phrase in self.phrases)


class Transcripts(Worker[Waiting, Result]):
    """Transcribes one voicemail at a time. Two apps may transcribe the same one; only the first result is kept."""

    name = "transcripts"
    wakes_on = (Voicemail, Recording)

    def __init__(self, config: Config) -> None:
        self._config = config
        folder = model_folder(config)
        self._transcriber = Transcriber(folder, config.voice.threads) if folder else None
        self._idle: asyncio.Task[None] | None = None
        if folder and (why := problem(folder)):
            _log.warning("voicemails have no transcript", extra={"reason": why})

    def due(self, session: Session, now: datetime, under_way: Sequence[Waiting]) -> datetime | None:
        return now if _next(session, self._config, now) else None

    def claim(self, session: Session, now: datetime, under_way: Sequence[Waiting]) -> Waiting | None:
        return _next(session, self._config, now)

    async def work(self, claim: Waiting) -> Result:
        await self._stop_idling()
        try:
            return await _write_down(self._config, self._transcriber, claim)
        finally:
            self._idle = asyncio.create_task(self._let_go_later())

    def record(self, session: Session, claim: Waiting, result: Result, now: datetime) -> None:
        if claim.is_talk:
            finish_talk(session, self._config, claim.id, result)
        else:
            finish(session, self._config, claim.id, result, now)

    async def close(self) -> None:
        await self._stop_idling()
        if self._transcriber:
            await self._transcriber.stop()

    async def _let_go_later(self) -> None:
        """Unloads the model after a while without voicemail, to free its memory."""
        await asyncio.sleep(self._config.voice.idle_seconds)
        if self._transcriber:
            await self._transcriber.stop()

    async def _stop_idling(self) -> None:
        if self._idle:
            self._idle.cancel()
            await asyncio.gather(self._idle, return_exceptions=True)
            self._idle = None


async def run(crm: Crm, troubles: Troubles) -> None:
    """Runs until it is cancelled."""
    worker = Transcripts(crm.config)
    try:
        await keep(crm, worker, troubles)
    finally:
        await worker.close()


def _next(session: Session, config: Config, now: datetime) -> Waiting | None:
    """What has waited longest, among what is of this node and of nodes that are gone; voicemail before talks."""
    is_ours = nodes.is_for_us(Call.node, config.node, now)
    voicemail = select(Voicemail.call_id, Voicemail.file, Call.property_id, literal(False)).join(Voicemail.call)
    voicemail = voicemail.where(Voicemail.transcript_state == TranscriptState.QUEUED, is_ours)
    talk = select(Recording.id, Recording.file, Call.property_id, literal(True)).join(Recording.call)
    talk = talk.where(Recording.transcript_state == TranscriptState.QUEUED, is_ours)
    for waiting in (
        voicemail.order_by(Voicemail.left_at, Voicemail.call_id),
        talk.order_by(Recording.started_at, Recording.id),
    ):
        if row := session.execute(waiting.limit(1)).first():
            id, file, property_id, is_talk = row
            return Waiting(id, is_talk, file, names(session, property_id))
    return None


def names(session: Session, property_id: int | None) -> str:
    """Names that are likely in a voicemail: those of its property first, then of others and of the agents."""
    office = session.scalar(select(Organization.name).order_by(Organization.id).limit(1))
    first = case((Property.id == property_id, 0), else_=1)
    properties = session.scalars(select(Property.name).order_by(first, Property.id).limit(MOST_NAMES))
    agents = session.scalars(select(Agent.name).order_by(Agent.id).limit(MOST_NAMES))
    return ", ".join([*properties, *([office] if office else []), *agents])[:LONGEST_NAMES]


async def _write_down(config: Config, transcriber: Transcriber | None, waiting: Waiting) -> Result:
    folder = model_folder(config)
    if transcriber is None or folder is None or problem(folder):
        return Result(TranscriptState.NONE)
    sound = mailboxes.audio(config, waiting.file)
    if sound is None:
        return Result(TranscriptState.FAILED)
    for attempt in range(1, TRIES + 1):
        try:
            longest = config.voice.longest_seconds * (LONGER_TALKS if waiting.is_talk else 1)
            spoken = await transcriber.transcribe(sound, longest, waiting.names)
        except TranscriberLost as error:
            _log.warning("the transcriber was lost", extra={"waiting_id": waiting.id, "attempt": attempt})
            reason = str(error)
        except TranscriptError as error:
            reason = str(error)
            break
        else:
            return Result(TranscriptState.DONE, [Phrase(one.text, one.start, one.end) for one in spoken])
    _log.warning("something has no transcript", extra={"waiting_id": waiting.id, "reason": reason})
    return Result(TranscriptState.FAILED)


def finish(session: Session, config: Config, voicemail_id: str, result: Result, now: datetime) -> None:
    """Stores a voicemail's transcript, or that there is none, suggests what was understood for the lead's card, and
    queues the voicemail's mails, in one transaction."""
    query = select(Voicemail).where(Voicemail.call_id == voicemail_id).with_for_update(of=Voicemail).options(_card)
    voicemail = session.scalars(query).one_or_none()
    if voicemail is None or voicemail.transcript_state != TranscriptState.QUEUED:
        return
    voicemail.transcript_state, voicemail.transcript = result.state, result.text.replace("\x00", "")
    gist = ""
    if voicemail.transcript and voicemail.call.lead_id is not None:
        key = timeline.transcript_key(voicemail_id)
        timeline.enter(
            session,
            voicemail.call.lead_id,
            Happened.TRANSCRIPT,
            voicemail.transcript,
            voicemail.left_at,
            key=key,
            call_id=voicemail_id,
            about=voicemail.call.property_id,
        )
        gist = _understand(session, config, voicemail, result.phrases, now)
    _mail(session, config, voicemail, gist, now)


def finish_talk(session: Session, config: Config, recording_id: str, result: Result) -> None:
    """Stores what was said in a talk, or that nobody knows. Who said what cannot be told: both are in one sound."""
    recording = session.get(Recording, recording_id, with_for_update=True)
    if recording is None or recording.transcript_state != TranscriptState.QUEUED:
        return
    recording.transcript_state, recording.transcript = result.state, result.text.replace("\x00", "")
    recording.summary = _gist_of_talk(session, config, recording)
    lead_id = recording.call.lead_id
    if recording.transcript and lead_id is not None:
        about = f"In short: {recording.summary}. " if recording.summary else ""
        timeline.enter(
            session,
            lead_id,
            Happened.TRANSCRIPT,
            f"{about}Said in the talk: {recording.transcript}",
            recording.started_at,
            key=timeline.talk_key(recording_id),
            call_id=recording.call_id,
        )


def _gist_of_talk(session: Session, config: Config, recording: Recording) -> str:
    """By the patterns of the dialogue that comes with the program, in the language of the line."""
    line = recording.call.line
    language = line.language if line and line.language in dialogue.LANGUAGES else dialogue.LANGUAGES[0]
    today = recording.started_at.astimezone(config.tz).date()
    known = suggestions.known_properties(session)
    return talk_gist.gist(dialogue.shipped(language), recording.transcript, known, today)[:300]


def _understand(
    session: Session, config: Config, voicemail: Voicemail, phrases: Sequence[Phrase], now: datetime
) -> str:
    """Suggests what was understood for the lead's card. Gives it as a line, which the open task about the voicemail
    says, too; "" for nothing."""
    lead = voicemail.call.lead
    assert lead is not None
    today = voicemail.left_at.astimezone(config.tz).date()
    found = heard.understood(phrases, suggestions.known_properties(session), today)
    suggestions.make(session, config, lead, voicemail.call_id, found, now)
    gist = heard.in_words(found)
    if gist:
        about = select(Task).where(Task.call_id == voicemail.call_id, Task.done_at.is_(None)).limit(1)
        if task := session.scalars(about).first():
            task.why = said_too(task.why, f"They said: {gist}.")
    return gist


_card = selectinload(Voicemail.call).options(
    selectinload(Call.line).selectinload(Line.property), selectinload(Call.lead).selectinload(Lead.phones)
)


def _mail(session: Session, config: Config, voicemail: Voicemail, gist: str, now: datetime) -> None:
    who, where = mailboxes.who(voicemail, config.region), mailboxes.where(voicemail)
    subject = f"New voicemail for {where} from {who}"
    lines = [
        f"{who} called {where} and left a voicemail of {voicemail.seconds} s "
        f"on {voicemail.left_at.astimezone(config.tz):%A, %B %d, %Y at %H:%M}.",
        "",
        said(voicemail.transcript_state, voicemail.transcript),
        "",
        *([f"In short: {gist}.", ""] if gist else []),
        f"Mailbox: {voicemail.mailbox or OFFICE}. {words.more('voicemail', call=voicemail.call_id)}",
    ]
    task = mailboxes.open_task(session, voicemail.call_id)
    told = {agent.id: agent for agent in mailboxes.people(session, voicemail.mailbox)}
    told |= {agent.id: agent for agent in owners.people(task.held_by)} if task else {}
    notices.tell(
        session,
        config,
        list(told.values()),
        f"voicemail:{voicemail.call_id}",
        subject,
        f"{lines[0]} {lines[-1]}",
        now,
        kind=NoticeKind.MESSAGE,
        lead_id=voicemail.call.lead_id,
        # A transcript is deleted in its time, and the list of notices would keep it.
        in_full="\n".join(lines),
        voicemail_id=voicemail.call_id,
    )


def said(state: str, transcript: str) -> str:
    """The transcript, or a sentence on why there is none."""
    if state == TranscriptState.DONE:
        return transcript or "No words were understood in it."
    if state == TranscriptState.QUEUED:
        return "It is being transcribed."
    if state == TranscriptState.FAILED:
        return "There is no transcript: transcription failed."
    return "There is no transcript."


def _voicemail(session: Session, voicemail_id: str) -> Voicemail | None:
    return session.get(Voicemail, voicemail_id)


def attachments(crm: Crm) -> mails.Attach:
    """Attaches a voicemail's audio to its mail, as a small MP3 and as the original WAV."""

    async def attach(voicemail_id: str) -> list[Attachment]:
        voicemail = await crm.store.read(_voicemail, voicemail_id)
        sound = mailboxes.audio(crm.config, voicemail.file) if voicemail else None
        if voicemail is None or sound is None:
            return []
        name = f"voicemail-{voicemail.left_at.astimezone(crm.config.tz):%Y-%m-%d-%H%M}"
        small = await asyncio.to_thread(recordings.mp3, sound)
        return [
            Attachment(f"{name}.mp3", "audio/mpeg", small),
            Attachment(f"{name}.wav", "audio/wav", await asyncio.to_thread(sound.read_bytes)),
        ]

    return attach
