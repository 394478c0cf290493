"""Voicemail, by mailbox: heard, called back, taken, deleted and restored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import NotFound
from crm.domain.mailboxes import OFFICE, BoxKind, TranscriptState, split
from crm.domain.mailboxes import box as box_of
from crm.services import audit
from crm.services.audit import By
from crm.services.voicemail import mailboxes
from crm.views import choices, recent
from crm.views import voicemail as view
from crm.views.voicemail import VoicemailEntry
from crm.web.console import counts, cursors, sounds
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.voicemail import WORDS

SHOWN = ("new", "all", "deleted")
LONGEST_ID = 80


@dataclass(frozen=True)
class BoxChoice:
    """A mailbox to choose."""

    name: str
    """As stored, such as property:elm."""
    kind: str
    whose: str
    """Name of the agent, subteam or property."""


def boxes(session: Session, visit: ConsoleVisit) -> list[str] | None:
    return counts.boxes(session, visit.who.role, visit.who.agent_id)


def own_box(visit: ConsoleVisit) -> str:
    """Empty: they have none."""
    return box_of(BoxKind.AGENT, visit.who.agent) if visit.who.agent else ""


def is_audible(session: Session, visit: ConsoleVisit, call_id: str) -> bool:
    """Whether a call has a voicemail that they may listen to, and whose audio is there."""
    try:
        found = view.one(session, call_id, visit.who.reach, boxes(session, visit), own_box(visit))
    except NotFound:
        return False
    return found.purged_at is None and found.deleted_at is None


async def _list(visit: ConsoleVisit) -> Response:
    shown, box = visit.query.get("show") or "new", visit.query.get("box", "")[:60]
    if shown not in SHOWN:
        raise HTTPException(404)
    after = _after(visit.query.get("after", ""))

    def read(session: Session) -> tuple[list[VoicemailEntry], list[BoxChoice], set[str]]:
        mine = boxes(session, visit)
        wanted = mailboxes.existing(session, box) if box else None
        if wanted is not None and mine is not None and wanted not in mine:
            raise NotFound(f"There is no mailbox {wanted}.", code="mailbox_unknown", mailbox=wanted)
        found = view.listed(
            session,
            mailbox=wanted,
            new_only=shown == "new",
            deleted=shown == "deleted",
            after=after,
            limit=PER_PAGE + 1,
            reach=visit.who.reach,
            boxes=mine,
            own=own_box(visit),
        )
        return found, _choices(session, visit, mine), _open_calls(session, visit, [one.id for one in found])

    found, named, linked = await visit.read(read)
    more = ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        last = found[-1]
        more = urlencode({"show": shown, "box": box, "after": f"{last.left_at.isoformat()}/{last.id}"})
    return visit.page(
        "voicemail",
        WORDS,
        entries=found,
        shown=shown,
        tabs=SHOWN,
        box=box,
        boxes=[("", visit.looks.say(WORDS, "all")), *((one.name, _box_name(visit, one)) for one in named)],
        names={one.name: _box_name(visit, one) for one in named},
        linked=linked,
        more=more,
        is_first=after is None,
        tab_query=f"&box={quote(box, safe='')}" if box else "",
        states=TranscriptState,
        is_agent=bool(visit.who.agent),
        may_work=visit.may(Act.WORK),
    )


def _choices(session: Session, visit: ConsoleVisit, mine: Collection[str] | None) -> list[BoxChoice]:
    """Mailboxes to choose from; of a large office only those that are not one agent's."""
    names: dict[tuple[BoxKind, str], str] = {}
    reach = visit.who.reach
    for kind, found in (
        (BoxKind.AGENT, choices.agents(session) if reach.is_whole or mine is not None else []),
        (BoxKind.SUBTEAM, choices.subteams(session, reach)),
        (BoxKind.PROPERTY, choices.properties(session, reach)),
    ):
        names |= {(kind, slug): name for slug, name in found}
    known = [f"{kind.value}:{slug}" for kind, slug in names] if mine is None else list(mine)
    if mine is None and reach.is_whole:
        known.append(OFFICE)
    result = []
    for name in known:
        kind_of, slug = split(name)
        whose = names.get((kind_of, slug), slug) if kind_of else ""
        result.append(BoxChoice(name, kind_of.value if kind_of else "", whose))
    return result


