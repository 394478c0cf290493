"""Options and output that listings and properties share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import IO, Any

import click

from crm.commands import output
from crm.commands.command import (
    OR_NONE,
    FilePath,
    System,
    WrongInput,
)
from crm.config import AI_ANSWERS
from crm.domain import fields, listings
from crm.domain.errors import Conflict, Invalid
from crm.domain.fair_housing import WordsFound
from crm.services.listings import pictures
from crm.services.listings.versions import Written
from crm.views.listing_parts import PictureEntry, TermsEntry
from crm.views.versions import VersionEntry

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

language_option = click.option(
    "--language",
    type=click.Choice(listings.LANGUAGES),
    default=listings.LANGUAGES[0],
    show_default=True,
    help="Language of the text.",
)
ai_answers_option = click.option(
    "--ai-answers",
    type=click.Choice((*AI_ANSWERS, "default")),
    callback=lambda context, option, given: "" if given == "default" else given,
    help="When the voice agent answers its callers; default: as is set for more than this.",
)
despite_option = click.option(
    "--despite-findings",
    "despite",
    metavar="REASON",
    default="",
    help="Publish words that the fair-housing check found; the reason and your name stay on record.",
)

_TERMS: tuple[Decorator, ...] = (
    click.option("--pets", help="Such as '2 cats, monthly 25; 1 dog, up to 50 lb, deposit 300', or none."),
    click.option("--fees", help="Such as 'application 50 per applicant: credit check; parking 40 monthly', or none."),
    click.option("--utilities", help=f"Included in the rent, of: {', '.join(listings.Utility)}; or none."),
    click.option("--parking", help=f"One or more of: {', '.join(listings.ParkingKind)}."),
    click.option("--laundry", help=f"One or more of: {', '.join(listings.Laundry)}."),
    click.option("--lease-months", help="Lease terms in months, such as '6, 12'."),
    click.option("--accessibility", help=f"One or more of: {', '.join(listings.Access)}; or none."),
)
_HOME: tuple[Decorator, ...] = (
    click.option("--bedrooms", metavar="NUMBER", help="0 is a studio."),
    click.option("--bathrooms", metavar="NUMBER", help="Such as 1.5."),
    click.option("--square-feet", metavar="NUMBER"),
    click.option("--rent", metavar="AMOUNT", help="Per month."),
    click.option("--deposit", metavar="AMOUNT"),
    click.option("--available-on", type=OR_NONE, metavar="DATE", help="none if not known yet."),
    *_TERMS,
    language_option,
    click.option("--headline", help="One line, in --language."),
    click.option("--text", help="The description of the home, in --language."),
    click.option("--text-file", type=click.File(encoding="utf-8"), help="The same, from a file; - is standard input."),
    click.option("--concession", help="Such as '1 month free', in --language."),
)
_PROPERTY: tuple[Decorator, ...] = (
    click.option("--street", help="House number and street."),
    click.option("--city"),
    click.option("--state", metavar="XX"),
    click.option("--postal-code", metavar="CODE"),
    click.option("--position", metavar="'LAT, LON'", help="On the map, such as '30.2672, -97.7431'."),
    *_TERMS,
    language_option,
    click.option("--text", help="The description of the property, in --language."),
    click.option("--text-file", type=click.File(encoding="utf-8"), help="The same, from a file; - is standard input."),
    click.option("--policies", help="Rules, such as about smoking, in --language."),
)
_IN_LANGUAGES = ("headline", "text", "concession", "policies")


def home_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that describe a home; `cells` collects their values."""
    return _with(command, _HOME)


