"""What is happening in calls and at phones, kept up to date from what the flows do and Asterisk reports.

Nothing is asked for: whoever changes something says that it may have changed (`Calls.on_change`, `Present.on_channel`
and `on_phone`, `DeafBrowsers.on_change`). A moment later, what is told of it is made anew from what it is by then, so
that it cannot drift away from the truth, and told on if it differs.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from ari_app.call.available import RINGING
from ari_app.call.call import AppContext, LiveCall
from ari_app.call.kept import InLine
from ari_app.call.legs import device_of
from ari_app.edge.present import Present
from ari_app.live import marks
from ari_app.recovery import call_of, is_voice_agent
from crm.domain.calls import CallDirection, CallStep
from crm.domain.errors import CrmError
from crm.edge.live_state import CallNow, LiveDelta, LiveWhole, PartyNow, PhoneNow
from crm.services.calls import ledger
from crm.services.calls.ledger import Begun

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
"""Changes within this time after others are told together: a step of a call consists of several."""


class LiveState:
    """Everything as it was told last."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._present: Present = context.client.present
        self.on_change: Callable[[LiveDelta], None] = lambda delta: None
        self.instance = uuid.uuid4().hex
        self.number = 0
        self.calls: dict[str, CallNow] = {}
        self.phones: dict[str, PhoneNow] = {}
        self.on_stray: Callable[[str], None] = lambda channel_id: None
        """Called with the id of a listener's channel that has come up."""
        self._begun: dict[str, Begun] = {}
        """When the calls, and their steps, began."""
        self._steps: dict[str, CallStep | None] = {}
        self._channels: dict[str, tuple[str, str]] = {}
        """The call and the device of each channel that is up, by id."""
        self._legs: defaultdict[str, set[str]] = defaultdict(set)
        """Ids of the channels that were dialed for a call, by its id."""
        self._lines: defaultdict[str, set[str]] = defaultdict(set)
        """Ids of a phone's channels, by its slug."""
        self._to_read: set[str] = set()
        """Ids of calls that began before this app did."""
        self._stirred: set[str] = set()
        self._stirred_phones: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at = 0.0
        """On the loop's clock."""
        self._chores: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        context.calls.on_change = self._call
        context.deaf.on_change = self._phone
        self._present.on_phone = self._phone
        self._present.on_channel = self._channel

    @property
    def whole(self) -> LiveWhole:
        return LiveWhole(self.instance, self.number, tuple(self.calls.values()), tuple(self.phones.values()))

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        for chore in self._chores:
            chore.cancel()

    # --- what may have changed ---

    def _call(self, call_id: str) -> None:
        self._stirred.add(call_id)
        self._soon()

    def _phone(self, device: str) -> None:
        if not device.startswith("trunk-"):
            self._stirred_phones.add(device)
            self._soon()

    def _channel(self, channel_id: str) -> None:
        channel = self._present.channels.get(channel_id)
        if channel is None:
            call_id, device = self._channels.pop(channel_id, ("", ""))
            _discard(self._legs, call_id, channel_id)
            _discard(self._lines, device, channel_id)
        elif channel_id in self._channels:
            call_id, device = self._channels[channel_id]
        else:
            if marks.is_listener(channel_id):
                self.on_stray(channel_id)
            if not channel.name.startswith("PJSIP/"):
                return
            call_id = call_of(channel_id)
            device = channel.endpoint
            if device.startswith("trunk-") and not is_voice_agent(channel_id):
                device = device_of(channel_id)  # An agent's mobile.
            self._channels[channel_id] = call_id, device
            if call_id != channel_id and not is_voice_agent(channel_id):
                self._legs[call_id].add(channel_id)
            self._lines[device].add(channel_id)
        self._phone(device)
        # A channel that came from another call names that one.
        own = self._context.calls.of_channel(channel_id) if call_id not in self._context.calls else None
        self._call(own.id if own else call_id)

    def _soon(self) -> None:
        if self._timer is None:
            # At once after a pause, and then now and then.
            self._timer = self._loop.call_at(self._looked_at + GATHER_SECONDS, self._look)

    # --- what is told ---

    def _look(self) -> None:
        self._timer, self._looked_at = None, self._loop.time()
        stirred, self._stirred = self._stirred, set()
        phones, self._stirred_phones = self._stirred_phones, set()
        told: list[CallNow] = []
        gone: list[str] = []
        for id in sorted(stirred):
            call = self._context.calls.get(id)
            now = self.described(call) if call else None
            if now is None:
                self._begun.pop(id, None)
                self._steps.pop(id, None)
                if self.calls.pop(id, None):
                    gone.append(id)
            elif self.calls.get(id) != now:
                self.calls[id] = now
                told.append(now)
        told_phones: list[PhoneNow] = []
        phones_gone: list[str] = []
        for device in sorted(phones):
            phone = self.described_phone(device)
            if phone is None:
                if self.phones.pop(device, None):
                    phones_gone.append(device)
            elif self.phones.get(device) != phone:
                self.phones[device] = phone
                told_phones.append(phone)
        if self._to_read:
            reading = asyncio.create_task(self._read_since(frozenset(self._to_read)))
            self._to_read.clear()
            self._chores.add(reading)
            reading.add_done_callback(self._chores.discard)
        if told or gone or told_phones or phones_gone:
            self.number += 1
            self.on_change(LiveDelta(self.number, tuple(told), tuple(gone), tuple(told_phones), tuple(phones_gone)))

    def described(self, call: LiveCall) -> CallNow:
        """A call as it is now."""
        begun, known = self._since(call), call.reception
        person = known.person if known else None
        parts = {call.person.id, *([call.peer_leg] if call.peer_leg else [])}
        kind = call.decided.kind.value if call.decided else ""
        return CallNow(
            call.id,
            call.direction.value,
            call.step.value if call.step else "",
            begun.step_at,
            begun.at,
            did=call.did,
            line=known.line_label if known else "",
            source=known.source if known else "",
            property=known.property_slug if known else "",
            property_id=known.property_id if known else None,
            property_name=known.property_name if known else "",
            number=call.shown or "",
            name="" if call.is_withheld or known is None else known.lead_name or known.contact_name,
            lead_id=person.lead.id if person and person.lead else None,
            kind=kind,
            parties=tuple(self._parties(call)),
            is_waiting=call.is_waiting or call.wait is not None,
            is_on_hold=not parts.isdisjoint(self._context.client.on_hold),
            is_recorded=call.recording is not None,
            is_callback=call.is_callback,
            is_emergency=call.emergency is not None and call.emergency.rings_through,
            slot=call.parked_at,
        )

    def described_phone(self, device: str) -> PhoneNow | None:
        """A phone as it is now; None if there is nothing to say of it."""
        present = self._present
        states = [
            present.channels[id].state
            for id in self._lines.get(device, ())
            if id in present.channels and id not in present.ending
        ]
        now = PhoneNow(
            device,
            device in present.online,
            any(state in RINGING for state in states),
            any(state not in RINGING for state in states),
            device in self._context.deaf,
        )
        return None if now == PhoneNow(device) or not device else now

    def _parties(self, call: LiveCall) -> list[PartyNow]:
        """Our phones in a call: those that have it first."""
        present = self._present
        found: dict[str, PartyNow] = {}

        def add(channel_id: str, state: str) -> None:
            channel = present.channels.get(channel_id)
            device = self._channels.get(channel_id, ("", ""))[1] or device_of(channel_id)
            if channel and not device.startswith("trunk-") and device and device not in found:
                found[device] = PartyNow(device, state, call.rung.get(channel_id, ""))

        has_it = "talks" if call.step is CallStep.TALK else "waits"
        if call.peer_leg:
            add(call.peer_leg, has_it)
        for channel in (call.person, call.channel):
            is_ours = call.direction is not CallDirection.IN and not channel.endpoint.startswith("trunk-")
            if is_ours and channel.endpoint:
                add(channel.id, "dials" if call.step is CallStep.DIALLING else has_it)
        for id in sorted(self._legs.get(call.id, ())):
            leg = present.channels.get(id)
            if leg and leg.state in RINGING and id not in present.ending:
                add(id, "rings")
        return [*found.values(), *(PartyNow(device, "listens") for device in sorted(call.listeners))]

    def _since(self, call: LiveCall) -> Begun:
        now = self._context.now()
        begun = self._begun.get(call.id)
        if begun is None:
            begun = Begun(now, now)
            if call.is_resumed:
                self._to_read.add(call.id)
        elif call.step is not (before := self._steps.get(call.id)):
            # A call that is resumed goes on with the step it was in.
            goes_on = call.is_resumed and before is None and begun.step in ("", call.step)
            begun = begun if goes_on else Begun(begun.at, now)
        if call.step is CallStep.QUEUE and isinstance(call.kept, InLine):
            begun = Begun(begun.at, datetime.fromtimestamp(call.kept.since, UTC))
        self._begun[call.id], self._steps[call.id] = begun, call.step
        return begun

    async def _read_since(self, ids: Collection[str]) -> None:
        """Since when calls that began before this app did are going on, and in their steps."""
        try:
            found = await self._context.store.read(ledger.begun, ids)
        except (CrmError, TimeoutError) as error:
            log.warning("since when calls are going on is not known: %s", error)
            return
        for id, begun in found.items():
            if known := self._begun.get(id):
                goes_on = self._steps.get(id) in (None, begun.step)
                self._begun[id] = begun if goes_on else Begun(begun.at, known.step_at)
                self._call(id)


def _discard(index: defaultdict[str, set[str]], key: str, id: str) -> None:
    if key in index:
        index[key].discard(id)
        if not index[key]:
            del index[key]
