"""Who is let in: programs that work with the office through the REST API, and people who sign in to the console."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base


class ApiKey(Base):
    """What a program shows to be let in. The key itself is nowhere, only what it can be recognized by."""

    __tablename__ = "api_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True, comment="slug; whose it is, as the audit says it")
    prefix: Mapped[str] = mapped_column(String(16), unique=True, comment="the beginning of the key, which is no secret")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the whole key, hexadecimal")
    scopes: Mapped[list[str]] = mapped_column(comment="as in crm.domain.access.Scope")
    is_narrow: Mapped[bool] = mapped_column(comment="sees only what `api_key_reach` names; false: the whole office")
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(comment="null: never")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="null: in force")
    used_at: Mapped[datetime | None] = mapped_column(comment="the last time, to a few minutes; null: never")
    reach: Mapped[list[ApiKeyReach]] = relationship(cascade="all, delete-orphan", order_by="ApiKeyReach.id")


class ApiKeyReach(Base):
    """A property, or all of a subteam's, that a narrow key sees."""

    __tablename__ = "api_key_reach"
    __table_args__ = (
        UniqueConstraint("key_id", "property_id"),
        UniqueConstraint("key_id", "subteam_id"),
        CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name="ck_api_key_reach_one"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    subteam_id: Mapped[int | None] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"))


class KeptAnswer(Base):
    """What a request was answered, so that the same request gets the same answer and does nothing again."""

    __tablename__ = "kept_answer"
    __table_args__ = (UniqueConstraint("key_id", "name"), Index("ix_kept_answer_made", "made_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255), comment="the Idempotency-Key that the program chose")
    fingerprint: Mapped[str] = mapped_column(String(64), comment="SHA-256 of method, path and body")
    status: Mapped[int]
    location: Mapped[str] = mapped_column(String(200), comment="empty: none")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class Account(Base):
    """Somebody who signs in to the console."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True, comment="slug; they sign in with it")
    full_name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(200), comment="empty: none")
    role: Mapped[str] = mapped_column(String(20), comment="as in crm.domain.access.Role")
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="SET NULL"), unique=True, comment="the agent they are; null: none"
    )
    is_narrow: Mapped[bool] = mapped_column(comment="sees only what `account_reach` names; false: the whole office")
    language: Mapped[str] = mapped_column(String(5), comment="of the pages, such as en")
    password: Mapped[str] = mapped_column(String(200), comment="argon2id, as PHC writes it; empty: none yet")
    totp: Mapped[str] = mapped_column(
        String(64),
        comment="secret of the one-time codes (RFC 6238), which is needed as it is to check them; empty: none",
    )
    totp_step: Mapped[int] = mapped_column(comment="the 30 seconds of the last code taken, so that none counts twice")
    failures: Mapped[int] = mapped_column(comment="wrong passwords and codes in a row")
    locked_until: Mapped[datetime | None] = mapped_column(comment="no sign-in before; null: at any time")
    disabled_at: Mapped[datetime | None] = mapped_column(comment="null: may sign in")
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    reach: Mapped[list[AccountReach]] = relationship(cascade="all, delete-orphan", order_by="AccountReach.id")


class AccountReach(Base):
    """A property, or all of a subteam's, that a narrow account sees."""

    __tablename__ = "account_reach"
    __table_args__ = (
        UniqueConstraint("account_id", "property_id"),
        UniqueConstraint("account_id", "subteam_id"),
        CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name="ck_account_reach_one"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    subteam_id: Mapped[int | None] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"))


class AccountSession(Base):
    """A browser in which somebody has signed in. Ended, its row is gone."""

    __tablename__ = "account_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of the token in the cookie")
    made_at: Mapped[datetime]
    used_at: Mapped[datetime] = mapped_column(comment="the last time, to a few minutes")
    idle_until: Mapped[datetime] = mapped_column(comment="over then, unless it is used")
    expires_at: Mapped[datetime] = mapped_column(index=True, comment="over then, however much it is used")
    address: Mapped[str] = mapped_column(String(45), comment="the network address at sign-in")
    browser: Mapped[str] = mapped_column(String(120), comment="what it calls itself")


class AccountSignIn(Base):
    """Where somebody has signed in from, and with what, so that they can be told of what is new. It outlives the
    session."""

    __tablename__ = "account_sign_in"
    __table_args__ = (UniqueConstraint("account_id", "network", "browser"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    network: Mapped[str] = mapped_column(String(45), comment="IPv4 address, or the network of an IPv6 address")
    browser: Mapped[str] = mapped_column(String(120), comment="what it calls itself, without versions")
    used_at: Mapped[datetime] = mapped_column(comment="the last time")


class AccountLink(Base):
    """A link that lets somebody choose a password, once: an invitation, or a way back in."""

    __tablename__ = "account_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of the token in the link")
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class PushSubscription(Base):
    """A browser that shows messages also while it is closed. It goes with the session in which it was asked for."""

    __tablename__ = "push_subscription"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("account_session.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True, comment="where to send to (RFC 8030)")
    public_key: Mapped[str] = mapped_column(String(100), comment="the browser's, base64url")
    auth: Mapped[str] = mapped_column(String(30), comment="secret between the browser and us, base64url")
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(comment="when its service last took a message; null: never")
    failing_since: Mapped[datetime | None] = mapped_column(comment="null: it works, as far as is known")
    error: Mapped[str] = mapped_column(String(200), comment="why the last message was not taken; empty: it was")


class AccountPasskey(Base):
    """A key that a device or a password manager keeps for somebody, and shows instead of password and code."""

    __tablename__ = "account_passkey"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40), comment="as its owner calls it")
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of `credential`")
    credential: Mapped[bytes] = mapped_column(LargeBinary, comment="its id, as the device chose it")
    public_key: Mapped[bytes] = mapped_column(LargeBinary, comment="COSE key (RFC 9052)")
    signed: Mapped[int] = mapped_column(BigInteger, comment="how often, as the device counts; 0: it does not")
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(comment="null: never; nothing asked before it is taken after it")


class AccountRecoveryCode(Base):
    """What counts as a one-time code, once, for somebody who has lost their authenticator. Used, its row is gone."""

    __tablename__ = "account_recovery_code"
    __table_args__ = (UniqueConstraint("account_id", "digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the code's letters and digits")
