"""Resumes calls after the app was away, and makes up for events that were missed: what Asterisk and the record have is
compared with the flows."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from ari_app import heartbeat, leftovers, recovery, signs
from ari_app.call import kept
from ari_app.call.call import BRIDGE_MARK, AppContext, LiveCall
from ari_app.edge import events
from ari_app.edge.channel import Handle
from ari_app.edge.errors import ChannelGone, HungUp
from ari_app.flows import steps
from ari_app.flows.plan import answers_from
from ari_app.recovery import Resumed
from ari_app.witness import Witness
from ari_app.workers.crowding import Crowding
from ari_app.workers.escalation import Escalations
from crm.domain.calls import ORDER_MARK, CallDirection, CallStep, DialStatus, LegEnded
from crm.services.calls import ledger, spool
from crm.services.phones.emergencies import EmergencyNotifier
from crm.services.texts.inbox import Inbox
from crm.store.changes import Standstill

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often Asterisk's channels are compared with what we know, besides events."""
ASKED_AGAIN_SECONDS = 20.0
"""Longest time without asking the database for open calls, while anything is written."""
LOGGING_SECONDS = 30.0
"""Asterisk's log of a call that it handled alone is complete this long after the call's end, or lost, as on a full
disk."""


class Beginner(Protocol):
    """What begins calls: `App`."""

    def arrives(self, channel: events.Channel, args: list[str], *, is_late: bool = False) -> bool: ...

    def begin(self, call: LiveCall, flow: steps.Flow) -> None: ...

    def call_of(
        self,
        channel: events.Channel,
        did: str,
        trunk: str,
        said: str,
        withheld: str,
        handle: Handle | None = None,
        id: str = "",
    ) -> LiveCall: ...

    def chore(self, work: Any) -> None: ...


