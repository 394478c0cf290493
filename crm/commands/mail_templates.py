"""`leaseline mail template`."""

from __future__ import annotations

import sys

import click

from crm.commands import output, templates
from crm.commands.command import Group, System, many, one, with_system
from crm.domain.mail_templates import LONGEST_TEXT
from crm.services import mail_templates
from crm.views import mail_templates as views
from crm.views.mail_templates import MailPreview, MailTemplateEntry


@click.group(
    cls=Group,
    examples=(
        "mail template list --language es",
        "mail template set application_invited --subject 'Your new home: {home}'",
        "mail template preview tour_booked",
    ),
)
def template() -> None:
    """The emails to prospects that leave by themselves.

    \b
    Placeholders of their texts; what is marked * cannot be left out:
      application_invited   {url}* {home} {days} {office}
      application_link      {url}* {home} {days} {office}
      application_received  {home} {office}
      tour_booked           {when}* {change}* {name} {office}
      tour_moved            {when}* {change}* {name} {office}
      tour_cancelled        {when}* {name} {office}
      unsubscribe           {url}* {office}
      unsubscribe_by_reply  {office}, and the word unsubscribe*

    {change} says how to move or cancel the tour, as the texts tour_change and tour_reply do. Subjects may hold {home}
    or {name}, {when} and {office}.
    """


@template.command(
    "list", json=many(MailTemplateEntry), examples=("mail template list", "mail template list --language es --own")
)
@templates.in_all_languages
@templates.only_own
@with_system
def list_(system: System, language: str | None, own: bool, as_json: bool) -> None:
    """List all emails, and when each is sent."""
    found = views.entries(system.read(mail_templates.known), language)
    found = [one for one in found if one.is_own_subject or one.is_own_text or not own]
    templates.print_list(found, ("name", "language", "own", "sent"), _row, "emails", as_json=as_json)


def _row(entry: MailTemplateEntry) -> tuple[str, ...]:
    return entry.name, entry.language, _own(entry), entry.when


def _own(entry: MailTemplateEntry) -> str:
    return " and ".join(["subject"] * entry.is_own_subject + ["text"] * entry.is_own_text)


@template.command(json=one(MailTemplateEntry), examples=("mail template show tour_booked --language es",))
@click.argument("name")
@templates.in_a_language
@with_system
def show(system: System, name: str, language: str, as_json: bool) -> None:
    """Show the email NAME, when it is sent, and what it may hold."""
    templates.print_one(views.entry(system.read(mail_templates.known), name, language), _print_entry, as_json=as_json)


def _print_entry(entry: MailTemplateEntry) -> None:
    output.print_entry(
        (
            ("name", entry.name),
            ("sent", entry.when),
            ("language", entry.language),
            ("subject", entry.subject),
            ("subject may hold", _braced(entry.subject_placeholders)),
            ("text has to hold", _braced(entry.has_to_hold)),
            ("text may hold", _braced([one for one in entry.placeholders if one not in entry.has_to_hold])),
            ("written by the office", _own(entry) or "nothing"),
        )
    )
    output.print_heading("Text")
    _say_lines(entry.text)


def _braced(placeholders: list[str]) -> list[str]:
    return [f"{{{one}}}" for one in placeholders]


@template.command(
    "set",
    json=one(MailPreview),
    examples=(
        "mail template set application_received 'Thank you! We will call you about {home} within two days.'",
        "mail template set application_invited --subject 'Your new home: {home}'",
        "mail template set tour_booked - --language es < visita.txt",
    ),
)
@click.argument("name")
@click.argument("words", metavar="TEXT", required=False)
@click.option("--subject", help="Write this in place of its subject.")
@templates.in_a_language
@with_system
def set_(system: System, name: str, words: str | None, subject: str | None, language: str, as_json: bool) -> None:
    """Write TEXT in place of the email NAME's; it is sent from now on. - reads it from a pipe.

    `mail template show` lists the placeholders that it may hold. Its HTML is made of the same words. What is not given
    stays as it is, and so does the other language.
    """
    text = sys.stdin.read(LONGEST_TEXT + 1) if words == "-" else words
    changed = system.change(mail_templates.put, system.by, name, language, subject=subject, text=text)
    found = views.previewed(system.read(mail_templates.preview, system.config, system.by, name, language))
    templates.say_put(name, language, found, _show, is_new=changed.is_one, as_json=as_json)


@template.command(examples=("mail template reset tour_booked", "mail template reset tour_booked --language es"))
@click.argument("name")
@templates.in_all_languages
@with_system
def reset(system: System, name: str, language: str | None) -> None:
    """Go back to the standard email NAME."""
    count = system.run(mail_templates.reset, system.by, name, language)
    templates.say_reset(name, count, "email")


@template.command(
    json=one(MailPreview),
    examples=(
        "mail template preview tour_booked --language es",
        "mail template preview tour_booked --html",
    ),
)
@click.argument("name")
@templates.in_a_language
@click.option("--html", is_flag=True, help="Only its HTML, as a whole page.")
@with_system
def preview(system: System, name: str, language: str, html: bool, as_json: bool) -> None:
    """Show the email NAME as a person would get it."""
    found = views.previewed(system.read(mail_templates.preview, system.config, system.by, name, language))
    templates.print_one(found, _show_html if html else _show, as_json=as_json)


def _show(found: MailPreview) -> None:
    if found.subject:
        output.say(f"Subject: {found.subject}", indent=2)
        output.say("")
    _say_lines(found.text, indent=2)


def _show_html(found: MailPreview) -> None:
    _say_lines(found.html)


def _say_lines(text: str, *, indent: int = 0) -> None:
    for line in text.strip().split("\n"):
        output.say(line, indent=indent)
