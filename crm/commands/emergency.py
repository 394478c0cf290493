"""`leaseline emergency`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, cut, limit_option, many, one, since_option, with_system
from crm.domain.calls import DialStatus
from crm.services.phones import emergencies
from crm.views import emergencies as views
from crm.views.emergencies import EmergencyEntry, ToldEntry
from crm.words.codes import in_words


@click.group(cls=Group, examples=("emergency list", "emergency acknowledge ll1a2b3c-1773000000.12"))
def emergency() -> None:
    """Emergency calls (911, 9911 and the test number 933), and who is notified of them."""


@emergency.command("list", json=many(EmergencyEntry), examples=("emergency list", "emergency list --since 7d --json"))
@since_option
@limit_option()
@with_system
def list_(system: System, since: str | None, limit: int, as_json: bool) -> None:
    """List emergency calls, newest first."""
    start = system.since(since)
    entries = cut(system.read(views.listed, since=start, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("call", "at", "dialed", "device", "agent", "address", "callback number", "status"),
        (
            (
                one.id,
                output.local(one.started_at, system.config.tz, seconds=True),
                _dialled(one),
                one.device,
                one.agent,
                one.address,
                one.callback_number,
                in_words(DialStatus, one.status) if one.ended_at else "in progress",
            )
            for one in entries
        ),
        empty="No emergency calls found.",
    )


@emergency.command(json=one(EmergencyEntry), examples=("emergency show ll1a2b3c-1773000000.12",))
@click.argument("id")
@with_system
def show(system: System, id: str, as_json: bool) -> None:
    """Show the emergency call ID."""
    entry = system.read(views.one, id)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("call", entry.id),
            ("dialed", _dialled(entry)),
            ("device", entry.device),
            ("agent", entry.agent),
            ("address", entry.address or "the device had no location"),
            ("callback number", entry.callback_number or "none"),
            ("began", output.local(entry.started_at, system.config.tz, seconds=True)),
            ("ended", output.local(entry.ended_at, system.config.tz, seconds=True) or "not yet"),
            (
                "status",
                in_words(DialStatus, entry.status) or ("its end was not recorded" if entry.ended_at else "in progress"),
            ),
            ("acknowledged", output.local(entry.acknowledged_at, system.config.tz, seconds=True) or "no"),
        )
    )


@emergency.command(examples=("emergency acknowledge ll1a2b3c-1773000000.12",))
@click.argument("id")
@with_system
def acknowledge(system: System, id: str) -> None:
    """Stop waiting for emergency services to call back about the call ID.

    After a call to 911, whoever calls its callback number reaches the phone at once, without the menu, for
    emergency.callback_minutes: for a call that was a test or a mistake, end that here.
    """
    waits = system.run(emergencies.acknowledge, system.config, system.by, id)
    system.publish()
    if waits:
        output.say(
            "Acknowledged. Another emergency call showed the same number: its callers still ring a phone at once."
        )
    else:
        output.say("Acknowledged. Callers to its callback number hear the menu again.")


def _dialled(entry: EmergencyEntry) -> str:
    return f"{entry.dialled} (test)" if entry.is_test else entry.dialled


@emergency.group(cls=Group, examples=("emergency notify add alice", "emergency notify list"))
def notify() -> None:
    """Who is notified of an emergency call, by text and email, as soon as it is made.

    While nobody is named, every agent is notified.
    """


@notify.command("add", examples=("emergency notify add alice",))
@click.argument("agent")
@with_system
def notify_add(system: System, agent: str) -> None:
    """Notify AGENT of emergency calls, on their mobile and by email."""
    reachable = system.run(emergencies.set_notice, system.by, agent, wanted=True)
    output.say(f"{agent} is notified of emergency calls.")
    if not reachable:
        output.hint(
            f"{agent} has neither a mobile nor an email address:"
            f" give one with `leaseline agent set {agent} --email ADDRESS`."
        )


@notify.command("remove", examples=("emergency notify remove alice",))
@click.argument("agent")
@with_system
def notify_remove(system: System, agent: str) -> None:
    """Stop notifying AGENT."""
    system.run(emergencies.set_notice, system.by, agent, wanted=False)
    still = any(entry.named for entry in system.read(views.told))
    output.say(f"{agent} is no longer named." + ("" if still else " Nobody is now, so every agent is notified."))


@notify.command("list", json=many(ToldEntry), examples=("emergency notify list",))
@with_system
def notify_list(system: System, as_json: bool) -> None:
    """List who is notified."""
    entries = system.read(views.told)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("agent", "email", "mobiles"),
        ((entry.agent, entry.email, entry.mobiles) for entry in entries),
        empty="There is nobody to notify.",
    )
    if not any(entry.named for entry in entries):
        output.hint("Nobody is named, so every agent is notified: name somebody with `leaseline emergency notify add`.")
