"""Leads: filtered, searched, given to agents by the hundred, exported, and entered by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from crm.domain import lead_rows
from crm.domain.access import Act, Reach
from crm.domain.blocks import Members
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.domain.leads import NOBODY, OPEN, LeadFilter, LeadKind, LeadStatus, LeadType, LeasingStage, Light, read_filter
from crm.services import assignment
from crm.services.audit import By
from crm.services.office import properties
from crm.services.people import exports, filters, wishes
from crm.services.people import leads as service
from crm.store.session import Store
from crm.views import choices, lead_export, search
from crm.views import leads as view
from crm.views.choices import Choices
from crm.views.leads import LeadEntry, SavedFilterEntry
from crm.web.console import cursors
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.leads import WORDS

MOST_PER_PAGE = 200
FILTERS = tuple(LeadFilter.__dataclass_fields__)
IN_TURN = "*"
"""In place of an agent: whoever is next."""
ROWS = 250
"""Leads read at once for an export: while it runs, other pages are waited for no longer than this takes to read."""
MOST_EXPORTS = 3
"""Files that are written at the same time."""
MARKED = 5_000
"""Ids read at once, to put on record who will be in the file."""
NEW_FIELDS = ("name", "phone", "email", "kind", "type", "source", "property", "bedrooms", "move_in", "budget", "pets")


@dataclass(frozen=True)
class LeadsAsked:
    """What the address of the list says."""

    filter: dict[str, str]
    """As it was written."""
    wanted: LeadFilter
    saved: str
    """Name of the saved filter that it builds on; or empty."""
    words: str
    """That are searched for; or empty."""
    per_page: int

    @property
    def query(self) -> dict[str, str]:
        """The address again, without the page."""
        rest = {"q": self.words, "saved": self.saved, "per": "" if self.per_page == PER_PAGE else str(self.per_page)}
        return {key: value for key, value in {**self.filter, **rest}.items() if value}


@dataclass(frozen=True)
class LeadOptions:
    """What filters and forms let people choose."""

    agents: Choices
    properties: Choices
    subteams: Choices
    saved: list[SavedFilterEntry]


async def _list(visit: ConsoleVisit) -> Response:
    try:
        return await _listed(visit)
    except Invalid as error:
        options = await visit.read(read_options, visit.who.reach)
        return _shown(visit, LeadsAsked({}, LeadFilter(), "", "", PER_PAGE), options, [], wrong=visit.refusal(error))


async def _listed(visit: ConsoleVisit) -> Response:
    now, reach = visit.crm.now(), visit.who.reach
    after = cursors.moment_and_id(visit.query.get("after", ""))

    def read(session: Session) -> tuple[LeadsAsked, list[LeadEntry], dict[int, str], LeadOptions]:
        asked = _asked(session, visit, visit.query)
        options = read_options(session, reach)
        if not asked.words:
            limit = asked.per_page + 1
            return asked, view.listed(session, now, asked.wanted, after=after, limit=limit, reach=reach), {}, options
        hits = search.found(session, asked.words, now, asked.wanted, limit=asked.per_page, reach=reach)
        excerpts = {hit.lead.id: hit.excerpt for hit in hits if hit.found_in == "timeline"}
        return asked, [hit.lead for hit in hits], excerpts, options

    asked, found, excerpts, options = await visit.read(read)
    more = ""
    if len(found) > asked.per_page:
        found = found[: asked.per_page]
        more = urlencode({**asked.query, "after": cursors.written(found[-1].created_at, found[-1].id)})
    return _shown(visit, asked, options, found, excerpts, more=more)


def _shown(
    visit: ConsoleVisit,
    asked: LeadsAsked,
    options: LeadOptions,
    found: list[LeadEntry],
    excerpts: Mapping[int, str] | None = None,
    *,
    more: str = "",
    wrong: str = "",
) -> Response:
    return visit.page(
        "leads",
        WORDS,
        422 if wrong else 200,
        entries=found,
        excerpts=excerpts or {},
        asked=asked,
        given={**dict.fromkeys((*FILTERS, "per"), ""), **asked.query},
        query=urlencode(asked.query),
        is_first=not visit.query.get("after"),
        more=more,
        wrong=wrong,
        options=options,
        codes=CODES,
        named_codes={
            name: {one.value: visit.looks.code(kind, one.value) for one in kind} for name, kind in CODES.items()
        },
        may_change=visit.may(Act.WORK),
        may_give=visit.may(Act.SUPERVISE),
        may_export=visit.may(Act.EXPORT),
        per_page=PER_PAGE,
        most_per_page=MOST_PER_PAGE,
        in_turn=IN_TURN,
        nobody=NOBODY,
        open=OPEN,
    )


CODES = {"kind": LeadKind, "type": LeadType, "status": LeadStatus, "stage": LeasingStage, "light": Light}


def _asked(session: Session, visit: ConsoleVisit, query: Mapping[str, str]) -> LeadsAsked:
    """Raises Invalid, and NotFound for a filter that is not there."""
    given = {key: query[key].strip() for key in FILTERS if query.get(key, "").strip()}
    saved = query.get("saved", "").strip()
    written = {**(filters.named(session, saved) if saved else {}), **given}
    return LeadsAsked(
        given,
        read_filter(written, visit.crm.config.tz, visit.crm.now()),
        saved,
        " ".join(query.get("q", "").split())[: search.LONGEST],
        MOST_PER_PAGE if query.get("per") == str(MOST_PER_PAGE) else PER_PAGE,
    )


def read_options(session: Session, reach: Reach) -> LeadOptions:
    return LeadOptions(
        choices.agents(session),
        choices.properties(session, reach),
        choices.subteams(session, reach),
        view.saved_filters(session),
    )


# --- saved filters ---


async def _save_filter(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    written = {key: value for key in FILTERS if (value := str(fields.get(key, "")).strip())}
    name = str(fields.get("name", "")).strip()
    await visit.run(filters.save, visit.crm.config, visit.by, name, written)
    return visit.see_other(f"/leads?{urlencode({'saved': name})}", visit.looks.say(WORDS, "filter_saved", name=name))


async def _remove_filter(visit: ConsoleVisit) -> Response:
    name = str((await visit.form()).get("name", ""))
    await visit.run(filters.remove, visit.by, name)
    return visit.see_other("/leads", visit.looks.say(WORDS, "filter_removed", name=name))


# --- acts on one, or many ---


async def _type(visit: ConsoleVisit) -> Response:
    """Hot or cold, by one click."""
    is_hot = str((await visit.form()).get("type", "")) == LeadType.HOT
    lead_id = visit.request.path_params["lead"]

    def act(session: Session, by: By) -> int:
        found = view.surviving(session, lead_id, visit.who.reach)
        service.change(session, visit.crm.config, by, found, hot=is_hot)
        return found

    found = await visit.run(act, visit.by)
    said = visit.looks.say(WORDS, "now_hot" if is_hot else "now_cold", id=found)
    return visit.see_other(visit.back("/leads"), said)


async def _assign(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    ids = [cursors.number(str(one)) for one in fields.getlist("lead")]
    agent = str(fields.get("agent", "")).strip()
    back = visit.back("/leads")
    if not ids or not agent:
        return visit.see_other(back, visit.looks.say(WORDS, "choose_first"))

    def act(session: Session, by: By) -> int:
        # A lead out of reach is not there, and neither is one that was merged meanwhile.
        mine = view.within(session, ids, visit.who.reach)
        to = None if agent in (NOBODY, IN_TURN) else agent
        return assignment.several(session, visit.crm.config, by, mine, to, in_turn=agent == IN_TURN)

    changed = await visit.run(act, visit.by)
    return visit.see_other(back, visit.looks.say(WORDS, "assigned", count=changed))


# --- out as a file ---


_under_way: list[int] = []
"""Whose files are being written: ids of accounts."""


class LeadFile(StreamingResponse):
    """A file that is under way until all of it has been sent, or its browser has gone away."""

    def __init__(self, rows: AsyncIterator[bytes], name: str, account_id: int) -> None:
        disposition = f'attachment; filename="{name}"'
        super().__init__(rows, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})
        self._account_id = account_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            _under_way.remove(self._account_id)


async def _export(visit: ConsoleVisit) -> Response:
    """One at a time for each person, and a few for all: each reads the whole list."""
    fields, account_id = await visit.form(), visit.who.account_id
    if account_id in _under_way or len(_under_way) >= MOST_EXPORTS:
        raise Conflict(
            "Leads are being exported already: try again when that file is complete.", code="exports_under_way"
        )
    _under_way.append(account_id)
    try:
        return await _file(visit, fields)
    except BaseException:
        _under_way.remove(account_id)
        raise


async def _file(visit: ConsoleVisit, fields: FormData) -> LeadFile:
    asked = await visit.read(_asked, visit, {key: str(value) for key, value in fields.items()})
    by, reach = visit.by, visit.who.reach
    members = await _members(visit, asked.wanted, by.now, reach)
    if members.count:
        # First the record, then the file: what went out and was cut short is on record, too.
        await visit.run(exports.record, by, "CSV", members)
    name = f"leads-{by.now.astimezone(visit.crm.config.tz):%Y-%m-%d-%H%M}.csv"
    return LeadFile(_rows(visit.crm.store, asked.wanted, by.now, reach, members), name, visit.who.account_id)


async def _members(visit: ConsoleVisit, wanted: LeadFilter, now: datetime, reach: Reach) -> Members:
    members, after = Members(), 0
    while True:
        some = await visit.read(view.ids, now, wanted, reach, after=after, limit=MARKED)
        members.add_all(some)
        if len(some) < MARKED:
            return members
        after = some[-1]


async def _rows(
    store: Store, wanted: LeadFilter, now: datetime, reach: Reach, members: Members
) -> AsyncIterator[bytes]:
    """The file, a few leads at a time, none of which is in memory for longer than it takes to send."""
    yield _csv([lead_rows.COLUMNS])
    after: int | None = 0
    while after is not None:
        part, after = await store.read(_part, wanted, now, reach, members, after)
        yield part


def _part(
    session: Session, wanted: LeadFilter, now: datetime, reach: Reach, members: Members, after: int
) -> tuple[bytes, int | None]:
    rows, last = lead_export.page(session, now, wanted, after, limit=ROWS, reach=reach)
    # Who has come to match since the record was made is in no list that anybody exported.
    return _csv(lead_rows.write_rows(row for row in rows if row.id in members)), last


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# --- a new one ---


async def _new(visit: ConsoleVisit) -> Response:
    if visit.request.method != "POST":
        asked = {key: visit.query.get(key, "") for key in ("name", "phone", "email", "property")}
        return await _new_form(visit, asked)
    fields = await visit.form()
    sent = {key: str(fields.get(key, "")).strip() for key in NEW_FIELDS}
    try:
        lead_id, is_new = await visit.run(_add, visit, visit.by, sent)
    except CrmError as error:
        if error.code.startswith("database"):
            raise
        return await _new_form(visit, sent, visit.refusal(error))
    said = visit.looks.say(WORDS, "added" if is_new else "known_already", id=lead_id)
    return visit.see_other(f"/leads/{lead_id}", said)


async def _new_form(visit: ConsoleVisit, sent: Mapping[str, str], wrong: str = "") -> Response:
    options = await visit.read(read_options, visit.who.reach)
    return visit.page(
        "lead_new",
        WORDS,
        422 if wrong else 200,
        sent={**dict.fromkeys(NEW_FIELDS, ""), **sent},
        wrong=wrong,
        options=options,
        codes=CODES,
        needs_property=not visit.who.reach.is_whole,
    )


def _add(session: Session, visit: ConsoleVisit, by: By, sent: Mapping[str, str]) -> tuple[int, bool]:
    """Raises Invalid, NotFound, Conflict."""
    if sent["property"]:
        visit.require(Act.WORK, properties.named(session, sent["property"]).id)
    elif not visit.who.reach.is_whole:
        raise Invalid("Say which property they are interested in.", code="property_missing")
    lead, is_new = service.add(
        session,
        visit.crm.config,
        by,
        name=sent["name"],
        phones=[one for one in sent["phone"].replace(";", ",").split(",") if one.strip()],
        email=sent["email"],
        kind=sent["kind"] or LeadKind.TENANT,
        source=sent["source"],
        property_slug=sent["property"] or None,
        cold=sent["type"] == LeadType.COLD,
    )
    looked_for = {name: sent[name] for name in ("bedrooms", "move_in", "budget", "pets") if sent[name]}
    wishes.complete(lead, wishes.read(**looked_for))
    session.flush()
    return lead.id, is_new


PAGES = (
    ConsolePage("/leads", _list, section="leads"),
    ConsolePage("/leads/new", _new, needs=Act.WORK, methods=("GET", "POST")),
    ConsolePage("/leads/assign", _assign, needs=Act.SUPERVISE, methods=("POST",)),
    ConsolePage("/leads/export", _export, needs=Act.EXPORT, methods=("POST",)),
    ConsolePage("/leads/filters", _save_filter, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/leads/filters/remove", _remove_filter, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/leads/{lead:int}/type", _type, needs=Act.WORK, methods=("POST",)),
)
