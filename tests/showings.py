"""Tours of Elm Street at every hour, so that tests hold at any time of any day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import delete

from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.tours import times
from crm.store.models import TourHours
from tests.system import System


@asynccontextmanager
async def shown_at_every_hour(system: System) -> AsyncIterator[None]:
    by = By("tests", datetime.now(UTC))
    await system.store.run(times.set_hours, by, "elm", ["mon-sun 00:00-24:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    try:
        yield
    finally:
        with system.store.writing() as session:
            session.execute(delete(TourHours))
