"""Applications for a home: what they ask, step by step, and what may become of one. Pure.

Only what a decision about a lease needs is asked. Left out on purpose: social security numbers, dates of birth, ages of
children, marital status, nationality, disability, and arrests (42 U.S.C. 3604; HUD's guidance of April 4, 2016).
Assistance animals are no pets (24 CFR 5.303), and lawful income of any kind is income.

Answers are kept as people typed them, so that nothing is lost while they are being written; `problems` says what keeps
a step from being complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from crm.domain import fields, listings
from crm.domain.errors import Invalid
from crm.domain.leads import LeasingStage

LANGUAGES = ("en", "es")
"""In which an application can be filled in."""


class ApplicationStatus(StrEnum):
    INVITED = "invited"
    """They were sent a link, and have not begun."""
    STARTED = "started"
    """They have not sent it yet."""
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    """Somebody in the office is looking at it."""
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    """The applicant, or the office for them, took it back."""


UNFINISHED = (ApplicationStatus.INVITED, ApplicationStatus.STARTED)
"""Those that can still be filled in."""
WAITING = (ApplicationStatus.SUBMITTED, ApplicationStatus.IN_REVIEW)
"""Those that wait for a decision."""

_DECIDED = (ApplicationStatus.APPROVED, ApplicationStatus.DENIED, ApplicationStatus.WITHDRAWN)
NEXT: Mapping[str, tuple[ApplicationStatus, ...]] = {
    ApplicationStatus.INVITED: (ApplicationStatus.WITHDRAWN,),
    ApplicationStatus.STARTED: (ApplicationStatus.WITHDRAWN,),
    ApplicationStatus.SUBMITTED: (ApplicationStatus.IN_REVIEW, *_DECIDED),
    ApplicationStatus.IN_REVIEW: _DECIDED,
    ApplicationStatus.APPROVED: (ApplicationStatus.IN_REVIEW, ApplicationStatus.DENIED, ApplicationStatus.WITHDRAWN),
    ApplicationStatus.DENIED: (ApplicationStatus.IN_REVIEW, ApplicationStatus.APPROVED),
    # Of those that were submitted; nothing else can be reviewed.
    ApplicationStatus.WITHDRAWN: (ApplicationStatus.IN_REVIEW,),
}
"""Where the office may take an application from each status."""

STAGE_AFTER: Mapping[str, LeasingStage] = {
    ApplicationStatus.INVITED: LeasingStage.APPLICATION_SENT,
    ApplicationStatus.STARTED: LeasingStage.APPLICATION_SENT,
    ApplicationStatus.SUBMITTED: LeasingStage.APPLIED,
    ApplicationStatus.IN_REVIEW: LeasingStage.APPLIED,
    ApplicationStatus.APPROVED: LeasingStage.APPROVED,
    ApplicationStatus.DENIED: LeasingStage.LOST,
    ApplicationStatus.WITHDRAWN: LeasingStage.LOST,
}
"""How far an interest has come once its application is in a status."""


class FieldKind(StrEnum):
    LINE = "line"
    PARAGRAPHS = "paragraphs"
    EMAIL = "email"
    PHONE = "phone"
    DAY = "day"
    """A date, such as 2026-04-01 or 4/1/2026."""
    MONTH = "month"
    """Month and year, such as 04/2024."""
    MONEY = "money"
    COUNT = "count"
    """A whole number from 1 on."""
    CHOICE = "choice"


@dataclass(frozen=True)
class Field:
    name: str
    kind: FieldKind = FieldKind.LINE
    is_required: bool = False
    longest: int = 200
    """Characters."""
    choices: tuple[str, ...] = ()
    autocomplete: str = ""
    """What a browser may fill in (HTML, autofill field names); empty: nothing."""
    most: int = 99
    """Of a COUNT."""


@dataclass(frozen=True)
class FieldGroup:
    """Fields of which there may be several sets, such as the homes that somebody lived in."""

    name: str
    fields: tuple[Field, ...]
    least: int = 0
    most: int = 4


class Step(StrEnum):
    """The pages of an application, in order."""

    YOU = "you"
    HOUSEHOLD = "household"
    HOMES = "homes"
    INCOME = "income"
    DOCUMENTS = "documents"
    """Files, which are no fields."""
    REVIEW = "review"


@dataclass(frozen=True)
class StepFields:
    fields: tuple[Field, ...] = ()
    groups: tuple[FieldGroup, ...] = ()


_Kind = FieldKind
INCOME_KINDS = ("job", "self-employed", "retirement", "benefits", "housing-voucher", "student-aid", "savings", "other")
DOCUMENT_KINDS = ("income", "identity", "rental-history", "other")
"""What a document shows."""

FIELDS: Mapping[Step, StepFields] = {
    Step.YOU: StepFields(
        (
            Field("name", is_required=True, autocomplete="name"),
            Field("email", _Kind.EMAIL, is_required=True, autocomplete="email"),
            Field("phone", _Kind.PHONE, longest=40, autocomplete="tel"),
            Field("move_in", _Kind.DAY, is_required=True, longest=20),
            Field("lease_months", _Kind.COUNT, longest=3, most=60),
        )
    ),
    Step.HOUSEHOLD: StepFields(
        (Field("people", _Kind.COUNT, is_required=True, longest=2, most=20),),
        (
            FieldGroup("adults", (Field("name", is_required=True), Field("email", _Kind.EMAIL)), most=6),
            FieldGroup(
                "pets",
                (Field("kind", is_required=True), Field("breed"), Field("pounds", _Kind.COUNT, longest=3, most=300)),
                most=6,
            ),
        ),
    ),
    Step.HOMES: StepFields(
        (),
        (
            FieldGroup(
                "homes",
                (
                    Field("street", is_required=True),
                    Field("city", is_required=True),
                    Field("state", longest=40),
                    Field("postal_code", longest=20),
                    Field("since", _Kind.MONTH, is_required=True, longest=20),
                    Field("until", _Kind.MONTH, longest=20),
                    Field("rent", _Kind.MONEY, longest=20),
                    Field("landlord"),
                    Field("landlord_phone", _Kind.PHONE, longest=40),
                    Field("why_left"),
                ),
                least=1,
            ),
        ),
    ),
    Step.INCOME: StepFields(
        (Field("more", _Kind.PARAGRAPHS, longest=2000),),
        (
            FieldGroup(
                "sources",
                (
                    Field("kind", _Kind.CHOICE, is_required=True, choices=INCOME_KINDS, longest=20),
                    Field("payer"),
                    Field("position"),
                    Field("since", _Kind.MONTH, longest=20),
                    Field("monthly", _Kind.MONEY, is_required=True, longest=20),
                    Field("contact"),
                ),
                least=1,
                most=5,
            ),
        ),
    ),
    Step.DOCUMENTS: StepFields(),
    Step.REVIEW: StepFields(),
}
"""What each step asks. Names are those of the form, of the answers kept, and of the words that label them."""

LONGEST_SIGNATURE = 200

Answers = Mapping[str, Any]
"""Of one step: a text for each field, and for each group a list of such mappings."""


def read(step: Step, form: Mapping[str, str]) -> dict[str, Any]:
    """The answers of a step as the form has them, each on as many lines and at most as long as its field is.

    Sets of a group in which nothing is filled in are left out. The form names their fields like `homes-1-street`.
    """
    asked = FIELDS[step]
    found: dict[str, Any] = {field.name: _text(field, form.get(field.name, "")) for field in asked.fields}
    for group in asked.groups:
        sets = [
            {field.name: _text(field, form.get(f"{group.name}-{number}-{field.name}", "")) for field in group.fields}
            for number in range(1, group.most + 1)
        ]
        found[group.name] = [one for one in sets if any(one.values())]
    return found


def _text(field: Field, raw: str) -> str:
    if field.kind is FieldKind.PARAGRAPHS:
        lines = [_printable(line).rstrip() for line in raw.strip().splitlines()]
        return "\n".join(lines)[: field.longest]
    return " ".join(_printable(raw).split())[: field.longest]


def _printable(raw: str) -> str:
    return "".join(character if character.isprintable() else " " for character in raw)


def problems(step: Step, answers: Answers, is_phone: Callable[[str], bool]) -> dict[str, str]:
    """What keeps the answers of a step from being complete: by the form's name of the field, a code."""
    asked = FIELDS[step]
    found = dict(_wrong(asked.fields, answers, "", is_phone))
    for group in asked.groups:
        sets = answers.get(group.name) or []
        for number, one in enumerate([*sets, *({} for _ in range(group.least - len(sets)))], start=1):
            found |= dict(_wrong(group.fields, one, f"{group.name}-{number}-", is_phone))
    return found


