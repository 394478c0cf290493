"""What the voice agent answers: by its rules, and where those do not understand, with a language model's help.

The model is asked outside of any transaction, between two reads. Whatever it does, the caller is answered within its
time limits: by the rules' own turn.
"""

from __future__ import annotations

import logging
from datetime import datetime

from crm.config import Config
from crm.domain import drafting
from crm.domain.conversation import Happening, Turn
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind
from crm.edge.language_model import LanguageModel, LanguageModelFailed
from crm.secrets import Secrets
from crm.services.talks import facts
from crm.services.talks.facts import TalkOf
from crm.store.session import Store

logger = logging.getLogger(__name__)

SECRET = "language_model"
"""Name of the endpoint's key among the secrets; without it, none is sent."""


def model_of(config: Config, secrets: Secrets) -> LanguageModel | None:
    """The model that the settings name; None: none."""
    if not config.ai.llm_url:
        return None
    key = secrets.get(SECRET) if secrets.has(SECRET) else ""
    return LanguageModel(config.ai.llm_url, config.ai.llm_model, key)


async def next_turn(
    store: Store,
    config: Config,
    mind: Mind,
    model: LanguageModel | None,
    state: TalkState,
    happening: Happening,
    call: TalkOf,
    now: datetime,
) -> Turn[TalkState]:
    """What follows from a happening. Raises Unavailable."""
    step = await store.read(facts.think, config, mind, state, happening, call, now)
    if model is None or model.is_resting or not drafting.may_help(state, step.heard, step.turn):
        return step.turn
    try:
        answer = await model.answer(drafting.prompt(mind, state, step.heard, step.facts))
    except LanguageModelFailed as error:
        logger.info("language model failed", extra={"why": str(error)})
        return step.turn
    choice = drafting.choice_in(answer, mind, step.heard.language)
    if choice.intent:
        chosen = await store.read(facts.think, config, mind, state, happening, call, now, choice.intent)
        return chosen.turn
    if choice.sentence:
        turn, wrong = drafting.with_sentence(choice.sentence, step.heard, step.facts, step.turn)
        if wrong:
            logger.info("language model's sentence refused", extra={"why": "; ".join(wrong)[:500]})
        return turn
    logger.info("language model's answer cannot be used")
    return step.turn
