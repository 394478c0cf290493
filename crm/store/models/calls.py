"""The record of calls, and what was spoken in them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
    Text,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base, Microseconds, PackedJson, index_where

if TYPE_CHECKING:
    from crm.store.models.agents import Agent
    from crm.store.models.office import Property
    from crm.store.models.people import Contact, Lead
    from crm.store.models.phones import Line


UNCOVERED = (
    "NOT covered AND NOT unreachable AND direction <> 'internal'"
    # One of ours who misdialed, or called a toll-free number, has reached nobody whom the office owes anything.
    " AND (direction = 'in' OR lead_id IS NOT NULL OR contact_id IS NOT NULL)"
    # Those that leave one. Told by the others, because SQLite would go through all that ended in these ways.
    " AND outcome NOT IN ('talked', 'booked', 'blocked', 'handed_over')"
)
"""Which calls have to leave a task (`domain.tasks.task_after`), and of which none is known; as it stands in the index,
so that it is used."""


class Call(Base):
    """A call's whole story, in either direction; its id is that of its first channel in Asterisk.

    `caller` is always the number of the person outside, `did` always ours.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_outcome_started", "outcome", "started_at"),
        Index("ix_call_direction_started", "direction", "started_at"),
        Index("ix_call_property_started", "property_id", "started_at"),
        index_where("ix_call_uncovered", "started_at", where=UNCOVERED),
        index_where(
            "ix_call_caller_digits",
            "caller_digits",
            "trunk",
            "started_at",
            where="caller_digits != ''",
        ),
    )
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    direction: Mapped[str] = mapped_column(
        String(10), default="in", server_default="in", comment="in, out, or internal between colleagues"
    )
    did: Mapped[str] = mapped_column(
        String(40), comment="our number: the one dialled, or shown; E.164 where it is a telephone number"
    )
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id", ondelete="SET NULL"), comment="null: unknown DID")
    trunk: Mapped[str] = mapped_column(String(40), default="")
    caller: Mapped[str | None] = mapped_column(String(20), index=True, comment="E.164; null is withheld or malformed")
    caller_digits: Mapped[str] = mapped_column(
        String(20), default="", server_default="", comment="shown by a caller whose number could not be read"
    )
    attestation: Mapped[str] = mapped_column(
        String(30), default="", server_default="", comment="STIR/SHAKEN result as the trunk gave it"
    )
    withheld: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="the caller withholds their number"
    )
    unreachable: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="nobody was reached, and the caller left neither a number nor a message: nothing can be done",
    )
    kind: Mapped[str] = mapped_column(
        String(10), default="prospect", server_default="prospect", comment="prospect, resident, owner or vendor"
    )
    desk: Mapped[str] = mapped_column(
        String(20), default="", server_default="", comment="the desk it was for, beside leasing; empty: none"
    )
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what it was about: the line's, or chosen by key"
    )
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="SET NULL"), comment="who placed a call of ours"
    )
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    talk_started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(String(20), default="", comment="the step the call is in or ended in")
    outcome: Mapped[str | None] = mapped_column(String(20), comment="null while the call is up")
    ended_by: Mapped[str] = mapped_column(String(10), default="", comment="caller, agent or system")
    without_app: Mapped[bool] = mapped_column(default=False, comment="the dialplan's last resort had a part in it")
    remark: Mapped[str] = mapped_column(Text, default="", server_default="", comment="what the agent wrote after it")
    node: Mapped[str] = mapped_column(
        String(16), default="", server_default="", comment="name of the node that has it; empty: the only one there was"
    )
    event_count: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how many events were on record when the ledger last wrote the call"
    )
    covered: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="a task takes care of it, or of its person (crm/store/coverage.py)",
    )
    agent: Mapped[Agent | None] = relationship()
    recordings: Mapped[list[Recording]] = relationship(
        back_populates="call", order_by="Recording.started_at", cascade="all, delete-orphan"
    )
    line: Mapped[Line | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    property: Mapped[Property | None] = relationship()
    lead: Mapped[Lead | None] = relationship()
    legs: Mapped[list[Leg]] = relationship(order_by="Leg.started_at", cascade="all, delete-orphan")
    events: Mapped[list[CallEvent]] = relationship(
        order_by="CallEvent.at, CallEvent.number", cascade="all, delete-orphan"
    )
    voicemail: Mapped[Voicemail | None] = relationship(back_populates="call", cascade="all, delete-orphan")
    voice_talk: Mapped[TalkRecord | None] = relationship(back_populates="call", cascade="all, delete-orphan")


class Leg(Base):
    """One phone that rang for a call."""

    __tablename__ = "leg"
    __table_args__ = (Index("ix_leg_agent_started", "agent_id", "started_at"),)
    id: Mapped[str] = mapped_column(String(80), primary_key=True, comment="the channel's id, which we give it")
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    device: Mapped[str] = mapped_column(String(40), comment="slug, kept when the device is deleted")
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    stage: Mapped[str] = mapped_column(String(20), comment="agent, subteam, everyone, last_resort, ...")
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(20), default="", comment="DialStatus once it is known")
    number: Mapped[str | None] = mapped_column(String(20), comment="E.164 dialled through a trunk; null for a phone")
    announced_at: Mapped[datetime | None] = mapped_column(comment="heard that the call is recorded")
    agent: Mapped[Agent | None] = relationship()


