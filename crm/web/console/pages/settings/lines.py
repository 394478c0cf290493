"""The numbers that callers dial."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy.orm import Session
from starlette.responses import Response

from asterisk_conf.prompts import speech
from crm.config import AI_ANSWERS
from crm.domain.errors import CrmError
from crm.services.audit import By
from crm.services.phones import lines
from crm.views import choices
from crm.views import lines as lines_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit

_log = logging.getLogger(__name__)
FIELDS = ("label", "source", "property", "language", "ai_answers", "greeting")


async def _lines(visit: ConsoleVisit) -> Response:
    return await _lines_page(visit, {})


async def _lines_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    def read(session: Session) -> tuple[list[lines_view.LineEntry], choices.Choices]:
        return lines_view.listed(session), choices.properties(session)

    found, properties = await visit.read(read)
    return frame.page(
        visit,
        "lines",
        status,
        lines=found,
        properties=properties,
        languages=speech.languages(),
        ai_answers=AI_ANSWERS,
        sent=sent,
        wrong=wrong,
    )


async def _add_line(visit: ConsoleVisit) -> Response:
    sent = {name: str(value) for name, value in (await visit.form()).items()}
    try:
        number = await visit.run(
            lines.add,
            visit.by,
            visit.crm.config,
            sent.get("number", ""),
            label=sent.get("label", ""),
            source=sent.get("source", ""),
            language=sent.get("language", "en"),
            property_slug=sent.get("property") or None,
        )
    except CrmError as error:
        return await _lines_page(visit, sent, 422, visit.refusal(error))
    await spoken(visit, number)
    return await frame.changed(visit, "/settings/lines", "line_added", number=visit.looks.phone(number))


async def _line(visit: ConsoleVisit) -> Response:
    return await _line_page(visit)


async def _line_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS) -> Response:
    number = str(visit.request.path_params["number"])

    def read(session: Session) -> tuple[lines_view.LineEntry, choices.Choices]:
        return lines_view.one(session, number), choices.properties(session)

    line, properties = await visit.read(read)
    return frame.form_page(
        visit,
        "lines",
        "settings_line",
        form,
        _cells(line),
        line=line,
        properties=properties,
        languages=speech.languages(),
        ai_answers=AI_ANSWERS,
    )


async def _change_line(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    number, region = str(visit.request.path_params["number"]), visit.crm.config.region
    if sent.get("what") == "retire":
        await visit.run(lines.retire, visit.by, region, number)
        # Without a text, this deletes the audio.
        await asyncio.to_thread(speech.greeting, visit.crm.config.prompts_folder, number, "", "en")
        return await frame.changed(visit, "/settings/lines", "line_retired", number=visit.looks.phone(number))

    def there(session: Session) -> Mapping[str, str]:
        return _cells(lines_view.one(session, number))

    def write(session: Session, by: By, changes: Mapping[str, str]) -> None:
        lines.change(
            session,
            by,
            region,
            number,
            label=changes.get("label"),
            source=changes.get("source"),
            greeting=changes.get("greeting"),
            language=changes.get("language"),
            property_slug=changes.get("property"),
            ai_answers=changes.get("ai_answers"),
        )

    if again := await frame.edited(visit, sent, {name: sent.get(name, "") for name in FIELDS}, there, write):
        return await _line_page(visit, again)
    said = "line_changed" if await spoken(visit, number) else "line_changed_unspoken"
    return await frame.changed(visit, "/settings/lines", said, number=visit.looks.phone(number))


def _cells(line: lines_view.LineEntry) -> dict[str, str]:
    return {
        "label": line.label,
        "source": line.source,
        "property": line.property or "",
        "language": line.language,
        "ai_answers": line.ai_answers or "",
        "greeting": line.greeting,
    }


async def spoken(visit: ConsoleVisit, number: str) -> bool:
    """Makes the audio of a line's greeting, or deletes that of a line without one. False: the speech programs are not
    there yet, and `leaseline up` makes it."""
    line, folder = await visit.read(lines_view.one, number), visit.crm.config.prompts_folder
    try:
        await asyncio.to_thread(speech.greeting, folder, line.number, line.greeting, line.language)
    except speech.SpeechError:
        _log.warning("a greeting could not be made", exc_info=True)
        return False
    return True


PAGES = (
    frame.opened("/lines", _lines),
    frame.act("/lines", _add_line),
    frame.opened("/lines/{number}", _line),
    frame.act("/lines/{number}", _change_line),
)
