"""`leaseline listing`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from crm.commands import files, output, removing, terms
from crm.commands.command import (
    ID,
    CodeChoice,
    FilePath,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    one,
    with_system,
)
from crm.commands.import_ import show_imported, tell_all
from crm.domain import fields, listings
from crm.domain.counting import one_or_many
from crm.domain.imports import ListKind, Wrong
from crm.domain.listings import ListingFilter, ListingState
from crm.services.listings import feed, homes, pictures
from crm.services.system import imports
from crm.views import known, versions
from crm.views import listings as views
from crm.views import properties as property_views
from crm.views.listing_parts import PictureEntry
from crm.views.listings import ListingDetail, ListingEntry
from crm.views.system import ImportedEntry
from crm.views.versions import VersionEntry
from crm.words.codes import in_words

PETS = click.Choice(listings.SEARCHABLE_PETS)


@click.group(
    cls=Group,
    examples=(
        "listing add elm 204B --bedrooms 2 --bathrooms 1.5 --rent 1450 --available-on 2026-05-01",
        "listing publish 2",
        "listing list --property elm --state published",
        "listing show 2 --at today",
    ),
)
def listing() -> None:
    """Homes for rent: what is offered, and what was."""


@listing.command(
    examples=(
        "listing add elm 204B --bedrooms 2 --bathrooms 1.5 --rent 1450 --deposit 500 --available-on 2026-05-01",
        "listing add elm 12 --bedrooms 0 --bathrooms 1 --rent 990 --pets '2 cats, monthly 25' --text 'By the park.'",
    )
)
@click.argument("property")
@click.argument("unit")
@terms.home_options
@with_system
def add(system: System, /, property: str, unit: str, **given: Any) -> None:
    """Add a listing for the home UNIT of PROPERTY; it is not public until it is published.

    Terms that are not given are the property's.
    """
    found = system.run(homes.add, system.by, property, unit, terms.cells(given, system.today))
    output.say(f"Added listing {found.id}: {property} {unit}. Publish it with `leaseline listing publish {found.id}`.")


@listing.command(
    "set",
    examples=(
        "listing set 2 --rent 1495 --available-on 2026-06-01",
        "listing set 2 --language es --text 'Junto al parque.'",
        "listing set 2 --fees 'application 50 per applicant: credit check' --pets ''",
    ),
)
@click.argument("listing", type=ID)
@terms.home_options
@with_system
def change(system: System, /, listing: int, **given: Any) -> None:
    """Change LISTING, which makes a new version; an empty text clears a field.

    If the listing is public, the new version is public at once, unless the fair-housing check finds words that nobody
    has accepted.
    """
    cells = terms.cells(given, system.today)
    if not cells:
        raise WrongInput("Nothing to change: give --rent, --available-on or another option.")
    terms.say_written(f"Listing {listing}", system.run(homes.change, system.by, listing, cells))


@listing.command(
    "list",
    json=many(ListingEntry),
    examples=(
        "listing list --state published",
        "listing list --property elm --beds 2 --rent-to 1500 --available-by 2026-05-01 --pets dogs",
        "listing list --retired",
        "listing list --after 2 --json",
    ),
)
@click.option("--property", metavar="SLUG", help="Only those of this property.")
@click.option(
    "--state",
    type=CodeChoice(ListingState),
    help="Only these; changed: published, with a later version that is not.",
)
@click.option("--beds", type=click.IntRange(0, 20), help="Only those with this number of bedrooms; 0 is a studio.")
@click.option("--rent-from", metavar="AMOUNT", help="Only those with at least this rent.")
@click.option("--rent-to", metavar="AMOUNT", help="Only those with at most this rent.")
@click.option("--available-by", metavar="DATE", help="Only those available by then.")
@click.option("--pets", type=PETS, help="Only those that allow them.")
@click.option("--after", type=ID, metavar="LISTING", help="Only those after this one in the list.")
@removing.retired_option
@limit_option()
@with_system
def list_(
    system: System,
    property: str | None,
    state: str | None,
    beds: int | None,
    rent_from: str | None,
    rent_to: str | None,
    available_by: str | None,
    pets: str | None,
    after: int | None,
    retired: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List homes for rent, by rent."""
    system.read(known.check, property=property)
    least, most = (listings.money(text) if text else None for text in (rent_from, rent_to))
    if least is not None and most is not None and most < least:
        raise WrongInput("--rent-to is less than --rent-from: give a higher end, or a lower beginning.")
    wanted = ListingFilter(
        property=property,
        state=state,
        bedrooms=beds,
        rent_from=least,
        rent_to=most,
        available_by=fields.day(available_by, system.today) if available_by else None,
        pets=pets,
    )
    key = None
    if after is not None:
        last = system.read(homes.named, after)
        key = (last.rent, last.id)
    entries = cut(system.read(views.listed, system.now, wanted, retired=retired, after=key, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("listing", "property", "unit", "beds", "baths", "sq ft", "rent", "deposit", "available", "state", "headline"),
        (
            (
                entry.id,
                entry.property,
                entry.unit,
                entry.bedrooms,
                listings.plain_count(entry.bathrooms),
                entry.square_feet,
                listings.plain(entry.rent),
                listings.plain(entry.deposit),
                entry.available_on,
                in_words(ListingState, entry.state),
                entry.headline,
            )
            for entry in entries
        ),
        empty="No listing is retired." if retired else "No listings found: add one with `leaseline listing add`.",
    )


@listing.command(
    json=one(ListingDetail),
    examples=("listing show 2", "listing show 2 --at today", "listing show 2 --version 1 --json"),
)
@click.argument("listing", type=ID)
@click.option("--at", metavar="WHEN", help="As it was then, such as 2026-03-01 (its end) or '2026-03-01 15:00'.")
@click.option("--version", type=click.IntRange(1, 2**31 - 1), help="Show this version.")
@terms.language_option
@with_system
def show(system: System, listing: int, at: str | None, version: int | None, language: str, as_json: bool) -> None:
    """Show LISTING: its version in force, or what was offered at another time."""
    if at and version:
        raise WrongInput("Give either --at or --version.")
    entry = system.read(
        views.one,
        listing,
        system.now,
        version=version,
        at=terms.until_of(system, at) if at else None,
        language=language,
    )
    if as_json:
        output.print_json(entry)
        return
    address = entry.address
    where = terms.address_line(address.street, address.city, address.state, address.postal_code)
    tz = system.config.tz
    output.print_entry(
        (
            ("listing", entry.id),
            ("home", f"{entry.property_name} ({entry.property}), {entry.unit}"),
            ("address", where),
            ("state", in_words(ListingState, entry.state)),
            (
                "version",
                f"{entry.version} of {entry.latest}, written {output.local(entry.made_at, tz)} by {entry.made_by}",
            ),
            ("public", entry.public),
            ("expires", output.local(entry.expires_at, tz)),
            ("rooms", _rooms(entry)),
            ("square feet", entry.square_feet),
            ("rent", listings.plain(entry.rent)),
            ("deposit", listings.plain(entry.deposit)),
            ("available", entry.available_on or "not known yet"),
            ("concession", entry.concession),
            *terms.term_lines(entry.terms),
            ("pictures", [one.alt or "(no text)" for one in entry.pictures]),
            ("headline", entry.headline),
            ("text", entry.text),
            ("policies", entry.policies),
        )
    )
    terms.tell(entry.findings)


def _rooms(entry: ListingDetail) -> str:
    baths = one_or_many(entry.bathrooms == 1, "bathroom", "bathrooms")
    beds = output.counted(entry.bedrooms, "bedroom") if entry.bedrooms else "studio"
    return f"{beds}, {listings.plain_count(entry.bathrooms)} {baths}"


@listing.command(json=many(VersionEntry), examples=("listing history 2", "listing history 2 --json"))
@click.argument("listing", type=ID)
@with_system
def history(system: System, listing: int, as_json: bool) -> None:
    """List every version of LISTING: who wrote it, when it was public, and who published it."""
    terms.print_history(system, system.read(versions.history, listing), as_json)


@listing.command(examples=("listing check 2",))
@click.argument("listing", type=ID)
@with_system
def check(system: System, listing: int) -> None:
    """List words in LISTING's latest version that may express a preference for, or exclude, people whom fair-housing
    laws protect.

    The check knows phrases, not what they mean, and is no legal advice.
    """
    latest = system.read(homes.named, listing).latest
    findings = system.read(views.one, listing, system.now, version=latest).findings
    for finding in findings:
        output.say(finding)
    if not findings:
        output.say("The check found nothing.")


@listing.command(
    examples=(
        "listing publish 2",
        "listing publish 2 3 4 --until 2026-06-30",
        "listing publish 2 --despite-findings 'housing for older persons, exemption on file'",
    )
)
@click.argument("listings_", metavar="LISTING...", type=ID, nargs=-1, required=True)
@click.option("--until", metavar="DATE", help="The last day on which it is public.")
@terms.despite_option
@with_system
def publish(system: System, listings_: tuple[int, ...], until: str | None, despite: str) -> None:
    """Make the latest version of each LISTING public.

    Before that, somebody has to decide about any words that the fair-housing check finds.
    """
    day = fields.day(until, system.today) if until else None
    with terms.deciding():
        changed = system.run(homes.publish, system.config, system.by, listings_, until=day, despite=despite)
    output.say(f"Published {output.counted(changed, 'listing')}." if changed else "They are already public.")


@listing.command(examples=("listing unpublish 2", "listing unpublish 2 3"))
@click.argument("listings_", metavar="LISTING...", type=ID, nargs=-1, required=True)
@with_system
def unpublish(system: System, listings_: tuple[int, ...]) -> None:
    """Withdraw each LISTING from the public site, for example once it is rented."""
    changed = system.run(homes.unpublish, system.by, listings_)
    output.say(f"Unpublished {output.counted(changed, 'listing')}." if changed else "They were not public.")


@listing.command(examples=("listing remove 2", "listing remove 2 --yes", "listing remove 4 --delete"))
@click.argument("listing", type=ID)
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, listing: int, deletes: bool, yes: bool) -> None:
    """Take the home of LISTING out of use, off the site.

    Leads and applications go on naming it, and another home of the property can have its unit's name.
    """
    found = system.read(views.one, listing, system.now)
    what, home = "Delete" if deletes else "Retire", f"listing {listing}, {found.property} {output.safe(found.unit)}"
    removing.confirm(f"{what} {home}?", yes=yes)
    system.run(homes.remove if deletes else homes.retire, system.by, listing)
    output.say(f"{what}d {home}.")


