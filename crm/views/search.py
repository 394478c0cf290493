"""Searching for leads by name, number or address, and by the words of their timelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, TableClause, column, func, literal_column, select, table
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import Invalid
from crm.domain.leads import LeadFilter
from crm.store import prepared
from crm.store.models import Activity, Lead, LeadEmail, LeadPhone
from crm.store.queries import reach as reached
from crm.store.search import PREFIX, VECTOR, words_from
from crm.views import leads
from crm.views.leads import LeadEntry

FEWEST = 3
"""Fewest characters, or digits, to search for."""
LONGEST = 200
AROUND = 160
"""Characters of an excerpt."""
NEWEST = 5_000
"""Entries of timelines that are read one by one, on PostgreSQL."""
MOST_WORDS = 64
"""Most words that are looked up in place of a beginning."""
MOST = 500
"""Most rows that are read from each index, and most leads that are considered."""


EVERYBODY = LeadFilter()


class LeadHit(msgspec.Struct, kw_only=True):
    """A lead that was found."""

    lead: LeadEntry
    found_in: str
    """name, phone, email or timeline."""
    excerpt: str
    """What was found: the name, number or address, or the entry of the timeline, shortened around the words."""
    at: datetime | None
    """When the timeline entry was made; null for other matches."""


def found(
    session: Session,
    words: str,
    now: datetime,
    wanted: LeadFilter = EVERYBODY,
    *,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[LeadHit]:
    """Leads by part of their name, address or number (in any notation), or by words of their timeline, the last of
    which may be incomplete. The newest first; those found by name, number or address before those found by timeline.

    Raises Invalid if there is too little to search for.
    """
    asked = " ".join(words.split())[:LONGEST]
    digits = re.sub(r"\D", "", asked)
    letters = sum(character.isalnum() for character in asked)
    if max(letters, len(digits)) < FEWEST:
        raise Invalid(f"Give at least {FEWEST} letters or digits to search for.", code="search_too_short")
    hits: dict[int, tuple[str, str, datetime | None]] = {}
    # Which of them a filter leaves is only known when their cards are read.
    most = limit if wanted == EVERYBODY else MOST
    for where, query in _searches(session, asked, digits, reach):
        if len(hits) >= most:
            break
        for row in _rows(session, query, most - len(hits)):
            hits.setdefault(row.lead_id, (where, row.excerpt, getattr(row, "at", None)))
            if len(hits) >= most:
                break
    words_asked = asked.split()
    cards = leads.of_ids(session, now, list(hits), wanted, reach)
    return [
        LeadHit(lead=cards[id], found_in=where, excerpt=_around(words_asked, excerpt), at=at)
        for id, (where, excerpt, at) in hits.items()
        if id in cards
    ][:limit]


def _rows(session: Session, query: IndexQuery, few: int) -> Iterator[Row[Any]]:
    """What an index finds, the newest first, at most `MOST`; `few` are most likely enough."""
    if session.get_bind().dialect.name == "sqlite":
        # It finds row after row, as they are read.
        with prepared.rows(session, query.found.limit(MOST), {}) as rows:
            yield from rows
        return
    # PostgreSQL finds all that it is asked for before the first is read, which takes ten times as long for ten times
    # as many. Several rows may be of one lead: then more of them are asked for.
    read, before, most = 0, None, few + few // 4
    while read < MOST:
        most = min(most, MOST - read)
        some = _page(session, query, before, most)
        yield from some
        if len(some) < most:
            return
        read, before, most = read + len(some), some[-1].row, 2 * most


def _page(session: Session, query: IndexQuery, before: int | None, most: int) -> Sequence[Row[Any]]:
    """On PostgreSQL, the newest rows before that id."""
    page = query.found if before is None else query.found.where(query.id < before)
    if query.is_of_words:
        # It cannot tell how many entries have a word that may be incomplete, assumes many, and reads entry after entry,
        # all of them where hardly any has it. So only the newest are read like that, and else the index is asked for
        # all that have it, which then are few; with "+ 0" it takes no order from the ids.
        end = before if before is not None else (session.scalar(select(func.max(query.id))) or 0) + 1
        some = session.execute(page.where(query.id >= end - NEWEST).limit(most)).all()
        if len(some) == most or end <= NEWEST:
            return some
        page = page.order_by(None).order_by((query.id + 0).desc())
    return session.execute(page.limit(most)).all()


@dataclass(frozen=True)
class IndexQuery:
    """What is asked of an index, the newest first; its rows say where they are (`row`)."""

    found: Select[*tuple[Any, ...]]
    id: InstrumentedAttribute[int]
    is_of_words: bool = False

    def where(self, *what: ColumnElement[bool]) -> IndexQuery:
        return replace(self, found=self.found.where(*what))


def _searches(session: Session, asked: str, digits: str, reach: Reach) -> Iterator[tuple[str, IndexQuery]]:
    """The indexes to search, by name, and the query for each."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    # Text with more letters than digits is not a number, though it may contain one, as a street address does.
    if len(digits) >= FEWEST and len(digits) * 2 > len(re.sub(r"\s", "", asked)):
        national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        yield (
            "phone",
            _parts(sqlite, LeadPhone.lead_id, LeadPhone.number, LeadPhone.id, national).where(
                *reached.of_leads(reach, LeadPhone.lead_id, are_many=True)
            ),
        )
    if len(asked) >= FEWEST:
        yield (
            "name",
            _parts(sqlite, Lead.id.label("lead_id"), Lead.name, Lead.id, asked).where(
                *reached.of_leads(reach, are_many=True)
            ),
        )
        yield (
            "email",
            _parts(sqlite, LeadEmail.lead_id, LeadEmail.address, LeadEmail.id, asked.lower()).where(
                *reached.of_leads(reach, LeadEmail.lead_id, are_many=True)
            ),
        )
    if words := re.findall(r"\w+", asked):
        within = (
            *reached.of_leads_looked_at(reach, Activity.lead_id),
            *reached.of_leads_entries(reach, Activity.property_id),
        )
        yield "timeline", _by_words(session, words).where(*within)


