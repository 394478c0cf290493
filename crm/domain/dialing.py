"""May this number be dialed outside, and by which trunks? The one check for every forwarding and every call of ours.

A `Clearance` is its answer, and the only place where a dial string for outside is made: who has none cannot dial.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crm.domain import fields
from crm.domain.errors import CrmError

LOOPBACK_TRUNK = "demo-call"
"""The trunk through which `leaseline demo call` reaches an office that is no demo. It leads nowhere: nothing is dialed
or texted by it."""


DIALING = ("allowed", "none")
"""Whether an agent may dial outside numbers, and be forwarded to one."""
TRANSPORTS = ("udp", "tcp", "tls")
"""How a trunk is reached."""
AUTHS = ("address", "digest")
"""How its peer proves who it is."""


class DialRefused(CrmError):
    """The number may not be dialed; nothing was."""


class DialPurpose(StrEnum):
    """What a number is dialed for."""

    FORWARD = "forward"
    """An agent's mobile, for a call to them."""
    OFFICE = "office"
    """The number that all leasing calls are forwarded to."""
    ANSWERING = "answering"
    """The answering service, when nobody here answers."""
    DESK = "desk"
    """An agent dialed it on their phone."""
    ORDER = "order"
    """`leaseline call start`, a call back, and the like."""
    TRANSFER = "transfer"
    ESCALATION = "escalation"
    """An agent's mobile, about a voicemail that nobody has taken."""


TO_PEOPLE = frozenset({DialPurpose.DESK, DialPurpose.ORDER, DialPurpose.TRANSFER})
"""The other purposes reach our own agents, who have not opted out of anything."""


class NumberStyle(StrEnum):
    """How a trunk wants numbers written."""

    PLUS = "plus"
    """+15125550100, which is E.164 (RFC 3966)."""
    DIGITS = "digits"
    """15125550100"""
    NATIONAL = "national"
    """5125550100, and 011 in front of numbers outside North America."""


@dataclass(frozen=True)
class DialRules:
    """The settings in `[dialing]` that decide."""

    countries: frozenset[str]
    """ISO 3166."""
    allowed_prefixes: tuple[str, ...] = ()
    """Beginnings of E.164 numbers that are allowed whatever country they are in."""
    blocked_prefixes: tuple[str, ...] = ()
    live: int = 0
    """Talks with outside at a time; this and the next two: 0 is no limit."""
    per_day: int = 0
    per_agent_per_day: int = 0


@dataclass(frozen=True)
class DialRequest:
    """What is known about a number that somebody wants dialed."""

    typed: str
    """As a person or a setting wrote it."""
    number: str | None
    """E.164; None when it is no phone number."""
    purpose: DialPurpose
    country: str = ""
    """ISO 3166; 001 for a number of no country, such as a satellite's; empty when unknown."""
    is_costly: bool = False
    """The numbering plan has it as premium rate, shared cost or the like."""
    is_our_line: bool = False
    agent: str | None = None
    may_dial: bool = True
    """The agent's own permission."""
    opted_out: str = ""
    """How the person asked not to be called; empty when they did not."""
    live: int = 0
    today: int = 0
    today_by_agent: int = 0


@dataclass(frozen=True)
class OutboundTrunk:
    """A trunk for calls out."""

    trunk: str
    """Slug."""
    host: str
    """Name or IPv4 address."""
    port: int = 5060
    transport: str = "udp"
    """udp, tcp or tls."""
    style: NumberStyle = NumberStyle.PLUS

    def to(self, number: str) -> str:
        """The dial string. It names the peer's address, because the trunk's name alone fails while the peer does not
        answer SIP OPTIONS, which many carriers never do."""
        transport = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"PJSIP/trunk-{self.trunk}/sip:{written(number, self.style)}@{self.host}:{self.port}{transport}"


@dataclass(frozen=True)
class Route:
    """One trunk to try, with the dial string."""

    trunk: str
    endpoint: str
    """E.g. PJSIP/trunk-acme/sip:+15125550100@sip.example.com:5060."""
    style: NumberStyle = NumberStyle.PLUS

    def __post_init__(self) -> None:
        if not _DIAL_STRING.fullmatch(self.endpoint):
            raise ValueError("a dial string may only hold a number and a trunk")

    def shown(self, line: str) -> str:
        """Our line's number as this trunk wants a caller ID."""
        return written(line, self.style)


@dataclass(frozen=True)
class Clearance:
    """Permission to dial one number, once."""

    number: str
    """E.164."""
    ways: tuple[OutboundTrunk, ...]
    """In the order they are tried; at least one."""
    caller_id: str
    """Our line that is shown: the agent's property's, or the one the person knows."""
    routes: tuple[Route, ...] = field(init=False)

    def __post_init__(self) -> None:
        routes = tuple(Route(way.trunk, way.to(self.number), way.style) for way in self.ways)
        object.__setattr__(self, "routes", routes)


