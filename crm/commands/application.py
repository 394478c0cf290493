"""`leaseline application`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from crm.commands import output
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
from crm.domain.applications import FIELDS, ApplicationStatus, Step
from crm.services.applications import decisions, documents
from crm.services.people import intake
from crm.views import applications as views
from crm.views import known
from crm.views.applications import ApplicationDetail, ApplicationEntry
from crm.words import applications as words
from crm.words.codes import in_words

_THEIRS = (ApplicationStatus.INVITED, ApplicationStatus.STARTED, ApplicationStatus.SUBMITTED)
"""Statuses that only applicants bring about."""


@click.group(
    cls=Group,
    examples=(
        "application list --status submitted",
        "application show 3",
        "application document 7 --out pay-stub.pdf",
        "application status 3 approved",
    ),
)
def application() -> None:
    """Rental applications that people fill in on the public site."""


@application.command(
    "list",
    json=many(ApplicationEntry),
    examples=("application list --status submitted", "application list --lead pat@example.com --json"),
)
@click.option("--status", type=CodeChoice(ApplicationStatus), help="Only these.")
@click.option("--property", "property_slug", metavar="SLUG", help="Only for homes of this property.")
@click.option("--lead", metavar="LEAD", help="Only this lead's: an id, phone number or email address.")
@limit_option()
@with_system
def list_(
    system: System, status: str | None, property_slug: str | None, lead: str | None, limit: int, as_json: bool
) -> None:
    """List applications, most recently worked on first."""
    lead_id = system.read(_lead_id, system, lead) if lead else None
    system.read(known.check, property=property_slug)
    entries = cut(
        system.read(views.listed, status=status, property_slug=property_slug, lead_id=lead_id, limit=limit + 1), limit
    )
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("application", "lead", "name", "property", "unit", "status", "since", "submitted", "documents"),
        (
            (
                one.id,
                one.lead,
                one.name,
                one.property,
                one.unit,
                in_words(ApplicationStatus, one.status),
                output.local(one.status_at, tz),
                output.local(one.submitted_at, tz),
                one.documents or "",
            )
            for one in entries
        ),
        empty="No applications found.",
    )


@application.command(json=one(ApplicationDetail), examples=("application show 3", "application show 3 --json"))
@click.argument("application", type=ID)
@with_system
def show(system: System, application: int, as_json: bool) -> None:
    """Show an APPLICATION with everything the applicant wrote."""
    detail = system.read(views.one, application)
    if as_json:
        output.print_json(detail)
        return
    tz = system.config.tz
    output.print_entry(
        (
            ("application", detail.id),
            ("lead", detail.lead),
            ("name", detail.name or "unknown"),
            ("email", detail.email),
            ("for", f"{detail.property}{f' {detail.unit}' if detail.unit else ''}"),
            ("status", f"{in_words(ApplicationStatus, detail.status)} since {output.local(detail.status_at, tz)}"),
            ("reason", detail.reason),
            ("started", output.local(detail.began_at, tz)),
            ("submitted", output.local(detail.submitted_at, tz)),
            ("application fee", f"{detail.fee}, as it was stated" if detail.fee else ""),
            ("language", detail.language),
            ("signed", f"{detail.signature} (wording {detail.wording_version})" if detail.signature else ""),
        )
    )
    for step in Step:
        if step.value in detail.answers:
            _print_step(step, detail.answers[step.value])
    if detail.files:
        output.print_heading("Documents")
        output.print_table(
            ("document", "kind", "name", "type", "bytes", "sent"),
            (
                (file.id, file.kind, file.name, file.media_type, f"{file.bytes:,}", output.local(file.uploaded_at, tz))
                for file in detail.files
            ),
            empty="",
        )


@application.command(
    json=one(ApplicationEntry),
    examples=(
        "application status 3 in_review",
        "application status 3 denied --reason 'income below the stated criteria'",
    ),
)
@click.argument("application", type=ID)
@click.argument("status", type=CodeChoice(ApplicationStatus, without=_THEIRS))
@click.option("--reason", default="", help="Why; a denial needs one. It is kept, and not sent to anybody.")
@with_system
def status(system: System, application: int, status: str, reason: str, as_json: bool) -> None:
    """Set the status of an APPLICATION: in review, approved, denied or withdrawn. The applicant is not notified."""
    wanted = ApplicationStatus(status)
    system.run(decisions.set_status, system.config, system.by, application, wanted, reason)
    if as_json:
        output.print_json(system.read(views.entry, application))
    else:
        output.say(f"Application {application} is {in_words(ApplicationStatus, status)}.")
    if wanted is ApplicationStatus.DENIED:
        output.hint(words.ADVERSE_ACTION)


@application.command(
    examples=("application document 7 --out pay-stub.pdf",),
)
@click.argument("document", type=ID)
@click.option("--out", type=FilePath(), required=True, metavar="FILE", help="Where to write it.")
@with_system
def document(system: System, document: int, out: Path) -> None:
    """Write a DOCUMENT of an application to a file, as the applicant sent it. `application show` lists them.

    It came from outside: look at it with a program that is up to date. Who reads one is in the audit log.
    """
    found = system.run(documents.read, system.config, system.by, document)
    try:
        # Never over what is there already.
        with out.open("xb") as file:
            out.chmod(0o600)
            with found.path.open("rb") as kept:
                shutil.copyfileobj(kept, file)
    except FileExistsError:
        raise WrongInput(f"{out} exists already: name another file.") from None
    except OSError as error:
        raise WrongInput(f"{out} cannot be written ({error.strerror}): choose another place.") from None
    output.say(f"Wrote {found.name} ({found.media_type}) to {out}.")


def _print_step(step: Step, answers: Mapping[str, Any]) -> None:
    asked = FIELDS[step]
    if not (asked.fields or asked.groups):
        return
    output.print_heading(words.label(step.value))
    output.print_entry(
        (words.label(f"{step.value}_{field.name}"), answers.get(field.name, "")) for field in asked.fields
    )
    for group in asked.groups:
        for number, some in enumerate(answers.get(group.name) or [], start=1):
            output.print_heading(f"{words.label(group.name)} {number}")
            output.print_entry(
                (words.label(f"{group.name}_{field.name}"), some.get(field.name, "")) for field in group.fields
            )


def _lead_id(session: Any, system: System, raw: str) -> int:
    found, _ = intake.person(session, system.config, raw)
    return found.id if found else 0
