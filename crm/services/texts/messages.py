"""Texts in both directions: receiving them, keeping track of ours, and sending one for an agent.

A person's thread is that of their lead: all the lead's numbers, both directions. Everything that arrives is stored,
even if the sender is not a valid number, and covered by somebody's open task unless it was a bare STOP or START or its
sender is blocked.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import optout, texts, tongues
from crm.domain.delivery import DeliveryState
from crm.domain.errors import CrmError, Invalid
from crm.domain.excerpts import excerpt
from crm.domain.gate import Verdict
from crm.domain.incoming import Over
from crm.domain.leads import Happened, LeadEvent
from crm.domain.notices import NoticeKind
from crm.domain.optout import Reading, TextKeyword
from crm.domain.segments import segments
from crm.domain.tasks import TaskKind, said_again
from crm.domain.text_templates import FIRST_LANGUAGE, Words
from crm.domain.texts import TextDirection, TextPurpose
from crm.edge import numbers
from crm.edge.carrier import DeliveryReport, Fate, IncomingText
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, owners
from crm.services.outbox import gatekeeper, notices, wording
from crm.services.outbox.outgoing import NewText, queue
from crm.services.people import blocking, inbox, intake, opt_outs, standing, timeline
from crm.services.people.contacts import who
from crm.services.people.identity import Identity, who_is
from crm.services.phones.lines import line_for
from crm.services.routing import desks
from crm.services.texts import floods
from crm.store.models import Agent, Contact, Device, Lead, Line, Message, Property, Subteam, Task
from crm.store.queries import agents as agent_queries
from crm.store.queries import lines, messages, office, tasks
from crm.store.queries import opt_outs as ledger

LONGEST_BODY = 10_000
"""Characters kept of an incoming text; the longest MMS texts have 5,000."""
LONGEST_SENDER = 80
"""Characters kept of a sender that is not a phone number, such as whatsapp:+15125550199. It cannot be texted."""
QUOTABLE = 20
"""How many of our latest texts to a person a reaction may quote."""
MOST_SEGMENTS = 10
"""Segments in a text from an agent; carriers refuse more."""

_log = logging.getLogger(__name__)

# --- in ---


def receive_all(session: Session, config: Config, texts: Sequence[IncomingText], now: datetime) -> None:
    """Stores several texts, all or none. Raises whatever error rejects one of them; then try each one alone."""
    for incoming in texts:
        receive(session, config, incoming, now)


@dataclass(frozen=True)
class _Scene:
    session: Session
    config: Config
    now: datetime
    message: Message
    lead: Lead | None
    line: Line | None
    contact: Contact | None = None
    """The resident, owner or vendor who wrote it."""
    colleague: Agent | None = None
    """The agent from whose mobile it came."""

    @property
    def about_property(self) -> Property | None:
        """The property it is about, judging by the line, else by the writer."""
        return (self.line.property if self.line else None) or (self.contact.property if self.contact else None)

    @property
    def writer(self) -> str:
        """Describes a writer who is a contact or colleague but not a lead; "" for anybody else."""
        if self.lead:
            return ""
        if self.contact:
            return who(self.contact, self.contact.kind, self.about_property)
        return f"{self.colleague.name}, from their own mobile" if self.colleague else ""

    def owner(self, due_at: datetime) -> Agent | Subteam:
        """Who is to answer by `due_at`."""
        due = due_at.astimezone(self.config.tz)
        if self.contact and self.lead is None:
            return desks.owner(self.session, self.contact.kind, self.about_property, due)
        return owners.owner(self.session, self.lead, self.about_property, due)

    @property
    def language(self) -> str:
        chosen = self.lead.language if self.lead else ""
        return chosen or (self.line.language if self.line else "en")

    def words(self) -> Words:
        """What our answers are made of."""
        return wording.words(self.session, self.language)

    def name(self) -> str:
        if self.line and self.line.property:
            return self.line.property.name
        organization = office.organization(self.session)
        return (organization.name if organization else "") or "Leasing office"


def receive(session: Session, config: Config, incoming: IncomingText, now: datetime) -> bool:
    """Stores one text and everything that follows from it; False if it was stored already."""
    key = key_of(incoming)
    if messages.by_key(session, key):
        _log.info("a text came again and was left out", extra={"carrier": incoming.carrier})
        return False
    number = numbers.parse(incoming.from_number, config.region)
    ours = numbers.clean_did(incoming.to_number, config.region)
    line = lines.by_number(session, ours) if ours else None
    known = who_is(session, number)
    # Our own lines texting each other, because something forwards texts, are not prospects.
    is_person = number is not None and not known.is_line
    sender = number or _clean(incoming.from_number).strip()[:LONGEST_SENDER]
    lead = intake.by_number(session, number, incoming.at) if number and known.lead and is_person else None
    contact = session.get(Contact, known.contact.id) if known.contact else None
    colleague = agent_queries.by_slug(session, known.colleague) if known.colleague else None
    over = floods.look(
        session, config, sender=sender, line=ours[:20], at=incoming.at, is_known=bool(lead or contact or colleague)
    )
    # Beyond the line's rate, nobody reads texts one by one, blocked or not.
    is_blocked = over is not Over.LINE and _is_blocked(session, config, known, ours, now)
    if lead is None and number and known.may_become_lead and not (is_blocked or over is Over.LINE):
        lead = intake.by_number(session, number, incoming.at)
        intake.came_by(lead, line)
    body = _clean(incoming.body)[:LONGEST_BODY]
    message = Message(
        key=key,
        direction=TextDirection.IN,
        purpose=TextPurpose.INBOUND,
        to_number=ours[:20],
        from_number=sender,
        body=body,
        media=[_clean(link)[:1000] for link in incoming.media[:10]],
        segments=segments(body).count,
        lead_id=lead.id if lead else None,
        property_id=line.property_id if line else None,
        carrier=incoming.carrier,
        carrier_id=_clean(incoming.carrier_id)[:120],
        state=DeliveryState.RECEIVED,
        created_at=incoming.at,
    )
    session.add(message)
    session.flush()
    scene = _Scene(session, config, now, message, lead, line, contact, colleague)
    reading = None
    if lead and not is_blocked and over is None:
        _keep_on_card(scene, lead)
    if number and is_person:
        reading = _read(session, incoming, body, number)
    handled = _obey(scene, reading, answered=incoming.answered, over=over) if reading else False
    if not handled and not is_blocked:
        if over is Over.LINE:
            floods.tell(session, config, message, scene.name(), now)
        else:
            task, wrote = _remind(scene, reading)
            if lead or contact:
                about = scene.about_property
                inbox.heard(
                    session,
                    incoming.at,
                    wrote,
                    lead_id=lead.id if lead else None,
                    number=number or "",
                    property_id=about.id if about else None,
                )
            if over is None:
                _notify(scene, owners.people(task.held_by), wrote)
    _log.info(
        "text received",
        extra={"message_id": message.id, "carrier": incoming.carrier, "wish": str(reading.wish) if reading else "-"},
    )
    return True


def _read(session: Session, incoming: IncomingText, body: str, number: str) -> Reading | None:
    """What the text asks for. If the carrier has already acted on a STOP or START, its reading counts: it has stopped
    delivering our texts, or delivers them again."""
    if incoming.answered in (TextKeyword.STOP, TextKeyword.START):
        return Reading(TextKeyword(incoming.answered), body[:100], is_keyword=True)
    reading = optout.read(body, opted_out=bool(ledger.in_force(session, number)))
    if reading and not reading.is_keyword:
        reading = optout.read(body, ours=messages.latest_to(session, number, QUOTABLE))
    if reading is None and incoming.answered:
        return Reading(TextKeyword.HELP, body[:100], is_keyword=True)
    return reading


def _is_blocked(session: Session, config: Config, known: Identity, ours: str, now: datetime) -> bool:
    """Whether texts from this number are blocked, so that nobody has to read them."""
    if known.number is None:
        return False
    return blocking.decide(session, config, known, is_withheld=False, did=ours, attestation="", now=now).is_blocked


def key_of(incoming: IncomingText) -> str:
    """Key of a text, the same however often its carrier delivers it."""
    named = hashlib.sha256(incoming.carrier_id.encode("utf-8", "replace")).hexdigest()[:40]
    return f"in:{incoming.carrier}:{named}"


def _keep_on_card(scene: _Scene, lead: Lead) -> None:
    message, line = scene.message, scene.line
    written = message.body or "(no words)"
    if message.media:
        written += f" [{len(message.media)} attached: {' '.join(message.media)}]"
    at = message.created_at
    key, about = f"text:{message.id}", line.property_id if line else None
    timeline.enter(scene.session, lead.id, Happened.TEXT, f"Wrote: {written}", at, key=key, about=about)
    if line and line.property_id is not None:
        intake.interest_in(lead, line.property_id, at)
    intake.came_by(lead, line)
    _keep_language(lead, line, message.body)
    standing.happened(lead, LeadEvent.WROTE, at)


def _keep_language(lead: Lead, line: Line | None, body: str) -> None:
    """Remembers the language of somebody who has chosen none: that of their text, else that of the line."""
    spoken = tongues.written_in(body) or (line.language if line else "")
    if not lead.language and spoken not in ("", FIRST_LANGUAGE):
        lead.language = spoken


def _obey(scene: _Scene, reading: Reading, *, answered: str, over: Over | None) -> bool:
    """Carries out what a keyword or sentence asks for; True when nothing is left for a person to do.

    What the carrier has `answered` is not confirmed a second time, and a text in a flood is not confirmed at all.
    """
    session, message = scene.session, scene.message
    number, name = message.from_number, scene.name()
    in_force = ledger.in_force(session, number)
    answer: tuple[TextPurpose, str] | None = None
    if reading.wish is TextKeyword.STOP:
        if not in_force:
            source = "keyword" if reading.is_keyword else "sentence"
            evidence = f'"{reading.words}" in "{message.body[:200]}"'
            if answered == TextKeyword.STOP:
                source, evidence = "carrier", f'{message.carrier} took "{message.body[:200]}" for STOP'
            opt_outs.enter(
                session,
                number,
                source=source,
                evidence=evidence,
                now=message.created_at,
                message_id=message.id,
            )
            # Confirmed once, and not again if repeated.
            answer = TextPurpose.STOP_CONFIRMED, texts.stop_confirmed(scene.words(), name)
    elif reading.wish is TextKeyword.START:
        if not in_force:
            return False  # Not opted out, so it is just a word.
        opt_outs.end(
            session,
            number,
            source="carrier" if answered else "keyword",
            evidence=f'"{message.body[:200]}"',
            now=message.created_at,
        )
        answer = TextPurpose.START_CONFIRMED, texts.start_confirmed(scene.words(), name)
    else:
        ours = numbers.display(message.to_number, scene.config.region)
        answer = TextPurpose.HELP, texts.help_answer(scene.words(), name, ours)
    if answer and answered != reading.wish and message.to_number and over is None:
        _answer(scene, *answer)
    # HELP may come from a prospect who just wants to know more.
    return reading.is_keyword and reading.wish is not TextKeyword.HELP


def _answer(scene: _Scene, purpose: TextPurpose, body: str) -> None:
    message = scene.message
    new = NewText(
        key=f"{purpose}:{message.id}",
        purpose=purpose,
        to_number=message.from_number,
        from_number=message.to_number,
        body=body,
        lead_id=message.lead_id,
        about=message.property_id,
    )
    queue(scene.session, scene.config, new, scene.now)


def _thread(number: str) -> str:
    """Prefix of the keys of reply tasks for somebody who is not a lead."""
    return f"reply:{number}:"


def _remind(scene: _Scene, reading: Reading | None) -> tuple[Task, str]:
    """Creates the open reply task, or adds this text to it. Returns it, and what was written, for display."""
    session, message, lead = scene.session, scene.message, scene.lead
    wrote = message.body or ("a picture" if message.media else "nothing that could be read")
    why = f"Wrote to {scene.name()}: {wrote}"
    if message.carrier == "sip" and not message.body:
        why = f"Wrote to {scene.name()}, but the text arrived empty or was too long for Asterisk: ask what it said."
    if reading and reading.wish is TextKeyword.STOP:
        why = f"Opted out of texts with the words {reading.words!r}; see whether that is what they meant: {wrote}"
    if scene.writer:
        number = numbers.display(message.from_number, scene.config.region)
        why = f"{scene.writer} ({number}): {why[0].lower()}{why[1:]}"
    task = open_reply(session, lead, message.from_number)
    if task is None:
        schedule = office.schedule(session, scene.config.tz, scene.about_property)
        due_at = schedule.due_time(message.created_at, scene.config.tasks.due_minutes)
        task = Task(
            key=f"reply:{message.id}" if lead else f"{_thread(message.from_number)}{message.id}",
            kind=TaskKind.REPLY,
            held_by=scene.owner(due_at),
            lead_id=lead.id if lead else None,
            created_at=scene.now,
            result="",
            due_at=due_at,
            person=_person(lead, message.from_number),
            times=0,
        )
        session.add(task)
    task.times += 1
    task.property_id = scene.about_property.id if scene.about_property else None
    # It quotes the latest text; earlier ones are in the thread.
    task.last_at = at = message.created_at
    task.why = said_again(why.replace("\x00", ""), task.times, task.created_at, at, scene.config.tz, what="texts")
    return task, wrote


def open_reply(session: Session, lead: Lead | None, number: str) -> Task | None:
    """The open task to reply to a lead, whichever of their numbers it concerns, else to a number."""
    task = tasks.open_one(session, _person(lead, number), TaskKind.REPLY)
    if task is None and lead:
        # It may date from before they were a lead.
        task = next(iter(tasks.open_of(session, lead.id, (TaskKind.REPLY,))), None)
    return task


def _person(lead: Lead | None, number: str) -> str:
    """The person a reply task is about (Task.person)."""
    return f"lead:{lead.id}" if lead else f"writer:{number}"[:60]  # The length of the column.


NOTICED = 160
"""Characters of a text quoted in the notice about it."""


def _notify(scene: _Scene, told: Sequence[Agent], wrote: str) -> None:
    """Tells whoever has the reply to do, once per text."""
    session, message, lead = scene.session, scene.message, scene.lead
    number = numbers.display(message.from_number, scene.config.region)
    name = scene.writer or (lead.name if lead else "")
    sender = f"{name}, {number}" if name else number or "an unknown number"
    beginning = excerpt(wrote, NOTICED)
    property = scene.name()
    notices.tell(
        session,
        scene.config,
        [one for one in told if not _is_mobile_of(session, one, message.from_number)],
        f"text:{message.id}",
        f"New text for {property} from {sender}",
        f"{property}: {sender} wrote: {beginning}",
        scene.now,
        kind=NoticeKind.TEXT,
        lead_id=lead.id if lead else None,
    )


def _is_mobile_of(session: Session, agent: Agent, number: str) -> bool:
    """Whether an agent wrote it from their own mobile: they need no notice, and two phone systems must not answer each
    other forever."""
    mobiles = select(Device.id).where(Device.agent_id == agent.id, Device.number == number)
    return session.scalars(mobiles.limit(1)).first() is not None


def _clean(text: str) -> str:
    """Removes what PostgreSQL refuses: NULs and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


