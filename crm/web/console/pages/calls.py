"""One call: what happened and why, what was said, and what followed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.calls import Speaker
from crm.domain.errors import NotFound
from crm.domain.tasks import TaskKind
from crm.services.audit import By
from crm.services.voicemail import talk_recordings
from crm.views import call_stories, calls, recent, recordings, said, tasks
from crm.views.call_stories import StoryLine
from crm.views.calls import CallDetail
from crm.views.recent import RecentEntry
from crm.views.recordings import RecordingRow
from crm.views.said import SaidEntry
from crm.views.tasks import TaskEntry
from crm.web.console import sounds
from crm.web.console.door import ConsolePage
from crm.web.console.pages import voicemail
from crm.web.console.pages.recent import CODES
from crm.web.console.visit import ConsoleVisit
from crm.words.console.calls import WORDS

ALL_CODES = {**CODES, "task": TaskKind, "speaker": Speaker}


@dataclass(frozen=True)
class CallSheet:
    """All that the page of a call shows."""

    call: CallDetail
    entry: RecentEntry
    days: list[tuple[str, list[StoryLine]]]
    recordings: list[RecordingRow]
    deleted: list[RecordingRow]
    summaries: list[str]
    turns: list[SaidEntry]
    voicemail: bool
    """Whether there is one that they may hear."""
    tasks: list[TaskEntry]


async def _call(visit: ConsoleVisit) -> Response:
    sheet = await visit.read(_sheet, visit, str(visit.request.path_params["call"]))
    return visit.page(
        "call",
        WORDS,
        sheet=sheet,
        call=sheet.call,
        entry=sheet.entry,
        codes=ALL_CODES,
        may_work=visit.may(Act.WORK),
        may_hear=visit.may(Act.HEAR),
        may_route=visit.may(Act.ROUTING),
    )


def _sheet(session: Session, visit: ConsoleVisit, call_id: str) -> CallSheet:
    config, now, reach, may_hear = visit.crm.config, visit.crm.now(), visit.who.reach, visit.may(Act.HEAR)
    call = calls.one(session, call_id, reach)
    language = visit.looks.language
    story = call_stories.told(
        session, call, now=now, tz=config.tz, region=config.region, with_words=may_hear, language=language
    )
    there = recordings.listed(session, config, call=call_id) if may_hear else []
    return CallSheet(
        call,
        recent.call(session, call_id, reach),
        list(call_stories.days(story, config.tz, language)),
        there,
        recordings.listed(session, config, call=call_id, deleted=True) if may_hear else [],
        [one.summary for one in call.recordings if one.summary] if may_hear else [],
        said.turns(session, call_id, there) if may_hear else [],
        may_hear and voicemail.is_audible(session, visit, call_id),
        [one for one in tasks.of_call(session, call_id, now) if one.id in call.tasks],
    )


# --- its recordings ---


async def _sound(visit: ConsoleVisit) -> Response:
    row, path = await visit.read(_recording, visit)
    heard = partial(visit.run, _note, visit.by, row.id, row.call)
    return await sounds.play(visit, row.id, path, heard)


async def _picture(visit: ConsoleVisit) -> Response:
    _, path = await visit.read(_recording, visit)
    return await sounds.picture(visit, path)


def _note(session: Session, by: By, id: str, call: str) -> None:
    talk_recordings.note_use(session, by, [(id, call)], "listened to")


def _recording(session: Session, visit: ConsoleVisit) -> tuple[RecordingRow, Path]:
    """Raises NotFound for one of a call out of reach, and HTTPException 404 where its audio is not here."""
    call_id, id = str(visit.request.path_params["call"]), str(visit.request.path_params["recording"])
    calls.summary(session, call_id, visit.who.reach)
    found = recordings.listed(session, visit.crm.config, ids=[id], call=call_id)
    if not found:
        raise NotFound(f"There is no recording {id[:120]}.", code="talk_recording_unknown", recording=id[:120])
    path = talk_recordings.path_of(visit.crm.config, found[0].file)
    if not path.is_file():
        raise HTTPException(404)
    return found[0], path


PAGES = (
    ConsolePage("/calls/{call}", _call),
    ConsolePage("/calls/{call}/recordings/{recording}/sound", _sound, needs=Act.HEAR),
    ConsolePage("/calls/{call}/recordings/{recording}/peaks", _picture, needs=Act.HEAR),
)
