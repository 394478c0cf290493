"""Which calls are recorded, how long recordings are kept, and which may not be deleted."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.calls import RECORDING
from crm.domain.errors import Conflict, CrmError
from crm.services.audit import By
from crm.services.office import properties
from crm.services.voicemail import talk_recordings
from crm.views import properties as properties_view
from crm.views import recordings as recordings_view
from crm.web.console.cursors import PER_PAGE
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings_recordings import WORDS

MOST_HELD = 200


async def _recordings(visit: ConsoleVisit) -> Response:
    return await _recordings_page(visit, {})


async def _recordings_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    config, after = visit.crm.config, visit.query.get("after", "")[:60] or None

    def read(session: Session) -> tuple[list[properties_view.PropertyEntry], list[recordings_view.RecordingRow]]:
        of = properties_view.listed(session, after=after, limit=PER_PAGE + 1)
        return of, recordings_view.listed(session, config, held=True, limit=MOST_HELD)

    of, held = await visit.read(read)
    return frame.page(
        visit,
        "recordings",
        status,
        words=WORDS,
        properties=of[:PER_PAGE],
        more=of[PER_PAGE - 1].slug if len(of) > PER_PAGE else "",
        is_first=after is None,
        modes=RECORDING,
        keep_days=config.recordings.keep_days,
        listen_in=config.console.listen_in,
        held=held,
        sent=sent,
        wrong=wrong,
    )


async def _set_mode(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    slug = str(visit.request.path_params["property"])

    def act(session: Session, by: By) -> None:
        if properties.named(session, slug).recording not in (sent.get("was"), sent.get("recording")):
            raise Conflict("Somebody else has changed this just now: look at it again.", code="changed_meanwhile")
        properties.change(session, by, slug, recording=sent.get("recording", ""))

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _recordings_page(visit, {}, 422, visit.refusal(error))
    return await frame.changed(visit, "/settings/recordings", "mode_set", words=WORDS, property=slug)


async def _hold(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit, "hold")
    try:
        call = await visit.run(talk_recordings.hold, visit.by, sent.get("call", ""), sent.get("why", ""))
    except CrmError as error:
        return await _recordings_page(visit, sent, 422, visit.refusal(error))
    return await frame.changed(visit, "/settings/recordings", "held_now", words=WORDS, call=call)


async def _release(visit: ConsoleVisit) -> Response:
    sent = await frame.sent(visit)
    try:
        call = await visit.run(talk_recordings.release, visit.by, sent.get("call", ""), sent.get("why", ""))
    except CrmError as error:
        return await _recordings_page(visit, {}, 422, visit.refusal(error))
    return await frame.changed(visit, "/settings/recordings", "released", words=WORDS, call=call)


PAGES = (
    frame.opened("/recordings", _recordings),
    frame.act("/recordings/of/{property}", _set_mode),
    frame.act("/recordings/holds", _hold),
    frame.act("/recordings/releases", _release),
)
