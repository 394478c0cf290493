"""Inviting people to apply: each address finds its lead or becomes a new one, and gets a link of its own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import applications as rules
from crm.domain.applications import UNFINISHED, ApplicationStatus
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeadEvent
from crm.domain.listings import application_fee, with_terms_of
from crm.domain.pasted import PastedAddress
from crm.secrets import Secrets
from crm.services import audit
from crm.services.applications import events, online
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.office import properties
from crm.services.people import contact_details, intake, standing
from crm.services.people.intake import Introduced
from crm.store.models import (
    Application,
    ContentVersion,
    Lead,
    LeadPhone,
    Listing,
    OptOut,
    Property,
    PropertyProfile,
    Unit,
)
from crm.store.queries import leads
from crm.store.queries import listings as versions

SOURCE = "invitation"
MOST = 500
"""Addresses per call; a larger mailing needs a list of people who asked for it."""
SLICE = 15
"""Invitations per transaction, during which all other writers wait on SQLite."""


@dataclass(frozen=True)
class InvitedHome:
    """What people are to apply for: a property, one of its units, or a listing."""

    property: str | None = None
    """Slug."""
    unit: str | None = None
    """Name, as on the door."""
    listing_id: int | None = None


class InvitationResult(StrEnum):
    INVITED = "invited"
    AGAIN = "invited again"
    BEFORE = "invited before"
    """Nothing was sent."""
    APPLIED = "has applied"
    """For the same home; nothing was sent."""
    OPTED_OUT = "opted out"
    """They have opted out of messages; nothing was sent."""
    WRONG = "wrong"
    """Not an email address, or one that belongs to the office or a portal; nothing was sent."""


@dataclass(frozen=True)
class Invitation:
    """The outcome for one address."""

    written: str
    """As it was given."""
    result: InvitationResult
    lead_id: int | None = None
    is_new_lead: bool = False
    application_id: int | None = None


def invite_all(
    crm: Crm,
    by: By,
    people: Sequence[PastedAddress],
    home: InvitedHome,
    *,
    skip_wrong: bool = False,
    again: bool = False,
) -> list[Invitation]:
    """Invites people to apply; returns the outcome for each, in order.

    If any address is wrong, nobody is invited, unless `skip_wrong`. `again`: people who were invited before, but have
    not applied, are sent their link once more. Many are invited in slices, with room for other writers in between; if
    that is interrupted, the same call invites the rest. Raises Invalid, with all wrong addresses in its fact `wrong`;
    NotFound; Conflict while the site has no address.
    """
    wrong = crm.store.read_blocking(_wrong, crm.config, people, home)
    if wrong and not skip_wrong:
        count = f"{len(wrong)} of {len(people)}" if len(people) > 1 else "It"
        is_ = "is" if len(wrong) == 1 else "are"
        raise Invalid(
            f"{count} {is_} not the email address of a prospect, so nobody was invited.",
            code="invitations_wrong",
            wrong=wrong,
        )
    right = [one for one in people if one.written not in wrong]
    done: dict[str, Invitation] = {}
    for first in range(0, len(right), SLICE):
        if first:
            crm.store.make_room()
        some = right[first : first + SLICE]
        for one in crm.store.run_blocking(invite, crm.config, crm.secrets, by, some, home, again=again):
            done[one.written] = one
    return [done.get(one.written) or Invitation(one.written, InvitationResult.WRONG) for one in people]


def _wrong(session: Session, config: Config, people: Sequence[PastedAddress], home: InvitedHome) -> list[str]:
    """Addresses that are invalid, the office's or a portal's, as they were written."""
    if not config.site.public_url:
        raise Conflict(
            "The site cannot be reached from outside: set site.public_url, and reload.", code="site_not_public"
        )
    _home(session, home)
    if not people:
        raise Invalid("Nobody was named: give email addresses.", code="invitations_none")
    if len(people) > MOST:
        raise Invalid(f"That is {len(people)} addresses: invite at most {MOST} at once.", code="invitations_many")
    ours = contact_details.ours(session, config, [one.address for one in people])
    relayed = {one.address for one in people if contact_details.is_relay(config, one.address)}
    return [one.written for one in people if not one.address or one.address in ours | relayed]


def invite(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    people: Sequence[PastedAddress],
    home: InvitedHome,
    *,
    again: bool = False,
) -> list[Invitation]:
    """Invites people whose addresses are valid, in one transaction. Raises NotFound, Invalid."""
    property, unit = _home(session, home)
    fee = _fee(session, property, unit)
    return [_invite(session, config, secrets, by, one, property, unit, fee, again) for one in people]


def _invite(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    person: PastedAddress,
    property: Property,
    unit: Unit | None,
    fee: str,
    again: bool,
) -> Invitation:
    known = leads.by_address(session, person.address)
    if known is not None and _opted_out(session, known):
        return Invitation(person.written, InvitationResult.OPTED_OUT, known.id)
    lead = intake.introduced(session, config, Introduced(person.name, person.address), by.now)
    there = _there(session, lead, property, unit)
    result = InvitationResult.INVITED
    if there is not None and there.status not in UNFINISHED:
        return Invitation(person.written, InvitationResult.APPLIED, lead.id, application_id=there.id)
    if there is not None and not again:
        return Invitation(person.written, InvitationResult.BEFORE, lead.id, application_id=there.id)
    if there is not None:
        result = InvitationResult.AGAIN
    else:
        lead.source = lead.source or SOURCE
        there = _made(session, config, by, person, lead, property, unit, fee)
        events.move(there, ApplicationStatus.INVITED, by.now)
    there.saved_at = by.now
    standing.happened(lead, LeadEvent.REACHED_OUT, by.now)
    told = f"{'Invited again' if result is InvitationResult.AGAIN else 'Invited'} to apply for {events.home_of(there)}."
    cause = f"invited:{uuid.uuid4().hex}"
    events.tell(session, there, told, by.now, key=cause, by=by.who)
    audit.record(session, by, f"lead {lead.id} invited to apply, application {there.id}")
    online.send_link(session, config, secrets, there, cause, by.now, what="invited")
    return Invitation(person.written, result, lead.id, known is None, there.id)


def _made(
    session: Session,
    config: Config,
    by: By,
    person: PastedAddress,
    lead: Lead,
    property: Property,
    unit: Unit | None,
    fee: str,
) -> Application:
    application = Application(
        key=f"invited:{uuid.uuid4().hex}",
        lead=lead,
        property=property,
        unit=unit,
        status=ApplicationStatus.INVITED,
        status_at=by.now,
        language=lead.language if lead.language in rules.LANGUAGES else rules.LANGUAGES[0],
        email=person.address,
        answers={},
        fee=fee,
        is_confirmed=True,
        began_at=by.now,
        saved_at=by.now,
        node=config.node,
    )
    session.add(application)
    session.flush()
    return application


def _there(session: Session, lead: Lead, property: Property, unit: Unit | None) -> Application | None:
    """Their latest application for this home that was neither denied nor withdrawn."""
    same = select(Application).where(
        Application.lead_id == lead.id,
        Application.property_id == property.id,
        Application.unit_id == unit.id if unit else Application.unit_id.is_(None),
        Application.status.not_in((ApplicationStatus.DENIED, ApplicationStatus.WITHDRAWN)),
    )
    return session.scalars(same.order_by(Application.id.desc()).limit(1)).first()


def _home(session: Session, home: InvitedHome) -> tuple[Property, Unit | None]:
    if home.property is None and home.listing_id is None:
        raise Invalid("Say what they are to apply for: name a property or a listing.", code="invitation_home_missing")
    property = properties.named(session, home.property) if home.property is not None else None
    if home.listing_id is not None:
        listing = homes.named(session, home.listing_id)
        if home.unit is not None or (property is not None and property.id != listing.property_id):
            raise Invalid(
                f"Listing {home.listing_id} is {listing.unit.name} of {listing.property.slug}: name it alone.",
                code="invitation_home_twice",
            )
        return listing.property, listing.unit
    assert property is not None
    if home.unit is None:
        return property, None
    unit = versions.unit_named(session, property.id, home.unit)
    if unit is None:
        raise NotFound(f"{property.slug} has no unit {home.unit[:40]!a}.", code="unit_unknown", property=property.slug)
    return property, unit


def _fee(session: Session, property: Property, unit: Unit | None) -> str:
    """The application fee as the home or its property states it publicly; else as it stands in their latest version."""
    profile = session.get(PropertyProfile, property.id)
    shared = versions.property_content(
        session.scalar(
            select(ContentVersion.content).where(
                ContentVersion.property_id == property.id,
                ContentVersion.version == (profile.published or profile.latest),
            )
        )
        if profile
        else None
    )
    listing = session.scalars(select(Listing).where(Listing.unit_id == unit.id)).first() if unit else None
    if listing is None:
        return application_fee(shared.fees or ())
    content = session.scalar(
        select(ContentVersion.content).where(
            ContentVersion.listing_id == listing.id, ContentVersion.version == (listing.published or listing.latest)
        )
    )
    return application_fee(with_terms_of(versions.home(content), shared).fees or ()) if content else ""


def _opted_out(session: Session, lead: Lead) -> bool:
    """Whether one of their numbers has opted out: invitations are unsolicited, so people who opted out get none."""
    numbers = select(LeadPhone.number).where(LeadPhone.lead_id == lead.id)
    return (
        session.scalar(select(OptOut.id).where(OptOut.number.in_(numbers), OptOut.ended_at.is_(None)).limit(1))
        is not None
    )
