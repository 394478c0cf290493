"""`leaseline message`."""

from __future__ import annotations

from typing import IO

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    CodeChoice,
    Failure,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    secret_file,
    secret_from,
    since_option,
    tell_of_more,
    with_system,
)
from crm.config.messages import WITH_SECRET
from crm.domain.delivery import DeliveryState
from crm.domain.gate import Verdict
from crm.domain.texts import TextDirection, TextPurpose
from crm.services.outbox import carriers, pauses
from crm.services.people import intake
from crm.services.texts import messages as service
from crm.services.texts import resending
from crm.store.models import Message
from crm.views import messages
from crm.views.messages import MessageEntry
from crm.words.codes import in_words


@click.group(
    cls=Group,
    examples=(
        "message send '(512) 555-0199' 'The tour is at 3 pm.' --agent alice",
        "message thread 1",
        "message list --state failed",
        "message resend --failed --since today",
    ),
)
def message() -> None:
    """Texts, incoming and outgoing."""


@message.command(
    "list",
    json=many(MessageEntry),
    examples=("message list --since 7d", "message list --direction in", "message list --decision block --json"),
)
@since_option
@click.option("--state", type=CodeChoice(DeliveryState), help="Only these.")
@click.option(
    "--direction",
    type=CodeChoice(TextDirection),
    help="in: what people wrote to us; out: what we wrote.",
)
@click.option("--decision", type=CodeChoice(Verdict), help="Only texts with this decision of the gate.")
@click.option("--unassigned", is_flag=True, help="Only texts that belong to no lead.")
@limit_option()
@with_system
def list_(
    system: System,
    since: str | None,
    state: str | None,
    direction: str | None,
    decision: str | None,
    unassigned: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List texts, newest first."""
    start = system.since(since)
    found = system.read(
        messages.listed,
        since=start,
        state=state,
        direction=direction,
        decision=decision,
        unassigned=unassigned,
        limit=limit + 1,
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("text", "at", "way", "person", "state", "gate", "tries", "error", "body"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                in_words(TextDirection, one.direction),
                _person(one),
                in_words(DeliveryState, one.state),
                in_words(Verdict, one.decision),
                one.attempts,
                one.error,
                _said(one),
            )
            for one in entries
        ),
        empty="No texts found.",
    )


@message.command(json=many(MessageEntry), examples=("message thread 1", "message thread '(512) 555-0199' --json"))
@click.argument("person")
@limit_option()
@with_system
def thread(system: System, person: str, limit: int, as_json: bool) -> None:
    """Show all texts with PERSON, a lead's id or a phone number, latest last."""
    with system.store.reading() as session:
        lead, number = intake.person(session, system.config, person)
        found = messages.thread(session, lead_id=lead.id if lead else None, number=number, limit=limit + 1)
    tell_of_more(len(found), limit)
    found = found[-limit:]
    if as_json:
        output.print_json([entry for entry, _ in found])
        return
    output.print_table(
        ("text", "at", "from", "state", "body", "why"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                _writer(one, agent),
                in_words(DeliveryState, one.state),
                _said(one),
                " ".join(one.decision_reasons) if one.decision != Verdict.SEND else one.error,
            )
            for one, agent in found
        ),
        empty="There are no texts with this person.",
    )


@message.command(
    examples=(
        "message send '(512) 555-0199' 'The tour is at 3 pm.' --agent alice",
        "message send 1 'Your application has arrived.' --from '(512) 555-0100'",
    )
)
@click.argument("person")
@click.argument("text")
@click.option("--agent", metavar="SLUG", help="The agent who writes it.")
@click.option(
    "--from", "line", metavar="LINE", help="Our number it comes from.  [default: the one the person used last]"
)
@with_system
def send(system: System, person: str, text: str, agent: str | None, line: str | None) -> None:
    """Text PERSON, a lead's id or a phone number. This completes the open task to reply."""
    written = system.run(service.send, system.config, system.by, person, text, agent=agent, line=line)
    if written.decision == Verdict.BLOCK:
        raise Failure(_fate(system, written))
    output.say(_fate(system, written))


def _fate(system: System, one: Message) -> str:
    reasons = " ".join(one.decision_reasons)
    if one.decision == Verdict.BLOCK:
        return f"Text {one.id} is blocked and stays here. {output.safe(reasons)}"
    pieces = output.counted(one.segments, "segment")
    if one.decision == Verdict.WAIT:
        return f"Text {one.id} ({pieces}) waits until {output.local(one.next_attempt_at, system.config.tz)}. {reasons}"
    return f"Text {one.id} ({pieces}) from {one.from_number} is on its way."


@message.command(
    examples=(
        "message resend 12 14",
        "message resend --failed --since today",
        "message resend 15 --unknown",
    ),
)
@click.argument("ids", metavar="[TEXT]...", nargs=-1, type=ID)
@click.option("--failed", "all_failed", is_flag=True, help="All texts that failed.")
@since_option
@click.option("--unknown", is_flag=True, help="Include texts that may have arrived: the person may get one twice.")
@with_system
def resend(system: System, ids: tuple[int, ...], all_failed: bool, since: str | None, unknown: bool) -> None:
    """Resend failed texts, each TEXT by its id. The gate decides as for any other text."""
    if all_failed == bool(ids) or (since and ids):
        raise WrongInput("Name the texts, or give --failed for all of them, with --since for recent ones.")
    if ids:
        written, more = system.run(resending.these, system.config, system.by, ids, unknown=unknown), False
    else:
        start = system.since(since)
        written, more = system.run(resending.failed, system.config, system.by, start, unknown=unknown)
    for one in written:
        output.say(_fate(system, one))
    if not written:
        output.say("No texts found.")
    if more:
        output.say(f"There are more than {len(written)}: run this again when these have been sent.")
    if any(one.decision == Verdict.BLOCK for one in written):
        raise Failure("Some are blocked and are not sent; see above.")


@message.command(examples=("message resume", "message resume --drop"))
@click.option("--drop", is_flag=True, help="Discard what has waited: the callers were not real.")
@with_system
def resume(system: System, drop: bool) -> None:
    """Send automatic texts again after a spike has paused them; `leaseline status` shows a pause."""
    count = system.run(pauses.resume, system.by, drop=drop)
    texts = f"{count} text{'s' if count != 1 else ''}"
    output.say(f"Automatic texts leave again. {texts} that waited {'stay here.' if drop else 'may leave now.'}")


@message.command(examples=("message secret twilio", "message secret telnyx --file telnyx.txt"))
@click.argument("carrier", type=click.Choice(WITH_SECRET))
@secret_file("secret")
@with_system
def secret(system: System, carrier: str, file: IO[str] | None) -> None:
    """Store the secret of CARRIER: Twilio's auth token or Telnyx's API key."""
    value = secret_from(file, f"Secret of {carrier}")
    system.run(carriers.put_secret, system.secrets, system.by, carrier, value)
    output.say(f"The secret of {carrier} is stored, and used from the next text on.")


def _person(entry: MessageEntry) -> str:
    return entry.from_number if entry.direction == TextDirection.IN else entry.to_number


def _writer(entry: MessageEntry, agent: str | None) -> str:
    if entry.direction == TextDirection.IN:
        return entry.from_number
    return agent or f"us ({in_words(TextPurpose, entry.purpose)})"


def _said(entry: MessageEntry) -> str:
    return " ".join([entry.body, *entry.media])
