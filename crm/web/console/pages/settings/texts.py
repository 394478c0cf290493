"""What texts and emails say that leave by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain import mail_templates, text_templates
from crm.domain.segments import costly, segments
from crm.services import mail_templates as mails_service
from crm.services import text_templates as texts_service
from crm.services.audit import By
from crm.views import mail_templates as mails_view
from crm.views import text_templates as texts_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit


async def _texts(visit: ConsoleVisit) -> Response:
    config, asked = visit.crm.config, visit.query.get("language", "")
    language = asked if asked in text_templates.LANGUAGES else None

    def read(session: Session) -> tuple[list[texts_view.TextTemplateEntry], list[mails_view.MailTemplateEntry]]:
        texts = texts_view.entries(texts_service.known(session, config), language)
        return texts, mails_view.entries(mails_service.known(session), language)

    texts, mails = await visit.read(read)
    return frame.page(
        visit,
        "texts",
        entries=[(one, segments(one.text).count) for one in texts],
        mails=mails,
        language=language,
        languages=text_templates.LANGUAGES,
    )


async def _text(visit: ConsoleVisit) -> Response:
    return await _text_page(visit)


async def _text_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS) -> Response:
    name, language = _asked(visit)
    config, by = visit.crm.config, visit.by

    def read(session: Session) -> tuple[texts_view.TextTemplateEntry, texts_view.TextPreview]:
        known = texts_service.known(session, config)
        known.named(name)
        filled = texts_service.preview(session, config, by, name, language)
        return texts_view.entry(known, name, filled.language), texts_view.previewed(filled)

    entry, preview = await visit.read(read)
    there = {"body": entry.text}
    shown = (form.cells or there)["body"]
    return frame.form_page(
        visit,
        "texts",
        "settings_text",
        form,
        there,
        entry=entry,
        preview=preview,
        counted=segments(shown),
        costly=costly(shown),
        longest=text_templates.LONGEST_TEMPLATE,
    )


async def _set_text(visit: ConsoleVisit) -> Response:
    sent, config, (name, language) = await frame.sent(visit), visit.crm.config, _asked(visit)

    def there(session: Session) -> Mapping[str, str]:
        return {"body": texts_view.entry(texts_service.known(session, config), name, language).text}

    def write(session: Session, by: By, changes: Mapping[str, str]) -> None:
        texts_service.put(session, config, by, name, language, changes["body"])

    if sent.get("what") == "reset":
        await visit.run(texts_service.reset, config, visit.by, name, language)
    elif again := await frame.edited(visit, sent, {"body": sent.get("body", "")}, there, write):
        return await _text_page(visit, again)
    return await frame.changed(visit, f"/settings/texts/{quote(name, safe='')}/{quote(language, safe='')}", "text_set")


async def _mail(visit: ConsoleVisit) -> Response:
    return await _mail_page(visit)


async def _mail_page(visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS) -> Response:
    name, language = _asked(visit)
    config, by = visit.crm.config, visit.by

    def read(session: Session) -> tuple[mails_view.MailTemplateEntry, mails_view.MailPreview]:
        filled = mails_service.preview(session, config, by, name, language)
        return mails_view.entry(mails_service.known(session), name, filled.language), mails_view.previewed(filled)

    entry, preview = await visit.read(read)
    return frame.form_page(
        visit,
        "texts",
        "settings_mail",
        form,
        _cells(entry),
        entry=entry,
        may_hold=[one for one in entry.placeholders if one not in entry.has_to_hold],
        preview=preview,
        longest_subject=mail_templates.LONGEST_SUBJECT,
        longest_text=mail_templates.LONGEST_TEXT,
    )


async def _set_mail(visit: ConsoleVisit) -> Response:
    sent, (name, language) = await frame.sent(visit), _asked(visit)

    def there(session: Session) -> Mapping[str, str]:
        return _cells(mails_view.entry(mails_service.known(session), name, language))

    def write(session: Session, by: By, changes: Mapping[str, str]) -> None:
        mails_service.put(session, by, name, language, subject=changes.get("subject"), text=changes.get("text"))

    if sent.get("what") == "reset":
        await visit.run(mails_service.reset, visit.by, name, language)
    else:
        cells = {field: sent.get(field, "") for field in await visit.read(there)}
        if again := await frame.edited(visit, sent, cells, there, write):
            return await _mail_page(visit, again)
    return await frame.changed(visit, f"/settings/mails/{quote(name, safe='')}/{quote(language, safe='')}", "mail_set")


def _cells(entry: mails_view.MailTemplateEntry) -> dict[str, str]:
    """The fields of its form: what stands below another email has no subject."""
    return ({"subject": entry.subject} if entry.subject_placeholders else {}) | {"text": entry.text}


def _asked(visit: ConsoleVisit) -> tuple[str, str]:
    return str(visit.request.path_params["name"]), str(visit.request.path_params["language"])


PAGES = (
    frame.opened("/texts", _texts),
    frame.opened("/texts/{name}/{language}", _text),
    frame.act("/texts/{name}/{language}", _set_text),
    frame.opened("/mails/{name}/{language}", _mail),
    frame.act("/mails/{name}/{language}", _set_mail),
)
