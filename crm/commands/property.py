"""`leaseline property`."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import click

from crm.commands import output, removing, renaming, terms
from crm.commands.command import OR_NONE, CodeChoice, Group, System, WrongInput, many, one, with_system
from crm.domain import listings
from crm.domain.calls import RECORDING
from crm.domain.mailboxes import VoicemailTo
from crm.services import winding_up
from crm.services.listings import answers, pictures, profiles
from crm.services.office import properties
from crm.services.winding_up import WoundUp
from crm.views import answers as answer_views
from crm.views import properties as views
from crm.views import property_profiles, versions
from crm.views.answers import AnswerEntry
from crm.views.listing_parts import PictureEntry
from crm.views.properties import PropertyEntry
from crm.views.property_profiles import PropertyDetail
from crm.views.versions import VersionEntry
from crm.words.codes import in_words


# Not called `property`, which is a Python builtin that this file may need.
@click.group("property", cls=Group, examples=("property add elm --name 'Elm Street Apartments' --subteam north",))
def property_() -> None:
    """Buildings and communities with homes to rent."""


@property_.command(
    examples=(
        "property add elm --name 'Elm Street Apartments' --subteam north --listings-url https://maple.example/elm",
        "property add lake --name 'Lakeside Homes' --area 'North Austin'",
    )
)
@click.argument("slug")
@click.option("--name", help="As callers hear and read it.  [default: SLUG]")
@click.option("--subteam", metavar="SLUG", help="The subteam that leases it.")
@click.option("--listings-url", default="", metavar="URL", help="Texted to callers instead of the office's link.")
@click.option("--area", default="", help="Part of town; lists of more than eight properties begin with areas.")
@with_system
def add(system: System, slug: str, name: str | None, subteam: str | None, listings_url: str, area: str) -> None:
    """Add the property SLUG."""
    system.run(properties.add, system.by, slug, name=name, subteam=subteam, listings_url=listings_url, area=area)
    output.say(f"Added property {slug}.")


@property_.command(
    "set",
    examples=(
        "property set elm --subteam south",
        "property set elm --street '100 Elm Street' --city Austin --state TX --postal-code 78701",
        "property set elm --pets '2 cats, monthly 25' --utilities 'water, trash' --policies 'No smoking.'",
        "property set elm --recording announced",
        "property set elm --voicemail-to subteam --no-escalate",
        "property set elm --ai-answers after_hours",
    ),
)
@click.argument("slug")
@click.option("--name", help="As callers hear and read it.")
@click.option("--subteam", type=OR_NONE, metavar="SLUG", help="The subteam that leases it; none removes it.")
@click.option("--listings-url", type=OR_NONE, metavar="URL", help="Texted to callers; none for the office's link.")
@click.option("--area", help="Part of town; lists of more than eight properties begin with areas; '' for none.")
@click.option(
    "--timezone", type=OR_NONE, metavar="ZONE", help="Where it is, such as America/Denver; none for the office's."
)
@click.option(
    "--recording",
    type=click.Choice(RECORDING),
    help="Record calls: never, always (after an announcement), or when an agent keys the code (after the same one).",
)
@click.option("--voicemail-to", type=CodeChoice(VoicemailTo), help="The mailbox that voicemail goes to.")
@click.option("--escalate/--no-escalate", default=None, help="Call staff about voicemail that nobody takes.")
@terms.ai_answers_option
@terms.property_options
@with_system
def change(
    system: System,
    /,
    slug: str,
    name: str | None,
    subteam: str | None,
    listings_url: str | None,
    area: str | None,
    timezone: str | None,
    recording: str | None,
    voicemail_to: str | None,
    escalate: bool | None,
    ai_answers: str | None,
    **offered: Any,
) -> None:
    """Change the property SLUG; options not given leave things as they are.

    What it offers, from --street on, is kept in versions, and applies to all its homes that do not say otherwise.
    """
    cells = terms.cells(offered, system.today)
    settings = {
        "name": name,
        "subteam": subteam,
        "listings_url": listings_url,
        "area": area,
        "timezone": timezone,
        "recording": recording,
        "voicemail_to": voicemail_to,
        "escalates": escalate,
        "ai_answers": ai_answers,
    }
    changed = system.change(profiles.set_up, system.by, slug, settings, cells)
    written = changed.result
    if written is None or not written.is_new:
        output.say_changed(f"property {slug}", changed.is_one)
    else:
        terms.say_written(f"Property {slug}", written)


@property_.command(examples=("property remove elm", "property remove elm --yes", "property remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the property SLUG and its homes out of use, once no line is for it.

    It leaves the site, menus and lists. Tours to come are canceled: people are told, and whoever has their lead gets a
    task. Follow-ups about it end; open tasks and applications stay. History keeps its name, which another property can
    have.
    """
    if deletes:
        system.read(properties.named, slug)
        removing.confirm(f"Delete property {slug}?", yes=yes)
        system.run(properties.remove, system.by, slug)
        output.say(f"Deleted property {slug}.")
        return
    removing.confirm(f"Retire property {slug}?{_ending(system.read(winding_up.ends, system.by, slug))}", yes=yes)
    ended = system.run(winding_up.retire, system.config, system.secrets, system.by, slug)
    output.say(f"Retired property {slug}.{_ending(ended)}")


