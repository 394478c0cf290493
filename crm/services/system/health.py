"""The state of the system: Asterisk, the app, the database, every trunk and phone, and the calls in progress.

Nothing here raises if a part is down: that is a result.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from ari_app.edge.client import AriClient
from ari_app.edge.errors import PhoneError
from ari_app.edge.events import Channel
from asterisk_conf.render import STASIS_APP
from crm.config import Config
from crm.domain import limits
from crm.domain.dialing import DialPurpose
from crm.domain.errors import CrmError
from crm.domain.ringing import DeviceKind
from crm.domain.route_inputs import OfficeFacts
from crm.edge import numbers, page_probe, processes
from crm.edge.page_probe import PageState
from crm.secrets import SecretError, Secrets
from crm.services.calls import orders, spool
from crm.services.office import hours
from crm.services.outbox import pauses
from crm.services.phones import capacity, devices, emergencies, trunks
from crm.services.system import backup_schedule, copies, disk, workers
from crm.services.system.checks import voice_agent
from crm.services.system.checks.voice_agent import VoiceAgentHealth
from crm.services.system.disk import DiskRoom
from crm.services.system.workers import WorkerHealth
from crm.services.webhooks import subscriptions
from crm.services.webhooks.subscriptions import WebhookHealth
from crm.store import migrate
from crm.store.models import Agent, ArrivalRecord, Device, EmergencyCall, MailFolder, Trunk
from crm.store.queries import calls as call_queries
from crm.store.queries import dialing as dial_queries
from crm.store.queries import messages, nodes
from crm.store.queries import office as office_queries
from crm.store.queries.dialing import Wanted
from crm.store.revision import problem
from crm.store.session import Store

FRESH = timedelta(seconds=10)
"""The app writes a sign of life every two seconds; after this long without one it counts as down."""
ANSWER_SECONDS = 3.0
"""An Asterisk that takes longer to list its channels is unable to handle calls."""
MOST_CALLS = 1000


@dataclass(frozen=True)
class AsteriskHealth:
    up: bool
    """Whether it lists its channels within three seconds."""
    detail: str
    """Why it is not up; empty if it is."""


@dataclass(frozen=True)
class AppHealth:
    up: bool
    """Whether its process is alive and gave a sign of life within ten seconds."""
    connected: bool
    """Whether it receives Asterisk's events."""
    seen_at: datetime | None = None
    """Its latest sign of life."""
    pid: int | None = None
    events_unknown: int = 0
    """Events of unknown kinds since it started."""
    reconnects: int = 0
    """How often it lost Asterisk and connected again since it started."""
    trouble: list[str] = field(default_factory=list)
    """Problems that it copes with but that should be fixed: a full disk, a database that does not accept anything."""
    deaf: dict[str, datetime] = field(default_factory=dict)
    """Registered browsers that did not ring when they were called, and when that was, by the slug of their device."""


@dataclass(frozen=True)
class DatabaseHealth:
    up: bool
    current: bool
    """Whether its tables are those of this version."""
    revision: str | None
    detail: str
    """Why it is not up or not current; empty if it is."""
    code: str = ""
    """The same for programs, as an error's code."""


@dataclass(frozen=True)
class TrunkHealth:
    trunk: str
    """Slug."""
    enabled: bool
    state: str
    """online, offline, or unknown: not determined yet, or Asterisk does not answer."""
    up: bool


@dataclass(frozen=True)
class DeviceHealth:
    device: str
    """Slug."""
    agent: str
    """Slug."""
    state: str
    """online, offline, or unknown: never registered, or Asterisk does not answer. For a mobile, on or off: whether
    calls are forwarded to it."""
    up: bool
    """Whether it is registered and answers SIP OPTIONS; for a mobile, whether calls are forwarded to it."""
    dnd: bool
    """Whether do not disturb is on now."""
    dnd_until: datetime | None
    """When it ends by itself; null with `dnd`: when somebody turns it off."""
    is_mobile: bool = False
    forwards_since: datetime | None = None
    """Since when the phone has been set to forward calls by itself, which is not followed; null: it is not known to
    be."""
    deaf_since: datetime | None = None
    """When it was called and did not ring, though it is registered: a browser whose tab is frozen; null: it is not
    known to be."""


