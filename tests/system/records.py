"""What the CRM holds about calls and callers, one of the three witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import selectinload

from crm.store.models import (
    Agent,
    Call,
    Lead,
    LeadPhone,
    Leg,
    Message,
    Task,
    TaskCall,
)
from tests.system.asterisk import Asterisk


class Records(Asterisk):
    def rows(self, query: Select[Any]) -> Sequence[Any]:
        """Returns columns instead of records: tests wait for most things by repeating queries."""
        with self.store.reading() as session:
            return session.execute(query).all()

    def _calls(self, number: str | None, *columns: Any) -> Sequence[Any]:
        """Returns these columns of the caller's calls in this test, oldest first."""
        mine = select(*columns).where(Call.caller == number, Call.started_at >= self.started)
        return self.rows(mine.order_by(Call.started_at))

    async def all(self, query: Select[Any]) -> list[Any]:
        with self.store.reading() as session:
            return list(session.scalars(query).unique())

    async def call_from(self, number: str | None) -> Call:
        """Returns the caller's latest call, with its legs, events and lead."""
        calls = await self.calls_from(number)
        assert calls, f"no call from {number} is on record"
        return calls[-1]

    async def calls_from(self, number: str | None) -> list[Call]:
        """Returns the caller's calls in this test, oldest first."""
        query = select(Call).where(Call.caller == number, Call.started_at >= self.started).order_by(Call.started_at)
        whole = (Call.legs, Call.events, Call.voicemail, Call.lead)
        return await self.all(query.options(*(selectinload(part) for part in whole)))

    async def ended_call(self, number: str | None) -> Call:
        """Waits until the caller's latest call has its outcome."""

        def ended() -> bool:
            outcomes = self._calls(number, Call.outcome)
            return bool(outcomes) and all(outcome for (outcome,) in outcomes)

        await self.until(ended, f"outcome of the call from {number}", seconds=60)
        return await self.call_from(number)

    async def step(self, number: str | None, step: str) -> None:
        """Waits until the caller's call is in a step."""

        def there() -> bool:
            calls = self._calls(number, Call.step, Call.outcome)
            return any(at == step and not outcome for at, outcome in calls)

        await self.until(there, f"step {step} of the call from {number}", seconds=30)

    async def recording(self, number: str | None) -> None:
        """Waits until the caller's voicemail is being recorded."""

        async def runs() -> bool:
            calls = self._calls(number, Call.id)
            return bool(calls) and "name" in await self.ari(f"/recordings/live/{calls[-1].id}")

        await self.until(runs, f"recording of the message from {number}", seconds=40)

    async def is_recorded(self, number: str | None) -> bool:
        """Whether the talk of the caller's latest call is being recorded."""
        call = await self.call_from(number)
        return "name" in await self.ari(f"/recordings/live/{call.id}-talk-1")

    async def tasks_of(self, call: Call) -> list[Task]:
        own = select(Task).join(TaskCall, TaskCall.task_id == Task.id).where(TaskCall.call_id == call.id)
        return await self.all(own.options(selectinload(Task.owner)))

    async def texts_of(self, number: str) -> list[Message]:
        return await self.all(select(Message).where(Message.to_number == number).order_by(Message.id))

    async def lead_of(self, number: str) -> Lead | None:
        calls = await self.call_from(number)
        return calls.lead

    async def rang(self, number: str | None) -> dict[str, set[str]]:
        """Returns which devices rang for the caller's latest call, by stage, the stages in order."""
        stages: dict[str, set[str]] = {}
        calls = self._calls(number, Call.id)
        assert calls, f"no call from {number} is on record"
        legs = select(Leg.stage, Leg.device).where(Leg.call_id == calls[-1].id).order_by(Leg.started_at)
        for stage, device in self.rows(legs):
            stages.setdefault(stage, set()).add(device)
        return stages

    async def rings(self, number: str | None, stage: str, *devices: str) -> None:
        """Waits until exactly these devices have begun to ring in a stage."""

        async def so() -> bool:
            return (await self.rang(number)).get(stage) == set(devices)

        await self.until(so, f"{', '.join(devices)} ringing in stage {stage}")

    async def add_lead(self, number: str, agent: str | None = None, language: str = "") -> None:
        with self.store.writing() as session:
            owner = session.scalar(select(Agent).where(Agent.slug == agent)) if agent else None
            phones = [LeadPhone(number=number)]
            now = self.crm.now()
            session.add(
                Lead(status="new", created_at=now, phones=phones, interests=[], assigned_agent=owner, language=language)
            )

    async def talked_last(self, **minutes_ago: float | None) -> None:
        """Sets how many minutes ago agents ended their last talk; None: never."""
        with self.store.writing() as session:
            for slug, minutes in minutes_ago.items():
                at = None if minutes is None else self.crm.now() - timedelta(minutes=minutes)
                session.execute(update(Agent).where(Agent.slug == slug).values(last_talk_ended_at=at))

    async def is_quiet(self) -> bool:
        """Whether nothing is left of any call: no channel, bridge or flow, and no unrecorded fact."""
        if await self.ari("/channels") or await self.ari("/bridges"):
            return False
        open_calls = self.rows(select(Call.id).where(Call.outcome.is_(None)))
        logged = [path for kind in ("call", "emergency") for path in self.config.spool_folder.glob(f"*.{kind}")]
        facts = [path for path in self.config.journal_folder.glob("facts*.jsonl") if path.stat().st_size]
        return not open_calls and not logged and not facts
