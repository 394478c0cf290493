"""The people outside, and what happened with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base, index_of_some, index_where

if TYPE_CHECKING:
    from crm.store.models.agents import Agent
    from crm.store.models.office import Property, Unit


class Contact(Base):
    """Somebody who is not a prospect, known by their number."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_kind_name", "kind", "name", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="E.164")
    kind: Mapped[str] = mapped_column(String(10), comment="resident, owner or vendor")
    name: Mapped[str] = mapped_column(String(200), default="")
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="SET NULL"))
    language: Mapped[str] = mapped_column(String(10), default="", comment="chosen in an earlier call")
    created_at: Mapped[datetime]
    property: Mapped[Property | None] = relationship()


class BlockedCaller(Base):
    """Callers whom nobody has to answer."""

    __tablename__ = "blocked_caller"
    __table_args__ = (UniqueConstraint("kind", "value"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), comment="number, prefix or withheld")
    value: Mapped[str] = mapped_column(String(20), default="", comment="E.164 or its beginning; empty for withheld")
    refusal: Mapped[str] = mapped_column(String(10), default="spoken", comment="spoken, or silent: hung up at once")
    why: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]


class Lead(Base):
    """One person's guest card."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("ix_lead_made", "created_at", "id"),
        Index("ix_lead_status_made", "status", "created_at", "id"),
        Index("ix_lead_contact", "last_contact_at", "id"),
        # Whose the latest lead of an agent is, for round robin; and an agent's leads.
        Index("ix_lead_agent_assigned", "assigned_agent_id", "assigned_at"),
        # Whose mail goes to an address: two leads may share one.
        index_where(
            "ix_lead_email_lower",
            text("lower(email)"),
            where="email != ''",
        ),
        # SQLite gives the highest id again once its row is gone; a lead's id means one person for ever.
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200), comment="null until somebody knows it")
    # Where mail is sent, as it was written; `emails` is what finds the lead.
    email: Mapped[str] = mapped_column(String(200), default="", server_default="")
    language: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="chosen in an earlier call; empty: the line's"
    )
    kind: Mapped[str] = mapped_column(String(10), default="tenant", server_default="tenant", comment="tenant or owner")
    is_hot: Mapped[bool] = mapped_column(default=True, server_default=true(), comment="false: cold; closed is cold")
    status: Mapped[str] = mapped_column(String(20), default="new", comment="new, in_progress or closed")
    closed_because: Mapped[str] = mapped_column(
        String(300), default="", server_default="", comment="as whoever closed it said; empty when it is open"
    )
    source: Mapped[str] = mapped_column(String(60), default="", comment="source of the first line they called")
    bedrooms: Mapped[int | None] = mapped_column(comment="that they look for; 0: a studio; null: not known")
    move_in_on: Mapped[date | None] = mapped_column(comment="when they want to move in; null: not known")
    budget: Mapped[int | None] = mapped_column(comment="dollars a month at most; null: not known")
    pets: Mapped[str] = mapped_column(
        String(100), default="", server_default="", comment="such as dog, 2 cats or none; empty: not known"
    )
    typed: Mapped[str] = mapped_column(
        String(60),
        default="",
        server_default="",
        comment="parts of the card that somebody has corrected by hand: metrics.CardPart, with commas",
    )
    assigned_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    assigned_at: Mapped[datetime | None] = mapped_column(comment="null: by a call or text, not by hand or in turn")
    last_contact_at: Mapped[datetime | None] = mapped_column(
        comment="the last call, text, mail, meeting or tour, either way; null: none yet"
    )
    first_answer_at: Mapped[datetime | None] = mapped_column(
        comment="when somebody first talked or wrote to them, or booked a tour with them; null: nobody yet"
    )
    created_at: Mapped[datetime]
    assigned_agent: Mapped[Agent | None] = relationship()
    phones: Mapped[list[LeadPhone]] = relationship(cascade="all, delete-orphan", order_by="LeadPhone.id")
    emails: Mapped[list[LeadEmail]] = relationship(cascade="all, delete-orphan", order_by="LeadEmail.id")
    interests: Mapped[list[Interest]] = relationship(cascade="all, delete-orphan", order_by="Interest.id")


class LeadMerge(Base):
    """Two leads that became one, with everything it takes to undo that."""

    __tablename__ = "lead_merge"
    __table_args__ = (
        # A lead is merged into one other at a time.
        index_where(
            "uq_lead_merge_gone",
            "gone_id",
            unique=True,
            where="undone_at IS NULL",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(
        ForeignKey("lead.id", ondelete="CASCADE"), index=True, comment="the survivor, or what that was merged into"
    )
    gone_id: Mapped[int] = mapped_column(comment="the other lead, which has no row until the merge is undone")
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, comment="as crm.services.people.merging.Before")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(String(80), default="", server_default="")


class LeadProposal(Base):
    """Two leads that may be one person; somebody decides."""

    __tablename__ = "lead_proposal"
    __table_args__ = (
        # Two leads are proposed once; what was decided about a pair is looked up when they seem to be one again.
        index_where(
            "uq_lead_proposal_open",
            "pair",
            unique=True,
            where="state = 'open'",
        ),
        Index("ix_lead_proposal_pair", "pair"),
        Index("ix_lead_proposal_state", "state", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    pair: Mapped[str] = mapped_column(String(24), comment="both ids, the lower one first, such as 12-15")
    reason: Mapped[str] = mapped_column(String(20), comment="as in crm.domain.merging.ProposalReason")
    said: Mapped[str] = mapped_column(Text, comment="what came in, as a sentence")
    state: Mapped[str] = mapped_column(
        String(10), default="open", server_default="open", comment="open, merged or dismissed"
    )
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(80), default="", server_default="")


class LeadPhone(Base):
    """A number that finds its lead; unique, so one person stays one lead however many calls they make at once."""

    __tablename__ = "lead_phone"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="E.164")


class LeadEmail(Base):
    """An email address that finds its lead; unique for the same reason."""

    __tablename__ = "lead_email"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(200), unique=True, comment="in lower case")
    is_relay: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="a portal passes mail on: a way to answer, not their own address"
    )


class Interest(Base):
    """A lead's interest in one property and how far it has come."""

    __tablename__ = "interest"
    __table_args__ = (
        UniqueConstraint("lead_id", "property_id"),
        # The leads of a property, by how far they have come.
        Index("ix_interest_property_stage", "property_id", "stage", "lead_id"),
        # Those who asked about one home, the latest first.
        Index("ix_interest_unit", "unit_id", "lead_id"),
        # One that is put away in a merge keeps its id.
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    unit_id: Mapped[int | None] = mapped_column(
        ForeignKey("unit.id", ondelete="SET NULL"), comment="the home they asked about last; null: none in particular"
    )
    stage: Mapped[str] = mapped_column(String(30), default="contacted")
    stage_since: Mapped[datetime | None] = mapped_column(comment="null: since the interest was first known")
    updated_at: Mapped[datetime]
    property: Mapped[Property] = relationship()
    unit: Mapped[Unit | None] = relationship()


class OptOut(Base):
    """The ledger of people who want no texts, or no news by email. Entries are ended, never deleted."""

    __tablename__ = "opt_out"
    __table_args__ = (
        Index("ix_opt_out_made", "created_at", "id"),
        index_where("ix_opt_out_address", "address", where="address <> ''"),
        index_of_some("ix_opt_out_message", "message_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), index=True, comment="E.164; empty: it is about an address")
    address: Mapped[str] = mapped_column(
        String(200), default="", server_default="", comment="email, in lower case; empty: it is about a number"
    )
    scope: Mapped[str] = mapped_column(
        String(10), comment="texts, or all: no texts and no calls of ours; of an address, news: no news by email"
    )
    source: Mapped[str] = mapped_column(String(20), comment="keyword, sentence, carrier, link or admin")
    evidence: Mapped[str] = mapped_column(String(300), comment="the words, the carrier's error, or the admin's why")
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("message.id", ondelete="SET NULL"), comment="the text that said so, or that was refused"
    )
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(comment="null: in force")
    ended_source: Mapped[str] = mapped_column(String(20), default="", comment="keyword or admin")
    ended_evidence: Mapped[str] = mapped_column(String(300), default="")


class Activity(Base):
    """An entry of a lead's timeline."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_lead_at", "lead_id", "at", "id"),
        index_of_some("ix_activity_call", "call_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30), comment="CallFromProspect, Text, ...: the industry's event names")
    text: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(
        String(80), default="", server_default="", comment="who did it, if a person at a terminal or a page did"
    )
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"))
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what it is about; null: the person, or unknown"
    )


class Suggestion(Base):
    """Something that was understood from what a lead said, for a person to take over into their card, or not."""

    __tablename__ = "suggestion"
    __table_args__ = (
        Index("ix_suggestion_lead", "lead_id", "state"),
        Index("ix_suggestion_open", "state", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="the same field of the same call comes once")
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"), index=True)
    field: Mapped[str] = mapped_column(String(20), comment="as crm.domain.heard.CardField")
    value: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(String(300), comment="that it comes from, as they were heard")
    second: Mapped[int] = mapped_column(comment="of the recording, in which they begin")
    state: Mapped[str] = mapped_column(String(10), default="open", comment="open, taken or dismissed")
    decided_by: Mapped[str] = mapped_column(String(80), default="", server_default="")
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SavedFilter(Base):
    """A filter of the list of leads that somebody has given a name."""

    __tablename__ = "saved_filter"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    filter: Mapped[dict[str, Any]] = mapped_column(JSON, comment="as crm.domain.leads.LeadFilter")
    made_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