_DIAL_STRING = re.compile(
    r"PJSIP/trunk-[a-z][a-z0-9-]{0,39}/sip:\+?[0-9]{2,40}@[A-Za-z0-9.-]{1,200}:[0-9]{1,5}(;transport=(tcp|tls))?",
    re.ASCII,
)
_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}", re.ASCII)

SPECIAL_PREFIXES = ("+1900", "+1500", "+1700", "+1710", "+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979")
"""Pay-per-call, personal and carriers' own numbers of North America (900, 500, 700), its government's 710; shared cost,
satellites, worldwide networks and premium rate that belong to no country (ITU-T E.164, list of assigned codes)."""
_PAY_PER_CALL = re.compile(r"\+1[2-9][0-9]{2}976[0-9]{4}", re.ASCII)
"""Exchange 976 of any North American area code."""


def is_emergency(typed: str) -> bool:
    """Whether this looks like an emergency number, of this country or another."""
    digits = re.sub(r"[^0-9]", "", typed)
    return digits in fields.EMERGENCY_STARTS or digits in fields.EMERGENCY


def refused_destination(number: str, country: str, rules: DialRules, *, is_costly: bool) -> DialRefused | None:
    """Why neither calls nor texts of ours go to this number (E.164); None when they may."""
    if is_costly or number.startswith(SPECIAL_PREFIXES) or _PAY_PER_CALL.fullmatch(number):
        return DialRefused("That is a premium-rate number, so it is blocked.", code="dial_costly")
    if rules.blocked_prefixes and number.startswith(rules.blocked_prefixes):
        return DialRefused("Numbers that begin like this one are blocked in the settings.", code="dial_prefix_blocked")
    is_excepted = bool(rules.allowed_prefixes) and number.startswith(rules.allowed_prefixes)
    if country not in rules.countries and not is_excepted:
        return DialRefused("Numbers in that country or area are not allowed in the settings.", code="dial_country")
    return None


def refusal(ask: DialRequest, rules: DialRules) -> DialRefused | None:
    """Why the number may not be dialed; None when it may."""
    if is_emergency(ask.typed):
        return DialRefused(
            "Emergency numbers are dialed on a phone and go out directly; Leaseline does not dial them for anybody.",
            code="dial_emergency",
        )
    if ask.number is None:
        return DialRefused(
            "That is not a phone number: dial ten digits, or, for another country, 011 and the country code.",
            code="dial_no_number",
        )
    if ask.is_our_line:
        return DialRefused(
            "That number is one of our own lines: choose one that does not lead back here.", code="dial_our_line"
        )
    if ask.agent is not None and not ask.may_dial:
        return DialRefused(
            f"{ask.agent} may not dial outside numbers: an admin can allow it.",
            code="dial_not_permitted",
            agent=ask.agent,
        )
    if refused := refused_destination(ask.number, ask.country, rules, is_costly=ask.is_costly):
        return refused
    if ask.opted_out and ask.purpose in TO_PEOPLE:
        return DialRefused(f"This person has asked not to be called: {ask.opted_out}.", code="dial_opted_out")
    if rules.live and ask.live >= rules.live:
        return DialRefused(
            f"{ask.live} outside calls are in progress, which is the limit: try again when one has ended.",
            code="dial_limit_live",
            live=ask.live,
        )
    if rules.per_day and ask.today >= rules.per_day:
        return DialRefused(
            f"The office has reached its limit of {rules.per_day} outside calls a day.",
            code="dial_limit_day",
            most=rules.per_day,
        )
    if ask.agent is not None and rules.per_agent_per_day and ask.today_by_agent >= rules.per_agent_per_day:
        return DialRefused(
            f"{ask.agent} has reached the limit of {rules.per_agent_per_day} outside calls a day.",
            code="dial_limit_agent",
            most=rules.per_agent_per_day,
            agent=ask.agent,
        )
    return None


def in_order(trunks: Sequence[tuple[int, OutboundTrunk]]) -> tuple[OutboundTrunk, ...]:
    """The trunks for calls of ours, each given with its position; the lowest position first, then by name."""
    return tuple(way for _, way in sorted(trunks, key=lambda one: (one[0], one[1].trunk)))


def written(number: str, style: NumberStyle) -> str:
    """A number as a trunk wants it, digits and + only. A line that is an extension of the office's system stays."""
    digits = re.sub(r"[^0-9]", "", number)
    if not number.startswith("+"):
        return digits
    if style is NumberStyle.PLUS:
        return f"+{digits}"
    if style is NumberStyle.NATIONAL:
        return digits[1:] if _NORTH_AMERICAN.fullmatch(f"+{digits}") else f"011{digits}"
    return digits
