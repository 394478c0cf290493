"""`leaseline task`."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import MOST, Group, System, limit_option, many, since_option, tell_of_more, with_system
from crm.domain import fields
from crm.services import agents
from crm.services import tasks as service
from crm.store.models import Task
from crm.store.queries import tasks


class TaskEntry(msgspec.Struct):
    """One owned next action."""

    id: int
    kind: str
    """call_back, listen, follow_up or unknown_did."""
    owner: str
    """Slug of the agent."""
    why: str
    due_at: datetime
    overdue: bool
    lead: int | None
    phone: str | None
    """The lead's number, E.164."""
    call: str | None
    created_at: datetime
    done_at: datetime | None
    result: str
    """What came of it."""

    @classmethod
    def of(cls, task: Task, now: datetime) -> TaskEntry:
        phones = task.lead.phones if task.lead else []
        return cls(
            id=task.id, kind=task.kind, owner=task.owner.slug, why=task.why, due_at=task.due_at,
            overdue=task.done_at is None and task.due_at < now, lead=task.lead_id,
            phone=phones[0].number if phones else None, call=task.call_id, created_at=task.created_at,
            done_at=task.done_at, result=task.result,
        )  # fmt: skip


@click.group(cls=Group, examples=("task list --owner alice", "task done 3 --result 'tour on Friday'"))
def task() -> None:
    """What is to be done next, and by whom."""


@task.command(
    "list", json=many(TaskEntry), examples=("task list", "task list --owner alice --json", "task list --all --since 7d")
)
@click.option("--owner", metavar="SLUG", help="Only this agent's.")
@click.option("--all", "with_done", is_flag=True, help="Those that are done, too.")
@since_option
@limit_option()
@with_system
async def list_(
    system: System, owner: str | None, with_done: bool, since: str | None, limit: int, as_json: bool
) -> None:
    """List open tasks, the most pressing first. --since goes by when they came up."""
    start = fields.since(since, system.config.tz, system.now) if since else None
    async with system.store.read() as session:
        if owner is not None:
            await agents.named(session, owner)
        # By due time the old and the new are mixed, so all are fetched before the old are left out.
        found = await tasks.listed(session, owner=owner, open_only=not with_done, limit=MOST if start else limit + 1)
    chosen = [one for one in found if start is None or one.created_at >= start]
    entries = [TaskEntry.of(one, system.now) for one in chosen[:limit]]
    tell_of_more(len(chosen), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("task", "due", "owner", "kind", "why", "lead", "phone", "result"),
        (
            (one.id, _due(one, system), one.owner, one.kind, one.why, one.lead, one.phone, one.result)
            for one in entries
        ),
        empty="There is nothing to do.",
    )  # fmt: skip


@task.command(examples=("task done 3", "task done 3 --result 'called back, tour on Friday'"))
@click.argument("id", type=click.IntRange(1, 2**31 - 1))
@click.option("--result", default="", metavar="TEXT", help="What came of it.")
@with_system
async def done(system: System, id: int, result: str) -> None:
    """Mark the task ID as done."""
    await service.finish(system.store, system.by, id, result)
    output.say(f"Task {id} is done.")


def _due(entry: TaskEntry, system: System) -> str:
    if entry.done_at:
        return f"done {output.local(entry.done_at, system.config.tz)}"
    return output.local(entry.due_at, system.config.tz) + (" overdue" if entry.overdue else "")
