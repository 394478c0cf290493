"""`leaseline lead`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from crm.commands import lead_files, lead_mails, output
from crm.commands.command import ID, Group, System, WrongInput, cut, limit_option, many, one, since_option, with_system
from crm.domain import fields
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import NOBODY, OPEN, LeadKind, LeadStatus, LeadType, LeasingStage, Light, read_filter
from crm.domain.mails import LONGEST_BODY
from crm.domain.pasted import addresses as addresses_in
from crm.services import assignment
from crm.services import tasks as tasks_service
from crm.services.applications import invitations
from crm.services.applications.invitations import Invitation, InvitationResult, InvitedHome
from crm.services.arrivals import forms
from crm.services.mails import writing
from crm.services.mails.writing import MailDraft
from crm.services.people import erasing, filters, intake, merging, proposals, records, unmerging
from crm.services.people import leads as leads_service
from crm.services.people import suggestions as suggestions_service
from crm.views import arrivals as arrivals_view
from crm.views import erasures as erasures_view
from crm.views import leads
from crm.views import proposals as proposals_view
from crm.views import search as finding
from crm.views import suggestions as suggestion_views
from crm.views.arrivals import ArrivalEntry
from crm.views.erasures import ErasureEntry
from crm.views.leads import InterestEntry, LeadDetail, LeadEntry, SavedFilterEntry
from crm.views.proposals import ProposalEntry
from crm.views.search import LeadHit
from crm.views.suggestions import SuggestionEntry

LONGEST_PASTE = 1_000_000
"""Characters that are read from a pipe."""


@click.group(
    cls=Group,
    examples=(
        "lead list --status open --light red",
        "lead show '(512) 555-0123'",
        "lead add --name 'Pat Smith' --phone 512-555-0188",
        "lead note 12 'Wants a ground floor.'",
    ),
)
def lead() -> None:
    """People who want to rent a home, or to have one managed."""


def _choice(values: type[StrEnum], *more: str) -> click.Choice[str]:
    return click.Choice([*(one.value for one in values), *more])


_FILTERS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--kind", type=_choice(LeadKind), help="Only tenants, or owners."),
    click.option("--type", type=_choice(LeadType), help="Only these."),
    click.option("--status", type=_choice(LeadStatus, OPEN), help="Only these; open: new or in progress."),
    click.option("--stage", type=_choice(LeasingStage), help="Only with an interest at this stage."),
    click.option("--light", type=_choice(Light), help="Only with this follow-up light."),
    click.option("--source", help="Only those from this source."),
    click.option("--property", metavar="SLUG", help="Only with an interest in this property."),
    click.option("--agent", metavar="SLUG", help=f"Only this agent's; {NOBODY}: nobody's."),
    click.option("--subteam", metavar="SLUG", help="Only with an interest in a property of this subteam."),
    click.option("--overdue", is_flag=True, help="Only with an overdue task."),
    click.option("--contact-since", metavar="WHEN", help="Only if the last contact was then or later."),
    click.option("--contact-before", metavar="WHEN", help="Only without any contact since then, such as 7d."),
    since_option,
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that narrow a list of leads; `written` collects their values."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def written(given: dict[str, Any]) -> dict[str, str]:
    """Returns the filter options that were given, as texts."""
    return {key: "yes" if value is True else value for key, value in given.items() if value not in (None, False)}


@lead.command(
    "list",
    json=many(LeadEntry),
    examples=(
        "lead list --since today",
        "lead list --status open --light red --agent alice",
        "lead list --property elm --stage showing_booked --save elm-tours",
        "lead list --filter elm-tours --json",
    ),
)
@filter_options
@click.option("--filter", "saved", metavar="NAME", help="A saved filter; what else is given narrows it further.")
@click.option("--save", metavar="NAME", help="Also save this filter under this name.")
@limit_option()
@with_system
def list_(system: System, /, saved: str | None, save: str | None, limit: int, as_json: bool, **given: Any) -> None:
    """List leads, newest first. --since goes by when they first got in touch."""
    words = written(given)
    if saved is not None:
        words = system.read(filters.named, saved) | words
    wanted = read_filter(words, system.config.tz, system.now)
    if save is not None:
        system.run(filters.save, system.config, system.by, save, words)
    entries = cut(system.read(leads.listed, system.now, wanted, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("lead", "since", "name", "phone or email", "status", "light", "source", "agent", "interested in", "next"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.name or "unknown",
                one.phones or one.email or "withheld",
                _standing(system, one),
                one.light,
                one.source,
                one.agent,
                [interest.property for interest in one.interests],
                _next(system, one),
            )
            for one in entries
        ),
        empty="No leads found.",
    )


@lead.command(
    json=many(LeadHit),
    examples=(
        "lead search oneill",
        "lead search 555-0188",
        "lead search 'golden retriever' --status open --json",
    ),
)
@click.argument("words", nargs=-1, required=True)
@filter_options
@limit_option()
@with_system
def search(system: System, /, words: tuple[str, ...], limit: int, as_json: bool, **given: Any) -> None:
    """Find leads by part of a name, number (in any notation) or email address, or by WORDS in their timeline.

    All words have to match; the last one may be incomplete.
    """
    wanted = read_filter(written(given), system.config.tz, system.now)
    hits = cut(system.read(finding.found, " ".join(words), system.now, wanted, limit=limit + 1), limit)
    if as_json:
        output.print_json(hits)
        return
    output.print_table(
        ("lead", "name", "phone or email", "status", "agent", "found in", "what"),
        (
            (
                hit.lead.id,
                hit.lead.name or "unknown",
                hit.lead.phones or hit.lead.email or "withheld",
                _standing(system, hit.lead),
                hit.lead.agent,
                hit.found_in,
                hit.excerpt,
            )
            for hit in hits
        ),
        empty="No leads found.",
    )


@lead.command("filters", json=many(SavedFilterEntry), examples=("lead filters", "lead filters --remove elm-tours"))
@click.option("--remove", metavar="NAME", help="Remove this filter.")
@with_system
def filters_(system: System, remove: str | None, as_json: bool) -> None:
    """List saved filters."""
    if remove is not None:
        system.run(filters.remove, system.by, remove)
        output.say(f"Removed filter {remove}.")
        return
    entries = system.read(leads.saved_filters)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("name", "shows", "made by"),
        (
            (one.name, [f"{key.replace('_', '-')} {value}" for key, value in one.filter.items()], one.made_by)
            for one in entries
        ),
        empty="No filter is saved: make one with `leaseline lead list ... --save NAME`.",
    )


@lead.command(json=one(LeadDetail), examples=("lead show 12", "lead show +15125550123 --json", "lead show 12 --vcard"))
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
        click.echo(lead_files.vcard_of(detail), nl=False)
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
            ("phones", detail.phones or "withheld"),
            ("email", detail.email),
            ("further emails", detail.further_emails),
            ("kind", detail.kind),
            ("status", _standing(system, detail)),
            ("closed because", detail.closed_because),
            ("next action", _next(system, detail)),
            ("last contact", _last_contact(system, detail)),
            ("source", detail.source),
            ("agent", detail.agent),
            ("language", detail.language or "the line's"),
            ("wants no texts", detail.opted_out),
            ("wants no news", detail.no_news),
            ("since", output.local(detail.created_at, tz)),
            ("interested in", _interests(detail.interests)),
            ("looks for", _wishes(detail)),
        )
    )
    if detail.suggestions:
        output.print_heading("Suggestions")
        output.print_table(("id", "field", "value", "words"), _suggested(detail.suggestions), empty="")
        output.say(f"`leaseline lead take --lead {detail.id}` takes them over.")
    output.print_heading("Timeline")
    output.print_table(
        ("at", "kind", "what", "by", "call"),
        (
            (
                output.local(one.at, tz, seconds=True),
                one.kind,
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
@click.option("--kind", type=_choice(LeadKind), default=LeadKind.TENANT.value, show_default=True)
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
    found, is_new = system.run(
        leads_service.add,
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


@lead.command(
    examples=(
        "lead edit 12 --name Carol",
        "lead edit +15125550123 --email carol@example.com",
        "lead edit 12 --cold",
        "lead edit 12 --status closed --reason 'rented elsewhere'",
    )
)
@click.argument("lead")
@click.option("--name", help="As the person says it; '' for none.")
@click.option("--email", metavar="ADDRESS", help="Where tour confirmations are sent; '' for none.")
@click.option("--add-phone", metavar="NUMBER", help="A further number of theirs.")
@click.option("--remove-phone", metavar="NUMBER", help="A number that is not theirs.")
@click.option("--kind", type=_choice(LeadKind))
@click.option("--hot/--cold", "hot", default=None, help="How promising they are.")
@click.option("--status", type=_choice(LeadStatus), help="closed needs a --reason, and makes them cold.")
@click.option("--reason", help="Why they are closed.")
@click.option("--source", help="Where they came from; '' if not known.")
@click.option("--language", metavar="CODE", help="What they hear and read, such as es; '' for the line's.")
@click.option("--bedrooms", metavar="COUNT", help="That they look for, such as 2 or studio; '' for not known.")
@click.option("--move-in", metavar="DATE", help="When they want to move in, such as 2026-05-01; '' for not known.")
@click.option("--budget", metavar="DOLLARS", help="What they can pay a month; '' for not known.")
@click.option("--pets", metavar="TEXT", help="Such as dog, '2 cats' or none; '' for not known. Not assistance animals.")
@with_system
def edit(system: System, /, lead: str, **changes: Any) -> None:
    """Change the LEAD with this id, phone number or email address."""
    if all(value is None for value in changes.values()):
        raise WrongInput("Nothing to change: give --name, --email, --status or another option.")
    found = system.run(leads_service.change, system.config, system.by, lead, **changes)
    output.say(f"Changed lead {found.id}.")


@lead.command(
    json=many(SuggestionEntry), examples=("lead suggestions", "lead suggestions 12", "lead suggestions --json")
)
@click.argument("lead", required=False)
@limit_option()
@with_system
def suggestions(system: System, lead: str | None, limit: int, as_json: bool) -> None:
    """List what was understood from voicemail and waits to be taken over, of one LEAD or of all, oldest first."""
    lead_id = system.read(leads_service.named, system.config, lead).id if lead else None
    entries = cut(system.read(suggestion_views.listed, lead_id, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("id", "lead", "field", "value", "words", "call"),
        ((one.id, one.lead, one.field, one.value, one.words, f"{one.call or ''} at {one.second} s") for one in entries),
        empty="Nothing waits to be taken over.",
    )


_suggestion_ids = click.argument("ids", nargs=-1, type=int, metavar="[SUGGESTION]...")
_of_lead = click.option("--lead", metavar="LEAD", help="All open ones of this lead.")


@lead.command(examples=("lead take 3 4", "lead take --lead 12"))
@_suggestion_ids
@_of_lead
@with_system
def take(system: System, ids: tuple[int, ...], lead: str | None) -> None:
    """Take over into the card what was understood from voicemail."""
    taken = system.run(suggestions_service.take, system.config, system.by, _chosen(system, ids, lead))
    output.say(f"Took over {output.counted(len(taken), 'suggestion')}.")


@lead.command(examples=("lead dismiss 3 4", "lead dismiss --lead 12"))
@_suggestion_ids
@_of_lead
@with_system
def dismiss(system: System, ids: tuple[int, ...], lead: str | None) -> None:
    """Put aside what was understood from voicemail, because it is wrong or of no use."""
    gone = system.run(suggestions_service.dismiss, system.by, _chosen(system, ids, lead))
    output.say(f"Dismissed {output.counted(len(gone), 'suggestion')}.")


def _chosen(system: System, ids: tuple[int, ...], lead: str | None) -> list[int]:
    if bool(ids) == (lead is not None):
        raise WrongInput("Name suggestions by their ids, or a lead with --lead.")
    if lead is None:
        return list(dict.fromkeys(ids))
    found = system.read(leads_service.named, system.config, lead).id
    of_lead = system.read(suggestions_service.of_lead, found)
    if not of_lead:
        raise WrongInput(f"Lead {found} has no open suggestions.")
    return of_lead


@lead.command(
    examples=("lead note 12 'Wants a ground floor.'", "lead note pat@example.com - < notes.txt"),
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
        "lead task 12 'Send the floor plan.' --due 'fri 10:00'",
        "lead task 12 'Ask about the dog.' --in 2h --owner bob",
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
    output.say(f"Task {made.id} is {made.owner.slug}'s, due {output.local(made.due_at, system.config.tz)}.")


@lead.command(
    examples=(
        "lead log 12 call 'Called from my mobile: will visit on Friday.'",
        "lead log 12 meeting 'Met at the fair.' --at '2026-03-03 10:00'",
    )
)
@click.argument("lead")
@click.argument("kind", type=click.Choice(tuple(leads_service.LOGGED)))
@click.argument("text")
@click.option("--at", metavar="WHEN", help="When it happened: '2026-03-03 10:00', or 2h ago.  [default: now]")
@with_system
def log(system: System, lead: str, kind: str, text: str, at: str | None) -> None:
    """Record what bypassed the system: a call or text from somebody's own phone, a meeting, an email."""
    when = _past(system, at) if at else system.now
    found = system.run(leads_service.log, system.config, system.by, lead, kind, text, when)
    output.say(f"Logged for lead {found.id}.")


