"""Rendered pages, and what several of them show, kept for as long as nothing that they show changes.

The mark of the site (`crm.store.marks`) is read for each visitor and tells whether something has changed, so that every
change shows at once. Two things change without it: the date, and homes whose time on the site ends.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from crm.store import marks
from crm.views import site
from crm.views.answers import AnswerEntry
from crm.views.public_listings import Card
from crm.views.site import SiteOffice

MOST_BYTES = 24 * 2**20
"""Bytes of all pages together: about a thousand lists."""
MOST_CARDS = 10_000
"""Homes in each language, about 10 MB."""


@dataclass(frozen=True, slots=True)
class KeptPage:
    body: bytes
    etag: str
    """As in the header of this name (RFC 9110, 8.8.3)."""


@dataclass(frozen=True, slots=True)
class SiteState:
    """One state of what the site shows."""

    mark: str
    until: datetime
    """When it changes without a change of the mark."""


@dataclass(slots=True)
class SiteParts:
    """What several pages of one state of the site show; whoever reads it for the first time adds it."""

    _cards: dict[str, dict[int, Card]] = field(default_factory=dict)
    _answers: dict[str, dict[int, list[AnswerEntry]]] = field(default_factory=dict)
    _offices: dict[str | None, SiteOffice] = field(default_factory=dict)

    def cards(self, language: str) -> dict[int, Card]:
        """The homes of lists by id. Most lists, whatever they were filtered by, show homes that another one shows."""
        known = self._cards.get(language)
        if known is None or len(known) >= MOST_CARDS:
            known = self._cards[language] = {}
        return known

    def answers(self, language: str) -> dict[int, list[AnswerEntry]]:
        """The answers that apply to properties, by their ids."""
        return self._answers.setdefault(language, {})

    def office(self, session: Session, property_slug: str | None = None) -> SiteOffice:
        """The office, with the line of a property that there is."""
        known = self._offices.get(property_slug)
        if known is None:
            known = self._offices[property_slug] = site.office(session, property_slug)
        return known


class KeptPages:
    def __init__(self, tz: ZoneInfo) -> None:
        self._tz = tz
        self._state: SiteState | None = None
        self._pages: OrderedDict[Hashable, KeptPage] = OrderedDict()
        self._bytes = 0
        self._parts = SiteParts()
        self._lock = threading.Lock()

    def find(self, session: Session, key: Hashable, now: datetime) -> tuple[SiteState, KeptPage | None]:
        """The state that this session sees, and the page if it is kept."""
        mark = marks.SITE.read(session)
        with self._lock:
            state = self._state
            if state and state.mark == mark and now < state.until:
                if page := self._pages.get(key):
                    self._pages.move_to_end(key)
                return state, page
        return SiteState(mark, self._until(session, now)), None

    def keep(self, state: SiteState, key: Hashable, body: bytes) -> KeptPage:
        """Keeps a page; `body` was read after `state`. Pages of other states are dropped."""
        page = KeptPage(body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')
        with self._lock:
            self._be_in(state)
            if known := self._pages.pop(key, None):
                self._bytes -= len(known.body)
            self._pages[key] = page
            self._bytes += len(body)
            while self._bytes > MOST_BYTES and len(self._pages) > 1:
                self._bytes -= len(self._pages.popitem(last=False)[1].body)
        return page

    def parts(self, state: SiteState) -> SiteParts:
        """For whoever reads in this state."""
        with self._lock:
            self._be_in(state)
            return self._parts

    def _be_in(self, state: SiteState) -> None:
        """Forgets what was kept of another state. The lock is held."""
        if state != self._state:
            self._state = state
            self._pages.clear()
            self._bytes = 0
            # Not emptied: whoever reads in the other state goes on adding to what they were given.
            self._parts = SiteParts()

    def _until(self, session: Session, now: datetime) -> datetime:
        tomorrow = now.astimezone(self._tz).date() + timedelta(days=1)
        midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._tz)
        ends = site.next_end(session, now)
        return min(midnight, ends) if ends else midnight
