"""Whether the voice agent answers anywhere, and can: its process, and the models that it hears and speaks with."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.edge import whisper
from crm.services.system.checks.finding import Finding, ok, warn
from crm.services.talks import minds
from crm.services.voicemail import transcripts
from crm.store.models import Line, Property
from crm.words import dialogue

OFF = "off"
ANSWER_SECONDS = 0.5


@dataclass(frozen=True)
class VoiceAgentHealth:
    """The voice agent."""

    answers: list[str] = field(default_factory=list)
    """Where it answers, and when: "office: after_hours", "line +15125550100: always", ..."""
    up: bool = False
    """Whether its process takes calls."""
    trouble: str = ""
    """Why callers get the menu instead, as one sentence; empty: it answers them, or is to answer nobody."""


def answers(session: Session, config: Config) -> list[str]:
    """Where it answers, and when."""
    lines = select(Line.number, Line.ai_answers).where(Line.ai_answers.not_in(("", OFF))).order_by(Line.number)
    properties = select(Property.slug, Property.ai_answers).where(Property.ai_answers.not_in(("", OFF)))
    return [
        *([f"office: {config.ai.answers}"] if config.ai.answers != OFF else []),
        *(f"property {slug}: {when}" for slug, when in session.execute(properties.order_by(Property.slug))),
        *(f"line {number}: {when}" for number, when in session.execute(lines)),
    ]


def look(session: Session, config: Config) -> VoiceAgentHealth:
    where = answers(session, config)
    trouble = next((one.text for one in _troubles(config)), "") if where else ""
    return VoiceAgentHealth(where, bool(where) and _listens(config.ports.voice), trouble)


def examine(session: Session, config: Config) -> Iterator[Finding]:
    where = answers(session, config)
    if not where:
        yield ok("voice agent", "It answers nobody: the menu does.")
        return
    troubles = list(_troubles(config))
    yield from troubles or [ok("voice agent", f"It answers ({', '.join(where)}).")]
    for language, voice in sorted(config.ai.piper_voices.items()):
        if not (config.home / voice).is_file():
            text = f"The voice for {language} is not there ({voice}): it speaks with that of the prompts."
            yield warn("voice agent", text, "voice_file_missing")
    yield from _mind(config)


def _mind(config: Config) -> Iterator[Finding]:
    """What of the office's own is left out when it decides what to say."""
    if wrong := dialogue.wrong(minds.own_dialogue(config)):
        text = f"The office's changes to its dialogue are left out. {wrong[0]}"
        yield warn("voice agent", text, "dialogue_wrong")
    if not config.ai.sentence_model:
        return
    from crm.edge import likeness  # NumPy, which it needs, is slow to load.

    folder = Path(config.ai.sentence_model)
    if missing := [name for name in likeness.FILES if not (config.home / folder / name).is_file()]:
        text = f"The sentence model in {folder} has no {missing[0]}, so only patterns tell what callers mean."
        yield warn("voice agent", text, "sentence_model_missing")


def _troubles(config: Config) -> Iterator[Finding]:
    """Why callers get the menu."""
    folder = config.home / config.ai.whisper_model if config.ai.whisper_model else transcripts.model_folder(config)
    if folder is None:
        yield warn("voice agent", "It has no model to hear with: callers get the menu.", "voice_model_missing")
    elif why := whisper.problem(Path(folder)):
        yield warn("voice agent", f"It cannot hear, so callers get the menu: {why}.", "voice_model_broken")
    elif not _listens(config.ports.voice):
        yield warn("voice agent", "Its process does not run: callers get the menu.", "voice_agent_down")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS):
            return True
    except OSError:
        return False
