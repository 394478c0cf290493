"""The calls that are with the app: how each comes, is supervised whatever happens, and is taken up again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ari_app import draining, heartbeat, leftovers, replacing, settle
from ari_app import log as log_to
from ari_app.call.call import BRIDGE_MARK, Call, Office
from ari_app.edge import ami, events, rtcp
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, CallEnded, ChannelGone, PhoneError
from ari_app.flows import mailbox, steps
from ari_app.flows.inbound import inbound
from ari_app.flows.outbound import ordered
from ari_app.flows.pickup import pickup
from ari_app.flows.plan import answers_from
from ari_app.flows.staff import staff
from ari_app.flows.transfer import waiting_seconds
from ari_app.settle import Resumed
from ari_app.witness import Witness
from ari_app.workers.crowding import Crowding
from ari_app.workers.escalation import Escalations
from ari_app.workers.lost_lines import LostLines
from ari_app.workers.message_lamps import MessageLamps
from ari_app.workers.plain_phones import PlainPhones
from ari_app.workers.turns import Turns
from asterisk_conf.render import STASIS_APP
from crm.config import Config
from crm.domain.calls import (
    ORDER_MARK,
    DialStatus,
    Direction,
    EndedBy,
    LegEnded,
    Step,
)
from crm.domain.calls import CallEnded as CallEndedFact
from crm.domain.errors import CrmError
from crm.edge import processes
from crm.secrets import Secrets
from crm.services.calls import ledger, orders, spool
from crm.services.calls.journal import Journal
from crm.services.calls.orders import Claim
from crm.services.phones import devices
from crm.services.phones.emergencies import Desk
from crm.services.routing import arrivals
from crm.services.texts.inbox import Inbox
from crm.store.session import Store

log = logging.getLogger(__name__)

Flow = Callable[[Call], Awaitable[steps.Following]]

HEARTBEAT_SECONDS = 2.0
LOOK_SECONDS = 2.0
"""How often what Asterisk has is compared with what we know of, beside the events."""
NOTES_SECONDS = 30.0
"""What Asterisk notes of a call that it has alone is there so soon after its end, or lost, as on a full disk."""
HANGUP_SECONDS = 0.5
"""Within this time a channel that has left the app for a hangup is gone."""
ORDERS_SECONDS = 0.5
"""How soon an order that somebody has written is taken."""


def now() -> datetime:
    return datetime.now(UTC)


class App:
    """The calls that are with us, and how each came and goes."""

    def __init__(
        self,
        config: Config,
        store: Store,
        journal: Journal,
        secrets: Secrets,
        inbox: Inbox,
        desk: Desk,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self.config = config
        self.inbox = inbox
        self.desk = desk
        self.client = AriClient(
            f"http://127.0.0.1:{config.ports.http}",
            STASIS_APP,
            secrets.get("ari"),
            STASIS_APP,
            on_connect=self.take_up,
            on_event=self.on_event,
        )
        self.ami = ami.Connection(config.ports.ami, secrets.get("ami"), on_event=self.on_ami_event)
        self.office = Office(config, store, journal, self.client, self.ami, secrets, now, held=held)
        self.lamps = MessageLamps(self.office)
        self.escalations = Escalations(self.office, self.on_messages)
        self.turns = Turns(self.office, self.begin_order)
        self.lost_lines = LostLines(
            self.client, self.ami, self.office.calls, config.talk.lost_seconds, config.sip.qualify_seconds
        )
        self.crowding = Crowding(config, store, self.client, now)
        self.plain_phones = PlainPhones(self.client, lambda device: store.read(devices.must_encrypt, device), now)
        self.calls = self.office.calls
        self.chores: set[asyncio.Task[None]] = set()
        self.look_now = asyncio.Event()
        """Set when there may be something that no flow sees to, so that it need not wait for the next look."""
        self.asterisk_since: datetime | None = None
        """When the Asterisk we talk to was started; what is older died with the one before."""
        self.to_drain = asyncio.Event()
        """Set when Leaseline is to end, once nobody is on the line."""
        self.witness = Witness()
        self.last_seen = heartbeat.last_sign(config)
        """The last sign of life of the app before us."""
        self._looking = asyncio.Lock()
        self._unattended: dict[str, float] = {}
        """Channels in the app that nobody works for, and records without an end; and since when that is known."""

    def on_messages(self) -> None:
        """Messages came in, were heard, taken or deleted."""
        self.lamps.changed.set()

    # --- arriving ---

    def on_event(self, event: events.Event) -> None:
        """Events of channels that no flow owns."""
        match event:
            case events.StasisStart(replace_channel=events.Channel()):
                self.chore(replacing.succeeds(self.office, event))
            case events.StasisStart(channel=channel, args=args):
                if not self.arrives(channel, args):
                    # A phone was answered for a call that is being taken up, or whose flow has ended in this moment.
                    self.look_now.set()
            case events.ChannelDestroyed(channel=channel) if channel.id not in self.calls:
                self.look_now.set()
            case events.TextMessageReceived():
                # The dialplan has noted it; the look finds the note.
                self.look_now.set()
            case events.ContactStatusChange(endpoint=endpoint, contact_info=contact):
                if contact.contact_status not in ("Reachable", "Removed"):
                    self.chore(self.registered(endpoint.resource, contact.uri))
            case events.ApplicationReplaced() if not self.client.yields.is_set():
                log.error("another process has taken over the calls: end one of the two")

    def on_ami_event(self, _: object, event: Any) -> None:
        if report := rtcp.sender_report(event):
            self.lost_lines.hear_report(report)

    async def registered(self, endpoint: str, uri: str) -> None:
        """A phone registered, or does not answer any more."""
        if not await self.plain_phones.remove(endpoint, uri):
            # A phone that registers again where it was keeps its status, and nothing is sent to an unreachable one
            # until its turn to be asked comes. An answer that changes nothing is no event, so this ends.
            await self.ami.qualify(endpoint)

    def arrives(self, channel: events.Channel, args: list[str], *, is_late: bool = False) -> bool:
        """Begins the call that the dialplan gave us; False for a channel that belongs to another.

        `is_late` when it came while we were away, and may be in the middle of something that is not on record.
        """
        flow: Flow
        match args:
            case ["inbound", did, trunk, said, withheld]:
                call, flow = self.call_of(channel, did, trunk, said, withheld), inbound
            case ["staff", dialled]:
                call, flow = self.call_from(channel), functools.partial(staff, dialled=dialled)
            case ["pickup", *extension]:
                call, flow = self.call_from(channel), functools.partial(pickup, extension="".join(extension))
            case ["mailbox", extension]:
                call, flow = self.call_from(channel), functools.partial(self.listen, extension=extension)
            case _:
                return False
        # Before Asterisk takes the call back (survival.first_seconds).
        self.chore(self.renew_one(call.person))
        if is_late:
            flow = functools.partial(steps.begin_late, flow=flow)
        self.admit(call, flow)
        return True

    def call_of(
        self,
        channel: events.Channel,
        did: str,
        trunk: str,
        said: str,
        withheld: str,
        handle: Handle | None = None,
        id: str = "",
    ) -> Call:
        """A caller's, from what the dialplan says of it (context arrival)."""
        arrival = arrivals.read(self.config, request=did, said=said, withheld=withheld, shown=channel.caller.number)
        return Call(
            self.office,
            handle or Handle(self.client, channel.id, channel.name),
            arrival.did,
            arrival.caller,
            trunk.removeprefix("trunk-"),
            attestation=arrival.attestation,
            is_withheld=arrival.is_withheld,
            dialled=arrival.dialled,
            id=id,
        )

    def call_from(self, channel: events.Channel) -> Call:
        """A phone of ours dialled."""
        call = Call(self.office, Handle(self.client, channel.id, channel.name), "", None, "")
        call.direction = Direction.INTERNAL
        return call

    def admit(self, call: Call, flow: Flow) -> None:
        """Begins a new call, unless Leaseline is being stopped."""
        if self.office.stopping.is_set():
            is_busy = self.config.stopping.new_calls == "busy" and call.direction is Direction.IN
            flow = draining.turn_away if is_busy else draining.to_asterisk
        self.begin(call, flow)

    def begin(self, call: Call, flow: Flow) -> None:
        """Starts a call with the flow that tells its first step."""
        if call.id not in self.calls:
            self.calls.add(call, asyncio.create_task(self.supervise(call, flow), name=call.id))

    async def listen(self, call: Call, *, extension: str) -> steps.Following:
        """Somebody listens to their messages."""
        try:
            return await mailbox.listen(call, extension)
        finally:
            self.on_messages()

    def chore(self, work: Any) -> None:
        """A small act whose end nobody waits for."""

        async def quietly() -> None:
            with contextlib.suppress(PhoneError):
                await work

        task = asyncio.create_task(quietly())
        self.chores.add(task)
        task.add_done_callback(self.chores.discard)

    # --- one call, whatever happens ---

    async def supervise(self, call: Call, flow: Flow) -> None:
        """Runs the flow. Whatever goes wrong, the person ends with a person, a mailbox, or their own hangup."""
        log_to.call_id.set(call.id)
        try:
            log.info("call begins", extra={"direction": call.direction.value})
            await steps.follow(call, await flow(call))
        except LeftTheApp:
            await self.let_go(call)
        except CallEnded:
            await self.ended(call)
        except AsteriskUnreachable:
            # Asterisk has the caller; the next look that it answers takes them up again in the same step.
            log.warning("Asterisk does not answer, the call waits")
        except Exception:
            log.exception("the flow failed, the dialplan takes the call")
            await self.hand_over(call)
        finally:
            log.info("call leaves")
            call.release()
            self.calls.remove(call)

    async def ended(self, call: Call) -> None:
        """The person hung up; unless it was somebody else, and nobody has thought of them."""
        try:
            if await call.person.is_up() and await call.person.is_in_app():
                log.error("a flow ended before its person")
                await self.hand_over(call)
                return
        except CallEnded:
            pass
        except PhoneError as error:
            log.warning("an ended call is looked after later: %s", error)
            return
        call.note(CallEndedFact, once="ended", by=EndedBy.CALLER)
        with contextlib.suppress(PhoneError):
            await steps.wind_up(call)

    async def let_go(self, call: Call) -> None:
        """Asterisk has taken the call back, and notes itself what becomes of it; or it hangs up in this moment."""
        await asyncio.sleep(HANGUP_SECONDS)
        with contextlib.suppress(PhoneError):
            if not await call.person.is_up():
                call.note(CallEndedFact, once="ended", by=EndedBy.CALLER)
                return
        log.warning("Asterisk has taken the call back")
        # The dead man's switch may have been renewed since, and would cut a talk that Asterisk has begun.
        with contextlib.suppress(PhoneError):
            await self.ami.limit(call.person.name, 0)

    async def hand_over(self, call: Call) -> None:
        """Gives the call to the dialplan's last resort, which notes that it has it."""
        try:
            # Phones that still ring for the call would count as busy.
            for leg in await steps.legs_of(call):
                await self.stop_leg(leg)
        except PhoneError as error:
            log.error("phones may ring on for a call that is handed over: %s", error)
        try:
            await call.person.go_on_in_dialplan(call.last_resort)
        except LeftTheApp:
            await self.let_go(call)
        except CallEnded:
            call.note(CallEndedFact, once="ended", by=EndedBy.CALLER)
        except (AsteriskUnreachable, AsteriskRefused) as error:
            # The dead man's switch does the same.
            log.error("the dialplan could not be given the call: %s", error)

    # --- coming back ---

    async def stop(self) -> None:
        """Lets go of the calls without ending them: Asterisk keeps them for the app that comes next."""
        running = [*self.calls.tasks, *self.chores]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self.ami.close()

    async def take_up(self) -> None:
        """At each connection: takes up every call in the step it was in, since events have been missed."""
        async with self._looking:
            tasks = self.calls.tasks
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.office.journal.taken_over()
            self.asterisk_since = await self.client.started_at()
            channels = await self.client.channels()
            await self.settle(channels, self.waiting(channels))
        self.lamps.forget()
        self.look_now.set()

    def waiting(self, channels: list[events.Channel]) -> list[events.Channel]:
        """Channels in the app that no flow has."""
        return [
            channel
            for channel in settle.in_app(channels)
            if settle.call_of(channel.id) not in self.calls
            and self.calls.of_channel(channel.id) is None
            and settle.call_of(channel.id) not in self.escalations.calling
        ]

    async def settle(self, channels: list[events.Channel], waiting: list[events.Channel]) -> None:
        """Does what the decision says of the channels that wait without a flow, and of phones whose call is gone."""
        found: dict[str, tuple[Handle, dict[str, str]]] = {}
        for channel in waiting:
            handle = Handle(self.client, channel.id, channel.name)  # subscribes before it asks
            try:
                known = await handle.variables(*settle.KEPT)
            except CallEnded:
                handle.release()
                continue
            if not known.get("LL_STEP") and not settle.is_leg(channel):
                # It has not taken a step yet.
                handle.release()
                if self.arrives(channel, settle.arguments(channel), is_late=True):
                    continue
                handle = Handle(self.client, channel.id, channel.name)
            found[channel.id] = handle, known
        states = {channel_id: known for channel_id, (_, known) in found.items()}
        flows = [*self.calls.ids, *self.escalations.calling]
        settlement = settle.settle(channels, states, flows, self.calls.held)
        for entry in settlement.resumed:
            handle, known = found.pop(entry.channel.id)
            call = self.resumed(entry, handle, known)
            if entry.step is Step.QUEUE:
                self.calls.returns(call)
            self.chore(self.renew_one(call.person))
            for leg in channels:
                if leg.id in entry.legs and leg.state == "Up":
                    # Somebody may be hearing who calls.
                    self.chore(self.ami.limit(leg.name, self.config.survival.deadman_seconds))
            self.begin(call, functools.partial(steps.resume, step=entry.step))
        for handle, _ in found.values():
            handle.release()
        for orphan in settlement.orphans:
            await self.stop_leg(orphan)
        if settlement.resumed or settlement.orphans:
            log.info("settled", extra={"resumed": len(settlement.resumed), "orphans": len(settlement.orphans)})

    def resumed(self, entry: Resumed, handle: Handle, known: dict[str, str]) -> Call:
        """The call as it was before the app was away."""
        if (direction := settle.direction(known)) is Direction.IN:
            did, trunk, said, withheld = (
                known.get(name, "") for name in ("LL_DID", "LL_TRUNK", "LL_SAID", "LL_WITHHELD")
            )
            call = self.call_of(entry.channel, did, trunk, said, withheld, handle, entry.call_id)
        else:
            call = Call(
                self.office,
                handle,
                known.get("LL_DID", ""),
                known.get("LL_NUMBER") or None,
                known.get("LL_TRUNK", ""),
                direction=direction,
                id=entry.call_id,
            )
        call.adopted_legs = list(entry.legs)
        call.peer_leg = entry.peer
        call.first_stage = entry.stage
        call.answers = answers_from(known.get("LL_KEYS", ""))
        call.transferrer = entry.peer_name
        return call

    async def stop_leg(self, leg_id: str) -> None:
        """Ends an agent's channel that no flow works with."""
        leg = Handle(self.client, leg_id)
        try:
            await leg.hang_up()
        finally:
            leg.release()
        call_id = settle.call_of(leg_id)
        if call_id.startswith(ORDER_MARK):
            # Perhaps the agent has never answered; then there is no call to note anything of.
            return
        self.office.journal.note(LegEnded(f"{call_id}/leg-ended-{leg_id}", call_id, now(), leg_id, DialStatus.CANCEL))

    async def watch(self) -> None:
        """Looks again and again after what no event tells."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look_now.wait()
            self.look_now.clear()
            if not self.client.connected.is_set():
                continue
            try:
                async with self._looking:
                    await self.look()
            except (PhoneError, CrmError, OSError) as error:
                log.warning("calls are looked after later: %s", error)

    async def look(self) -> None:
        """Compares Asterisk and the record with our flows.

        Imports what Asterisk noted of calls it handled alone, takes up callers whom a failed request left without a
        flow, and closes the records of calls that ended unseen. What is found unattended is acted on when it still is
        so at a later look: events and facts about it may be on their way.
        """
        channels = await self.client.channels()
        present = settle.present(channels)
        # Of an Asterisk that died while we were away we know the time only as the last sign of life before us.
        died_at = self.client.lost_at or self.last_seen
        await spool.import_all(
            self.config, self.office.journal, present, now(), on_gone=self.witness.gone, died_at=died_at
        )
        self.inbox.look_now.set()
        self.desk.channels = {channel.id for channel in channels}
        self.desk.look_now.set()
        waiting = self.waiting(channels)
        open_calls = await self.office.store.read(ledger.open_calls)
        gone = [id for id in open_calls if id not in present and id not in self.calls]
        self.witness.seen(present)
        for fact in self.witness.facts(open_calls, self.client.connected_at):
            self.office.journal.note(fact)
        at = time.monotonic()
        self._unattended = {id: self._unattended.get(id, at) for id in (*(channel.id for channel in waiting), *gone)}
        due = {id for id, since in self._unattended.items() if at - since >= LOOK_SECONDS / 2}
        await self.settle(channels, [channel for channel in waiting if channel.id in due])
        await self.remove_bridges()
        journal, up = self.office.journal, {*present, *self.calls.ids}
        await leftovers.keep_talks(self.config, journal, self.client, up, now)
        for call_id in gone:
            if call_id in due:
                is_cut = bool(self.asterisk_since and open_calls[call_id] < self.asterisk_since)
                no_note = at - self._unattended[call_id] > NOTES_SECONDS and not spool.has_notes(self.config, call_id)
                ended_at = self.witness.ended_at(
                    call_id, open_calls[call_id], now(), died_at=died_at if is_cut else None, last_seen=self.last_seen
                )
                await leftovers.close(self.config, journal, call_id, ended_at, is_cut=is_cut, is_unnoted=no_note)
        await leftovers.keep_messages(self.config, journal, self.client, {*up, *open_calls}, now())
        await self.crowding.look(channels)

    async def remove_bridges(self) -> None:
        """Empty bridges of talks that ended, or went on in the dialplan, without us."""
        for bridge in await self.client.get("/bridges"):
            call_id = bridge["id"].removeprefix(BRIDGE_MARK)
            if call_id != bridge["id"] and not bridge["channels"] and call_id not in self.calls:
                with contextlib.suppress(ChannelGone):
                    await self.client.delete(f"/bridges/{quote(bridge['id'], safe='')}")

    # --- calls that were ordered ---

    async def place_orders(self) -> None:
        """Takes orders as they come due, each in a flow of its own. Other apps may do so, too."""
        while True:
            await asyncio.sleep(ORDERS_SECONDS)
            if not self.office.places_calls:
                continue
            try:
                while await self.office.store.read(orders.any_due, now()) and (
                    claim := await self.office.store.run(orders.claim, self.config, now())
                ):
                    self.begin_order(claim)
            except (CrmError, OSError) as error:
                log.warning("orders wait: %s", error)

    def begin_order(self, claim: Claim) -> None:
        call = Call(self.office, Handle(self.client, claim.call_id), "", claim.number, "")
        call.direction = Direction.OUT
        if claim.keeps_place:
            call.keeps_place, call.ringing = True, {claim.agent}
        self.begin(call, functools.partial(ordered, claim=claim))

    # --- signs of life ---

    async def renew(self) -> None:
        """Renews every caller's dead man's switch, several times within its length."""
        seconds = self.config.survival.deadman_seconds
        while True:
            await asyncio.sleep(seconds / 4)
            for call in self.calls:
                for whispered in call.whispered:
                    self.chore(self.renew_one(whispered))
                if call.waiting:
                    self.chore(self.renew_waiting(call, call.waiting))
                self.chore(self.renew_one(call.person))

    async def renew_one(self, channel: Handle) -> None:
        await self.ami.limit(channel.name, self.config.survival.deadman_seconds)

    async def renew_waiting(self, call: Call, agent: Handle) -> None:
        try:
            await self.ami.limit(agent.name, waiting_seconds(self.config))
        finally:
            if call.waiting is not agent:
                # They may be talking by now, which nothing may end.
                await agent.set_variables(timeout="0")

    async def beat(self) -> None:
        """Writes run/app.json, from which `leaseline status` tells that the app is alive; at once when it is connected,
        which whoever starts it waits for."""
        path = self.config.run_folder / "app.json"
        failed, me = "", processes.me()
        while True:
            state = {
                "at": now().isoformat(),
                "pid": me.pid,
                "started": me.started,
                "connected": self.client.connected.is_set(),
                "calls": self.calls.ids,
                "events_unknown": self.client.unknown.total(),
                "reconnects": max(0, self.client.connections - 1),
                "trouble": [*self.office.journal.troubles, *self.plain_phones.troubles],
                "stopping": self.office.stopping.is_set(),
            }
            try:
                heartbeat.write(path, json.dumps(state).encode())
                failed = ""
            except OSError as error:
                if failed != (failed := str(error.strerror)):
                    log.error("signs of life cannot be written: %s", error.strerror)
            if state["connected"]:
                await asyncio.sleep(HEARTBEAT_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await self.client.connected.wait()
