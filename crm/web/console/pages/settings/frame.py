"""What all pages of the settings have: their tabs, who may open them, and what is said after a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from asterisk_conf.programs import ProgramMissing
from crm.domain.access import Act
from crm.services.phones.publish import publish
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings import WORDS

TABS = ("hours", "lines", "devices", "forwarding", "texts", "file")


async def changed(visit: ConsoleVisit, path: str, said: str, *, phones: bool = False, **filled: object) -> Response:
    """After a change: `phones` tells Asterisk, whose trouble, if any, is said, too."""
    words = visit.looks.say(WORDS, said, **filled)
    if phones:
        try:
            words = f"{words} {(await publish(visit.crm)).text}".strip()
        except ProgramMissing:
            words = f"{words} {visit.looks.say(WORDS, 'no_asterisk')}"
    return visit.see_other(path, words)


def page(visit: ConsoleVisit, tab: str, status: int = 200, template: str = "", **values: object) -> Response:
    return visit.page(template or f"settings_{tab}", WORDS, status, tab=tab, tabs=TABS, **values)


def opened(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]], section: str = "") -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, section=section)


def act(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]]) -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, methods=("POST",))