@listing.command(examples=("listing rename 2 204B",))
@click.argument("listing", type=ID)
@click.argument("new")
@with_system
def rename(system: System, listing: int, new: str) -> None:
    """Call the home of LISTING, its unit, NEW.

    Everything follows. The old name goes on meaning it, in lists that are imported and in posts of portals, until
    another home of the property gets that name.
    """
    old = system.run(homes.rename, system.by, listing, new)
    output.say(f"Renamed unit {output.safe(old)} of listing {listing} to {output.safe(new)}.")


@listing.command(examples=("listing restore 2",))
@click.argument("listing", type=ID)
@with_system
def restore(system: System, listing: int) -> None:
    """Take the home of a retired LISTING back into use, not published."""
    unit = system.run(homes.restore, system.by, listing)
    output.say(f"Restored listing {listing}, unit {output.safe(unit.name)}; `leaseline listing publish` publishes it.")


@listing.command(examples=("listing expire 2 --on 2026-06-30", "listing expire 2 --never"))
@click.argument("listings_", metavar="LISTING...", type=ID, nargs=-1, required=True)
@click.option("--on", metavar="DATE", help="The last day, in the property's time zone.")
@click.option("--never", is_flag=True, help="Keep it public until it is unpublished.")
@with_system
def expire(system: System, listings_: tuple[int, ...], on: str | None, never: bool) -> None:
    """Set the last day on which each published LISTING is public."""
    if bool(on) == never:
        raise WrongInput("Say when: --on DATE, or --never.")
    day = fields.day(on, system.today) if on else None
    system.run(homes.expire, system.config, system.by, listings_, day)
    output.say(f"{output.counted(len(listings_), 'listing')}: {f'public through {day}' if day else 'no last day'}.")


