"""Writes messages down, and mails each to the people of its mailbox once it is known what it says, or that nobody will.

Messages wait in the `voicemail` table as queued. Without a model they are settled at once: no transcript, no error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.context import Crm
from crm.domain.errors import Unavailable
from crm.domain.mailboxes import OFFICE, TranscriptState
from crm.edge.whisper import Transcriber, TranscriberLost, TranscriptError, problem
from crm.services.outbox import mails
from crm.services.outbox.mails import Attachment
from crm.services.outbox.outgoing import NewMail, queue
from crm.services.voicemail import mailboxes, recordings
from crm.store.models import Call, Lead, Line, Voicemail
from crm.store.queries import nodes
from crm.words import notices as words

POLL_SECONDS = 5.0
TRIES = 2
"""How often a message is tried on which the transcriber died; it may be the message's fault."""

_log = logging.getLogger(__name__)


def model_folder(config: Config) -> Path | None:
    """Where the model is; None when none is named. A relative folder is one of the home's."""
    return config.home / config.voice.whisper_model if config.voice.whisper_model else None


async def run(crm: Crm, wake: asyncio.Event, on_mails: Callable[[], None]) -> None:
    """Works until it is cancelled. `on_mails` is called when mails may wait in the outbox."""
    config, store = crm.config, crm.store
    folder = model_folder(config)
    transcriber = Transcriber(folder, config.voice.threads) if folder else None
    if folder and (why := problem(folder)):
        _log.warning("messages have no transcript", extra={"reason": why})
    loop = asyncio.get_running_loop()
    worked_at = loop.time()
    try:
        while True:
            wake.clear()
            try:
                while message := await store.read(_next, config, crm.now()):
                    state, text = await _write_down(config, transcriber, *message)
                    await store.run(finish, config, message[0], state, text, crm.now())
                    worked_at = loop.time()
                    on_mails()
            except Unavailable as error:
                _log.warning("transcripts wait for the database", extra={"reason": str(error)})
            if transcriber and loop.time() - worked_at > config.voice.idle_seconds:
                await transcriber.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(POLL_SECONDS, config.voice.idle_seconds)):
                    await wake.wait()
    finally:
        if transcriber:
            await transcriber.stop()


def _next(session: Session, config: Config, now: datetime) -> tuple[str, str] | None:
    """Id and file of the message that has waited longest, of those whose sound is here or with a node that is gone."""
    query = select(Voicemail.call_id, Voicemail.file).join(Voicemail.call)
    query = query.where(
        Voicemail.transcript_state == TranscriptState.QUEUED, nodes.is_for_us(Call.node, config.node, now)
    )
    row = session.execute(query.order_by(Voicemail.left_at, Voicemail.call_id).limit(1)).first()
    return (row[0], row[1]) if row else None


async def _write_down(
    config: Config, transcriber: Transcriber | None, message_id: str, file: str
) -> tuple[TranscriptState, str]:
    folder = model_folder(config)
    if transcriber is None or folder is None or problem(folder):
        return TranscriptState.NONE, ""
    sound = mailboxes.audio(config, file)
    if sound is None:
        return TranscriptState.FAILED, ""
    for attempt in range(1, TRIES + 1):
        try:
            text = await transcriber.transcribe(sound, config.voice.longest_seconds)
        except TranscriberLost as error:
            _log.warning("the transcriber was lost", extra={"message_id": message_id, "attempt": attempt})
            reason = str(error)
        except TranscriptError as error:
            reason = str(error)
            break
        else:
            return TranscriptState.DONE, text
    _log.warning("a message has no transcript", extra={"message_id": message_id, "reason": reason})
    return TranscriptState.FAILED, ""


def finish(session: Session, config: Config, message_id: str, state: TranscriptState, text: str, now: datetime) -> None:
    """Keeps what a message says, or that nobody will know, and queues its mails, in one transaction."""
    query = select(Voicemail).where(Voicemail.call_id == message_id).with_for_update(of=Voicemail).options(_card)
    message = session.scalars(query).one_or_none()
    if message is None or message.transcript_state != TranscriptState.QUEUED:
        return
    message.transcript_state, message.transcript = state, text.replace("\x00", "")
    _mail(session, config, message, now)


_card = selectinload(Voicemail.call).options(
    selectinload(Call.line).selectinload(Line.property), selectinload(Call.lead).selectinload(Lead.phones)
)


def _mail(session: Session, config: Config, message: Voicemail, now: datetime) -> None:
    who, where = mailboxes.who(message, config.region), mailboxes.where(message)
    subject = f"New message for {where} from {who}"
    lines = [
        f"{who} called {where} and left a message of {message.seconds} s "
        f"on {message.left_at.astimezone(config.tz):%A, %B %d, %Y at %H:%M}.",
        "",
        said(message.transcript_state, message.transcript),
        "",
        f"Mailbox: {message.mailbox or OFFICE}. {words.more('voicemail', call=message.call_id)}",
    ]
    for address in dict.fromkeys(agent.email for agent in mailboxes.people(session, message.mailbox)):
        if address:
            key, body = f"voicemail:{message.call_id}:{address}", "\n".join(lines)
            queue(session, config, NewMail(key, address, subject, body, voicemail_id=message.call_id), now)


def said(state: str, transcript: str) -> str:
    """What a message says, or why nobody has written it down."""
    if state == TranscriptState.DONE:
        return transcript or "No words were understood in it."
    if state == TranscriptState.QUEUED:
        return "It is being written down."
    if state == TranscriptState.FAILED:
        return "There is no transcript: it could not be written down."
    return "There is no transcript."


def _message(session: Session, message_id: str) -> Voicemail | None:
    return session.get(Voicemail, message_id)


def attachments(crm: Crm) -> mails.Attach:
    """The sound of a message for its mail: as it was recorded, and small."""

    async def attach(message_id: str) -> list[Attachment]:
        message = await crm.store.read(_message, message_id)
        sound = mailboxes.audio(crm.config, message.file) if message else None
        if message is None or sound is None:
            return []
        name = f"message-{message.left_at.astimezone(crm.config.tz):%Y-%m-%d-%H%M}"
        small = await asyncio.to_thread(recordings.mp3, sound)
        return [
            Attachment(f"{name}.mp3", "audio/mpeg", small),
            Attachment(f"{name}.wav", "audio/wav", await asyncio.to_thread(sound.read_bytes)),
        ]

    return attach
