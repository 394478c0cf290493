"""One lead: shown, added and changed, and what is written into its timeline."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

import click
from sqlalchemy.orm import Session

from crm.commands import output
from crm.commands.command import OR_NONE, System, WrongInput, one, with_system
from crm.commands.lead.cells import interests_of, last_contact, next_action, numbers_of, standing, suggested, wishes
from crm.commands.lead.group import choice, lead
from crm.config import Config
from crm.domain import fields
from crm.domain.errors import NotFound
from crm.domain.leads import LOGGED, Happened, LeadKind, LeadStatus
from crm.domain.mails import LONGEST_BODY
from crm.services import assignment
from crm.services import tasks as tasks_service
from crm.services.audit import By
from crm.services.mails import writing
from crm.services.mails.writing import MailDraft
from crm.services.people import intake, proposals
from crm.services.people import leads as leads_service
from crm.store.models import Lead
from crm.views import leads
from crm.views.leads import LeadDetail
from crm.words.codes import in_words


@lead.command(
    json=one(LeadDetail), examples=("lead show 1", "lead show '(512) 555-0199' --json", "lead show 1 --vcard")
)
@click.argument("lead")
@click.option("--vcard", is_flag=True, help="Print a vCard for address books.")
@with_system
def show(system: System, lead: str, vcard: bool, as_json: bool) -> None:
    """Show the LEAD with this id, phone number or email address, and everything that has happened with them."""
    with system.store.reading() as session:
        found, _ = intake.person(session, system.config, lead)
        if found is None:
            raise NotFound("There is no lead with this number.", code="lead_unknown")
        detail = leads.one(session, found.id, system.now)
    if vcard:
        click.echo(leads.vcard_of(detail), nl=False)
        return
    if as_json:
        output.print_json(detail)
        return
    tz = system.config.tz
    if lead.isdigit() and len(lead) < 7 and int(lead) != detail.id:
        output.hint(f"Lead {int(lead)} was merged into lead {detail.id}.")
    output.print_entry(
        (
            ("lead", detail.id),
            ("name", detail.name or "unknown"),
            (
                "phones",
                detail.phones
                or (f"none, showed {detail.caller_digits}" if detail.caller_digits else numbers_of(detail)),
            ),
            ("email", detail.email),
            ("further emails", detail.further_emails),
            ("kind", detail.kind),
            ("status", standing(system, detail)),
            ("closed because", detail.closed_because),
            ("next action", next_action(system, detail)),
            ("last contact", last_contact(system, detail)),
            ("source", detail.source),
            ("agent", detail.agent),
            ("language", detail.language or "the line's"),
            ("wants no texts", detail.opted_out),
            ("wants no news", detail.no_news),
            ("since", output.local(detail.created_at, tz)),
            ("interested in", interests_of(detail.interests)),
            ("looks for", wishes(detail)),
        )
    )
    if detail.suggestions:
        output.print_heading("Suggestions")
        output.print_table(("id", "field", "value", "words"), suggested(detail.suggestions), empty="")
        output.say(f"`leaseline lead take --lead {detail.id}` takes them over.")
    output.print_heading("Timeline")
    output.print_table(
        ("at", "kind", "what", "by", "call"),
        (
            (
                output.local(one.at, tz, seconds=True),
                in_words(Happened, one.kind),
                one.text,
                one.by,
                one.call,
            )
            for one in detail.timeline
        ),
        empty="Nothing was recorded.",
    )


@lead.command(
    examples=(
        "lead add --name 'Pat Smith' --phone '(512) 555-0188' --property elm",
        "lead add --email pat@example.com --source walk-in",
        "lead add --name 'Sam Lee' --phone 512-555-0189 --kind owner --cold",
    )
)
@click.option("--name", default="", help="As the person says it.")
@click.option("--phone", "phones", multiple=True, metavar="NUMBER", help="In any notation; may be given several times.")
@click.option("--email", default="", metavar="ADDRESS")
@click.option("--kind", type=choice(LeadKind), default=LeadKind.TENANT.value, show_default=True)
@click.option("--cold", is_flag=True, help="Cold rather than hot.")
@click.option("--source", default="", help="Where they came from, such as walk-in.")
@click.option("--property", "property_slug", metavar="SLUG", help="The property they are interested in.")
@with_system
def add(
    system: System,
    name: str,
    phones: tuple[str, ...],
    email: str,
    kind: str,
    cold: bool,
    source: str,
    property_slug: str | None,
) -> None:
    """Add a lead. A person with the same phone number or email address stays one lead, and keeps what is known."""
    found, is_new, doubts = system.run(
        _added,
        system.config,
        system.by,
        name=name,
        phones=phones,
        email=email,
        kind=kind,
        source=source,
        property_slug=property_slug,
        cold=cold,
    )
    output.say(f"Added lead {found.id}." if is_new else f"They are already lead {found.id}; added what was missing.")
    for doubt in doubts if is_new else ():
        output.say(f"{doubt} `leaseline lead proposals` shows both.")


def _added(session: Session, /, config: Config, by: By, **card: Any) -> tuple[Lead, bool, list[str]]:
    lead, is_new = leads_service.add(session, config, by, **card)
    return lead, is_new, proposals.in_words(session, lead)


@lead.command(
    examples=(
        "lead edit 1 --name Carol",
        "lead edit +15125550123 --email carol@example.com",
        "lead edit 1 --cold",
        "lead edit 1 --status closed --reason 'rented elsewhere'",
    )
)
@click.argument("lead")
@click.option("--name", help="As the person says it; '' for none.")
@click.option("--email", type=OR_NONE, metavar="ADDRESS", help="Where tour confirmations are sent; none removes it.")
@click.option("--add-phone", metavar="NUMBER", help="A further number of theirs.")
@click.option("--remove-phone", metavar="NUMBER", help="A number that is not theirs.")
@click.option("--kind", type=choice(LeadKind))
@click.option("--hot/--cold", "hot", default=None, help="How promising they are.")
@click.option("--status", type=choice(LeadStatus), help="closed needs a --reason, and makes them cold.")
@click.option("--reason", help="Why they are closed.")
@click.option("--source", type=OR_NONE, help="Where they came from; none if not known.")
@click.option("--language", metavar="CODE", help="What they hear and read, such as es; '' for the line's.")
@click.option(
    "--bedrooms", type=OR_NONE, metavar="COUNT", help="That they look for, such as 2 or studio; none if not known."
)
@click.option(
    "--move-in", type=OR_NONE, metavar="DATE", help="When they want to move in, such as 2026-05-01; none if not known."
)
@click.option("--budget", type=OR_NONE, metavar="DOLLARS", help="What they can pay a month; none if not known.")
@click.option("--pets", metavar="TEXT", help="Such as dog, '2 cats' or none; '' for not known. Not assistance animals.")
@with_system
def edit(system: System, /, lead: str, **changes: Any) -> None:
    """Change the LEAD with this id, phone number or email address."""
    changed = system.change(leads_service.change, system.config, system.by, lead, **changes)
    output.say_changed(f"lead {changed.result.id}", changed.is_one)


@lead.command(
    examples=("lead note 1 'Wants a ground floor.'", "lead note pat@example.com - < notes.txt"),
)
@click.argument("lead")
@click.argument("text")
@with_system
def note(system: System, lead: str, text: str) -> None:
    """Write TEXT into the timeline of the LEAD with this id, phone number or email address; - reads it from a pipe."""
    words = sys.stdin.read(leads_service.LONGEST_NOTE + 1) if text == "-" else text
    found = system.run(leads_service.write_note, system.config, system.by, lead, words)
    output.say(f"Added a note to lead {found.id}.")


@lead.command(
    examples=(
        "lead task 1 'Send the floor plan.' --due 'fri 10:00'",
        "lead task 1 'Ask about the dog.' --in 2h --owner bob",
    )
)
@click.argument("lead")
@click.argument("what")
@click.option("--due", metavar="WHEN", help="Such as 'fri 10:00' or '2026-03-03 10:00'.")
@click.option("--in", "in_", metavar="SPAN", help="From now on, such as 2h or 1d.")
@click.option("--owner", metavar="SLUG", help="Who should do it.  [default: the lead's agent, or the next]")
@with_system
def task(system: System, lead: str, what: str, due: str | None, in_: str | None, owner: str | None) -> None:
    """Make a task to do WHAT for the LEAD with this id, phone number or email address."""
    if (due is None) == (in_ is None):
        raise WrongInput("Say when it is due: give --due or --in.")
    at = system.now + fields.duration(in_) if in_ else fields.moment(due or "", system.config.tz, system.now)
    made = system.run(tasks_service.add, system.config, system.by, lead, what, at, owner)
    whose = made.owner.slug if made.owner else f"team {made.held_by.slug}"
    output.say(f"Task {made.id} is {whose}'s, due {output.local(made.due_at, system.config.tz)}.")


@lead.command(
    examples=(
        "lead log 1 call 'Called from my mobile: will visit on Friday.'",
        "lead log 1 meeting 'Met at the fair.' --at '2026-03-03 10:00'",
    )
)
@click.argument("lead")
@click.argument("kind", type=click.Choice(tuple(LOGGED)))
@click.argument("text")
@click.option("--at", metavar="WHEN", help="When it happened: '2026-03-03 10:00', or 2h ago.  [default: now]")
@with_system
def log(system: System, lead: str, kind: str, text: str, at: str | None) -> None:
    """Record what bypassed the system: a call or text from somebody's own phone, a meeting, an email."""
    when = _past(system, at) if at else system.now
    found = system.run(leads_service.log, system.config, system.by, lead, kind, text, when)
    output.say(f"Logged for lead {found.id}.")


