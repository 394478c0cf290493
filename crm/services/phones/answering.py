"""Answering services: outside numbers that callers reach when nobody in the office, or in one subteam, answers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.dialing import DialPurpose
from crm.services.audit import By
from crm.services.office import subteams
from crm.services.phones import dialing


def checked(session: Session, config: Config, number: str) -> str | None:
    """The number of an answering service as stored; None for an empty one. Raises DialRefused."""
    if not number.strip():
        return None
    return dialing.check(session, config, number=number, purpose=DialPurpose.ANSWERING, agent=None)


def change_subteam(
    session: Session,
    config: Config,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    strategy: str | None = None,
    sisters: Sequence[str] | None = None,
    answering_service: str | None = None,
) -> None:
    """Like `subteams.change`, and sets the number of the subteam's own answering service; "" means the office's.

    Raises DialRefused for a number that may not be dialed, and what `subteams.change` raises.
    """
    subteam = subteams.change(session, by, slug, name=name, strategy=strategy, sisters=sisters)
    if answering_service is not None:
        subteam.answering_service = checked(session, config, answering_service)
