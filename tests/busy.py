"""An office in which few are there to answer, and what those hear who wait for them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from crm.services.phones.spoken import spoken
from crm.store.models import Agent
from tests.system import System


async def only_on_duty(system: System, *slugs: str) -> None:
    with system.store.writing() as session:
        session.execute(update(Agent).values(on_duty=False))
        session.execute(update(Agent).where(Agent.slug.in_(slugs)).values(on_duty=True))


async def number_in_line(system: System, number: int) -> Path:
    """What a caller hears whose place is not the first."""
    return await spoken(system.config, f"You are number {number} in line.")