class Reconciler:
    def __init__(
        self, context: AppContext, app: Beginner, inbox: Inbox, notifier: EmergencyNotifier, escalations: Escalations
    ) -> None:
        self._context = context
        self._app = app
        self._inbox = inbox
        self._notifier = notifier
        self._escalations = escalations
        self._crowding = Crowding(context, context.client)
        self._witness = Witness()
        self.look_now = asyncio.Event()
        """Set when there may be something without a flow, so that it does not have to wait for the next look."""
        self._asterisk_since: datetime | None = None
        """When the Asterisk that we talk to was started; older calls died with the one before."""
        self._last_seen = heartbeat.last_sign(context.config)
        """The last sign of life of the app that ran before this one."""
        self._none_open: int | None = None
        """How many facts the journal had taken when no call was open; None: one was."""
        self._asked_at = 0.0
        self._still = Standstill(context.store.changes)
        self._looking = asyncio.Lock()
        self._unattended: dict[str, float] = {}
        """Since when there have been channels in the app without a flow, and records without an end, by id."""

    async def take_up(self) -> None:
        """Resumes every call in the step it was in; done at each connection to Asterisk, since events were missed."""
        with self._context.calls.looking():
            async with self._looking:
                await self._context.client.look()  # New calls wait for this.
                tasks = self._context.calls.tasks
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._context.journal.taken_over()
                self._asterisk_since = await self._context.client.started_at()
                channels = await self._context.client.channels()
                await self._recover(channels, self._waiting(channels))

    async def look(self) -> None:
        """Looks for what no event reported, every LOOK_SECONDS. Raises PhoneError, CrmError, OSError."""
        if self._context.client.connected.is_set():
            async with self._looking:
                await self._look()

    async def _look(self) -> None:
        """Compares Asterisk and the record with our flows.

        Imports what Asterisk logged about calls it handled alone, resumes callers whom a failed request left without a
        flow, and closes the records of calls that ended unobserved. What is found unattended is acted on only if it
        still is at a later look, because events and facts about it may be on their way.
        """
        context, journal = self._context, self._context.journal
        channels = await context.client.look()
        present = recovery.present(channels)
        # If Asterisk died while we were away, the last sign of life before us is the only known time.
        died_at = context.client.lost_at or self._last_seen
        await spool.import_all(
            context.config,
            journal,
            present,
            context.now(),
            on_gone=self._witness.gone,
            died_at=died_at,
        )
        self._inbox.look_now.set()
        self._notifier.channels = {channel.id for channel in channels}
        self._notifier.look_now.set()
        waiting = self._waiting(channels)
        is_recorded = journal.pending == 0
        open_calls = await self._open_calls()
        gone = [id for id in open_calls if id not in present and id not in context.calls]
        self._witness.seen(present, open_calls if is_recorded else None)
        for fact in self._witness.facts(open_calls, context.client.connected_at):
            journal.append(fact)
        at = time.monotonic()
        self._unattended = {id: self._unattended.get(id, at) for id in (*(channel.id for channel in waiting), *gone)}
        due = {id for id, since in self._unattended.items() if at - since >= LOOK_SECONDS / 2}
        await self._recover(channels, [channel for channel in waiting if channel.id in due])
        await self._remove_bridges()
        up = {*present, *context.calls.ids}
        await leftovers.keep_talks(context.config, journal, context.client, up, context.now)
        for call_id in gone:
            if call_id in due:
                is_cut = bool(self._asterisk_since and open_calls[call_id] < self._asterisk_since)
                is_late = at - self._unattended[call_id] > LOGGING_SECONDS
                is_unlogged = is_late and not spool.has_entries(context.config, call_id)
                ended_at = self._witness.ended_at(
                    call_id,
                    open_calls[call_id],
                    context.now(),
                    died_at=died_at if is_cut else None,
                    last_seen=self._last_seen,
                )
                await leftovers.close(
                    context.config, journal, call_id, ended_at, is_cut=is_cut, is_unlogged=is_unlogged
                )
        await leftovers.keep_voicemails(context.config, journal, context.client, {*up, *open_calls}, context.now())
        await self._crowding.look(channels)

    async def _open_calls(self) -> dict[str, datetime]:
        """Calls without an end on record. While no fact comes, there are still none if there were none."""
        context, taken = self._context, self._context.journal.taken
        at, now, state = time.monotonic(), self._context.now(), self._still.state()
        is_new = at - self._asked_at < ASKED_AGAIN_SECONDS
        if self._none_open == taken and (is_new or self._still.lasts(state, now)):
            return {}
        is_recorded = context.journal.pending == 0
        found = await context.store.read(ledger.open_calls, context.config)
        self._none_open, self._asked_at = (taken if is_recorded and not found else None), at
        self._still.looked(state, now, None)
        return found

    def _waiting(self, channels: list[events.Channel]) -> list[events.Channel]:
        """Channels in the app that no flow works with."""
        return [
            channel
            for channel in recovery.in_app(channels)
            if recovery.call_of(channel.id) not in self._context.calls
            and self._context.calls.of_channel(channel.id) is None
            and recovery.call_of(channel.id) not in self._calling
        ]

    @property
    def _calling(self) -> set[str]:
        """Calls that go on no more, for which phones ring, or are answered."""
        return {*self._escalations.calling, *self._context.calls.heard}

    async def _recover(self, channels: list[events.Channel], waiting: list[events.Channel]) -> None:
        """Carries out the decision about channels that wait without a flow, and about phones whose call is gone."""
        found: dict[str, tuple[Handle, dict[str, str]]] = {}
        for channel in waiting:
            handle = Handle(self._context.client, channel.id, channel.name)  # subscribes before it asks
            try:
                known = await handle.variables(*kept.VARIABLES)
            except HungUp:
                handle.release()
                continue
            if not known.get("LL_STEP") and not recovery.is_leg(channel):
                # It has not begun its first step yet.
                handle.release()
                if self._app.arrives(channel, recovery.arguments(channel), is_late=True):
                    continue
                handle = Handle(self._context.client, channel.id, channel.name)
            found[channel.id] = handle, known
        states = {channel_id: known for channel_id, (_, known) in found.items()}
        flows = [*self._context.calls.ids, *self._calling]
        found_again = recovery.recover(channels, states, flows, self._context.calls.held)
        for entry in found_again.resumed:
            handle, known = found.pop(entry.channel.id)
            call = self._resumed(entry, handle, known)
            self._context.calls.returns(call, entry.step)
            self._app.chore(signs.renew_one(self._context, call.person))
            for leg in channels:
                if leg.id in entry.legs and leg.state == "Up":
                    # Somebody may be hearing who is calling.
                    self._app.chore(self._context.ami.limit(leg.name, self._context.config.survival.deadman_seconds))
            self._app.begin(call, functools.partial(steps.resume, step=entry.step))
        for handle, _ in found.values():
            handle.release()
        for orphan in found_again.orphans:
            await stop_leg(self._context, orphan)
        if found_again.resumed or found_again.orphans:
            log.info("recovered", extra={"resumed": len(found_again.resumed), "orphans": len(found_again.orphans)})

    def _resumed(self, entry: Resumed, handle: Handle, known: dict[str, str]) -> LiveCall:
        """The call as it was before the app was away."""
        if (direction := recovery.direction(known)) is CallDirection.IN:
            did, trunk, said, withheld = (
                known.get(name, "") for name in ("LL_DID", "LL_TRUNK", "LL_SAID", "LL_WITHHELD")
            )
            call = self._app.call_of(entry.channel, did, trunk, said, withheld, handle, entry.call_id)
            call.back_to = known.get("LL_BACK_TO", "")
        else:
            call = LiveCall(
                self._context,
                handle,
                known.get("LL_DID", ""),
                known.get("LL_NUMBER") or None,
                known.get("LL_TRUNK", ""),
                direction=direction,
                is_on_record=entry.step is not CallStep.ARRIVED,
                id=entry.call_id,
            )
        call.is_resumed = True
        call.adopted_legs = list(entry.legs)
        call.peer_leg = entry.peer
        call.kept = kept.read(entry.step, direction, entry.stage)
        call.answers = answers_from(known.get("LL_KEYS", ""))
        call.transferrer = entry.peer_name
        return call

    async def _remove_bridges(self) -> None:
        """Removes the empty bridges of talks that ended, or continued in the dialplan, without us."""
        for bridge in await self._context.client.get("/bridges"):
            call_id = bridge["id"].removeprefix(BRIDGE_MARK)
            if call_id != bridge["id"] and not bridge["channels"] and call_id not in self._context.calls:
                with contextlib.suppress(ChannelGone):
                    await self._context.client.delete(f"/bridges/{quote(bridge['id'], safe='')}")


async def stop_leg(context: AppContext, leg_id: str) -> None:
    """Ends an agent's channel that no flow works with."""
    leg = Handle(context.client, leg_id)
    try:
        await leg.hang_up()
    finally:
        leg.release()
    call_id = recovery.call_of(leg_id)
    if call_id.startswith(ORDER_MARK) or recovery.is_voice_agent(leg_id):
        # The agent may never have answered; then there is no call to record anything about. The voice agent's is no
        # phone's.
        return
    context.journal.append(LegEnded(f"{call_id}/leg-ended-{leg_id}", call_id, context.now(), leg_id, DialStatus.CANCEL))
