"""`leaseline contact`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import OR_NONE, Group, System, cut, limit_option, many, with_system
from crm.domain.route_inputs import CONTACT_KINDS
from crm.services.office import properties
from crm.services.people import contacts
from crm.views import contacts as views
from crm.views.contacts import ContactEntry


@click.group(
    cls=Group,
    examples=(
        "contact add '(512) 555-0142' --kind resident --property elm --name 'Carol'",
        "contact list --kind vendor",
    ),
)
def contact() -> None:
    """Residents, owners and vendors, recognized by their number.

    They do not hear the leasing menu: they are asked whether they call about an emergency, something else, or a home to
    rent, and are connected to their desk (`leaseline desk`). Their calls make no lead and no texts about listings.
    `leaseline import contacts.csv` loads many at once.
    """


@contact.command(
    examples=(
        "contact add '(512) 555-0142' --kind resident --property elm --name 'Carol'",
        "contact add +15125550143 --kind vendor --name 'Elm Street Plumbing'",
    )
)
@click.argument("number")
@click.option("--kind", required=True, type=click.Choice(CONTACT_KINDS), help="Who they are.")
@click.option("--name", default="", help="As people know them.")
@click.option("--property", "property_slug", metavar="SLUG", help="The property they belong to.")
@with_system
def add(system: System, number: str, kind: str, name: str, property_slug: str | None) -> None:
    """Add the person with this NUMBER, written in any usual way. One number is one person."""
    stored = system.run(
        contacts.add, system.config, system.by, number, kind=kind, name=name, property_slug=property_slug
    )
    output.say(f"Added {kind} {system.shown(stored)}.")


@contact.command("list", json=many(ContactEntry), examples=("contact list --kind resident --property elm --json",))
@click.option("--kind", type=click.Choice(CONTACT_KINDS), help="Only these.")
@click.option("--property", "property_slug", metavar="SLUG", help="Only those of this property.")
@limit_option()
@with_system
def list_(system: System, kind: str | None, property_slug: str | None, limit: int, as_json: bool) -> None:
    """List contacts by kind and name."""
    with system.store.reading() as session:
        if property_slug is not None:
            properties.named(session, property_slug)
        found = views.listed(session, kind=kind, property_slug=property_slug, limit=limit + 1)
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("number", "kind", "name", "property"),
        ((system.shown(one.number), one.kind, one.name, one.property) for one in entries),
        empty="There are no contacts: `leaseline contact add` adds one, `leaseline import contacts.csv` many.",
    )


@contact.command("set", examples=("contact set '(512) 555-0142' --kind owner --property ''",))
@click.argument("number")
@click.option("--kind", type=click.Choice(CONTACT_KINDS), help="Who they are.")
@click.option("--name", help="As people know them; '' for none.")
@click.option(
    "--property", "property_slug", type=OR_NONE, metavar="SLUG", help="The property they belong to; none removes it."
)
@click.option("--number", "new", metavar="NUMBER", help="Their new number.")
@with_system
def change(
    system: System, number: str, kind: str | None, name: str | None, property_slug: str | None, new: str | None
) -> None:
    """Change the contact with this NUMBER; options not given leave things as they are."""
    changed = system.change(
        contacts.change,
        system.config,
        system.by,
        number,
        kind=kind,
        name=name,
        property_slug=property_slug,
        new_number=new,
    )
    output.say_changed(f"{system.shown(changed.result)}", changed.is_one)


@contact.command(examples=("contact remove '(512) 555-0142'",))
@click.argument("number")
@with_system
def remove(system: System, number: str) -> None:
    """Remove the contact with this NUMBER; the caller is then a prospect again. Their calls stay on record."""
    stored = system.run(contacts.remove, system.config, system.by, number)
    output.say(f"{system.shown(stored)} is no longer a contact.")