def _ending(found: WoundUp) -> str:
    """What ends with a property, led by a space; "" if nothing does."""
    homes = "1 home leaves" if found.listings == 1 else f"{found.listings} homes leave"
    tours = "1 tour is" if found.tours == 1 else f"{found.tours} tours are"
    voicemails = "1 voicemail goes" if found.voicemails == 1 else f"{found.voicemails} voicemails go"
    ends = [
        *([f"{homes} the site"] if found.listings else []),
        *([f"{tours} canceled"] if found.tours else []),
        *([f"{voicemails} to {found.passes_to}"] if found.voicemails else []),
    ]
    return f" With it, {', '.join(ends)}." if ends else ""


@property_.command(examples=("property restore elm",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired property SLUG back into use, with its homes, hours and texts, but not on the site yet."""
    found = system.run(winding_up.restore, system.by, slug)
    without = f", without {' and '.join(found.without)}, retired by now" if found.without else ""
    output.say(f"Restored property {slug}{without}; `leaseline property publish {slug}` puts it on the site.")


renaming.add_to(property_, "property", "elm elm-street")


@property_.command(
    "list", json=many(PropertyEntry), examples=("property list", "property list --retired", "property list --json")
)
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all properties."""
    entries = system.read(views.listed, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("property", "name", "area", "portfolio", "subteam", "lines", "listings"),
        ((one.slug, one.name, one.area, one.portfolio, one.subteam, one.lines, one.listings_url) for one in entries),
        first_out=("listings",),
        empty="No property is retired."
        if retired
        else "There are no properties: add one with `leaseline property add`.",
    )


@property_.command(json=one(PropertyEntry), examples=("property show elm",))
@click.argument("slug")
@with_system
def show(system: System, slug: str, as_json: bool) -> None:
    """Show the property SLUG."""
    entry = system.read(views.one, slug)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("property", entry.slug),
            ("name", entry.name),
            ("subteam", entry.subteam),
            ("lines", entry.lines),
            ("recording", entry.recording),
            ("voicemail to", entry.voicemail_to),
            ("escalation", entry.escalates),
            ("voice agent", entry.ai_answers or "as the office says"),
            ("listings", entry.listings_url or "the office's link"),
            ("portfolio", entry.portfolio),
            ("area", entry.area),
            ("time zone", entry.timezone or "the office's"),
        )
    )


