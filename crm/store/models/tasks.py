"""What is to be done next, by people or automatically."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crm.domain.excerpts import excerpt
from crm.domain.tasks import LONGEST_WHY
from crm.store.models.agents import Agent, Subteam
from crm.store.models.base import Base, index_of_some, index_where

if TYPE_CHECKING:
    from crm.store.models.calls import Call
    from crm.store.models.people import Interest, Lead


class FollowUp(Base):
    """One step of a sequence: planned, or behind us; `expired` when its time was long past before it could be sent."""

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("interest_id", "stage", "stage_since", "step"),
        Index("ix_follow_up_state_due", "state", "due_at", "id"),
        index_of_some("ix_follow_up_message", "message_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interest_id: Mapped[int] = mapped_column(ForeignKey("interest.id", ondelete="CASCADE"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(30))
    stage_since: Mapped[datetime]
    step: Mapped[int] = mapped_column(comment="from 0")
    state: Mapped[str] = mapped_column(
        String(10), comment="planned, paused until somebody answers the person, sent, cancelled, or expired"
    )
    due_at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
    is_edited: Mapped[bool] = mapped_column(default=False, comment="somebody changed its time or text")
    why: Mapped[str] = mapped_column(String(300))
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was sent or cancelled")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    interest: Mapped[Interest] = relationship()


class Notice(Base):
    """Something an agent was told of, in a list of their own besides text and email."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_agent_read", "agent_id", "read_at", "id"),
        Index("ix_notice_agent_made", "agent_id", "made_at"),
        Index("ix_notice_made", "made_at"),
        index_of_some("ix_notice_send", "send_at"),
        index_of_some("ix_notice_push", "push_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="the same cause tells an agent once")
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    lead_id: Mapped[int | None] = mapped_column(
        ForeignKey("lead.id", ondelete="CASCADE"), index=True, comment="whom it is about; null: no lead"
    )
    kind: Mapped[str] = mapped_column(
        String(20), default="alarm", server_default="alarm", comment="as in crm.domain.notices.NoticeKind"
    )
    is_listed: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="whether it stands in the agent's list, as they chose"
    )
    send_at: Mapped[datetime | None] = mapped_column(
        comment="it goes out then, with others that wait; null: it went out at once, or has by now"
    )
    push_at: Mapped[datetime | None] = mapped_column(
        comment="it is shown on their closed browsers then; null: it is not, or was"
    )
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    in_full: Mapped[str] = mapped_column(
        Text,
        default="",
        server_default="",
        comment="what an email says in place of the text, such as a transcript; empty once it has gone out",
    )
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None] = mapped_column(comment="null: not yet")
    agent: Mapped[Agent] = relationship()


class NoticeSetting(Base):
    """How an agent wants to be told; without one, by default."""

    __tablename__ = "notice_setting"
    __table_args__ = (index_of_some("ix_notice_setting_digest", "next_digest_at"),)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    ways: Mapped[dict[str, Any]] = mapped_column(
        default=dict, comment="list of ways by kind, where they differ from the default"
    )
    quiet_from: Mapped[str] = mapped_column(String(5), default="", comment="HH:MM; empty: no quiet time")
    quiet_until: Mapped[str] = mapped_column(String(5), default="", comment="HH:MM, of the next day if it is earlier")
    digest_at: Mapped[str] = mapped_column(String(5), default="", comment="HH:MM, daily; empty: no digest")
    next_digest_at: Mapped[datetime | None] = mapped_column(comment="null: there is none")
    agent: Mapped[Agent] = relationship()


class FollowUpLook(Base):
    """When the follow-ups of a lead have to be looked at again; none: not before something happens with the lead.

    Triggers make it 1970 when something does (crm/store/touches.py).
    """

    __tablename__ = "follow_up_look"
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True)
    look_at: Mapped[datetime] = mapped_column(index=True)


class FollowUpRulesSeen(Base):
    """The sequences by which a home has planned all follow-ups."""

    __tablename__ = "follow_up_rules_seen"
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), comment="of the files with the sequences")


class Task(Base):
    """One owned next action."""

    __tablename__ = "task"
    __table_args__ = (
        # Open work, for everybody and for one agent, the most urgent first.
        index_where(
            "ix_task_open",
            "due_at",
            "id",
            where="done_at IS NULL",
        ),
        # Open work of a property, or of a lead where it is about none: what is counted of it stands in the index.
        index_where(
            "ix_task_open_about",
            "property_id",
            "lead_id",
            "due_at",
            "kind",
            "call_id",
            where="done_at IS NULL",
        ),
        index_where(
            "ix_task_open_owner",
            "owner_id",
            "due_at",
            "id",
            where="done_at IS NULL",
        ),
        index_of_some("ix_task_subteam", "subteam_id"),
        index_of_some("ix_task_tell", "tell_at"),
        index_of_some("ix_task_again", "again_at"),
        CheckConstraint("(owner_id IS NULL) <> (subteam_id IS NULL)", name="ck_task_one_owner"),
        # One open task per person and kind, even when several are created at the same moment.
        index_where(
            "uq_task_open",
            "person",
            "kind",
            unique=True,
            where="done_at IS NULL AND person <> ''",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="its cause; one cause makes one task")
    kind: Mapped[str] = mapped_column(String(20), comment="as in crm.domain.tasks.TaskKind")
    person: Mapped[str] = mapped_column(
        String(60),
        default="",
        server_default="",
        comment="whom it is about, such as lead:12 or caller:+15125550199; empty: it stands for its cause alone",
    )
    times: Mapped[int] = mapped_column(default=1, server_default="1", comment="calls, or texts, that it stands for")
    last_at: Mapped[datetime | None] = mapped_column(
        comment="when the latest of what it stands for came; null: it stands for one thing, since it was created"
    )
    tell_at: Mapped[datetime | None] = mapped_column(
        comment="whoever has it is told of its call then; null: they have been, or are told otherwise"
    )
    again_at: Mapped[datetime | None] = mapped_column(
        comment="when another call was put on it, of which pages tell; null: it stands for one call, or for none"
    )
    owner_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id"), comment="null: a subteam has it, and nobody has taken it yet"
    )
    subteam_id: Mapped[int | None] = mapped_column(
        ForeignKey("subteam.id"), comment="whoever of it takes the task owns it; null: an agent has it"
    )
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"), index=True)
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what it is about; null: the person, or unknown"
    )
    why: Mapped[str] = mapped_column(String(LONGEST_WHY))
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(300), default="")
    escalation: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how often it went to somebody else because nobody did it in time"
    )
    escalate_at: Mapped[datetime | None] = mapped_column(
        index=True, comment="it goes to somebody else then, if it is not done; null: to nobody any more"
    )
    owner: Mapped[Agent | None] = relationship()
    subteam: Mapped[Subteam | None] = relationship()
    lead: Mapped[Lead | None] = relationship()
    call: Mapped[Call | None] = relationship()

    @property
    def held_by(self) -> Agent | Subteam:
        """Whose it is: an agent's, or that of a subteam of which nobody has taken it yet."""
        held = self.owner or self.subteam
        assert held is not None, "a constraint of the table"
        return held

    @held_by.setter
    def held_by(self, to: Agent | Subteam) -> None:
        self.owner, self.subteam = (to, None) if isinstance(to, Agent) else (None, to)

    @validates("why")
    def _in_short(self, key: str, why: str) -> str:
        return excerpt(why, LONGEST_WHY)


class TaskCall(Base):
    """Which task takes care of a call that left one; of several calls of one person it may be one and the same."""

    __tablename__ = "task_call"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    task: Mapped[Task] = relationship()
