"""Checks of the office's settings: whether calls can come in, what callers hear, and who serves them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asterisk_conf.prompts import speech
from crm.config import Config
from crm.domain.counting import one_or_many
from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.route_inputs import CONTACT_KINDS
from crm.edge import holidays as calendars
from crm.services.office import agents, hours, locations, numbering, properties, subteams
from crm.services.office.agents import AgentRecord
from crm.services.phones import dialing, lines
from crm.services.system import directory
from crm.services.system.checks.finding import Finding, fault, ok, some, warn
from crm.store.models import Contact, Line
from crm.store.queries import agents as agent_queries
from crm.store.queries import desks

AHEAD_DAYS = 14
"""How far ahead opening hours are checked."""


def examine(session: Session, config: Config, now: datetime) -> list[Finding]:
    all_lines, people = lines.find_all(session), agents.find_all(session)
    office = directory.organization(session)
    has_link = bool(office and office.listings_url) or bool(config.site.public_url)
    listed = [entry.property for entry in properties.find_all(session)]
    without_link = [] if has_link else [property.slug for property in listed if not property.listings_url]
    if not has_link:
        # Nobody who calls a callback number is after homes.
        callbacks = {entry.location.callback_number for entry in locations.find_all(session)}
        without_link += [line.number for line in all_lines if line.property is None and line.number not in callbacks]
    return [
        *_office_itself(office is not None and office.admin_agent_id is not None),
        *_lines(all_lines),
        *_prompts(config, all_lines),
        *_links(without_link),
        *_people(people),
        *_extensions(session, config),
        *_manager(config, people),
        *_opening_hours(session, config, people, now),
        *_answering_services(session, config),
        *_desks(session, config),
    ]


def _office_itself(has_admin: bool) -> Iterator[Finding]:
    if has_admin:
        yield ok("office", "There is an admin, who owns what nobody else owns.")
    else:
        yield warn("office", "There is no admin to own what nobody else owns.", "admin_missing")


def _lines(found: Sequence[Line]) -> Iterator[Finding]:
    if found:
        yield ok("lines", one_or_many(len(found), f"There is {len(found)}.", f"There are {len(found)}."))
    else:
        yield fault("lines", "There are none, so no call is expected.", "lines_missing")


def _prompts(config: Config, found: Sequence[Line]) -> Iterator[Finding]:
    folder = config.prompts_folder
    languages = sorted({"en", *config.menu.languages, *(line.language for line in found)})
    for language in languages:
        if lacking := speech.missing(language):
            yield fault(
                "languages",
                one_or_many(
                    len(lacking),
                    f"{language}.toml lacks {len(lacking)} sentence, {lacking[0]}.",
                    f"{language}.toml lacks {len(lacking)} sentences, such as {lacking[0]}.",
                ),
                "language_incomplete",
                language=language,
            )
    wanted = [config.prompt(name, language) for language in languages for name in speech.Prompt]
    wanted += [config.line_greeting(line.number) for line in found if line.greeting]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        yield fault(
            "prompts",
            one_or_many(
                len(missing),
                f"{len(missing)} of {len(wanted)} is missing: {missing[0].relative_to(folder)}.",
                f"{len(missing)} of {len(wanted)} are missing, such as {missing[0].relative_to(folder)}.",
            ),
            "prompts_missing",
        )
    else:
        yield ok("prompts", f"All {len(wanted)} are there.")


def _links(without: Sequence[str]) -> Iterator[Finding]:
    if without:
        yield warn("listings", f"There is no link to text for {some(without)}.", "listings_url_missing")
    else:
        yield ok("listings", "Every line has a link to text.")


def _people(people: Sequence[AgentRecord]) -> Iterator[Finding]:
    ready = [entry.agent.slug for entry in people if entry.agent.on_duty and entry.agent.devices]
    if ready:
        yield ok("agents", f"On duty: {some(ready)}.")
    else:
        yield warn("agents", "No agent with a device is on duty, so every caller gets voicemail.", "nobody_on_duty")


def _extensions(session: Session, config: Config) -> Iterator[Finding]:
    if hidden := numbering.hidden(session, config):
        yield warn("extensions", f"{some(hidden)}.", "extension_hidden")
    else:
        yield ok("extensions", "Every extension reaches its agent.")


def _manager(config: Config, people: Sequence[AgentRecord]) -> Iterator[Finding]:
    """The agent whom only a setting names."""
    slug = config.tasks.manager
    if slug and slug not in {entry.agent.slug for entry in people}:
        text = f"tasks.manager is {slug[:40]!a}, which is no agent, so nobody else is told of tasks that are passed on."
        yield warn("manager", text, "manager_unknown")


def _opening_hours(session: Session, config: Config, people: Sequence[AgentRecord], now: datetime) -> list[Finding]:
    found = []
    windows = {
        property.slug if property else "the office": schedule.windows(now, AHEAD_DAYS)
        for property, schedule in hours.schedules(session, config)
    }
    closed = [name for name, ahead in windows.items() if not ahead]
    if closed:
        text = f"Not open within {AHEAD_DAYS} days: {', '.join(closed)}. Callers can only leave voicemail."
        found.append(warn("hours", text, "hours_closed"))
    # A set, since most properties have the same hours.
    openings = {window for ahead in windows.values() for window in ahead}
    for entry in people:
        own = agent_queries.own_hours(entry.agent, config.tz)
        if own and not _overlap(own.windows(now, AHEAD_DAYS), openings):
            slug = entry.agent.slug
            found.append(
                warn(
                    "hours",
                    f"The hours of {slug} are entirely outside those of the office.",
                    "hours_of_agent_outside",
                    agent=slug,
                )
            )
    for region in sorted(hours.holiday_regions(session)):
        if not calendars.in_year(region, now.year):
            text = f"There is no longer a holiday calendar for {region}, so no holidays are kept."
            found.append(warn("holidays", text, "holiday_calendar_gone"))
    return found or [ok("hours", f"The office and its properties open within {AHEAD_DAYS} days.")]


def _overlap(some: Iterable[tuple[datetime, datetime]], others: Collection[tuple[datetime, datetime]]) -> bool:
    return any(opens < until and since < closes for opens, closes in some for since, until in others)


def _desks(session: Session, config: Config) -> list[Finding]:
    found = desks.listed(session)
    problems = desks.problems(session, config, {one.target for one in found})
    findings = [
        warn(
            "desks",
            f"Calls for {one.kind} of {one.property or 'all properties'} reach nobody: {problems[one.target]}",
            "desk_unreachable",
            kind=one.kind,
        )
        for one in found
        if problems[one.target]
    ]
    served = {one.kind for one in found} | ({"resident"} if any(one.kind == "maintenance" for one in found) else set())
    for kind in CONTACT_KINDS:
        if kind not in served and session.scalar(select(Contact.id).where(Contact.kind == kind).limit(1)):
            text = f"There are {kind}s among the contacts, but no desk for them: they reach the leasing team."
            findings.append(warn("desks", text, "desk_missing", kind=kind))
    if found and not findings:
        findings.append(ok("desks", f"Calls for {', '.join(sorted({one.kind for one in found}))} have a desk."))
    return findings


def _answering_services(session: Session, config: Config) -> list[Finding]:
    office = directory.organization(session)
    numbers = {"": office.answering_service if office else None}
    for entry in subteams.find_all(session):
        numbers[entry.subteam.slug] = entry.subteam.answering_service
    found = []
    for subteam, number in numbers.items():
        try:
            if number:
                dialing.check(session, config, number=number, purpose=DialPurpose.ANSWERING, agent=None)
        except DialRefused as refused:
            found.append(
                warn(
                    "answering service",
                    f"{number} is not dialed: {refused}",
                    "answering_service_of_subteam" if subteam else "answering_service_of_office",
                    subteam=subteam,
                )
            )
    if not found and any(numbers.values()):
        found.append(ok("answering service", "Its number may be dialed."))
    return found
