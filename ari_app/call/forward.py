"""Calls that ring outside numbers: an agent's mobile, with or after their other phones, or one number instead of the
team."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from ari_app.call import outside
from ari_app.call.available import availability
from ari_app.call.call import LiveCall
from ari_app.call.confirm import ConfirmChoice
from ari_app.call.legs import adopted_leg, confirmation, confirmed_by
from ari_app.call.ringing_leg import Confirmation, RingingLeg
from ari_app.edge.channel import Handle
from ari_app.edge.errors import HungUp
from ari_app.edge.media import stop_left_over
from crm.domain.calls import DialStatus
from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.errors import CrmError
from crm.domain.ringing import Mobile, OutsideNumber, StageName

log = logging.getLogger(__name__)

NO_WAY = (DialStatus.CHANUNAVAIL, DialStatus.CONGESTION)
"""Nobody was even rung: there is no such number, or no trunk took the call."""


_PURPOSES = {StageName.ANSWERING.value: DialPurpose.ANSWERING}


class Forwarded(RingingLeg):
    """An outside number that rings for a call. It has no channel until it is answered."""

    def __init__(self, call: LiveCall, stage: str, to: OutsideNumber) -> None:
        self._call = call
        self._stage = stage
        self.to = to
        self._alone = asyncio.Event()
        self._stopped_as = DialStatus.CANCEL
        """The status to record if it is stopped while being dialed."""
        self.failure = ""
        """Why the number could not be rung, as one sentence."""
        device, agent = (to.device, to.agent) if isinstance(to, Mobile) else ("", "")
        super().__init__(None, device, agent, confirmation(call, agent) if to.confirm else None)

    async def _wait(self) -> DialStatus:
        if isinstance(self.to, Mobile):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.to.after_seconds):
                    await self._alone.wait()
            if not await self._may_ring():
                return DialStatus.CHANUNAVAIL
        try:
            self._channel = await self._dial()
        except DialRefused as refused:
            self.failure = str(refused)
            log.warning("a number that calls are forwarded to is not dialed: %s", refused)
            return DialStatus.CHANUNAVAIL
        except (CrmError, TimeoutError):
            # Nothing is dialed without the check.
            self.failure = "The database did not answer, so the number could not be checked before dialing."
            return DialStatus.CHANUNAVAIL
        except outside.NotReached as not_reached:
            if not_reached.status in NO_WAY:
                self.failure = f"The number could not be reached ({not_reached})."
            return not_reached.status
        return DialStatus.ANSWER

    async def _may_ring(self) -> bool:
        """Checked again: since the stage began, the agent may have taken another call or turned DND on."""
        context = self._call.context
        agents = await availability(context, [self.agent])
        return any(one.device == self.device for agent in agents for one in agent.reachable_devices(context.now()))

    async def _dial(self) -> Handle:
        call, context, is_mobile = self._call, self._call.context, isinstance(self.to, Mobile)
        purpose = DialPurpose.FORWARD if is_mobile else _PURPOSES.get(self._stage, DialPurpose.OFFICE)
        clearance = await outside.clear(context, self.to.number, purpose, agent=self.agent, call_id=call.id)
        return await outside.dial(
            context,
            clearance,
            call_id=call.id,
            caller_id=call.did if call.did.startswith("+") else clearance.caller_id,
            leg_stage=self._stage,
            device=self.device,
            agent=self.agent,
            variables={"LL_CALLER": call.person.name, **confirmed_by(self.agent, confirm=self.to.confirm)},
            stopped_as=lambda: self._stopped_as,
        )

    def hurry(self, ringing: Iterable[RingingLeg]) -> None:
        """Rings at once if no other phone of its agent is ringing any more."""
        if not any(leg.agent == self.agent and not isinstance(leg, Forwarded) for leg in ringing):
            self._alone.set()

    def leave(self) -> None:
        """Keeps a phone that has answered. One that is still being dialed is hung up, since no later app could continue
        that."""
        self.answer.cancel()
        if self.has_channel:
            self.channel.release()

    async def stop(self, cause: str, told: str = "") -> None:
        if not self.has_channel:
            # The code that dials records the status: unanswered, unless a colleague was first or the caller hung up.
            self._stopped_as = DialStatus.CANCEL if told else DialStatus.NOANSWER
            self.answer.cancel()
            await asyncio.gather(self.answer, return_exceptions=True)
        if self._channel is not None:
            await super().stop(cause, told)


async def adopt(call: LiveCall, leg_id: str) -> RingingLeg:
    """A leg that has been ringing since before the app was away. If it was answered, the person hears the whisper
    again."""
    channel = Handle(call.context.client, leg_id)
    try:
        known = await channel.variables("LL_CONFIRM", "LL_AGENT")
    except HungUp:
        known = {}  # The leg itself finds out what became of it.
    finally:
        channel.release()
    agent = known.get("LL_AGENT", "")
    # An outside number without that variable is assumed to need a confirmation.
    confirms = known.get("LL_CONFIRM", "1" if "trunk-" in leg_id else "0") == "1"
    return adopted_leg(call, leg_id, agent, _again(confirmation(call, agent)) if confirms else None)


def _again(first: Confirmation) -> Confirmation:
    async def confirm_again(channel: Handle) -> ConfirmChoice:
        # Requests to the channel would wait for what is still playing.
        await stop_left_over(channel)
        return await first(channel)

    return confirm_again
