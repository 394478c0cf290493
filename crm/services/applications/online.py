"""Applications as people fill them in on the public site: begun, saved step by step, and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import applications, fields, texts
from crm.domain.applications import LONGEST_SIGNATURE, UNFINISHED, ApplicationStatus, Step
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.leads import LeadEvent
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextPurpose
from crm.edge import numbers
from crm.secrets import Secrets
from crm.services.applications import events, links
from crm.services.applications.links import ApplicationLink
from crm.services.arrivals import arrival
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.forms import SOURCE, FieldErrors
from crm.services.audit import By
from crm.services.outbox import mail_wording, outgoing, wording
from crm.services.outbox.outgoing import NewMail, NewText
from crm.services.people import contact_details, intake, proposals, short_links, standing
from crm.services.people.intake import Introduced
from crm.services.phones.lines import line_for
from crm.store.models import Application, Consent, Listing
from crm.store.queries import leads

PARSER = Parser("application", 1)
HOUR = timedelta(hours=1)
MOST_BEGUN = 3
"""Applications per email address and hour, before its owner is only mailed links on request."""
MOST_LINKS = 5
"""Links mailed at once to somebody who has lost theirs."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The first step of an application, as somebody sent it."""

    key: str
    """Chosen when the page was opened, so that a form sent twice counts once. At most 60 characters."""
    answers: Mapping[str, Any]
    """Those of Step.YOU, as `applications.read` returns them."""
    property_id: int | None = None
    """None: the listing's."""
    listing_id: int | None = None
    fee: str = ""
    """The application fee they were shown."""
    agreed_to: str = ""
    """The consent to texts that they ticked, word for word; empty: they did not."""
    wording_version: str = ""
    language: str = "en"
    came_from: str = ""
    """Network address, for looking into abuse."""


def begin(session: Session, config: Config, secrets: Secrets, by: By, sent: Beginning) -> int:
    """Begins an application, with everything that follows from it, in one transaction. Returns its id.

    A person with a known address or number stays one lead; but somebody who begins another application with those is
    shown nothing from earlier ones. Raises FieldErrors.
    """
    key = f"apply:{sent.key}"
    if there := session.scalars(select(Application.id).where(Application.key == key)).first():
        return there
    wrong = problems(config, Step.YOU, sent.answers)
    if sent.agreed_to and not sent.answers.get("phone"):
        wrong.setdefault("phone", "phone_for_texts")
    if wrong:
        raise FieldErrors(wrong)
    number = numbers.parse(sent.answers["phone"], config.region) if sent.answers["phone"] else None
    address = fields.email(sent.answers["email"]).lower()
    record = arrival.keep(session, key, "application:started", _raw(sent), PARSER, by.now, came_from=sent.came_from)
    lead = intake.introduced(session, config, Introduced(sent.answers["name"], address, number), by.now)
    record.lead_id = lead.id
    lead.source = lead.source or SOURCE
    lead.language = lead.language or sent.language[:10]
    if sent.agreed_to and number:
        session.add(
            Consent(
                lead_id=lead.id,
                number=number,
                wording=sent.agreed_to,
                version=sent.wording_version,
                language=sent.language,
                arrival_id=record.id,
                given_at=by.now,
            )
        )
    listing = session.get(Listing, sent.listing_id) if sent.listing_id is not None else None
    application = Application(
        key=key,
        lead=lead,
        property_id=listing.property_id if listing else sent.property_id,
        unit_id=listing.unit_id if listing else None,
        status=ApplicationStatus.STARTED,
        status_at=by.now,
        language=sent.language,
        email=address,
        answers={Step.YOU.value: dict(sent.answers)},
        fee=sent.fee,
        is_confirmed=False,
        began_at=by.now,
        saved_at=by.now,
        node=config.node,
    )
    session.add(application)
    session.flush()
    session.refresh(application, ["property", "unit"])
    _started(session, config, application, by.now)
    if not _is_flooded(session, address, by.now):
        send_link(session, config, secrets, application, "began", by.now)
    if sent.agreed_to and number:
        _text_link(session, config, secrets, application, number, by.now)
    return application.id


