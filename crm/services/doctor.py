"""A check-up of one home: what is wrong, and how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select

from asterisk_conf import certificate, install, speech
from crm.config import Config
from crm.domain import emergency
from crm.domain.dialing import Purpose, Refused
from crm.domain.errors import CrmError
from crm.edge import holidays as calendars
from crm.edge import whisper
from crm.secrets import SecretError, Secrets
from crm.services import (
    agents,
    contacts,
    desks,
    devices,
    dialing,
    directory,
    emergencies,
    hours,
    lines,
    locations,
    properties,
    subteams,
    transcripts,
    trunks,
)  # fmt: skip
from crm.services.agents import AgentEntry
from crm.services.health import Health
from crm.store.models import Call, Line, Mail, Message, Task, Trunk
from crm.store.queries import agents as agent_queries
from crm.store.session import Store

WARN_FREE_MB = 1000
ERROR_FREE_MB = 200
"""A voicemail takes 1 MB a minute; with less free than this recordings would soon fail."""
RECENT = timedelta(days=7)
"""Texts that failed before this are history."""
WAITING = timedelta(minutes=10)
"""What a worker has not taken up after so long, it will not take up by itself."""
AHEAD_DAYS = 14
"""So far ahead opening hours are looked at."""
LONGEST_CALL = timedelta(hours=12)


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    """Something will not work as it should."""
    ERROR = "ERROR"
    """Callers are not served."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    """What was looked at."""
    level: Level
    """OK, WARN: something does not work as it should, or ERROR: callers are not served."""
    text: str
    """What was found."""
    mend: str
    """How to mend it; empty when there is nothing to mend."""


async def examine(config: Config, health: Health) -> list[Finding]:
    """All checks, in the order in which to mend things."""
    found = [*_home(config), *_secrets(config), *_certificate(config, health.at)]
    found += [*_disk(config), *_programs(), *_running(config, health)]
    found += [_sound(config), *_transcripts(config)]
    if not health.asterisk.up and not health.app.up:
        found += _ports(config)
    if not health.database.current:
        return found
    store = Store(config.database_url)
    try:
        found += await _office(config, store, health)
        found += await _work(config, store, health.at)
    except CrmError as error:
        found.append(Finding("database", Level.ERROR, str(error), "Check the disk and the database server."))
    finally:
        await store.close()
    return [*found, *_notes(config, health.at)]


# --- the machine ---


def _home(config: Config) -> Iterator[Finding]:
    home = config.home
    mode = stat.S_IMODE(home.stat().st_mode)
    there = [folder for folder in (home, *config.folders) if folder.exists()]
    blocked = [folder for folder in there if not os.access(folder, os.W_OK | os.X_OK)]
    if blocked:
        yield Finding(
            "home", Level.ERROR, f"{blocked[0]} cannot be written by this user.", "Run as the user who owns it."
        )
    elif mode & 0o077:
        yield Finding("home", Level.WARN, f"{home} is open to other users ({mode:o}).", f"chmod 700 {home}")
    else:
        yield _ok("home", f"{home} belongs to this user alone.")


def _secrets(config: Config) -> Iterator[Finding]:
    path = config.secrets_file
    secrets = Secrets(path)
    try:
        missing = [name for name in directory.SYSTEM_SECRETS if not secrets.has(name)]
    except SecretError as error:
        yield Finding("passwords", Level.ERROR, str(error), "Restore the file from a backup.")
        return
    if missing:
        yield Finding("passwords", Level.ERROR, f"{path} has no {' and '.join(missing)}.", "`leaseline up` makes them.")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("passwords", Level.WARN, f"{path} can be read by other users.", f"chmod 600 {path}")
    else:
        yield _ok("passwords", f"{path} can be read by this user alone.")


def _certificate(config: Config, now: datetime) -> Iterator[Finding]:
    if problem := certificate.problem(config, now):
        theirs = "Correct sip.certificate and sip.private_key in leaseline.toml."
        mend = theirs if config.sip.certificate else "`leaseline up` makes them."
        yield Finding("certificate", Level.WARN, problem, mend)
    else:
        yield _ok("certificate", "Phones can use SIP over TLS.")


def _disk(config: Config) -> Iterator[Finding]:
    free = shutil.disk_usage(config.home).free // 1_000_000
    level = Level.ERROR if free < ERROR_FREE_MB else Level.WARN if free < WARN_FREE_MB else Level.OK
    mend = f"Make room on the disk of {config.home}." if level is not Level.OK else ""
    yield Finding("disk", level, f"{free:,} MB are free.", mend)


def _programs() -> Iterator[Finding]:
    try:
        install.program("asterisk")
    except install.ProgramMissing as error:
        yield Finding("programs", Level.ERROR, str(error), "Run script/setup.")
    else:
        yield _ok("programs", "Asterisk is installed.")


def _running(config: Config, health: Health) -> Iterator[Finding]:
    start = "Start it with `leaseline up`."
    if health.asterisk.up:
        yield _ok("Asterisk", "It answers.")
    else:
        yield Finding("Asterisk", Level.ERROR, f"{health.asterisk.detail}.", start)
    if not health.app.up:
        yield Finding("app", Level.ERROR, "It gives no sign of life.", start)
    elif not health.app.connected:
        yield Finding(
            "app", Level.ERROR, "It is not connected to Asterisk.", f"See {config.log_folder} for why; it keeps trying."
        )
    else:
        yield _ok("app", f"It runs (process {health.app.pid}) and is connected to Asterisk.")
    if health.app.events_unknown:
        yield Finding(
            "events", Level.WARN, f"Asterisk sent {health.app.events_unknown} events of a kind the app does not know.",
            "Update Leaseline to a version for this Asterisk.",
        )  # fmt: skip
    database = health.database
    if database.current:
        yield _ok("database", f"It answers and is at {database.revision}.")
    elif database.up:
        yield Finding("database", Level.ERROR, f"{database.detail}.", "Run `leaseline db upgrade`.")
    else:
        yield Finding("database", Level.ERROR, database.detail, "Check the disk and the database server.")


def _ports(config: Config) -> Iterator[Finding]:
    """Ports that somebody else has; asked only while nothing of ours runs."""
    ports, bind = config.ports, config.sip.bind
    wanted = (
        ("sip", bind, ports.sip, socket.SOCK_DGRAM), ("sip", bind, ports.sip, socket.SOCK_STREAM),
        ("sips", bind, ports.sips, socket.SOCK_STREAM),
        ("http", "127.0.0.1", ports.http, socket.SOCK_STREAM), ("ami", "127.0.0.1", ports.ami, socket.SOCK_STREAM),
        ("agi", "127.0.0.1", ports.agi, socket.SOCK_STREAM), ("web", config.web.bind, ports.web, socket.SOCK_STREAM),
        ("rtp_first", bind, ports.rtp_first, socket.SOCK_DGRAM), ("rtp_last", bind, ports.rtp_last, socket.SOCK_DGRAM),
    )  # fmt: skip
    taken = [(name, port) for name, address, port, kind in wanted if not _is_free(address, port, kind)]
    for name, port in dict.fromkeys(taken):
        yield Finding(
            "ports", Level.ERROR, f"Port {port} ({name}) is taken by another program or not allowed here.",
            f"Set another ports.{name} in {config.home / 'leaseline.toml'}.",
        )  # fmt: skip
    if not taken:
        yield _ok("ports", "All are free.")


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As Asterisk does: a port whose old connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


# --- the office ---


async def _office(config: Config, store: Store, health: Health) -> list[Finding]:
    all_lines, all_trunks = await lines.find_all(store), await trunks.find_all(store)
    people = await agents.find_all(store)
    office = await directory.organization(store)
    has_link = bool(office and office.listings_url)
    places = [entry.property for entry in await properties.find_all(store)]
    without_link = [] if has_link else [place.slug for place in places if not place.listings_url]
    if not has_link:
        without_link += [line.number for line in all_lines if line.property is None]
    return [
        *_office_itself(office is not None and office.admin_agent_id is not None),
        *_lines(all_lines),
        *_prompts(config, all_lines),
        *_links(without_link),
        *_people(people),
        *await _opening_hours(config, store, people, health.at),
        *_phones(health, people),
        *_forwarding(health),
        *await _answering_services(config, store),
        *await _desks(config, store),
        *_trunks(config, all_trunks, health),
        *await _emergency(store, all_lines, all_trunks),
    ]


def _office_itself(has_admin: bool) -> Iterator[Finding]:
    if has_admin:
        yield _ok("office", "It has an admin who owns what nobody owns.")
    else:
        yield Finding(
            "office",
            Level.ERROR,
            "Nobody owns what nobody owns.",
            "Name somebody with `leaseline agent set SLUG --admin`.",
        )


def _lines(found: Sequence[Line]) -> Iterator[Finding]:
    if found:
        yield _ok("lines", f"There are {len(found)}.")
    else:
        yield Finding(
            "lines", Level.ERROR, "There are none, so no call is expected.", "Add one with `leaseline line add`."
        )


def _prompts(config: Config, found: Sequence[Line]) -> Iterator[Finding]:
    folder = config.prompts_folder
    languages = sorted({"en", *config.menu.languages, *(line.language for line in found)})
    for language in languages:
        if lacking := speech.missing(language):
            yield Finding(
                "languages", Level.ERROR, f"{language}.toml lacks {len(lacking)} sentences, such as {lacking[0]}.",
                f"Write them in the words of {language}, beside en.toml; or take the language out of menu.languages.",
            )  # fmt: skip
    wanted = [folder / language / f"{name}.wav" for language in languages for name in speech.Prompt]
    wanted += [folder / "greetings" / f"{line.number}.wav" for line in found if line.greeting]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        yield Finding(
            "prompts", Level.ERROR,
            f"{len(missing)} of {len(wanted)} are missing, such as {missing[0].relative_to(folder)}.",
            "Start `leaseline up`, which makes them.",
        )  # fmt: skip
    else:
        yield _ok("prompts", f"All {len(wanted)} are there.")


def _links(without: Sequence[str]) -> Iterator[Finding]:
    if without:
        yield Finding(
            "listings", Level.WARN, f"There is no link to text for {', '.join(without)}.",
            "Give one with `leaseline property set SLUG --listings-url URL`.",
        )  # fmt: skip
    else:
        yield _ok("listings", "Every line has a link to text.")


def _people(people: Sequence[AgentEntry]) -> Iterator[Finding]:
    ready = [entry.agent.slug for entry in people if entry.agent.on_duty and entry.agent.devices]
    if ready:
        yield _ok("agents", f"On duty: {', '.join(ready)}.")
    else:
        yield Finding(
            "agents", Level.ERROR, "No agent with a device is on duty, so every caller gets voicemail.",
            "Put one on duty with `leaseline agent set SLUG --on-duty`.",
        )  # fmt: skip


async def _opening_hours(
    config: Config, store: Store, people: Sequence[AgentEntry], now: datetime
) -> list[Finding]:
    found = []
    windows = {
        place.slug if place else "the office": schedule.windows(now, AHEAD_DAYS)
        for place, schedule in await hours.schedules(store, config)
    }
    closed = [name for name, ahead in windows.items() if not ahead]
    if closed:
        text = f"Not open within {AHEAD_DAYS} days: {', '.join(closed)}. Callers leave messages only."
        found.append(Finding("hours", Level.WARN, text, "`leaseline hours show` and `holiday list` tell why."))
    # Most properties have the same.
    openings = {window for ahead in windows.values() for window in ahead}
    for entry in people:
        own = agent_queries.own_hours(entry.agent, config.tz)
        if own and not _overlap(own.windows(now, AHEAD_DAYS), openings):
            slug = entry.agent.slug
            found.append(
                Finding(
                    "hours", Level.WARN, f"The hours of {slug} lie wholly outside those of the office.",
                    f"`leaseline agent hours {slug} ...`, unless {slug} is meant to answer after hours alone.",
                )
            )  # fmt: skip
    for region in sorted(await hours.holiday_regions(store)):
        if not calendars.in_year(region, now.year):
            text = f"There is no calendar of holidays for {region} any more, so none is kept."
            found.append(Finding("holidays", Level.WARN, text, "Name another with `leaseline holiday set`."))
    return found or [_ok("hours", f"The office and its properties open within {AHEAD_DAYS} days.")]


def _overlap(some: Iterable[tuple[datetime, datetime]], others: Collection[tuple[datetime, datetime]]) -> bool:
    return any(opens < until and since < closes for opens, closes in some for since, until in others)


def _phones(health: Health, people: Sequence[AgentEntry]) -> Iterator[Finding]:
    on_duty = {entry.agent.slug for entry in people if entry.agent.on_duty}
    for device in health.devices:
        if device.dnd and device.dnd_until is None:
            yield Finding(
                "devices", Level.WARN, f"DND of {device.device} has no end.",
                f"`leaseline dnd off {device.device}` when it was forgotten.",
            )  # fmt: skip
    if not health.asterisk.up:
        return
    ringing = [device.device for device in health.devices if device.up and not device.dnd and device.agent in on_duty]
    down = [
        device.device
        for device in health.devices
        if not device.up and not device.is_mobile and device.agent in on_duty
    ]
    if not ringing:
        yield Finding(
            "devices", Level.ERROR, "No phone of an agent on duty can be rung, so every caller gets voicemail.",
            "Register one: `leaseline device show SLUG --secret` says what to write into it.",
        )  # fmt: skip
    else:
        yield _ok("devices", f"Can be rung: {', '.join(ringing)}.")
    if ringing and down:
        yield Finding(
            "devices", Level.WARN, f"Not registered or not answering: {', '.join(down)}.",
            "Check the phone's power, network and account.",
        )  # fmt: skip


def _forwarding(health: Health) -> Iterator[Finding]:
    for one in health.forwarding:
        off = f"`leaseline forward off --agent {one.agent}`" if one.agent else "`leaseline forward office off`"
        if one.refusal:
            yield Finding(
                "forwarding", Level.WARN,
                f"Calls are to go to {one.device or 'one number for all'}, which is not dialled: {one.refusal}",
                f"Give another number, or {off}.",
            )  # fmt: skip
        elif one.agent is None:
            how = "straight, so that voicemail there gets callers" if one.straight else "after pressing 1"
            yield Finding(
                "forwarding", Level.WARN, f"All leasing calls go to {one.number} instead of to the team, {how}.",
                f"{off} when it was forgotten.",
            )  # fmt: skip
    if on := [one.device for one in health.forwarding if one.device and not one.refusal]:
        yield _ok("forwarding", f"Rung, too: {', '.join(on)}.")


async def _answering_services(config: Config, store: Store) -> list[Finding]:
    office = await directory.organization(store)
    numbers = {"office set": office.answering_service if office else None}
    for entry in await subteams.find_all(store):
        numbers[f"subteam set {entry.subteam.slug}"] = entry.subteam.answering_service
    found = []
    for command, number in numbers.items():
        try:
            if number:
                await dialing.check(store, config, number=number, purpose=Purpose.ANSWERING, agent=None)
        except Refused as refused:
            found.append(
                Finding(
                    "answering service", Level.WARN, f"{number} is not dialled: {refused}",
                    f"Give another number with `leaseline {command} --answering-service NUMBER`.",
                )
            )  # fmt: skip
    if not found and any(numbers.values()):
        found.append(_ok("answering service", "Its number may be dialled."))
    return found


async def _desks(config: Config, store: Store) -> list[Finding]:
    found = await desks.find_all(store, config)
    findings = [
        Finding(
            "desks", Level.WARN,
            f"Calls for {one.kind} of {one.property or 'all properties'} reach nobody: {one.problem}",
            f"Name another target with `leaseline desk set {one.kind}`.",
        )
        for one in found
        if one.problem
    ]  # fmt: skip
    served = {one.kind for one in found} | ({"resident"} if any(one.kind == "maintenance" for one in found) else set())
    for kind in contacts.KINDS:
        if kind not in served and await contacts.find_all(store, kind=kind, limit=1):
            text = f"There are contacts who are a {kind}, and no desk for them: they reach the leasing team."
            findings.append(Finding("desks", Level.WARN, text, f"Make one with `leaseline desk set {kind}`."))
    if found and not findings:
        findings.append(_ok("desks", f"Calls for {', '.join(sorted({one.kind for one in found}))} have a destination."))
    return findings


def _trunks(config: Config, found: Sequence[Trunk], health: Health) -> Iterator[Finding]:
    enabled = [trunk.slug for trunk in found if trunk.enabled]
    if not enabled:
        yield Finding(
            "trunks",
            Level.ERROR,
            "There is none in use, so no call can come in.",
            "Add one with `leaseline trunk add`.",
        )
        return
    secrets = Secrets(config.secrets_file)
    for trunk in found:
        if trunk.enabled and trunk.username and not secrets.has(trunks.secret_name(trunk.slug)):
            yield Finding(
                "trunks", Level.ERROR, f"{trunk.slug} has a user name but no password.",
                f"Set it with `leaseline trunk set {trunk.slug} --password`.",
            )  # fmt: skip
    if config.texts.carrier != "sip":
        if not secrets.has(f"texts/{config.texts.carrier}"):
            yield Finding(
                "texts", Level.ERROR, f"texts.carrier is {config.texts.carrier}, but its secret is missing.",
                f"Give it with `leaseline message secret {config.texts.carrier}`.",
            )  # fmt: skip
        if not config.web.public_url:
            yield Finding(
                "texts", Level.WARN, "web.public_url is empty, so webhooks cannot be checked behind a proxy.",
                f"Write where the carrier reaches us into {config.home / 'leaseline.toml'}.",
            )  # fmt: skip
    elif config.texts.trunk and config.texts.trunk not in enabled:
        yield Finding(
            "trunks", Level.ERROR, f"texts.trunk names {config.texts.trunk}, which is not in use, so no text is sent.",
            f"Correct it in {config.home / 'leaseline.toml'}.",
        )  # fmt: skip
    if not health.asterisk.up:
        return
    for one in health.trunks:
        if one.enabled and not one.up:
            yield Finding(
                "trunks", Level.WARN, f"{one.trunk} does not answer ({one.state}).",
                f"Check host, port and network of the peer: `leaseline trunk show {one.trunk}`.",
            )  # fmt: skip
    if answering := [one.trunk for one in health.trunks if one.enabled and one.up]:
        yield _ok("trunks", f"Answering: {', '.join(answering)}.")


async def _emergency(store: Store, all_lines: Sequence[Line], all_trunks: Sequence[Trunk]) -> list[Finding]:
    """Whether an emergency call goes out, tells where it comes from, and is heard of."""
    found = []
    phones = [device for device in await devices.find_all(store) if device.kind != "mobile"]
    if without := [device.slug for device in phones if not device.location]:
        found.append(
            Finding(
                "emergency", Level.ERROR,
                f"No location: {', '.join(without)}. An emergency call from there tells a wrong place.",
                "Add the place with `leaseline location add`, then `leaseline device set SLUG --location PLACE`.",
            )
        )  # fmt: skip
    enabled = [
        emergency.Way(trunk.slug, trunk.position, trunk.outbound, trunk.emergency)
        for trunk in all_trunks
        if trunk.enabled
    ]
    ways = emergency.ways_out(enabled)
    if not any(way.outbound or way.emergency for way in enabled):
        found.append(
            Finding(
                "emergency", Level.ERROR, "There is no trunk that emergency calls may go out by.",
                "Name one with `leaseline trunk set SLUG --emergency`.",
            )
        )  # fmt: skip
    ours = {line.number for line in all_lines}
    found += [
        Finding(
            "emergency", Level.WARN,
            f"The callback number of {entry.location.slug}, {entry.location.callback_number}, is no line of ours, so "
            "the emergency service does not reach the phone that called.",
            f"Add the line, or give another with `leaseline location set {entry.location.slug} --callback`.",
        )
        for entry in await locations.find_all(store)
        if entry.location.callback_number not in ours
    ]  # fmt: skip
    told, _ = await emergencies.told(store)
    if not any(agent.email or any(device.number for device in agent.devices) for agent in told):
        found.append(
            Finding(
                "emergency", Level.WARN, "Nobody who is told of emergency calls has a mobile or an email address.",
                "`leaseline agent set SLUG --email ADDRESS`, and `leaseline emergency notify add SLUG`.",
            )
        )  # fmt: skip
    return found or [_ok("emergency", f"Calls go out by {', '.join(ways)}, and every phone has a location.")]


# --- what waits for somebody ---


async def _work(config: Config, store: Store, now: datetime) -> list[Finding]:
    async with store.read() as session:

        async def count(of: type[Message | Task | Call | Mail], *conditions: object) -> int:
            return await session.scalar(select(func.count()).select_from(of).where(*conditions)) or 0  # type: ignore[arg-type]

        failed = await count(Message, Message.state.in_(("failed", "unknown")), Message.created_at > now - RECENT)
        stuck = await count(Message, Message.state == "queued", Message.next_attempt_at < now - WAITING)
        overdue = await count(Task, Task.done_at.is_(None), Task.due_at < now)
        unsent = await count(Mail, Mail.state.in_(("queued", "failed", "unknown")), Mail.created_at > now - RECENT)
        lost = await count(Call, Call.outcome.is_(None), Call.started_at < now - LONGEST_CALL)
    return [
        _counted("texts", failed + stuck, f"{failed} failed or unknown this week, {stuck} not sent in time.",
                 "`leaseline message list --state failed` shows why."),
        *_mail(config, unsent),
        _counted("tasks", overdue, f"{overdue} are overdue.", "`leaseline task list` shows them."),
        _counted("calls", lost, f"{lost} have no outcome though they began long ago.",
                 "Start the app, which settles them."),
    ]  # fmt: skip


def _mail(config: Config, unsent: int) -> Iterator[Finding]:
    if not config.mail.server:
        # Said once for all of them.
        text = f"No mail server is set, and {unsent} mails wait." if unsent else "No mail server is set; no mail waits."
        mend = "Write mail.server and mail.from_address into leaseline.toml, then `leaseline mail secret`."
        yield Finding("mail", Level.WARN, text, mend) if unsent else _ok("mail", text)
        return
    yield _counted("mail", unsent, f"{unsent} mails of this week have not left.", "`leaseline mail list` shows why.")


def _transcripts(config: Config) -> Iterator[Finding]:
    folder = transcripts.model_folder(config)
    if folder is None:
        yield _ok("transcripts", "voice.whisper_model names no model, so messages have no transcript.")
    elif why := whisper.problem(folder):
        yield Finding("transcripts", Level.WARN, f"Messages have no transcript: {why}.", "Correct voice.whisper_model.")
    else:
        yield _ok("transcripts", f"The model in {folder} is there.")


def _sound(config: Config) -> Finding:
    files = [path for path in config.recordings_folder.glob("*") if path.is_file()]
    used = sum(path.stat().st_size for path in files)
    return _ok("recordings", f"{len(files):,} recordings and messages take {used / 1_000_000:,.0f} MB.")


def _notes(config: Config, now: datetime) -> list[Finding]:
    """Files that the app should have worked off."""
    journal = config.journal_folder
    rejected = _lines_in(journal / "rejected.jsonl")
    waiting = _lines_in(journal / "facts.jsonl") if _is_older(journal / "facts.jsonl", now - WAITING) else 0
    spooled = sum(_is_older(path, now - WAITING) for path in config.spool_folder.glob("*.call"))
    return [
        _counted("journal", waiting, f"{waiting} facts about calls are not in the database.",
                 "Start the app and check the database."),
        _counted("rejected", rejected, f"{rejected} facts about calls could not be recorded.",
                 f"Report {journal / 'rejected.jsonl'}, then move it away."),
        _counted("spool", spooled, f"{spooled} calls that Asterisk handled alone are not imported.",
                 "Start the app, which imports them."),
    ]  # fmt: skip


def _counted(check: str, count: int, text: str, mend: str) -> Finding:
    return Finding(check, Level.WARN, text, mend) if count else _ok(check, "Nothing waits.")


def _ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text, "")


def _lines_in(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def _is_older(path: Path, than: datetime) -> bool:
    try:
        return path.stat().st_mtime < than.timestamp()
    except FileNotFoundError:
        return False
