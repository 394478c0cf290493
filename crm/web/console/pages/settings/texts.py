"""What texts say that leave by themselves."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain import text_templates
from crm.domain.errors import Invalid
from crm.domain.segments import costly, segments
from crm.services import text_templates as texts_service
from crm.views import text_templates as texts_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit


async def _texts(visit: ConsoleVisit) -> Response:
    known = await visit.read(texts_service.known, visit.crm.config)
    entries = [(one, segments(one.text).count) for one in texts_view.entries(known)]
    return frame.page(visit, "texts", entries=entries)


async def _text(visit: ConsoleVisit) -> Response:
    return await _text_page(visit)


async def _text_page(visit: ConsoleVisit, status: int = 200, wrong: str = "", written: str | None = None) -> Response:
    name, language = str(visit.request.path_params["name"]), str(visit.request.path_params["language"])
    config, by = visit.crm.config, visit.by

    def read(session: Session) -> tuple[texts_view.TextTemplateEntry, texts_view.TextPreview]:
        known = texts_service.known(session, config)
        known.named(name)
        filled = texts_service.preview(session, config, by, name, language)
        return texts_view.entry(known, name, filled.language), texts_view.previewed(filled)

    entry, preview = await visit.read(read)
    shown = written if written is not None else entry.text
    return frame.page(
        visit,
        "texts",
        status,
        "settings_text",
        entry=entry,
        preview=preview,
        written=shown,
        counted=segments(shown),
        costly=costly(shown),
        longest=text_templates.LONGEST_TEMPLATE,
        wrong=wrong,
    )


async def _set_text(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    name, language = str(visit.request.path_params["name"]), str(visit.request.path_params["language"])
    config, body = visit.crm.config, str(form.get("body", ""))
    try:
        if form.get("what") == "reset":
            await visit.run(texts_service.reset, config, visit.by, name, language)
        else:
            await visit.run(texts_service.put, config, visit.by, name, language, body)
    except Invalid as error:
        return await _text_page(visit, 422, visit.refusal(error), body)
    return await frame.changed(visit, f"/settings/texts/{quote(name, safe='')}/{quote(language, safe='')}", "text_set")


PAGES = (
    frame.opened("/texts", _texts),
    frame.opened("/texts/{name}/{language}", _text),
    frame.act("/texts/{name}/{language}", _set_text),
)