@listing.command(
    "import",
    json=many(ImportedEntry),
    examples=(
        "listing import feed.json --pictures pictures/",
        "listing import lists/ --dry-run",
        "listing import units.csv",
    ),
)
@click.argument("file", type=FilePath())
@click.option("--pictures", "folder", type=FilePath(), help="Folder with the feed's pictures, as HASH.webp.")
@click.option("--dry-run", is_flag=True, help="Check everything, but write nothing.")
@terms.despite_option
@with_system
def import_(system: System, file: Path, folder: Path | None, dry_run: bool, despite: str, as_json: bool) -> None:
    """Import what `listing export` writes: a JSON feed, or CSV as `leaseline import` reads it.

    Everything is checked before anything is written; listings that the file does not name stay.
    """
    try:
        if file.suffix.lower() == ".json":
            lists = feed.read_json(_content(file))
        else:
            if file.suffix.lower() == ".csv" and file.stem.lower() not in list(ListKind):
                _kind_of(file)
            lists = imports.read(file)
            if others := [kind.value for kind in lists.rows if kind not in feed.KINDS]:
                raise WrongInput(f"Listings have no {others[0]}: use `leaseline import`.")
        taken = []
        if folder:
            # Files first: a picture without a listing does no harm, but a listing without its files would.
            ours = None if dry_run or lists.problems else system.config.pictures_folder
            taken = feed.take_in_pictures(feed.wanted_pictures(lists), folder, ours)
        with output.progress("Importing") as tell:
            done = imports.load(
                system.store,
                system.config,
                system.secrets,
                system.by,
                lists,
                taken,
                progress=tell,
                despite=despite,
                dry_run=dry_run,
            )
    except Wrong as wrong:
        tell_all(wrong)
    show_imported(done, as_json, empty="The file is empty.")
    if dry_run and not as_json:
        output.say("Nothing was written, because of --dry-run.")


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > feed.LONGEST_FEED:
            raise WrongInput(f"{file} is larger than {feed.LONGEST_FEED // 1_000_000} MB: export by --property.")
        return file.read_bytes()
    except OSError as error:
        raise WrongInput(f"{file} cannot be read ({error.strerror}): name another file.") from None


