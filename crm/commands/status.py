"""`leaseline status`."""

from __future__ import annotations

import asyncio

import click

from crm.commands import output
from crm.commands.command import Command, config_of, one, someone
from crm.commands.device import dnd_text
from crm.config import Config
from crm.domain import emergency
from crm.domain.calls import CallStep, DialStatus
from crm.domain.counting import one_or_many
from crm.domain.route_inputs import OfficeState
from crm.edge import numbers
from crm.services.system import health
from crm.services.system.checks.voice_agent import VoiceAgentHealth
from crm.services.system.health import BackupHealth, DatabaseHealth, EmergencyHealth, Health, LimitsHealth, LineHealth
from crm.words import terminal
from crm.words.codes import in_words


@click.command(cls=Command, json=one(Health), examples=("status", "status --json"))
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show what is up, what is open, and the calls in progress.

    The exit status is 0 when calls are answered and recorded, and 1 otherwise.
    """
    config = config_of(context)
    found = asyncio.run(health.look(config, someone().now))
    if as_json:
        output.print_json(found)
    else:
        _print(found, config)
    context.exit(0 if found.is_up else 1)


def _emergency_text(call: EmergencyHealth, config: Config) -> str:
    what = "TEST of the emergency line" if call.dialled == emergency.TEST else "EMERGENCY CALL"
    how = in_words(DialStatus, call.status) or "unknown"
    end = f"ended {output.local(call.ended_at, config.tz, seconds=True)} as {how}"
    return (
        f"!! {what}: {call.device}{f' ({call.agent})' if call.agent else ''} dialed {call.dialled} at "
        f"{output.local(call.started_at, config.tz, seconds=True)}, {end if call.ended_at else 'not ended'}; "
        f"location: {call.address or 'unknown'}; callback number: {call.callback_number or 'none'}"
        + _callback_text(call, config)
    )


def _callback_text(call: EmergencyHealth, config: Config) -> str:
    if not call.callback_until:
        return ""
    until = output.local(call.callback_until, config.tz)
    text = f"; until {until}, unknown callers to that number ring {call.device} at once"
    return text + (f", unless you run `leaseline emergency acknowledge {call.id}`" if call.ended_at else "")


def _alike(found: Health, config: Config) -> dict[tuple[str, str, str], list[str]]:
    """Groups the properties by state, reason and next opening, since there may be hundreds."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for office in found.offices:
        why = opens = ""
        if office.state != OfficeState.OPEN:
            why = office.holiday or "outside its hours"
            opens = output.local(office.opens_at, config.tz) or "never"
        alike.setdefault((office.state, why, opens), []).append(office.property or "the office")
    return alike


def _waiting_text(line: LineHealth) -> str:
    if line.longest_seconds is None:
        return "nobody"
    minutes, seconds = divmod(line.longest_seconds, 60)
    return f"{line.waiting}, the longest for {f'{minutes} min ' if minutes else ''}{seconds} s"


def _limits_text(found: LimitsHealth, config: Config) -> list[str]:
    said = [f"Near the limit: {near}." for near in found.near]
    if found.refused:
        how = (
            f"{output.local(found.refused_at, config.tz, seconds=True)} by limits.{found.refused_by} on trunk "
            f"{found.refused_trunk}."
        )
        said.append(
            one_or_many(
                found.refused,
                f"1 caller was refused since Asterisk started, at {how}",
                f"{found.refused:,} callers were refused since Asterisk started, the last at {how}",
            )
        )
    return said


def _database_text(database: DatabaseHealth) -> str:
    return f"{'OLD' if database.up else 'DOWN'}: {terminal.hinted(database.detail, database.code)}"


def _voice_agent_text(agent: VoiceAgentHealth) -> str:
    if agent.trouble:
        return f"DOWN: {agent.trouble}"
    return f"up, answers {', '.join(agent.answers)}" if agent.answers else ""


def _backup_text(backup: BackupHealth, config: Config) -> str:
    upcoming = f"next {output.local(backup.next_at, config.tz)}"
    if backup.error:
        return f"FAILED: {backup.error} ({upcoming})"
    if backup.last_at is None:
        return f"none yet, {upcoming}"
    checked = "checked" if backup.checked else "NOT CHECKED"
    return f"{output.local(backup.last_at, config.tz)}, {checked}, {upcoming}"


