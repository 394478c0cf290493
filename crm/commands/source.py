"""`leaseline source`."""

from __future__ import annotations

import click

from crm.commands import output, renaming
from crm.commands.command import OR_NONE, Group, System, many, with_system
from crm.services.arrivals import sources
from crm.services.arrivals.sources import MadePath
from crm.services.outbox.carriers import webhook_url
from crm.views import arrivals as views
from crm.views.arrivals import LeadSourceEntry


@click.group(
    cls=Group,
    examples=(
        "source add zillow --name Zillow",
        "source add rent --property elm",
        "source list",
        "source rotate zillow",
    ),
)
def source() -> None:
    """Listing portals and websites that leads come from."""


@source.command(
    examples=(
        "source add zillow --name Zillow",
        "source add elm-site --property elm --address elm@leads.example.com",
    )
)
@click.argument("slug")
@click.option("--name", default="", help="As a lead's source shows it.  [default: SLUG]")
@click.option("--property", "property_slug", metavar="SLUG", help="The property of inquiries that name none.")
@click.option("--address", default="", metavar="ADDRESS", help="Email to this address counts as from this source.")
@with_system
def add(system: System, slug: str, name: str, property_slug: str | None, address: str) -> None:
    """Add a source called SLUG, and print the web address it can post to. It cannot be shown again."""
    made = system.run(sources.add, system.by, slug, name=name, property_slug=property_slug, address=address)
    _show(system, made)


@source.command("list", json=many(LeadSourceEntry), examples=("source list", "source list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List sources, and when each last sent something."""
    entries = system.read(views.sources, system.now)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("source", "name", "property", "address", "last sent", "old path until"),
        (
            (
                one.slug,
                one.name,
                one.property,
                one.address,
                output.local(one.last_at, tz) or "never",
                output.local(one.old_until, tz),
            )
            for one in entries
        ),
        empty="There are no sources: add one with `leaseline source add`.",
    )


@source.command("set", examples=("source set zillow --property elm", "source set zillow --address ''"))
@click.argument("slug")
@click.option("--name")
@click.option("--property", "property_slug", type=OR_NONE, metavar="SLUG", help="Of this property; none removes it.")
@click.option("--address", type=OR_NONE, metavar="ADDRESS", help="Where its mail arrives; none removes it.")
@with_system
def set_(system: System, slug: str, name: str | None, property_slug: str | None, address: str | None) -> None:
    """Change the source SLUG."""
    changed = system.change(sources.change, system.by, slug, name=name, property_slug=property_slug, address=address)
    output.say_changed(f"source {slug}", changed.is_one)


@source.command(examples=("source rotate zillow", "source rotate zillow --at-once"))
@click.argument("slug")
@click.option("--at-once", is_flag=True, help="Refuse the old address from now on.  [default: in 7 days]")
@with_system
def rotate(system: System, slug: str, at_once: bool) -> None:
    """Give the source SLUG a new web address to post to, and print it. It cannot be shown again."""
    _show(system, system.run(sources.rotate, system.by, slug, at_once=at_once))


@source.command(examples=("source remove zillow",))
@click.argument("slug")
@with_system
def remove(system: System, slug: str) -> None:
    """Remove the source SLUG; its leads stay. Whatever it still posts is refused."""
    system.run(sources.remove, system.by, slug)
    output.say(f"Removed source {slug}.")


renaming.add_to(source, "source", "zillow zillow-austin")


def _show(system: System, made: MadePath) -> None:
    output.say(webhook_url(system.config, made.path) or made.path)
    output.hint(f"{made.source.name} posts to this address. Keep it secret; it cannot be shown again.")
    if not system.config.web.public_url:
        output.hint("It is a path on ports.webhooks: set web.public_url in leaseline.toml to get a full address.")
