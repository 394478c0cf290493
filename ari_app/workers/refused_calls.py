"""Callers whom Asterisk's SIP stack refuses, or ignores while it is overloaded, before there is a channel.

Nothing in ARI, AMI, CEL or CDR reports them (seen on 22.10.1), so the app reads copies of the SIP messages
(ari_app/edge/hep.py). With the app away, nothing does.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ari_app.edge import hep
from ari_app.edge.hep import InviteAnswer
from crm.context import Crm
from crm.domain import invite
from crm.domain.errors import Unavailable
from crm.services.calls import refusals
from crm.services.calls.journal import Journal
from crm.services.people import blocking
from crm.services.phones import trunks
from crm.services.routing import arrivals
from crm.services.routing.arrivals import Arrival
from crm.store.models import Trunk
from crm.worker import Troubles, repeat

PATIENCE = timedelta(seconds=8)
"""How long a refused caller has to get through after all: after 420 and 422, a carrier sends the INVITE again as we
asked, and after 488 perhaps another way."""
REFUSED = (420, 422, 488)
"""Answers that Asterisk gives before there is a channel, and that are no part of the way to one."""
LOOK_SECONDS = 1.0
MOST_WAITING = 500
"""For all trunks, within PATIENCE; many times what is put on record."""
MINUTE = timedelta(minutes=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Refused:
    answer: InviteAnswer
    arrival: Arrival
    at: datetime


class RefusedCalls:
    def __init__(self, crm: Crm, journal: Journal) -> None:
        self._crm, self._journal = crm, journal
        self._invites = hep.Invites(invite.HEADERS, crm.secrets.ensure("hep"), self._wants)
        self._waiting: dict[str, _Refused] = {}
        """The first refusal of each call, by Call-ID."""
        self._recent: dict[str, list[datetime]] = {}
        """When calls were put on record within the last minute, by trunk."""
        self._trunks: Sequence[Trunk] = ()
        """As last read from the database."""

    async def run(self, troubles: Troubles) -> None:
        """Listens until it is cancelled; retries while another program has the port."""
        async with contextlib.AsyncExitStack() as listening:
            is_listening = False

            async def look() -> None:
                nonlocal is_listening
                if not is_listening:
                    # Read before listening: the end may come at any moment, and then nothing can be read.
                    with contextlib.suppress(Unavailable):
                        self._trunks = await self._crm.store.read(trunks.find_all)
                    port = self._crm.config.ports.hep
                    await listening.enter_async_context(hep.listening(port, self._invites, self.heard))
                    is_listening = True
                await self.look(self._crm.now())

            try:
                await repeat("callers whom SIP refuses", look, LOOK_SECONDS, troubles)
            finally:
                # Those who remain have had less time than they were due, but the next app will not know about them.
                self._put_on_record(self._waiting, {}, self._crm.now())

    def _wants(self, status: int) -> bool:
        """Whether `heard` does anything about an answer with this status."""
        return status in REFUSED or (status < 300 and bool(self._waiting))

    def heard(self, answer: InviteAnswer) -> None:
        """Called when an INVITE was answered."""
        if answer.status in REFUSED:
            is_new = answer.call not in self._waiting and len(self._waiting) < MOST_WAITING
            # Our own calls out are refused, too, but they have a channel.
            if is_new and answer.way.is_in((self._crm.config.ports.sip, self._crm.config.ports.sips)):
                arrival = arrivals.of_headers(self._crm.config, answer.uri, answer.headers)
                self._waiting[answer.call] = _Refused(answer, arrival, self._crm.now())
        elif answer.status < 300 and self._waiting:
            # At least it rings: the call has a channel and a record.
            caller = arrivals.of_headers(self._crm.config, answer.uri, answer.headers).caller
            self._waiting = {
                call: one
                for call, one in self._waiting.items()
                if call != answer.call and (caller is None or one.arrival.caller != caller)
            }

    async def look(self, now: datetime) -> None:
        """Puts callers on record who have not got through in time."""
        await self._find_ignored(now)
        due = {call: one for call, one in self._waiting.items() if one.at + PATIENCE <= now}
        if not due:
            return
        entries = {}
        try:
            self._trunks = await self._crm.store.read(trunks.find_all)
            for call, one in due.items():
                entries[call] = await self._entry(one.arrival, now)
        except Unavailable:
            # They are put on record with the trunks known from before; the journal waits for the database.
            if not self._trunks:
                return
        beyond = self._put_on_record(due, entries, now)
        with contextlib.suppress(Unavailable):
            for trunk, status in beyond.items():
                await self._crm.store.run(refusals.tell, self._crm.config, trunk, status, now)

    async def _find_ignored(self, now: datetime) -> None:
        """Finds callers whose INVITE Asterisk has not answered in any way, unless their carrier has since found another
        way."""
        for answer in self._invites.unanswered():
            if not answer.way.is_in((self._crm.config.ports.sip, self._crm.config.ports.sips)):
                continue
            arrival, since = arrivals.of_headers(self._crm.config, answer.uri, answer.headers), now - hep.GIVEN_UP
            is_through = False
            with contextlib.suppress(Unavailable):
                if arrival.caller:
                    is_through = await self._crm.store.read(refusals.has_called_since, arrival.caller, since)
            if not is_through:
                self._waiting[answer.call] = _Refused(answer, arrival, since)

    async def _entry(self, arrival: Arrival, now: datetime) -> str:
        """The entry of the block list that excludes the caller; "" if there is none."""
        decision = await self._crm.store.read(
            blocking.verdict,
            self._crm.config,
            caller=arrival.caller,
            is_withheld=arrival.is_withheld,
            did=arrival.did,
            attestation=arrival.attestation,
            now=now,
        )
        return decision.entry if decision.is_blocked else ""

    def _put_on_record(self, due: Mapping[str, _Refused], entries: Mapping[str, str], now: datetime) -> dict[str, int]:
        """Emits the facts about callers who came through one of our trunks. Returns the trunks with more callers than
        are recorded, each with one of their statuses."""
        beyond = {}
        for call, one in list(due.items()):
            self._waiting.pop(call, None)
            trunk = trunks.whose_call(self._trunks, one.answer.way.source, one.answer.user)
            if trunk is None:
                continue
            recent = [at for at in self._recent.get(trunk, ()) if now - at < MINUTE]
            if len(recent) < refusals.PER_MINUTE:
                recent.append(now)
                log.info("a caller was refused by SIP", extra={"status": one.answer.status, "trunk": trunk})
                for fact in refusals.facts(one.arrival, call, trunk, one.answer.status, entries.get(call, ""), one.at):
                    self._journal.append(fact)
            else:
                beyond[trunk] = one.answer.status
            self._recent[trunk] = recent
        return beyond
