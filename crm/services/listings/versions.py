"""The only way for a listing or a property to get another version, and for a version to become public."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.domain import fair_housing, fields
from crm.domain.errors import Conflict, Invalid
from crm.domain.fair_housing import WordsFound
from crm.domain.listings import Home, PropertyContent
from crm.services.audit import By
from crm.store.models import ContentVersion, Listing, PropertyProfile, Publication
from crm.store.queries import listings as queries

Head = TypeVar("Head", Listing, PropertyProfile)
Content = TypeVar("Content", Home, PropertyContent)


@dataclass(frozen=True)
class Written:
    """The result of a change."""

    version: int
    """The latest."""
    is_new: bool
    """False: nothing changed, so there is no new version."""
    waits: tuple[WordsFound, ...] = ()
    """Words that somebody has to decide about before it replaces the published version. Empty: it has replaced it, if
    one was published."""


@dataclass(frozen=True)
class Kind(Generic[Head, Content]):
    """What differs between the versions of listings and those of properties."""

    owner: Any
    """The column of ContentVersion that says whose version it is; Publication has one of the same name."""
    id: Any
    """The column that it refers to."""
    key: Callable[[Head], int]
    read: Callable[[dict[str, Any]], Content]
    show: Callable[[Head, Content], None]
    """Copies the fields that lists filter by from the current version to its head."""


def _show_home(listing: Listing, home: Home) -> None:
    listing.rent, listing.bedrooms, listing.available_on = home.rent, home.bedrooms, home.available_on
    listing.cats = home.pets.allows("cats") if home.pets else None
    listing.dogs = home.pets.allows("dogs") if home.pets else None


def _show_property(profile: PropertyProfile, content: PropertyContent) -> None:
    profile.cats = content.pets.allows("cats") if content.pets else None
    profile.dogs = content.pets.allows("dogs") if content.pets else None


HOMES: Kind[Listing, Home] = Kind(
    ContentVersion.listing_id, Listing.id, lambda listing: listing.id, queries.home, _show_home
)
PROPERTIES: Kind[PropertyProfile, PropertyContent] = Kind(
    ContentVersion.property_id,
    PropertyProfile.property_id,
    lambda profile: profile.property_id,
    queries.property_content,
    _show_property,
)


class Versions(Generic[Head, Content]):
    """The versions of several listings, or properties, in one transaction; what is needed is read for all at once."""

    def __init__(self, session: Session, by: By, kind: Kind[Head, Content], heads: Iterable[Head]) -> None:
        self._session = session
        self._by = by
        self._kind: Kind[Head, Content] = kind
        self._contents: dict[tuple[int, int], Content] = {}
        self._open: dict[int, Publication] = {}
        keys = sorted(kind.key(head) for head in heads)
        for start in range(0, len(keys), 500):
            self._load(keys[start : start + 500])

    def _load(self, keys: list[int]) -> None:
        owner, model = self._kind.owner, self._kind.id.class_
        found = (
            select(owner, ContentVersion.version, ContentVersion.content)
            .join(model, self._kind.id == owner)
            .where(
                owner.in_(keys), or_(ContentVersion.version == model.latest, ContentVersion.version == model.published)
            )
        )
        for key, version, content in self._session.execute(found):
            self._contents[key, version] = self._kind.read(content)
        published = getattr(Publication, owner.key)
        for one in self._session.scalars(
            select(Publication).where(published.in_(keys), Publication.until_at.is_(None))
        ):
            self._open[getattr(one, owner.key)] = one

    def latest(self, head: Head) -> Content:
        return self._contents[self._kind.key(head), head.latest]

    def is_public(self, head: Head) -> bool:
        """Whether a version is published and has not expired."""
        return head.published is not None and (head.expires_at is None or head.expires_at > self._by.now)

    def begin(self, head: Head, content: Content) -> Written:
        """Writes the first version of something new, whose `latest` is 1."""
        return self._written(head, content)

    def append(self, head: Head, content: Content) -> Written:
        """Writes the next version, unless nothing changed. If one is published, the new one replaces it, unless it has
        words that nobody has accepted yet."""
        if content == self.latest(head):
            return Written(head.latest, is_new=False)
        head.latest += 1
        return self._written(head, content)

    def _written(self, head: Head, content: Content) -> Written:
        key = self._kind.key(head)
        owner = {self._kind.owner.key: key}
        self._contents[key, head.latest] = content
        self._session.add(
            ContentVersion(
                **owner,
                version=head.latest,
                content=queries.stored(content),
                made_at=self._by.now,
                made_by=self._by.who[:80],
            )
        )
        if not self.is_public(head):
            if head.published is None:
                self._kind.show(head, content)
            return Written(head.latest, is_new=True)
        waits = self._unaccepted(head, fair_housing.check(content))
        if not waits:
            before = self._open[key]
            self._go_public(head, list(before.findings) and _told(fair_housing.check(content)), before.despite)
        return Written(head.latest, is_new=True, waits=tuple(waits))

    def publish(self, head: Head, *, despite: str = "", until: datetime | None = None) -> bool:
        """Publishes the latest version; without `until`, the last day that was set before remains. False: nothing
        changed.

        Raises Conflict for words that nobody has accepted, unless `despite` gives the reason to keep them; Invalid.
        """
        if until is not None and until <= self._by.now:
            raise Invalid("That day is over: name one that is not.", code="expiry_past")
        found = fair_housing.check(self.latest(head))
        waits = self._unaccepted(head, found)
        reason = fields.text(despite, "reason", 300)
        if waits and not reason:
            raise refused(waits)
        if self.is_public(head) and head.published == head.latest:
            if until is None or not isinstance(head, Listing) or head.expires_at == until:
                return False
            head.expires_at = until
            return True
        if not waits and self.is_public(head):
            reason = self._open[self._kind.key(head)].despite
        self._go_public(head, _told(found), reason if found else "", until)
        return True

    def unpublish(self, head: Head) -> bool:
        """Unpublishes it. False: it was not public."""
        was = self.is_public(head)
        self._close(head)
        head.published = None
        if isinstance(head, Listing):
            head.expires_at = None
        self._kind.show(head, self.latest(head))
        return was

    def _unaccepted(self, head: Head, found: list[WordsFound]) -> list[WordsFound]:
        """The words that nobody has accepted; those that are public already have been accepted."""
        if head.published is None or not self.is_public(head):
            return found
        public = self._contents[self._kind.key(head), head.published]
        return fair_housing.unaccepted(found, fair_housing.check(public))

    def _go_public(self, head: Head, findings: list[str], despite: str, until: datetime | None = None) -> None:
        if until is None and self.is_public(head):
            until = head.expires_at
        self._close(head)
        key = self._kind.key(head)
        owner = {self._kind.owner.key: key}
        self._open[key] = publication = Publication(
            **owner,
            version=head.latest,
            from_at=self._by.now,
            made_by=self._by.who[:80],
            findings=findings,
            despite=despite,
        )
        self._session.add(publication)
        head.published = head.latest
        if isinstance(head, Listing):
            head.expires_at = until
        self._kind.show(head, self.latest(head))

    def _close(self, head: Head) -> None:
        publication = self._open.pop(self._kind.key(head), None)
        if publication is not None:
            publication.until_at = min(head.expires_at or self._by.now, self._by.now)


def refused(found: list[WordsFound]) -> Conflict:
    """The error for words that keep a text from being published."""
    first = "" if len(found) == 1 else f"the first of {len(found)} findings is in "
    return Conflict(
        f"Nothing was published; somebody has to decide about the wording first: {first}{found[0]}.",
        code="findings_undecided",
        findings=_told(found),
    )


def _told(found: Iterable[WordsFound]) -> list[str]:
    return [str(one) for one in found]