def _past(system: System, raw: str) -> datetime:
    if fields.DURATION.fullmatch(raw.strip()):
        return system.now - fields.duration(raw)
    return fields.moment(raw, system.config.tz, system.now - timedelta(days=7))


@lead.command(examples=("lead assign 1 alice", "lead assign 1 --in-turn", "lead assign 1 --in-turn --property elm"))
@click.argument("lead")
@click.argument("agent", required=False)
@click.option("--in-turn", is_flag=True, help="To whoever is next in the property's subteam, or else in the office.")
@click.option("--property", "property_slug", metavar="SLUG", help="With --in-turn: whose subteam.")
@click.option("--nobody", is_flag=True, help="Unassign it.")
@with_system
def assign(
    system: System, lead: str, agent: str | None, in_turn: bool, property_slug: str | None, nobody: bool
) -> None:
    """Assign the LEAD with this id, phone number or email address to an AGENT; both agents are notified."""
    if sum((agent is not None, in_turn, nobody)) != 1:
        raise WrongInput("Say to whom: give an agent, --in-turn or --nobody.")
    if property_slug and not in_turn:
        raise WrongInput("--property goes with --in-turn.")
    if in_turn:
        found = system.run(assignment.in_turn, system.config, system.by, lead, property_slug=property_slug)
    else:
        found = system.run(assignment.by_hand, system.config, system.by, lead, agent)
    whose = found.assigned_agent.slug if found.assigned_agent else "nobody"
    output.say(f"Lead {found.id} is {whose}'s.")


