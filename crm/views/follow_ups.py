"""Texts sent step by step to people who have not been reached yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.follow_ups import FollowUpRules
from crm.domain.text_templates import FIRST_LANGUAGE
from crm.store.models import FollowUp, Interest, Property
from crm.store.queries import reach as reached


class FollowUpEntry(msgspec.Struct):
    """One step of a person's sequence."""

    id: int
    lead: int
    property: str
    stage: str
    step: int
    """From 1."""
    state: str
    """planned, paused until somebody answers the person, sent, cancelled, or expired: its time was long past."""
    due_at: datetime
    text: str
    """{name} and {url} are filled in when it is sent."""
    why: str
    message: int | None
    """Id of the text that was sent."""


class SequenceStepEntry(msgspec.Struct):
    """A step, as in the file of sequences."""

    stage: str
    step: int
    """From 1."""
    wait_hours: float
    """Hours after the step before; for the first step, after the stage began."""
    text: str
    languages: list[str]
    """In which it is written."""


def sequence_steps(rules: FollowUpRules, language: str = FIRST_LANGUAGE) -> list[SequenceStepEntry]:
    """By stage, in the order in which they go out; in English where the language has no text."""
    return [
        SequenceStepEntry(
            stage.value, number, step.wait.total_seconds() / 3600, step.text_in(language), sorted(step.texts)
        )
        for stage, sequence in rules.sequences.items()
        for number, step in enumerate(sequence.steps, start=1)
    ]


def listed(
    session: Session,
    *,
    lead_id: int | None = None,
    states: Collection[str] = (),
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[FollowUpEntry]:
    """By due time; of a lead, or in one of these states, if any are given."""
    found = (
        select(
            FollowUp.id,
            FollowUp.lead_id.label("lead"),
            Property.slug.label("property"),
            FollowUp.stage,
            (FollowUp.step + 1).label("step"),
            FollowUp.state,
            FollowUp.due_at,
            FollowUp.text,
            FollowUp.why,
            FollowUp.message_id.label("message"),
        )
        .join(Interest, Interest.id == FollowUp.interest_id)
        .join(Property, Property.id == Interest.property_id)
        .where(*reached.of_interests(reach))
        .order_by(FollowUp.due_at, FollowUp.id)
        .limit(limit)
    )
    if lead_id is not None:
        found = found.where(FollowUp.lead_id == lead_id)
    if states:
        found = found.where(FollowUp.state.in_(states))
    return [FollowUpEntry(**row._mapping) for row in session.execute(found)]
