"""What leads the talks of this office: the dialogue that comes with the program, with the office's changes."""

from __future__ import annotations

import logging

from crm.config import Config
from crm.domain.understanding import Mind
from crm.words import dialogue
from crm.words.dialogue import DialogueError

_log = logging.getLogger(__name__)


def of(config: Config) -> Mind:
    """A change that is wrong is left out with all others, so that callers are answered."""
    try:
        return Mind(dialogue.load(config.home / "dialogue"))
    except DialogueError as error:
        _log.error("the office's changes to the dialogue are left out: %s", error)
        return shipped()


def shipped() -> Mind:
    return Mind(dialogue.load())
