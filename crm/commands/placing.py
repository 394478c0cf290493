"""`leaseline call start`, `back`, `missed` and `note`: calls that agents place."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import click

from crm.commands import output
from crm.commands.command import Command, Failure, System, cut, limit_option, many, one, with_system
from crm.commands.task import due_text, whose
from crm.domain.calls import CallStep, Outcome
from crm.services.calls import orders
from crm.services.calls.orders import State
from crm.services.phones import dialing
from crm.views import calls, tasks
from crm.views import orders as views
from crm.views.orders import OrderEntry
from crm.views.tasks import MissedEntry

LOOK_SECONDS = 0.3
"""How often the order is checked while the command waits."""
TAKEN_SECONDS = 15.0
"""How long to wait for the app, which takes an order within a second if it runs."""


_wait_option = click.option("--wait/--no-wait", default=True, show_default=True, help="Show what happens.")


@click.command(
    cls=Command,
    json=one(OrderEntry),
    examples=("call start --agent alice --to 1", "call start --agent alice --to '(512) 555-0123' --json"),
)
@click.option("--agent", required=True, metavar="SLUG", help="The agent whose phones ring first.")
@click.option("--to", required=True, metavar="LEAD", help="The lead's id, or a phone number.")
@_wait_option
@with_system
async def start(system: System, agent: str, to: str, wait: bool, as_json: bool) -> None:
    """Call a lead: ring the agent's phones, and dial the lead once the agent has answered."""
    order = await system.store.run(orders.place, system.config, system.by, agent=agent, to=to)
    await _follow(system, order.id, wait, as_json)


@click.command(
    cls=Command, json=one(OrderEntry), examples=("call back 1773000000.12", "call back 1773000000.12 --agent bob")
)
@click.argument("id")
@click.option("--agent", metavar="SLUG", help="The agent whose phones ring first.  [default: the task's owner]")
@_wait_option
@with_system
async def back(system: System, id: str, agent: str | None, wait: bool, as_json: bool) -> None:
    """Call back the person who made the call ID."""
    order = await system.store.run(orders.call_back, system.config, system.by, id, agent=agent)
    await _follow(system, order.id, wait, as_json)


@click.command(cls=Command, json=many(MissedEntry), examples=("call missed", "call missed --json"))
@limit_option()
@with_system
def missed(system: System, limit: int, as_json: bool) -> None:
    """List people to call back, most urgent first. Callers who withheld their number and left no message are only
    counted: nobody can call them back."""
    entries = cut(system.read(tasks.missed, system.now, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("call", "due", "owner", "lead", "name", "phone", "why"),
        (
            (
                entry.call,
                due_text(entry.due_at, entry.overdue, system),
                whose(entry),
                entry.lead,
                entry.name,
                entry.phone or entry.caller_digits or "withheld",
                entry.why,
            )
            for entry in entries
        ),
        first_out=("lead", "owner", "name"),
        empty="Nobody is waiting for a call back.",
    )
    say_unreachable(system)


@click.command(cls=Command, examples=("call note 1773000000.12 'wants a ground floor, calls again on Friday'",))
@click.argument("id")
@click.argument("text")
@with_system
def note(system: System, id: str, text: str) -> None:
    """Add a note about the call ID; it is kept with the call and in the lead's timeline."""
    system.run(orders.remark, system.by, id, text)
    output.say(f"Added to call {id}.")


def say_unreachable(system: System) -> None:
    """Says how many callers of late nobody can call back, if there are any."""
    days = 7
    if count := system.read(calls.count_unreachable, system.now - timedelta(days=days)):
        who = output.counted(count, "caller")
        output.hint(f"In the last {days} days {who} left neither a number nor a message: see `leaseline call list`.")


async def _follow(system: System, order_id: int, wait: bool, as_json: bool) -> None:
    """Shows the progress of an order until the two are talking, or cannot be connected."""
    entry = await system.store.read(views.one, order_id)
    if late := await asyncio.to_thread(dialing.warning, system.config, entry.to, system.now):
        output.hint(late)
    told = ""
    patience = asyncio.get_running_loop().time() + TAKEN_SECONDS
    while wait:
        if entry.state == State.WAITING and asyncio.get_running_loop().time() > patience:
            await system.store.run(
                orders.give_up, order_id, "The app has not taken the order: is `leaseline up` running?"
            )
            entry = await system.store.read(views.one, order_id)
        if not as_json and (news := _news(entry)) != told:
            output.say(told := news)
        if _is_decided(entry):
            break
        await asyncio.sleep(LOOK_SECONDS)
        entry = await system.store.read(views.one, order_id)
    if as_json:
        output.print_json(entry)
    elif not wait:
        output.say(f"Ordered: {entry.agent}'s phones will ring next.")
    if wait and entry.state in (State.FAILED, State.CANCELLED):
        raise Failure(entry.error)


def _is_decided(entry: OrderEntry) -> bool:
    """Whether the two are talking, or it is certain that they cannot be connected."""
    if entry.state in (State.FAILED, State.CANCELLED):
        return True
    return entry.outcome is not None or entry.step == CallStep.TALK


def _news(entry: OrderEntry) -> str:
    if entry.outcome == Outcome.NOT_REACHED:
        return f"{entry.to} was not reached."
    if entry.outcome == Outcome.INTERRUPTED:
        return f"{entry.agent} and {entry.to} talked, and were cut off."
    if entry.outcome or entry.step == CallStep.TALK:
        return (
            f"{entry.agent} and {entry.to} are talking."
            if not entry.outcome
            else f"{entry.agent} and {entry.to} talked."
        )
    if entry.state == State.DONE:
        return f"{entry.agent} has answered, dialing {entry.to}."
    if entry.state == State.DIALLING:
        return f"{entry.agent}'s phones are ringing."
    return f"Waiting for the phone system to ring {entry.agent}." if entry.state == State.WAITING else entry.state
