"""`leaseline site`."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from itertools import islice

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    Failure,
    Group,
    System,
    many,
    one,
    with_system,
)
from crm.services.people import short_links
from crm.views import site as views
from crm.views.site import CheckedPage, SiteOverview

MOST_BYTES = 30_000
"""For a page without its pictures; larger ones are slow to open on a phone."""
DAYS = 7


@click.group(cls=Group, examples=("site show", "site check", "site link '(512) 555-0199' --property elm"))
def site() -> None:
    """The public site: where it is, whether its pages open, and links to it."""


@site.command(json=one(SiteOverview), examples=("site show", "site show --json"))
@with_system
def show(system: System, as_json: bool) -> None:
    """Show where the site is, and what it offers and brings in."""
    since = system.now - timedelta(days=DAYS)
    found = system.read(views.overview, system.config, system.now, since)
    if as_json:
        output.print_json(found)
        return
    output.print_entry(
        (
            ("public address", found.public_url or "none yet: set site.public_url"),
            ("address on this machine", found.local_url),
            ("homes", found.homes),
            ("properties", found.properties),
            (f"forms in {DAYS} days", ", ".join(f"{count} {kind}" for kind, count in found.forms.items()) or "none"),
            (f"links sent in {DAYS} days", found.links_sent),
            ("of those, opened", found.links_opened),
        )
    )
    if not found.homes:
        output.hint("Nothing is offered yet: see `leaseline listing --help`.")


@site.command(json=many(CheckedPage), examples=("site check", "site check --pages 20", "site check --json"))
@click.option(
    "--pages", type=click.IntRange(1, 200), default=100, show_default=True, help="How many pages to open at most."
)
@with_system
def check(system: System, pages: int, as_json: bool) -> None:
    """Open the pages on this machine, and list those that fail or are too large. The exit status is 1 if there are
    any."""
    import httpx

    paths = system.read(lambda session: list(islice(views.paths(session, system.now), pages)))
    checked = []
    base = views.local_url(system.config)
    try:
        with httpx.Client(base_url=base, timeout=10) as client, output.progress("Opening pages") as progress:
            for done, path in enumerate(paths):
                progress(done, len(paths))
                began = time.perf_counter()
                answer = client.get(path)
                milliseconds = round((time.perf_counter() - began) * 1000)
                checked.append(CheckedPage(path, answer.status_code, len(answer.content), milliseconds))
    except httpx.TransportError:
        raise Failure(
            f"The site does not answer at {base}: start it with `leaseline up` or `leaseline serve --only site`."
        ) from None
    wrong = [page for page in checked if page.status != 200 or page.bytes > MOST_BYTES]
    if as_json:
        output.print_json(checked)
    else:
        output.print_table(
            ("page", "status", "bytes", "ms"),
            ((page.path, page.status, page.bytes, page.milliseconds) for page in wrong),
            empty=f"All is well with {output.counted(len(checked), 'page')}.",
        )
    if wrong:
        sys.exit(1)


@site.command(examples=("site link '(512) 555-0199' --property elm", "site link 1 --listing 3", "site link 1"))
@click.argument("lead")
@click.option("--property", "property_", metavar="SLUG", help="Link to this property.")
@click.option("--listing", type=ID, metavar="ID", help="Link to this home.")
@with_system
def link(system: System, lead: str, property_: str | None, listing: int | None) -> None:
    """Print a short link for LEAD (an id, phone number or email address) to send by hand.

    Opening it shows in their timeline. Without an option it leads to the list of homes.
    """

    output.say(
        system.run(short_links.by_hand, system.config, system.now, lead, property_slug=property_, listing_id=listing)
    )
