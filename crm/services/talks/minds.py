"""What leads the talks of this office: the dialogue that comes with the program, with the office's changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialogue import Dialogue
from crm.domain.errors import Invalid
from crm.domain.intents import Scorer
from crm.domain.understanding import Mind
from crm.edge.likeness import NoSuchModel, SentenceLikeness
from crm.secrets import Secrets, unusable
from crm.services import audit
from crm.services.audit import By
from crm.words import dialogue
from crm.words.dialogue import DialogueError

KEY = "language_model"
"""Name among the secrets of the key for ai.llm_url; without it, none is sent."""
KEYS = {"llm": KEY, "stt": "stt", "tts": "tts"}
"""The same for each endpoint that the settings may name: ai.llm_url, ai.stt_url and ai.tts_url."""

_log = logging.getLogger(__name__)


def of(config: Config) -> Mind:
    """A change that is wrong is left out with all others, so that callers are answered. Blocks for a second or two
    where there is a sentence model."""
    try:
        dialogues = dialogue.load(own_dialogue(config))
    except DialogueError as error:
        _log.error("the office's changes to the dialogue are left out: %s", error)
        dialogues = dialogue.load()
    folder = config.ai.sentence_model
    return Mind(dialogues, likeness(config.home / folder, dialogues) if folder else None)


def own_dialogue(config: Config) -> Path:
    """The folder with the office's changes."""
    return config.home / "dialogue"


def likeness(folder: Path, dialogues: Mapping[str, Dialogue]) -> Scorer | None:
    """What likens sentences to the examples, in the language that such models know; None without a model that works."""
    examples = [(rule.name, example) for rule in dialogues["en"].intents for example in rule.examples]
    try:
        return SentenceLikeness(folder, {"en": examples})
    except NoSuchModel as error:
        _log.error("the voice agent goes without a sentence model: %s", error)
        return None


def put_key(session: Session, secrets: Secrets, by: By, value: str, of: str = "llm") -> None:
    """Stores the key of an endpoint, one of KEYS. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This secret cannot be used: {problem}.", code="secret_unusable")
    audit.record(session, by, f"key of ai.{of}_url set")
    secrets.put(KEYS[of], value)


def shipped() -> Mind:
    return Mind(dialogue.load())