@listing.command(
    "export",
    examples=(
        "listing export feed.json --pictures pictures/",
        "listing export lists/",
        "listing export units.csv --property elm",
    ),
)
@click.argument("file", type=FilePath())
@click.option("--property", metavar="SLUG", help="Only this property.")
@click.option("--pictures", "folder", type=FilePath(), help="Also copy the pictures to this folder, as HASH.webp.")
@click.option("--raw", is_flag=True, help="CSV for programs: cells that look like formulas are left as they are.")
@with_system
def export(system: System, file: Path, property: str | None, folder: Path | None, raw: bool) -> None:
    """Export all listings with their properties and answers, each in its latest version.

    A file named *.json becomes a JSON feed; CSV goes to properties.csv, units.csv or answers.csv, or all three into a
    folder. Only the feed has pictures.
    """
    if property is not None:
        system.read(property_views.one, property)
    with output.progress("Exporting") as tell:
        if file.suffix.lower() == ".json":
            with files.written({"": file}) as opened:
                named = system.read(feed.write_json, opened[""], system.config.tz, system.now, property, tell)
            if folder is not None:
                kept = system.read(feed.widths, named)
                missing = feed.copy_pictures(kept, system.config.pictures_folder, folder)
                if missing:
                    output.hint(f"{output.counted(missing, 'picture')} had no file: restore pictures/ from a backup.")
        else:
            if folder is not None:
                raise WrongInput("CSV has no pictures: name a file like feed.json.")
            with files.written(_tables(file)) as opened:
                system.read(
                    feed.write_csv,
                    {ListKind(kind): table for kind, table in opened.items()},
                    system.config.tz,
                    system.now,
                    property,
                    raw,
                    tell,
                )
    output.say(f"Wrote {file}.")


