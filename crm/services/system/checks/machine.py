"""Checks of the machine and the programs."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from asterisk_conf import certificate as tls
from asterisk_conf import package_sets, programs, refresh
from crm import config as settings
from crm.config import Config
from crm.domain.counting import one_or_many
from crm.edge import own_certificate
from crm.secrets import SecretError, Secrets
from crm.services.system import backup_schedule, directory, disk, nodes
from crm.services.system.checks.finding import Finding, fault, ok, warn
from crm.services.system.health import Health

REFUSED_LATELY = timedelta(days=1)


def examine(config: Config, health: Health) -> list[Finding]:
    """Ports are checked only if none of our processes is using them."""
    nothing_runs = not health.asterisk.up and not health.app.up
    return [
        *_home(config),
        *_node(config, health),
        *_secrets(config),
        *_certificate(config, health.at),
        *_disk(config),
        *_backup(config, health),
        *_programs(),
        *_packages(health.at),
        *_running(config, health),
        *_limits(config, health),
        *(_ports(config) if nothing_runs else ()),
    ]


def _home(config: Config) -> Iterator[Finding]:
    home = config.home
    mode = stat.S_IMODE(home.stat().st_mode)
    there = [folder for folder in (home, *config.folders) if folder.exists()]
    blocked = [folder for folder in there if not os.access(folder, os.W_OK | os.X_OK)]
    if blocked:
        yield fault("home", f"{blocked[0]} cannot be written by this user.", "home_not_writable")
    elif mode & 0o077:
        yield warn("home", f"{home} is open to other users ({mode:o}).", "home_open", home=str(home))
    else:
        yield ok("home", f"Only this user can open {home}.")


def _node(config: Config, health: Health) -> Iterator[Finding]:
    own = next((one for one in health.nodes if one.node == config.node), None)
    if own and own.up and own.home != nodes.here(config):
        yield fault(
            "node",
            f"Another home on this database, {own.home}, has the same node name as this one, {config.node}.",
            "node_twice",
            file=str(config.home / settings.NODE),
        )
    else:
        yield ok("node", f"This node is {config.node}.")
    for one in health.nodes:
        if one.node != config.node and not one.up:
            seen = f"{one.seen_at.astimezone(config.tz):%Y-%m-%d %H:%M}"
            text = f"Node {one.node} ({one.home}) has given no sign of life since {seen}."
            yield warn("node", text, "node_silent")


def _secrets(config: Config) -> Iterator[Finding]:
    path = config.secrets_file
    secrets = Secrets(path)
    try:
        missing = [name for name in directory.SYSTEM_SECRETS if not secrets.has(name)]
    except SecretError as error:
        yield fault("passwords", str(error), "secrets_unreadable")
        return
    if missing:
        yield fault("passwords", f"{path} has no {' and '.join(missing)}.", "secrets_missing")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warn("passwords", f"{path} can be read by other users.", "secrets_open", path=str(path))
    else:
        yield ok("passwords", f"Only this user can read {path}.")


def _certificate(config: Config, now: datetime) -> Iterator[Finding]:
    if problem := tls.problem(config, now):
        yield warn("certificate", problem, "certificate_theirs" if config.sip.certificate else "certificate_ours")
    else:
        yield ok("certificate", "Phones can use SIP over TLS.")


def _disk(config: Config) -> Iterator[Finding]:
    room = disk.look(config)
    text = f"{room.free_megabytes:,} MB are free"
    if room.reserve_is_used:
        text = f"{text}, and the reserve of {config.disk.reserve_megabytes:,} MB had to be given up."
        yield fault("disk", text, "disk_full", home=str(config.home))
    elif room.is_low:
        yield warn("disk", f"{text}.", "disk_low", home=str(config.home))
    else:
        yield ok("disk", f"{text}.")


OLD_BACKUP = timedelta(hours=50)
"""Two of the daily ones are missing."""


def _backup(config: Config, health: Health) -> Iterator[Finding]:
    found = health.backup
    if found is None:
        yield ok("backup", "None is scheduled.")
        return
    if found.error:
        yield warn("backup", f"The last one was not made: {found.error}", "backup_failed")
    elif found.last_at is None:
        yield warn("backup", "None has been made yet.", "backup_none")
    elif not found.checked:
        yield warn(
            "backup", f"{found.file} was not checked: {found.unchecked_because}", "backup_unchecked", file=found.file
        )
    elif not Path(found.file).is_file():
        yield warn("backup", f"{found.file} is gone.", "backup_gone")
    elif health.at - found.last_at <= OLD_BACKUP:
        yield ok("backup", f"{found.file} was made and checked.")
    if found.last_at and health.at - found.last_at > OLD_BACKUP:
        days = (health.at - found.last_at).days
        yield warn(
            "backup",
            f"The last one is {days} days old.",
            "backup_old",
        )
    if room := backup_schedule.shortage(config):
        yield warn("backup", room, "backup_room_low")


def _programs() -> Iterator[Finding]:
    try:
        programs.program("asterisk")
    except programs.ProgramMissing as error:
        yield fault("programs", str(error), "program_missing")
    else:
        yield ok("programs", "Asterisk is installed.")


OLD = timedelta(days=30)
"""Age at which the packages that come with Asterisk's are worth updating: in Debian, some change every day."""