def _parts(sqlite: bool, lead_id: Any, of: Any, id: InstrumentedAttribute[int], part: str) -> IndexQuery:
    """Rows whose column `of` contains `part`, of at least three characters; the newest first."""
    query = select(lead_id, of.label("excerpt"), id.label("row"))
    if sqlite:
        # Quoted, so that FTS5 takes all of it as text.
        index = _fts(of.class_.__tablename__)
        quoted = '"' + part.replace('"', '""') + '"'
        held = query.join(index, index.c.rowid == id).where(_matches(index, quoted))
        return IndexQuery(held.order_by(index.c.rowid.desc()), id)
    return IndexQuery(query.where(func.lower(of).contains(part.lower(), autoescape=True)).order_by(id.desc()), id)


def _by_words(session: Session, words: list[str]) -> IndexQuery:
    """Timeline entries that contain all words, the last one as a prefix; the latest first."""
    query = select(Activity.lead_id, Activity.text.label("excerpt"), Activity.at, Activity.id.label("row"))
    if session.get_bind().dialect.name == "sqlite":
        index = _fts("activity")
        asked = " AND ".join((*(f'"{word}"' for word in words[:-1]), _beginning_with(session, words[-1])))
        found = query.join(index, index.c.rowid == Activity.id).where(_matches(index, asked))
        return IndexQuery(found.order_by(index.c.rowid.desc()), Activity.id)
    wanted = func.to_tsquery("simple", " & ".join(f"'{word}'" for word in words) + ":*")
    held: ColumnElement[Any] = literal_column(f"{Activity.__tablename__}.{VECTOR}")
    found = query.where(held.op("@@", is_comparison=True)(wanted)).order_by(Activity.id.desc())
    return IndexQuery(found, Activity.id, is_of_words=True)


def _beginning_with(session: Session, word: str) -> str:
    """What FTS5 is asked for a word that may be incomplete: the words there are, as long as they are few. It finds
    entries of words one by one, but of a prefix it gathers all before the first: 4 ms for every 140,000."""
    plain = word.lower()
    if plain.isascii() and plain.isalnum():
        some = words_from(session, plain, MOST_WORDS + 1)
        if 0 < len(some) <= MOST_WORDS:
            return "(" + " OR ".join(f'"{one}"' for one in some) + ")"
    return f'"{word}"*'


def _around(words: list[str], text: str) -> str:
    """An excerpt of about `AROUND` characters, from a little before the first match."""
    if len(text) <= AROUND:
        return text
    at = min((found for word in words if (found := text.lower().find(word.lower())) >= 0), default=0)
    start = max(0, min(at - AROUND // 4, len(text) - AROUND))
    start = text.rfind(" ", 0, start) + 1 if start else 0
    return ("… " if start else "") + text[start : start + AROUND] + (" …" if start + AROUND < len(text) else "")


def _fts(indexed: str) -> TableClause:
    """A table's FTS5 index (crm/store/search.py), which returns rows in order without sorting them."""
    return table(f"{PREFIX}{indexed}", column("rowid"))


def _matches(index: TableClause, asked: str) -> ColumnElement[bool]:
    return literal_column(index.name).op("MATCH", is_comparison=True)(asked)
