"""Whether the machine and the programs are as they have to be."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta

from asterisk_conf import certificate as tls
from asterisk_conf import install, refresh
from crm import config as settings
from crm.config import Config
from crm.secrets import SecretError, Secrets
from crm.services.system import directory, disk, nodes
from crm.services.system.checks.finding import Finding, Level, ok
from crm.services.system.health import Health

REFUSED_LATELY = timedelta(days=1)


def examine(config: Config, health: Health) -> list[Finding]:
    """Ports are asked for only while nothing of ours runs that has them."""
    nothing_runs = not health.asterisk.up and not health.app.up
    return [
        *_home(config),
        *_node(config, health),
        *_secrets(config),
        *_certificate(config, health.at),
        *_disk(config),
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
        yield Finding(
            "home", Level.ERROR, f"{blocked[0]} cannot be written by this user.", "Run as the user who owns it."
        )
    elif mode & 0o077:
        yield Finding("home", Level.WARN, f"{home} is open to other users ({mode:o}).", f"chmod 700 {home}")
    else:
        yield ok("home", f"{home} belongs to this user alone.")


def _node(config: Config, health: Health) -> Iterator[Finding]:
    own = next((one for one in health.nodes if one.node == config.node), None)
    if own and own.up and own.place != nodes.here(config):
        yield Finding(
            "node",
            Level.ERROR,
            f"Another home on this database, {own.place}, goes by the name of this one, {config.node}.",
            f"Stop one of the two, delete {config.home / settings.NODE}, and start it again.",
        )
    else:
        yield ok("node", f"This node is {config.node}.")
    for one in health.nodes:
        if one.node != config.node and not one.up:
            yield Finding(
                "node",
                Level.WARN,
                f"Node {one.node} ({one.place}) has given no sign of life since {one.seen_at:%Y-%m-%d %H:%M} UTC.",
                "Start it again. After an hour the others end what it had under way, after a month they forget it.",
            )


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
        yield ok("passwords", f"{path} can be read by this user alone.")


def _certificate(config: Config, now: datetime) -> Iterator[Finding]:
    if problem := tls.problem(config, now):
        theirs = "Correct sip.certificate and sip.private_key in leaseline.toml."
        mend = theirs if config.sip.certificate else "`leaseline up` makes them."
        yield Finding("certificate", Level.WARN, problem, mend)
    else:
        yield ok("certificate", "Phones can use SIP over TLS.")


def _disk(config: Config) -> Iterator[Finding]:
    room = disk.look(config)
    text = f"{room.free_megabytes:,} MB are free"
    make_room = f"Make room on the disk of {config.home}."
    if room.reserve_is_used:
        text = f"{text}, and the reserve of {config.disk.reserve_megabytes:,} MB had to be given up."
        yield Finding("disk", Level.ERROR, text, make_room)
    elif room.is_low:
        yield Finding("disk", Level.WARN, f"{text}.", make_room)
    else:
        yield ok("disk", f"{text}.")


def _programs() -> Iterator[Finding]:
    try:
        install.program("asterisk")
    except install.ProgramMissing as error:
        yield Finding("programs", Level.ERROR, str(error), "Run script/setup.")
    else:
        yield ok("programs", "Asterisk is installed.")


OLD = timedelta(days=30)
"""Debian's packages change every day; for those beside Asterisk's a set may be so old."""


def _packages(now: datetime) -> Iterator[Finding]:
    """How old the programs are, and what newer ones the last look-up has found; nobody is waited for."""
    cache = install.cache_folder()
    kept = refresh.in_use(cache)
    if kept is None:
        return
    is_asked = refresh.look_up_if_due(cache, now)
    days = max(0, (now - kept.fetched_at).days)
    age = f"The set of programs is {days} day{'s'[: days != 1]} old"
    get = "`leaseline setup refresh` fetches it for the next start of Asterisk."
    if refresh.waiting(cache):
        yield Finding(
            "packages",
            Level.WARN,
            f"{age}, and another one waits for the next start of Asterisk.",
            "End Leaseline with `leaseline down` when nobody is on the line, and start it again.",
        )
        return
    answer = refresh.newest(cache)
    differ = refresh.newer(answer.versions, kept.versions) if answer and answer.versions else {}
    if "asterisk" in differ:
        old, new = differ["asterisk"]
        yield Finding("packages", Level.WARN, f"{age}; Asterisk is {old}, and {new} is to be had.", get)
    elif differ and now - kept.fetched_at > OLD:
        yield Finding("packages", Level.WARN, f"{age}, and {len(differ)} of its packages have newer versions.", get)
    elif answer is None or answer.problem:
        why = f" ({answer.problem.rstrip('.')})" if answer else ""
        known = "is being looked up" if is_asked else f"could not be looked up{why}"
        level = Level.WARN if now - kept.fetched_at > OLD else Level.OK
        yield Finding("packages", level, f"{age}; what is newest {known}.", get if level is Level.WARN else "")
    elif kept.asterisk:
        yield ok("packages", f"{age}, and Asterisk's is the newest there is, as of {answer.at:%Y-%m-%d}.")
    else:
        yield ok("packages", f"{age}; Asterisk is this machine's own and comes with its updates.")


def _running(config: Config, health: Health) -> Iterator[Finding]:
    start = "Start it with `leaseline up`."
    if health.asterisk.up:
        yield ok("Asterisk", "It answers.")
    else:
        yield Finding("Asterisk", Level.ERROR, f"{health.asterisk.detail}.", start)
    if not health.app.up:
        yield Finding("app", Level.ERROR, "It gives no sign of life.", start)
    elif not health.app.connected:
        yield Finding(
            "app", Level.ERROR, "It is not connected to Asterisk.", f"See {config.log_folder} for why; it keeps trying."
        )
    else:
        yield ok("app", f"It runs (process {health.app.pid}) and is connected to Asterisk.")
    if health.held:
        yield Finding(
            "sending",
            Level.WARN,
            f"No text, mail, order or follow-up leaves: {health.held}",
            "If this home is the one to send from now on: `leaseline home release`.",
        )
    if health.left:
        yield Finding(
            "keeper",
            Level.WARN,
            f"{' and '.join(health.left)} would not be started again: `leaseline up` was killed.",
            "`leaseline up` takes them over, `leaseline down` ends them.",
        )
    if health.app.events_unknown:
        yield Finding(
            "events",
            Level.WARN,
            f"Asterisk sent {health.app.events_unknown} events of a kind the app does not know.",
            "Update Leaseline to a version for this Asterisk.",
        )
    database = health.database
    if database.current:
        yield ok("database", f"It answers and is at {database.revision}.")
    elif database.up:
        yield Finding("database", Level.ERROR, *_told(database.detail))
    else:
        told = _told(database.detail)
        yield Finding("database", Level.ERROR, told[0], told[1] or "Check the disk and the database server.")
    for trouble in health.app.trouble:
        yield Finding("app", Level.WARN, *_told(trouble))


def _told(text: str) -> tuple[str, str]:
    """What is wrong, and how to mend it, from a sentence that tells both."""
    wrong, _, mend = text.partition(": ")
    return (f"{wrong}.", f"{mend[:1].upper()}{mend[1:]}") if mend else (text, "")


def _limits(config: Config, health: Health) -> Iterator[Finding]:
    """Whether there is room for the calls that may come."""
    found, settings = health.limits, config.home / "leaseline.toml"
    problems = [
        Finding("limits", Level.WARN, f"Near the limit: {near}.", "See `leaseline status` for who calls.")
        for near in found.near
    ]
    if found.refused_at and health.at - found.refused_at < REFUSED_LATELY:
        text = f"{found.refused} callers were refused since Asterisk started, the last by limits.{found.refused_by}."
        mend = f"Raise it in {settings}; or have the carrier of trunk {found.refused_trunk} stop whoever floods you."
        problems.append(Finding("limits", Level.WARN, text, mend))
    if found.callers_limit < len(health.devices):
        phones = len(health.devices)
        text = f"There are RTP ports for {found.callers_limit} callers beside calls out, and {phones} phones."
        problems.append(Finding("limits", Level.WARN, text, f"Raise ports.rtp_last in {settings}."))
    if found.files_limit is not None and found.files_limit < found.files_needed:
        text = f"Asterisk may open {found.files_limit} files and needs {found.files_needed} when everybody talks."
        problems.append(Finding("limits", Level.WARN, text, "Raise it with `ulimit -n`, or LimitNOFILE= in the unit."))
    yield from problems or [ok("limits", f"There is room for {found.callers_limit} callers at the same time.")]


def _ports(config: Config) -> Iterator[Finding]:
    """Ports that somebody else has."""
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
        ("hep", "127.0.0.1", ports.hep, socket.SOCK_DGRAM),
        ("rtp_first", bind, ports.rtp_first, socket.SOCK_DGRAM),
        ("rtp_last", bind, ports.rtp_last, socket.SOCK_DGRAM),
    )
    taken = [(name, port) for name, address, port, kind in wanted if not _is_free(address, port, kind)]
    for name, port in dict.fromkeys(taken):
        yield Finding(
            "ports",
            Level.ERROR,
            f"Port {port} ({name}) is taken by another program or not allowed here.",
            f"Set another ports.{name} in {config.home / 'leaseline.toml'}.",
        )
    if not taken:
        yield ok("ports", "All are free.")


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