@lead.command(examples=("lead assign 12 alice", "lead assign 12 --in-turn", "lead assign 12 --in-turn --property elm"))
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
    json=many(Invitation),
    examples=(
        "lead invite --property elm --unit 204B pat@example.com 'Sam Lee <sam@example.com>'",
        "lead invite --listing 12 - < pasted.txt",
        "lead invite --property elm --again pat@example.com",
    ),
)
@click.argument("addresses", nargs=-1)
@click.option("--property", "property_slug", metavar="SLUG", help="The property they can apply for.")
@click.option("--unit", "unit_name", metavar="NAME", help="With --property: this home only.")
@click.option("--listing", "listing_id", type=ID, metavar="LISTING", help="Instead: the listing they can apply for.")
@click.option("--skip-wrong", is_flag=True, help="Invite the others if some are not email addresses.")
@click.option("--again", is_flag=True, help="Send the link again to people who were invited before.")
@with_system
def invite(
    system: System,
    /,
    addresses: tuple[str, ...],
    property_slug: str | None,
    unit_name: str | None,
    listing_id: int | None,
    skip_wrong: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Invite people to apply: each of the ADDRESSES gets an email with its own link, and becomes a lead.

    They can be pasted: one per line or separated by commas, with or without names; - reads them from a pipe. If one is
    wrong, nobody is invited. People who opted out are skipped.
    """
    is_piped = addresses == ("-",) or not (addresses or sys.stdin.isatty())
    people = addresses_in(sys.stdin.read(LONGEST_PASTE) if is_piped else "\n".join(addresses))
    home = InvitedHome(property_slug, unit_name, listing_id)
    try:
        done = invitations.invite_all(system.crm, system.by, people, home, skip_wrong=skip_wrong, again=again)
    except Invalid as error:
        for wrong in error.facts.get("wrong", ()):  # type: ignore[attr-defined]
            output.hint(f"Wrong: {wrong[:80]}")
        raise
    if as_json:
        output.print_json(done)
    else:
        output.print_table(
            ("address", "lead", "new", "application", "what"),
            ((one.written, one.lead_id, one.is_new_lead, one.application_id, _INVITED[one.result]) for one in done),
            empty="",
        )
        sent = sum(one.result in (InvitationResult.INVITED, InvitationResult.AGAIN) for one in done)
        output.hint(f"{output.counted(sent, 'invitation')} queued.")
        if sent and not system.config.mail.server:
            output.hint("They wait until mail.server is set in leaseline.toml: see `leaseline mail list`.")
    if any(one.result is InvitationResult.WRONG for one in done):
        raise SystemExit(1)


_INVITED = {
    InvitationResult.INVITED: "invited",
    InvitationResult.AGAIN: "link sent again",
    InvitationResult.BEFORE: "invited before: --again sends the link again",
    InvitationResult.APPLIED: "has already applied for it",
    InvitationResult.OPTED_OUT: "opted out: nothing was sent",
    InvitationResult.WRONG: "not the email address of a prospect",
}


def _past(system: System, raw: str) -> datetime:
    if fields.DURATION.fullmatch(raw.strip()):
        return system.now - fields.duration(raw)
    return fields.moment(raw, system.config.tz, system.now - timedelta(days=7))


def _standing(system: System, entry: LeadEntry) -> str:
    label = system.config.leads.label(entry.status)
    return label if entry.status == LeadStatus.CLOSED else f"{label}, {entry.type}"


def _next(system: System, entry: LeadEntry) -> str:
    action = entry.next_action
    if action is None:
        return ""
    late = "overdue since" if action.overdue else "by"
    when = output.local(action.due_at, system.config.tz)
    return f"{action.kind.replace('_', ' ')} ({action.owner}) {late} {when}"


def _last_contact(system: System, entry: LeadEntry) -> str:
    at = output.local(entry.last_contact_at, system.config.tz) if entry.last_contact_at else "none yet"
    return f"{at} ({entry.light})" if entry.light else at


def _wishes(detail: LeadDetail) -> str:
    """Such as "2 bedrooms, from 2026-05-01, up to $1500, pets: dog"."""
    bedrooms = "" if detail.bedrooms is None else output.counted(detail.bedrooms, "bedroom")
    return ", ".join(
        part
        for part in (
            "a studio" if detail.bedrooms == 0 else bedrooms,
            f"from {detail.move_in_on}" if detail.move_in_on else "",
            f"up to ${detail.budget}" if detail.budget else "",
            f"pets: {detail.pets}" if detail.pets else "",
        )
        if part
    )


def _suggested(entries: Sequence[SuggestionEntry]) -> list[tuple[object, ...]]:
    return [(one.id, one.field, one.value, one.words) for one in entries]


def _interests(interests: Sequence[InterestEntry]) -> list[str]:
    return [f"{one.property}{f' {one.unit}' if one.unit else ''} ({one.stage})" for one in interests]


@lead.command(
    examples=(
        "lead export leads.csv",
        "lead export - --status open --property elm",
        "lead export leads.jsonl --format jsonl",
        "lead export pat.vcf --vcard 12",
    )
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@filter_options
@click.option("--filter", "saved", metavar="NAME", help="A saved filter; what else is given narrows it further.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(lead_files.FORMATS),
    default="csv",
    show_default=True,
    help="jsonl: one JSON object per line.",
)
@click.option("--raw", is_flag=True, help="CSV for programs: cells that look like formulas stay as they are.")
@click.option("--vcard", metavar="LEAD", help="Only this lead, as a vCard for address books.")
@with_system
def export(
    system: System, /, file: Path, saved: str | None, format_: str, raw: bool, vcard: str | None, **given: Any
) -> None:
    """Export all leads, or those that match a filter, to FILE; - writes to the terminal or a pipe.

    The CSV is safe to open in a spreadsheet, and `leaseline lead import` reads it back. Timelines and the audit log say
    that it was done.
    """
    if vcard is not None:
        with system.store.reading() as session:
            found = leads_service.named(session, system.config, vcard)
            card = leads.card(session, found.id, system.now)
        lead_files.write_vcard(system.store, system.by, card, file)
        return
    words = written(given)
    if saved is not None:
        words = system.read(filters.named, saved) | words
    wanted = read_filter(words, system.config.tz, system.now)
    total = system.read(leads.count, system.now, wanted)
    with output.progress("Exporting") as tell:
        count = lead_files.write(system.store, file, system.by, wanted, format_, raw, lambda done: tell(done, total))
    output.hint(f"Exported {output.counted(count, 'lead')}.")


@lead.command(
    "import",
    examples=(
        "lead import leads.csv --source 'spring fair' --dry-run",
        "lead import leads.csv --rejects not-taken.csv",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="For leads without a source of their own.  [default: the file's name]")
@click.option("--rejects", type=click.Path(path_type=Path), metavar="FILE", help="Write rejected lines to this file.")
@click.option("--dry-run", is_flag=True, help="Check everything, but write nothing.")
@with_system
def import_(system: System, file: Path, source: str | None, rejects: Path | None, dry_run: bool) -> None:
    """Add the leads of a CSV FILE, line by line. People who are already leads only get what was missing.

    The first line names the columns: name (or first name and last name), email, phone, property, unit, stage, source,
    agent, note and more, as `leaseline lead export` writes them; others are ignored. Several values in a cell are
    separated by semicolons. Lines that cannot be imported are listed with the reason.
    """
    with output.progress("Importing") as tell:
        done = lead_files.read(
            system.crm, system.by, file, source or file.name, rejects=rejects, dry_run=dry_run, progress=tell
        )
    for line in done.first_rejects:
        output.hint(line)
    if done.rejected > len(done.first_rejects):
        output.hint(
            f"And {done.rejected - len(done.first_rejects):,} more; --rejects FILE writes all of them to a file."
        )
    output.say(
        f"Added {output.counted(done.added, 'lead')}, completed {done.joined:,} existing, "
        f"rejected {output.counted(done.rejected, 'line')}."
    )
    if dry_run:
        output.say("Nothing was written, because of --dry-run.")
    if done.rejected:
        raise SystemExit(1)


@lead.command(
    examples=(
        "lead mail 12 'Yes, it is free. When would you like to see it?' --agent alice",
        "lead mail pat@example.com - --subject 'Your tour on Friday' < words.txt",
        "lead mail 12 --template application --agent alice",
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


@lead.command(
    "intake",
    examples=("lead intake < mail.txt", "lead intake --source zillow < mail.txt", "lead intake --again"),
)
@click.option("--source", default="", metavar="NAME", help="Where it comes from.  [default: as the email says]")
@click.option("--again", is_flag=True, help="Instead, read again what could not be read, or an older version has read.")
def take_in(source: str, again: bool) -> None:
    """Take in an email from standard input, as a mail server pipes it.

    Whoever it names becomes a lead, or is one already; the lead's agent gets a task and a notice. If that is not
    possible now, the exit status is 75, and the mail server tries again later.
    """
    if again:
        lead_mails.read_again()
        return
    if sys.stdin.isatty():
        raise WrongInput("Pipe an email into it, such as `leaseline lead intake < mail.txt`.")
    lead_mails.take_in(source)


@lead.command(
    json=many(ArrivalEntry),
    examples=("lead arrivals --since today", "lead arrivals --problems", "lead arrivals --json"),
)
@click.option("--problems", is_flag=True, help="Only those that could not be read, or are flagged.")
@since_option
@limit_option()
@with_system
def arrivals(system: System, problems: bool, since: str | None, limit: int, as_json: bool) -> None:
    """List what came in by email, by form and from portals, newest first, and which lead it belongs to."""
    entries = system.read(arrivals_view.listed, problems=problems, since=system.since(since), limit=limit + 1)
    entries = cut(entries, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("arrival", "at", "came by", "source", "was", "lead", "read by", "problem"),
        (
            (
                one.id,
                output.local(one.received_at, system.config.tz),
                one.channel,
                one.source,
                one.outcome or "not read yet",
                one.lead or "",
                one.parser,
                one.problem,
            )
            for one in entries
        ),
        empty="Nothing has come in.",
    )


@lead.command("release", examples=("lead release 12 13", "lead release --all"))
@click.argument("ids", nargs=-1, type=int, metavar="[ARRIVAL]...")
@click.option("--all", "everything", is_flag=True, help="Release all that are flagged.")
@with_system
def release(system: System, ids: tuple[int, ...], everything: bool) -> None:
    """Pass on forms that were flagged as spam or as a flood, as if they came in now."""
    if bool(ids) == everything:
        raise click.UsageError("Name arrivals, or use --all.")
    after = count = 0
    while some := system.read(forms.flagged, after, 100) if everything else list(ids[count:]):
        for id in some:
            system.run(forms.release, system.config, system.secrets, system.by, id)
            count += 1
        after = some[-1]
    output.say(f"Released {output.counted(count, 'arrival')}.")


@lead.command(
    "proposals",
    json=many(ProposalEntry),
    examples=("lead proposals", "lead proposals --lead 12 --json", "lead proposals dismiss 3"),
)
@click.argument("decision", required=False, type=click.Choice(("dismiss",)))
@click.argument("proposal", required=False, type=ID)
@click.option("--lead", "lead_", metavar="LEAD", help="Only those that this lead is part of.")
@limit_option()
@with_system
def proposals_(
    system: System, decision: str | None, proposal: int | None, lead_: str | None, limit: int, as_json: bool
) -> None:
    """List leads that may be one person, oldest first: of those that are, `leaseline lead merge` makes one.

    `dismiss` and a PROPOSAL's number: they are two people, and are not proposed again.
    """
    if decision is not None:
        if proposal is None:
            raise WrongInput("Say which proposal: give its number.")
        decided = system.run(proposals.dismiss, system.by, proposal)
        output.say(f"Leads {decided.lead_id} and {decided.other_id} stay two.")
        return
    with system.store.reading() as session:
        lead_id = leads_service.named(session, system.config, lead_).id if lead_ is not None else None
        entries = cut(proposals_view.listed(session, lead_id=lead_id, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("proposal", "since", "lead", "name", "and lead", "name", "why"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.lead,
                one.lead_name or "unknown",
                one.other,
                one.other_name or "unknown",
                one.said,
            )
            for one in entries
        ),
        empty="No leads seem to be one person.",
    )


@lead.command(examples=("lead merge 12 15", "lead merge 12 15 --keep 12 --yes"))
@click.argument("one")
@click.argument("other")
@click.option("--keep", metavar="LEAD", help="The one of the two that survives.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_system
def merge(system: System, one: str, other: str, keep: str | None, yes: bool) -> None:
    """Merge the leads ONE and OTHER, which are the same person; each is an id, phone number or email address.

    The one that survives keeps its own data, and gets the other's timeline and open tasks. Nothing is sent. `leaseline
    lead unmerge` undoes it.
    """
    with system.store.reading() as session:
        found = [leads_service.named(session, system.config, raw).id for raw in (one, other)]
        if found[0] == found[1]:
            raise WrongInput(f"Both are lead {found[0]}: name two leads.")
        kept = leads_service.named(session, system.config, keep).id if keep is not None else None
        both = [leads.one(session, id, system.now) for id in found]
    if kept is None:
        if yes:
            raise WrongInput("Say which of the two survives: give --keep.")
        _compare(system, both)
        kept = int(click.prompt("Which one survives?", type=click.Choice([str(id) for id in found])))
    elif kept not in found:
        raise WrongInput(f"--keep is lead {kept}: name one of the two.")
    gone = found[1] if kept == found[0] else found[0]
    if not yes:
        click.confirm(f"Merge lead {gone} into lead {kept}?", abort=True)
    system.run(merging.merge, system.config, system.by, str(kept), str(gone))
    output.say(f"Lead {gone} is now part of lead {kept}; `leaseline lead unmerge {gone}` undoes it.")


@lead.command(examples=("lead unmerge 15",))
@click.argument("lead", type=ID)
@with_system
def unmerge(system: System, lead: int) -> None:
    """Make the LEAD with this id, which was merged into another, a lead of its own again.

    Both are as they were before. What has come in since goes to this lead if it came by a number or address of its own,
    and otherwise stays.
    """
    undone = system.run(unmerging.unmerge, system.config, system.by, lead)
    output.say(f"Lead {lead} is a lead of its own again, and no longer part of lead {undone.lead_id}.")


@lead.command(
    examples=("lead record 12 --out pat.json", "lead record 12 --out pat.zip --audio"),
)
@click.argument("lead")
@click.option("--out", required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE")
@click.option("--audio", is_flag=True, help="A ZIP archive, with recordings, voicemail, emails and documents.")
@with_system
def record(system: System, lead: str, out: Path, audio: bool) -> None:
    """Write everything that is known of the LEAD with this id, phone number or email address to a FILE, as JSON.

    For people who ask what is kept about them. The timeline and the audit log say that it was done.
    """
    if audio and str(out) == "-":
        raise WrongInput("A ZIP archive does not go to the terminal: name a file.")
    with system.store.reading() as session:
        found = leads_service.named(session, system.config, lead)
        whole = records.gather(session, found.id, system.now)
    missing = lead_files.write_record(system.config, whole, out, with_files=audio)
    system.run(records.exported, system.by, found.id)
    for name in missing:
        output.hint(f"{name} is not on this machine.")
    output.hint(f"Wrote everything about lead {found.id} to {out}.")


@lead.command(examples=("lead erase 12 --why 'asked for it by email'", "lead erase 12 --why 'asked for it' --yes"))
@click.argument("lead")
@click.option("--why", required=True, help="Kept, with who did it and when; name nobody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_system
async def erase(system: System, lead: str, why: str, yes: bool) -> None:
    """Erase the LEAD with this id, phone number or email address, and everything that is known of the person.

    Calls with their recordings and voicemail, texts, emails, forms, applications, tours, tasks and the timeline go, and
    their number from the logs. That it was done stays, and so do opt-outs. It cannot be undone.
    """
    found = await system.store.read(leads_service.named, system.config, lead)
    await system.store.read(erasing.check, system.config, found.id, system.now)
    scope = await system.store.read(erasures_view.scope, found.id)
    if not yes:
        much = ", ".join(
            output.counted(count, what)
            for count, what in ((scope.calls, "call"), (scope.recordings, "recording"), (scope.texts, "text"))
        )
        name = output.safe(found.name or "name unknown")
        click.confirm(f"Erase lead {found.id} ({name}) with {much}? It cannot be undone.", abort=True)
    known = await system.store.read(erasing.mentions, system.config, found.id)
    await system.store.run(erasing.erase, system.config, system.by, found.id, why, known)
    left = await erasing.finish(system.crm)
    output.say(f"Erased lead {found.id}.")
    if left:
        output.hint(f"{output.counted(left, 'file')} cannot be removed yet; it is tried again once a day.")


@lead.command(
    json=many(ErasureEntry),
    examples=("lead erasures", "lead erasures --since 2026-01-01 --json"),
)
@since_option
@limit_option()
@with_system
def erasures(system: System, since: str | None, limit: int, as_json: bool) -> None:
    """List leads that were erased, newest first: when, by whom and why."""
    entries = cut(system.read(erasures_view.listed, since=system.since(since), limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("lead", "erased", "by", "why", "still to be removed"),
        ((one.lead, output.local(one.at, system.config.tz), one.by, one.why, one.left or "") for one in entries),
        empty="Nobody was erased.",
    )


def _compare(system: System, both: Sequence[LeadDetail]) -> None:
    tz = system.config.tz
    output.print_table(
        ("", *(f"lead {one.id}" for one in both)),
        (
            ("name", *(one.name or "unknown" for one in both)),
            ("phones", *(one.phones or "withheld" for one in both)),
            ("emails", *([one.email, *one.further_emails] if one.email else one.further_emails for one in both)),
            ("status", *(_standing(system, one) for one in both)),
            ("agent", *(one.agent or "nobody" for one in both)),
            ("since", *(output.local(one.created_at, tz) for one in both)),
            ("last contact", *(_last_contact(system, one) for one in both)),
            ("interested in", *(_interests(one.interests) for one in both)),
            ("timeline entries", *(len(one.timeline) for one in both)),
        ),
        empty="",
    )
