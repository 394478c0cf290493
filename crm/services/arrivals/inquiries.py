"""What follows from an inquiry, whichever way it came: a lead, what it is about, its timeline, a task and a notice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.leads import Happened, LeadEvent
from crm.domain.letters import unaccented
from crm.domain.tasks import TaskKind
from crm.edge import numbers
from crm.services.arrivals import arrival
from crm.services.arrivals.portals.inquiry import Inquiry, Several, usable
from crm.services.office import owners
from crm.services.people import intake, standing, timeline
from crm.services.people.intake import Introduced
from crm.store.models import (
    Activity,
    ArrivalRecord,
    ContentVersion,
    Lead,
    LeadSource,
    Listing,
    Property,
    PropertyProfile,
    Task,
    Unit,
)
from crm.store.queries import listings, names, office, tasks

NOBODY = "arrivals"
"""The person of the task about inquiries that name nobody."""


@dataclass(frozen=True)
class Meant:
    """The home or property that an inquiry is about."""

    property: Property | None = None
    unit: Unit | None = None

    def __str__(self) -> str:
        """As the timeline shows it; empty: it is not known."""
        if self.property is None:
            return ""
        return f"{self.unit.name} at {self.property.name}" if self.unit else self.property.name


def act(
    session: Session,
    config: Config,
    record: ArrivalRecord,
    inquiry: Inquiry,
    meant: Meant,
    source: str,
    told: str,
    kind: Happened,
    now: datetime,
    *,
    number: int = 1,
) -> Lead | None:
    """Finds or creates the inquirer's lead, and passes the inquiry on to its owner. None: it names nobody.

    `told` is what the timeline says, `number` counts the inquiries of one arrival. When the arrival has been read
    before, and as the same person's, that person's record is only completed.
    """
    who = _introduced(session, config, inquiry)
    if not (who.address or who.number or who.relay):
        return None
    lead = intake.introduced(session, config, who, now)
    if meant.property is not None:
        interest = intake.interest_in(lead, meant.property.id, now)
        if meant.unit is not None:
            interest.unit_id = meant.unit.id
    lead.source = lead.source or source[:60]
    key = f"arrival:{record.id}" if number == 1 else f"arrival:{record.id}:{number}"
    entry = select(Activity.id).where(Activity.key == key, Activity.lead_id == lead.id)
    is_again = session.scalar(entry) is not None
    about_id = meant.property.id if meant.property else None
    timeline.enter(session, lead.id, kind, told, record.received_at, key=key, about=about_id)
    if is_again:
        return lead
    standing.happened(lead, LeadEvent.WROTE, record.received_at)
    session.flush()
    if number == 1 or record.lead_id is None:
        record.lead_id = lead.id
    if record.raw.get("is_old"):
        return lead
    about = str(meant) or _office(session)
    what = "An email" if kind is Happened.EMAIL else "An inquiry"
    arrival.pass_on(session, config, lead, meant.property, record, f"{what} about {about}", told, now)
    return lead


def pass_on(
    session: Session,
    config: Config,
    record: ArrivalRecord,
    lead: Lead,
    property: Property | None,
    subject: str,
    told: str,
    now: datetime,
) -> None:
    """Leaves a task to answer, about the property that the lead asked about last unless one is given."""
    latest = max(lead.interests, key=lambda one: one.updated_at, default=None)
    arrival.pass_on(
        session, config, lead, property or (latest.property if latest else None), record, subject, told, now
    )


def _introduced(session: Session, config: Config, inquiry: Inquiry) -> Introduced:
    """How the person introduces themselves, without details that belong to the office."""
    name = " ".join(inquiry.name.split())[:200]
    written = Introduced(
        name="" if "@" in name else name,
        address=usable(inquiry.email),
        number=numbers.parse(inquiry.phone, config.region),
    )
    return intake.own(session, config, written)


def leave_the_rest(
    session: Session, config: Config, record: ArrivalRecord, several: Several, nameless: int, what: str, now: datetime
) -> None:
    """Leaves to somebody what no lead was made of, where an arrival is about several people."""
    missing = [f"{nameless} of its {len(several.inquiries)} inquiries name nobody."] if nameless else []
    if not several.is_whole:
        missing.append(f"Only {len(several.inquiries)} inquiries were read: it breaks off, or has more.")
    if missing:
        leave_to_somebody(session, config, record, what, now, problem=" ".join(missing))


def leave_to_somebody(
    session: Session,
    config: Config,
    record: ArrivalRecord,
    what: str,
    now: datetime,
    *,
    problem: str = "It names nobody who could be answered.",
) -> None:
    """An inquiry that names nobody may still come from a person: one open task of the admin covers all of them."""
    record.problem = problem
    if record.raw.get("is_old"):
        return
    task = tasks.open_one(session, NOBODY, TaskKind.INQUIRY)
    if task is not None:
        task.times += 1
        return
    key = f"arrival:{record.id}:{NOBODY}"
    if session.scalar(select(Task.id).where(Task.key == key)) is not None:
        return  # Somebody has looked at it, and now it was read again.
    due_at = office.schedule(session, config.tz, None).due_time(now, config.tasks.due_minutes)
    session.add(
        Task(
            key=key,
            kind=TaskKind.INQUIRY,
            person=NOBODY,
            owner=owners.admin(session),
            lead_id=None,
            why=f"It names nobody who could be answered: {what}",
            due_at=due_at,
            created_at=now,
            result="",
        )
    )


def described(inquiry: Inquiry) -> str:
    """The inquiry's words and wishes."""
    wishes = "; ".join(f"{what}: {value}" for what, value in inquiry.wishes)
    return "\n".join(filter(None, (inquiry.message or "(no words)", f"Wishes: {wishes}." if wishes else "")))


