"""`leaseline report weekly` and `report review`: a sample of calls for people to review, and their answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from crm.commands import output
from crm.commands.command import (
    Command,
    FilePath,
    System,
    WrongInput,
    many,
    until_option,
    with_system,
)
from crm.commands.import_ import tell_all
from crm.domain import fields, reviews
from crm.domain.calls import Outcome
from crm.domain.imports import Wrong
from crm.domain.leads import LeasingStage
from crm.domain.reviews import ANSWER, NOTE, ReviewAnswer, ReviewSheet
from crm.domain.route_plan import Path as RoutePath
from crm.domain.route_plan import Rule
from crm.domain.tasks import TaskKind
from crm.services import reviews as service
from crm.views import reviews as views
from crm.views.reviews import WeeklyEntry
from crm.words.codes import in_words
from crm.words.sheet import csv_text

LONGEST_FILE = 20_000_000
"""Bytes."""


@click.command(
    cls=Command,
    json=many(WeeklyEntry),
    examples=(
        "report weekly",
        "report weekly --sample 30 --file review.csv",
        "report weekly --since 2026-03-02 --seed 7 --json",
    ),
)
@click.option(
    "--since", default="7d", show_default=True, metavar="WHEN", help="Only from then on: 30d ago, today, or a date."
)
@until_option
@click.option(
    "--sample", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many calls to draw at random."
)
@click.option("--seed", type=int, metavar="NUMBER", help="The same seed draws the same calls again.")
@click.option(
    "--file",
    type=FilePath(),
    metavar="CSV",
    help="Write the sheet into this new file, with columns to fill in: routed_right (yes or no) and note.",
)
@with_system
def weekly(
    system: System, since: str, until: str | None, sample: int, seed: int | None, file: Path | None, as_json: bool
) -> None:
    """Show a random sample of leasing calls as a review sheet: what was decided and why, and what came of it.

    Calls already reviewed are left out. `report review` records the answers, which `report metrics` counts as first
    pass.
    """
    start = fields.since(since, system.config.tz, system.now)
    end = system.until(until, start) or system.now
    entries = system.read(views.sample, start, end, sample, seed)
    if file is not None and not entries:
        # An empty sheet would only be in the way of the next one.
        output.hint("There is no leasing call to review, so no sheet is written.")
    elif file is not None:
        _write(file, entries)
        what = output.counted(len(entries), "call")
        output.hint(f"{what} to review in {file}: fill in {ANSWER}, then `leaseline report review {file}`.")
    if as_json:
        output.print_json(entries)
    elif file is None:
        tz = system.config.tz
        output.print_table(
            ("call", "at", "line", "decided", "why", "talked with", "audio", "the CRM got", "outcome"),
            (
                (
                    one.call,
                    output.local(one.at, tz),
                    one.label or one.line,
                    f"{one.path} ({one.rule})" if one.path else "",
                    " ".join(one.reasons),
                    one.talked_with,
                    one.audio,
                    _got(one, system),
                    one.outcome,
                )
                for one in map(_in_words, entries)
            ),
            first_out=("line", "audio", "talked with", "why", "outcome", "at"),
            empty="There is no leasing call to review.",
        )


def _in_words(one: WeeklyEntry) -> WeeklyEntry:
    """With words in place of codes, for people."""
    kind, _, rest = (one.task or "").partition(", ")
    return msgspec.structs.replace(
        one,
        path=", then ".join(in_words(RoutePath, path) for path in one.path.split(", then ")),
        rule=in_words(Rule, one.rule),
        stage=in_words(LeasingStage, one.stage) or None,
        task=f"{in_words(TaskKind, kind)}, {rest}" if one.task else None,
        outcome=in_words(Outcome, one.outcome),
    )


def _got(one: WeeklyEntry, system: System) -> list[str]:
    return [
        *([f"lead {one.lead}"] if one.lead else []),
        *([f"{one.property}: {one.stage}"] if one.property else []),
        *([f"task: {one.task}"] if one.task else []),
        *([f"tour {output.local(one.tour, system.config.tz)}"] if one.tour else []),
    ]


def _write(file: Path, entries: Sequence[WeeklyEntry]) -> None:
    """Writes a new file only: an existing one may hold answers."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongInput(f"{file} already exists, perhaps with answers: name another file.") from None
    except OSError as error:
        raise WrongInput(f"{file} cannot be written ({error.strerror}): name another file.") from None
    # The byte order mark tells spreadsheets that the file is UTF-8.
    with open(handle, "w", encoding="utf-8-sig", newline="") as sheet:
        sheet.write(csv_text(map(_in_words, entries), WeeklyEntry, (ANSWER, NOTE)))


@click.command(
    cls=Command,
    examples=(
        "report review review.csv",
        "report review leaseline-1772467200.42 no --note 'Wanted Lakeside, Elm Street rang'",
    ),
)
@click.argument("what", metavar="FILE|CALL")
@click.argument("answer", required=False, type=click.Choice(["yes", "no"]))
@click.option("--note", help="Why; only with one CALL.")
@with_system
def review(system: System, what: str, answer: str | None, note: str | None) -> None:
    """Record whether calls were routed right: those in a filled-in sheet FILE, or one CALL.

    A sheet is accepted whole or not at all. Calls without an answer are skipped; a later answer for a call replaces
    an earlier one.
    """
    if answer is not None:
        sheet = ReviewSheet([ReviewAnswer(what, reviews.routed_right(answer), reviews.note(note or ""))], [])
    elif note is not None:
        raise WrongInput("A note belongs to one call: give its id, yes or no, and then --note.")
    else:
        sheet = _read(Path(what))
        if not sheet.answers and not sheet.problems:
            raise WrongInput(f"{what} has no answers: write yes or no under {ANSWER}.")
    try:
        system.run(service.answer, system.by, sheet.answers, sheet.problems)
    except Wrong as wrong:
        tell_all(wrong)
    output.say(f"Recorded {output.counted(len(sheet.answers), 'answer')}.")


def _read(file: Path) -> ReviewSheet:
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise WrongInput(f"{file} is larger than {LONGEST_FILE // 1_000_000} MB: that is not a review sheet.")
        return reviews.read_answers(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInput(
            f"{file} cannot be read ({error.strerror}): name the sheet, or a call's id with yes or no."
        ) from None
    except UnicodeDecodeError as error:
        raise WrongInput(f"{file} is not UTF-8 at byte {error.start}: save it as CSV UTF-8.") from None
    except Wrong as wrong:
        tell_all(wrong)
