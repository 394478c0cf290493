"""Whose number it is. Looked up for each caller and each text, so it takes a single statement."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from crm.domain import blocking
from crm.domain.leads import BEYOND_VOICE_AGENT, LeadKind
from crm.domain.route_inputs import CallerKind
from crm.store import prepared
from crm.store.models import Agent, BlockedCaller, Call, Contact, Device, Interest, Lead, LeadPhone, Line, Property


@dataclass(frozen=True, slots=True)
class KnownLead:
    id: int
    name: str
    """Empty if unknown."""
    status: str
    language: str
    """The language they chose; empty: none."""
    assigned_agent: str | None
    """Slug."""
    beyond_voice_agent: str = ""
    """Why their calls skip the voice agent: the stage of one of their interests, or being an owner; empty: they do not.
    """


@dataclass(frozen=True, slots=True)
class KnownContact:
    id: int
    kind: CallerKind
    """RESIDENT, OWNER or VENDOR."""
    name: str
    language: str
    property_id: int | None
    property: str
    """Slug; empty: of none."""
    property_name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Everybody a number is known to belong to: it may be a lead's and a resident's at once."""

    number: str | None = None
    """E.164; None is withheld, or none at all."""
    lead: KnownLead | None = None
    contact: KnownContact | None = None
    colleague: str | None = None
    """Slug of the agent whose own mobile it is."""
    is_line: bool = False
    """One of our own lines: as a caller ID it says nothing about the caller, and nothing is texted to it."""
    blocked: blocking.BlockListEntry | None = None
    """The most specific entry of the block list that matches; `blocking.decide` says whether it applies."""

    @property
    def may_become_lead(self) -> bool:
        """Residents, owners, vendors and colleagues are not prospects unless they say they want to rent, and our own
        line is not a person."""
        return not (self.contact or self.colleague or self.is_line)


NOBODY = Identity()


def who_calls(session: Session, number: str | None, trunk: str, digits: str) -> Identity:
    """Looks up who a caller is: by their number (E.164), or else by what they show on a trunk (slug) in its place."""
    if number or not digits:
        return who_is(session, number)
    found = session.execute(_SHOWN_BEFORE, {"digits": digits, "trunk": trunk}).first()
    return Identity(lead=KnownLead(**found._mapping)) if found else NOBODY


def who_is(session: Session, number: str | None) -> Identity:
    """Looks up who a number (E.164) belongs to."""
    if not number:
        return NOBODY
    found = prepared.rows(session, _ASKED, {"number": number}).one()
    lead = contact = entry = None
    if found.lead_id is not None:
        beyond = LeadKind.OWNER.value if found.lead_kind == LeadKind.OWNER else found.stage or ""
        lead = KnownLead(
            found.lead_id, found.lead_name or "", found.status, found.lead_language, found.assigned_agent, beyond
        )
    if found.contact_id is not None:
        contact = KnownContact(
            found.contact_id,
            CallerKind(found.contact_kind),
            found.contact_name,
            found.contact_language,
            found.property_id,
            found.property or "",
            found.property_name or "",
        )
    if found.entry_kind is not None:
        entry = blocking.BlockListEntry(
            blocking.BlockKind(found.entry_kind), found.entry_value, found.refusal == "silent", found.why
        )
    return Identity(number, lead, contact, found.colleague, found.line_id is not None, entry)


_number = bindparam("number", type_=Contact.number.type)
_nobody = select(literal(1).label("row")).subquery("asked")
_assigned, _owner = aliased(Agent), aliased(Agent)
_late_stage = (
    select(func.min(Interest.stage))
    .where(Interest.lead_id == Lead.id, Interest.stage.in_(sorted(BEYOND_VOICE_AGENT)))
    .correlate(Lead)
    .scalar_subquery()
)
_SHOWN_BEFORE = (
    select(
        Lead.id,
        func.coalesce(Lead.name, "").label("name"),
        Lead.status,
        Lead.language,
        Agent.slug.label("assigned_agent"),
        case((Lead.kind == LeadKind.OWNER.value, LeadKind.OWNER.value), else_=func.coalesce(_late_stage, "")).label(
            "beyond_voice_agent"
        ),
    )
    .join(Call, Call.lead_id == Lead.id)
    .outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
    .where(Call.caller_digits == bindparam("digits"), Call.caller_digits != "", Call.trunk == bindparam("trunk"))
    .order_by(Call.started_at.desc())
    .limit(1)
)
"""The lead of the latest call that showed the same."""
_names_it = or_(
    and_(BlockedCaller.kind == blocking.BlockKind.NUMBER, BlockedCaller.value == _number),
    and_(
        BlockedCaller.kind == blocking.BlockKind.PREFIX,
        func.substr(_number, 1, func.length(BlockedCaller.value)) == BlockedCaller.value,
    ),
)
_ASKED = (
    select(
        Lead.id.label("lead_id"),
        Lead.name.label("lead_name"),
        Lead.status,
        Lead.kind.label("lead_kind"),
        _late_stage.label("stage"),
        Lead.language.label("lead_language"),
        _assigned.slug.label("assigned_agent"),
        Contact.id.label("contact_id"),
        Contact.kind.label("contact_kind"),
        Contact.name.label("contact_name"),
        Contact.language.label("contact_language"),
        Property.id.label("property_id"),
        Property.slug.label("property"),
        Property.name.label("property_name"),
        _owner.slug.label("colleague"),
        Line.id.label("line_id"),
        BlockedCaller.kind.label("entry_kind"),
        BlockedCaller.value.label("entry_value"),
        BlockedCaller.refusal,
        BlockedCaller.why,
    )
    .select_from(_nobody)
    .outerjoin(LeadPhone, LeadPhone.number == _number)
    .outerjoin(Lead, Lead.id == LeadPhone.lead_id)
    .outerjoin(_assigned, _assigned.id == Lead.assigned_agent_id)
    .outerjoin(Contact, Contact.number == _number)
    .outerjoin(Property, and_(Property.id == Contact.property_id, Property.retired_at.is_(None)))
    .outerjoin(Device, and_(Device.number == _number, Device.retired_at.is_(None)))
    .outerjoin(_owner, _owner.id == Device.agent_id)
    .outerjoin(Line, and_(Line.number == _number, Line.retired_at.is_(None)))
    .outerjoin(BlockedCaller, _names_it)
    # Two agents may share a mobile, and several entries may match a number: a whole number comes before a prefix.
    .order_by(Device.id, BlockedCaller.kind, func.length(BlockedCaller.value).desc())
    .limit(1)
)
