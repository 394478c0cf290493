"""What the voice agent answers: by its rules, and where those do not understand, with a language model's help.

The model is asked outside of any transaction, between two reads. Whatever it does, the caller is answered within its
time limits: by the rules' own turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from crm.config import Config
from crm.domain import drafting
from crm.domain.conversation import Happening, Turn
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind
from crm.edge.language_model import LanguageModel, LanguageModelFailed
from crm.secrets import Secrets
from crm.services.talks import facts
from crm.services.talks.facts import TalkOf
from crm.services.talks.minds import KEY

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def model_of(config: Config, secrets: Secrets) -> LanguageModel | None:
    """The model that the settings name; None: none."""
    if not config.ai.llm_url:
        return None
    key = secrets.get(KEY) if secrets.has(KEY) else ""
    return LanguageModel(config.ai.llm_url, config.ai.llm_model, key)


class Reads(Protocol):
    """Runs a read of the database, within the time a caller waits for one."""

    async def __call__(self, read: Callable[..., Result], /, *arguments: Any) -> Result: ...


async def next_turn(
    read: Reads,
    config: Config,
    mind: Mind,
    model: LanguageModel | None,
    state: TalkState,
    happening: Happening,
    call: TalkOf,
    now: datetime,
) -> Turn[TalkState]:
    """What follows from a happening. Raises what `read` raises."""
    step = await read(facts.think, config, mind, state, happening, call, now)
    if model is None or model.is_resting or not drafting.may_help(state, step.heard, step.turn):
        return step.turn
    try:
        answer = await model.answer(drafting.prompt(mind, state, step.heard, step.facts))
    except LanguageModelFailed as error:
        logger.info("language model failed", extra={"why": str(error)})
        return step.turn
    choice = drafting.choice_in(answer, mind, step.heard.language)
    if choice.intent:
        chosen = await read(facts.think, config, mind, state, happening, call, now, choice.intent)
        return chosen.turn
    if choice.sentence:
        turn, wrong = drafting.with_sentence(choice.sentence, step.heard, step.facts, step.turn)
        if wrong:
            logger.info("language model's sentence refused", extra={"why": "; ".join(wrong)[:500]})
        return turn
    logger.info("language model's answer cannot be used")
    return step.turn
