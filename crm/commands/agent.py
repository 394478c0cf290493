"""`leaseline agent`."""

from __future__ import annotations

import click

from crm.commands import output, removing, renaming
from crm.commands.command import OR_NONE, Group, System, many, one, with_system
from crm.domain import fields
from crm.domain.dialing import DIALING
from crm.services.office import agents, hours
from crm.services.office.agents import Succession
from crm.views import agents as views
from crm.views import hours as hours_views
from crm.views.agents import AgentEntry
from crm.views.hours import AgentHoursEntry


@click.group(cls=Group, examples=("agent add alice --name Alice --extension 101", "agent list"))
def agent() -> None:
    """People who lease."""


@agent.command(examples=("agent add alice --name Alice --extension 101",))
@click.argument("slug")
@click.option("--name", help="As callers and colleagues know them.  [default: SLUG]")
@click.option("--extension", metavar="DIGITS", help="2 to 6 digits that colleagues dial.")
@click.option("--on-duty/--off-duty", default=True, show_default=True, help="Whether calls ring their phones.")
@with_system
def add(system: System, slug: str, name: str | None, extension: str | None, on_duty: bool) -> None:
    """Add the agent SLUG."""
    system.run(agents.add, system.config, system.by, slug, name=name, extension=extension, on_duty=on_duty)
    output.say(f"Added agent {slug}; give them a phone with `leaseline device add {slug}-desk --agent {slug}`.")
    system.publish()


@agent.command(
    "set",
    examples=("agent set alice --off-duty", "agent set bob --email bob@example.com", "agent set bob --dialing none"),
)
@click.argument("slug")
@click.option("--name", help="As callers and colleagues know them.")
@click.option(
    "--extension", type=OR_NONE, metavar="DIGITS", help="2 to 6 digits that colleagues dial; none removes it."
)
@click.option("--on-duty/--off-duty", default=None, help="Whether calls ring their phones.")
@click.option("--email", type=OR_NONE, metavar="ADDRESS", help="Gets notices and voicemail; none removes it.")
@click.option("--dialing", type=click.Choice(DIALING), help="Whether they may dial outside numbers.")
@click.option("--admin", is_flag=True, help="Make them the owner of what nobody owns.")
@with_system
def change(
    system: System,
    slug: str,
    name: str | None,
    extension: str | None,
    on_duty: bool | None,
    email: str | None,
    dialing: str | None,
    admin: bool,
) -> None:
    """Change the agent SLUG; options not given leave things as they are."""
    changed = system.change(
        agents.change,
        system.config,
        system.by,
        slug,
        name=name,
        extension=extension,
        on_duty=on_duty,
        email=email,
        dialing=dialing,
        admin=admin,
    )
    output.say_changed(f"agent {slug}", changed.is_one)
    system.publish()


@agent.command(
    "hours",
    json=one(AgentHoursEntry),
    examples=(
        "agent hours alice",
        "agent hours alice 'mon-fri 09:00-17:00' 'sat 10:00-14:00'",
        "agent hours bob --always",
        "agent hours alice --as-office",
    ),
)
@click.argument("slug")
@click.argument("openings", nargs=-1)
@click.option("--always", is_flag=True, help="At any hour, even on holidays.")
@click.option("--as-office", is_flag=True, help="While the office is open; removes hours of their own.")
@with_system
def hours_(system: System, slug: str, openings: tuple[str, ...], always: bool, as_office: bool, as_json: bool) -> None:
    """Show or replace the hours of the agent SLUG, in the office's time zone.

    Outside these hours their phones do not ring for callers, even on duty; colleagues still reach them. Within them
    they ring even while the office is closed, except on holidays, unless --always is set. While the app is down,
    Asterisk rings everyone on duty when the office is open, whatever is set here.
    """
    if [bool(openings), always, as_office].count(True) > 1:
        raise click.UsageError("Give either openings, or --always, or --as-office.")
    if openings or always or as_office:
        system.run(hours.replace_agent, system.by, slug, (fields.ALL_WEEK,) if always else openings)
    entry = system.read(hours_views.of_agent, system.config, slug, system.now)
    if as_json:
        output.print_json(entry)
    elif not entry.hours:
        output.say(f"Agent {slug} answers while they are on duty and the office is open.")
    else:
        outside = "" if entry.is_within else " Not right now."
        output.say(f"Agent {slug} answers {'; '.join(entry.hours)} ({entry.timezone}).{outside}")


@agent.command(
    examples=("agent remove alice", "agent remove alice --successor bob --yes", "agent remove typo --delete")
)
@click.argument("slug")
@click.option("--successor", metavar="SLUG", help="Who takes over.  [default: of their subteam, else the admin]")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, successor: str | None, deletes: bool, yes: bool) -> None:
    """Retire the agent SLUG, once they have no devices.

    Their open tasks, leads, voicemail and tours to come pass on to somebody else. History keeps their name, and
    somebody new can have it.
    """
    if deletes:
        if successor:
            raise click.UsageError("Whoever can be deleted has nothing to take over: leave out --successor.")
        system.read(agents.named, slug)
        removing.confirm(f"Delete agent {slug}?", yes=yes)
        system.run(agents.remove, system.by, slug)
        output.say(f"Deleted agent {slug}.")
    else:
        passes = system.read(agents.handover, slug, successor=successor)
        removing.confirm(f"Retire agent {slug}? {_passing(passes)}", yes=yes)
        passed = system.run(agents.retire, system.by, slug, successor=successor)
        output.say(f"Retired agent {slug}. {_passing(passed)}")
    system.publish()


@agent.command(examples=("agent restore alice",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired agent SLUG back, off duty and in no subteam."""
    agent = system.run(agents.restore, system.config, system.by, slug)
    output.say(f"Restored agent {slug}, extension {agent.extension or 'none'}, off duty and without devices.")
    system.publish()


renaming.add_to(agent, "agent", "alice alicia")


@agent.command("list", json=many(AgentEntry), examples=("agent list", "agent list --retired", "agent list --json"))
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all agents."""
    entries = system.read(views.listed, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("agent", "name", "extension", "on duty", "subteams", "devices", "admin"),
        (
            (one.slug, one.name, one.extension, one.on_duty, one.subteams, one.devices, one.is_admin or None)
            for one in entries
        ),
        empty="No agent is retired." if retired else "There are no agents: add one with `leaseline agent add`.",
    )


@agent.command(json=one(AgentEntry), examples=("agent show alice",))
@click.argument("slug")
@with_system
def show(system: System, slug: str, as_json: bool) -> None:
    """Show the agent SLUG."""
    entry = system.read(views.one, slug)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("agent", entry.slug),
            ("name", entry.name),
            ("extension", entry.extension),
            ("on duty", entry.on_duty),
            ("subteams", entry.subteams),
            ("devices", entry.devices),
            ("email", entry.email or None),
            ("dials outside", entry.dialing),
            ("hours", "; ".join(entry.hours) or "same as the office"),
            ("last call ended", output.local(entry.last_talk_ended_at, system.config.tz)),
            ("admin", entry.is_admin or None),
        )
    )


def _passing(passes: Succession) -> str:
    """What passes on to whom, as a sentence."""
    work = ((passes.tasks, "open task"), (passes.leads, "lead"), (passes.voicemails, "voicemail"))
    told = [output.counted(count, what) for count, what in work if count]
    return f"{passes.heir} takes over {' and '.join(told)}." if told else "There is nothing to take over."