def _office(session: Session) -> str:
    organization = office.organization(session)
    return organization.name if organization else "the office"


# --- what it is about ---


def meant_by(session: Session, inquiry: Inquiry, source: LeadSource | None, tags: Iterable[str], words: str) -> Meant:
    """What an inquiry is about, by the first that says it: the tag of the address it was sent to, our number of the
    listing, the property's name or street, the source's property, and a property's name in `words`."""
    found = _tagged(session, tags) or _listed(session, inquiry.listing)
    if found is None:
        property = (
            _named(session, inquiry.property_name)
            or _at(session, inquiry.street)
            or _in_use(source.property if source else None)
            or _named(session, words)
        )
        found = Meant(property)
    if found.property is not None and found.unit is None and inquiry.unit:
        return Meant(found.property, _unit(session, found.property, inquiry.unit))
    return found


def _tagged(session: Session, tags: Iterable[str]) -> Meant | None:
    slugs = [tag for tag in tags if len(tag) <= 40]
    if not slugs:
        return None
    property = session.scalars(select(Property).where(Property.slug.in_(slugs)).limit(1)).first()
    # Addresses with the name that a property had before are out in the world.
    property = property or next((found for slug in slugs if (found := names.renamed(session, Property, slug))), None)
    return Meant(property) if property else None


def _listed(session: Session, number: str) -> Meant | None:
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        return None
    listing = session.get(Listing, int(number))
    if listing is None or listing.unit.retired_at is not None or _in_use(listing.property) is None:
        return None
    return Meant(listing.property, listing.unit)


def _in_use(property: Property | None) -> Property | None:
    return property if property is not None and property.retired_at is None else None


def _named(session: Session, words: str) -> Property | None:
    """The property with the longest name found in the words; None if there are two of that length."""
    if not words.strip():
        return None
    rows = session.execute(select(Property.id, Property.name, Property.slug)).all()
    best = _longest(words, ((id, (name, slug)) for id, name, slug in rows))
    if best is None:
        # Portals go on writing the name that a property had before, unless another has it.
        taken = {_plain(name) for _, *own in rows for name in own}
        before = names.renamed_all(session, Property).items()
        best = _longest(words, ((one.id, (slug,)) for slug, one in before if _plain(slug) not in taken))
    return session.get(Property, best) if best is not None else None


def _at(session: Session, street: str) -> Property | None:
    """The property at a street address."""
    if not any(one.isdigit() for one in street):
        return None
    newest = and_(
        ContentVersion.property_id == PropertyProfile.property_id, ContentVersion.version == PropertyProfile.latest
    )
    found = select(PropertyProfile.property_id, ContentVersion.content).join(ContentVersion, newest)
    found = found.join(Property, Property.id == PropertyProfile.property_id).where(Property.retired_at.is_(None))
    rows = session.execute(found)
    best = _longest(
        _street(street), ((id, (_street(listings.property_content(content).street),)) for id, content in rows)
    )
    return session.get(Property, best) if best is not None else None


def _unit(session: Session, property: Property, name: str) -> Unit | None:
    wanted = _home(name)
    units = session.scalars(select(Unit).where(Unit.property_id == property.id))
    found = {one.id: one for one in units if wanted and _home(one.name) == wanted}
    if not found:
        before = names.renamed_all(session, Unit, property_id=property.id).items()
        found = {one.id: one for had, one in before if wanted and _home(had) == wanted}
    return next(iter(found.values())) if len(found) == 1 else None


def _longest(words: str, names: Iterable[tuple[int, Sequence[str]]]) -> int | None:
    said = f" {_plain(words)} "
    best: dict[int, int] = {}
    for id, known in names:
        for name in map(_plain, known):
            if len(name) > 2 and f" {name} " in said:
                best[id] = max(best.get(id, 0), len(name))
    most = max(best.values(), default=0)
    found = [id for id, length in best.items() if length == most]
    return found[0] if len(found) == 1 else None


def _plain(words: str) -> str:
    """Lower case without accents and punctuation, so that spelling matters less."""
    return " ".join(re.findall(r"[a-z0-9]+", unaccented(words[:20_000])))


_STREETS = {
    "street": "st",
    "avenue": "ave",
    "av": "ave",
    "road": "rd",
    "drive": "dr",
    "boulevard": "blvd",
    "lane": "ln",
    "court": "ct",
    "place": "pl",
    "parkway": "pkwy",
    "highway": "hwy",
    "terrace": "ter",
    "circle": "cir",
    "square": "sq",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
}
"""As the post abbreviates them (USPS Publication 28)."""


def _street(raw: str) -> str:
    return " ".join(_STREETS.get(word, word) for word in _plain(raw).split())


def _home(raw: str) -> str:
    """A unit's name without the word for it: "Apt. #204-B" is 204b."""
    return "".join(
        word for word in _plain(raw).split() if word not in ("apt", "apartment", "unit", "suite", "ste", "no")
    )