@dataclass(frozen=True)
class ForwardHealth:
    """Forwarding that is on, since people forget that."""

    agent: str | None
    """Slug of the agent whose calls are forwarded; null: all leasing calls."""
    device: str | None
    """The mobile; null for the office's number."""
    number: str
    """E.164."""
    straight: bool
    """Whether calls are connected without pressing 1."""
    refusal: str
    """Why the number is not dialed now; empty if it is."""


@dataclass(frozen=True)
class NodeHealth:
    """A system that uses this database."""

    node: str
    """Its name."""
    home: str
    """The machine and folder of its home."""
    seen_at: datetime
    """Its latest sign of life. There is one each minute; on SQLite, where nobody else looks for it, only after changes,
    and every 15 minutes."""
    up: bool
    """Whether there was one within the last five minutes; of this node, also whether its app is up."""


@dataclass(frozen=True)
class CallInProgress:
    id: str
    did: str
    """The number dialed; empty before the call is on record."""
    caller: str | None
    """E.164; null if withheld, unreadable or not on record yet."""
    caller_digits: str
    """What the caller shows in place of a number; empty: no digits."""
    step: str
    """The step of the flow that the call is in."""
    started_at: datetime | None
    with_app: bool
    """False: Asterisk's dialplan has the call, or it is waiting for the app."""


@dataclass(frozen=True)
class LineHealth:
    """Callers who are waiting because all agents are on calls."""

    waiting: int = 0
    """Waiting on the phone."""
    longest_seconds: int | None = None
    """How long the first of them has been waiting; null if nobody is waiting."""
    to_call_back: int = 0
    """Callers who hung up and will be called back in turn."""


@dataclass(frozen=True)
class TextsHealth:
    """Outgoing texts."""

    paused_until: datetime | None = None
    """Until when automatic texts are paused because there were far more than usual; null: they are not paused."""
    why: str = ""
    """Why they are paused."""


@dataclass(frozen=True)
class ArrivalsHealth:
    """Emails and forms that came in."""

    today: int = 0
    """In the last 24 hours."""
    unread: int = 0
    """Waiting to be read."""
    mailbox_at: datetime | None = None
    """When the mailbox was last compared with what is stored here; null: never, or there is none."""


@dataclass(frozen=True)
class EmergencyHealth:
    """An emergency call in progress, or from the last 24 hours."""

    id: str
    dialled: str
    """911 or 9911; 933 is a test."""
    device: str
    agent: str
    """Slug; empty if it is unknown whose phone it is, or the call is not on record yet."""
    address: str
    """Empty if the phone has no location."""
    callback_number: str
    started_at: datetime
    ended_at: datetime | None
    """Null while in progress, or if the end is unknown."""
    status: str
    """How it ended, as Asterisk's DIALSTATUS."""
    callback_until: datetime | None
    """Until then, the emergency service may call back: unknown callers to the callback number ring the device. Null
    if it is not expected, or no longer."""


@dataclass(frozen=True)
class LimitsHealth:
    """How close the system is to its limits."""

    callers: int = 0
    """Calls from trunks now."""
    callers_limit: int = 0
    """How many are admitted; any further one gets 503. Fewer than limits.calls if there are too few RTP ports."""
    rtp_ports: int | None = None
    """In use now; null if unknown."""
    rtp_ports_limit: int = 0
    files: int | None = None
    """Files that Asterisk has open; null if unknown."""
    files_limit: int | None = None
    """How many it may open."""
    files_needed: int = 0
    """How many it opens at full capacity: callers, phones and outgoing calls."""
    refused: int = 0
    """Callers who got 503 since Asterisk started."""
    refused_at: datetime | None = None
    """When the latest was refused."""
    refused_by: str = ""
    """The setting in [limits] that refused the latest; empty if nobody was refused."""
    refused_trunk: str = ""
    """Slug of the trunk that the latest came through."""

    @property
    def near(self) -> list[str]:
        """What is almost used up, in words."""
        used = (
            ("callers", self.callers, self.callers_limit),
            ("RTP ports", self.rtp_ports, self.rtp_ports_limit),
            ("open files", self.files, self.files_limit),
        )
        return [f"{count} of {limit} {what}" for what, count, limit in used if limits.is_near(count or 0, limit or 0)]