def _box_name(visit: ConsoleVisit, one: BoxChoice) -> str:
    if one.name == OFFICE:
        return visit.looks.say(WORDS, "box_office")
    return visit.looks.say(WORDS, f"box_{one.kind}", name=one.whose)


def _open_calls(session: Session, visit: ConsoleVisit, ids: list[str]) -> set[str]:
    """Those of the calls whose page they may open."""
    return recent.within(session, ids, visit.who.reach)


def _after(raw: str) -> tuple[datetime, str] | None:
    if not raw:
        return None
    moment, _, id = raw.partition("/")
    found = cursors.moment_and_id(f"{moment}/1")
    if found is None or not 0 < len(id) <= LONGEST_ID:
        raise NotFound("There is no such page.", code="page_unknown")
    return found[0], id


# --- one of them ---


def _mine(session: Session, visit: ConsoleVisit) -> VoicemailEntry:
    """Raises NotFound, also for one that is somebody else's."""
    id = str(visit.request.path_params["voicemail"])
    return view.one(session, id, visit.who.reach, boxes(session, visit), own_box(visit))


def _audio(session: Session, visit: ConsoleVisit) -> tuple[str, Path]:
    """Raises NotFound, and HTTPException 404 where there is no audio."""
    found = _mine(session, visit)
    path = mailboxes.audio(visit.crm.config, found.file) if found.purged_at is None else None
    if path is None:
        raise HTTPException(404)
    return found.id, path


async def _sound(visit: ConsoleVisit) -> Response:
    id, path = await visit.read(_audio, visit)
    return await sounds.play(visit, f"voicemail {id}", path, partial(visit.run, _heard, visit.by, id))


def _heard(session: Session, by: By, id: str) -> None:
    mailboxes.heard(session, id, by.now)
    audit.record(session, by, f"voicemail {id} listened to")


async def _picture(visit: ConsoleVisit) -> Response:
    _, path = await visit.read(_audio, visit)
    return await sounds.picture(visit, path)


async def _delete(visit: ConsoleVisit) -> Response:
    await visit.form()

    def act(session: Session, by: By) -> None:
        mailboxes.delete(session, by, _mine(session, visit).id)

    await visit.run(act, visit.by)
    return visit.see_other(visit.back("/voicemail"), visit.looks.say(WORDS, "deleted"))


async def _restore(visit: ConsoleVisit) -> Response:
    await visit.form()

    def act(session: Session, by: By) -> None:
        mailboxes.restore(session, by, _mine(session, visit).id)

    await visit.run(act, visit.by)
    return visit.see_other(visit.back("/voicemail"), visit.looks.say(WORDS, "restored"))


async def _take(visit: ConsoleVisit) -> Response:
    await visit.form()
    agent = visit.who.agent
    if agent is None:
        raise HTTPException(403)

    def act(session: Session, by: By) -> None:
        mailboxes.take(session, by, _mine(session, visit).id, agent)

    await visit.run(act, visit.by)
    return visit.see_other(visit.back("/voicemail"), visit.looks.say(WORDS, "taken"))


PAGES = (
    ConsolePage("/voicemail", _list, needs=Act.HEAR, section="voicemail"),
    ConsolePage("/voicemail/{voicemail}/sound", _sound, needs=Act.HEAR),
    ConsolePage("/voicemail/{voicemail}/peaks", _picture, needs=Act.HEAR),
    ConsolePage("/voicemail/{voicemail}/deletion", _delete, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/voicemail/{voicemail}/restoration", _restore, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/voicemail/{voicemail}/taker", _take, needs=Act.WORK, methods=("POST",)),
)