def _wrong(
    asked: tuple[Field, ...], given: Mapping[str, str], prefix: str, is_phone: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    for field in asked:
        raw = given.get(field.name, "")
        if not raw:
            if field.is_required:
                yield f"{prefix}{field.name}", "answer_missing"
        elif not _is_right(field, raw, is_phone):
            yield f"{prefix}{field.name}", f"{field.kind}_wrong"


def _is_right(field: Field, raw: str, is_phone: Callable[[str], bool]) -> bool:
    try:
        match field.kind:
            case FieldKind.EMAIL:
                fields.email(raw)
            case FieldKind.PHONE:
                return is_phone(raw)
            case FieldKind.DAY:
                day(raw)
            case FieldKind.MONTH:
                month(raw)
            case FieldKind.MONEY:
                listings.money(raw)
            case FieldKind.COUNT:
                listings.whole(raw, 1, field.most)
            case FieldKind.CHOICE:
                return raw in field.choices
    except Invalid:
        return False
    return True


def day(raw: str) -> date:
    """A date as browsers send it, or as people write it: 2026-04-01, 4/1/2026. Raises Invalid."""
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", raw, re.ASCII):
        parts = int(found[1]), int(found[2]), int(found[3])
    elif found := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", raw, re.ASCII):
        parts = int(found[3]), int(found[1]), int(found[2])
    else:
        parts = (0, 0, 0)
    try:
        return date(*parts)
    except ValueError:
        raise Invalid("That is not a date: write one like 2026-04-01.", code="day_invalid") from None


def month(raw: str) -> tuple[int, int]:
    """Year and month: 04/2024 or 2024-04. Raises Invalid."""
    if found := re.fullmatch(r"(\d{1,2})[/.-](\d{4})", raw, re.ASCII):
        year, number = int(found[2]), int(found[1])
    elif found := re.fullmatch(r"(\d{4})[/.-](\d{1,2})", raw, re.ASCII):
        year, number = int(found[1]), int(found[2])
    else:
        year, number = 0, 0
    if not (1900 <= year <= 2200 and 1 <= number <= 12):
        raise Invalid("That is not a month: write one like 04/2024.", code="month_invalid")
    return year, number


def after(step: Step) -> Step:
    """The step that follows; the last one follows itself."""
    steps = list(Step)
    return steps[min(steps.index(step) + 1, len(steps) - 1)]


def next_step(answers: Mapping[str, Any]) -> Step:
    """Where somebody goes on who comes back: the first step that was never saved."""
    return next((step for step in Step if step not in answers), Step.REVIEW)
