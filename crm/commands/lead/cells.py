"""How lists and cards show a lead."""

from __future__ import annotations

from collections.abc import Sequence

from crm.commands import output
from crm.commands.command import System
from crm.commands.task import whose
from crm.domain.leads import LeadStatus, LeasingStage
from crm.domain.tasks import TaskKind
from crm.views.leads import InterestEntry, LeadDetail, LeadEntry
from crm.views.suggestions import SuggestionEntry
from crm.words.codes import in_words


def numbers_of(entry: LeadEntry) -> list[str] | str:
    """Their numbers, or what is known instead."""
    return entry.phones or entry.caller_digits or ("withheld" if entry.withheld else "none")


def contact_of(entry: LeadEntry) -> list[str] | str:
    """By which they are reached, in the narrow column of a list."""
    return entry.phones or entry.email or numbers_of(entry)


def standing(system: System, entry: LeadEntry) -> str:
    label = system.config.leads.label(entry.status)
    return label if entry.status == LeadStatus.CLOSED else f"{label}, {entry.type}"


def next_action(system: System, entry: LeadEntry) -> str:
    action = entry.next_action
    if action is None:
        return ""
    late = "overdue since" if action.overdue else "by"
    when = output.local(action.due_at, system.config.tz)
    return f"{in_words(TaskKind, action.kind)} ({whose(action)}) {late} {when}"


def last_contact(system: System, entry: LeadEntry) -> str:
    at = output.local(entry.last_contact_at, system.config.tz) if entry.last_contact_at else "none yet"
    return f"{at} ({entry.light})" if entry.light else at


def wishes(detail: LeadDetail) -> str:
    """Such as "2 bedrooms, from 2026-05-01, up to $1500, pets: dog"."""
    bedrooms = "" if detail.bedrooms is None else output.counted(detail.bedrooms, "bedroom")
    return ", ".join(
        part
        for part in (
            "a studio" if detail.bedrooms == 0 else bedrooms,
            f"from {detail.move_in_on}" if detail.move_in_on else "",
            f"up to ${detail.budget}" if detail.budget else "",
            f"pets: {detail.pets}" if detail.pets else "",
        )
        if part
    )


def suggested(entries: Sequence[SuggestionEntry]) -> list[tuple[object, ...]]:
    return [(one.id, one.field, one.value, one.words) for one in entries]


def interests_of(interests: Sequence[InterestEntry]) -> list[str]:
    return [
        f"{one.property}{f' {one.unit}' if one.unit else ''} ({in_words(LeasingStage, one.stage)})" for one in interests
    ]
