"""`leaseline line`."""

from __future__ import annotations

import asyncio

import click

from asterisk_conf.prompts import speech
from crm.commands import output, removing, terms
from crm.commands.command import OR_NONE, Group, System, many, one, with_system
from crm.domain.route_inputs import AiAnswers
from crm.services import audit
from crm.services.phones import lines
from crm.views import lines as views
from crm.views.lines import LineEntry
from crm.words.codes import in_words


@click.group(cls=Group, examples=("line add '(512) 555-0100' --property elm --source sign", "line list"))
def line() -> None:
    """Leasing numbers that callers dial."""


@line.command(
    examples=(
        "line add +15125550100 --property elm --label 'Elm Street sign' --source sign",
        "line add +15125550190 --portfolio east --label 'East side' --source website",
        "line add 6001 --label 'leasing extension of the front desk' --greeting 'Maple Leasing, hello.'",
    )
)
@click.argument("number")
@click.option("--property", "property_slug", metavar="SLUG", help="The property it advertises.")
@click.option("--portfolio", metavar="SLUG", help="Callers choose among its properties by key.  [default: among all]")
@click.option("--label", default="", help="What people call it.")
@click.option("--source", default="", help="Where callers saw it; becomes the source of their leads.")
@click.option("--greeting", default="", metavar="TEXT", help="Spoken first, instead of the standard greeting.")
@click.option("--language", default="en", show_default=True, metavar="CODE", help="The language of its prompts.")
@terms.ai_answers_option
@with_system
async def add(
    system: System,
    number: str,
    property_slug: str | None,
    portfolio: str | None,
    label: str,
    source: str,
    greeting: str,
    language: str,
    ai_answers: str | None,
) -> None:
    """Add the leasing NUMBER, written in any usual way, or the digits of an office extension."""
    stored = await system.store.run(
        lines.add,
        system.by,
        system.config,
        _read(system, number),
        label=label,
        source=source,
        greeting=greeting,
        language=language,
        property_slug=property_slug,
        portfolio=portfolio,
        ai_answers=ai_answers or "",
    )
    output.say(f"Added line {stored}.")
    await speak(system, stored)


@line.command(
    "set",
    examples=(
        "line set +15125550100 --greeting 'Elm Street Apartments, hello.'",
        "line set +15125550100 --property '' --portfolio east",
        "line set +15125550100 --ai-answers after_hours",
    ),
)
@click.argument("number")
@click.option(
    "--property", "property_slug", type=OR_NONE, metavar="SLUG", help="The property it advertises; none removes it."
)
@click.option(
    "--portfolio", type=OR_NONE, metavar="SLUG", help="Callers choose among its properties by key; none for all."
)
@click.option("--label", help="What people call it.")
@click.option("--source", help="Where callers saw it.")
@click.option("--greeting", metavar="TEXT", help="Spoken first; '' for the standard greeting.")
@click.option("--language", metavar="CODE", help="The language of its prompts.")
@terms.ai_answers_option
@with_system
async def change(
    system: System,
    number: str,
    property_slug: str | None,
    portfolio: str | None,
    label: str | None,
    source: str | None,
    greeting: str | None,
    language: str | None,
    ai_answers: str | None,
) -> None:
    """Change the line NUMBER; options not given leave things as they are."""
    changed = await system.store.run(
        audit.change,
        lines.change,
        system.by,
        system.config.region,
        _read(system, number),
        label=label,
        source=source,
        greeting=greeting,
        language=language,
        property_slug=property_slug,
        portfolio=portfolio,
        ai_answers=ai_answers,
    )
    output.say_changed(f"line {changed.result}", changed.is_one)
    await speak(system, changed.result)


@line.command(
    examples=("line remove +15125550100", "line remove +15125550100 --yes", "line remove +15125550109 --delete")
)
@click.argument("number")
@removing.delete_option
@removing.yes_option
@with_system
async def remove(system: System, number: str, deletes: bool, yes: bool) -> None:
    """Take the line NUMBER out of use.

    From now on callers hear that it is not in use, and somebody has a task about each. Its calls stay on record as its
    own, reports count them, and the number can be added again as another line.
    """
    found = await system.store.read(lines.named, system.config.region, _read(system, number))
    what = "Delete" if deletes else "Retire"
    removing.confirm(f"{what} line {found.number} ({output.safe(found.label or 'no label')})?", yes=yes)
    act = lines.remove if deletes else lines.retire
    stored = await system.store.run(act, system.by, system.config.region, found.number)
    output.say(f"{what}d line {stored}.")
    # Without a text, this deletes the audio.
    await asyncio.to_thread(speech.greeting, system.config.prompts_folder, stored, "", "en")


@line.command(examples=("line restore +15125550100",))
@click.argument("number")
@with_system
async def restore(system: System, number: str) -> None:
    """Take the retired line NUMBER back into use, with all its settings."""
    stored = await system.store.run(lines.restore, system.by, system.config, _read(system, number))
    output.say(f"Restored line {stored}.")
    await speak(system, stored)


@line.command("list", json=many(LineEntry), examples=("line list", "line list --retired", "line list --json"))
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all lines."""
    entries = system.read(views.listed, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("line", "label", "source", "property", "subteam", "language", "voice agent"),
        (
            (
                one.number,
                one.label,
                one.source,
                one.about,
                one.subteam,
                one.language,
                in_words(AiAnswers, one.ai_answers),
            )
            for one in entries
        ),
        empty="No line is retired." if retired else "There are no lines: add one with `leaseline line add`.",
    )


@line.command(json=one(LineEntry), examples=("line show +15125550100",))
@click.argument("number")
@with_system
def show(system: System, number: str, as_json: bool) -> None:
    """Show the line NUMBER."""
    entry = system.read(views.one, _read(system, number))
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("line", system.shown(entry.number)),
            ("number", entry.number),
            ("label", entry.label),
            ("source", entry.source),
            ("property", entry.about),
            ("subteam", entry.subteam),
            ("language", entry.language),
            ("greeting", entry.greeting or "the standard greeting"),
            ("voice agent", in_words(AiAnswers, entry.ai_answers) or "as the property or the office says"),
        )
    )


async def speak(system: System, number: str) -> None:
    """Makes the audio of a greeting. If the speech programs are not installed yet, `leaseline up` makes it."""
    found = await system.store.read(views.one, number)
    try:
        await asyncio.to_thread(
            speech.greeting, system.config.prompts_folder, found.number, found.greeting, found.language
        )
    except speech.SpeechError as error:
        output.hint(f"Saved, but callers do not hear the greeting yet: {error}")


def _read(system: System, number: str) -> str:
    """The line's number, of which seven digits are enough in the office's own area code. Raises Invalid."""
    return lines.read_number(number, system.config.region, system.config.area_code)
