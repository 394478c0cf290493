"""`leaseline message`."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, limit_option, many, since_option, tell_of_more, with_system
from crm.domain import fields
from crm.domain.texts import MessageState
from crm.store.models import Message
from crm.store.queries import messages


class MessageEntry(msgspec.Struct):
    """A text to a caller, and its place in the outbox."""

    id: int
    purpose: str
    """listings_link or missed_call."""
    to_number: str
    from_number: str
    body: str
    state: str
    """queued, sending, sent, failed, or unknown: it may have been sent, so it is not sent again."""
    attempts: int
    error: str
    """Why the latest attempt failed; empty when it did not."""
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    lead: int | None
    call: str | None

    @classmethod
    def of(cls, message: Message) -> MessageEntry:
        return cls(
            id=message.id, purpose=message.purpose, to_number=message.to_number, from_number=message.from_number,
            body=message.body, state=message.state, attempts=message.attempts, error=message.error,
            created_at=message.created_at, next_attempt_at=message.next_attempt_at, sent_at=message.sent_at,
            lead=message.lead_id, call=message.call_id,
        )  # fmt: skip


@click.group(cls=Group, examples=("message list --since today", "message list --state failed"))
def message() -> None:
    """Texts to callers."""


@message.command(
    "list", json=many(MessageEntry), examples=("message list --since 7d", "message list --state failed --json")
)
@since_option
@click.option("--state", type=click.Choice([state.value for state in MessageState]), help="Only those.")
@limit_option()
@with_system
async def list_(system: System, since: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List texts, the newest first."""
    start = fields.since(since, system.config.tz, system.now) if since else None
    async with system.store.read() as session:
        found = await messages.listed(session, state=state, limit=limit + 1)
    # They come newest first, so what is too old is at the end and cutting it off afterwards loses none.
    recent = [one for one in found if start is None or one.created_at >= start]
    entries = [MessageEntry.of(one) for one in recent[:limit]]
    tell_of_more(len(recent), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("text", "at", "to", "state", "tries", "error", "body"),
        (
            (one.id, output.local(one.created_at, system.config.tz), one.to_number, one.state, one.attempts,
             one.error, one.body)
            for one in entries
        ),
        empty="There are no such texts.",
    )  # fmt: skip
