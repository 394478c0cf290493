"""What every step of an application leaves behind: a timeline entry, the stage, the next action, and a notice to its
owner."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.applications import STAGE_AFTER, UNFINISHED, WAITING, ApplicationStatus
from crm.domain.leads import Happened
from crm.domain.notices import NoticeKind
from crm.domain.tasks import TaskKind, person_of, said_again
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.people import intake, timeline
from crm.store.models import Agent, Application, Lead, Subteam, Task
from crm.store.queries import office, tasks
from crm.words import notices as words


def home_of(application: Application) -> str:
    """The home it is for, as the timeline names it."""
    unit, property = application.unit, application.property
    return f"{unit.name} at {property.name}" if unit else property.name


def name_of(application: Application) -> str:
    """What the site calls the home, in any language."""
    unit, property = application.unit, application.property
    return f"{property.name} {unit.name}" if unit else property.name


def move(application: Application, status: ApplicationStatus, now: datetime, reason: str = "") -> None:
    """Sets the status, and the stage of the lead's interest with it.

    An application that ends before it was ever sent leaves the interest as it is.
    """
    application.status, application.status_at, application.reason = status, now, reason
    interest = intake.interest_in(application.lead, application.property_id, now)
    if application.unit_id is not None:
        interest.unit_id = application.unit_id
    if application.submitted_at is not None or status in UNFINISHED:
        interest.stage, interest.stage_since = STAGE_AFTER[status], now


def tell(session: Session, application: Application, told: str, now: datetime, *, key: str, by: str = "") -> None:
    """Adds an entry to the lead's timeline."""
    about, key = application.property_id, f"application:{application.id}:{key}"
    timeline.enter(session, application.lead_id, Happened.APPLICATION, told, now, key=key, about=about, by=by)


def leave_task(
    session: Session,
    config: Config,
    application: Application,
    kind: TaskKind,
    why: str,
    hours: int,
    now: datetime,
    *,
    is_same: bool = False,
) -> Agent | Subteam:
    """Creates the lead's one open task of this kind, due in this many office hours; returns its owner.

    If one is already open, it now covers one more application, unless it is about the same one (`is_same`).
    """
    person = person_of(kind, lead_id=application.lead_id, caller=None, did="", desk="")
    task = tasks.open_one(session, person, kind)
    if task is not None:
        if not is_same:
            task.times += 1
            task.last_at = now
            task.why = said_again(why, task.times, task.created_at, now, config.tz, what="applications")
        return task.held_by
    lead, property = application.lead, application.property
    at = now + timedelta(hours=hours)
    due_at = office.schedule(session, config.tz, property).next_open(at) or at
    owner = owners.owner(session, lead, property, due_at.astimezone(config.tz))
    task = Task(
        key=f"application:{application.id}:{uuid.uuid4().hex}",
        kind=kind,
        person=person,
        held_by=owner,
        lead_id=lead.id,
        property_id=property.id,
        why=why,
        due_at=due_at,
        created_at=now,
        result="",
    )
    session.add(task)
    session.flush()
    return owner


def close_tasks(session: Session, lead_id: int, result: str, now: datetime) -> None:
    """Closes the tasks about a lead's applications that need nothing more."""
    session.flush()
    for kind, open in ((TaskKind.FINISH_APPLICATION, UNFINISHED), (TaskKind.REVIEW_APPLICATION, WAITING)):
        others = exists().where(Application.lead_id == lead_id, Application.status.in_(open))
        person = person_of(kind, lead_id=lead_id, caller=None, did="", desk="")
        task = tasks.open_one(session, person, kind)
        if task is not None and not session.scalar(select(others)):
            task.done_at, task.result = now, result[:300]


def tell_owner(
    session: Session,
    config: Config,
    application: Application,
    owner: Agent | Subteam,
    what: str,
    told: str,
    now: datetime,
) -> None:
    """Tells the owner of the next action. `what` names the event in the notice's key."""
    lead, property = application.lead, application.property
    subject = f"Application for {property.name}: {what}"
    more = words.more("application", application=application.id)
    text = f"{who(lead)}: {told} {more}"
    key = f"application:{application.id}:{what}"
    notices.tell(
        session, config, owners.people(owner), key, subject, text, now, kind=NoticeKind.APPLICATION, lead_id=lead.id
    )


def who(lead: Lead) -> str:
    return f"{lead.name or lead.email or 'Somebody'} (lead {lead.id})"
