"""Who has signed in to the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.domain.access import Reach, Role


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with a session."""

    account_id: int
    session_id: int
    name: str
    """With which they sign in, as the audit says it."""
    full_name: str
    role: Role
    reach: Reach
    agent: str | None
    """Slug of the agent they are; None: they are none."""
    agent_id: int | None
    language: str


def find(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Whose session this token is; None if it is nobody's, or over."""
    return None
