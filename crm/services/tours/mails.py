"""Emails about tours, each with a calendar entry: to the person who comes, and to the agent who shows the home."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.mail_templates import FilledMail
from crm.edge import calendar, numbers
from crm.edge.calendar import CalendarEntry, Method
from crm.services.outbox import mail_wording, outgoing
from crm.services.outbox.outgoing import NewMail
from crm.store.models import Agent, Lead, Property, Tour
from crm.words import mail as mail_words
from crm.words import notices as words


def queue(
    session: Session,
    config: Config,
    tour: Tour,
    lead: Lead,
    property: Property,
    what: str,
    when: tuple[str, str],
    link: str,
    language: str,
    now: datetime,
) -> None:
    """Emails the person and the agent, if they have addresses, that a tour is booked, moved or cancelled (`what`), in
    the caller's transaction.

    `when` is the time in words, in the person's language and in English; `link` is where the person can change it.
    Without mail.from_address nothing is sent: a calendar entry needs an organizer.
    """
    if not config.mail.from_address:
        return
    if lead.email:
        change = mail_wording.change_of_tour(session, language, link)
        name = f"tour_{what}"
        mail = mail_wording.write(session, name, language, name=property.name, when=when[0], change=change)
        _mail(session, config, tour, property, what, lead.email, mail, now, lead_id=lead.id)
    if tour.slot.agent_id and (shows := session.get(Agent, tour.slot.agent_id)) and shows.email:
        _tell_agent(session, config, tour, lead, property, what, shows, when[1], now)


def taken_from(
    session: Session,
    config: Config,
    tour: Tour,
    lead: Lead,
    property: Property,
    agent_id: int,
    when: str,
    now: datetime,
) -> None:
    """Removes a tour from the calendar of an agent who no longer shows it, because somebody else does."""
    agent = session.get(Agent, agent_id)
    if agent and agent.email and config.mail.from_address:
        _tell_agent(session, config, tour, lead, property, "cancelled", agent, when, now)


def _tell_agent(
    session: Session,
    config: Config,
    tour: Tour,
    lead: Lead,
    property: Property,
    what: str,
    agent: Agent,
    when: str,
    now: datetime,
) -> None:
    numbers_ = ", ".join(numbers.display(phone.number, config.region) for phone in lead.phones)
    who = lead.name or numbers_ or f"lead {lead.id}"
    body = f"Tour of {property.name} with {who}, {when}: {what}."
    known = [f"Phone: {numbers_}"] * bool(numbers_) + [f"Note: {tour.note}"] * bool(tour.note)
    text = "\n".join([body, *known, words.more("tour", lead=lead.id)])
    subject = f"Tour of {property.name} with {who}"
    _mail(session, config, tour, property, what, agent.email, FilledMail("en", subject, text, ""), now)


def _mail(
    session: Session,
    config: Config,
    tour: Tour,
    property: Property,
    what: str,
    address: str,
    mail: FilledMail,
    now: datetime,
    *,
    lead_id: int | None = None,
) -> None:
    """`lead_id`: whose answer to it is theirs; None: it goes to an agent."""
    is_over = what == "cancelled"
    entry = CalendarEntry(
        # Neither part changes while the tour exists.
        key=f"{tour.key} {tour.booked_at.isoformat()}",
        # A cancellation needs a later number than the tour's last version.
        sequence=tour.version + is_over,
        starts_at=tour.slot.starts_at,
        ends_at=tour.slot.ends_at,
        summary=mail.subject if is_over else mail_words.tour(property.name, mail.language),
        location=property.name,
        description=mail.text,
        organizer=config.mail.from_address,
        attendee=address,
    )
    file = calendar.file(entry, Method.CANCEL if is_over else Method.REQUEST, now)
    key = f"tour:{tour.id}:{tour.version}:{what}:{address}"
    new = NewMail(key, address, mail.subject, mail.text, calendar=file, lead_id=lead_id, html=mail.html)
    outgoing.queue(session, config, new, now)
