"""Desks, and whether anybody can be reached at them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Row, exists, func, or_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialing import DialPurpose
from crm.domain.mailboxes import BoxKind, box
from crm.domain.route_inputs import DeskKind
from crm.store.models import Agent, Desk, Device, Property, Subteam, SubteamMember
from crm.store.queries import dialing
from crm.store.queries.dialing import Wanted

_ORDER = [kind.value for kind in DeskKind]


def listed(session: Session) -> list[Row[str, str | None, str, bool, list[str]]]:
    """Kind, property's slug, target, confirm and hours of each: by kind, in the order of DeskKind; the one for all
    properties before those of single ones."""
    found = select(Desk.kind, Property.slug.label("property"), Desk.target, Desk.confirm, Desk.hours)
    found = found.outerjoin(Property, Property.id == Desk.property_id)
    # Those of a retired property, which is not found, come back with it.
    rows = session.execute(found.where(or_(Desk.property_id.is_(None), Property.id.is_not(None)))).all()
    return sorted(rows, key=lambda row: (_ORDER.index(row[0]), row[1] or ""))


def problems(session: Session, config: Config, targets: Collection[str]) -> dict[str, str]:
    """Why nobody can be reached at each target now, as a sentence; empty when somebody can."""
    numbers = sorted({target for target in targets if target.startswith("+")})
    wanted = [Wanted(number, DialPurpose.OFFICE) for number in numbers]
    found = dict(zip(numbers, dialing.refusals(session, config, wanted), strict=True))
    has_phone = exists().where(Device.agent_id == Agent.id)
    people = select(Agent.slug, has_phone).where(Agent.slug.in_(_slugs(BoxKind.AGENT, targets)))
    phones = {box(BoxKind.AGENT, slug): int(has) for slug, has in session.execute(people)}
    teams = (
        select(Subteam.slug, func.count(Device.id))
        .join(SubteamMember, SubteamMember.subteam_id == Subteam.id)
        .outerjoin(Device, Device.agent_id == SubteamMember.agent_id)
        .where(Subteam.slug.in_(_slugs(BoxKind.SUBTEAM, targets)))
        .group_by(Subteam.slug)
    )
    phones |= {box(BoxKind.SUBTEAM, slug): count for slug, count in session.execute(teams)}
    for target in set(targets) - set(numbers):
        if target not in phones:
            found[target] = f"There is nobody in {target}."
        else:
            found[target] = "" if phones[target] else f"Nobody in {target} has a phone."
    return found


def _slugs(kind: BoxKind, targets: Collection[str]) -> set[str]:
    return {slug for what, _, slug in (target.partition(":") for target in targets) if what == kind}