# --- delivery reports ---


def report(session: Session, told: DeliveryReport, now: datetime) -> bool | None:
    """Records a carrier's report about one of our texts. None if the text is unknown; False while it is still being
    sent, so that the caller tries again shortly. Raises Unavailable."""
    message = messages.reported(session, told.carrier, told.key, told.carrier_id)
    if message is None:
        return None
    if message.state in (DeliveryState.SENDING, DeliveryState.QUEUED):
        return False
    if message.attempts_before and told.carrier_id[:120] != message.carrier_id:
        return True  # About an earlier attempt, before a person had the text resent.
    if told.fate is Fate.DELIVERED:
        message.state, message.error = DeliveryState.DELIVERED, ""
        message.sent_at = message.sent_at or now
    elif message.state != DeliveryState.DELIVERED:
        message.error = told.reason[:300]
        message.state = DeliveryState.FAILED
        if told.fate is Fate.OPTED_OUT:
            gatekeeper.refused(session, message, told.reason, now)
    message.carrier_id = message.carrier_id or told.carrier_id
    _log.info("text reported", extra={"message_id": message.id, "fate": str(told.fate)})
    return True


# --- out ---


def send(
    session: Session,
    config: Config,
    by: By,
    person: str | int,
    body: str,
    *,
    agent: str | None = None,
    line: str | None = None,
    key: str = "",
) -> Message:
    """Puts a text to a person into the outbox, and completes the reply task. `person` is a lead's id or a phone
    number, `agent` the writer's slug, `line` the number of ours to send from. The same `key`, if any, sends once.

    Raises NotFound, Invalid. The gate's verdict is stored with the text, even a blocked one; the gate is asked again
    when the text is sent.
    """
    body = body.strip()
    if not body:
        raise Invalid("The text is empty: write one.", code="message_empty")
    if any(character != "\n" and not character.isprintable() for character in body.replace("\u200d", "")):
        raise Invalid("The text has control characters: write it without them.", code="message_unprintable")
    if (pieces := segments(body).count) > MOST_SEGMENTS:
        raise Invalid(
            f"The text takes {pieces} segments: carriers accept {MOST_SEGMENTS} at most, so shorten it.",
            code="message_too_long",
            segments=pieces,
            most=MOST_SEGMENTS,
        )
    writer = agents.named(session, agent) if agent else None
    lead, number = _addressee(session, config, person, by.now)
    key = f"agent:{key or uuid.uuid4().hex}"
    if (sent := messages.by_key(session, key)) is not None:
        return sent
    contact = who_is(session, number).contact
    ours = line_for(session, config, lead, line, contact.property_id if contact else None)
    used = lines.by_number(session, ours)
    new = NewText(
        key=key,
        purpose=TextPurpose.AGENT,
        to_number=number,
        from_number=ours,
        body=body,
        lead_id=lead.id if lead else None,
        about=used.property_id if used else None,
        agent_id=writer.id if writer else None,
    )
    message = queue(session, config, new, by.now)
    to = f"lead {lead.id}" if lead else f"contact {contact.id}" if contact else "a colleague"
    audit.record(session, by, f"text {message.id} written to {to}: {message.decision}")
    task = open_reply(session, lead, number)
    if task and message.decision != Verdict.BLOCK:
        task.done_at, task.result = by.now, f"Replied with text {message.id}."
    if message.decision != Verdict.BLOCK and (lead or contact):
        inbox.answered(session, by.now, body, lead_id=lead.id if lead else None, number=number)
    if lead and message.decision != Verdict.BLOCK:
        standing.happened(lead, LeadEvent.REACHED_OUT, by.now)
    if writer and lead and lead.assigned_agent_id is None:
        lead.assigned_agent_id = writer.id
    return message


def line_to(session: Session, config: Config, lead_id: int | None) -> str:
    """The number of ours from which a text to a lead would leave, or to somebody who is none; "" when there is none."""
    lead = session.get(Lead, lead_id) if lead_id is not None else None
    try:
        return line_for(session, config, lead, None)
    except CrmError:
        return ""


def _addressee(session: Session, config: Config, raw: str | int, now: datetime) -> tuple[Lead | None, str]:
    """Returns the lead, creating one if needed, and the number to text. No lead is created for somebody who would not
    become one by texting us, such as a contact."""
    found, number = intake.person(session, config, raw)
    if found is None and number:
        known = who_is(session, number)
        if not (known.may_become_lead or known.is_line):
            return None, number
    lead = intake.lead_of(session, config, raw, now)
    if number is None:
        if not lead.phones:
            raise Invalid(
                f"Lead {lead.id} has no phone number, so they cannot be texted.",
                code="lead_without_phone",
                lead=lead.id,
            )
        number = lead.phones[0].number
    return lead, number