@dataclass(frozen=True)
class OfficeHealth:
    """Whether a property, or the office, is open now."""

    property: str | None
    """Slug; null for the office, which applies to calls about no property."""
    state: str
    """open, closed, or holiday: closed all day."""
    holiday: str
    """Name of the holiday or special day on which it is closed; empty if there is none."""
    opens_at: datetime | None
    """Null while it is open, and if it never opens again."""
    timezone: str


@dataclass(frozen=True)
class BackupHealth:
    """The daily backup, as of the last try."""

    next_at: datetime
    last_at: datetime | None
    """When the last one that was made began; null: none has been made."""
    file: str
    """Empty: none has been made."""
    checked: bool
    """Whether it was restored and compared."""
    unchecked_because: str
    error: str
    """Why the last try failed; empty: it did not."""


@dataclass(frozen=True)
class Health:
    """The state of the system at one moment."""

    at: datetime
    node: str
    """Name of this system, with which its call ids begin."""
    asterisk: AsteriskHealth
    app: AppHealth
    database: DatabaseHealth
    trunks: list[TrunkHealth] = field(default_factory=list)
    devices: list[DeviceHealth] = field(default_factory=list)
    forwarding: list[ForwardHealth] = field(default_factory=list)
    nodes: list[NodeHealth] = field(default_factory=list)
    """Every system on the same database, including this one."""
    offices: list[OfficeHealth] = field(default_factory=list)
    """The office, then every property."""
    calls: list[CallInProgress] = field(default_factory=list)
    line: LineHealth = LineHealth()
    limits: LimitsHealth = LimitsHealth()
    texts: TextsHealth = TextsHealth()
    webhooks: list[WebhookHealth] = field(default_factory=list)
    """Those whose receivers take nothing."""
    arrivals: ArrivalsHealth = ArrivalsHealth()
    emergencies: list[EmergencyHealth] = field(default_factory=list)
    """From the last 24 hours, newest first, including those not imported from Asterisk yet."""
    held: str = ""
    """Why this home sends nothing to people by itself; empty if it does."""
    keeper: bool = False
    """Whether a `leaseline up` keeps the app and Asterisk running."""
    pages: bool = False
    """Whether the process of the web pages runs and answers, which a `leaseline up` has beside the app."""
    pages_hang: bool = False
    """Whether that process is there, but says nothing to browsers within three seconds."""
    left: list[str] = field(default_factory=list)
    """Programs that a `leaseline up` started, and that nothing keeps running now."""
    voice_agent: VoiceAgentHealth = VoiceAgentHealth()  # noqa: RUF009 - it is frozen
    workers: list[WorkerHealth] = field(default_factory=list)
    """Workers that are failing and retrying, in the app or in another process."""
    disk: DiskRoom | None = None
    """The home's disk; null if it cannot be read."""
    backup: BackupHealth | None = None
    """The daily backup; null: none is scheduled."""

    @property
    def is_up(self) -> bool:
        """Whether calls are answered and recorded."""
        return self.asterisk.up and self.app.up and self.app.connected and self.database.up and self.database.current