@lead.command(
    examples=(
        "lead mail 1 'Yes, it is free. When would you like to see it?' --agent alice",
        "lead mail pat@example.com - --subject 'Your tour on Friday' < words.txt",
        "lead mail 1 --template application --agent alice",
    )
)
@click.argument("lead")
@click.argument("text", required=False, default="")
@click.option("--subject", default="", help="[default: that of their last email, as an answer]")
@click.option("--template", default="", metavar="NAME", help="One of [mail.templates].")
@click.option("--agent", metavar="SLUG", help="Who writes it.")
@click.option("--news", is_flag=True, help="It is an offer or news, not an answer: they can unsubscribe.")
@with_system
def mail(system: System, lead: str, text: str, subject: str, template: str, agent: str | None, news: bool) -> None:
    """Email TEXT to the LEAD with this id, phone number or email address; - reads it from a pipe.

    Their answer comes back to the same thread, their timeline, and whoever owns the lead.
    """
    words = sys.stdin.read(LONGEST_BODY + 1) if text == "-" else text
    draft = MailDraft(subject, words, template, news)
    queued = system.run(writing.send, system.config, system.secrets, system.by, lead, draft, agent=agent)
    output.say(f"Email {queued.id} to {queued.to_address} is queued.")
    if not system.config.mail.incoming.address:
        output.hint("mail.in.address is not set, so their answer goes to mail.from_address.")