@property_.command(json=one(PropertyDetail), examples=("property offer elm", "property offer elm --language es --json"))
@click.argument("slug")
@terms.language_option
@with_system
def offer(system: System, slug: str, language: str, as_json: bool) -> None:
    """Show what the property SLUG offers: address, terms, texts, pictures and answers of the version in force."""
    entry = system.read(property_profiles.property_detail, slug, language)
    if as_json:
        output.print_json(entry)
        return
    address = entry.address
    position = f"{address.latitude}, {address.longitude}" if address.latitude is not None else None
    output.print_entry(
        (
            ("property", f"{entry.name} ({entry.property})"),
            ("state", in_words(listings.ListingState, entry.state)),
            ("version", f"{entry.version} of {entry.latest}" if entry.latest else "none yet"),
            ("address", terms.address_line(address.street, address.city, address.state, address.postal_code)),
            ("position", position),
            *terms.term_lines(entry.terms),
            ("pictures", [one.alt or "(no text)" for one in entry.pictures]),
            ("text", entry.text),
            ("policies", entry.policies),
            ("answers about", [one.topic for one in entry.answers]),
        )
    )
    terms.tell(entry.findings)


@property_.command(
    examples=(
        "property publish elm",
        "property publish elm --despite-findings 'housing for older persons, exemption on file'",
    )
)
@click.argument("slug")
@terms.despite_option
@with_system
def publish(system: System, slug: str, despite: str) -> None:
    """Make the latest version of what the property SLUG offers public, which its listings need.

    Before that, somebody has to decide about any words that the fair-housing check finds.
    """
    with terms.deciding():
        changed = system.run(profiles.publish, system.by, slug, despite=despite)
    output.say(f"Published property {slug}." if changed else f"Property {slug} is already public.")


@property_.command(examples=("property unpublish elm",))
@click.argument("slug")
@with_system
def unpublish(system: System, slug: str) -> None:
    """Withdraw the property SLUG, and with it all its listings, from the public site."""
    changed = system.run(profiles.unpublish, system.by, slug)
    output.say(f"Unpublished property {slug}." if changed else f"Property {slug} was not public.")


@property_.command(json=many(VersionEntry), examples=("property history elm",))
@click.argument("slug")
@with_system
def history(system: System, slug: str, as_json: bool) -> None:
    """List every version of what SLUG offers: who wrote it, when it was public, and who published it."""
    terms.print_history(system, system.read(versions.history_of_property, slug), as_json)


@property_.group(
    cls=Group,
    examples=("property picture add elm front.jpg --alt 'The building from the street'", "property picture list elm"),
)
def picture() -> None:
    """Pictures of a property, in the order they are shown. Each change makes a new version of what it offers."""


@picture.command("add", examples=("property picture add elm front.jpg --alt 'The building from the street' --at 1",))
@click.argument("slug")
@terms.picture_file
@terms.with_alt
@click.option("--at", type=click.IntRange(1, listings.MOST_PICTURES), help="Its position.  [default: the last]")
@with_system
def add_picture(system: System, slug: str, file: Path, alt: str | None, alt_es: str | None, at: int | None) -> None:
    """Add a JPEG, PNG or WebP. It is stored in several sizes, without the camera's metadata."""
    system.read(views.one, slug)
    taken = pictures.take_in(system.config, file)
    change = pictures.added(taken, terms.picture_alts(alt, alt_es), at)
    terms.say_written(f"Property {slug}", system.run(profiles.set_pictures, system.by, slug, change, taken=taken))


@picture.command("list", json=many(PictureEntry), examples=("property picture list elm",))
@click.argument("slug")
@with_system
def list_pictures(system: System, slug: str, as_json: bool) -> None:
    """List the pictures of SLUG's latest version."""
    terms.print_pictures(system.read(property_profiles.pictures_of_property, slug), as_json)


@picture.command("set", examples=("property picture set elm 2 --alt 'The pool'", "property picture set elm 2 --at 1"))
@click.argument("slug")
@terms.picture_number
@terms.with_alt
@click.option("--at", type=click.IntRange(1, listings.MOST_PICTURES), help="Its new position.")
@with_system
def set_picture(system: System, slug: str, number: int, alt: str | None, alt_es: str | None, at: int | None) -> None:
    """Move the picture NUMBER, or describe it."""
    change = pictures.edited(number, terms.picture_alts(alt, alt_es), at)
    terms.say_written(f"Property {slug}", system.run(profiles.set_pictures, system.by, slug, change))


