"""What programs of others are told by webhooks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.texts import Sendable


class Webhook(Base):
    """An address that is told of events. Its secret is among the passwords of its node."""

    __tablename__ = "webhook"
    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[str]] = mapped_column(comment="as in crm.domain.webhooks.WebhookEvent")
    is_narrow: Mapped[bool] = mapped_column(comment="hears only of what `webhook_reach` names; false: of everything")
    node: Mapped[str] = mapped_column(
        String(16), default="", server_default="", comment="name of the node that sends it, and has its secret"
    )
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None] = mapped_column(comment="nothing is sent any more; null: it is")
    failures: Mapped[int] = mapped_column(default=0, server_default="0", comment="in a row")
    failing_since: Mapped[datetime | None] = mapped_column(comment="null: the last delivery arrived, or there was none")
    told_at: Mapped[datetime | None] = mapped_column(comment="when the admin was told that it fails; null: not")
    not_before: Mapped[datetime | None] = mapped_column(comment="after failures; null: at once")
    reach: Mapped[list[WebhookReach]] = relationship(cascade="all, delete-orphan", order_by="WebhookReach.id")


class WebhookReach(Base):
    """A property, or all of a subteam's, that a narrow webhook hears of."""

    __tablename__ = "webhook_reach"
    __table_args__ = (
        UniqueConstraint("webhook_id", "property_id"),
        UniqueConstraint("webhook_id", "subteam_id"),
        CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name="ck_webhook_reach_one"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    subteam_id: Mapped[int | None] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"))


class Happening(Base):
    """Something that a webhook may want to hear of. Triggers write it with what happened (crm/store/happenings.py);
    the worker makes deliveries of it and deletes it."""

    __tablename__ = "happening"
    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime | None] = mapped_column(comment="null: when it is noticed")
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    tour_id: Mapped[int | None] = mapped_column(ForeignKey("tour.id", ondelete="CASCADE"), index=True)
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    was: Mapped[str | None] = mapped_column(String(30), comment="stage or state before; null: there was none")
    became: Mapped[str | None] = mapped_column(String(30), comment="stage of the interest, or state of the tour")


class WebhookDelivery(Sendable, Base):
    """One event for one webhook; `key` is the id by which its receiver knows whether it had it already."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        # What is to be sent next, webhook by webhook.
        Index("ix_webhook_delivery_queue", "webhook_id", "state", "next_attempt_at", "id"),
        Index("ix_webhook_delivery_made", "created_at", "id"),
    )
    key: Mapped[str] = mapped_column(String(40), unique=True, comment="the header webhook-id")
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(20))
    body: Mapped[str] = mapped_column(Text, comment="JSON, the same at each attempt")
    replayed_at: Mapped[datetime | None] = mapped_column(comment="when somebody had it sent again; null: nobody has")
