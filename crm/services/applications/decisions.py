"""The office's decisions on applications."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.applications import NEXT, WAITING, ApplicationStatus
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.tasks import TaskKind
from crm.services import audit
from crm.services.applications import events
from crm.services.audit import By
from crm.store.models import Application

_TOLD = {
    ApplicationStatus.IN_REVIEW: "The application for {home} is in review.",
    ApplicationStatus.APPROVED: "The application for {home} was approved.",
    ApplicationStatus.DENIED: "The application for {home} was denied.",
    ApplicationStatus.WITHDRAWN: "The application for {home} was withdrawn.",
}


def set_status(
    session: Session, config: Config, by: By, application_id: int, status: ApplicationStatus, reason: str = ""
) -> Application:
    """Changes an application's status and the lead's stage, and closes the tasks about it. The applicant is not
    notified: that is left to a person.

    Raises NotFound; Conflict if its current status does not allow it; Invalid for a denial without a reason.
    """
    found = session.scalars(
        select(Application).where(Application.id == application_id).with_for_update(of=Application)
    ).first()
    if found is None:
        raise unknown(application_id)
    why = fields.text(reason, "reason", 300)
    if status is ApplicationStatus.DENIED and not why:
        raise Invalid("Say why it is denied.", code="denial_without_reason")
    possible = NEXT[found.status] if found.submitted_at or found.status != ApplicationStatus.WITHDRAWN else ()
    if status not in possible:
        choices = " or ".join(one.replace("_", " ") for one in possible)
        rest = f"it can become {choices}" if choices else "that is final"
        raise Conflict(
            f"Application {application_id} is {found.status.replace('_', ' ')}: {rest}.",
            code="application_status_impossible",
            application=application_id,
        )
    events.move(found, status, by.now, why)
    told = _TOLD[status].format(home=events.home_of(found)) + (f" Reason: {why}" if why else "")
    events.tell(session, found, told, by.now, key=f"status:{uuid.uuid4().hex}", by=by.who)
    audit.record(session, by, f"application {application_id} {status.replace('_', ' ')}")
    if status in WAITING:
        again = f"Review the application for {events.home_of(found)}, and answer it."
        hours = config.applications.review_hours
        events.leave_task(session, config, found, TaskKind.REVIEW_APPLICATION, again, hours, by.now, is_same=True)
    else:
        events.close_tasks(session, found.lead_id, f"The application was {status}.", by.now)
    session.flush()
    return found


def unknown(application_id: int) -> NotFound:
    return NotFound(
        f"There is no application {application_id}.", code="application_unknown", application=application_id
    )
