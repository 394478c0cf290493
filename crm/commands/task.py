"""`leaseline task`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Protocol

import click

from crm.commands import output
from crm.commands.command import ID, Group, System, WrongInput, cut, limit_option, many, since_option, with_system
from crm.domain import fields
from crm.domain.fields import moment
from crm.domain.tasks import TaskKind
from crm.services import tasks as service
from crm.services.office import agents, subteams
from crm.store.queries import agents as agent_queries
from crm.views import tasks
from crm.views.tasks import TaskEntry
from crm.words.codes import in_words


@click.group(
    cls=Group,
    examples=("task list --owner alice --due today", "task done 3 --result 'tour on Friday'", "task snooze 3 --for 2h"),
)
def task() -> None:
    """What has to be done next, and by whom."""


@task.command(
    "list",
    json=many(TaskEntry),
    examples=("task list", "task list --mine --due today", "task list --owner alice --all --since 7d --json"),
)
@click.option("--owner", metavar="SLUG", help="Only this agent's, and what they may take of their subteams'.")
@click.option("--team", metavar="SLUG", help="Only what nobody of this subteam has taken.")
@click.option("--mine", is_flag=True, help="Only those of the agent with your user name on this machine.")
@click.option("--due", metavar="WHEN", help="Only those due by then: today, tomorrow, overdue, or a date.")
@click.option("--all", "with_done", is_flag=True, help="Include those already done.")
@since_option
@limit_option()
@with_system
def list_(
    system: System,
    owner: str | None,
    team: str | None,
    mine: bool,
    due: str | None,
    with_done: bool,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List open tasks, most urgent first. --since goes by when they were created."""
    if sum(map(bool, (mine, owner, team))) > 1:
        raise WrongInput("Give one of --mine, --owner and --team.")
    due_before = _due_before(due, system) if due else None
    start = system.since(since)
    with system.store.reading() as session:
        if mine and agent_queries.by_slug(session, owner := system.by.who) is None:
            raise WrongInput(f"There is no agent {owner}, your user name on this machine: give --owner SLUG.")
        if owner is not None:
            agents.named(session, owner)
        if team is not None:
            subteams.named(session, team)
        found = tasks.listed(
            session,
            system.now,
            owner=owner,
            team=team,
            with_done=with_done,
            due_before=due_before,
            since=start,
            limit=limit + 1,
        )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("task", "due", "owner", "kind", "why", "lead", "phone", "result"),
        (
            (
                one.id,
                _due(one, system),
                whose(one),
                in_words(TaskKind, one.kind),
                one.why,
                one.lead,
                one.phone or one.caller_digits,
                one.result,
            )
            for one in entries
        ),
        empty="There is nothing to do.",
    )


@task.command(examples=("task done 3", "task done 3 --result 'called back, tour on Friday'"))
@click.argument("id", type=ID)
@click.option("--result", default="", metavar="TEXT", help="What came of it.")
@with_system
def done(system: System, id: int, result: str) -> None:
    """Mark the task ID as done."""
    system.run(service.finish, system.by, id, result)
    output.say(f"Task {id} is done.")


@task.command(examples=("task take 3 --agent alice",))
@click.argument("id", type=ID)
@click.option("--agent", metavar="SLUG", required=True, help="The agent who takes it.")
@with_system
def take(system: System, id: int, agent: str) -> None:
    """Give the task ID, which a whole subteam has, to one of its agents."""
    system.run(service.take, system.by, id, agent)
    output.say(f"Task {id} now belongs to {agent}.")


@task.command(examples=("task reassign 3 --to bob",))
@click.argument("id", type=ID)
@click.option("--to", required=True, metavar="SLUG", help="The agent who should do it.")
@with_system
def reassign(system: System, id: int, to: str) -> None:
    """Reassign the task ID to another agent."""
    system.run(service.reassign, system.by, id, to)
    output.say(f"Task {id} now belongs to {to}.")


@task.command(examples=("task snooze 3 --for 2h", "task snooze 3 --until 'mon 09:00'"))
@click.argument("id", type=ID)
@click.option("--for", "length", metavar="TIME", help="How long: 30m, 2h, 1d.")
@click.option("--until", metavar="WHEN", help="On the office's clock: 'mon 09:00' or a date.")
@with_system
def snooze(system: System, id: int, length: str | None, until: str | None) -> None:
    """Put the task ID off."""
    if (length is None) == (until is None):
        raise WrongInput("Give --for or --until.")
    at = system.now + fields.duration(length) if length else moment(until or "", system.config.tz, system.now)
    system.run(service.snooze, system.by, id, at)
    output.say(f"Task {id} is due {output.local(at, system.config.tz)}.")


def _due_before(raw: str, system: System) -> datetime:
    """Returns the end of the day that is meant, in UTC."""
    days = {"today": 1, "tomorrow": 2}
    if raw.lower() == "overdue":
        return system.now
    today = datetime.combine(system.today, time(), system.config.tz)
    if raw.lower() in days:
        return (today + timedelta(days=days[raw.lower()])).astimezone(UTC)
    return moment(raw, system.config.tz, system.now) + timedelta(days=1)


def _due(entry: TaskEntry, system: System) -> str:
    if entry.done_at:
        return f"done {output.local(entry.done_at, system.config.tz)}"
    return due_text(entry.due_at, entry.overdue, system)


class Held(Protocol):
    """Something that an agent owns, or a subteam."""

    @property
    def owner(self) -> str | None: ...
    @property
    def team(self) -> str | None: ...


def whose(one: Held) -> str:
    """Formats whose a task is, for a table."""
    return one.owner or f"team {one.team}"


def due_text(due_at: datetime, overdue: bool, system: System) -> str:
    """Formats when a task is due, for a table."""
    return output.local(due_at, system.config.tz) + (" overdue" if overdue else "")
