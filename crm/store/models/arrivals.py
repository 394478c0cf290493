"""The public site: what comes in by its forms, what people agree to there, and the links that lead to it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base, index_of_some, index_where
from crm.store.models.living import forget_names

if TYPE_CHECKING:
    from crm.store.models.office import Property


class ArrivalRecord(Base):
    """One thing that came in, kept as it came before anything is read out of it."""

    __tablename__ = "arrival"
    __table_args__ = (
        Index("ix_arrival_received", "received_at", "id"),
        # What is to be read next, and what could not be.
        index_where("ix_arrival_unread", "id", where="read_at IS NULL"),
        index_where(
            "ix_arrival_problem",
            "received_at",
            "id",
            where="problem <> ''",
        ),
        # Network addresses that are still kept, to be deleted in time.
        index_where(
            "ix_arrival_came_from",
            "received_at",
            where="came_from <> ''",
        ),
        # Whom to tell about next.
        index_of_some("ix_arrival_tell", "tell_at"),
        # When a source was last heard of.
        Index("ix_arrival_source", "source_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        String(120), unique=True, comment="the same thing has the same key, and comes once"
    )
    channel: Mapped[str] = mapped_column(String(40), comment="how it came, such as form:question")
    raw: Mapped[dict[str, Any]] = mapped_column(JSON, comment="as it came")
    parser: Mapped[str] = mapped_column(String(40), comment="what read it")
    parser_version: Mapped[int]
    received_at: Mapped[datetime]
    read_at: Mapped[datetime | None] = mapped_column(comment="null: nobody has read it yet")
    outcome: Mapped[str] = mapped_column(
        String(20), default="", server_default="", comment="what it was, as in crm.domain.arrivals.Outcome"
    )
    tries: Mapped[int] = mapped_column(default=0, server_default="0", comment="how often reading it has begun")
    node: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="whose disk has the rest of it; empty: there is no rest"
    )
    source_id: Mapped[int | None] = mapped_column(
        ForeignKey("lead_source.id", ondelete="SET NULL"), comment="null: none that is set up"
    )
    lead_id: Mapped[int | None] = mapped_column(
        ForeignKey("lead.id", ondelete="SET NULL"), index=True, comment="whose it is; null: it could not be read"
    )
    came_from: Mapped[str] = mapped_column(
        String(45),
        default="",
        server_default="",
        comment="network address, for whoever has to look into abuse; empty: none, or no longer kept",
    )
    problem: Mapped[str] = mapped_column(String(300), default="", comment="why it could not be read; empty: it was")
    tell_at: Mapped[datetime | None] = mapped_column(
        comment="when the owner is told of it, together with others; null: there is nothing left to tell"
    )


class MailFolder(Base):
    """A folder of a mailbox that is read, and how far."""

    __tablename__ = "mail_folder"
    __table_args__ = (UniqueConstraint("server", "user", "folder"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    server: Mapped[str] = mapped_column(String(200))
    user: Mapped[str] = mapped_column(String(200))
    folder: Mapped[str] = mapped_column(String(200))
    uid_validity: Mapped[int] = mapped_column(BigInteger, comment="once it changes, UIDs mean something else")
    first_at: Mapped[datetime] = mapped_column(comment="when it was first read; emails from before are history")
    counted_at: Mapped[datetime | None] = mapped_column(comment="when the two were counted; null: not yet")
    there: Mapped[int] = mapped_column(default=0, comment="emails in the folder")
    here: Mapped[int] = mapped_column(default=0, comment="those of them that are stored here")


class MailFolderEntry(Base):
    """An email of a folder that is read."""

    __tablename__ = "mail_folder_entry"
    folder_id: Mapped[int] = mapped_column(ForeignKey("mail_folder.id", ondelete="CASCADE"), primary_key=True)
    uid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    arrival_id: Mapped[int | None] = mapped_column(
        ForeignKey("arrival.id", ondelete="SET NULL"), index=True, comment="null: it was erased here"
    )


class LeadSource(Base):
    """Somewhere leads come from, such as a listing portal, with an email address or a secret path of its own."""

    __tablename__ = "lead_source"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60), comment="as a lead's source shows it")
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what they ask about unless they say otherwise"
    )
    address: Mapped[str] = mapped_column(
        String(200), default="", index=True, comment="what is sent to it is from there; lower case; empty: none"
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of the end of its secret path")
    old_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the path before")
    old_until: Mapped[datetime | None] = mapped_column(comment="until then the path before is accepted, too")
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None] = mapped_column(comment="null: it has its first path")
    property: Mapped[Property | None] = relationship()


event.listen(LeadSource, "after_delete", forget_names)


class Consent(Base):
    """Somebody agreed to be texted, with the words that they agreed to."""

    __tablename__ = "consent"
    __table_args__ = (index_of_some("ix_consent_arrival", "arrival_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(20), index=True, comment="E.164")
    wording: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(20), comment="of the wording")
    language: Mapped[str] = mapped_column(String(10))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id", ondelete="SET NULL"))
    given_at: Mapped[datetime]


class ShortLink(Base):
    """A link in a text to one person, to a page of the public site."""

    __tablename__ = "short_link"
    token: Mapped[str] = mapped_column(String(16), primary_key=True, comment="the end of its address; random")
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="what it is for; the same cause makes one")
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(String(200), comment="of the site, such as /properties/elm")
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(comment="after that it leads to the list of homes, and nobody is told")
    opened_at: Mapped[datetime | None] = mapped_column(comment="the last time; null: not yet")
    opens: Mapped[int] = mapped_column(default=0)