def _is_flooded(session: Session, address: str, now: datetime) -> bool:
    """Whether so many applications were recently begun with an address that somebody may be trying to flood its
    mailbox. Its owner can still request the links."""
    lately = select(func.count(Application.id)).where(Application.email == address, Application.began_at > now - HOUR)
    return (session.scalar(lately) or 0) > MOST_BEGUN


def _text_link(
    session: Session, config: Config, secrets: Secrets, application: Application, number: str, now: datetime
) -> None:
    """Texts the link to somebody who has just agreed to texts, if the office has a line."""
    if not config.site.public_url:
        return
    try:
        line = line_for(session, config, application.lead, None)
    except CrmError:
        return
    path = links.path(config, secrets, application.id, application.language, now)
    until = now + timedelta(days=config.applications.link_days)
    key = f"application:{application.id}:link"
    url = short_links.personal(session, config, application.lead_id, path, key, until, now)
    body = texts.application(wording.words(session, application.language), application.property.name, url)
    new = NewText(key, TextPurpose.APPLICATION, number, line, body, application.language, application.lead_id)
    outgoing.queue(session, config, new, now)


def _started(session: Session, config: Config, application: Application, now: datetime) -> None:
    events.move(application, ApplicationStatus.STARTED, now)
    standing.happened(application.lead, LeadEvent.APPLIED, now)
    if application.lead.created_at == now:
        # Whoever has asked before by phone may give only an address here.
        proposals.look_for_alike(session, application.lead, application.property, now)
    told = f"Began an application for {events.home_of(application)}."
    events.tell(session, application, told, now, key="started")
    why = f"The application for {events.home_of(application)} is not finished: ask whether they need help."
    hours = config.applications.unfinished_hours
    owner = events.leave_task(session, config, application, TaskKind.FINISH_APPLICATION, why, hours, now)
    told = " ".join([told, *proposals.in_words(session, application.lead)])
    events.tell_owner(session, config, application, owner, "started", told, now)


@dataclass(frozen=True)
class Saved:
    problems: dict[str, str]
    """What is missing for the step to be complete: codes by field. The step is saved regardless."""


def save(
    session: Session,
    config: Config,
    by: By,
    link: ApplicationLink,
    step: Step,
    answers: Mapping[str, Any],
    *,
    language: str = "",
) -> Saved:
    """Saves the answers of a step, complete or not. The email address stays the one that the link was sent to.

    Raises NotFound, and Conflict if the application has been sent or withdrawn, or is being continued by the link that
    was sent.
    """
    application = opened(session, link)
    kept = dict(answers)
    if step is Step.YOU:
        kept["email"] = application.email
    application.language = language or application.language
    keep(session, config, application, link, step, kept, by.now)
    return Saved(problems(config, step, kept))


def keep(
    session: Session,
    config: Config,
    application: Application,
    link: ApplicationLink,
    step: Step,
    answers: Mapping[str, Any],
    now: datetime,
) -> None:
    """Stores the answers of a step of an `opened` application, and updates its state."""
    application.answers = {**application.answers, step.value: dict(answers)}
    application.saved_at = now
    application.is_confirmed = application.is_confirmed or link.is_sent
    if application.status == ApplicationStatus.INVITED:
        _started(session, config, application, now)


@dataclass(frozen=True)
class Signed:
    signature: str
    """As it was typed."""
    agreed_to: str
    """The statement above the signature; empty: they did not agree."""
    wording_version: str
    came_from: str = ""


