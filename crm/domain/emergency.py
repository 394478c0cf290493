"""Emergency calls: which trunks they use, what the office is told about them, and who may be calling back. Pure.

The dialplan connects them alone (context emergency in asterisk_conf/templates/extensions.conf.j2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from crm.domain import invite
from crm.domain.route_inputs import CallerKind

TEST = "933"
"""A test number that reads back the location the carrier has for the phone; nobody needs help."""


@dataclass(frozen=True)
class EmergencyTrunk:
    """What matters about a trunk here."""

    trunk: str
    """Slug."""
    position: int
    outbound: bool
    emergency: bool


def ways_out(trunks: Iterable[EmergencyTrunk]) -> tuple[str, ...]:
    """The trunks of an emergency call, in order: those marked for it, else those for calls of ours, else all there are.

    `trunks` are those in use.
    """
    ordered = sorted(trunks, key=lambda way: (way.position, way.trunk))
    chosen = [way for way in ordered if way.emergency] or [way for way in ordered if way.outbound] or ordered
    return tuple(way.trunk for way in chosen)


def office_number(callback_numbers: Sequence[str], lines: Sequence[str]) -> str:
    """What a phone without a location shows: the first location's number, else the first line's; "" with neither.

    An extension of the office's own phone system would tell the emergency service nothing.
    """
    return next((number for number in (*callback_numbers, *lines) if number.startswith("+")), "")


# --- who calls its callback number afterwards ---


@dataclass(frozen=True)
class PossibleService:
    """What the office knows of somebody who calls the callback number of an emergency call."""

    colleague: str = ""
    """Slug of the agent whose mobile it is; empty: of none."""
    contact: CallerKind | None = None
    """On the list of contacts as this."""
    lead_since: datetime | None = None
    """When their guest card was made; None: there is none."""
    has_called_back: bool = False
    """They were already taken for the emergency service before."""


def why_not_the_service(
    caller: PossibleService, dialled: Iterable[tuple[str, str]], *, line_known: bool, before: datetime
) -> str:
    """Why a caller is not the emergency service calling back, as a sentence; "" whenever they may be.

    `dialled` is each number dialed with where in the INVITE it is (DidSource). `before` is when, at the earliest, the
    emergency call was made: the service itself may have become a lead since, and by an earlier emergency call, too.
    Vendors may be anybody, such as the fire department. A number that is none of our lines has nothing else to offer.
    """
    if not line_known:
        return ""
    if caller.colleague:
        return f"The call comes from {caller.colleague}'s mobile, not from the emergency service."
    if caller.contact in (CallerKind.RESIDENT, CallerKind.OWNER):
        return f"The caller is a known {caller.contact}, not the emergency service."
    if caller.lead_since is not None and caller.lead_since < before and not caller.has_called_back:
        return "The caller was a lead before the emergency call, so this is not the emergency service."
    if diverted := invite.diverted_from(dialled):
        return f"The caller dialed {diverted}, which is forwarded here, and not the callback number."
    return ""


# --- what the office is told ---

LATE = timedelta(minutes=1)
"""Notices that go out later than this say why."""


@dataclass(frozen=True)
class EmergencyNews:
    """An emergency call as the office is told about it."""

    dialled: str
    who: str
    """The agent's name; empty when the phone is nobody's."""
    device: str
    address: str
    """Empty when the phone has no location."""
    callback_number: str
    """As people read it; empty when the office has none."""
    started_at: datetime

    @property
    def is_test(self) -> bool:
        return self.dialled == TEST


def notice(call: EmergencyNews, tz: tzinfo, now: datetime) -> tuple[str, str]:
    """Subject and text of what the office is told: who, from where, when, and how to reach them."""
    at = call.started_at.astimezone(tz)
    phone = f"{call.who} ({call.device})" if call.who else call.device
    subject = f"Test of the emergency line by {phone}" if call.is_test else f"EMERGENCY CALL by {phone}"
    said = [
        f"{'TEST of the emergency line' if call.is_test else 'EMERGENCY CALL'}: {phone} dialed {call.dialled} "
        f"at {at:%H:%M} on {at:%Y-%m-%d}.",
        f"Location: {call.address}." if call.address else "Location: unknown; none is set for the phone.",
        f"Callback number: {call.callback_number}." if call.callback_number else "There is no callback number.",
    ]
    if now - call.started_at > LATE:
        said.append(
            f"This notice was delayed until {now.astimezone(tz):%H:%M}, because part of the phone system was down."
        )
    return subject, " ".join(said)