async def look(config: Config, now: datetime) -> Health:
    """Asks all parts at the same time; takes a few seconds at most."""
    database, (asterisk, channels, endpoints, refused) = await asyncio.gather(
        asyncio.to_thread(database_health, config), _ask_asterisk(config)
    )
    app, with_app = app_health(config, now)
    health = Health(now, config.node, asterisk, app, database)
    if database.current:
        try:
            health = await _from_database(health, config, channels, endpoints, with_app)
        except CrmError as error:
            unusable = DatabaseHealth(False, False, database.revision, str(error), error.code)
            health = Health(now, config.node, asterisk, app, unusable)
    with contextlib.suppress(OSError):
        health = replace(health, disk=disk.look(config))
    health = replace(health, limits=_limits(config, len(health.devices), _from_trunks(channels), refused))
    health = replace(health, held=copies.held(config), backup=_backup(config, now))
    health.workers.extend(workers.found(config))
    running = processes.running(config)
    if processes.keeper(config):
        health = replace(health, keeper=True)
    else:
        health.left.extend(running)
    if processes.WEB in running:
        hangs = await page_probe.probe(config) is PageState.HANGS
        health = replace(health, pages=not hangs, pages_hang=hangs)
    on_record = {call.id for call in health.emergencies}
    health.emergencies.extend(_logged(config, on_record, now))
    health.emergencies.sort(key=lambda call: call.started_at, reverse=True)
    return health


def _backup(config: Config, now: datetime) -> BackupHealth | None:
    known = backup_schedule.state(config)
    next_at = backup_schedule.due_at(config, known, now)
    if next_at is None:
        return None
    good, error = known.good, known.last.error if known.last else ""
    if good is None:
        return BackupHealth(next_at, None, "", False, "", error)
    return BackupHealth(next_at, good.started_at, good.file, good.checked, good.unchecked_because, error)


def _logged(config: Config, on_record: set[str], now: datetime) -> Iterator[EmergencyHealth]:
    for call in spool.emergency_calls(config):
        if call.id not in on_record and now - call.started_at < emergencies.RECENT:
            yield EmergencyHealth(
                call.id,
                call.dialled,
                call.device,
                "",
                call.address,
                call.callback_number,
                call.started_at,
                call.ended_at,
                call.status,
                _callback_until(config, now, call.dialled, call.callback_number, call.started_at, None),
            )


async def _from_database(
    health: Health, config: Config, channels: list[Channel], endpoints: dict[str, str], with_app: set[str]
) -> Health:
    store = Store(config.database_url)
    try:
        return await store.read(_on_record, health, config, channels, endpoints, with_app)
    finally:
        store.close()


def _on_record(
    session: Session,
    health: Health,
    config: Config,
    channels: list[Channel],
    endpoints: dict[str, str],
    with_app: set[str],
) -> Health:
    """Adds what the database knows, read in one transaction."""
    now = health.at
    waiting_since = call_queries.waiting_since(session)
    longest = max(0, round((now - waiting_since[0]).total_seconds())) if waiting_since else None
    pause = messages.pause_in_force(session, now)
    open_calls = call_queries.in_progress(session, limit=MOST_CALLS)
    return replace(
        health,
        trunks=[_trunk(trunk, endpoints) for trunk in trunks.find_all(session)],
        devices=[_device(device, endpoints, health.app.deaf, now) for device in devices.find_all(session)],
        forwarding=_forwarding(session, config),
        nodes=[
            # Our own may have no reason to say so (`workers/nodes`).
            NodeHealth(
                one.name,
                one.home,
                one.seen_at,
                up=now - one.seen_at < nodes.LIVELY or (one.name == config.node and health.app.up),
            )
            for one in nodes.listed(session)
        ],
        offices=_offices(session, config, now),
        calls=_in_progress(config, open_calls, channels, with_app),
        line=LineHealth(len(waiting_since), longest, len(orders.queued_callbacks(session, config, now))),
        texts=TextsHealth(pause.ends_at, pauses.sentence(config, pause)) if pause else TextsHealth(),
        webhooks=subscriptions.silent(session, now),
        arrivals=_arrivals(session, now),
        voice_agent=voice_agent.look(session, config),
        emergencies=_emergencies(session, config, now),
    )


def _arrivals(session: Session, now: datetime) -> ArrivalsHealth:
    return ArrivalsHealth(
        today=session.scalar(select(func.count()).where(ArrivalRecord.received_at > now - timedelta(days=1))) or 0,
        unread=session.scalar(select(func.count()).where(ArrivalRecord.read_at.is_(None))) or 0,
        mailbox_at=session.scalar(select(func.max(MailFolder.counted_at))),
    )