def _kind_of(file: Path) -> str:
    """What a CSV file lists, by its name. Raises WrongInput."""
    names = [kind.value for kind in feed.KINDS]
    if (name := file.stem.lower()) not in names:
        raise WrongInput(
            f"{file.name} does not say what it lists: name it {' or '.join(f'{one}.csv' for one in names)}."
        )
    return name


def _tables(file: Path) -> dict[str, Path]:
    """Returns the file for each list. Raises WrongInput."""
    names = [kind.value for kind in feed.KINDS]
    if file.suffix.lower() == ".csv":
        return {_kind_of(file): file}
    try:
        file.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"{file} cannot be created ({error.strerror}): choose another folder.") from None
    return {name: file / f"{name}.csv" for name in names}


@listing.group(
    cls=Group,
    examples=("listing picture add 2 kitchen.jpg --alt 'Kitchen with a window'", "listing picture list 2"),
)
def picture() -> None:
    """Pictures of a home, in the order they are shown. Each change makes a new version of the listing."""


@picture.command(
    "add",
    examples=(
        "listing picture add 2 kitchen.jpg --alt 'Kitchen with a window' --alt-es 'Cocina con ventana'",
        "listing picture add 2 front.png --at 1",
    ),
)
@click.argument("listing", type=ID)
@terms.picture_file
@terms.with_alt
@click.option("--at", type=click.IntRange(1, listings.MOST_PICTURES), help="Its position.  [default: the last]")
@with_system
def add_picture(system: System, listing: int, file: Path, alt: str | None, alt_es: str | None, at: int | None) -> None:
    """Add a JPEG, PNG or WebP. It is stored in several sizes, without the camera's metadata."""
    system.read(homes.named, listing)
    taken = pictures.take_in(system.config, file)
    written = system.run(
        homes.set_pictures,
        system.by,
        listing,
        pictures.added(taken, terms.picture_alts(alt, alt_es), at),
        taken=taken,
    )
    terms.say_written(f"Listing {listing}", written)


@picture.command("list", json=many(PictureEntry), examples=("listing picture list 2",))
@click.argument("listing", type=ID)
@with_system
def list_pictures(system: System, listing: int, as_json: bool) -> None:
    """List the pictures of LISTING's latest version."""
    latest = system.read(homes.named, listing).latest
    terms.print_pictures(system.read(views.one, listing, system.now, version=latest).pictures, as_json)


@picture.command("set", examples=("listing picture set 2 1 --alt 'Bath with a tub'", "listing picture set 2 1 --at 1"))
@click.argument("listing", type=ID)
@terms.picture_number
@terms.with_alt
@click.option("--at", type=click.IntRange(1, listings.MOST_PICTURES), help="Its new position.")
@with_system
def set_picture(system: System, listing: int, number: int, alt: str | None, alt_es: str | None, at: int | None) -> None:
    """Move the picture NUMBER, or describe it."""
    change = pictures.edited(number, terms.picture_alts(alt, alt_es), at)
    terms.say_written(f"Listing {listing}", system.run(homes.set_pictures, system.by, listing, change))


@picture.command("remove", examples=("listing picture remove 2 1",))
@click.argument("listing", type=ID)
@terms.picture_number
@with_system
def remove_picture(system: System, listing: int, number: int) -> None:
    """Remove the picture NUMBER; earlier versions keep it."""
    written = system.run(homes.set_pictures, system.by, listing, pictures.removed(number))
    terms.say_written(f"Listing {listing}", written)
