"""The calls that the app has: how each arrives, and how it is supervised whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Any

from ari_app import draining, recovery, replacing, signs
from ari_app import log as log_to
from ari_app.call import thinking
from ari_app.call.call import AppContext, LiveCall
from ari_app.call.waking import PushBell
from ari_app.edge import ami, events, rtcp
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, HungUp, PhoneError
from ari_app.flows import mailbox, steps
from ari_app.flows.inbound import inbound
from ari_app.flows.outbound import ordered
from ari_app.flows.pickup import pickup
from ari_app.flows.staff import staff
from ari_app.reconcile import Reconciler, stop_leg
from ari_app.workers import message_lamps
from ari_app.workers.escalation import Escalations
from ari_app.workers.lamps import BusyLamps
from ari_app.workers.lost_lines import LostLines
from ari_app.workers.message_lamps import MessageLamps
from ari_app.workers.plain_phones import PlainPhones
from ari_app.workers.queue_dispatcher import QueueDispatcher
from asterisk_conf.render import STASIS_APP
from crm.context import Crm
from crm.domain.calls import (
    CallDirection,
    CallEnded,
    EndedBy,
)
from crm.services.calls.journal import Journal
from crm.services.calls.orders import OrderClaim
from crm.services.phones import devices
from crm.services.phones.emergencies import EmergencyNotifier
from crm.services.routing import arrivals
from crm.services.talks import minds
from crm.services.texts.inbox import Inbox

log = logging.getLogger(__name__)

FIRST_STEP_SECONDS = 2.0
"""How long the request with which a caller's first step begins, once the CRM has told who calls, may take: it also
renews their dead man's switch."""
HANGUP_SECONDS = 0.5
"""A channel that has left the app because it was hung up is gone within this time."""