def property_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that describe a property; `cells` collects their values."""
    return _with(command, _PROPERTY)


def _with(command: Callable[..., Any], options: Iterable[Decorator]) -> Callable[..., Any]:
    for option in reversed(tuple(options)):
        command = option(command)
    return command


def cells(given: dict[str, Any], today: date) -> dict[str, str]:
    """Returns the options that were given, as texts by column. Raises WrongInput, Invalid."""
    if given.get("available_on"):
        given["available_on"] = fields.day(given["available_on"], today).isoformat()
    language = given.pop("language")
    file: IO[str] | None = given.pop("text_file", None)
    if file is not None:
        if given.get("text") is not None:
            raise WrongInput("Give either --text or --text-file.")
        given["text"] = read_text(file)
    return {
        f"{name}_{language}" if name in _IN_LANGUAGES else name: value
        for name, value in given.items()
        if value is not None
    }


def read_text(file: IO[str] | None) -> str:
    """Reads a text from a file. Raises WrongInput."""
    assert file is not None
    try:
        return file.read(100_000)
    except UnicodeDecodeError:
        raise WrongInput("The text's file is not UTF-8: save it as UTF-8.") from None


@contextmanager
def deciding() -> Iterator[None]:
    """Prints the findings that somebody has to decide about; the error itself names the first."""
    try:
        yield
    except Conflict as error:
        if error.code == "findings_undecided":
            findings = error.facts["findings"]
            assert isinstance(findings, list)
            for finding in findings[1:]:
                output.hint(str(finding))
        raise


def say_written(what: str, written: Written) -> None:
    """Prints the result of a change."""
    if not written.is_new:
        output.say(f"Nothing changes: {what[:1].lower()}{what[1:]} already says that.")
        return
    output.say(f"Changed {what.lower() if what.startswith('Listing') else what}: version {written.version}.")
    if written.waits:
        tell(written.waits)
        output.hint("The previous version stays public until somebody publishes this one.")


def tell(findings: Iterable[WordsFound | str]) -> None:
    for finding in findings:
        output.hint(str(finding))


def until_of(system: System, at: str) -> datetime:
    """Returns the time that `--at` means; for a day, its end. Raises Invalid."""
    try:
        found = fields.until(at, system.config.tz, system.now) - timedelta(microseconds=1)
    except Invalid:
        found = fields.moment(at, system.config.tz, system.now)
    return min(found, system.now)


def term_lines(terms: TermsEntry) -> list[tuple[str, object]]:
    """Returns the lines for `print_entry`."""
    pets = None
    if terms.pets is not None:
        pets = listings.pets_as_text(
            listings.PetPolicy(
                tuple(
                    listings.Pets(one.kind, one.most, one.pounds, one.deposit, one.monthly)
                    for one in terms.pets.allowed
                ),
                terms.pets.note,
            )
        )
    fees = None
    if terms.fees is not None:
        fees = [
            f"{fee.name} {listings.plain(fee.amount)}"
            + ("" if fee.per == listings.Per.ONCE else f" {fee.per}")
            + (f" ({fee.purpose})" if fee.purpose else "")
            for fee in terms.fees
        ] or ["none"]
    return [
        ("pets", pets),
        ("fees", fees),
        ("application fee", terms.application_fee),
        ("utilities in rent", _or_none(terms.utilities)),
        ("parking", _or_none(terms.parking)),
        ("laundry", _or_none(terms.laundry)),
        ("lease, months", terms.lease_months),
        ("accessibility", _or_none(terms.accessibility)),
    ]


def _or_none(values: list[str] | None) -> list[str] | None:
    return ["none"] if values == [] else values


def address_line(street: str, city: str, state: str, postal_code: str) -> str:
    return ", ".join(part for part in (street, city, f"{state} {postal_code}".strip()) if part)


def print_pictures(entries: list[PictureEntry], as_json: bool) -> None:
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("picture", "shows", "size", "file"),
        (
            (number, one.alt, f"{one.width} x {one.height}", f"{one.hash[:12]}...")
            for number, one in enumerate(entries, start=1)
        ),
        empty="There are no pictures.",
    )


def print_history(system: System, entries: list[VersionEntry], as_json: bool) -> None:
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("version", "written", "by", "public from", "until", "published by", "despite"),
        (
            (
                one.version,
                output.local(one.made_at, tz),
                one.made_by,
                output.local(one.public_from, tz),
                output.local(one.public_until, tz),
                one.decided_by,
                f"{output.counted(len(one.findings), 'finding')}: {one.despite}" if one.findings else "",
            )
            for one in entries
        ),
        empty="There is no version yet.",
    )


def picture_alts(alt: str | None, alt_es: str | None) -> dict[str, str]:
    return pictures.languages(alt, alt_es)


alt_options: tuple[Decorator, ...] = (
    click.option("--alt", metavar="TEXT", help="What it shows, for people who cannot see it."),
    click.option("--alt-es", metavar="TEXT", help="The same in Spanish."),
)


def with_alt(command: Callable[..., Any]) -> Callable[..., Any]:
    return _with(command, alt_options)


picture_file = click.argument("file", type=FilePath())
picture_number = click.argument("number", type=click.IntRange(1, listings.MOST_PICTURES))
