"""A talk with the voice agent's rules over real rows, without a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec

from crm.config import Config
from crm.domain.conversation import (
    Act,
    ActResult,
    Began,
    BookTour,
    Did,
    Happening,
    Pressed,
    SendLink,
    Silent,
    Speak,
    Transfer,
    UpdateLead,
    Utterance,
)
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind
from crm.services.talks import facts, minds
from crm.services.talks.facts import TalkOf
from crm.store.session import Store

Kind = TypeVar("Kind", bound=Act)


@dataclass
class Talk:
    store: Store
    config: Config
    call: TalkOf
    now: datetime
    mind: Mind = field(default_factory=minds.shipped)
    results: dict[type, ActResult] = field(default_factory=dict)
    """What comes of acts; DONE unless it is here."""
    state: TalkState = field(default_factory=TalkState)
    acts: list[Act] = field(default_factory=list)
    """All, in their order."""
    last: list[Act] = field(default_factory=list)
    """Those that followed from what happened last, and from their results."""

    def begin(self) -> Talk:
        self.happens(Began())
        return self

    def say(self, *sentences: str, language: str = "", confidence: float = 0.9) -> str:
        """What the agent answers to the last of them."""
        for sentence in sentences:
            self.happens(Utterance(sentence, language, confidence, 0.0, 1.0))
        return self.said

    def press(self, keys: str) -> str:
        self.happens(Pressed(keys))
        return self.said

    def silence(self, seconds: float) -> str:
        self.happens(Silent(seconds))
        return self.said

    def happens(self, happening: Happening) -> None:
        self.last = []
        self._step(happening)

    def _step(self, happening: Happening) -> None:
        # A talk goes on from its stored state after a restart, so every turn here does.
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=TalkState)
        turn = self.store.read_blocking(facts.step, self.config, self.mind, self.state, happening, self.call, self.now)
        self.state = turn.state
        self.acts += turn.acts
        self.last += turn.acts
        for act in turn.acts:
            if isinstance(act, (SendLink, BookTour, UpdateLead)):
                self._step(Did(act, self.results.get(type(act), ActResult.DONE)))

    @property
    def said(self) -> str:
        """What was said in answer to what happened last."""
        return " ".join(act.text for act in self.last if isinstance(act, Speak))

    @property
    def everything_said(self) -> Sequence[Speak]:
        return self.of(Speak)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [act for act in self.acts if isinstance(act, kind)]

    @property
    def transfer(self) -> Transfer | None:
        return next(iter(self.of(Transfer)), None)

    @property
    def saved(self) -> dict[str, str]:
        return {str(key): value for act in self.of(UpdateLead) for key, value in act.values.items()}

    def cites(self, kind: str) -> set[tuple[int, int]]:
        return {(one.id, one.version) for act in self.of(Speak) for one in act.cites if one.kind == kind}
