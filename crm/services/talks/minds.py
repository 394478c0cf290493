"""What leads the talks of this office: the dialogue that comes with the program, with the office's changes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialogue import Dialogue, folded
from crm.domain.errors import Invalid
from crm.secrets import AI_KEYS, Secrets, unusable
from crm.services import audit
from crm.services.audit import By
from crm.words import dialogue
from crm.words.dialogue import DialogueError

if TYPE_CHECKING:
    from crm.domain.understanding import Mind
    from crm.edge.likeness import Likeness

KEY = AI_KEYS["llm"]
"""Without it, none is sent."""

_Pairs = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""By language."""

_log = logging.getLogger(__name__)


def of(config: Config) -> Mind:
    """A change that is wrong is left out with all others, so that callers are answered."""
    from crm.domain.understanding import Mind  # Who only asks where the voice agent answers need not understand.

    try:
        dialogues = dialogue.load(own_dialogue(config))
    except DialogueError as error:
        _log.error("the office's changes to the dialogue are left out: %s", error)
        dialogues = dialogue.load()
    folder = config.ai.sentence_model
    kept = config.run_folder / "sentence_vectors.npz"
    return Mind(dialogues, likeness(dialogues, config.home / folder, kept) if folder else likeness(dialogues))


def own_dialogue(config: Config) -> Path:
    """The folder with the office's changes."""
    return config.home / "dialogue"


def likeness(dialogues: Mapping[str, Dialogue], folder: Path | None = None, kept: Path | None = None) -> Likeness:
    """What likens sentences to the examples: by their words, and in English by the sentence model in `folder`, if it
    works. `kept` is where what it made of the examples is kept."""
    from crm.edge.likeness import Likeness, NoSuchModel, SentenceModel  # NumPy is slow to load, and few commands talk.

    examples = {language: tuple(one.examples) for language, one in dialogues.items()}
    kinds = {language: one.kind_of for language, one in dialogues.items()}
    if folder is not None:
        try:
            return Likeness(examples, folded, {"en": SentenceModel(folder)}, kept, kinds)
        except NoSuchModel as error:
            _log.error("the voice agent goes without a sentence model: %s", error)
    return _by_words(
        tuple(examples.items()), tuple((language, tuple(words.items())) for language, words in kinds.items())
    )


@functools.lru_cache(maxsize=4)
def _by_words(examples: _Pairs, kinds: _Pairs) -> Likeness:
    """The same one for the same examples: it takes two seconds to learn them."""
    from crm.edge.likeness import Likeness

    return Likeness(dict(examples), folded, kinds={language: dict(words) for language, words in kinds})


def put_key(session: Session, secrets: Secrets, by: By, value: str, of: str = "llm") -> None:
    """Stores the key of an endpoint, one of AI_KEYS. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This secret cannot be used: {problem}.", code="secret_unusable")
    audit.record(session, by, f"key of ai.{of}_url set")
    secrets.put(AI_KEYS[of], value)


def shipped() -> Mind:
    """With the dialogue that comes with the program."""
    from crm.domain.understanding import Mind

    dialogues = dialogue.load()
    return Mind(dialogues, likeness(dialogues))
