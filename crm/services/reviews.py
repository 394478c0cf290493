"""The weekly review: whether people think calls were routed right."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.counting import counted
from crm.domain.imports import Problem, Wrong, first_first
from crm.domain.reviews import ReviewAnswer, unknown
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Call, CallReview

BATCH = 500


def answer(session: Session, by: By, answers: Sequence[ReviewAnswer], problems: Sequence[Problem] = ()) -> None:
    """Stores all answers, or none: raises Wrong when one is about a call that is not on record, or with `problems` of
    the sheet they come from. A later answer replaces an earlier one."""
    known: set[str] = set()
    for start in range(0, len(answers), BATCH):
        ids = [one.call for one in answers[start : start + BATCH]]
        known.update(session.scalars(select(Call.id).where(Call.id.in_(ids))))
    if wrong := [*problems, *unknown(answers, known)]:
        raise Wrong(first_first(wrong))
    for one in answers:
        assert one.routed_right is not None, "an answer that could not be read is a problem"
        review = session.get(CallReview, one.call) or CallReview(call_id=one.call)
        review.routed_right, review.note, review.who, review.at = one.routed_right, one.note, by.who[:80], by.now
        session.add(review)
    audit.record(session, by, f"routing of {counted(len(answers), 'call')} reviewed")