def _in_progress(
    config: Config,
    open_calls: Sequence[Row[str, str, str | None, str, str, datetime]],
    channels: list[Channel],
    with_app: set[str],
) -> list[CallInProgress]:
    on_record = {call.id: call for call in open_calls}
    from_trunks = _from_trunks(channels)
    # What the app says of itself may be a few seconds old, and name a call that has ended since.
    alive = with_app & (set(on_record) | {channel.id for channel in channels})
    found = []
    for call_id in sorted(alive | set(from_trunks)):
        call, channel = on_record.get(call_id), from_trunks.get(call_id)
        heard = numbers.parse(channel.caller.number, config.region) if channel else None
        found.append(
            CallInProgress(
                id=call_id,
                did=call.did if call else "",
                caller=call.caller if call else heard,
                caller_digits=call.caller_digits if call else "",
                step=call.step if call else "",
                started_at=call.started_at if call else None,
                with_app=call_id in with_app,
            )
        )
    return found


def _from_trunks(channels: list[Channel]) -> dict[str, Channel]:
    """Channels that came from trunks, by id; not those dialed for emergency calls."""
    return {
        channel.id: channel
        for channel in channels
        if channel.endpoint.startswith(trunks.endpoint("")) and channel.dialplan.app_name != "AppDial"
    }


def _limits(config: Config, phones: int, callers: dict[str, Channel], refused: str) -> LimitsHealth:
    room = capacity.room(config, phones)
    files = capacity.files_of_asterisk(config)
    latest = capacity.refused(refused)
    return LimitsHealth(
        callers=len(callers),
        callers_limit=room.callers,
        rtp_ports=capacity.ports_in_use(config),
        rtp_ports_limit=config.ports.rtp_last - config.ports.rtp_first + 1,
        files=files[0] if files else None,
        files_limit=files[1] if files else None,
        files_needed=room.files,
        refused=latest.count if latest else 0,
        refused_at=latest.at if latest else None,
        refused_by=latest.limit if latest else "",
        refused_trunk=latest.trunk if latest else "",
    )


def _trunk(trunk: Trunk, endpoints: dict[str, str]) -> TrunkHealth:
    state = endpoints.get(trunks.endpoint(trunk.slug), "unknown")
    return TrunkHealth(trunk.slug, trunk.enabled, state, state == "online")


def _device(device: Device, endpoints: dict[str, str], deaf: dict[str, datetime], now: datetime) -> DeviceHealth:
    is_mobile = device.kind == DeviceKind.MOBILE
    on = "on" if device.agent.forwarding else "off"
    state = on if is_mobile else endpoints.get(device.slug, "unknown")
    dnd = devices.has_dnd(device, now)
    return DeviceHealth(
        device.slug,
        device.agent.slug,
        state,
        state in ("online", "on"),
        dnd=dnd,
        dnd_until=device.dnd_until if dnd else None,
        is_mobile=is_mobile,
        forwards_since=device.forwards_since,
        deaf_since=deaf.get(device.slug),
    )


def _callback_until(
    config: Config, now: datetime, dialled: str, number: str, started_at: datetime, acknowledged_at: datetime | None
) -> datetime | None:
    until = emergencies.awaits_callback_until(config, dialled, number, started_at, acknowledged_at)
    return until if until and until > now else None


def _emergencies(session: Session, config: Config, now: datetime) -> list[EmergencyHealth]:
    recent = select(EmergencyCall).where(EmergencyCall.started_at >= now - emergencies.RECENT)
    return [
        EmergencyHealth(
            id=call.id,
            dialled=call.dialled,
            device=call.device,
            agent=call.agent,
            address=call.address,
            callback_number=call.callback_number,
            started_at=call.started_at,
            ended_at=call.ended_at,
            status=call.status,
            callback_until=_callback_until(
                config, now, call.dialled, call.callback_number, call.started_at, call.acknowledged_at
            ),
        )
        for call in session.scalars(recent.order_by(EmergencyCall.started_at.desc()))
    ]


