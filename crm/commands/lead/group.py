"""The group `leaseline lead`, and the options that narrow a list of leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import click

from crm.commands.command import CodeChoice, Group, System, since_option
from crm.domain.leads import NOBODY, OPEN, LeadKind, LeadStatus, LeadType, LeasingStage, Light
from crm.views import known


@click.group(
    cls=Group,
    examples=(
        "lead list --status open --light red",
        "lead show '(512) 555-0123'",
        "lead add --name 'Pat Smith' --phone 512-555-0188",
        "lead note 1 'Wants a ground floor.'",
    ),
)
def lead() -> None:
    """People who want to rent a home, or to have one managed."""


def choice(values: type[StrEnum], *more: str) -> click.Choice[str]:
    return CodeChoice(values, *more)


_FILTERS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--kind", type=choice(LeadKind), help="Only tenants, or owners."),
    click.option("--type", type=choice(LeadType), help="Only these."),
    click.option("--status", type=choice(LeadStatus, OPEN), help="Only these; open: new or in progress."),
    click.option("--stage", type=choice(LeasingStage), help="Only with an interest at this stage."),
    click.option("--light", type=choice(Light), help="Only with this follow-up light."),
    click.option("--source", help="Only those from this source."),
    click.option("--property", metavar="SLUG", help="Only with an interest in this property."),
    click.option("--agent", metavar="SLUG", help=f"Only this agent's; {NOBODY}: nobody's."),
    click.option("--subteam", metavar="SLUG", help="Only with an interest in a property of this subteam."),
    click.option("--overdue", is_flag=True, help="Only with an overdue task."),
    click.option("--contact-since", metavar="WHEN", help="Only if the last contact was then or later."),
    click.option("--contact-before", metavar="WHEN", help="Only without any contact since then, such as 7d."),
    since_option,
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that narrow a list of leads; `written` collects their values."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def written(given: dict[str, Any]) -> dict[str, str]:
    """Returns the filter options that were given, as texts."""
    return {key: "yes" if value is True else value for key, value in given.items() if value not in (None, False)}


def check_names(system: System, words: Mapping[str, str]) -> None:
    """Raises NotFound if a filter that was given names what there is not."""
    agent = words.get("agent")
    system.read(
        known.check,
        agent=None if agent == NOBODY else agent,
        property=words.get("property"),
        subteam=words.get("subteam"),
        source=words.get("source"),
    )