def _print(found: Health, config: Config) -> None:
    app, database, room = found.app, found.database, found.disk
    for call in found.emergencies:
        output.say(_emergency_text(call, config))
    if found.emergencies:
        output.say("")
    output.print_entry(
        (
            ("node", found.node),
            ("Asterisk", "up" if found.asterisk.up else f"DOWN: {found.asterisk.detail}"),
            ("app", ("up" if app.connected else "up, but not connected to Asterisk") if app.up else "DOWN"),
            *((("pages", "up" if found.pages else "HANGS" if found.pages_hang else "DOWN"),) if found.keeper else ()),
            *((("sending", f"HELD: {found.held}"),) if found.held else ()),
            *((("keeper", f"UNATTENDED: nothing restarts {' and '.join(found.left)}"),) if found.left else ()),
            ("database", "up" if database.current else _database_text(database)),
            *(
                (("disk", f"{'FULL' if room.reserve_is_used else 'LOW'}: {room.free_megabytes:,} MB free"),)
                if room and (room.is_low or room.reserve_is_used)
                else ()
            ),
            *((("backup", _backup_text(found.backup, config)),) if found.backup else ()),
            ("voice agent", _voice_agent_text(found.voice_agent)),
            *(("to fix", trouble) for trouble in app.trouble),
            *(
                ("to fix", f"{one.worker}, since {output.local(one.since, config.tz, seconds=True)}: {one.trouble}")
                for one in found.workers
            ),
        )
    )
    if problems := _limits_text(found.limits, config):
        output.say("")
        for problem in problems:
            output.say(f"! {problem}")
    if found.trunks:
        output.print_heading("Trunks")
        output.print_table(
            ("trunk", "state"),
            ((one.trunk, one.state if one.enabled else "disabled") for one in found.trunks),
            empty="",
        )
    if found.devices:
        output.print_heading("Devices")
        output.print_table(
            ("device", "agent", "state", "do not disturb"),
            (
                (
                    one.device,
                    one.agent,
                    f"{one.state}, did not ring" if one.deaf_since else one.state,
                    dnd_text(one.dnd, one.dnd_until, config),
                )
                for one in found.devices
            ),
            empty="",
        )
    if found.forwarding:
        output.print_heading("Forwarding in effect")
        output.print_table(
            ("calls for", "go to", "number", "how", "not dialed because"),
            (
                (
                    one.agent or "ALL",
                    one.device,
                    numbers.display(one.number, config.region),
                    "straight" if one.straight else "press 1",
                    one.refusal,
                )
                for one in found.forwarding
            ),
            empty="",
        )
    if others := [one for one in found.nodes if one.node != found.node]:
        output.print_heading("Other nodes on this database")
        output.print_table(
            ("node", "home", "last seen", "state"),
            (
                (
                    one.node,
                    one.home,
                    output.local(one.seen_at, config.tz, seconds=True),
                    "up" if one.up else "GONE",
                )
                for one in others
            ),
            empty="",
        )
    output.print_heading("Opening hours")
    output.print_table(
        ("property", "state", "why", "opens"),
        ((", ".join(names), *what) for what, names in _alike(found, config).items()),
        empty="",
    )
    if found.line.waiting or found.line.to_call_back:
        output.print_heading("Waiting in line")
        output.print_entry(
            (("on the phone", _waiting_text(found.line)), ("to be called back", str(found.line.to_call_back)))
        )
    if found.texts.paused_until:
        output.print_heading("Texts")
        until = output.local(found.texts.paused_until, config.tz)
        output.print_entry((("automatic texts", f"PAUSED until {until}: {found.texts.why}"),))
    if found.webhooks:
        output.print_heading("Webhooks")
        for one in found.webhooks:
            output.say(one.sentence(config.tz))
    if found.arrivals.today or found.arrivals.unread or found.arrivals.mailbox_at:
        output.print_heading("Emails and forms")
        output.print_entry(
            (
                ("in the last 24 hours", f"{found.arrivals.today:,}"),
                ("not read yet", f"{found.arrivals.unread:,}"),
                ("mailbox counted", output.local(found.arrivals.mailbox_at, config.tz) or "never"),
            )
        )
    output.print_heading("Calls in progress")
    output.print_table(
        ("call", "since", "caller", "number dialed", "step", "with the app"),
        (
            (
                one.id,
                output.local(one.started_at, config.tz, seconds=True),
                one.caller or one.caller_digits,
                one.did,
                in_words(CallStep, one.step),
                one.with_app,
            )
            for one in found.calls
        ),
        empty="None.",
    )