class CallEvent(Base):
    """One fact about a call, as it was stated; its id makes stating it twice harmless."""

    __tablename__ = "call_event"
    # The rows of a call are next to each other, in the order of the key, and there is no other index to keep.
    __table_args__ = ({"sqlite_with_rowid": False},)
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(
        primary_key=True, comment="in the order in which the call's facts were recorded"
    )
    id: Mapped[str] = mapped_column(String(120), comment="the fact's, with the call's id left out (crm/store/facts.py)")
    at: Mapped[datetime] = mapped_column(Microseconds)
    kind: Mapped[str] = mapped_column(String(30))
    data: Mapped[dict[str, Any]]


class RoutingDecision(Base):
    """Why a call rang whom it rang."""

    __tablename__ = "routing_decision"
    # Like facts: those of a call are next to each other, and there is no other index to keep.
    __table_args__ = ({"sqlite_with_rowid": False},)
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(String(120), primary_key=True, comment="id of the fact that told it")
    at: Mapped[datetime]
    rule: Mapped[str] = mapped_column(String(40))
    reasons: Mapped[list[str]] = mapped_column(PackedJson)
    stages: Mapped[list[str]] = mapped_column(comment="names of the stages planned, in order")
    path: Mapped[str] = mapped_column(String(20), default="", server_default="", comment="routing.Path")
    inputs: Mapped[dict[str, Any]] = mapped_column(
        PackedJson, default=dict, comment="everything that was known; it can be decided again"
    )
    plan: Mapped[dict[str, Any]] = mapped_column(PackedJson, default=dict, comment="what was decided")
    roster: Mapped[str | None] = mapped_column(String(16), comment="by which it names agents; null: by their slugs")


class Roster(Base):
    """All agents of the office at some time. Decisions name them by their positions in it (crm/store/decisions.py)."""

    __tablename__ = "roster"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, comment="hash of the list")
    agents: Mapped[list[str]] = mapped_column(comment="slugs, in order")


class CallReview(Base):
    """What somebody who looked at a call says of its routing."""

    __tablename__ = "call_review"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    routed_right: Mapped[bool]
    note: Mapped[str] = mapped_column(String(300), default="")
    who: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


_NEW = "heard_at IS NULL AND deleted_at IS NULL"
_QUEUED = "transcript_state = 'queued'"


class Voicemail(Base):
    """A voicemail a caller left."""

    __tablename__ = "voicemail"
    __table_args__ = (
        Index("ix_voicemail_left_at", "left_at"),
        Index("ix_voicemail_mailbox_left", "mailbox", "left_at"),
        # Every page of the console shows how many there are.
        index_where("ix_voicemail_new", "mailbox", "left_at", where=_NEW),
        index_where("ix_voicemail_queued", "left_at", where=_QUEUED),
    )
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    file: Mapped[str] = mapped_column(String(200), comment="name in the recordings folder")
    seconds: Mapped[int]
    left_at: Mapped[datetime]
    mailbox: Mapped[str] = mapped_column(
        String(60),
        default="",
        server_default="",
        comment="agent:SLUG, subteam:SLUG, property:SLUG, or office",
    )
    heard_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None] = mapped_column(comment="out of the mailbox; the audio goes with retention")
    purged_at: Mapped[datetime | None] = mapped_column(comment="when retention removed audio and transcript")
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    taken_at: Mapped[datetime | None]
    escalation: Mapped[int] = mapped_column(default=0, server_default="0", comment="groups called about it so far")
    escalate_at: Mapped[datetime | None] = mapped_column(index=True, comment="the next group is called then")
    transcript: Mapped[str] = mapped_column(Text, default="", server_default="")
    transcript_state: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="queued, done, failed, or none: there is no model"
    )
    taken_by: Mapped[Agent | None] = relationship()
    call: Mapped[Call] = relationship(back_populates="voicemail")


