"""What leads the talks of this office: the dialogue that comes with the program, with the office's changes."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Invalid
from crm.domain.understanding import Mind
from crm.secrets import Secrets, unusable
from crm.services import audit
from crm.services.audit import By
from crm.words import dialogue
from crm.words.dialogue import DialogueError

KEY = "language_model"
"""Name among the secrets of the key for ai.llm_url; without it, none is sent."""

_log = logging.getLogger(__name__)


def of(config: Config) -> Mind:
    """A change that is wrong is left out with all others, so that callers are answered."""
    try:
        return Mind(dialogue.load(config.home / "dialogue"))
    except DialogueError as error:
        _log.error("the office's changes to the dialogue are left out: %s", error)
        return shipped()


def put_key(session: Session, secrets: Secrets, by: By, value: str) -> None:
    """Stores the key of the language model's endpoint. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This secret cannot be used: {problem}.", code="secret_unusable")
    audit.record(session, by, "key of the language model set")
    secrets.put(KEY, value)


def shipped() -> Mind:
    return Mind(dialogue.load())