def submit(session: Session, config: Config, by: By, link: ApplicationLink, signed: Signed) -> None:
    """Submits the application to the office. It cannot be changed afterwards.

    Raises FieldErrors, under "steps" if a step is incomplete; Conflict and NotFound like `save`.
    """
    application = opened(session, link)
    now = by.now
    wrong = {}
    signature = " ".join(signed.signature.split())
    if not signature or not signature.isprintable() or len(signature) > LONGEST_SIGNATURE:
        wrong["signature"] = "signature_missing"
    if not signed.agreed_to:
        wrong["agreed"] = "agreement_missing"
    if incomplete(config, application.answers):
        wrong["steps"] = "steps_incomplete"
    if wrong:
        raise FieldErrors(wrong)
    application.signature, application.wording = signature, signed.agreed_to
    application.wording_version, application.signed_from = signed.wording_version, signed.came_from[:45]
    application.submitted_at = application.saved_at = now
    application.is_confirmed = application.is_confirmed or link.is_sent
    _complete_lead(session, config, application)
    events.move(application, ApplicationStatus.SUBMITTED, now)
    standing.happened(application.lead, LeadEvent.APPLIED, now)
    told = f"Submitted the application for {events.home_of(application)}."
    events.tell(session, application, told, now, key="submitted")
    events.close_tasks(session, application.lead_id, "The application was submitted.", now)
    why = f"Review the application for {events.home_of(application)}, and answer it."
    hours = config.applications.review_hours
    owner = events.leave_task(session, config, application, TaskKind.REVIEW_APPLICATION, why, hours, now)
    events.tell_owner(session, config, application, owner, "submitted", told, now)
    _mail(session, config, application, "received", f"application:{application.id}:received", now)


def _complete_lead(session: Session, config: Config, application: Application) -> None:
    """Adds a number that they gave after the first step to the lead."""
    raw = application.answers[Step.YOU.value]["phone"]
    number = contact_details.own_number(session, numbers.parse(raw, config.region) if raw else None)
    if number and leads.by_phone(session, number) is None:
        intake.add_number(application.lead, number)


def problems(config: Config, step: Step, answers: Mapping[str, Any]) -> dict[str, str]:
    """What is missing for a step to be complete: codes by form field."""
    return applications.problems(step, answers, lambda raw: numbers.parse(raw, config.region) is not None)


def incomplete(config: Config, answers: Mapping[str, Any]) -> list[Step]:
    """The steps that must be completed before it can be submitted."""
    return [step for step in Step if problems(config, step, answers.get(step.value, {}))]


def send_link(
    session: Session,
    config: Config,
    secrets: Secrets,
    application: Application,
    cause: str,
    now: datetime,
    *,
    what: str = "link",
) -> None:
    """Emails the link to continue with, once per `cause`. `what`: link, or invited."""
    link = links.url(config, secrets, application.id, application.language, now)
    if not link:
        return
    days = config.applications.link_days
    _mail(session, config, application, what, f"application:{application.id}:link:{cause}", now, url=link, days=days)


def _mail(
    session: Session, config: Config, application: Application, what: str, key: str, now: datetime, **values: object
) -> None:
    home = events.name_of(application)
    mail = mail_wording.write(session, f"application_{what}", application.language, home=home, **values)
    new = NewMail(key, application.email, mail.subject, mail.text, lead_id=application.lead_id, html=mail.html)
    outgoing.queue(session, config, new, now)


def send_links(session: Session, config: Config, secrets: Secrets, raw: str, now: datetime) -> None:
    """Emails the links of an address's unfinished applications to it again, each at most once an hour.

    Raises FieldErrors for an invalid address; an address without applications raises nothing.
    """
    try:
        address = fields.email(raw).lower()
    except Invalid:
        address = ""
    if not address:
        raise FieldErrors({"email": "email_wrong"})
    theirs = select(Application).where(Application.email == address, Application.status.in_(UNFINISHED))
    for application in session.scalars(theirs.order_by(Application.id.desc()).limit(MOST_LINKS)):
        send_link(session, config, secrets, application, f"{now:%Y-%m-%dT%H}", now)


def opened(session: Session, link: ApplicationLink) -> Application:
    """The application, locked, if this link may change it now."""
    found = session.scalars(
        select(Application).where(Application.id == link.application_id).with_for_update(of=Application)
    ).first()
    if found is None:
        raise NotFound("That application no longer exists.", code="application_gone")
    if found.status not in UNFINISHED:
        raise Conflict("The application was already sent.", code="application_sent")
    if found.is_confirmed and not link.is_sent:
        raise Conflict("The application continues with the link that was sent.", code="application_moved")
    return found


def _raw(sent: Beginning) -> dict[str, object]:
    return {
        **sent.answers,
        "property": sent.property_id,
        "listing": sent.listing_id,
        "agreed_to": sent.agreed_to,
        "wording_version": sent.wording_version,
        "language": sent.language,
    }
