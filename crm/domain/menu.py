"""Questions put by phone: what a caller hears, and what each key means. For live calls and `route test`."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm.domain.choosing import KeyPrompt, Question, Say
from crm.domain.routing import OTHER_LANGUAGE

GREETING = Say("welcome")
"""Stands for the line's own greeting, too, where it has one in the caller's language."""
LINK_SENT = Say("link_sent")
LINK_OFFER = KeyPrompt(Question.LINK, (Say("text_offer"),), ())
"""Once the link was sent. Whatever they press, they are there and want something."""


@dataclass
class MenuDialogue:
    """A question under way, asked again after silence or a wrong key; nobody is hung up on."""

    tries: int
    """How often a question is asked."""
    greets: bool = True
    """The next question comes after the greeting."""
    ask: KeyPrompt | None = None
    _before: tuple[Say, ...] = field(default=(), init=False)
    _missed: int = field(default=0, init=False)

    def put(self, ask: KeyPrompt, before: tuple[Say, ...] = ()) -> None:
        """Begins with a question; `before` is said before it the first time."""
        self.ask, self._missed = ask, 0
        self._before = (*((GREETING,) if self.greets else ()), *before)

    def says(self) -> tuple[Say, ...]:
        """In order. Another language is offered right after the greeting, before anything that only some understand."""
        before, asked = self._before, self._asked.says
        if before[:1] == (GREETING,) and asked and asked[0].language:
            return (GREETING, asked[0], *before[1:], *asked[1:])
        return (*before, *asked)

    def wants_more(self, keys: str) -> bool:
        """Whether more keys belong to these, up to the pound key or a pause."""
        return len(keys) < self._asked.digits and not keys.endswith("#")

    def hears(self, keys: str) -> str | None:
        """The answer that was keyed; "" when the caller goes on without one, None when the question is asked again.

        `keys` is "" for silence. After another language the same is asked in it, from the greeting on.
        """
        keys = self.keyed(keys)
        self.greets = False
        if self._asked.takes(keys):
            self.greets = keys == OTHER_LANGUAGE and self._asked.question is Question.MENU
            return keys
        self._missed += 1
        self._before = (Say("not_a_choice"),) if keys else ()
        return "" if self._missed >= self.tries else None

    def keyed(self, keys: str) -> str:
        """Without the pound key that only ends them."""
        return keys if self._asked.digits == 1 else keys.rstrip("#")

    @property
    def _asked(self) -> KeyPrompt:
        assert self.ask is not None
        return self.ask