@picture.command("remove", examples=("property picture remove elm 2",))
@click.argument("slug")
@terms.picture_number
@with_system
def remove_picture(system: System, slug: str, number: int) -> None:
    """Remove the picture NUMBER; earlier versions keep it."""
    change = pictures.removed(number)
    terms.say_written(f"Property {slug}", system.run(profiles.set_pictures, system.by, slug, change))


@property_.group(
    cls=Group,
    examples=(
        "property answer set elm vouchers 'We welcome housing choice vouchers.'",
        "property answer list elm",
        "property answer show elm schools --at today",
    ),
)
def answer() -> None:
    """Answers about a topic, such as vouchers, screening, assistance-animals, office-visits or schools, so that
    everybody who asks hears the same."""


_OFFICE = "office"
"""Written in place of a property for the office's answers, which apply to every property without its own."""


def _property(slug: str) -> str | None:
    return None if slug == _OFFICE else slug


@answer.command(
    "set",
    examples=(
        "property answer set elm vouchers 'We welcome housing choice vouchers.'",
        "property answer set office assistance-animals --language es --file answer.txt",
        "property answer set elm schools ''",
    ),
)
@click.argument("slug")
@click.argument("topic")
@click.argument("text", required=False)
@click.option("--file", type=click.File(encoding="utf-8"), help="Take the text from a file; - is standard input.")
@terms.language_option
@terms.despite_option
@with_system
def set_answer(
    system: System, slug: str, topic: str, text: str | None, file: IO[str] | None, language: str, despite: str
) -> None:
    """Set the answer TEXT about TOPIC for the property SLUG; `office` sets it for all without an answer of their own.

    An empty text removes the answer; earlier answers stay on record.
    """
    if (text is None) == (file is None):
        raise WrongInput("Give the text, or a --file with it.")
    with terms.deciding():
        version = system.run(
            answers.give,
            system.by,
            _property(slug),
            topic,
            text if text is not None else terms.read_text(file),
            language,
            despite=despite,
        )
    output.say(f"{slug} about {topic} ({language}): version {version}.")


@answer.command(
    "list", json=many(AnswerEntry), examples=("property answer list elm", "property answer list elm --at today")
)
@click.argument("slug")
@click.option("--at", metavar="WHEN", help="As it was then, such as 2026-03-01 (its end) or '2026-03-01 15:00'.")
@with_system
def list_answers(system: System, slug: str, at: str | None, as_json: bool) -> None:
    """List the answers of the property SLUG, or of the office, in each language."""
    entries = system.read(answer_views.answers_of, _property(slug), at=terms.until_of(system, at) if at else None)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("topic", "language", "answer", "whose", "version", "since", "by"),
        (
            (
                one.topic,
                one.language,
                one.text if len(one.text) <= 100 else one.text[:99] + "…",
                one.property or _OFFICE,
                one.version,
                output.local(one.made_at, system.config.tz),
                one.made_by,
            )
            for one in entries
        ),
        empty="There are no answers: give one with `leaseline property answer set`.",
    )


@answer.command(
    "show",
    json=one(AnswerEntry),
    examples=("property answer show elm schools", "property answer show elm schools --language es --at today"),
)
@click.argument("slug")
@click.argument("topic")
@click.option("--at", metavar="WHEN", help="As it was then, such as 2026-03-01 (its end) or '2026-03-01 15:00'.")
@terms.language_option
@with_system
def show_answer(system: System, slug: str, topic: str, at: str | None, language: str, as_json: bool) -> None:
    """Show the answer of the property SLUG about TOPIC.

    It is the property's own or the office's, in the language or in English.
    """
    when = terms.until_of(system, at) if at else None
    entry = system.read(answer_views.answer, _property(slug), topic, language, at=when)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("topic", entry.topic),
            ("language", entry.language),
            ("whose", entry.property or _OFFICE),
            ("version", f"{entry.version}, {output.local(entry.made_at, system.config.tz)} by {entry.made_by}"),
            ("answer", entry.text),
        )
    )


# The name under which the command line loads it.
property = property_
