"""Dials an outside number, through one trunk after another. It needs a clearance (`crm.services.phones.dialing`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from ari_app.call import kept
from ari_app.call.call import LEG_MARK, AppContext
from ari_app.call.legs import new_leg
from ari_app.call.ringing_leg import REDIRECTIONS, dial_status
from ari_app.edge import dial as ringing
from ari_app.edge import events
from ari_app.edge.channel import NORMAL, Handle
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp, PhoneError
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.dialing import Clearance, DialPurpose, Route
from crm.services.phones import dialing

log = logging.getLogger(__name__)

LAST_TRUNK_PATIENCE = 3
"""Factor by which the last trunk may be silent longer, since there is none after it."""
ANSWERS = frozenset({404, 410, 480, 484, 485, 486, 487, 600, 603, 604, 607, 608})
"""SIP answers (RFC 3261, 8197, 8688) about the person or the number, which would be the same through every trunk. All
others are about the trunk: 3xx wants another address dialed, which nothing does; 401 and 403 reject us; 408 and 5xx
mean that it cannot take the call now."""


class NotReached(PhoneError):
    """No outside phone answered, or no trunk could take the call."""

    def __init__(self, status: DialStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class _TrunkFailed(NotReached):
    """This trunk did not take the call; another may."""


async def dial(
    context: AppContext,
    clearance: Clearance,
    *,
    call_id: str,
    caller_id: str,
    leg_stage: str,
    variables: Mapping[str, str] | None = None,
    device: str = "",
    agent: str = "",
    on_ringing: Callable[[], None] | None = None,
    stopped_as: Callable[[], DialStatus] = lambda: DialStatus.CANCEL,
) -> Handle:
    """Dials through the clearance's trunks in order, and returns the answered channel, which is in the app.

    `caller_id` is our line (E.164). If a trunk answers 503 or the like, or does not respond to the INVITE at all, the
    next one is tried; busy or no such number counts as an answer. Raises NotReached if nobody answers within
    `dialing.ring_seconds`.

    When cancelled, it hangs up and records the status that `stopped_as` returns at that moment, since its caller may
    know that nobody answered in time. `device` and `agent` say whose number it is, if it belongs to one of our people;
    `on_ringing` is called when the phone rings.

    If `variables` contain LL_CALLER (a channel's name), somebody who answers while the app is away is connected to that
    channel; LL_CONFIRM says whether they have to press a digit first.
    """
    failed: NotReached | None = None
    routes = await _offline_last(context.client, clearance.routes)
    for route in routes:
        leg_id = new_leg(call_id, device or f"trunk-{route.trunk}")
        leg = OutsideLeg(context, leg_id, call_id, on_ringing, stopped_as)
        rang = LegRang(
            f"{call_id}/{leg_id}",
            call_id,
            context.now(),
            leg_id,
            device or f"trunk-{route.trunk}",
            agent,
            leg_stage,
            clearance.number,
        )
        context.journal.append(rang)
        patience = context.config.dialing.silent_trunk_seconds * (LAST_TRUNK_PATIENCE if route is routes[-1] else 1)
        try:
            return await leg.answered(patience, leg.originate(route, caller_id, variables or {}))
        except _TrunkFailed as error:
            log.warning("a trunk did not take the call", extra={"trunk": route.trunk, "reason": str(error)})
            failed = error
    assert failed is not None
    raise NotReached(failed.status, str(failed))


async def adopt(context: AppContext, leg_id: str, call_id: str) -> Handle:
    """Continues to wait for a leg that was dialed before the app was away. Raises NotReached."""
    return await OutsideLeg(context, leg_id, call_id).answered(None)


async def clear(context: AppContext, number: str, purpose: DialPurpose, *, agent: str, call_id: str) -> Clearance:
    """Permission to dial a number now (`crm.services.phones.dialing.clear`); `agent` is "" for the office itself.
    Raises DialRefused, NotFound, Unavailable, TimeoutError."""
    channels = (await context.client.seen()).channels.values()
    live = sum(LEG_MARK in channel.id and channel.endpoint.startswith("trunk-") for channel in channels)
    async with asyncio.timeout(context.config.survival.store_seconds):
        return await dialing.clear(
            context, number=number, purpose=purpose, agent=agent or None, call_id=call_id, live=live
        )


class OutsideLeg:
    """A number dialed through one trunk."""

    def __init__(
        self,
        context: AppContext,
        leg_id: str,
        call_id: str,
        on_ringing: Callable[[], None] | None = None,
        stopped_as: Callable[[], DialStatus] = lambda: DialStatus.CANCEL,
    ) -> None:
        self._context = context
        self._call_id = call_id
        self._on_ringing = on_ringing
        self._stopped_as = stopped_as
        self._channel = Handle(context.client, leg_id)
        self._has_rung = False
        self._was_up = False

    async def originate(self, route: Route, caller_id: str, variables: Mapping[str, str]) -> None:
        named = dict.fromkeys(kept.VARIABLES, "") | {"LL_CALL": self._call_id, "LL_CALLER": ""} | dict(variables)
        try:
            state = await ringing.dial(
                self._channel,
                self._context.ami,
                route.endpoint,
                then="outside-leg",
                caller_id=f'"" <{route.shown(caller_id)}>',
                # The app ends the ringing itself; this is in case it is away by then.
                seconds=round(self._context.config.dialing.ring_seconds) + RINGS_ON_SECONDS,
                variables=named,
            )
        except AsteriskRefused as refused:
            self._over(DialStatus.CHANUNAVAIL)
            raise _TrunkFailed(DialStatus.CHANUNAVAIL, f"trunk {route.trunk} could not be dialed") from refused
        self._now(state)

    async def answered(self, patience: float | None, dialled: Awaitable[None] | None = None) -> Handle:
        """The channel, once somebody has answered. `patience` is how long the trunk may be completely silent after
        `dialled` is done."""
        try:
            async with asyncio.timeout(self._context.config.dialing.ring_seconds):
                if dialled:
                    await dialled
                if patience is not None:
                    if await self._is_answered(patience):
                        return self._channel
                    if not self._has_rung and not await self._trunk_has_spoken():
                        await self._hang_up(DialStatus.CONGESTION)
                        raise _TrunkFailed(DialStatus.CONGESTION, f"the trunk said nothing within {patience:g} s")
                elif await ringing.is_answered(self._channel, self._context.ami):
                    return self._channel
                await self._is_answered(None)
                return self._channel
        except TimeoutError:
            await self._hang_up(DialStatus.NOANSWER)
            raise NotReached(DialStatus.NOANSWER, "nobody answered") from None
        except HungUp as ended:
            # If the far end gave no error, they had answered, and were gone before we noticed.
            is_answered = (self._was_up or ended.cause == int(NORMAL)) and not ended.sip_status
            is_refused = is_answered or ended.sip_status in REDIRECTIONS
            status = DialStatus.CONGESTION if is_refused else dial_status(ended)
            self._over(status)
            kind = NotReached if ended.sip_status in ANSWERS or not ended.sip_status else _TrunkFailed
            raise kind(status, f"SIP {ended.sip_status}") from ended
        except NotReached:
            raise
        except asyncio.CancelledError:
            await self._hang_up(self._stopped_as())
            raise
        except PhoneError:
            await self._hang_up(DialStatus.CANCEL)
            raise

    async def _is_answered(self, seconds: float | None) -> bool:
        """Waits for the answer; returns False if it does not come in time. Raises HungUp."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    match await self._channel.next_event():
                        case events.StasisStart(channel=channel):
                            self._channel.name = channel.name
                            return True
                        case events.ChannelStateChange(channel=channel):
                            self._now(channel.state)
        except TimeoutError:
            return False

    def _now(self, state: str) -> None:
        self._was_up = self._was_up or state == "Up"
        if state == "Ringing":
            self._has_rung = True
            if self._on_ringing:
                self._on_ringing()

    async def _trunk_has_spoken(self) -> bool:
        """Whether anything was received for the INVITE, if only 100 Trying.

        Asterisk keeps a leg's latest SIP answer; for a leg without any, the request fails with 500 (seen on 22.10.1).
        """
        try:
            answer = await self._context.client.get(
                f"{self._channel.path}/variable", variable=f"HANGUPCAUSE({self._channel.name},tech)"
            )
        except ChannelGone:
            return True  # Its last event says what became of it.
        except AsteriskRefused:
            return False
        return str(answer.get("value", "")).startswith("SIP ")

    async def _hang_up(self, status: DialStatus) -> None:
        # Even if the task is being cancelled: no phone must be left ringing.
        with contextlib.suppress(PhoneError):
            await asyncio.shield(self._channel.hang_up())
        self._over(status)

    def _over(self, status: DialStatus) -> None:
        self._channel.release()
        fact_id = f"{self._call_id}/leg-ended-{self._channel.id}"
        self._context.journal.append(LegEnded(fact_id, self._call_id, self._context.now(), self._channel.id, status))


async def _offline_last(client: AriClient, routes: tuple[Route, ...]) -> list[Route]:
    """Puts trunks that do not answer OPTIONS last: they are tried if all others fail, since they may be back."""
    if len(routes) < 2:
        return list(routes)
    online = (await client.seen()).online
    return sorted(routes, key=lambda route: f"trunk-{route.trunk}" not in online)