def _packages(now: datetime) -> Iterator[Finding]:
    """The age of the installed programs, and the newer versions found by the last look-up; does not wait for a new
    one."""
    cache = package_sets.cache_folder()
    kept = refresh.in_use(cache)
    if kept is None:
        return
    is_asked = refresh.look_up_if_due(cache, now)
    days = max(0, (now - kept.fetched_at).days)
    age = f"The set of programs is {days} {one_or_many(days, 'day', 'days')} old"
    if refresh.waiting(cache):
        yield warn("packages", f"{age}, and another one waits for the next start of Asterisk.", "packages_waiting")
        return
    answer = refresh.newest(cache)
    differ = refresh.newer(answer.versions, kept.versions) if answer and answer.versions else {}
    if "asterisk" in differ:
        old, new = differ["asterisk"]
        yield warn("packages", f"{age}; Asterisk is {old}, and {new} is available.", "packages_old")
    elif differ and now - kept.fetched_at > OLD:
        yield warn(
            "packages",
            one_or_many(
                len(differ),
                f"{age}, and {len(differ)} of its packages has a newer version.",
                f"{age}, and {len(differ)} of its packages have newer versions.",
            ),
            "packages_old",
        )
    elif answer is None or answer.problem:
        why = f" ({answer.problem.rstrip('.')})" if answer else ""
        known = "are being looked up" if is_asked else f"could not be looked up{why}"
        text = f"{age}; the newest versions {known}."
        yield warn("packages", text, "packages_old") if now - kept.fetched_at > OLD else ok("packages", text)
    elif kept.asterisk:
        yield ok("packages", f"{age}, and Asterisk is the newest available, as of {answer.at:%Y-%m-%d}.")
    else:
        yield ok("packages", f"{age}; Asterisk is this machine's own, and is updated with it.")


def _running(config: Config, health: Health) -> Iterator[Finding]:
    if health.asterisk.up:
        yield ok("Asterisk", "It answers.")
    else:
        yield fault("Asterisk", f"{health.asterisk.detail}.", "asterisk_down")
    if not health.app.up:
        yield fault("app", "It gives no sign of life.", "app_down")
    elif not health.app.connected:
        yield fault("app", "It is not connected to Asterisk.", "app_not_connected", folder=str(config.log_folder))
    else:
        yield ok("app", f"It runs (process {health.app.pid}) and is connected to Asterisk.")
    if health.held:
        yield warn("sending", f"No text, email, ordered call or follow-up is sent: {health.held}", "sending_held")
    if health.left:
        yield warn(
            "keeper",
            f"{' and '.join(health.left)} would not be restarted: the supervisor was killed.",
            "programs_left",
        )
    if health.app.events_unknown:
        yield warn(
            "events",
            one_or_many(
                health.app.events_unknown,
                f"Asterisk sent {health.app.events_unknown} event of a kind the app does not know.",
                f"Asterisk sent {health.app.events_unknown} events of a kind the app does not know.",
            ),
            "events_unknown",
        )
    database = health.database
    if database.current:
        yield ok("database", f"It answers and is at {database.revision}.")
    else:
        yield fault("database", database.detail, database.code if database.up else "database_down")
    yield from _pages(config, health)
    for trouble in health.app.trouble:
        yield warn("app", trouble, "app_in_trouble", folder=str(config.log_folder))
    for one in health.workers:
        text = f"{one.worker}, since {one.since.astimezone(config.tz):%Y-%m-%d %H:%M}: {one.trouble}"
        yield warn("workers", text, "worker_in_trouble", folder=str(config.log_folder))