class App:
    """All calls that the app has, from their arrival until they leave."""

    def __init__(
        self,
        crm: Crm,
        journal: Journal,
        inbox: Inbox,
        notifier: EmergencyNotifier,
        held: Callable[[], bool] = lambda: False,
        bell: PushBell | None = None,
    ) -> None:
        self.config = config = crm.config
        self.client = AriClient(
            f"http://127.0.0.1:{config.ports.http}",
            STASIS_APP,
            crm.secrets.get("ari"),
            STASIS_APP,
            on_connect=self.take_up,
            on_event=self.on_event,
        )
        self.ami = ami.AmiConnection(config.ports.ami, crm.secrets.get("ami"), on_event=self.on_ami_event)
        self.context = AppContext(
            config,
            crm.store,
            crm.secrets,
            crm.now,
            journal,
            self.client,
            self.ami,
            functools.cache(functools.partial(minds.of, config)),
            thinking.model_of(config, crm.secrets),
            held=held,
            bell=bell,
        )
        self.lamps = BusyLamps(self.client), MessageLamps(self.client)
        self.escalations = Escalations(self.context)
        self.queue_dispatcher = QueueDispatcher(self.context, self.begin_order)
        self.lost_lines = LostLines(
            self.client,
            self.ami,
            self.context.calls,
            config.talk.lost_seconds,
            config.sip.qualify_seconds,
            gone_seconds=config.talk.gone_seconds,
        )
        self.plain_phones = PlainPhones(
            self.client, lambda device: crm.store.read(devices.must_encrypt, device), crm.now
        )
        self.calls = self.context.calls
        self.chores: set[asyncio.Task[None]] = set()
        self.to_drain = asyncio.Event()
        """Set when Leaseline is to stop once no call is left."""
        self.reconciler = Reconciler(self.context, self, inbox, notifier, self.escalations)

    # --- arriving ---

    def on_event(self, event: events.Event) -> None:
        """Handles events of channels that no flow owns."""
        match event:
            case events.StasisStart(replace_channel=events.Channel()):
                self.chore(replacing.succeeds(self.context, event))
            case events.StasisStart(channel=channel, args=args):
                if not self.arrives(channel, args):
                    # A phone was answered for a call that is being resumed, or whose flow has just ended.
                    self.reconciler.look_now.set()
            case events.ChannelDestroyed(channel=channel) if not self.has_seen_to(channel.id):
                self.reconciler.look_now.set()
            case events.TextMessageReceived():
                # The dialplan has logged it; the reconciler's look finds the entry.
                self.reconciler.look_now.set()
            case events.ContactStatusChange(endpoint=endpoint, contact_info=contact):
                self.context.deaf.discard(endpoint.resource)
                if contact.contact_status == "Removed":
                    self.chore(self.lost_lines.watch(endpoint.resource, contact.uri))
                elif contact.contact_status != "Reachable":
                    self.lost_lines.registered(endpoint.resource, contact.uri)
                    self.chore(self.registered(endpoint.resource, contact.uri))
            case events.ApplicationReplaced() if not self.client.yields.is_set():
                log.error("another process has taken over the calls: end one of the two")

    def has_seen_to(self, channel_id: str) -> bool:
        """Whether nothing is left to be done about a channel that is gone."""
        return self.calls.sees_to(recovery.call_of(channel_id)) or channel_id.startswith(message_lamps.MARK)

    def on_ami_event(self, _: object, event: Any) -> None:
        if report := rtcp.sender_report(event):
            self.lost_lines.hear_report(report)

    async def registered(self, endpoint: str, uri: str) -> None:
        """Called when a phone has registered, or has stopped answering."""
        if not await self.plain_phones.remove(endpoint, uri):
            # A phone that registers again from the same address keeps its status, and an unreachable one is not
            # qualified until it is due. An answer that does not change the status raises no event, so this ends.
            await self.ami.qualify(endpoint)

    def arrives(self, channel: events.Channel, args: list[str], *, is_late: bool = False) -> bool:
        """Begins the call that the dialplan handed to us; returns False for a channel that belongs to another call.

        `is_late` if the channel arrived while we were away, and may be in the middle of something that is not on
        record.
        """
        flow: steps.Flow
        match args:
            case ["inbound", did, trunk, said, withheld, *back_to]:
                call, flow = self.call_of(channel, did, trunk, said, withheld), inbound
                call.back_to = "".join(back_to)
            case ["staff", dialled]:
                call, flow = self.call_from(channel), functools.partial(staff, dialled=dialled)
            case ["pickup", *extension]:
                call, flow = self.call_from(channel), functools.partial(pickup, extension="".join(extension))
            case ["mailbox", extension]:
                call, flow = self.call_from(channel), functools.partial(mailbox.listen, extension=extension)
            case _:
                return False
        # In time, before Asterisk takes the call back (survival.first_seconds).
        survival = self.config.survival
        if flow is inbound and not is_late and survival.store_seconds + FIRST_STEP_SECONDS <= survival.first_seconds:
            call.keep(timeout=str(survival.deadman_seconds))
        else:
            self.chore(signs.renew_one(self.context, call.person))
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
    ) -> LiveCall:
        """A caller's call, from what the dialplan says about it (context arrival)."""
        arrival = arrivals.read(self.config, request=did, said=said, withheld=withheld, shown=channel.caller.number)
        return LiveCall(
            self.context,
            handle or Handle(self.client, channel.id, channel.name),
            arrival.did,
            arrival.caller,
            trunk.removeprefix("trunk-"),
            attestation=arrival.attestation,
            is_withheld=arrival.is_withheld,
            dialled=arrival.dialled,
            caller_digits=arrival.caller_digits,
            id=id,
        )

    def call_from(self, channel: events.Channel) -> LiveCall:
        """A call from one of our phones, which has dialed."""
        call = LiveCall(self.context, Handle(self.client, channel.id, channel.name), "", None, "")
        call.direction = CallDirection.INTERNAL
        return call

    def admit(self, call: LiveCall, flow: steps.Flow) -> None:
        """Begins a new call, unless Leaseline is being stopped."""
        if self.context.stopping.is_set():
            is_busy = self.config.stopping.new_calls == "busy" and call.direction is CallDirection.IN
            is_busy = is_busy and not call.back_to
            flow = draining.turn_away if is_busy else draining.to_asterisk
        self.begin(call, flow)

    def begin(self, call: LiveCall, flow: steps.Flow) -> None:
        """Starts a call with the flow that decides its first step."""
        if call.id not in self.calls:
            self.calls.add(call, asyncio.create_task(self.supervise(call, flow), name=call.id))

    def chore(self, work: Any) -> None:
        """Runs something small in the background, which may fail with PhoneError."""

        async def quietly() -> None:
            with contextlib.suppress(PhoneError):
                await work

        task = asyncio.create_task(quietly())
        self.chores.add(task)
        task.add_done_callback(self.chores.discard)

    # --- one call, whatever happens ---

    async def supervise(self, call: LiveCall, flow: steps.Flow) -> None:
        """Runs the flow. Whatever goes wrong, the person reaches somebody or a mailbox, unless they hang up."""
        log_to.call_id.set(call.id)
        try:
            log.info("call begins", extra={"direction": call.direction.value})
            await steps.follow(call, await flow(call))
            self.calls.is_over(call)
        except LeftTheApp:
            await self.let_go(call)
        except HungUp:
            await self.ended(call)
        except AsteriskUnreachable:
            # Asterisk has the caller; the next look that it answers resumes the call in the same step.
            log.warning("Asterisk does not answer, the call waits")
        except Exception:
            log.exception("the flow failed, the dialplan takes the call")
            await self.hand_over(call)
        finally:
            log.info("call leaves")
            call.release()
            self.calls.remove(call)

    async def ended(self, call: LiveCall) -> None:
        """Called when the flow found the person gone: they hung up, or another channel of the call did."""
        try:
            if not call.person.is_hung_up and await call.person.is_up() and await call.person.is_in_app():
                log.error("a flow ended before its person")
                await self.hand_over(call)
                return
        except HungUp:
            pass
        except PhoneError as error:
            log.warning("an ended call is looked after later: %s", error)
            return
        call.emit(CallEnded(*call.stamp("ended"), by=call.ended_by))
        with contextlib.suppress(PhoneError):
            await steps.wind_up(call)
            self.calls.is_over(call)

    async def let_go(self, call: LiveCall) -> None:
        """Lets go of a call that Asterisk has taken back, which it records by itself, or that is just being hung up."""
        with contextlib.suppress(PhoneError):
            if await call.person.ends_within(HANGUP_SECONDS):
                call.emit(CallEnded(*call.stamp("ended"), by=EndedBy.CALLER))
                return
        log.warning("Asterisk has taken the call back")
        # The dead man's switch may have been renewed since, and would cut off a talk that Asterisk has begun.
        with contextlib.suppress(PhoneError):
            await self.ami.limit(call.person.name, 0)

    async def hand_over(self, call: LiveCall) -> None:
        """Hands the call to the dialplan's last resort, which logs that it has it."""
        try:
            # Phones still ringing for this call would count as busy.
            for leg in await steps.legs_of(call):
                await stop_leg(self.context, leg)
        except PhoneError as error:
            log.error("phones may ring on for a call that is handed over: %s", error)
        try:
            await call.person.go_on_in_dialplan(call.last_resort)
        except LeftTheApp:
            await self.let_go(call)
        except HungUp:
            call.emit(CallEnded(*call.stamp("ended"), by=EndedBy.CALLER))
        except (AsteriskUnreachable, AsteriskRefused) as error:
            # The dead man's switch does the same.
            log.error("the dialplan could not be given the call: %s", error)

    # --- coming back ---

    async def stop(self) -> None:
        """Lets go of the calls without ending them: Asterisk keeps them for the next app."""
        running = [*self.calls.tasks, *self.chores]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self.ami.close()
        if self.context.language_model:
            await self.context.language_model.close()

    async def take_up(self) -> None:
        """Resumes every call in the step it was in; done at each connection to Asterisk, since events were missed."""
        await self.reconciler.take_up()
        for lamps in self.lamps:
            lamps.forget()
        self.reconciler.look_now.set()

    # --- calls that were ordered ---

    def begin_order(self, claim: OrderClaim) -> None:
        call = LiveCall(self.context, Handle(self.client, claim.call_id), "", claim.number, "")
        call.direction = CallDirection.OUT
        if claim.is_callback:
            call.is_callback, call.ringing = True, {claim.agent}
        self.begin(call, functools.partial(ordered, claim=claim))
