"""`leaseline subteam`."""

from __future__ import annotations

import click

from crm.commands import output, removing, renaming
from crm.commands.command import OR_NONE, CodeChoice, Group, System, many, one, with_system
from crm.domain.ringing import Strategy
from crm.services.office import subteams
from crm.services.phones import answering
from crm.views import subteams as views
from crm.views.subteams import SubteamEntry
from crm.words.codes import in_words


@click.group(cls=Group, examples=("subteam add north --name 'North team'", "subteam members add north alice bob"))
def subteam() -> None:
    """Agents who lease the same properties."""


@subteam.command(examples=("subteam add north --name 'North team' --strategy round_robin",))
@click.argument("slug")
@click.option("--name", help="As people call it.  [default: SLUG]")
@click.option(
    "--strategy",
    type=CodeChoice(Strategy),
    default="ring_all",
    show_default=True,
    help="Ring everyone at once, or one at a time, longest idle first.",
)
@with_system
def add(system: System, slug: str, name: str | None, strategy: str) -> None:
    """Add the subteam SLUG."""
    system.run(subteams.add, system.by, slug, name=name, strategy=strategy)
    output.say(f"Added subteam {slug}.")


@subteam.command(
    "set",
    examples=(
        "subteam set north --strategy ring_all",
        "subteam set north --sisters south,east",
        "subteam set north --answering-service 512-555-0150",
    ),
)
@click.argument("slug")
@click.option("--name", help="As people call it.")
@click.option("--strategy", type=CodeChoice(Strategy), help="How it rings.")
@click.option(
    "--sisters",
    type=OR_NONE,
    metavar="SLUGS",
    help="Subteams that help out, or none: they ring after this one, or at once when everyone in it is on a call.",
)
@click.option(
    "--answering-service",
    type=OR_NONE,
    metavar="NUMBER",
    help="Rung after them, instead of the office's; they press 1 to take the call. none: the office's.",
)
@with_system
def change(
    system: System,
    slug: str,
    name: str | None,
    strategy: str | None,
    sisters: str | None,
    answering_service: str | None,
) -> None:
    """Change the subteam SLUG; options not given leave things as they are.

    If all sister subteams are round_robin, the agent among all of them who has been idle longest rings first.
    """
    changed = system.change(
        answering.change_subteam,
        system.config,
        system.by,
        slug,
        name=name,
        strategy=strategy,
        sisters=None if sisters is None else sisters.replace(",", " ").split(),
        answering_service=answering_service,
    )
    output.say_changed(f"subteam {slug}", changed.is_one)


@subteam.command(examples=("subteam remove north", "subteam remove north --yes", "subteam remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the subteam SLUG out of use, once it leases no property and has no desk.

    Its agents stay, its voicemail goes to the office, and history keeps its name, which another subteam can have.
    """
    what = "Delete" if deletes else "Retire"
    system.read(subteams.replaceable, slug)
    removing.confirm(f"{what} subteam {slug}?", yes=yes)
    system.run(subteams.remove if deletes else subteams.retire, system.by, slug)
    output.say(f"{what}d subteam {slug}.")


@subteam.command(examples=("subteam restore north",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired subteam SLUG back into use, with those of its members who are still here."""
    system.run(subteams.restore, system.by, slug)
    members = system.read(views.one, slug).members
    output.say(f"Restored subteam {slug} with {', '.join(members) or 'nobody in it'}; it leases no property yet.")


renaming.add_to(subteam, "subteam", "north north-side")


@subteam.command(
    "list", json=many(SubteamEntry), examples=("subteam list", "subteam list --retired", "subteam list --json")
)
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all subteams."""
    entries = system.read(views.listed, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("subteam", "name", "rings", "members", "sisters", "properties"),
        (
            (one.slug, one.name, in_words(Strategy, one.strategy), one.members, one.sisters, one.properties)
            for one in entries
        ),
        empty="No subteam is retired." if retired else "There are no subteams: add one with `leaseline subteam add`.",
    )


@subteam.command(json=one(SubteamEntry), examples=("subteam show north",))
@click.argument("slug")
@with_system
def show(system: System, slug: str, as_json: bool) -> None:
    """Show the subteam SLUG."""
    entry = system.read(views.one, slug)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("subteam", entry.slug),
            ("name", entry.name),
            ("rings", in_words(Strategy, entry.strategy)),
            ("members", entry.members),
            ("sisters", entry.sisters),
            ("answering service", entry.answering_service or "the office's"),
            ("properties", entry.properties),
        )
    )


@subteam.group(examples=("subteam members add north alice bob", "subteam members remove north bob"))
def members() -> None:
    """The agents in a subteam."""


@members.command("add", examples=("subteam members add north alice bob",))
@click.argument("slug")
@click.argument("agents", nargs=-1, required=True)
@with_system
def add_members(system: System, slug: str, agents: tuple[str, ...]) -> None:
    """Add AGENTS to the subteam SLUG."""
    system.run(subteams.add_members, system.by, slug, agents)
    output.say(f"Subteam {slug} now has {', '.join(system.read(views.one, slug).members)}.")


@members.command("remove", examples=("subteam members remove north bob",))
@click.argument("slug")
@click.argument("agents", nargs=-1, required=True)
@with_system
def remove_members(system: System, slug: str, agents: tuple[str, ...]) -> None:
    """Remove AGENTS from the subteam SLUG."""
    system.run(subteams.remove_members, system.by, slug, agents)
    left = system.read(views.one, slug).members
    output.say(f"Subteam {slug} now has {', '.join(left) or 'nobody'}.")
