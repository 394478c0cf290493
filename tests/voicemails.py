"""Voicemails for tests of what becomes of them: left an hour ago, or as told, without the call that left them."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from crm.domain.calls import CallArrived, CallEnded, EndedBy, VoicemailLeft
from crm.services.calls import ledger
from crm.store.models import Agent, Task, Voicemail
from crm.store.session import Store
from tests.system import ELM, System

WORDS = "Hello, this is Jordan. I am looking for a home with two bedrooms, and I have a dog."


async def leave_voicemail(
    system: System,
    *,
    mailbox: str = "property:elm",
    words: str = WORDS,
    number: str | None = None,
    minutes_ago: float = 60,
    owner: str = "alice",
    escalate_at: datetime | None = None,
) -> str:
    """Returns the voicemail's id. Its task is `owner`'s."""
    now = datetime.now(UTC)
    voicemail_id = f"test-{uuid.uuid4().hex[:12]}"
    number = number or system.new_number()
    shutil.copy(system.spoken(words), system.config.recordings_folder / f"{voicemail_id}.wav")
    at = now - timedelta(minutes=minutes_ago)
    for fact in (
        CallArrived(f"{voicemail_id}/arrived", voicemail_id, at, ELM, number),
        VoicemailLeft(f"{voicemail_id}/message", voicemail_id, at, f"{voicemail_id}.wav", 5, mailbox),
        CallEnded(f"{voicemail_id}/ended", voicemail_id, at, EndedBy.CALLER),
    ):
        await system.store.run(ledger.record, system.config, fact, now)
    with system.store.writing() as session:
        session.get_one(Voicemail, voicemail_id).escalate_at = escalate_at
        task = session.scalars(select(Task).where(Task.key == f"call:{voicemail_id}")).one()
        task.owner = session.scalars(select(Agent).where(Agent.slug == owner)).one()
    return voicemail_id


async def voicemail(system: System, voicemail_id: str) -> Voicemail:
    with system.store.reading() as session:
        found = session.get(Voicemail, voicemail_id)
        assert found
        return found


def becomes(system: System, voicemail_id: str, is_so: Callable[[Voicemail], object]) -> Callable[[], Awaitable[bool]]:
    """For System.until."""

    async def condition() -> bool:
        return bool(is_so(await voicemail(system, voicemail_id)))

    return condition


async def without_voicemails(store: Store) -> None:
    with store.writing() as session:
        session.execute(update(Task).where(Task.kind == "listen").values(done_at=datetime.now(UTC)))
        session.execute(delete(Voicemail))
