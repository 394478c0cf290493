"""Checks of those who sign in to the console."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.services.access import accounts
from crm.services.system.checks.finding import Finding, ok, warn
from crm.store.models import Account


def examine(session: Session) -> list[Finding]:
    if not accounts.has_admin(session):
        return [warn("users", "There is no admin who can sign in to the console.", "console_admin_missing")]
    found = select(func.count()).select_from(Account)
    active = session.scalar(found.where(Account.disabled_at.is_(None), Account.password != "")) or 0
    return [ok("users", f"{active} can sign in to the console, an admin among them.")]