def _forwarding(session: Session, config: Config) -> list[ForwardHealth]:
    """The office's forwarding, then that of the agents."""
    found: list[ForwardHealth] = []
    wanted: list[Wanted] = []
    office = office_queries.organization(session)
    if office and office.forward_to:
        wanted.append(Wanted(office.forward_to, DialPurpose.OFFICE))
        found.append(ForwardHealth(None, None, office.forward_to, not office.forward_confirm, ""))
    mobiles = select(Agent.slug, Agent.dialing, Device.slug, Device.number).join(Device, Device.agent_id == Agent.id)
    mobiles = mobiles.where(Agent.forwarding, Device.kind == DeviceKind.MOBILE).order_by(Agent.slug, Device.slug)
    for agent, dialing, device, number in session.execute(mobiles):
        wanted.append(Wanted(number or "", DialPurpose.FORWARD, agent, dialing == dial_queries.ALLOWED))
        found.append(ForwardHealth(agent, device, number or "", straight=False, refusal=""))
    refusals = dial_queries.refusals(session, config, wanted)
    return [replace(one, refusal=refusal) for one, refusal in zip(found, refusals, strict=True)]


def _offices(session: Session, config: Config, now: datetime) -> list[OfficeHealth]:
    found = []
    for property, schedule in hours.schedules(session, config):
        facts = OfficeFacts.of(schedule, now)
        slug = property.slug if property else None
        found.append(OfficeHealth(slug, facts.state.value, facts.holiday, facts.opens_at, schedule.tz.key))
    return found


async def _ask_asterisk(config: Config) -> tuple[AsteriskHealth, list[Channel], dict[str, str], str]:
    """Whether Asterisk is up, its channels, the state of each endpoint by name, and the variable about refused
    callers."""

    async def nothing() -> None:
        return None

    try:
        password = Secrets(config.secrets_file).get("ari")
        client = AriClient(
            f"http://127.0.0.1:{config.ports.http}",
            STASIS_APP,
            password,
            STASIS_APP,
            on_connect=nothing,
            on_event=lambda event: None,
        )
        async with asyncio.timeout(ANSWER_SECONDS), client:
            channels = await client.channels()
            endpoints: list[dict[str, Any]] = await client.get("/endpoints")
            refused = str((await client.get("/asterisk/variable", variable=capacity.REFUSED))["value"])
    except TimeoutError:
        return AsteriskHealth(False, f"Asterisk did not list its channels within {ANSWER_SECONDS:g} s"), [], {}, ""
    except (PhoneError, SecretError, msgspec.MsgspecError) as error:
        return AsteriskHealth(False, str(error)), [], {}, ""
    states = {one["resource"]: one.get("state", "unknown") for one in endpoints if one.get("technology") == "PJSIP"}
    return AsteriskHealth(True, ""), channels, states, refused


class _Beat(msgspec.Struct):
    """run/app.json, as written by the app."""

    at: datetime
    pid: int
    connected: bool
    calls: list[str]
    events_unknown: int = 0
    reconnects: int = 0
    trouble: list[str] = []
    deaf: dict[str, datetime] = {}


def app_health(config: Config, now: datetime) -> tuple[AppHealth, set[str]]:
    """The app's state, according to its sign of life, and the ids of its calls."""
    try:
        beat = msgspec.json.decode((config.run_folder / "app.json").read_bytes(), type=_Beat)
        up = abs(now - beat.at) <= FRESH and _is_alive(beat.pid)
    except (OSError, msgspec.MsgspecError, TypeError):
        # No file, half a file, or a time without a zone: there is no sign of life.
        return AppHealth(up=False, connected=False), set()
    app = AppHealth(
        up,
        up and beat.connected,
        beat.at,
        beat.pid,
        beat.events_unknown,
        beat.reconnects,
        beat.trouble,
        beat.deaf if up else {},
    )
    return app, set(beat.calls) if up else set()


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def database_health(config: Config) -> DatabaseHealth:
    """Blocks; call it in a thread."""
    try:
        revision = migrate.current(config.database_url)
    except CrmError as error:
        return DatabaseHealth(False, False, None, str(error), error.code)
    if old := problem(revision):
        return DatabaseHealth(True, False, revision, str(old), old.code)
    return DatabaseHealth(True, True, revision, "")