def _pages(config: Config, health: Health) -> Iterator[Finding]:
    """The process of the pages, and whether browsers reach the console."""
    if health.pages:
        yield ok("pages", "Their process runs.")
    elif health.pages_hang:
        yield warn("pages", "Their process hangs: no console, site or API.", "pages_hang")
    elif health.keeper:
        yield warn("pages", "Their process does not run: no console, site or API.", "pages_down")
    settings = str(config.home / "leaseline.toml")
    if refusal := config.console.refusal:
        yield warn("console", refusal, "console_refused", settings=settings)
    elif problem := own_certificate.problem(config, health.at):
        yield warn("console", problem, "console_certificate", settings=settings)
    else:
        url = config.console.public_url
        if url.startswith("http://"):
            yield warn("console", f"{url} is not https: anybody on the way reads passwords.", "console_plain")
            return
        yield ok("console", f"Browsers reach it at {url}." if url else "It can be reached from this machine alone.")


def _limits(config: Config, health: Health) -> Iterator[Finding]:
    """Whether there is room for the calls that may come in."""
    found, settings = health.limits, config.home / "leaseline.toml"
    problems = [warn("limits", f"Near the limit: {near}.", "limits_near") for near in found.near]
    if found.refused_at and health.at - found.refused_at < REFUSED_LATELY:
        text = one_or_many(
            found.refused,
            f"{found.refused} caller was refused since Asterisk started, by limits.{found.refused_by}.",
            f"{found.refused} callers were refused since Asterisk started, the last by limits.{found.refused_by}.",
        )
        problems.append(warn("limits", text, "limits_refused", settings=str(settings), trunk=found.refused_trunk))
    if found.callers_limit < len(health.devices):
        phones = len(health.devices)
        text = one_or_many(
            phones,
            f"There are RTP ports for {found.callers_limit} callers besides calls out, and {phones} phone.",
            f"There are RTP ports for {found.callers_limit} callers besides calls out, and {phones} phones.",
        )
        problems.append(warn("limits", text, "limits_rtp", settings=str(settings)))
    if found.files_limit is not None and found.files_limit < found.files_needed:
        text = f"Asterisk may open {found.files_limit} files and needs {found.files_needed} when everyone is on a call."
        problems.append(warn("limits", text, "limits_files"))
    yield from problems or [
        ok(
            "limits",
            one_or_many(
                found.callers_limit,
                f"There is room for {found.callers_limit} caller at a time.",
                f"There is room for {found.callers_limit} callers at the same time.",
            ),
        )
    ]


def _ports(config: Config) -> Iterator[Finding]:
    """Ports that another program is using."""
    ports, bind = config.ports, config.sip.bind
    wanted = (
        ("sip", bind, ports.sip, socket.SOCK_DGRAM),
        ("sip", bind, ports.sip, socket.SOCK_STREAM),
        ("sips", bind, ports.sips, socket.SOCK_STREAM),
        ("http", "127.0.0.1", ports.http, socket.SOCK_STREAM),
        ("ami", "127.0.0.1", ports.ami, socket.SOCK_STREAM),
        ("agi", "127.0.0.1", ports.agi, socket.SOCK_STREAM),
        ("web", config.web.bind, ports.web, socket.SOCK_STREAM),
        ("webhooks", config.web.bind, ports.webhooks, socket.SOCK_STREAM),
        ("site", config.web.bind, ports.site, socket.SOCK_STREAM),
        ("api", config.api.bind, ports.api, socket.SOCK_STREAM),
        ("console", config.console.bind, ports.console, socket.SOCK_STREAM),
        ("live", "127.0.0.1", ports.live, socket.SOCK_STREAM),
        *([("voice", "127.0.0.1", ports.voice, socket.SOCK_STREAM)] if config.ai.answers != "off" else []),
        ("hep", "127.0.0.1", ports.hep, socket.SOCK_DGRAM),
        ("rtp_first", bind, ports.rtp_first, socket.SOCK_DGRAM),
        ("rtp_last", bind, ports.rtp_last, socket.SOCK_DGRAM),
    )
    taken = [(name, port) for name, address, port, kind in wanted if not _is_free(address, port, kind)]
    for name, port in dict.fromkeys(taken):
        yield fault(
            "ports",
            f"Port {port} ({name}) is in use by another program, or not allowed here.",
            "port_taken",
            name=name,
            settings=str(config.home / "leaseline.toml"),
        )
    if not taken:
        yield ok("ports", "All are free.")


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As Asterisk does: a port whose old connections are still closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