class TalkRecord(Base):
    """A caller's talk with the voice agent."""

    __tablename__ = "voice_talk"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(String(10), default="", comment="the caller's, as it was heard last")
    why_ended: Mapped[str] = mapped_column(
        String(30), default="", comment="finished, failed, or why the caller was passed on; empty: they hung up"
    )
    summary: Mapped[str] = mapped_column(Text, default="", comment="who the caller is and what they want")
    state: Mapped[str] = mapped_column(
        Text, default="", comment="JSON by which the talk continues after a restart; empty once it is over"
    )
    state_number: Mapped[int] = mapped_column(default=0, comment="of the turn that the state is of")
    purged_at: Mapped[datetime | None] = mapped_column(comment="when retention removed what was said")
    call: Mapped[Call] = relationship(back_populates="voice_talk")
    turns: Mapped[list[VoiceTurn]] = relationship(order_by="VoiceTurn.number", cascade="all, delete-orphan")


class VoiceTurn(Base):
    """Something that was said or done in a talk with the voice agent."""

    __tablename__ = "voice_turn"
    __table_args__ = (Index("ix_voice_turn_call", "call_id", "number"),)
    id: Mapped[str] = mapped_column(String(120), primary_key=True, comment="id of the fact that told it")
    call_id: Mapped[str] = mapped_column(ForeignKey("voice_talk.call_id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(10), comment="caller, agent, keys or act")
    started: Mapped[float] = mapped_column(comment="seconds from the beginning of the talk")
    ended: Mapped[float]
    text: Mapped[str] = mapped_column(Text, comment="what was said, keyed or done; goes with retention")
    language: Mapped[str] = mapped_column(String(10))
    confidence: Mapped[float | None] = mapped_column(comment="0 to 1, of what the caller said")
    template: Mapped[str] = mapped_column(String(60), comment="name of the agent's sentence")
    cites: Mapped[list[Any]] = mapped_column(JSON, comment="kind, id and version of the rows that it comes from")
    result: Mapped[str] = mapped_column(String(20), comment="how an act went; whether a sentence was heard to its end")


class Recording(Base):
    """Audio of a talk, across its transfers."""

    __tablename__ = "recording"
    __table_args__ = (
        index_where("ix_recording_queued", "started_at", where=_QUEUED),
        Index("ix_recording_started", "started_at", "id"),
    )
    id: Mapped[str] = mapped_column(String(120), primary_key=True, comment="the recording's name in Asterisk")
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    mode: Mapped[str] = mapped_column(String(10), comment="announced or demand")
    file: Mapped[str] = mapped_column(String(200), comment="name in the recordings folder")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[int] = mapped_column(default=0)
    deleted_at: Mapped[datetime | None] = mapped_column(comment="when the file was removed")
    deleted_by: Mapped[str] = mapped_column(String(80), default="", server_default="", comment="who removed the file")
    deleted_why: Mapped[str] = mapped_column(String(300), default="", server_default="", comment="and why")
    transcript: Mapped[str] = mapped_column(Text, default="", server_default="", comment="goes with the file")
    transcript_state: Mapped[str] = mapped_column(
        String(10),
        default="",
        server_default="",
        comment="queued, done, failed or none; empty: it is not wanted",
    )
    summary: Mapped[str] = mapped_column(
        String(300), default="", server_default="", comment="what the talk was about; goes with the transcript"
    )
    call: Mapped[Call] = relationship(back_populates="recordings")


class AudioHold(Base):
    """A call whose audio, and what was said in it, may not be deleted: not by retention, and by nobody else either."""

    __tablename__ = "audio_hold"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    why: Mapped[str] = mapped_column(String(300))
