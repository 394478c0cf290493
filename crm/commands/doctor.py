"""`leaseline doctor`."""

from __future__ import annotations

import asyncio

import click

from crm.commands import output
from crm.commands.command import Command, config_of, many, someone
from crm.config import Config
from crm.services.system import doctor as service
from crm.services.system import health
from crm.services.system.checks.finding import Finding, Level
from crm.views.system import FindingEntry
from crm.words import terminal


@click.command(cls=Command, json=many(FindingEntry), examples=("doctor", "doctor --json"))
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check everything and say how to fix it.

    The exit status is 1 when a check found an ERROR: callers are not served, or an emergency call would not be. What
    cannot be seen from here has a question mark, and the way to try it.
    """
    findings = asyncio.run(_examine(config_of(context)))
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if as_json:
        output.print_json([_entry(one) for one in findings])
    else:
        output.print_table(
            ("", "check", "found", "fix"),
            ((finding.level, finding.check, finding.text, _fix(finding)) for finding in findings),
            empty="",
        )
        warnings = sum(finding.level is Level.WARN for finding in findings)
        well = "All that can be seen from here is well."
        output.say(f"Errors: {len(errors)}, warnings: {warnings}." if errors or warnings else well)
    context.exit(1 if errors else 0)


def _entry(one: Finding) -> FindingEntry:
    return FindingEntry(one.check, one.level, one.text, one.code, dict(one.facts), _fix(one))


def _fix(finding: Finding) -> str:
    return terminal.FIXES[finding.code].format_map(finding.facts) if finding.code else ""


async def _examine(config: Config) -> list[Finding]:
    return await service.examine(config, await health.look(config, someone().now))
