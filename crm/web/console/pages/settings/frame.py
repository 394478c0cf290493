"""What all pages of the settings have: their tabs, who may open them, and what is said after a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from asterisk_conf.programs import ProgramMissing
from crm.domain.access import Act
from crm.domain.errors import CrmError, Invalid, NotFound
from crm.services.audit import By
from crm.services.phones.publish import publish
from crm.web.console import clashes
from crm.web.console.clashes import FormEdit
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console import Words
from crm.words.console.settings import WORDS

TABS = (
    "hours",
    "tours",
    "lines",
    "agents",
    "devices",
    "places",
    "forwarding",
    "recordings",
    "texts",
    "retired",
    "file",
)


async def changed(
    visit: ConsoleVisit, path: str, said: str, *, phones: bool = False, words: Words = WORDS, **filled: object
) -> Response:
    """After a change: `phones` tells Asterisk, whose trouble, if any, is said, too. `said` is a key of `words`."""
    text = visit.looks.say(words, said, **filled)
    if phones:
        try:
            text = f"{text} {visit.looks.record((await publish(visit.crm)).text)}".strip()
        except ProgramMissing:
            text = f"{text} {visit.looks.say(WORDS, 'no_asterisk')}"
    return visit.see_other(path, text)


def page(
    visit: ConsoleVisit, tab: str, status: int = 200, template: str = "", *, words: Words = WORDS, **values: object
) -> Response:
    """`words` are a tab's own; those of `crm.words.console.settings` go with them."""
    both = {language: {**WORDS[language], **words[language]} for language in words}
    return visit.page(template or f"settings_{tab}", both, status, tab=tab, tabs=TABS, **values)


def form_page(
    visit: ConsoleVisit,
    tab: str,
    template: str,
    form: EditForm,
    there: Mapping[str, str],
    *,
    words: Words = WORDS,
    **values: object,
) -> Response:
    """A page with a form to change what is `there`."""
    return page(visit, tab, form.status, template, words=words, wrong=form.wrong, **form.filled(there), **values)


@dataclass(frozen=True)
class EditForm:
    """A form that comes back with what a person wrote in it, and why; of a page's forms, the one with these fields."""

    status: int = 200
    wrong: str = ""
    cells: Mapping[str, str] | None = None
    base: Mapping[str, str] | None = None

    def filled(self, there: Mapping[str, str]) -> dict[str, object]:
        """For its template: what is there, unless this is the one that comes back."""
        is_this = self.cells is not None and self.cells.keys() == there.keys()
        return {
            "cells": self.cells if is_this else there,
            "base": clashes.written(self.base if is_this and self.base else there),
        }


AS_IT_IS = EditForm()


async def edited(
    visit: ConsoleVisit,
    sent: Mapping[str, str],
    cells: Mapping[str, str],
    there: Callable[[Session], Mapping[str, str]],
    write: Callable[[Session, By, Mapping[str, str]], object],
    words: Words = WORDS,
) -> EditForm | None:
    """Writes what was changed in a form, unless somebody else has changed the same meanwhile. None: that is done, or
    there was nothing to do. Raises NotFound."""
    base = clashes.read(sent.get("base", ""))

    def act(session: Session, by: By) -> FormEdit:
        return clashes.carried_out(base, cells, there(session), lambda changes: write(session, by, changes))

    try:
        edit = await visit.run(act, visit.by)
    except NotFound:
        raise
    except CrmError as error:
        return EditForm(422, visit.refusal(error), cells, base)
    if edit.clashes:
        return EditForm(409, clash(visit, words, edit), edit.merged, edit.there)
    return None


async def sent(visit: ConsoleVisit, form: str = "") -> dict[str, str]:
    """The fields of a form, without spaces around them, and under `form` which one of the page's it is."""
    found = {name: str(value).replace("\r\n", "\n").strip() for name, value in (await visit.form()).items()}
    return {**found, "form": form}


def written_lines(raw: str) -> list[str]:
    return [line.strip() for line in raw.splitlines() if line.strip()]


def number(raw: str) -> int:
    """Raises Invalid."""
    if not (raw.isascii() and raw.isdecimal()):
        raise Invalid(f"{raw[:40]!a} is not a number: write one in digits.", code="number_invalid")
    return int(raw[:9])


def clash(visit: ConsoleVisit, words: Words, edit: FormEdit) -> str:
    """What somebody else has changed since the form was opened, field by field; each is called as in `words`."""
    looks = visit.looks
    both = [
        looks.say(WORDS, "clash", field=looks.say(words, name), theirs=theirs, yours=yours)
        for name, (theirs, yours) in edit.clashes.items()
    ]
    return " ".join((looks.say(WORDS, "changed_meanwhile"), *both))


def of_property(path: str, slug: str | None) -> str:
    return f"{path}?property={quote(slug, safe='')}" if slug else path


def opened(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]], section: str = "") -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, section=section)


def act(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]]) -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, methods=("POST",))
