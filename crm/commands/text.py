"""`leaseline text`."""

from __future__ import annotations

import click

from crm.commands import output, templates
from crm.commands.command import ID, Group, System, many, one, with_system
from crm.services import text_templates
from crm.views import text_templates as views
from crm.views.text_templates import TextPreview, TextTemplateEntry


@click.group(
    cls=Group,
    examples=("text template list", "text template preview tour_booked --language es", "text template show listings"),
)
def text() -> None:
    """What texts say, in each language."""


@text.group(
    cls=Group,
    examples=(
        "text template list --language es",
        "text template set listings 'Thanks for calling {name}! Our homes: {url}'",
        "text template reset listings",
    ),
)
def template() -> None:
    """The texts that leave by themselves, and the steps of the follow-ups."""


@template.command(
    "list", json=many(TextTemplateEntry), examples=("text template list", "text template list --language es --own")
)
@templates.in_all_languages
@templates.only_own
@with_system
def list_(system: System, language: str | None, own: bool, as_json: bool) -> None:
    """List all texts, and when each is sent."""
    found = views.entries(system.read(text_templates.known, system.config), language)
    found = [one for one in found if (one.is_own or not own) and (as_json or not one.is_missing)]
    templates.print_list(found, ("name", "language", "own", "text"), _row, "texts", as_json=as_json)


def _row(entry: TextTemplateEntry) -> tuple[str, ...]:
    return entry.name, entry.language, "yes" if entry.is_own else "", entry.text


@template.command(json=one(TextTemplateEntry), examples=("text template show tour_booked --language es",))
@click.argument("name")
@templates.in_a_language
@with_system
def show(system: System, name: str, language: str, as_json: bool) -> None:
    """Show the text NAME, when it is sent, and what it may hold."""
    entry = views.entry(system.read(text_templates.known, system.config), name, language)
    templates.print_one(entry, _print_entry, as_json=as_json)


def _print_entry(entry: TextTemplateEntry) -> None:
    output.print_entry(
        (
            ("name", entry.name),
            ("sent", entry.when),
            ("language", entry.language),
            ("text", entry.text),
            ("may hold", [f"{{{one}}}" for one in entry.placeholders]),
            ("written by", "the office" if entry.is_own else "Leaseline"),
        )
    )
    if entry.is_missing:
        output.hint("There is none in this language, so this one is sent.")


@template.command(
    "set",
    json=one(TextPreview),
    examples=(
        "text template set listings 'Thanks for calling {name}! Our homes: {url}'",
        "text template set tour_booked 'Le esperamos el {when} en {name}.' --language es",
    ),
)
@click.argument("name")
@click.argument("words", metavar="TEXT")
@templates.in_a_language
@with_system
def set_(system: System, name: str, words: str, language: str, as_json: bool) -> None:
    """Write TEXT in place of the text NAME; it is sent from now on.

    `text template show` lists the placeholders that it may hold. The other language keeps its own text.
    """
    changed = system.change(text_templates.put, system.config, system.by, name, language, words)
    found = views.previewed(system.read(text_templates.preview, system.config, system.by, name, language))
    templates.say_put(name, language, found, _show, is_new=changed.is_one, as_json=as_json)


@template.command(examples=("text template reset listings", "text template reset listings --language es"))
@click.argument("name")
@templates.in_all_languages
@with_system
def reset(system: System, name: str, language: str | None) -> None:
    """Go back to the standard text NAME."""
    count = system.run(text_templates.reset, system.config, system.by, name, language)
    templates.say_reset(name, count, "text")


@template.command(
    json=one(TextPreview),
    examples=("text template preview tour_booked --language es", "text template preview listings --lead 1"),
)
@click.argument("name")
@click.option("--language", type=templates.LANGUAGE, help="[default: the lead's, else en]")
@click.option("--lead", "lead_id", type=ID, metavar="ID", help="With this lead's property and language.")
@with_system
def preview(system: System, name: str, language: str | None, lead_id: int | None, as_json: bool) -> None:
    """Show the text NAME as a person would get it, and how many segments it takes."""
    found = views.previewed(
        system.read(text_templates.preview, system.config, system.by, name, language, lead_id=lead_id)
    )
    templates.print_one(found, _show, as_json=as_json)


def _show(found: TextPreview) -> None:
    output.say(found.text, indent=2)
    size = f"{found.characters} characters, {found.encoding}: {output.counted(found.segments, 'segment')}."
    output.say(size)
    if found.first_text != found.text:
        output.say(f"As the first text to a person, {output.counted(found.first_segments, 'segment')}:")
        output.say(found.first_text, indent=2)
    if found.costly:
        characters = " ".join(found.costly)
        output.hint(f"Because of {characters} a segment holds at most 70 characters, not 160: do without if you can.")
